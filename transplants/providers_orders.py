"""What orders tell core, bank and hospitals: navigation, search, my work, panels, notices, calendar, the dossier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Record, records_of
from bank.dossier.registry import Section, Subject
from core import find, kinds, nav, panels, work
from core.find import Hit
from core.ical import Entry
from core.models import User
from core.nav import NavItem
from core.panels import Panel, Place
from core.roles import Permission
from core.work import WorkItem
from hospitals import merging
from hospitals.models import Patient
from transplants import calendars, notices_orders, order_links, orders_guards
from transplants import presenters_orders as presenters
from transplants.models import ExportPermit, Order, OrderSignature, PermitFile, Reservation
from transplants.presenters import end_of
from transplants.querysets_orders import OrderQuerySet

_MAX: Final = 10
ANSWER: Final = dt.timedelta(days=1)  # within which whose turn it is should act; only the order of my work
LEAVES_BEFORE: Final = dt.timedelta(
    days=1
)  # a unit leaves the house a day before it is wanted, at the latest


def register() -> None:
    find.register(find_orders)
    merging.register(open_orders)
    calendars.register(infusions)
    work.register(work_items)
    for kind in notices_orders.KINDS:
        kinds.register(kind)
    nav.register(
        NavItem(33, gettext_lazy("Orders"), "transplants:order-list", Permission.ORDER_VIEW, "/orders/")
    )
    panels.register(Place.PATIENT, patient_panel)
    panels.register(Place.UNIT, unit_panel)
    LABELS.update(DOSSIER_LABELS)
    registry.register_all(SECTIONS)


# --- dossier --------------------------------------------------------------------------------------

DOSSIER_LABELS: Final = {
    "reservation": gettext_lazy("Reservation"),
    "weight_kg": gettext_lazy("Weight (kg)"),
    "conditioning": gettext_lazy("Conditioning"),
    "conditioning_on": gettext_lazy("Conditioning begins on"),
    "infusion_on": gettext_lazy("Planned infusion"),
    "deliver_on": gettext_lazy("Wanted at the hospital on"),
    "country": gettext_lazy("Country"),
    "version": gettext_lazy("Version"),
    "valid_until": gettext_lazy("Valid until"),
    "department": gettext_lazy("Department"),
    "ship_to": gettext_lazy("Address of delivery"),
    "contact": gettext_lazy("Who receives it"),
    "contact_phone": gettext_lazy("Telephone"),
    "approved_by": gettext_lazy("Approved by"),
    "approved_by_user": gettext_lazy("Approved by (account)"),
    "approved_at": gettext_lazy("Approved at"),
    "released_at": gettext_lazy("Released at"),
    "release_checks": gettext_lazy("Checklist as it was signed"),
    "held_told_at": gettext_lazy("Both sides told of a hold at"),
    "order": pgettext_lazy("of a unit", "Order"),
    "meaning": gettext_lazy("Meaning"),
    "signer": gettext_lazy("Signed by"),
    "signed_at": gettext_lazy("Signed at"),
    "digest": gettext_lazy("Digest of what was signed"),
    "void_at": gettext_lazy("Void since"),
    "void_reason": gettext_lazy("Why it is void"),
    "permit_no": gettext_lazy("Permit number"),
    "authority": gettext_lazy("Authority"),
    "recorded_by": gettext_lazy("Recorded by"),
    "recorded_at": gettext_lazy("Recorded at"),
}


def dossier_orders(subject: Subject) -> list[Record]:
    """Every order of the unit. Of patients their codes only."""
    return records_of(subject.unit.orders.order_by("asked_at", "pk"), skip=("unit",))


def dossier_signatures(subject: Subject) -> list[Record]:
    rows = OrderSignature.objects.filter(order__unit=subject.unit)
    return records_of(rows.order_by("signed_at", "pk"), skip=())


def dossier_permits(subject: Subject) -> list[Record]:
    rows = ExportPermit.objects.filter(order__unit=subject.unit)
    return records_of(rows.order_by("recorded_at", "pk"), skip=())


def dossier_permit_files(subject: Subject) -> list[Record]:
    """What it is, not the file itself."""
    rows = PermitFile.objects.light().filter(order__unit=subject.unit)
    return records_of(rows.order_by("added_at", "pk"), skip=("content",))


SECTIONS: Final = (
    Section(
        "orders",
        gettext_lazy("Orders"),
        dossier_orders,
        710,
        covers=(Order._meta.label,),
        columns=("number", "state", "patient", "hospital", "deliver_on", "infusion_on"),
    ),
    Section(
        "order_signatures",
        gettext_lazy("Signatures of orders"),
        dossier_signatures,
        711,
        covers=(OrderSignature._meta.label,),
        columns=("order", "meaning", "signer", "signed_at", "void_at"),
    ),
    Section(
        "export_permits",
        gettext_lazy("Export permits"),
        dossier_permits,
        712,
        covers=(ExportPermit._meta.label,),
        columns=("order", "permit_no", "authority", "country", "valid_until"),
    ),
    Section(
        "permit_files",
        gettext_lazy("Documents of export permits"),
        dossier_permit_files,
        713,
        covers=(PermitFile._meta.label,),
        columns=("order", "permit_no", "content_type", "size_bytes", "sha256", "added_at"),
    ),
)


# --- panels ---------------------------------------------------------------------------------------


def _shown(rows: OrderQuerySet, user: User) -> list[dict[str, Any]]:
    today = timezone.localdate()
    found = rows.with_names().with_signed().order_by("deliver_on", "pk")
    return [presenters.list_row(row, today, user) for row in found]


def patient_panel(user: User, patient: Any) -> Panel | None:
    """Orders for a patient that are under way, and kept units that may be ordered."""
    if not user.has_permission(Permission.ORDER_VIEW):
        return None
    rows = Order.objects.visible_to(user).filter(patient=patient)
    shown = _shown(rows.open(), user)
    ended, ready = rows.count() - len(shown), _ready(user, patient=patient)
    if not (shown or ended or ready):
        return None
    url = f"{reverse('transplants:order-list')}?patient={patient.pk}&state=all"
    values = {"rows": shown, "ended": ended, "url": url, "ready": ready}
    return Panel("transplants/_order_panel.html", values)


def _ready(user: User, **where: Any) -> list[dict[str, str]]:
    """Units that are kept, and may be ordered now by this person."""
    if not user.has_permission(Permission.RESERVATION_VIEW):
        return []
    rows = Reservation.objects.open_for(user, Permission.RESERVATION_VIEW, Permission.ORDER_ASK).filter(
        **where
    )
    kept = (
        rows.active()
        .exclude(orders__in=Order.objects.open())
        .select_related("unit__bank", "patient__hospital")
    )
    return [
        {"unit": row.unit.public_no, "url": reverse("transplants:order-create", args=[row.pk])}
        for row in kept.order_by("until", "pk")
        if order_links.may_be_ordered(row)
    ]


def unit_panel(user: User, unit: Any) -> Panel | None:
    """The order of a unit, as far as this person may know of it."""
    if not user.has_permission(Permission.ORDER_VIEW):
        return None
    shown = _shown(Order.objects.visible_to(user).filter(unit=unit).open(), user)
    ready = [] if shown else _ready(user, unit=unit)
    values = {"rows": shown, "ended": 0, "url": "", "ready": ready}
    return Panel("transplants/_order_panel.html", values) if shown or ready else None


# --- found and to do ------------------------------------------------------------------------------


def open_orders(patient: Patient) -> list[str]:
    """Numbers of what a patient's record cannot be merged away from."""
    return list(Order.objects.filter(patient=patient).open().values_list("number", flat=True))


