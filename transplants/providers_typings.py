"""What confirmatory typings tell core, bank and hospitals: search, my work, panels, notices, the dossier."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank import settling
from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Record, records_of
from bank.dossier.registry import Section, Subject
from core import find, kinds, nav, panels, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.panels import Panel, Place
from core.roles import Permission
from core.work import WorkItem
from hospitals import merging
from hospitals.models import Patient
from transplants import notices_typings
from transplants import presenters_typings as presenters
from transplants.checks import Check, Outcome
from transplants.checks_typing import checks_for
from transplants.choices_orders import TypingState
from transplants.guards_typings import is_bank
from transplants.models import ConfirmatoryTyping, MatchAcknowledgement, Reservation
from transplants.presenters import end_of
from transplants.querysets_orders import ConfirmatoryTypingQuerySet
from transplants.services_typings import typings_settled

_MAX = 10
# outcome -> (word, tone, icon of the tag)
OUTCOME: dict[Outcome, tuple[Any, str, str]] = {
    Outcome.PASSED: (gettext_lazy("done"), "good", "good"),
    Outcome.FAILED: (gettext_lazy("not so"), "bad", "bad"),
    Outcome.OPEN: (gettext_lazy("to do"), "warn", "warn"),
}


def register() -> None:
    settling.register(typings_settled)
    find.register(find_typings)
    work.register(work_items)
    merging.register(open_typings)
    for kind in notices_typings.KINDS:
        kinds.register(kind)
    # who may see reservations finds them from there; the row of entries stays short
    nav.register(
        NavItem(
            33,
            gettext_lazy("Confirmatory typings"),
            "transplants:typing-list",
            Permission.TYPING_WORK,
            "/confirmatory-typings/",
        )
    )
    panels.register(Place.RESERVATION, reservation_panel)
    panels.register(Place.ORDER, order_panel)
    panels.register(Place.UNIT, unit_panel)
    panels.register(Place.PATIENT, patient_panel)
    LABELS.update(DOSSIER_LABELS)
    registry.register(
        Section(
            "match_acknowledgements",
            gettext_lazy("Lesser matches that were acknowledged"),
            dossier_matches,
            711,
            covers=(MatchAcknowledgement._meta.label,),
            columns=("reservation", "found", "signer", "acknowledged_at", "reason"),
        )
    )
    registry.register(
        Section(
            "confirmatory_typings",
            gettext_lazy("Confirmatory typings"),
            dossier,
            710,
            covers=(ConfirmatoryTyping._meta.label,),
            columns=("number", "state", "reservation", "asked_at", "sampled_on", "differing", "ended_at"),
        )
    )


DOSSIER_LABELS = {
    "reservation": gettext_lazy("Reservation"),
    "sample_use": gettext_lazy("Use of the segment"),
    "reported": gettext_lazy("Result as entered"),
    "reported_at": gettext_lazy("Entered at"),
    "withdrawn": gettext_lazy("Results taken back"),
    "compared_with": gettext_lazy("Compared with"),
    "differing": gettext_lazy("Contradicts at"),
    "typing": gettext_lazy("Confirmatory typing"),
    "patient_typing": gettext_lazy("Typing of the patient"),
    "found": gettext_lazy("Where it matches less"),
    "settled_at": gettext_lazy("Conflict settled at"),
}


def dossier(subject: Subject) -> list[Record]:
    """Every confirmatory typing of the unit. Of patients their codes only."""
    return records_of(subject.unit.confirmatory_typings.order_by("asked_at", "pk"), skip=("unit",))


def dossier_matches(subject: Subject) -> list[Record]:
    """Loci only, of the patients to whom the unit was promised."""
    rows = MatchAcknowledgement.objects.filter(reservation__unit=subject.unit)
    return records_of(rows.order_by("acknowledged_at", "pk"), skip=())


# --- panels ---------------------------------------------------------------------------------------


def _shown(rows: ConfirmatoryTypingQuerySet, user: User) -> list[dict[str, Any]]:
    newest = list(rows.visible_to(user).with_names().order_by("-asked_at")[:_MAX])
    today, days = timezone.localdate(), presenters.days_to_confirm() if newest else 0
    return [presenters.list_row(row, today, days, user) for row in newest]


def reservation_panel(user: User, reservation: Any) -> Panel | None:
    """What has to be so before an order, and the typings of the unit; nothing of a wish."""
    row: Reservation = reservation
    if not user.has_permission(Permission.TYPING_VIEW) or not row.is_active:
        return None
    values = {
        "checks": [_check(one) for one in checks_for(row)],
        "rows": _shown(ConfirmatoryTyping.objects.filter(unit=row.unit_id), user),
        "ask_url": presenters.ask_url(row, user),
    }
    return Panel("transplants/_before_order.html", values)


def _check(check: Check) -> dict[str, Any]:
    text, tone, icon = OUTCOME[check.outcome]
    return {
        "label": check.label,
        "says": check.says,
        "url": check.url,
        "text": text,
        "tone": tone,
        "icon": icon,
    }


def _panel(user: User, **where: Any) -> Panel | None:
    if not user.has_permission(Permission.TYPING_VIEW):
        return None
    rows = _shown(ConfirmatoryTyping.objects.filter(**where), user)
    return Panel("transplants/_typing_panel.html", {"rows": rows}) if rows else None


def order_panel(user: User, order: Any) -> Panel | None:
    return _panel(user, unit=order.unit_id)


def unit_panel(user: User, unit: Any) -> Panel | None:
    """A hospital sees those that it asked for."""
    return _panel(user, unit=unit.pk)


def patient_panel(user: User, patient: Any) -> Panel | None:
    return _panel(user, patient=patient.pk)


# --- found and to do ------------------------------------------------------------------------------


def open_typings(patient: Patient) -> list[str]:
    """Numbers of what a patient's record cannot be merged away from."""
    return list(ConfirmatoryTyping.objects.filter(patient=patient).open().values_list("number", flat=True))


