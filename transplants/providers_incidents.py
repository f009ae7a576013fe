"""What incidents and recalls tell core, bank and hospitals: search, my work, panels, notices, the dossier."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bank import lot_reach, stopping
from bank.choices import Source
from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Record, records_of
from bank.dossier.registry import Section, Subject
from bank.models import CordBloodUnit, Lot
from core import find, kinds, nav, panels, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.panels import Panel, Place
from core.roles import Permission
from core.work import WorkItem
from hospitals.models import Patient
from transplants import notices_incidents, recall_growth
from transplants import presenters_incidents as presenters
from transplants import presenters_recalls as recalls
from transplants.affected import Stake, shown_to, stakes_of
from transplants.late_results import unit_stopped
from transplants.models import (
    Incident,
    IncidentNote,
    IncidentRules,
    IncidentUnit,
    Order,
    Recall,
    RecallUnit,
    Reservation,
)
from transplants.presenters import end_of
from transplants.querysets_incidents import IncidentQuerySet
from transplants.received import known_to
from transplants.services_incidents import is_of_bank

_MAX = 10
_P = Permission


def register() -> None:
    stopping.register(unit_stopped)
    find.register(find_incidents)
    find.register(find_recalls)
    work.register(work_items)
    for kind in notices_incidents.KINDS:
        kinds.register(kind)
    nav.register(
        NavItem(46, gettext_lazy("Incidents"), "transplants:incident-list", _P.INCIDENT_WORK, "/incidents/")
    )
    panels.register(Place.ALERT, alert_panel)
    panels.register(Place.UNIT, unit_panel)
    panels.register(Place.PATIENT, patient_panel)
    panels.register(Place.ORDER, order_alert)
    panels.register(Place.ORDER, order_panel)
    panels.register(Place.LOOKBACK, lookback_panel)
    panels.register(Place.LOT, lot_panel)
    lot_reach.register(recall_growth.extend)
    LABELS.update(DOSSIER_LABELS)
    registry.register_all(SECTIONS)
    registry.leave_out(IncidentRules._meta.label, "rules of the bank, not a record of a unit")


# --- recalls, where they must be seen first -------------------------------------------------------


def alert_panel(user: User, subject: Any) -> Panel | None:
    """On the page of a patient or a reservation: recalled units of it, loud, with what to do."""
    if not user.has_permission(_P.INCIDENT_VIEW):
        return None
    keys, patient_id = _recalled_of(subject)
    if not keys:
        return None
    return _warning([one for one in stakes_of(keys) if one.patient.pk == patient_id], user)


def _recalled_of(subject: Any) -> tuple[set[UUID], UUID | None]:
    """Keys of recalled units that a patient has at stake; mostly none, and then nothing more is read."""
    patient_id = subject.pk if isinstance(subject, Patient) else subject.patient_id
    if isinstance(subject, Reservation):
        return ({subject.unit_id} if subject.unit.recalled else set()), patient_id
    recalled = CordBloodUnit.objects.filter(recalled=True)
    of_orders = recalled.filter(orders__patient=patient_id)
    of_reservations = recalled.filter(reservations__patient=patient_id)
    keys = of_orders.order_by().values_list("pk").union(of_reservations.order_by().values_list("pk"))
    return {key for (key,) in keys}, patient_id


def order_alert(user: User, order: Order) -> Panel | None:
    if not order.unit.recalled or not user.has_permission(_P.INCIDENT_VIEW):
        return None
    of_order = [
        one for one in stakes_of([order.unit_id]) if one.order is not None and one.order.pk == order.pk
    ]
    return _warning(of_order, user)


def _warning(stakes: list[Stake], user: User) -> Panel | None:
    values = recalls.warnings(stakes, user)
    return Panel("transplants/_recall_warning.html", values) if values else None


# --- panels ---------------------------------------------------------------------------------------


def _panel(rows: IncidentQuerySet, user: User, query: str, *, may_report: bool, recall: str = "") -> Panel:
    """Incidents of a page's subject, and a way to report one of it."""
    today = timezone.localdate()
    found = rows.visible_to(user).with_names().order_by("-opened_at")
    may = may_report and user.has_permission(_P.INCIDENT_REPORT)
    values = {
        "rows": [presenters.list_row(row, today, user) for row in found[:_MAX]],
        "report_url": f"{reverse('transplants:incident-create')}?{query}" if may else "",
        "recall_url": f"{reverse('transplants:recall-create')}?{recall}" if recall else "",
    }
    return Panel("transplants/_incident_panel.html", values)


