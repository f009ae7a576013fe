"""Who may do what with an order, and when: asked by the services, and by the pages before they offer a button."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from bank import promises
from bank.choices import UnitStatus
from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.models import Patient
from hospitals.querysets import hospitals_open_to, open_in
from transplants import order_signatures
from transplants.choices_orders import UNIT_IN, Meaning, OrderState
from transplants.models import Order, Reservation

# While the bank has not released the unit, the prescription may still change; what was signed of it is void then.
AMENDABLE: Final = (OrderState.ASKED, OrderState.APPROVED)
# A permit may end while a released unit waits for its shipment: a newer one takes its place until the unit leaves.
PERMITTABLE: Final = (*AMENDABLE, OrderState.RELEASED)


def speaks_for_bank(user: User, permission: Permission) -> bool:
    """By a role of the bank: one who also works in a hospital does too."""
    return hospitals_open_to(user, permission) is None


def may_ask(user: User, hospital_id: UUID) -> bool:
    return open_in(user, Permission.ORDER_ASK, hospital_id)


def may_prescribe(user: User, hospital_id: UUID) -> bool:
    """A physician of that hospital; nobody prescribes for a hospital of others."""
    return hospital_id in user.hospital_ids and open_in(user, Permission.ORDER_PRESCRIBE, hospital_id)


def may_approve(user: User) -> bool:
    return speaks_for_bank(user, Permission.ORDER_APPROVE)


def may_release(user: User) -> bool:
    return speaks_for_bank(user, Permission.ORDER_RELEASE)


def not_allowed() -> NotAllowed:
    return NotAllowed("not_yours", _("You may not do this with this order."))


def guard_ask(user: User, hospital_id: UUID) -> None:
    if not may_ask(user, hospital_id):
        raise not_allowed()


def guard_prescribe(user: User, hospital_id: UUID) -> None:
    if not may_prescribe(user, hospital_id):
        raise NotAllowed("may_not_prescribe", _("Only a physician of the hospital signs the prescription."))


def guard_approve(user: User) -> None:
    if not may_approve(user):
        raise not_allowed()


def prescribed_it(user: User, row: Order) -> bool:
    """Whether the person's signature stands under the prescription."""
    return any(one.signed_by_id == user.pk for one in order_signatures.standing(row, Meaning.PRESCRIPTION))


def guard_not_prescriber(user: User, row: Order) -> None:
    if prescribed_it(user, row):
        raise NotAllowed(
            "own_work", _("You signed this prescription yourself. Somebody else must approve the order.")
        )


def guard_release(user: User) -> None:
    if not may_release(user):
        raise not_allowed()


def guard_withdraw(user: User, row: Order) -> None:
    if not may_approve(user) and not may_ask(user, row.hospital_id):
        raise not_allowed()


def guard_patient(patient: Patient) -> None:
    if not patient.is_active:
        raise Conflict(
            "patient_inactive",
            _("%(patient)s is not active: nothing is ordered for this patient."),
            params={"patient": patient.code},
        )
    if not patient.hospital.active:
        raise Conflict("hospital_inactive", _("This hospital is not active; it may order no unit."))


def guard_promise(row: Reservation) -> None:
    """The unit is kept for this patient, and lies ready."""
    if not row.is_active:
        raise Conflict(
            "not_reserved",
            _("%(number)s is “%(state)s”: only a unit that is kept for the patient can be ordered."),
            params={"number": row.number, "state": row.get_state_display()},
        )
    promises.guard_promisable(row.unit)
    if row.unit.status != UnitStatus.RESERVED:
        raise Conflict(
            "unit_not_ready",
            _("%(unit)s is “%(status)s” and cannot be ordered now."),
            params={"unit": row.unit.public_no, "status": UnitStatus(row.unit.status).label},
        )


def lies_ready(row: Order) -> bool:
    """The unit is in the state that the order says, and no flag keeps it back."""
    unit = row.unit
    return unit.status == UNIT_IN.get(OrderState(row.state)) and not unit.blocks


def guard_seen(row: Order, version: int | None) -> None:
    """version: of the prescription as it was shown; None where nothing was, as by the API."""
    if version is not None and version != row.version:
        raise Conflict(
            "changed_meanwhile",
            _("The prescription of %(number)s was changed since you opened this page. Read it again."),
            params={"number": row.number},
        )
