"""What happens to a shipment on its way and at its end: events, and the receipt by the hospital."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from transplants import moving, notices_shipments, shipment_incidents, shipping
from transplants.bag_code import names_unit
from transplants.choices_orders import (
    Acceptance,
    Answer,
    EventKind,
    FailureCause,
    LoggerVerdict,
    OrderState,
    ShipperPlace,
)
from transplants.logger_files import judge
from transplants.models import LoggerFile, Receipt, Shipment, ShipmentEvent, ShippingRules
from transplants.services_shipments import LONGEST_WAY, failed
from transplants.shipping import LockedShipment, guard_shipping, locked_shipment, text_of

ON_THE_WAY: Final = (
    EventKind.HANDOVER,
    EventKind.CUSTOMS,
    EventKind.REFILLED,
    EventKind.DELAYED,
    EventKind.OTHER,
)
# Of the shipper, or of a unit that comes back.
AFTERWARDS: Final = (EventKind.HANDOVER, EventKind.CUSTOMS, EventKind.RETURNED, EventKind.OTHER)
ANSWERS: Final = ("seals_intact", "temperature_held", "bag_intact", "identity_right", "papers_complete")


@dataclass(frozen=True)
class Happened:
    """What happened, as it is written down. expected_at: of a delay, when it is expected now. event_id: of the form.

    late_confirmed: that a delay lets it arrive after the day on which it is wanted, or after the conditioning began.
    """

    kind: str
    at: dt.datetime
    place: str = ""
    handed_by: str = ""
    taken_by: str = ""
    note: str = ""
    expected_at: dt.datetime | None = None
    late_confirmed: bool = False
    event_id: UUID | None = None


@dataclass(frozen=True)
class Received:
    """What the hospital found. scanned: what was read on the bag; each answer one of Answer.

    acknowledged: that the unit is recalled or blocked, and is kept all the same, not to be used.
    """

    received_at: dt.datetime
    scanned: str
    seals_intact: str
    temperature_held: str
    bag_intact: str
    identity_right: str
    papers_complete: str
    acceptance: str
    deviation: str = ""
    acknowledged: bool = False


def events_open(row: Shipment) -> tuple[EventKind, ...]:
    """What may be written down of it now."""
    if row.dispatched_at is None:
        return ()
    return AFTERWARDS if row.delivered_at or row.failed_at else ON_THE_WAY


@transaction.atomic
def event_add(*, shipment_id: UUID, happened: Happened, user: User) -> ShipmentEvent:
    """A handover, customs, a refill, a delay. A delay moves the expected arrival, and the hospital is told.

    Where it moves it past the days of the order one is asked about it first, and the hospital is told so by a notice of
    its own; what has happened is never refused for it.
    """
    guard_shipping(user)
    found = locked_shipment(shipment_id)
    row = found.row
    sent = _event_sent(happened.event_id)
    if sent is not None and sent.shipment_id == row.pk and sent.entered_by_id == user.pk:
        return sent
    values = _event(row, happened)
    event = shipping.happened(
        row,
        EventKind(happened.kind),
        _moment(happened.at, row, field="at"),
        user,
        id=uuid4() if sent is not None or happened.event_id is None else happened.event_id,
        **values,
    )
    before: dict[str, Any] = {}
    after: dict[str, Any] = {"kind": event.kind, **{name: value for name, value in values.items() if value}}
    if expected := _expected(row, happened):
        before, after = {"expected_at": row.expected_at}, {**after, "expected_at": expected}
        shipping.save(row, {"expected_at": expected})
    if event.kind == EventKind.RETURNED:
        _shipper_back(row)
    shipping.record(row, "shipment.event", Actor.user(user), before=before, after=after)
    if event.kind == EventKind.DELAYED:
        is_late = shipping.is_late(row.order, row.expected_at)
        notices = notices_shipments.late if is_late else notices_shipments.delayed
        notifications.notifications_create(notices=notices(row, but=user))
    return event


@transaction.atomic
def shipment_receive(*, shipment_id: UUID, received: Received, user: User) -> Receipt:
    """The hospital says what arrived, and whether it takes it.

    Accepted, with or without deviation, order and unit are delivered; refused, the shipment has failed. A deviation, a
    refusal, and a unit that was taken though it is recalled or blocked, open an incident or are noted in the one that
    is open. Raises NotAllowed; InvalidInput beside the answers; Conflict: order_state, logger_above, unit_blocked.
    """
    found = locked_shipment(shipment_id)
    row = found.row
    if not open_in(user, Permission.SHIPMENT_RECEIVE, row.hospital_id):
        raise NotAllowed("not_yours", _("Only the hospital confirms what arrived."))
    sent: Receipt | None = Receipt.objects.filter(shipment=row, received_by=user).first()
    if sent is not None and sent.acceptance == received.acceptance:
        return sent
    moving.guard_state(found.held.row, OrderState.SHIPPED)
    values = _receipt(found, received)
    _guard_blocked(found, received)
    receipt: Receipt = Receipt.objects.create(shipment=row, received_by=user, **values)
    _judge_again(row, receipt)
    above = _guard_temperature(row, receipt)
    shipping.happened(row, EventKind.ARRIVED, receipt.received_at, user)
    told = {**values, "scanned": text_of(received.scanned, 60)}
    if found.unit.blocks:
        told["blocks"] = list(map(str, found.unit.blocks))
    shipping.record(row, "shipment.receive", Actor.user(user), after=told)
    _end(found, receipt, above, user)
    return receipt


# --- parts ----------------------------------------------------------------------------------------


def _end(found: LockedShipment, receipt: Receipt, above: LoggerFile | None, user: User) -> None:
    row, actor = found.row, Actor.user(user)
    findings = []
    if receipt.acceptance != Acceptance.ACCEPTED:
        texts = [receipt.deviation, shipment_incidents.warm_text(above) if above else ""]
        findings.append(shipment_incidents.deviation(found, "\n".join(filter(None, texts))))
    if receipt.acceptance == Acceptance.REFUSED:
        failed(found, FailureCause.REFUSED, receipt.deviation, user)
        shipment_incidents.tell(findings, notices_shipments.failed(row, but=user), user)
        return
    if found.unit.blocks:
        findings.append(shipment_incidents.blocked(found))
    moving.step(found.held, OrderState.DELIVERED, actor=actor, action="order.deliver")
    shipping.save(row, {"delivered_at": receipt.received_at})
    if findings:
        shipment_incidents.tell(findings, notices_shipments.deviation(row, but=user), user)
        return
    notifications.notifications_create(notices=notices_shipments.delivered(row, but=user))


def _shipper_back(row: Shipment) -> None:
    """Its shipper is in the house again, unless it has left with another unit since."""
    shipper = shipping.locked_shipper(row.shipper_id)
    left_again = Shipment.objects.filter(shipper=shipper, dispatched_at__gt=row.dispatched_at).exists()
    if shipper.place == ShipperPlace.AWAY and not left_again:
        shipping.move_shipper(shipper, ShipperPlace.BACK)


def _event_sent(event_id: UUID | None) -> ShipmentEvent | None:
    found: ShipmentEvent | None = ShipmentEvent.objects.filter(pk=event_id).first() if event_id else None
    return found


def _event(row: Shipment, given: Happened) -> dict[str, str]:
    kinds = events_open(row)
    if not kinds:
        raise Conflict("not_dispatched", _("The way has not begun: dispatch the shipment first."))
    if given.kind not in kinds:
        raise InvalidInput("kind_closed", _("Choose what happened."), field="kind")
    longest = {"place": 120, "handed_by": 120, "taken_by": 120, "note": 400}
    values = {name: text_of(getattr(given, name), most) for name, most in longest.items()}
    if given.kind == EventKind.HANDOVER:
        for name in ("handed_by", "taken_by"):
            if not values[name]:
                raise InvalidInput("person_needed", _("A handover needs both names."), field=name)
    if given.kind in (EventKind.DELAYED, EventKind.OTHER) and not values["note"]:
        raise InvalidInput("note_needed", _("Write what happened."), field="note")
    return values


def _expected(row: Shipment, given: Happened) -> dt.datetime | None:
    """The new time of arrival of a delay; None where it stays."""
    if given.kind != EventKind.DELAYED or given.expected_at in (None, row.expected_at):
        return None
    now = timezone.now()
    if given.expected_at is None or not now < given.expected_at <= now + LONGEST_WAY:
        raise InvalidInput(
            "expected_range",
            _("Choose a time from now to %(last)s."),
            field="expected_at",
            params={"last": f"{timezone.localtime(now + LONGEST_WAY):%Y-%m-%d %H:%M}"},
        )
    shipping.guard_late(row.order, given.expected_at, confirmed=given.late_confirmed)
    return given.expected_at


def _moment(at: dt.datetime, row: Shipment, *, field: str, zone: dt.tzinfo | None = None) -> dt.datetime:
    """Between dispatch and now. Forms know minutes only: the minute of the dispatch is not before it.

    zone: by whose clock it was written, the bank's where None.
    """
    now, left = timezone.now(), row.dispatched_at
    assert left is not None  # events_open, and the state of the order, have said so
    if at > now:
        raise InvalidInput("moment_future", _("The time lies in the future."), field=field)
    if at < left.replace(second=0, microsecond=0):
        raise InvalidInput(
            "moment_before",
            _("It was dispatched at %(at)s only."),
            field=field,
            params={"at": f"{timezone.localtime(left, zone):%Y-%m-%d %H:%M}"},
        )
    return max(at, left)


def _receipt(found: LockedShipment, given: Received) -> dict[str, Any]:
    answers = {name: getattr(given, name) for name in ANSWERS}
    for name, answer in answers.items():
        if answer not in Answer.values:
            raise InvalidInput("answer_needed", _("Choose an answer."), field=name)
    if given.acceptance not in Acceptance.values:
        raise InvalidInput("acceptance_needed", _("Choose a decision."), field="acceptance")
    _guard_identity(found, given)
    is_accepted = given.acceptance == Acceptance.ACCEPTED
    open_answers = [name for name, answer in answers.items() if answer != Answer.YES]
    if is_accepted and open_answers:
        raise InvalidInput(
            "not_all_yes",
            _("Not everything is answered with yes. Accept it with a deviation and name it, or refuse it."),
            field="acceptance",
        )
    deviation = text_of(given.deviation, 400)
    if is_accepted and deviation:
        raise InvalidInput(
            "deviation_named",
            _("A deviation is named. Choose “accepted with a deviation”, or take the text out."),
            field="acceptance",
        )
    if not is_accepted and not deviation:
        raise InvalidInput("deviation_needed", _("Write what is not as it should be."), field="deviation")
    at = _moment(given.received_at, found.row, field="received_at", zone=found.row.hospital.zone)
    return {**answers, "received_at": at, "acceptance": given.acceptance, "deviation": deviation}


def _guard_identity(found: LockedShipment, given: Received) -> None:
    """What was read on the bag and what was answered must agree; another unit is never taken."""
    is_it = names_unit(found.unit, given.scanned)
    if given.identity_right == Answer.YES and not is_it:
        raise InvalidInput(
            "unit_differs",
            _(
                "This is not the code of the ordered unit %(unit)s. Read it again; if it stays so, answer “no” to "
                "the identity, refuse it and call the bank."
            ),
            field="scanned",
            params={"unit": found.unit.public_no},
        )
    if given.identity_right != Answer.YES and given.acceptance != Acceptance.REFUSED:
        raise InvalidInput(
            "identity_open",
            _("A unit whose identity is not sure is not taken. Look at it, or refuse the unit."),
            field="identity_right",
        )


def _guard_blocked(found: LockedShipment, given: Received) -> None:
    """A unit that must not be used may be refused; who takes it, to keep it or to send it back, says that he knows."""
    if not found.unit.blocks or given.acceptance == Acceptance.REFUSED or given.acknowledged:
        return
    raise Conflict(
        "unit_blocked",
        _(
            "%(unit)s must not be used: %(why)s. Refuse it, or say that you keep it and do not use it; an incident is "
            "opened."
        ),
        field="acknowledged",
        params={"unit": found.unit.public_no, "why": ", ".join(map(str, found.unit.block_labels))},
    )


def _judge_again(row: Shipment, receipt: Receipt) -> None:
    """Now that the end of the way is known; the limit stays that of the day on which the file came."""
    rules = ShippingRules.load()
    for file in row.logger_files.in_force().defer("content"):
        judge(file, row, receipt, rules)
        file.save(update_fields=["min_c", "max_c", "minutes_above", "verdict"])


def _guard_temperature(row: Shipment, receipt: Receipt) -> LoggerFile | None:
    """The warmest record that lies above the limit: against it nobody says that the temperature held."""
    above = row.logger_files.in_force().light().filter(verdict=LoggerVerdict.ABOVE).order_by("-max_c").first()
    if above is not None and receipt.temperature_held == Answer.YES:
        raise Conflict(
            "logger_above",
            _(
                "The temperature record shows %(max)s °C at most, above the limit of %(limit)s °C: the temperature did "
                "not hold. Answer “no”, and accept it with a deviation or refuse it."
            ),
            field="temperature_held",
            params={"max": f"{above.max_c:.1f}", "limit": f"{above.limit_c:g}"},
        )
    found: LoggerFile | None = above
    return found
