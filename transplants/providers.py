"""What this app tells core, bank and hospitals: navigation, search, my work, panels, notices, the dossier."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank import promised
from bank.choices import SEARCHABLE, DonorType, Source, UnitStatus
from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Record, records_of
from bank.dossier.registry import Section, Subject
from bank.promised import Promises
from bank.promises import entered_as_reserved
from core import find, kinds, nav, panels, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.panels import Panel, Place
from core.roles import Permission
from core.work import WorkItem
from hospitals import merging
from hospitals.models import Patient
from hospitals.querysets import open_in
from matching import kept
from matching.choices import OPEN as OPEN_REQUESTS
from transplants import (
    calendars,
    notices,
    presenters,
    providers_enquiries,
    providers_fees,
    providers_figures,
    providers_follow_up,
    providers_grafts,
    providers_incidents,
    providers_orders,
    providers_papers,
    providers_shipments,
    providers_typings,
)
from transplants.forms import ReasonForm
from transplants.models import Reservation, ReservationRules
from transplants.services import may_decide

_MAX = 10


def register() -> None:
    for part in (
        providers_enquiries,
        providers_typings,
        providers_orders,
        providers_shipments,
        providers_grafts,
        providers_incidents,
        providers_fees,
        providers_figures,
        providers_papers,
        providers_follow_up,
    ):
        part.register()
    find.register(find_reservations)
    merging.register(open_reservations)
    calendars.register(calendars.reservation_ends)
    work.register(work_items)
    for kind in notices.KINDS:
        kinds.register(kind)
    nav.register(
        NavItem(
            32,
            gettext_lazy("Reservations"),
            "transplants:reservation-list",
            Permission.RESERVATION_VIEW,
            "/reservations/",
        )
    )
    panels.register(Place.PATIENT, patient_panel)
    panels.register(Place.UNIT, unit_panel)
    panels.register(Place.LISTED, listed_panel)
    promised.register(Promises(is_promised, kept_for))
    kept.register(kept_for_patient)
    LABELS.update(DOSSIER_LABELS)
    registry.register(
        Section(
            "reservations",
            gettext_lazy("Reservations"),
            dossier,
            700,
            covers=(Reservation._meta.label,),
            columns=("number", "state", "patient", "hospital", "asked_at", "until"),
        )
    )


# --- units and dossiers ---------------------------------------------------------------------------


def is_promised(unit_id: UUID) -> bool:
    return Reservation.objects.of_unit(unit_id) is not None


def kept_for(user: User) -> Q:
    """Units that are kept for this person's hospitals: on offer to nobody else, and not hidden from them."""
    rows = Reservation.objects.visible_to(user).active()
    return Q(pk__in=rows.order_by().values("unit"))


def kept_for_patient(patient_id: UUID) -> frozenset[UUID]:
    rows = Reservation.objects.active().filter(patient=patient_id, unit__status=UnitStatus.RESERVED)
    return frozenset(rows.values_list("unit", flat=True))


DOSSIER_LABELS = {
    "number": gettext_lazy("Number"),
    "patient": gettext_lazy("Patient"),
    "hospital": gettext_lazy("Hospital"),
    "request": gettext_lazy("Match request"),
    "note": gettext_lazy("Note to the bank"),
    "purpose": gettext_lazy("Purpose"),
    "asked_by": gettext_lazy("Asked by"),
    "asked_by_bank": gettext_lazy("Asked for by the bank"),
    "asked_at": gettext_lazy("Asked at"),
    "confirmed_by": gettext_lazy("Confirmed by"),
    "confirmed_at": gettext_lazy("Confirmed at"),
    "extensions": gettext_lazy("Extensions by the hospital"),
    "warned_for": gettext_lazy("Hospital warned of the end on"),
    "free_told_at": gettext_lazy("Unit free since"),
    "held_told_at": gettext_lazy("Hospital told of a hold at"),
    "ended_by": gettext_lazy("Ended by"),
    "ended_at": gettext_lazy("Ended at"),
    "end_cause": gettext_lazy("Cause of the end"),
    "end_reason": gettext_lazy("Why it ended"),
}


def dossier(subject: Subject) -> list[Record]:
    """Every promise of the unit, kept or not. Of patients their codes only."""
    return records_of(subject.unit.reservations.order_by("asked_at", "pk"), skip=("unit",))


# --- panels ---------------------------------------------------------------------------------------


def _shown(rows: Any, user: User) -> list[dict[str, Any]]:
    today, warn_days = timezone.localdate(), ReservationRules.load().warn_days
    return [presenters.list_row(row, today, warn_days, user) for row in rows.with_names().with_promise()]


def patient_panel(user: User, patient: Any) -> Panel | None:
    """Units kept or asked for for a patient."""
    if not user.has_permission(Permission.RESERVATION_VIEW):
        return None
    rows = Reservation.objects.visible_to(user).filter(patient=patient)
    ended = rows.exclude(pk__in=rows.open()).count()
    all_url = f"{reverse('transplants:reservation-list')}?patient={patient.pk}&state=all"
    values = {
        "rows": _shown(rows.open().order_by("state", "asked_at"), user),
        "ended": ended,
        "url": all_url,
    }
    return Panel("transplants/_patient_panel.html", values)


