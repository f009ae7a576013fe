"""The release desk: units in quarantine by the state of their checks and by age, oldest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from bank import desk
from bank import presenters_release as words
from bank.desk import AGES, Desk, DeskState, Entry
from bank.models import DiscardProposal
from bank.services_interview import deferring_counts
from core.access import permission_required, person_of
from core.pages import paginate
from core.roles import Permission

# Of a row; the tabs say it in full.
WORDS = {
    DeskState.READY: gettext_lazy("ready"),
    DeskState.EXCEPTION: gettext_lazy("exception possible"),
    DeskState.MISSING: gettext_lazy("incomplete"),
    DeskState.FAILED: gettext_lazy("not met"),
}
TONES = {
    DeskState.READY: "good",
    DeskState.EXCEPTION: "info",
    DeskState.MISSING: "warn",
    DeskState.FAILED: "bad",
    DeskState.BLOCKED: "bad",
}
LEAVING = {"text": gettext_lazy("proposed to leave"), "tone": "bad"}


@require_GET
@permission_required(Permission.INVENTORY_VIEW_ALL)
def release_desk(request: HttpRequest) -> HttpResponse:
    """The states are counted of the oldest; without a state asked, every unit in quarantine is on some page."""
    user = person_of(request)
    age, state = request.GET.get("age", ""), request.GET.get("state", "")
    found = desk.desk(user, age)
    signer = user if request.GET.get("sign") == "mine" else None
    is_of_state = state in DeskState.values
    rows: Any = found.of(DeskState(state), signer) if is_of_state else desk.quarantine(user, age)
    page = paginate(request, rows)
    entries = list(page.object_list) if is_of_state else _judged(list(page.object_list), found)
    by_age = desk.ages(user)
    proposed = DiscardProposal.objects.visible_to(user).open()
    context = {
        "page": page,
        "rows": _rows(entries),
        "proposed": proposed.count(),
        "states": _states(request, found, state, age, by_age),
        "ages": _ages(request, age, by_age),
        "signer": signer if is_of_state else None,
        "capped": desk.MOST_JUDGED if found.capped else 0,
        "crumbs": [(reverse("bank:unit-list"), _("Inventory")), ("", _("Release desk"))],
    }
    return render(request, "bank/release_desk.html", context)


def _judged(units: Sequence[Any], found: Desk) -> list[Entry]:
    """Those of a page, of which most have been judged already."""
    known = {entry.unit.pk: entry for entry in found.entries}
    others = {one.unit.pk: one for one in desk.entries_of([u for u in units if u.pk not in known])}
    return [known.get(unit.pk) or others[unit.pk] for unit in units]


def _rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    units = [entry.unit for entry in entries]
    deferring = deferring_counts([unit.donation_id for unit in units if unit.donation_id])
    return [_row(entry, deferring) for entry in entries]


def _row(entry: Entry, deferring: Mapping[UUID, int]) -> dict[str, Any]:
    findings = entry.found.findings
    donation_id = entry.unit.donation_id
    return {
        "unit": entry.unit,
        "met": len(findings) - len(entry.found.open),
        "asked": len(findings),
        "open": words.what_is_open(findings),
        "state": LEAVING if entry.is_leaving else {"text": _state_text(entry), "tone": TONES[entry.state]},
        "deferring": deferring.get(donation_id, 0) if donation_id else 0,
    }


def _state_text(entry: Entry) -> str:
    if entry.unit.blocks:
        return ", ".join(entry.unit.block_labels)
    if entry.found.specification is None:
        return _("no specification")
    return str(WORDS[entry.state])


def _states(
    request: HttpRequest, found: Desk, state: str, age: str, by_age: dict[str, int]
) -> list[dict[str, Any]]:
    whole = by_age[age] if age in AGES else sum(by_age.values())
    choices = [("", _("All"), whole), *((one.value, one.label, found.counts[one]) for one in DeskState)]
    return [
        {"url": _address(request, state=value), "label": label, "active": value == state, "count": count}
        for value, label, count in choices
    ]


def _ages(request: HttpRequest, age: str, by_age: dict[str, int]) -> list[dict[str, Any]]:
    choices = [
        ("", _("any age"), sum(by_age.values())),
        *((key, _age_text(key), by_age[key]) for key in AGES),
    ]
    return [
        {"url": _address(request, age=value), "label": label, "active": value == age, "count": count}
        for value, label, count in choices
    ]


def _age_text(key: str) -> str:
    least, less_than = AGES[key]
    if less_than is None:
        return _("%(n)d days and more") % {"n": least}
    if not least:
        return ngettext("less than %(n)d day", "less than %(n)d days", less_than) % {"n": less_than}
    return _("%(low)d to %(high)d days") % {"low": least, "high": less_than}


def _address(request: HttpRequest, **changed: str) -> str:
    """The address of the same list with another filter, on its first page."""
    query = request.GET.copy()
    for name in ("page", "sign", *changed):
        query.pop(name, None)
    query.update({name: value for name, value in changed.items() if value})
    return f"?{query.urlencode()}"
