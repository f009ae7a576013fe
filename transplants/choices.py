"""States and coded lists of reservations. Only services move a reservation."""

from __future__ import annotations

import datetime as dt

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ReservationState(TextChoices):
    """ASKED: the hospital waits, for the bank's word or for the unit to become free."""

    ASKED = "asked", pgettext_lazy("reservation", "Asked for")
    ACTIVE = "active", pgettext_lazy("reservation", "Reserved")
    DECLINED = "declined", pgettext_lazy("reservation", "Declined")
    CANCELLED = "cancelled", pgettext_lazy("reservation", "Cancelled")
    EXPIRED = "expired", pgettext_lazy("reservation", "Expired")
    ENDED = "ended", pgettext_lazy("reservation", "Ended")


_S = ReservationState
OPEN = frozenset({_S.ASKED, _S.ACTIVE})

# A patient made inactive by a slip keeps his units so long.
GRACE = dt.timedelta(hours=1)

# EMDIS messages that say the same (domain notes, workflow 3.2); an expiry is told by the status of the unit.
EMDIS: dict[str, str] = {
    _S.ASKED: "RSV_REQ",
    _S.ACTIVE: "RSV_RES CONFIRM=Y",
    _S.DECLINED: "RSV_RES CONFIRM=N",
    _S.CANCELLED: "REQ_CAN",
    _S.EXPIRED: "CBU_DIFF",
    _S.ENDED: "CBU_DIFF",
}

STATE_TONE: dict[str, str] = {
    _S.ASKED: "warn",
    _S.ACTIVE: "good",
    _S.DECLINED: "bad",
    _S.EXPIRED: "bad",
}


class Purpose(TextChoices):
    """What the unit is for; a patient may hold several."""

    GRAFT = "graft", _("The graft")
    DOUBLE = "double", _("One of two units")
    BACKUP = "backup", pgettext_lazy("reservation", "Backup")


class EndCause(TextChoices):
    """Why a reservation ended, for lists and figures; the words of a person stand beside it."""

    HOSPITAL = "hospital", _("by the hospital")
    BANK = "bank", _("by the bank")
    EXPIRED = "expired", _("its time was over")
    PATIENT = "patient", _("the patient is no longer waiting")
    UNIT = "unit", _("the unit left the inventory")
    INFUSED = "infused", _("the unit was infused")
    RETURNED = "returned", _("the unit came back or was lost")


# Bounds of what a bank may set as its rules; far beyond what any bank does.
MOST_DAYS = 365
MOST_EXTENSIONS = 10
MOST_OF_PATIENT = 20
MOST_PERCENT = 50
