"""One policy for its page: rules by group, order, pairs, search, its versions and what the last one changed."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from matching.choices import MatchClass
from matching.engine.selection.rules import BadRules, Setting
from matching.models import SelectionPolicy
from matching.presenters.findings import references
from matching.presenters.policy_words import (
    ANTIGEN_RULES,
    PAIR_UNITS,
    PAIRS,
    SORT_NAMES,
    place_text,
    value_text,
)
from matching.presenters.requests import floors_text
from matching.presenters.rule_words import ACTIONS, GROUPS, NAMES, threshold_text
from matching.selection import whole
from matching.selection.policies import plain_name, shown_name
from matching.selection.refusals import refusal

TONES = {"exclude": "bad", "warn": "warn", "sort": "info", "show": "", "off": ""}
# Populations of the shipped policies, as stored.
POPULATIONS = {
    "adults and children with blood cancer, one unit": gettext_lazy(
        "adults and children with blood cancer, one unit"
    ),
    "marrow failure, metabolic and immune disease, one unit": gettext_lazy(
        "marrow failure, metabolic and immune disease, one unit"
    ),
    "patients for whom one unit is too small": gettext_lazy("patients for whom one unit is too small"),
    "patients under 18 with blood cancer, one unit": gettext_lazy(
        "patients under 18 with blood cancer, one unit"
    ),
}
TEXTS = ("indication", "proposed_for", "population", "author", "references")


def owner(policy: SelectionPolicy) -> str:
    return policy.hospital.display_name if policy.hospital else _("The bank")


def row(policy: SelectionPolicy) -> dict[str, Any]:
    """One line of the list."""
    return {
        "url": reverse("matching:policy-detail", args=[policy.pk]),
        "name": plain_name(policy),
        "version": policy.version,
        "owner": owner(policy),
        "indication": policy.get_indication_display(),
        "population": _translated(policy),
        "author": policy.author,
        "tags": tags(policy),
    }


def _translated(policy: SelectionPolicy) -> str:
    """The shipped policies say their population in the reader's language until somebody edits it."""
    known = POPULATIONS.get(policy.population) if policy.hospital_id is None else None
    return str(known or policy.population)


def tags(policy: SelectionPolicy) -> list[dict[str, str]]:
    found = []
    if policy.is_default:
        found.append({"text": _("default"), "tone": "good"})
    if policy.proposed_for and policy.is_offered:
        text = _("proposed: %(patients)s") % {"patients": policy.get_proposed_for_display()}
        found.append({"text": text, "tone": "info"})
    if not policy.is_offered:
        found.append({"text": _("retired"), "tone": "warn"})
    return found


def detail(policy: SelectionPolicy) -> dict[str, Any]:
    """Everything that the policy says; `unreadable` instead where this program does not know a part of it."""
    facts = [
        {"label": _("Owner"), "value": owner(policy)},
        {"label": _("Indication"), "value": policy.get_indication_display() or "–"},
        {"label": _("Population of use"), "value": _translated(policy) or "–"},
        {"label": _("Author"), "value": policy.author or "–"},
        {"label": _("Proposed for"), "value": policy.get_proposed_for_display() or _("nobody")},
    ]
    if policy.copied_from:
        facts.append({"label": _("Copied from"), "value": shown_name(policy.copied_from)})
    shown = {
        "title": shown_name(policy),
        "facts": facts,
        "tags": tags(policy),
        "references": policy.references,
    }
    try:
        search, selection = whole.read(policy.rules)
    except BadRules as error:
        return {**shown, "unreadable": refusal(error).message}
    rules = groupby(selection.settings.values(), key=lambda setting: setting.rule.group)
    return {
        **shown,
        "unreadable": "",
        "groups": [
            {"name": str(GROUPS[group]), "rows": [_rule(one) for one in settings]}
            for group, settings in rules
        ],
        "sort": [str(SORT_NAMES[key]) for key in selection.sort],
        "pairs": _pairs(selection.pairs.as_data()),
        "search": [
            {"label": _("Class that orders the search"), "value": MatchClass(search.primary).label},
            {"label": _("Antigen rule"), "value": ANTIGEN_RULES[search.antigen_rule]},
            {"label": _("Floors proposed"), "value": floors_text(search.floors)},
            {"label": _("Must be typed"), "value": ", ".join(search.required_loci)},
        ],
    }


def _rule(setting: Setting) -> dict[str, Any]:
    return {
        "name": str(NAMES[setting.code]),
        "action": str(ACTIONS[setting.action]),
        "tone": TONES[setting.action],
        "off": setting.action == "off",
        "threshold": threshold_text(setting.code, setting.values),
        "refs": references(setting),
    }


def _pairs(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": str(PAIRS[name]),
            "value": _("not asked") if value is None else f"{value} {PAIR_UNITS[name]}",
        }
        for name, value in data.items()
    ]


def history(policy: SelectionPolicy) -> list[dict[str, Any]]:
    """All versions under this name, the newest first, each with what it changed of the one before."""
    versions = list(
        SelectionPolicy.objects.versions_of(policy).select_related("hospital", "copied_from__hospital")
    )
    earlier = [*versions[1:], versions[-1].copied_from] if versions else []
    return [
        {
            "url": reverse("matching:policy-detail", args=[one.pk]),
            "version": one.version,
            "here": one.pk == policy.pk,
            "offered": one.is_offered,
            "at": one.created_at,
            "by": one.created_by,
            "retired_at": one.retired_at,
            "retired_by": one.retired_by,
            "reason": one.retire_reason,
            "summary": _summary(changed(before, one), before),
        }
        for one, before in zip(versions, earlier, strict=True)
    ]


def _summary(rows: list[dict[str, str]], before: SelectionPolicy | None) -> str:
    if before is None:
        return _("first version")
    if not rows:
        return _("as the one it was copied from")
    return ngettext("%(n)d change", "%(n)d changes", len(rows)) % {"n": len(rows)}


def changed(before: SelectionPolicy | None, after: SelectionPolicy) -> list[dict[str, str]]:
    """What differs between two policies, place by place; nothing where one of them cannot be read."""
    if before is None:
        return []
    try:
        old, new = _flat(before), _flat(after)
    except BadRules:
        return []
    return [
        {
            "place": place_text(place),
            "before": value_text(place, old[place]),
            "after": value_text(place, new[place]),
        }
        for place in new
        if old[place] != new[place]
    ]


def before_of(policy: SelectionPolicy) -> SelectionPolicy | None:
    """The version before; of the first one what it was copied from."""
    if policy.version == 1:
        return policy.copied_from
    found: SelectionPolicy | None = SelectionPolicy.objects.versions_of(policy).filter(
        version=policy.version - 1
    ).first()  # fmt: skip
    return found


def _flat(policy: SelectionPolicy) -> dict[str, Any]:
    return {**{name: getattr(policy, name) for name in TEXTS}, **whole.flat(policy.rules)}
