"""Units that came back, in words: where each stands, what is known, what a person may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from bank.choices import LEFT, UnitStatus
from bank.services_disposal import may_propose
from bank.services_storage import slot_of
from core.access import person_of
from core.models import AuditEntry, User
from core.pages import Sort, sort_from
from core.roles import Permission
from transplants.checks import Outcome
from transplants.choices_orders import ReturnDecision
from transplants.forms_returns import ReturnFilterForm
from transplants.models import UnitReturn
from transplants.querysets_orders import OUT_OR_BACK, UnitReturnQuerySet
from transplants.relisting import checks_of
from transplants.services_returns import are_both_roles, digest_of

SORTS = {
    "unit": "unit__unit_no",
    "order": "order__number",
    "hospital": "hospital__code",
    "reported": "reported_at",
    "returned": "returned_at",
}
COLUMNS = [
    {"label": gettext_lazy("Unit"), "key": "unit"},
    {"label": pgettext_lazy("of a unit", "Order"), "key": "order"},
    {"label": gettext_lazy("Hospital"), "key": "hospital"},
    {"label": gettext_lazy("Cause"), "key": ""},
    {"label": gettext_lazy("Reported"), "key": "reported"},
    {"label": gettext_lazy("Back in the bank"), "key": "returned"},
    {"label": gettext_lazy("State"), "key": ""},
]


def selection(request: HttpRequest) -> tuple[UnitReturnQuerySet, ReturnFilterForm, Sort]:
    """What has waited longest stands first."""
    form = ReturnFilterForm(request.GET)
    sort = sort_from(request, SORTS, "reported")
    rows = form.apply(UnitReturn.objects.visible_to(person_of(request))).with_names()
    first, *rest = sort.fields
    field = F(first.lstrip("-"))
    order = field.desc(nulls_last=True) if sort.descending else field.asc(nulls_first=True)
    return rows.order_by(order, *rest), form, sort


def list_row(row: UnitReturn) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:return-decide", args=[row.pk]),
        "state": state_tag(row, of_bank=True),
    }


def is_open(row: UnitReturn) -> bool:
    return row.seconded_at is None and row.unit.status in OUT_OR_BACK


def state_tag(row: UnitReturn, *, of_bank: bool) -> dict[str, str]:
    """Where it stands, as `UnitReturnQuerySet` says of rows. row: with its unit.

    of_bank: what one person has proposed is told to the bank only; a hospital learns what two have signed."""
    if row.seconded_at is not None:
        tone = "good" if row.decision == ReturnDecision.LISTED else ""
        return {"text": str(row.get_decision_display()), "tone": tone}
    if row.unit.status not in OUT_OR_BACK:  # discarded as every unit is
        return {"text": str(UnitStatus(row.unit.status).label), "tone": ""}
    if row.decision and of_bank:
        text = _("second signature: %(decision)s") % {"decision": row.get_decision_display()}
        return {"text": text, "tone": "warn"}
    if row.returned_at is not None:
        return {"text": _("to decide"), "tone": "warn"}
    return {"text": _("not back yet"), "tone": "info"}


def facts(row: UnitReturn) -> list[dict[str, Any]]:
    slot = slot_of(row.unit)
    return [
        {"label": pgettext("of a unit", "Order"), "value": row.order.number},
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        {"label": _("Cause"), "value": row.get_cause_display()},
        {"label": _("What happened"), "value": row.note},
        {"label": _("It was thawed"), "value": _("yes") if row.thawed else _("no")},
        {"label": _("Reported"), "value": f"{_at(row.reported_at)} · {row.reported_by.full_name}"},
        {"label": _("Back in the bank"), "value": _back(row)},
        {"label": _("Bag intact"), "value": row.get_bag_intact_display() if row.bag_intact else ""},
        {"label": _("Place in storage"), "value": slot.place if slot else ""},
    ]


def _back(row: UnitReturn) -> str:
    if row.returned_at is None or row.returned_by is None:
        return ""
    return f"{_at(row.returned_at)} · {row.returned_by.full_name}"


def _at(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


def proposal(row: UnitReturn) -> dict[str, Any]:
    """What was proposed, or decided; {} where nothing is."""
    if not row.decision or row.decided_by is None or row.decided_at is None:
        return {}
    return {
        "decision": row.get_decision_display(),
        "reason": row.decision_reason,
        "first": f"{row.decided_by.full_name} · {_at(row.decided_at)}",
        "second": f"{row.seconded_by.full_name} · {_at(row.seconded_at)}" if row.seconded_by else "",
        "digest": digest_of(row),
    }


_VERDICT = {Outcome.PASSED: ("ok", gettext_lazy("met")), Outcome.FAILED: ("no", gettext_lazy("not met"))}


def check_rows(row: UnitReturn) -> list[dict[str, Any]]:
    """What speaks for and against its being on offer again, what is not met first."""
    order = {Outcome.FAILED: 0, Outcome.OPEN: 1, Outcome.PASSED: 2}
    found = sorted(checks_of(row), key=lambda one: order[one.outcome])
    rows = []
    for one in found:
        mark, word = _VERDICT.get(one.outcome, ("na", gettext_lazy("open")))
        rows.append({"label": one.label, "says": one.says, "url": one.url, "mark": mark, "word": word})
    return rows


def may(row: UnitReturn, user: User) -> dict[str, bool]:
    """What the page offers; the services decide."""
    decides = user.has_permission(Permission.RETURN_DECIDE)
    takes = decides or user.has_permission(Permission.SHIPMENT_WORK)
    is_back = is_open(row) and row.unit.status == UnitStatus.RETURNED_QA
    first = row.decided_by
    return {
        "arrive": takes and is_open(row) and row.returned_at is None,
        "gone": is_open(row) and row.returned_at is None and may_propose(user, row.unit),
        "propose": decides and is_back and not row.decision,
        "second": decides and is_back and first is not None and first != user and are_both_roles(first, user),
        "withdraw": decides and is_back and bool(row.decision),
    }


def waits_for(row: UnitReturn, user: User) -> str:
    """Whose turn it is, where it is not this person's; "" otherwise."""
    offered = may(row, user)
    if not is_open(row) or any(offered[act] for act in ("arrive", "propose", "second")):
        return ""
    if row.returned_at is None:
        return _("Shipping or quality assurance records that it is back.")
    if not row.decision:
        return _("Quality assurance or the medical director proposes what becomes of it.")
    return _("Another person signs: one of the two for quality assurance, the other as medical director.")


