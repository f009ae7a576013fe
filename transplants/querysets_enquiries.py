"""Every filtered read of enquiries. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.db.models import F, Q

from core.roles import Permission
from hospitals.choices import PatientState
from hospitals.querysets import OfHospital, hospitals_open_to
from transplants.choices import GRACE
from transplants.choices_enquiries import EnquiryState, Side

if TYPE_CHECKING:
    from core.models import User


def side_of(user: User) -> Side:
    """For whom a person speaks here: one with a role of the bank that answers, for the bank."""
    is_bank = hospitals_open_to(user, Permission.ENQUIRY_ANSWER) is None
    return Side.BANK if is_bank else Side.HOSPITAL


class EnquiryQuerySet(OfHospital):
    """Members see the enquiries of their hospitals, bank staff who may see enquiries all of them."""

    _view = Permission.ENQUIRY_VIEW

    def open(self) -> Self:
        return self.filter(state=EnquiryState.OPEN)

    def waiting_for(self, side: Side) -> Self:
        return self.open().filter(waits_for=side)

    def unseen_by(self, side: Side) -> Self:
        """With a message, an answer or an end that nobody of this side has opened."""
        seen = "bank_seen_at" if side == Side.BANK else "hospital_seen_at"
        return self.filter(Q(**{f"{seen}__isnull": True}) | Q(**{f"{seen}__lt": F("last_at")}))

    def overdue(self, today: dt.date) -> Self:
        return self.open().filter(due_on__lt=today)

    def to_remind(self, today: dt.date) -> Self:
        """Overdue ones of which nobody was reminded today."""
        return self.overdue(today).filter(Q(reminded_on__isnull=True) | Q(reminded_on__lt=today))

    def without_need(self, now: dt.datetime) -> Self:
        """Open ones whose patient waits no more, for so long that it was no slip."""
        gone = ~Q(patient__state=PatientState.ACTIVE) & Q(patient__deactivated_at__lt=now - GRACE)
        return self.open().filter(gone)

    def with_names(self) -> Self:
        return self.select_related("patient", "hospital", "unit__bank", "asked_by", "owner")


class OfEnquiry(OfHospital):
    """As visible as the enquiry."""

    _hospital = "enquiry__hospital"
    _view = Permission.ENQUIRY_VIEW


class EnquiryFileQuerySet(OfHospital):
    _hospital = "message__enquiry__hospital"
    _view = Permission.ENQUIRY_VIEW

    def light(self) -> Self:
        """Without the content, which only who fetches the file needs."""
        return self.defer("content")
