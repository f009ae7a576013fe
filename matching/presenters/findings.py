"""Findings of an evaluation for pages and files: each rule with verdict, value, threshold, reference, action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import SEARCHABLE
from core.models import User
from core.roles import Permission
from matching.engine.selection.catalogue import Reference
from matching.engine.selection.rules import SelectionRules, Setting
from matching.models import EvaluatedUnit, Evaluation, SearchResult
from matching.presenters.rule_words import (
    ACTIONS,
    GROUPS,
    NAMES,
    OUTCOMES,
    SHORT,
    missing_text,
    threshold_text,
    value_text,
)

NOT_OFFERED = "NOT_OFFERED"
NOT_JUDGED = ("unknown", None, ("offered",))  # by a rule that is not asked of a unit that is not on offer
# As _components/why.html draws them; what does not apply is drawn by no mark that judges.
VERDICTS = {"passed": "ok", "failed": "no", "unknown": "na", "not_applicable": "none"}


def of_page(evaluation: Evaluation, page: Sequence[SearchResult]) -> dict[int, EvaluatedUnit]:
    """Result -> what was found of it, for the rows of one page."""
    rows = EvaluatedUnit.objects.filter(evaluation=evaluation, result__in=page)
    return {row.result_id: row for row in rows}


def open_to(user: User, found: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The findings that a person may see."""
    return dict(found) if user.has_permission(Permission.INVENTORY_VIEW_ALL) else open_to_hospitals(found)


def open_to_hospitals(found: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Hospitals learn of a unit's state only whether it is on offer or reserved."""
    offer = found.get("offer")
    if offer is None or offer[1] in SEARCHABLE:
        return dict(found)
    return {**found, "offer": [offer[0], NOT_OFFERED, offer[2]]}


def table(
    rules: SelectionRules, row: EvaluatedUnit, user: User, expected: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Groups of findings: {name, rows: [finding]}, in the order of the catalogue. expected: rule -> what after thaw."""
    found = open_to(user, row.findings)
    after_thaw = expected or {}
    known = [setting for setting in rules.active if setting.code in found]
    return [
        {
            "name": str(GROUPS[group]),
            "rows": [
                {**finding(setting, found[setting.code]), "expected": after_thaw.get(setting.code, "")}
                for setting in settings
            ],
        }
        for group, settings in groupby(known, key=lambda setting: setting.rule.group)
    ]


def to_look_at(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules not met, and those that exclude or warn and cannot be told, as _components/why.html takes them.

    What excludes comes first, what cannot be told last.
    """
    rows = [row for group in groups for row in group["rows"] if _wants_a_look(row)]
    rows.sort(key=lambda row: (not row["excludes"], row["verdict"] == "na"))
    return [{"verdict": row["verdict"], "text": _short(row), "refs": []} for row in rows]


def _wants_a_look(row: Mapping[str, Any]) -> bool:
    return bool(row["verdict"] == "no" or (row["verdict"] == "na" and row["weighs"]))


def _short(row: Mapping[str, Any]) -> str:
    """Excludes: TNC per kg, before freezing: 1.50 ×10⁷/kg (at least 2.5 ×10⁷/kg)"""
    text = str(row["name"])
    if row["value"]:
        text = f"{text}: {row['value']}"
    if row["threshold"]:
        text = f"{text} ({row['threshold']})"
    return _("Excludes: %(rule)s") % {"rule": text} if row["excludes"] else text


def finding(setting: Setting, found: Sequence[Any]) -> dict[str, Any]:
    """One finding in words. found: as stored, [outcome, value, missing]."""
    outcome, value, missing = found
    return {
        "code": setting.code,
        "name": str(NAMES[setting.code]),
        "short": str(SHORT[setting.code]),
        "verdict": VERDICTS[outcome],
        "outcome": str(OUTCOMES[outcome]),
        "value": value_text(setting.code, value),
        "threshold": threshold_text(setting.code, setting.values),
        "missing": missing_text(missing),
        "action": str(ACTIONS[setting.action]),
        "excludes": outcome == "failed" and setting.action == "exclude",
        "weighs": setting.action in ("exclude", "warn"),
        "refs": references(setting),
    }


def references(setting: Setting) -> list[dict[str, Any]]:
    """The hospital's own where it gave one, else those of the catalogue; what is not confirmed says so."""
    if setting.reference:
        return [{"label": setting.reference, "url": "", "note": ""}]
    return [_reference(one) for one in setting.rule.references]


def _reference(one: Reference) -> dict[str, Any]:
    return {"label": one.label, "url": one.url, "note": "" if one.confirmed else _("unconfirmed")}


def tags(row: EvaluatedUnit) -> list[dict[str, str]]:
    """Why a unit is excluded; of others an antibody first, then how much wants a look."""
    if row.excluded_by:
        return [{"text": str(SHORT[code]), "tone": "bad"} for code in row.excluded_by]
    found = []
    if row.findings.get("dsa", [""])[0] == "failed":
        found.append({"text": "DSA", "tone": "bad"})
    if row.nima:
        found.append({"text": "NIMA", "tone": "good"})
    others = [code for code in row.warnings if code != "dsa" or row.findings["dsa"][0] != "failed"]
    if others:
        text = ngettext("%(n)d point to check", "%(n)d points to check", len(others)) % {"n": len(others)}
        found.append({"text": text, "tone": "warn"})
    return found


def sentence(rules: SelectionRules, row: EvaluatedUnit) -> str:
    """The verdict of all rules in one line."""
    if row.excluded_by:
        names = ", ".join(str(NAMES[code]) for code in row.excluded_by)
        return _("Excluded: %(rules)s.") % {"rules": names}
    failed = sum(found[0] == "failed" for found in row.findings.values())
    unknown = sum(found[0] == "unknown" for found in row.findings.values())
    met = sum(found[0] == "passed" for found in row.findings.values())
    text = _("Eligible: %(met)d rules met, %(failed)d not met, %(unknown)d cannot be told.") % {
        "met": met,
        "failed": failed,
        "unknown": unknown,
    }
    others = len(row.findings) - met - failed - unknown
    return f"{text} {without_meaning(others)}" if others else text


def without_meaning(count: int) -> str:
    """Of rules that ask nothing of an adult donor."""
    text = ngettext(
        "%(n)d rule of cord blood does not apply to an adult donor.",
        "%(n)d rules of cord blood do not apply to an adult donor.",
        count,
    )
    return text % {"n": count}


def for_files(rules: SelectionRules, findings: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """One short text per rule of the policy for CSV: outcome and value, "" where the rule is off."""
    for code, setting in rules.settings.items():
        found = findings.get(code)
        if found is None or setting.action == "off":
            yield ""
        else:
            yield " ".join(filter(None, (found[0], value_text(code, found[1]))))