def unit_panel(user: User, unit: Any) -> Panel | None:
    """Its incidents and recalls; for who may, a way to report one and to recall it.

    A hospital that the unit was neither kept for nor sent to is shown nothing: it cannot know what went wrong.
    """
    if not user.has_permission(_P.INCIDENT_VIEW) or unit.source != Source.OWN:
        return None
    if not is_of_bank(user) and not known_to(user.hospital_ids).filter(pk=unit.pk).exists():
        return None
    may = user.has_permission(_P.RECALL_START)
    panel = _panel(
        Incident.objects.filter(units__unit=unit),
        user,
        f"unit={unit.pk}",
        may_report=True,
        recall=f"unit={unit.pk}" if may else "",
    )
    return Panel(panel.template, {**panel.values, "recalls": _recalls_of(user, unit)})


def _recalls_of(user: User, unit: Any) -> list[dict[str, Any]]:
    rows = Recall.objects.visible_to(user).filter(units__unit=unit, units__freed_at__isnull=True).on()
    return [recalls.list_row(row) for row in rows.with_names()]


def patient_panel(user: User, patient: Any) -> Panel | None:
    if not (user.has_permission(_P.INCIDENT_VIEW) and user.has_permission(_P.PATIENT_VIEW)):
        return None
    return _panel(Incident.objects.filter(patient=patient), user, f"patient={patient.pk}", may_report=True)


def order_panel(user: User, order: Any) -> Panel | None:
    if not user.has_permission(_P.INCIDENT_VIEW):
        return None
    return _panel(Incident.objects.filter(order=order), user, f"order={order.pk}", may_report=True)


def lookback_panel(user: User, unit: Any) -> Panel | None:
    """Forward from a unit: reservations, orders, shipments, patients, incidents and recalls."""
    if not user.has_permission(_P.INCIDENT_VIEW):
        return None
    stakes = shown_to(user, stakes_of([unit.pk]))
    today = timezone.localdate()
    incidents = Incident.objects.visible_to(user).filter(units__unit=unit).with_names()
    values = {
        "outside": recalls.with_outside(stakes, user),
        "incidents": [presenters.list_row(row, today, user) for row in incidents.order_by("-opened_at")],
        "recalls": _recalls_of(user, unit),
    }
    return Panel("transplants/_lookback_unit.html", values)


def lot_panel(user: User, lot: Lot) -> Panel | None:
    """Forward from a lot: whom its units concern, and a way to recall them all."""
    if not user.has_permission(_P.RECALL_VIEW) or lot.merged_into_id is not None:
        return None
    keys = list(lot.uses.order_by().values_list("unit", flat=True).distinct())
    values = {
        "stakes": recalls.with_outside(stakes_of(keys), user),
        "export_url": reverse("transplants:recall-lot-export", args=[lot.pk]) if keys else "",
        "recall_url": (
            f"{reverse('transplants:recall-create')}?lot={lot.pk}"
            if keys and user.has_permission(_P.RECALL_START)
            else ""
        ),
        "recalls": [
            recalls.list_row(row)
            for row in Recall.objects.visible_to(user).of_lot(lot).with_names().order_by("-started_at")
        ],
    }
    return Panel("transplants/_lookback_lot.html", values)


# --- found and to do ------------------------------------------------------------------------------


def find_incidents(user: User, text: str) -> list[Hit]:
    """By number or a part of it."""
    rows = Incident.objects.visible_to(user).filter(number__icontains=text)
    return [
        Hit(
            kind=_("Incident"),
            label=row.number,
            url=reverse("transplants:incident-detail", args=[row.pk]),
            detail=f"{row.title} · {row.get_state_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-opened_at")[:_MAX]
    ]


