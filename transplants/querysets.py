"""Every filtered read of reservations. `visible_to` is the only way for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q

from bank.choices import LEFT, TAKEN, UnitStatus
from bank.querysets import not_blocked
from core.roles import Permission
from hospitals.choices import PatientState
from hospitals.querysets import OfHospital, qualified_on
from matching.choices import RequestState
from transplants.choices import GRACE, OPEN, ReservationState

if TYPE_CHECKING:
    from transplants.models import Reservation


# Of the unit of a reservation: it can be given to who waits; it lies ready for who has it.
FREE = not_blocked("unit__") & Q(unit__status=UnitStatus.LISTED)
READY = not_blocked("unit__") & Q(unit__status=UnitStatus.RESERVED)


class ReservationQuerySet(OfHospital):
    """Members see what their hospitals asked for; bank staff who may see reservations all of them."""

    _view = Permission.RESERVATION_VIEW

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def active(self) -> Self:
        return self.filter(state=ReservationState.ACTIVE)

    def asked(self) -> Self:
        return self.filter(state=ReservationState.ASKED)

    def with_names(self) -> Self:
        """For lists: unit, patient and hospital without a query per row."""
        return self.select_related("unit__bank", "patient", "hospital", "request", "asked_by")

    def with_promise(self) -> Self:
        """Adds is_promised (the unit is another's), is_first (nobody asked before), is_free (it can be given now)."""
        rows = self.model._default_manager.filter(unit=OuterRef("unit")).exclude(pk=OuterRef("pk"))
        earlier = Q(asked_at__lt=OuterRef("asked_at")) | Q(
            asked_at=OuterRef("asked_at"), pk__lt=OuterRef("pk")
        )
        return self.annotate(
            is_promised=Exists(rows.active()),
            is_first=~Exists(rows.asked().filter(earlier)),
            is_free=ExpressionWrapper(FREE, output_field=BooleanField()),
        )

    def to_decide(self) -> Self:
        """The first wish for each unit that is there to be given."""
        return self.asked().with_promise().filter(FREE, is_first=True, is_promised=False)

    def to_move_up(self, today: dt.date) -> Self:
        """Of these, those whose hospital reserves itself: no coordinator is needed."""
        return self.to_decide().filter(
            qualified_on(today, "hospital__"),
            hospital__active=True,
            hospital__self_service_reservation=True,
        )

    def to_tell_free(self) -> Self:
        """First wishes whose unit became free, of which neither hospital nor bank was told."""
        return self.to_decide().filter(free_told_at__isnull=True)

    def over(self, today: dt.date) -> Self:
        """Active ones whose last day has passed and that no order took further."""
        return self.active().filter(until__lt=today).exclude(unit__status__in=TAKEN)

    def ending(self, today: dt.date, days: int) -> Self:
        """Active ones that end within so many days, of which the hospital was not warned yet."""
        last = today + dt.timedelta(days=days)
        warned = Q(warned_for__isnull=False, warned_for=F("until"))
        rows = self.active().filter(until__gte=today, until__lte=last)
        return rows.exclude(warned).exclude(unit__status__in=TAKEN)

    def without_need(self, now: dt.datetime) -> Self:
        """Open ones whose patient waits no more, for so long that it was no slip; wishes of hospitals that ended."""
        gone = Q(patient__deactivated_at__lt=now - GRACE) & ~Q(patient__state=PatientState.ACTIVE)
        wish = Q(state=ReservationState.ASKED, hospital__active=False)
        return self.open().filter(gone | wish).exclude(unit__status__in=TAKEN)

    def without_unit(self) -> Self:
        """Open ones whose unit will never be given to anybody."""
        return self.open().filter(unit__status__in=LEFT - {UnitStatus.INFUSED})

    def held(self) -> Self:
        """Active ones whose unit was put on hold or blocked since, of which the hospital does not know yet."""
        rows = self.active().filter(held_told_at__isnull=True)
        return rows.exclude(READY).exclude(unit__status__in=TAKEN)

    def unheld(self) -> Self:
        """Active ones of which the hospital knows that the unit is held, and it is no more."""
        return self.active().filter(READY, held_told_at__isnull=False)

    def unfollowed(self) -> Self:
        """Active ones whose match request does not say so: it was being searched when the unit was reserved."""
        return self.active().filter(request__state=RequestState.SEARCHED)

    def line_of(self, unit_id: UUID) -> Self:
        """Who waits for a unit, first come first."""
        return self.asked().filter(unit=unit_id).order_by("asked_at", "pk")

    def of_unit(self, unit_id: UUID) -> Reservation | None:
        """The promise of a unit, if there is one."""
        found: Reservation | None = self.active().filter(unit=unit_id).first()
        return found
