"""What infusions, transplants and returns tell core, bank and hospitals: navigation, search, my work, panels."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank.action_words import ACTIONS
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
from transplants import dossier_grafts, notices_grafts, presenters_grafts, presenters_returns
from transplants.choices_orders import OrderState
from transplants.models import Infusion, Order, Transplant, UnitReturn
from transplants.presenters import end_of
from transplants.services_returns import are_both_roles

_MAX = 10


def register() -> None:
    for kind in notices_grafts.KINDS:
        kinds.register(kind)
    nav.register(
        NavItem(
            38,
            gettext_lazy("Transplants"),
            "transplants:transplant-list",
            Permission.TRANSPLANT_VIEW,
            "/transplants/",
        )
    )
    nav.register(
        NavItem(
            39,
            gettext_lazy("Earlier transplants"),
            "transplants:outcome-import",
            Permission.OUTCOME_IMPORT,
            "/outcomes/import/",
            unless=Permission.TRANSPLANT_VIEW,  # these find it from the list of transplants
        )
    )
    find.register(find_transplants)
    work.register(work_items)
    merging.register(open_transplants)
    panels.register(Place.ORDER, order_panel)
    panels.register(Place.PATIENT, patient_panel)
    panels.register(Place.UNIT, unit_panel)
    ACTIONS.update(UNIT_ACTIONS)
    dossier_grafts.register()


UNIT_ACTIONS = {
    "unit.infuse": lambda: _("Infusion reported"),
    "unit.not_used": lambda: _("Not used by the hospital"),
    "unit.return": lambda: _("Back in the bank, under review"),
    "unit.relist": lambda: _("On offer again, as an exception"),
}


def open_transplants(patient: Patient) -> list[str]:
    """A record that has a transplant is the one that is kept: what came of it is counted by patient."""
    return list(Transplant.objects.filter(patient=patient).values_list("number", flat=True))


# --- panels ---------------------------------------------------------------------------------------


def order_panel(user: User, order: Any) -> Panel | None:
    """On the page of an order: report what became of the delivered unit, or what was reported."""
    back = UnitReturn.objects.visible_to(user).with_names().filter(order=order).first()
    infusion = Infusion.objects.visible_to(user).with_names().filter(order=order).first()
    may_report = order.state == OrderState.DELIVERED and open_in(
        user, Permission.SHIPMENT_RECEIVE, order.hospital_id
    )
    if not (back or infusion or may_report):
        return None
    values = {
        "order": order,
        "may_report": may_report,
        "infusion": _infusion(infusion),
        "back": _back(back, user),
    }
    return Panel("transplants/_graft_of_order.html", values)


def _infusion(row: Infusion | None) -> dict[str, Any]:
    if row is None:
        return {}
    card = presenters_grafts.unit_card(row)
    return {**card, "url": reverse("transplants:transplant-detail", args=[row.transplant_id])}


def _back(row: UnitReturn | None, user: User) -> dict[str, Any]:
    """For the bank with a way to the decision; a hospital learns what became of it, not why."""
    if row is None:
        return {}
    of_bank = user.has_permission(Permission.INVENTORY_VIEW_ALL)
    url = reverse("transplants:return-decide", args=[row.pk]) if of_bank else ""
    return {"row": row, "state": presenters_returns.state_tag(row, of_bank=of_bank), "url": url}


def patient_panel(user: User, patient: Any) -> Panel | None:
    """His transplants, and units that lie at the hospital."""
    if not user.has_permission(Permission.TRANSPLANT_VIEW):
        return None
    rows = Transplant.objects.visible_to(user).filter(patient=patient).with_units()
    waiting = _delivered(user).filter(patient=patient) if user.has_permission(Permission.ORDER_VIEW) else []
    values = {
        "rows": [presenters_grafts.list_row(row) for row in rows],
        "waiting": [
            {"row": one, "may": open_in(user, Permission.SHIPMENT_RECEIVE, one.hospital_id)}
            for one in waiting
        ],
    }
    return (
        Panel("transplants/_transplant_panel.html", values) if values["rows"] or values["waiting"] else None
    )


def unit_panel(user: User, unit: Any) -> Panel | None:
    """On the passport: the counts after thaw and the transplant, or where a unit that came back stands."""
    infusion = Infusion.objects.visible_to(user).with_names().filter(unit=unit).first()
    back = UnitReturn.objects.visible_to(user).with_names().filter(unit=unit).first()
    if infusion is None and back is None:
        return None
    values = {"infusion": _infusion(infusion), "back": _back(back, user)}
    return Panel("transplants/_graft_of_unit.html", values)


# --- found and to do ------------------------------------------------------------------------------


def find_transplants(user: User, text: str) -> list[Hit]:
    """By number or a part of it."""
    rows = Transplant.objects.visible_to(user).filter(number__icontains=text).with_names()
    return [
        Hit(
            kind=_("Transplant"),
            label=row.number,
            url=reverse("transplants:transplant-detail", args=[row.pk]),
            detail=f"{row.who} · {row.infused_on} · {row.get_graft_type_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-infused_on")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """A hospital reports what became of its units; the bank takes units back and decides on them."""
    return [*_to_report(user), *_to_take(user), *_to_decide(user), *_to_second(user)]


def _delivered(user: User) -> Any:
    rows = Order.objects.visible_to(user).filter(state=OrderState.DELIVERED)
    return rows.with_names().order_by("infusion_on", "pk")


def _to_report(user: User) -> list[WorkItem]:
    """Each unit that lies at the own hospital; overdue once its day has passed."""
    if not user.has_permission(Permission.SHIPMENT_RECEIVE):
        return []
    rows = _delivered(user).filter(hospital__in=user.hospital_ids)
    title = _("%(unit)s for %(patient)s: report the infusion, or that it was not used")
    return [
        WorkItem(
            title=title % {"unit": row.unit.public_no, "patient": row.patient.code},
            url=reverse("transplants:infusion-create", args=[row.pk]),
            detail=_("planned for %(day)s") % {"day": f"{row.infusion_on:%Y-%m-%d}"},
            due_at=end_of(row.infusion_on),
            kind="infusion",
            more_url=reverse("transplants:order-not-used", args=[row.pk]),
            more=_("Not used"),
        )
        for row in rows[:_MAX]
    ]


def _to_take(user: User) -> list[WorkItem]:
    if not user.has_permission(Permission.SHIPMENT_WORK):
        return []
    rows = UnitReturn.objects.visible_to(user).away().order_by("reported_at")
    title = _list_title(
        rows.count(), lambda n: ngettext("%(n)d unit to take back", "%(n)d units to take back", n)
    )
    return _listed(rows, title, "away")


def _to_decide(user: User) -> list[WorkItem]:
    if not user.has_permission(Permission.RETURN_DECIDE):
        return []
    rows = UnitReturn.objects.visible_to(user).to_decide().order_by("returned_at")
    title = _list_title(
        rows.count(),
        lambda n: ngettext("%(n)d returned unit to decide on", "%(n)d returned units to decide on", n),
    )
    return _listed(rows, title, "decide")


def _list_title(count: int, words: Any) -> str:
    return str(words(count) % {"n": count}) if count else ""


def _listed(rows: Any, title: str, state: str) -> list[WorkItem]:
    if not title:
        return []
    first = rows[0]
    return [
        WorkItem(
            title=title,
            url=f"{reverse('transplants:return-list')}?state={state}",
            since=first.returned_at or first.reported_at,
            kind="return",
            count=rows.count(),
        )
    ]


def _to_second(user: User) -> list[WorkItem]:
    """Each proposal that this person's signature puts in force."""
    if not user.has_permission(Permission.RETURN_DECIDE):
        return []
    rows = UnitReturn.objects.visible_to(user).to_second().exclude(decided_by=user).with_names()
    title = _("%(unit)s came back: second signature")
    return [
        WorkItem(
            title=title % {"unit": row.unit.public_no},
            url=reverse("transplants:return-decide", args=[row.pk]),
            detail=str(row.get_decision_display()),
            since=row.decided_at,
            kind="return",
        )
        for row in rows.order_by("decided_at")[:_MAX]
        if row.decided_by and are_both_roles(row.decided_by, user)
    ]
