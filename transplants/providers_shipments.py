"""What shipments tell core, bank and hospitals: navigation, search, my work, panels, notices, the dossier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Field, Record, made, records_of
from bank.dossier.registry import Section, Subject, leave_out
from core import find, kinds, nav, panels, work
from core.find import Hit
from core.ical import Entry
from core.models import User
from core.nav import NavItem
from core.panels import Panel, Place
from core.roles import Permission
from core.work import WorkItem
from hospitals.querysets import hospitals_open_to
from transplants import calendars, notices_shipments
from transplants import presenters_shipments as presenters
from transplants.calendars import MOST
from transplants.checklist import open_since_release
from transplants.choices_orders import OrderState
from transplants.models import LoggerFile, Order, Receipt, Shipment, ShipmentEvent, Shipper
from transplants.presenters import end_of
from transplants.shipping import is_fresh, is_shipping

_MAX = 10
# The logger comes back with the shipper, or the hospital reads it: ours, and it only says when it is late.
RECORD_WITHIN = dt.timedelta(days=3)


def register() -> None:
    find.register(find_shipments)
    work.register(work_items)
    calendars.register(arrivals)
    for kind in notices_shipments.KINDS:
        kinds.register(kind)
    nav.register(
        NavItem(
            36,
            pgettext_lazy("ordered units", "Shipments"),
            "transplants:shipment-list",
            Permission.SHIPMENT_WORK,
            "/shipments/",
        )
    )
    panels.register(Place.ORDER, order_panel)
    panels.register(Place.UNIT, unit_panel)
    panels.register(Place.PATIENT, patient_panel)
    LABELS.update(DOSSIER_LABELS)
    registry.register_all(SECTIONS)
    leave_out(Shipper._meta.label, "a device of the bank; what was valid of it stands with each shipment")


# --- dossier --------------------------------------------------------------------------------------

DOSSIER_LABELS: dict[str, Any] = {
    "order": pgettext_lazy("ordered units", "Order"),
    "shipment": gettext_lazy("Shipment"),
    "shipper": gettext_lazy("Shipper"),
    "validated_on": gettext_lazy("Shipper validated on"),
    "hold_hours": gettext_lazy("Hold time (hours)"),
    "charge_weight_kg": gettext_lazy("Weight when charged (kg)"),
    "logger_serial": gettext_lazy("Serial number of the logger"),
    "seals": gettext_lazy("Seal numbers"),
    "courier": gettext_lazy("Courier"),
    "waybill": gettext_lazy("Waybill number"),
    "tracking_url": gettext_lazy("Tracking address"),
    "charged_at": gettext_lazy("Shipper charged at"),
    "loaded_at": gettext_lazy("Unit put into the shipper at"),
    "packed_by": gettext_lazy("Packed by"),
    "packed_at": gettext_lazy("Packed at"),
    "checked_by": gettext_lazy("Checked by"),
    "checked_at": gettext_lazy("Checked at"),
    "dispatched_at": gettext_lazy("Dispatched at"),
    "expected_at": gettext_lazy("Expected at the hospital"),
    "delivered_at": gettext_lazy("Delivered at"),
    "failed_at": gettext_lazy("Failed at"),
    "failure": gettext_lazy("Cause of the failure"),
    "failure_note": gettext_lazy("What went wrong"),
    "handed_by": gettext_lazy("Handed over by"),
    "taken_over_by": gettext_lazy("Taken over by"),
    "where": gettext_lazy("Where"),
    "name": gettext_lazy("Name"),
    "form": gettext_lazy("Layout of the file"),
    "read_as": gettext_lazy("Read as"),
    "first_reading_at": gettext_lazy("First reading"),
    "last_reading_at": gettext_lazy("Last reading"),
    "min_c": gettext_lazy("Lowest temperature, °C"),
    "max_c": gettext_lazy("Highest temperature, °C"),
    "minutes_above": gettext_lazy("Minutes above the limit"),
    "limit_c": gettext_lazy("Limit, °C"),
    "verdict": gettext_lazy("Verdict"),
    "uploaded_by": gettext_lazy("Added by"),
    "uploaded_at": gettext_lazy("Added at"),
    "serial": gettext_lazy("Serial number"),
    "voided_by": gettext_lazy("Void by"),
    "voided_at": gettext_lazy("Void since"),
    "void_reason": gettext_lazy("Void because"),
    "received_by": gettext_lazy("Received by"),
    "seals_intact": gettext_lazy("Seals intact"),
    "temperature_held": gettext_lazy("Temperature held"),
    "bag_intact": gettext_lazy("Bag intact"),
    "identity_right": gettext_lazy("Identity as ordered"),
    "papers_complete": gettext_lazy("Papers complete"),
    "acceptance": pgettext_lazy("shipment", "Decision"),
}


def _shipments(subject: Subject) -> list[Record]:
    return records_of(Shipment.objects.filter(order__unit=subject.unit).order_by("packed_at", "pk"))


def _hands(event: ShipmentEvent) -> Iterable[Field]:
    """Under names of their own: a place and a taker are something else in other tables."""
    return (made("where", event.place), made("taken_over_by", event.taken_by))


def _events(subject: Subject) -> list[Record]:
    rows = ShipmentEvent.objects.filter(shipment__order__unit=subject.unit)
    rows = rows.order_by("at", "entered_at", "pk")
    return records_of(rows, skip=("place", "taken_by"), more=_hands)


def _span(file: LoggerFile) -> Iterable[Field]:
    return (made("first_reading_at", file.first_at), made("last_reading_at", file.last_at))


def _files(subject: Subject) -> list[Record]:
    """Without the readings: the file is kept as it came, its digest stands here."""
    rows = LoggerFile.objects.light().filter(shipment__order__unit=subject.unit).order_by("uploaded_at", "pk")
    return records_of(rows, skip=("content", "readings", "first_at", "last_at"), more=_span)


def _receipts(subject: Subject) -> list[Record]:
    return records_of(Receipt.objects.filter(shipment__order__unit=subject.unit).order_by("entered_at"))


SECTIONS = (
    Section(
        "shipments",
        pgettext_lazy("ordered units", "Shipments"),
        _shipments,
        730,
        covers=(Shipment._meta.label,),
        columns=(
            "number",
            "order",
            "hospital",
            "shipper",
            "packed_by",
            "checked_by",
            "dispatched_at",
            "delivered_at",
        ),
    ),
    Section(
        "shipment_events",
        gettext_lazy("What happened on the way"),
        _events,
        732,
        covers=(ShipmentEvent._meta.label,),
        columns=("shipment", "kind", "at", "where", "handed_by", "taken_over_by"),
    ),
    Section(
        "logger_files",
        gettext_lazy("Temperature records of shipments"),
        _files,
        734,
        covers=(LoggerFile._meta.label,),
        columns=("shipment", "verdict", "min_c", "max_c", "minutes_above", "limit_c", "sha256"),
    ),
    Section(
        "receipts",
        gettext_lazy("Receipts by hospitals"),
        _receipts,
        736,
        covers=(Receipt._meta.label,),
        columns=("shipment", "received_at", "received_by", "acceptance", "deviation"),
    ),
)


# --- panels ---------------------------------------------------------------------------------------


def order_panel(user: User, order: Any) -> Panel | None:
    """The shipment of an order; for who packs the way to do it, for its hospital that to confirm the receipt."""
    if not user.has_permission(Permission.SHIPMENT_VIEW):
        return None
    row = Shipment.objects.visible_to(user).filter(order=order).with_names().first()
    fresh = row is not None and is_fresh(row)
    packs = is_shipping(user) and order.state == OrderState.RELEASED and not fresh
    since = open_since_release(order) if packs else []  # what would be refused at the dispatch
    values = {
        "rows": [presenters.list_row(row, timezone.now())] if row else [],
        "since": since,
        "pack_url": presenters.pack_url(order, row) if packs and not since else "",
        "receive_url": reverse("transplants:shipment-receive", args=[row.pk])
        if row and presenters.may(row, user)["receive"]
        else "",
    }
    return Panel("transplants/_shipment_order_panel.html", values) if any(values.values()) else None


def unit_panel(user: User, unit: Any) -> Panel | None:
    return _panel(user, Q(order__unit=unit))


def patient_panel(user: User, patient: Any) -> Panel | None:
    return _panel(user, Q(order__patient=patient))


def _panel(user: User, of: Q) -> Panel | None:
    if not user.has_permission(Permission.SHIPMENT_VIEW):
        return None
    rows = Shipment.objects.visible_to(user).filter(of).with_names().order_by("-packed_at", "pk")[:_MAX]
    shown = [presenters.list_row(row, timezone.now()) for row in rows]
    return Panel("transplants/_shipment_panel.html", {"rows": shown}) if shown else None


# --- found, to do, expected -----------------------------------------------------------------------


def find_shipments(user: User, text: str) -> list[Hit]:
    """By number or waybill, or a part of it."""
    wanted = Q(number__icontains=text) | Q(waybill__icontains=text)
    rows = Shipment.objects.visible_to(user).filter(wanted).with_names()
    now = timezone.now()
    return [
        Hit(
            kind=_("Shipment"),
            label=row.number,
            url=reverse("transplants:shipment-detail", args=[row.pk]),
            detail=f"{row.order.unit.public_no} · {row.waybill} · {presenters.state_of(row, now)['text']}",
            exact=text.casefold() in (row.number.casefold(), row.waybill.casefold()),
        )
        for row in rows.order_by("-packed_at")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """The bank packs, checks, dispatches, asks after what is late and reads loggers; a hospital confirms receipts."""
    if not user.has_permission(Permission.SHIPMENT_VIEW):
        return []
    mine = [*_to_pack(user), *_at_home(user), *_late(user), *_unrecorded(user)] if is_shipping(user) else []
    return [*mine, *_to_receive(user)]


def _to_pack(user: User) -> list[WorkItem]:
    rows = Order.objects.visible_to(user).to_pack().with_names().select_related("shipment")
    return [
        WorkItem(
            title=_("Pack %(unit)s for %(hospital)s")
            % {"unit": row.unit.public_no, "hospital": row.hospital.code},
            url=presenters.order_row(row, timezone.localdate())["pack_url"],
            detail=_("Wanted at the hospital on %(date)s") % {"date": f"{row.deliver_on:%Y-%m-%d}"},
            due_at=end_of(row.deliver_on - dt.timedelta(days=1)),
            since=row.released_at,
            kind="shipment",
        )
        for row in rows.order_by("deliver_on", "pk")[:_MAX]
    ]


def _at_home(user: User) -> list[WorkItem]:
    rows = Shipment.objects.visible_to(user).packed().with_names().order_by("expected_at", "pk")
    check = rows.filter(checked_at__isnull=True).exclude(packed_by=user)
    leave = rows.filter(checked_at__isnull=False)
    texts = ((check, _("Look at the identity of %(unit)s")), (leave, _("Dispatch %(unit)s")))
    return [
        WorkItem(
            title=text % {"unit": row.order.unit.public_no},
            url=reverse("transplants:shipment-detail", args=[row.pk]),
            detail=f"{row.number} · {row.hospital.code} · {row.shipper.serial}",
            due_at=row.expected_at,
            since=row.checked_at or row.packed_at,
            kind="shipment",
        )
        for found, text in texts
        for row in found[:_MAX]
    ]


def _late(user: User) -> list[WorkItem]:
    rows = Shipment.objects.visible_to(user).overdue(timezone.now()).with_names()
    return [
        WorkItem(
            title=_("%(number)s is overdue: ask the courier") % {"number": row.number},
            url=reverse("transplants:shipment-detail", args=[row.pk]),
            detail=f"{row.order.unit.public_no} · {row.hospital.code} · {row.courier} {row.waybill}",
            due_at=row.expected_at,
            since=row.dispatched_at,
            kind="shipment",
        )
        for row in rows.order_by("expected_at", "pk")[:_MAX]
    ]


def _unrecorded(user: User) -> list[WorkItem]:
    """Delivered, and nobody knows how cold it was: the file of its logger is still to be read."""
    rows = Shipment.objects.visible_to(user).unrecorded().with_names().order_by("delivered_at", "pk")
    return [
        WorkItem(
            title=_("Add the temperature record of %(number)s") % {"number": row.number},
            url=f"{reverse('transplants:shipment-detail', args=[row.pk])}#temperature",
            detail=f"{row.order.unit.public_no} · {row.hospital.code} · {row.logger_serial}",
            due_at=row.delivered_at + RECORD_WITHIN if row.delivered_at else None,
            since=row.delivered_at,
            kind="shipment",
        )
        for row in rows[:_MAX]
    ]


def _to_receive(user: User) -> list[WorkItem]:
    """Of the own hospitals only: nobody else can say what arrived there."""
    opened = hospitals_open_to(user, Permission.SHIPMENT_RECEIVE)
    rows = Shipment.objects.visible_to(user).under_way().filter(hospital__in=opened or ())
    return [
        WorkItem(
            title=_("Confirm the receipt of %(unit)s for %(patient)s")
            % {"unit": row.order.unit.public_no, "patient": row.order.patient.code},
            url=reverse("transplants:shipment-receive", args=[row.pk]),
            detail=row.number,
            due_at=row.expected_at,
            since=row.dispatched_at,
            kind="shipment",
        )
        for row in rows.with_names().order_by("expected_at", "pk")[:_MAX]
    ]


def arrivals(user: User) -> Iterable[Entry]:
    """The day on which each is expected, in a person's calendar."""
    if not user.has_permission(Permission.SHIPMENT_VIEW):
        return []
    rows = Shipment.objects.visible_to(user).under_way().with_names().order_by("expected_at", "pk")
    return [_arrival(row) for row in rows[:MOST]]


def _arrival(row: Shipment) -> Entry:
    """Unit, patient and hospital by their codes, and nothing else of them: the calendar leaves the system."""
    said = {
        "number": row.number,
        "unit": row.order.unit.public_no,
        "patient": row.order.patient.code,
        "hospital": row.hospital.code,
    }
    path = reverse("transplants:shipment-detail", args=[row.pk])
    return Entry(
        uid=f"shipment-{row.pk}@qidai",
        day=timezone.localdate(row.expected_at, row.hospital.zone),
        summary=_("%(unit)s for %(patient)s: expected arrival") % said,
        description=_("Shipment %(number)s to hospital %(hospital)s.") % said,
        url=f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else "",
        changed_at=row.updated_at,
    )
