"""Which units a label page is about: those that the address or a scanner names, or those of the inventory's filter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import UUID

from django.http import HttpRequest

from bank import lists
from bank.forms import UnitFilterForm
from bank.models import CordBloodUnit
from bank.querysets import donation_in
from core.models import User

MOST = 500  # labels at once, and units
_BETWEEN = re.compile(r"[,;\n]+")


@dataclass
class Selection:
    """units: in the order in which they were named; unknown: texts that name none; cut: there are more than MOST."""

    units: list[CordBloodUnit] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    cut: bool = False


def of_request(request: HttpRequest, user: User) -> Selection:
    """`?units=` (keys or numbers, with commas or one a line), else the inventory's own filters; no filter, no unit."""
    if named := request.GET.get("units", "").strip():
        return of_text(named, user)
    if not any(request.GET.get(name) for name in UnitFilterForm.base_fields):
        return Selection()
    units, form, _sort = lists.unit_selection(request, user)
    if not form.is_valid():
        return Selection()
    found = list(units.select_related("bank")[: MOST + 1])
    return Selection(found[:MOST], cut=len(found) > MOST)


def of_text(text: str, user: User) -> Selection:
    """Each named once. Numbers that two banks gave, and texts that name nothing, are unknown."""
    words = list(
        dict.fromkeys(filter(None, (word.strip() for word in _BETWEEN.split(text.replace("\0", "")))))
    )
    named = words[:MOST]
    found = _at_once(named, user)
    visible = CordBloodUnit.objects.visible_to(user).select_related("bank")
    selection = Selection(cut=len(words) > MOST)
    seen: set[UUID] = set()
    for word in named:
        unit = found.get(word) or visible.by_number(word)
        if unit is None:
            selection.unknown.append(word[:60])
        elif unit.pk not in seen:
            seen.add(unit.pk)
            selection.units.append(unit)
    return selection


def _at_once(words: list[str], user: User) -> dict[str, CordBloodUnit]:
    """Keys and DINs by one query each, so that a long list is not asked for word by word."""
    keys = {word: key for word in words if (key := _key(word))}
    dins = {word: code for word in words if word not in keys and (code := donation_in(word))}
    visible = CordBloodUnit.objects.visible_to(user).select_related("bank")
    by_key = visible.in_bulk(list(set(keys.values())))
    by_din = {unit.din: unit for unit in visible.filter(din__in=set(dins.values()))}
    found = {word: by_key.get(key) for word, key in keys.items()}
    found |= {word: by_din.get(code) for word, code in dins.items()}
    return {word: unit for word, unit in found.items() if unit}


def _key(word: str) -> UUID | None:
    try:
        return UUID(word) if len(word) == 36 else None
    except ValueError:
        return None