def find_typings(user: User, text: str) -> list[Hit]:
    """By number or a part of it."""
    rows = ConfirmatoryTyping.objects.visible_to(user).filter(number__icontains=text).with_names()
    return [
        Hit(
            kind=_("Confirmatory typing"),
            label=row.number,
            url=reverse("transplants:typing-detail", args=[row.pk]),
            detail=f"{row.unit.public_no} · {row.patient.code} · {row.get_state_display()}",
            exact=row.number.casefold() == text.casefold(),
        )
        for row in rows.order_by("-asked_at")[:_MAX]
    ]


def work_items(user: User) -> list[WorkItem]:
    """The laboratory takes segments and enters results; a second person verifies what somebody else entered."""
    seen = ConfirmatoryTyping.objects.visible_to(user)
    wanted: list[tuple[ConfirmatoryTypingQuerySet, Any]] = []
    if is_bank(user, Permission.TYPING_WORK):
        wanted += [
            (seen.filter(state=TypingState.ASKED), _("Take a segment of %(unit)s for %(number)s")),
            (seen.filter(state=TypingState.SAMPLED), _("Enter the result of %(number)s (%(unit)s)")),
        ]
    if is_bank(user, Permission.RESULT_VERIFY):
        wanted.append((seen.to_verify(user.pk), _("Verify the result of %(number)s (%(unit)s)")))
    if not wanted:
        return []
    days = presenters.days_to_confirm()
    return [
        _item(row, title, days)
        for rows, title in wanted
        for row in rows.with_names().order_by("asked_at", "pk")[:_MAX]
    ]


def _item(row: ConfirmatoryTyping, title: str, days: int) -> WorkItem:
    last: dt.date = presenters.due_on(row, days)
    return WorkItem(
        title=title % {"unit": row.unit.public_no, "number": row.number},
        url=reverse("transplants:typing-detail", args=[row.pk]),
        detail=f"{row.hospital.code} · {row.patient.code}",
        due_at=end_of(last),
        since=row.asked_at,
        kind="typing",
    )
