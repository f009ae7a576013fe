"""What enquiries tell core and hospitals: navigation, search, my work, panels, notices."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.dossier.registry import leave_out
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
from transplants import notices_enquiries, presenters_enquiries
from transplants.choices_enquiries import Side
from transplants.models_enquiries import Enquiry
from transplants.presenters import end_of
from transplants.querysets_enquiries import side_of

_MAX = 10


def register() -> None:
    find.register(find_enquiries)
    work.register(work_items)
    for kind in notices_enquiries.KINDS:
        kinds.register(kind)
    leave_out(
        Enquiry._meta.label, "a correspondence about a patient, not a record of the unit; it stands with him"
    )
    nav.register(
        NavItem(
            34, gettext_lazy("Enquiries"), "transplants:enquiry-list", Permission.ENQUIRY_VIEW, "/enquiries/"
        )
    )
    panels.register(Place.PATIENT, patient_panel)
    merging.register(open_enquiries)
    panels.register(Place.LISTED, listed_panel)


def open_enquiries(patient: Patient) -> list[str]:
    """Numbers of what a patient's record cannot be merged away from."""
    return list(Enquiry.objects.filter(patient=patient).open().values_list("number", flat=True))


def patient_panel(user: User, patient: Any) -> Panel | None:
    """What is asked and answered about a patient, and a way to ask."""
    if not user.has_permission(Permission.ENQUIRY_VIEW):
        return None
    rows = Enquiry.objects.visible_to(user).filter(patient=patient)
    side, today = side_of(user), timezone.localdate()
    shown = [
        presenters_enquiries.list_row(row, today, side) for row in rows.open().with_names().order_by("due_on")
    ]
    may = patient.is_active and open_in(user, Permission.ENQUIRY_ASK, patient.hospital_id)
    values = {
        "rows": shown,
        "ended": rows.count() - len(shown),
        "all_url": f"{reverse('transplants:enquiry-list')}?patient={patient.pk}&state=all",
        "ask_url": reverse("transplants:enquiry-create", args=[patient.pk]) if may else "",
    }
    return Panel("transplants/_enquiry_panel.html", values)


def listed_panel(user: User, result: Any) -> Panel | None:
    """Beside a unit of a list: ask the bank about it."""
    request = result.run.request
    may = open_in(user, Permission.ENQUIRY_ASK, request.hospital_id) and request.patient.is_active
    if not may or side_of(user) == Side.BANK or result.unit.blocks:
        return None
    url = reverse("transplants:enquiry-create-unit", args=[request.patient_id, result.unit_id])
    return Panel("transplants/_enquiry_ask.html", {"url": url})


def find_enquiries(user: User, text: str) -> list[Hit]:
    """By number or a part of it."""
    rows = Enquiry.objects.visible_to(user).filter(number__icontains=text).with_names()
    return [
        Hit(
            kind=_("Enquiry"),
            label=row.number,
            url=reverse("transplants:enquiry-detail", args=[row.pk]),
            detail=f"{row.patient.code} · {row.get_kind_display()} · {row.get_state_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-last_at")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """Each enquiry in which it is this person's side's turn, and answers that nobody of the side has read."""
    if not user.has_permission(Permission.ENQUIRY_ASK):
        return []
    side = side_of(user)
    rows = Enquiry.objects.open_for(user, Permission.ENQUIRY_VIEW, Permission.ENQUIRY_ASK).with_names()
    waiting = rows.waiting_for(side).order_by("due_on", "pk")
    unread = rows.exclude(pk__in=rows.open()).unseen_by(side).order_by("last_at")
    return [*(_turn(row) for row in waiting[:_MAX]), *(_unread(row) for row in unread[:_MAX])]


def _turn(row: Enquiry) -> WorkItem:
    title = _("Answer %(number)s: %(subject)s") % {"number": row.number, "subject": row.subject}
    return WorkItem(
        title=title,
        url=reverse("transplants:enquiry-detail", args=[row.pk]),
        detail=f"{row.get_kind_display()} · {row.patient.code}",
        due_at=end_of(row.due_on) if row.due_on else None,
        since=row.last_at,
        kind="enquiry",
    )


def _unread(row: Enquiry) -> WorkItem:
    title = _("%(number)s: %(state)s, not read yet")
    return WorkItem(
        title=title % {"number": row.number, "state": row.get_state_display()},
        url=reverse("transplants:enquiry-detail", args=[row.pk]),
        detail=f"{row.subject} · {row.patient.code}",
        since=row.last_at,
        kind="enquiry",
    )