def find_orders(user: User, text: str) -> list[Hit]:
    """By number or a part of it."""
    rows = Order.objects.visible_to(user).filter(number__icontains=text).with_names()
    return [
        Hit(
            kind=pgettext("of a unit", "Order"),
            label=row.number,
            url=reverse("transplants:order-detail", args=[row.pk]),
            detail=f"{row.unit.public_no} · {row.patient.code} · {row.get_state_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-asked_at")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """Physicians sign, coordinators approve, quality assurance releases; each what is wanted first."""
    if not user.has_permission(Permission.ORDER_VIEW):
        return []
    rows = Order.objects.visible_to(user).with_names().order_by("deliver_on", "pk")
    found: list[WorkItem] = []
    if user.has_permission(Permission.ORDER_PRESCRIBE):
        mine = rows.unsigned().filter(hospital__in=user.hospital_ids)
        title = _("Sign the prescription of %(number)s")
        found += [_item(row, title, row.asked_at + ANSWER) for row in mine[:_MAX]]
    if orders_guards.may_approve(user):
        title = _("Decide on order %(number)s")
        found += [_item(row, title, row.updated_at + ANSWER) for row in rows.to_approve()[:_MAX]]
    if orders_guards.may_release(user):
        title = _("Release order %(number)s")
        mine = rows.to_release()
        found += [_item(row, title, end_of(row.deliver_on - LEAVES_BEFORE)) for row in mine[:_MAX]]
    return found


def _item(row: Order, title: str, due_at: dt.datetime) -> WorkItem:
    return WorkItem(
        title=title % {"number": row.number},
        url=reverse("transplants:order-detail", args=[row.pk]),
        detail=_("%(unit)s for %(patient)s, wanted on %(date)s")
        % {
            "unit": row.unit.public_no,
            "patient": row.patient.code,
            "date": f"{row.deliver_on:%Y-%m-%d}",
        },
        due_at=due_at,
        since=row.asked_at,
        kind="order",
    )


def infusions(user: User) -> Iterable[Entry]:
    """The day on which each ordered unit is to be infused, while that is still to come."""
    if not user.has_permission(Permission.ORDER_VIEW):
        return []
    rows = Order.objects.visible_to(user).open().with_names().order_by("infusion_on", "pk")
    return [_entry(row) for row in rows[: calendars.MOST]]


def _entry(row: Order) -> Entry:
    """Unit, patient and hospital by their codes, and nothing else of them."""
    said = {
        "number": row.number,
        "unit": row.unit.public_no,
        "patient": row.patient.code,
        "hospital": row.hospital.code,
    }
    path = reverse("transplants:order-detail", args=[row.pk])
    return Entry(
        uid=f"order-{row.pk}@qidai",
        day=row.infusion_on,
        summary=_("%(unit)s for %(patient)s: planned infusion") % said,
        description=_("Order %(number)s of hospital %(hospital)s.") % said,
        url=f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else "",
        changed_at=row.updated_at,
    )
