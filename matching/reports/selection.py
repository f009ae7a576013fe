"""From the page's list to a report: the same units in the same order under the same filters, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils import translation
from django.utils.translation import gettext as _

from matching.engine.selection.rules import SelectionRules
from matching.match_list import ALL, ELIGIBLE, EXCLUDED, MatchList
from matching.models import EvaluatedUnit, SearchResult
from matching.presenters import findings, thaw
from matching.presenters.rule_words import SHORT
from matching.reports.given import PairsGiven, RuleVerdict
from matching.reports.pairs import pairs_given
from matching.selection.pairs import run_pairs
from matching.selection.policies import rules_of
from matching.services import ReportAsked


def asked_of(shown: MatchList, n: int, language: str, pairs: int = 0) -> ReportAsked:
    """The first n units of a list, its order, filters and verdicts in the language of the report; and so many pairs."""
    rows = shown.rows()
    results = list(rows.select_related("unit__bank")[:n])
    rules = rules_of(shown.evaluation.policy)
    with translation.override(language):
        found = _pairs(shown, pairs)
        beside = _beside(shown, found, results)
        judged = findings.of_page(shown.evaluation, [*results, *beside])
        return ReportAsked(
            evaluation=shown.evaluation,
            judged=judged,
            results=results,
            passing=rows.count(),
            order=order_text(shown),
            filters=tuple(filter_texts(shown)),
            language=language,
            verdicts={
                one.unit_id: verdicts(rules, judged[one.pk], thaw.expected(judged[one.pk], one.unit))
                for one in (*results, *beside)
            },
            pairs=found,
            beside=beside,
        )


def _pairs(shown: MatchList, most: int) -> PairsGiven | None:
    if not most:
        return None
    return pairs_given(shown.run, run_pairs(shown.run, shown.evaluation), most)


def _beside(
    shown: MatchList, found: PairsGiven | None, results: Sequence[SearchResult]
) -> list[SearchResult]:
    """Units of the pairs that the list was cut before: what may be chosen from a report is described in it."""
    wanted = {unit.id for line in (found.lines if found else ()) for unit in line.units}
    rows = shown.run.results.with_unit().select_related("unit__bank").order_by("rank")
    return list(rows.filter(unit_id__in=wanted - {one.unit_id for one in results}))


def verdicts(
    rules: SelectionRules, row: EvaluatedUnit, after_thaw: Mapping[str, str] | None = None
) -> list[RuleVerdict]:
    """Every rule in words that a hospital may read, whoever makes the report: paper goes from hand to hand.

    after_thaw: dose rule -> what to expect of it then (presenters.thaw).
    """
    expected = after_thaw or {}
    found = findings.open_to_hospitals(row.findings)
    known = (findings.finding(one, found[one.code]) for one in rules.active if one.code in found)
    return [
        RuleVerdict(
            code=one["code"],
            rule=one["name"],
            verdict=one["verdict"],
            value="; ".join(
                filter(None, (one["value"], _needed(one["missing"]), expected.get(one["code"], "")))
            ),
            threshold=one["threshold"],
            reference="; ".join(
                " ".join(filter(None, (ref["label"], _noted(ref["note"])))) for ref in one["refs"]
            ),
            short=one["short"],
            weighs=one["weighs"],
        )
        for one in known
    ]


def _needed(missing: str) -> str:
    return _("needed: %(missing)s") % {"missing": missing} if missing else ""


def _noted(note: str) -> str:
    return f"({note})" if note else ""


def order_text(shown: MatchList) -> str:
    """class → P(8/8) in steps of 10 % → TNC/kg"""
    return " → ".join(chip.label for chip in shown.order.chips()) or _("as searched")


def filter_texts(shown: MatchList) -> Iterator[str]:
    """Eligible units; TNC ×10⁷/kg, at least: 2.5"""
    which = {
        ELIGIBLE: _("eligible units only"),
        EXCLUDED: _("excluded units only"),
        ALL: _("excluded units too"),
    }
    yield which[shown.show]
    for name, value in shown.active.items():
        if name == "rule":
            yield _("excluded by: %(rule)s") % {"rule": SHORT[value]}
            continue
        field = shown.form.fields[name]
        label = str(field.label)
        yield label if isinstance(field, forms.BooleanField) else f"{label}: {_value_text(field, value)}"


def _value_text(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.MultipleChoiceField):
        return ", ".join(map(str, value))
    if isinstance(field, forms.ChoiceField):
        return str(dict(field.choices).get(str(value), value))  # type: ignore[arg-type]
    return str(value)