def disposal_text(row: UnitReturn) -> str:
    """Of a unit that left the inventory by the way that every unit may go; "" otherwise."""
    if row.seconded_at is not None or row.unit.status not in LEFT:
        return ""
    text = _("%(unit)s left the inventory without coming under review: %(status)s.")
    return text % {"unit": row.unit.public_no, "status": UnitStatus(row.unit.status).label}


WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "return.report": (lambda: _("The hospital did not use it"), "bad"),
    "return.arrive": (lambda: _("Back in the bank"), ""),
    "return.propose": (lambda: _("Decision proposed and signed"), "warn"),
    "return.withdraw": (lambda: _("Proposal withdrawn"), ""),
    "return.decide": (lambda: _("Decided, with two signatures"), "good"),
    "return.sign_refused": (lambda: _("Signature refused"), "bad"),
}


def timeline(row: UnitReturn) -> list[dict[str, Any]]:
    entries = AuditEntry.objects.filter(target_type=row._meta.label, target_key=str(row.pk))
    return [_entry(entry) for entry in entries.order_by("-at", "-pk")]


def _entry(entry: AuditEntry) -> dict[str, Any]:
    words, tone = WORDS.get(entry.action, (lambda: entry.action, ""))
    wanted = (entry.after or {}).get("decision", "")
    decision = str(ReturnDecision(wanted).label) if wanted in ReturnDecision.values else ""
    detail = " · ".join(filter(None, (decision, entry.reason)))
    return {"at": entry.at, "text": words(), "actor": entry.actor_label, "detail": detail, "tone": tone}
