"""Orders: asked for, changed, approved, declined, withdrawn; the export permit. Signatures: services_signing.

Each is one transaction: locks (transplants.moving), guards, change, audit entry, then the notices.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.services_documents import content_type_of, guard_size
from bank.writing import locked_unit
from core import audit, notifications
from core.audit import Actor
from core.crypto import decrypt_bytes, encrypt_bytes
from core.errors import Conflict, InvalidInput
from core.models import User
from hospitals.models import Department
from transplants import notices_orders as notices
from transplants import orders_guards as guards
from transplants import prescription, writing
from transplants.checklist import checks_of
from transplants.checks import Check, Stage, refusal
from transplants.choices_orders import Meaning, OrderState
from transplants.models import ExportPermit, Order, PermitFile, Reservation
from transplants.moving import LockedOrder, guard_state, locked_order, record, save, step
from transplants.numbers import ORDER, next_number
from transplants.order_signatures import RELEASES, make_void, standing
from transplants.prescription import Prescription
from transplants.writing import given_reason

LONGEST_PERMIT: Final = 60
LONGEST_AUTHORITY: Final = 120


@dataclass(frozen=True, kw_only=True)
class OrderWish:
    """What a hospital orders, by the reservation of the unit. order_id: of the form: a double click is one order."""

    reservation_id: UUID
    prescribed: Prescription
    order_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Permit:
    """What stands on it. document: the file, PDF or picture; b"" where none is at hand."""

    permit_no: str
    authority: str
    country: str
    valid_until: dt.date
    document: bytes = b""


@transaction.atomic
def order_ask(*, wish: OrderWish, user: User) -> Order:
    """Order the unit that is kept for a patient. It stays reserved until the bank approves.

    Raises NotAllowed, InvalidInput, or Conflict: no promise that holds, a unit that is held, an open order of it.
    """
    held = _locked_promise(wish.reservation_id)
    guards.guard_ask(user, held.row.hospital_id)
    if known := _sent_before(wish, user):
        return known
    guards.guard_patient(held.patient)
    if not held.row.is_open:
        raise writing.ended(held.row)
    guards.guard_promise(held.row)
    _guard_one_open(held)
    given = prescription.cleaned(wish.prescribed)
    prescription.guard_department(given, held.row.hospital_id)
    row = Order(
        id=_new_id(wish.order_id),
        reservation=held.row,
        unit=held.unit,
        patient=held.patient,
        hospital=held.patient.hospital,
        asked_by=user,
        number=next_number(ORDER, timezone.localdate().year),
        **asdict(given),
    )
    row.save(force_insert=True)
    record(row, "order.ask", Actor.user(user), after={"unit": row.unit.public_no, **_told(given)})
    notifications.notifications_create(notices=notices.asked(row, but=user))
    return row


@transaction.atomic
def order_amend(
    *, order_id: UUID, prescribed: Prescription, user: User, version: int | None = None, reason: str = ""
) -> Order:
    """Change the prescription until the unit is released; what the physician and the bank signed of it is void.

    version: as it was shown. Of an approved order a reason is needed. The same again changes nothing.
    """
    held = locked_order(order_id)
    row = held.row
    guards.guard_ask(user, row.hospital_id)
    guard_state(row, *guards.AMENDABLE)
    guards.guard_seen(row, version)
    guards.guard_patient(held.patient)
    reason = given_reason(reason) if row.state == OrderState.APPROVED else reason.strip()
    former = prescription.of_order(row)
    new = prescription.cleaned(prescribed, former)
    prescription.guard_department(new, row.hospital_id, former)
    before, after = audit.changes(_told(former), _told(new))
    if not after:
        return row
    save(row, {**asdict(new), "version": row.version + 1})
    void = standing(row, Meaning.PRESCRIPTION, *RELEASES)
    make_void(void, f"version {row.version}")
    record(row, "order.amend", Actor.user(user), before=before, after=after, reason=reason)
    notifications.notifications_create(notices=notices.amended(row, but=user))
    return row


@transaction.atomic
def order_approve(*, order_id: UUID, user: User, version: int | None = None) -> Order:
    """The bank prepares the unit: it is ordered, and no expiry frees it any more.

    Raises Conflict `not_ready` whose details name each check that keeps it back; NotAllowed `own_work` for the
    physician who signed the prescription.
    """
    guards.guard_approve(user)
    held = locked_order(order_id)
    guard_state(held.row, OrderState.ASKED)
    guards.guard_not_prescriber(user, held.row)
    guards.guard_seen(held.row, version)
    guards.guard_patient(held.patient)
    guards.guard_promise(held.reservation)
    guard_checks([one for one in checks_of(held.row) if one.stage == Stage.APPROVE])
    actor = Actor.user(user)
    new = {"approved_by": actor.label[:200], "approved_by_user": user, "approved_at": timezone.now()}
    step(held, OrderState.APPROVED, actor=actor, action="order.approve", fields=new)
    notifications.notifications_create(notices=notices.approved(held.row, but=user))
    return held.row


def guard_checks(checks: Sequence[Check]) -> None:
    """Raises Conflict that lists what is not passed."""
    missing = [one for one in checks if not one.is_passed]
    if missing:
        text = _("Not everything is there yet: %(names)s. The list says what to do about each.")
        raise refusal("not_ready", text, missing)


@transaction.atomic
def order_decline(*, order_id: UUID, user: User, reason: str) -> Order:
    """The bank does not give the unit on this order; it stays reserved for the patient."""
    guards.guard_approve(user)
    held, reason = locked_order(order_id), given_reason(reason)
    guard_state(held.row, OrderState.ASKED)
    step(held, OrderState.DECLINED, actor=Actor.user(user), action="order.decline", reason=reason)
    notifications.notifications_create(notices=notices.declined(held.row, but=user))
    return held.row


@transaction.atomic
def order_withdraw(*, order_id: UUID, user: User, reason: str) -> Order:
    """Hospital or bank lets go of it before the release; the unit is reserved as before, while its time lasts."""
    held, reason = locked_order(order_id), given_reason(reason)
    guards.guard_withdraw(user, held.row)
    if held.row.state == OrderState.RELEASED:
        raise Conflict(
            "released_already",
            _("%(number)s is released already: the bank revokes the release first."),
            params={"number": held.row.number},
        )
    guard_state(held.row, OrderState.ASKED, OrderState.APPROVED)
    end_order(held, actor=Actor.user(user), reason=reason)
    notifications.notifications_create(notices=notices.withdrawn(held.row, but=user))
    return held.row


def end_order(held: LockedOrder, *, actor: Actor, reason: str) -> None:
    """Withdrawn, with whatever was signed for its release."""
    make_void(standing(held.row, *RELEASES), "withdrawn")
    step(held, OrderState.WITHDRAWN, actor=actor, action="order.withdraw", reason=reason)


@transaction.atomic
def permit_record(*, order_id: UUID, permit: Permit, user: User) -> ExportPermit:
    """Write down the permit by which the unit may leave the country, or a newer one in its place, with its document.

    Also of a released order: before the unit leaves, the checklist judges what is recorded then. Raises InvalidInput
    for a permit that is over, or names another country than the order.
    """
    guards.guard_approve(user)
    held = locked_order(order_id)
    guard_state(held.row, *guards.PERMITTABLE)
    if not prescription.is_abroad(held.row):
        raise Conflict("not_abroad", _("This unit stays in the country: it needs no export permit."))
    new = _permit_values(permit, held.row)
    added = _document_kept(held.row, str(new["permit_no"]), permit.document, user)
    known: ExportPermit | None = ExportPermit.objects.filter(order=held.row).first()
    was = {name: getattr(known, name) for name in new} if known else dict.fromkeys(new)
    before, after = audit.changes(was, new)
    if known and not after and not added:
        return known
    stamps = {"recorded_by": user, "recorded_at": timezone.now()}
    row: ExportPermit = ExportPermit.objects.update_or_create(order=held.row, defaults={**new, **stamps})[0]
    told = {**after, "document": added} if added else after
    record(held.row, "order.permit", Actor.user(user), before=before if known else None, after=told)
    return row


def _document_kept(row: Order, permit_no: str, data: bytes, user: User) -> str:
    """SHA-256 of the document that was added; "" where there is none, or it was kept before."""
    if not data:
        return ""
    try:
        guard_size(len(data))
        content_type = content_type_of(data)
    except InvalidInput as error:
        error.field = "document"
        raise
    found = hashlib.sha256(data).hexdigest()
    if PermitFile.objects.filter(order=row, permit_no=permit_no, sha256=found).exists():
        return ""
    PermitFile.objects.create(
        order=row,
        permit_no=permit_no,
        content_type=content_type,
        size_bytes=len(data),
        sha256=found,
        content=encrypt_bytes(data),
        added_by=user,
    )
    return found


@transaction.atomic
def permit_file_open(*, file: PermitFile, user: User) -> tuple[PermitFile, bytes]:
    """Its content; who took it away is on record. Raises Conflict where it is not what came."""
    row = PermitFile.objects.select_related("order__unit", "order__patient").get(pk=file.pk)
    data = decrypt_bytes(bytes(row.content))
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise Conflict("file_changed", _("This file is not what it was when it was added."))
    record(row.order, "order.permit_open", Actor.user(user), after={"file": str(row.pk)})
    return row, data


def _permit_values(permit: Permit, order: Order) -> dict[str, object]:
    permit_no = permit.permit_no.replace("\0", "").strip()
    authority = permit.authority.replace("\0", "").strip()
    for name, text, longest in (
        ("permit_no", permit_no, LONGEST_PERMIT),
        ("authority", authority, LONGEST_AUTHORITY),
    ):
        if not 0 < len(text) <= longest:
            raise InvalidInput(
                "missing",
                _("Write it as it stands on the permit, in at most %(n)d characters."),
                field=name,
                params={"n": longest},
            )
    if permit.valid_until < timezone.localdate():
        raise InvalidInput(
            "permit_over", _("This permit is not valid any more: ask for a new one."), field="valid_until"
        )
    country = permit.country.strip().upper()
    if country != order.country:
        raise InvalidInput(
            "permit_country",
            _("The unit goes to %(country)s: a permit that names another country does not serve."),
            field="country",
            params={"country": order.country},
        )
    return {
        "permit_no": permit_no,
        "authority": authority,
        "country": country,
        "valid_until": permit.valid_until,
    }


# --- parts ----------------------------------------------------------------------------------------


def _locked_promise(reservation_id: UUID) -> writing.Locked:
    """Also of one that has ended: who sent the same form twice is told of the order that came of it."""
    where = Reservation.objects.filter(pk=reservation_id).values_list("patient", "unit").get()
    patient = writing.locked_patient(where[0])
    unit = locked_unit(where[1])
    rows = Reservation.objects.select_related("hospital", "request")
    row: Reservation = rows.select_for_update(no_key=True, of=("self",)).get(pk=reservation_id)
    row.patient, row.unit = patient, unit
    return writing.Locked(row, patient, unit)


def _sent_before(wish: OrderWish, user: User) -> Order | None:
    """What this very form ordered before; an id of somebody else's tells nothing."""
    if wish.order_id is None:
        return None
    rows = Order.objects.select_related("patient", "unit", "hospital")
    mine = rows.filter(pk=wish.order_id, reservation=wish.reservation_id, asked_by=user)
    found: Order | None = mine.first()
    return found


def _new_id(wanted: UUID | None) -> UUID:
    return uuid4() if wanted is None or Order.objects.filter(pk=wanted).exists() else wanted


def _guard_one_open(held: writing.Locked) -> None:
    other: Order | None = Order.objects.open().filter(unit=held.unit).first()
    if other is not None and other.hospital_id != held.row.hospital_id:
        text = _("%(unit)s is not on offer now.")
        raise Conflict("unit_blocked", text, params={"unit": held.unit.public_no})
    if other is not None:
        raise Conflict(
            "ordered_already",
            _("%(unit)s is ordered already: %(number)s."),
            params={"unit": held.unit.public_no, "number": other.number},
        )


def _told(given: Prescription) -> dict[str, object]:
    """As the trail says it: a department by its name."""
    told = {**asdict(given), "weight_kg": f"{given.weight_kg.normalize():f}"}
    key = told.pop("department_id")
    found = Department.objects.filter(pk=key).first() if key else None
    return told | {"department": found.name if found is not None else ""}
