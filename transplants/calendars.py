"""What stands in a person's calendar: days on which reservations end; other days join by `register`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from core import ical
from core.ical import Entry
from core.models import User
from core.roles import Permission
from transplants.models import Reservation

Provider = Callable[[User], Iterable[Entry]]
MOST = 1000  # of each sort, the soonest first
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Other days, such as those of expected infusions. Codes only: the calendar leaves the system."""
    if provider not in _providers:
        _providers.append(provider)


def calendar_of(user: User) -> bytes:
    """All that the person may see at this moment, in the language that is active."""
    entries = [entry for provider in _providers for entry in provider(user)]
    return ical.written(sorted(entries, key=lambda entry: (entry.day, entry.uid)), name="Qidai")


def reservation_ends(user: User) -> Iterable[Entry]:
    """The last day of each promise that holds."""
    if not user.has_permission(Permission.RESERVATION_VIEW):
        return []
    rows = Reservation.objects.visible_to(user).active().with_names().order_by("until", "pk")
    return [_entry(row) for row in rows[:MOST]]


def _entry(row: Reservation) -> Entry:
    """Unit, patient and hospital by their codes, and nothing else of them."""
    said = {
        "number": row.number,
        "unit": row.unit.public_no,
        "patient": row.patient.code,
        "hospital": row.hospital.code,
    }
    path = reverse("transplants:reservation-detail", args=[row.pk])
    assert row.until is not None  # an active one has an end: reservation_active_has_end
    return Entry(
        uid=f"reservation-{row.pk}@qidai",
        day=row.until,
        summary=_("%(unit)s for %(patient)s: last day of the reservation") % said,
        description=_(
            "Reservation %(number)s of hospital %(hospital)s. Order the unit, extend it or let it go."
        )
        % said,
        url=f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else "",
        changed_at=row.updated_at,
    )