def unit_panel(user: User, unit: Any) -> Panel | None:
    """For whom a unit is kept; a hospital sees its own only, and who may see no reservation, until when."""
    if not user.has_permission(Permission.RESERVATION_VIEW):
        row = (
            Reservation.objects.of_unit(unit.pk)
            if user.has_permission(Permission.INVENTORY_VIEW_ALL)
            else None
        )
        return Panel("transplants/_unit_promised.html", {"row": row}) if row else None
    rows = Reservation.objects.visible_to(user).filter(unit=unit).open()
    shown = _shown(rows.order_by("state", "asked_at"), user)
    entered = entered_as_reserved(unit) and unit.source == Source.OWN
    unnamed = entered and may_decide(user) and Reservation.objects.of_unit(unit.pk) is None
    if not shown and not unnamed:
        return None
    form = ReasonForm(auto_id="free_%s") if unnamed else None
    return Panel("transplants/_unit_panel.html", {"rows": shown, "form": form, "unit": unit})


def listed_panel(user: User, result: Any) -> Panel | None:
    """Beside a unit of a list: reserve it, or what became of that."""
    request, unit = result.run.request, result.unit
    if not user.has_permission(Permission.RESERVATION_VIEW):
        return None
    rows = Reservation.objects.visible_to(user).filter(patient=request.patient_id).open()
    shown = _shown(rows.filter(unit=unit.pk), user)
    if shown:
        return Panel("transplants/_listed_panel.html", {"rows": shown})
    own = unit.source == Source.OWN and unit.donor_type == DonorType.CORD
    offered = own and not unit.blocks and unit.status in SEARCHABLE
    may = open_in(user, Permission.RESERVATION_ASK, request.hospital_id)
    if not (may and offered and request.patient.is_active and request.state in OPEN_REQUESTS):
        return None
    full = rows.count() >= ReservationRules.load().most_of_patient
    url = reverse("transplants:reservation-create", args=[request.patient_id, unit.pk])
    values = {
        "url": "" if full else f"{url}?request={request.pk}",
        "free": unit.status == UnitStatus.LISTED,
    }
    return Panel("transplants/_listed_panel.html", values)


# --- found and to do ------------------------------------------------------------------------------


def open_reservations(patient: Patient) -> list[str]:
    """Numbers of what a patient's record cannot be merged away from."""
    return list(Reservation.objects.filter(patient=patient).open().values_list("number", flat=True))


def find_reservations(user: User, text: str) -> list[Hit]:
    """By number or a part of it."""
    rows = Reservation.objects.visible_to(user).filter(number__icontains=text).with_names()
    return [
        Hit(
            kind=_("Reservation"),
            label=row.number,
            url=reverse("transplants:reservation-detail", args=[row.pk]),
            detail=f"{row.unit.public_no} · {row.patient.code} · {row.get_state_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-asked_at")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """The bank decides what is asked for; a hospital looks after what ends soon."""
    if not user.has_permission(Permission.RESERVATION_VIEW):
        return []
    return [*(_to_decide(user) if may_decide(user) else []), *_ending(user)]


def _to_decide(user: User) -> list[WorkItem]:
    rows = Reservation.objects.visible_to(user).to_decide().order_by("asked_at")
    count = rows.count()
    if not count:
        return []
    first = rows.order_by("free_told_at").values_list("free_told_at", flat=True)[0] or timezone.now()
    title = ngettext("%(n)d reservation to decide on", "%(n)d reservations to decide on", count)
    return [
        WorkItem(
            title=title % {"n": count},
            url=f"{reverse('transplants:reservation-list')}?state=decide",
            detail=_("Hospitals wait for the bank's word."),
            due_at=first + dt.timedelta(days=1),
            since=first,
            kind="reservation",
            count=count,
        )
    ]


def _ending(user: User) -> list[WorkItem]:
    """Of the own hospitals: each that ends soon, by its last day."""
    last = timezone.localdate() + dt.timedelta(days=ReservationRules.load().warn_days)
    rows = (
        Reservation.objects.visible_to(user).active().filter(until__lte=last, hospital__in=user.hospital_ids)
    )
    return [
        WorkItem(
            title=_("%(unit)s for %(patient)s: order it, extend it or let it go")
            % {"unit": row.unit.public_no, "patient": row.patient.code},
            url=reverse("transplants:reservation-detail", args=[row.pk]),
            detail=_("Reserved until %(date)s") % {"date": f"{row.until:%Y-%m-%d}"},
            due_at=presenters.end_of(row.until),
            kind="reservation",
        )
        for row in rows.with_names().order_by("until", "pk")[:_MAX]
        if row.until
    ]
