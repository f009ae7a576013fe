"""Incidents of a shipment: what was found of it is opened, or noted in the one that is open, and both sides are told.

Not services of their own: called inside the transaction of what found it, after every row is locked.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from core import notifications
from core.models import User
from transplants.choices_incidents import IncidentKind
from transplants.choices_orders import Answer
from transplants.incidents import Found, opened_or_extended
from transplants.models import LoggerFile, Receipt
from transplants.shipping import LockedShipment


def deviation(found: LockedShipment, what: str) -> Found:
    title = _("Deviation at the receipt of %(number)s")
    return _found(found, IncidentKind.DEVIATION, title % {"number": found.row.number}, what)


def warm(found: LockedShipment, file: LoggerFile, receipt: Receipt | None) -> Found:
    """Whatever else was said of the shipment: a temperature above the limit is an incident."""
    title = _("Temperature of %(number)s above the limit")
    what = warm_text(file)
    if receipt is not None and receipt.temperature_held == Answer.YES:
        what = f"{what} {_('The hospital had confirmed that the temperature held.')}"
    return _found(found, IncidentKind.DEVIATION, title % {"number": found.row.number}, what)


def warm_back(found: LockedShipment, max_c: float) -> Found:
    """After the receipt, until the unit was back in the bank."""
    title = _("Temperature of %(number)s above the limit")
    text = _("On its way back the unit was above the limit: %(max)s °C.")
    what = text % {"max": f"{max_c:.1f}"}
    return _found(found, IncidentKind.DEVIATION, title % {"number": found.row.number}, what)


def read_anew(found: LockedShipment, former: LoggerFile, fresh: LoggerFile) -> Found:
    """A reading that was too warm is void now: it stays known to both sides, with who and why."""
    title = _("Temperature of %(number)s above the limit")
    text = _("A reading of %(max)s °C at most is void (%(why)s). Read anew, the same file says: %(verdict)s.")
    what = text % {
        "max": f"{former.max_c:.1f}",
        "why": former.void_reason,
        "verdict": fresh.get_verdict_display(),
    }
    return _found(found, IncidentKind.DEVIATION, title % {"number": found.row.number}, what)


def warm_text(file: LoggerFile) -> str:
    text = _("The temperature record shows %(max)s °C at most, limit %(limit)s °C; above it %(minutes)s min.")
    return text % {
        "max": f"{file.max_c:.1f}",
        "limit": f"{file.limit_c:g}",
        "minutes": f"{file.minutes_above:.0f}",
    }


def blocked(found: LockedShipment) -> Found:
    """The hospital took a unit that must not be used."""
    title = _("%(unit)s was received though it must not be used: %(why)s")
    why = ", ".join(map(str, found.unit.block_labels))
    text = title % {"unit": found.unit.public_no, "why": why}
    return _found(found, IncidentKind.EVENT, text, text)


def _found(found: LockedShipment, kind: IncidentKind, title: str, what: str) -> Found:
    row = found.row
    return Found(
        kind=kind,
        title=title,
        what=what,
        units=[found.unit],
        hospital=row.hospital,
        patient=found.held.patient,
        order=found.held.row,
    )


def tell(findings: Sequence[Found], notices: list[notifications.Notice], user: User) -> None:
    """The incidents, and all who are told of them and of the shipment, locked at once."""
    with notifications.kept_back() as told:
        for one in findings:
            opened_or_extended(one, user=user)
        notifications.notifications_create(notices=notices)
    notifications.notifications_create(notices=told)