def find_recalls(user: User, text: str) -> list[Hit]:
    rows = Recall.objects.visible_to(user).filter(number__icontains=text)
    return [
        Hit(
            kind=_("Recall"),
            label=row.number,
            url=reverse("transplants:recall-detail", args=[row.pk]),
            detail=f"{row.reason} · {recalls.state_tag(row)['text']}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-started_at")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """For who investigates: what nobody looks after, what is one's own, what is overdue whoever looks after it."""
    if not user.has_permission(_P.INCIDENT_WORK):
        return []
    today = timezone.localdate()
    rows = Incident.objects.visible_to(user).open().order_by("due_on", "opened_at")
    overdue = Incident.objects.overdue(today).values("pk")
    mine = rows.filter(owner=user) | rows.filter(owner__isnull=True) | rows.filter(pk__in=overdue)
    return [_item(row) for row in mine[: 2 * _MAX]]


def _item(row: Incident) -> WorkItem:
    is_due = row.due_on is not None and row.reported_out_at is None
    title = _("Report %(number)s outside: %(title)s") if is_due else _("Investigate %(number)s: %(title)s")
    return WorkItem(
        title=title % {"number": row.number, "title": row.title},
        url=reverse("transplants:incident-detail", args=[row.pk]),
        detail=f"{row.kind_name} · {row.get_seriousness_display()}",
        due_at=end_of(row.due_on) if is_due and row.due_on else None,
        since=row.opened_at,
        kind="incident",
    )


# --- the dossier ----------------------------------------------------------------------------------

DOSSIER_LABELS = {
    "incident": gettext_lazy("Incident"),
    "order": pgettext_lazy("transplant", "Order"),
    "what": gettext_lazy("What happened"),
    "seriousness": gettext_lazy("Seriousness"),
    "imputability": gettext_lazy("Imputability"),
    "rapid_alert": gettext_lazy("Rapid alert"),
    "happened_on": gettext_lazy("Happened on"),
    "due_on": gettext_lazy("To be reported until"),
    "reported_out_at": gettext_lazy("Reported outside at"),
    "reported_to": gettext_lazy("Reported to"),
    "reminded_on": gettext_lazy("Reminded on"),
    "reminders": gettext_lazy("Reminders"),
    "owner": gettext_lazy("Looked after by"),
    "opened_by": gettext_lazy("Opened by"),
    "opened_by_user": gettext_lazy("Account of who opened it"),
    "opened_at": gettext_lazy("Opened"),
    "cause": gettext_lazy("Cause"),
    "measures": gettext_lazy("Measures"),
    "closed_by": gettext_lazy("Closed by"),
    "closed_at": gettext_lazy("Closed"),
    "added_at": gettext_lazy("Named with it since"),
    "inner": gettext_lazy("For the bank only"),
    "text": gettext_lazy("Note"),
    "written_by": gettext_lazy("Written by"),
    "written_at": gettext_lazy("Written at"),
    "recall": gettext_lazy("Recall"),
    "started_by": gettext_lazy("Started by"),
    "started_at": gettext_lazy("Since"),
    "lifted_by": gettext_lazy("Lifted by"),
    "lifted_at": gettext_lazy("Lifted"),
    "lift_reason": gettext_lazy("Why it was lifted"),
    "status_then": gettext_lazy("Status when it was recalled"),
    "freed_at": gettext_lazy("Taken out at"),
    "freed_by": gettext_lazy("Taken out by"),
    "free_reason": gettext_lazy("Why it was taken out"),
}


def _incidents(subject: Subject) -> list[Record]:
    """Those that name the unit. Of patients their codes only."""
    rows = Incident.objects.filter(units__unit=subject.unit).order_by("opened_at", "pk")
    return records_of(rows, skip=("updated_at",))


def _incident_units(subject: Subject) -> list[Record]:
    return records_of(
        IncidentUnit.objects.filter(unit=subject.unit).order_by("added_at", "pk"), skip=("unit",)
    )


def _notes(subject: Subject) -> list[Record]:
    rows = IncidentNote.objects.filter(incident__units__unit=subject.unit)
    return records_of(rows.order_by("written_at", "pk"))


def _recalls(subject: Subject) -> list[Record]:
    return records_of(Recall.objects.filter(units__unit=subject.unit).order_by("started_at", "pk"))


def _recall_units(subject: Subject) -> list[Record]:
    return records_of(RecallUnit.objects.filter(unit=subject.unit).order_by("pk"), skip=("unit",))


def _section(
    key: str,
    title: Any,
    records: Any,
    order: int,
    model: Any,
    columns: tuple[str, ...],
    *,
    trail: bool = True,
) -> Section:
    return Section(key, title, records, order, covers=(model._meta.label,), columns=columns, trail=trail)


SECTIONS = (
    _section(
        "incidents", gettext_lazy("Incidents"), _incidents, 760, Incident,
        ("number", "kind", "state", "title", "happened_on"),
    ),
    _section(
        "incident_units", gettext_lazy("Named in incidents"), _incident_units, 761, IncidentUnit,
        ("incident", "added_at"), trail=False,
    ),
    _section(
        "incident_notes", gettext_lazy("Notes of incidents"), _notes, 762, IncidentNote,
        ("incident", "written_at", "written_by", "text"), trail=False,
    ),
    _section(
        "recalls", gettext_lazy("Recalls"), _recalls, 764, Recall,
        ("number", "incident", "started_at", "lifted_at", "reason"),
    ),
    _section(
        "recall_units", gettext_lazy("Recalled"), _recall_units, 765, RecallUnit,
        ("recall", "status_then", "freed_at"), trail=False,
    ),
)  # fmt: skip
