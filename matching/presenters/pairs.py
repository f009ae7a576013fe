"""Double units of a list: the best pairs as rows, the figures above them, and one pair with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from core.models import User
from hla.antigens import AntigenRule
from matching.choices import CLASS_SIZE
from matching.engine import abo
from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, per_kg
from matching.engine.numbers import plain_number
from matching.engine.pairs import CANNOT_TELL, FAILED, PAIR_RULES, PairCounts
from matching.models import EvaluatedUnit, SearchResult, SearchRun
from matching.presenters import findings, pair_words, policies, results
from matching.presenters.words import UNIT_DIRECTION, span
from matching.selection.pairs import RunPairs, locus_matches
from matching.selection.policies import rules_of
from matching.unit_rows import thousandths

SCALE_OF_ASKED = 4  # right end of a meter, in lines
USUAL_SCALE = {"tnc": 10.0, "cd34": 6.0}


@dataclass(frozen=True)
class Side:
    """One of two units: its row of the list, and its doses as they are now."""

    result: SearchResult
    tnc_e7_per_kg: float | None
    cd34_e5_per_kg: float | None
    abo_to_patient: str


def sides(found: RunPairs, at: int, listed: Mapping[int, SearchResult]) -> tuple[Side, Side]:
    """The two units of a pair, the one of the better rank first."""
    relations = found.found.abo_to_patient[at].tolist()
    both = [
        _side(found, listed[key], abo.TO_RECIPIENT[relation])
        for key, relation in zip(found.found.units[at].tolist(), relations, strict=True)
    ]
    first, second = sorted(both, key=lambda side: side.result.rank)
    return first, second


def _side(found: RunPairs, result: SearchResult, relation: str) -> Side:
    # of a unit that is not on offer only what the search stored (matching.selection.facts)
    wanted = found.evaluation.run.criteria["statuses"]
    counted = result if result.unit.blocks or result.unit.status not in wanted else result.unit
    tnc, cd34 = (
        None if cells is None else per_kg(thousandths(cells), unit, found.evaluation.weight_kg)
        for cells, unit in ((counted.tnc_e7, TNC_E4_PER_E7), (counted.cd34_e6, CD34_E3_PER_E5))
    )
    return Side(result, tnc, cd34, relation)


def listed_results(run: SearchRun, found: RunPairs, places: Iterable[int]) -> dict[int, SearchResult]:
    """The results of some pairs, by id, in one query."""
    wanted = {key for at in places for key in found.found.units[at].tolist()}
    rows = run.results.with_unit().select_related("unit__bank").defer("evidence", "prediction")
    return {result.pk: result for result in rows.filter(pk__in=wanted)}


def rows(run: SearchRun, found: RunPairs, places: Sequence[int], user: User) -> list[dict[str, Any]]:
    """Rows of matching/_pair_table.html."""
    listed, told = listed_results(run, found, places), open_everywhere(found.found.counts)
    return [row(run, found, at, listed, user, told) for at in places]


def row(
    run: SearchRun,
    found: RunPairs,
    at: int,
    listed: Mapping[int, SearchResult],
    user: User,
    told: Sequence[str] = (),
) -> dict[str, Any]:
    """told: rules of which the page says already that they cannot be told of any pair."""
    both = sides(found, at, listed)
    rules = found.rules
    doses = {
        "tnc": [side.tnc_e7_per_kg for side in both],
        "cd34": [side.cd34_e5_per_kg for side in both],
    }
    return {
        "place": at + 1,
        "key": "_".join(str(side.result.unit_id) for side in both),
        "url": f"{pair_url(run, both)}?{policy_query(run, found)}",
        "verdict": pair_words.verdict(int(found.found.verdicts[at])),
        "open": [pair_words.label(code) for code in codes_with(found, at, CANNOT_TELL) if code not in told],
        "failed": [pair_words.label(code) for code in codes_with(found, at, FAILED)],
        "tnc": together(doses["tnc"], rules.tnc_e7_total_above, "tnc"),
        "cd34": together(doses["cd34"], None, "cd34"),
        "unit_unit": unit_unit(found, at),
        "between": str(pair_words.BETWEEN[abo.BETWEEN[found.found.abo[at]]]),
        "units": [unit_cells(run, found, side, user) for side in both],
    }


def pair_url(run: SearchRun, both: Sequence[Side]) -> str:
    return reverse("matching:pair-detail", args=[run.pk, *(side.result.unit_id for side in both)])


def policy_query(run: SearchRun, found: RunPairs) -> str:
    """What names the policy in an address, "" for the request's own."""
    policy = found.evaluation.policy_id
    return "" if policy == run.policy_id else f"policy={policy}"


def codes_with(found: RunPairs, at: int, verdict: int) -> list[str]:
    return [code for code, verdicts in found.found.rules.items() if verdicts[at] == verdict]


def unit_unit(found: RunPairs, at: int) -> dict[str, dict[str, int]]:
    """antigen6, allele8 as contexts of _components/class_range.html."""
    return {
        name: {"min": int(spans[at][0]), "max": int(spans[at][1]), "of": CLASS_SIZE[name]}
        for name, spans in found.found.unit_unit.items()
    }


def together(doses: Sequence[float | None], above: Decimal | None, kind: str) -> dict[str, Any]:
    """The meter of both doses; of one unknown dose the other is a lower bound."""
    known = [dose for dose in doses if dose is not None]
    found = _meter(sum(known) if known else None, above, kind)
    if known and len(known) < len(doses):
        found["text"] = f"≥ {found['text']}"
    return found


def _meter(value: float | None, line: Decimal | None, kind: str) -> dict[str, Any]:
    needed = None if line is None else float(line)
    scale = needed * SCALE_OF_ASKED if needed else 2 * USUAL_SCALE[kind]
    return results.meter(value, needed, scale, results.UNIT[kind])


def unit_cells(run: SearchRun, found: RunPairs, side: Side, user: User) -> dict[str, Any]:
    """What a row says of one of its units."""
    result, unit = side.result, side.result.unit
    return {
        "unit": unit.public_no,
        "url": reverse("matching:run-unit", args=[run.pk, unit.pk]),
        "rank": result.rank,
        "meta": results.meta(unit),
        "tags": results.tags(run, result, user),
        **{name: results.class_range(result, name) for name in CLASS_SIZE},
        "tnc": _meter(side.tnc_e7_per_kg, found.rules.tnc_e7_each, "tnc"),
        "cd34": _meter(side.cd34_e5_per_kg, found.rules.cd34_e5_each, "cd34"),
        "direction": UNIT_DIRECTION[result.direction],
        "abo": unit.blood_group if unit.abo else "",
    }


def figures(counts: PairCounts) -> list[dict[str, Any]]:
    """Context of _components/kpi.html."""
    units = _("of %(n)s units") % {"n": f"{counts.units:,}"}
    found = [
        {"value": f"{counts.passed:,}", "label": pgettext("pairs", "passed"), "tone": ""},
        {"value": f"{counts.cannot_tell:,}", "label": _("cannot tell"), "tone": ""},
        {"value": f"{counts.failed:,}", "label": pgettext("pairs", "failed"), "tone": ""},
        {"value": f"{counts.pairs:,}", "label": _("pairs looked at"), "note": units, "tone": ""},
    ]
    if counts.units_failing:
        note = _("no pair of theirs can pass")
        label = _("units fail by themselves")
        found.append({"value": f"{counts.units_failing:,}", "label": label, "note": note, "tone": "warn"})
    if counts.units_cut:
        note = _("only the best %(n)s units are paired") % {"n": f"{counts.units:,}"}
        label = _("listed units not paired")
        found.append({"value": f"{counts.units_cut:,}", "label": label, "note": note, "tone": "warn"})
    return found


def by_rule(counts: PairCounts) -> list[dict[str, Any]]:
    """What each rule did to the pairs, that which failed most first."""
    codes = sorted(counts.failed_by, key=lambda code: -counts.failed_by[code])
    return [
        {
            "label": pair_words.label(code),
            "failed": counts.failed_by[code],
            "only": counts.failed_only_by[code],
            "open": counts.open_by[code],
        }
        for code in codes
    ]


def nothing(counts: PairCounts) -> dict[str, str]:
    """Why there is no pair to show: title and text of an empty state."""
    if not counts.pairs:
        return {
            "title": _("A pair needs two units"),
            "text": _(
                "This search lists fewer. A request with a lower floor or a smaller dose may list more."
            ),
        }
    most = by_rule(counts)[0]
    params = {"rule": most["label"], "n": f"{most['failed']:,}", "all": f"{counts.pairs:,}"}
    text = _("Most fail by: %(rule)s (%(n)s of %(all)s pairs).") % params
    if most["only"]:
        text += " " + _("Failed by this rule alone: %(n)s.") % {"n": f"{most['only']:,}"}
    return {"title": _("No two units together fulfil the rules"), "text": text}


def open_everywhere(counts: PairCounts) -> list[str]:
    """Rules that cannot be told of any pair."""
    return [code for code, n in counts.open_by.items() if n == counts.pairs > 0]


def notices(run: SearchRun, found: RunPairs) -> list[dict[str, str]]:
    """What one must know before choosing from these pairs."""
    texts = policies.differences(run, found.evaluation.policy)
    asked, each = run.criteria["min_tnc_e7_per_kg"], found.rules.tnc_e7_each
    below = run.funnel.get("below_dose")
    if below and asked is not None and each is not None and Decimal(asked) > each:
        params = {
            "n": f"{below:,}",
            "asked": plain_number(Decimal(asked)),
            "each": plain_number(each),
        }
        texts.append(
            ngettext(
                "The search left out %(n)s unit below %(asked)s ×10⁷/kg. In a pair %(each)s is enough: "
                "a request with that least dose finds more pairs.",
                "The search left out %(n)s units below %(asked)s ×10⁷/kg. In a pair %(each)s is enough: "
                "a request with that least dose finds more pairs.",
                below,
            )
            % params
        )
    everywhere = [pair_words.label(code) for code in open_everywhere(found.found.counts)]
    if everywhere:
        texts.append(_("Cannot be told of any pair: %(rules)s.") % {"rules": ", ".join(everywhere)})
    return [{"tone": "warn", "text": text} for text in texts]


def detail(
    run: SearchRun,
    found: RunPairs,
    both: tuple[Side, Side],
    judged: Mapping[int, EvaluatedUnit],
    user: User,
) -> dict[str, Any]:
    """One pair: its row, each rule with what was found of either unit, and the typings side by side."""
    listed = {side.result.pk: side.result for side in both}
    return {
        **row(run, found, 0, listed, user),
        "rules": [*_unit_rules(found, both, judged, user), *_pair_rules(found, both)],
        "loci": loci(run, found.evaluation.policy.antigen_rule, both),
    }


def _unit_rules(
    found: RunPairs, both: Sequence[Side], judged: Mapping[int, EvaluatedUnit], user: User
) -> list[dict[str, Any]]:
    """Rules that both must pass, as rows of matching/_pair_rules.html."""
    settings = rules_of(found.evaluation.policy).settings
    shown = []
    for code in (code for code in found.found.rules if code not in PAIR_RULES):
        each = [
            findings.open_to(user, judged[side.result.pk].findings).get(code, findings.NOT_JUDGED)
            for side in both
        ]
        one, other = (findings.finding(settings[code], found) for found in each)
        shown.append(
            {
                **_rule_row(found, code),
                "name": one["name"],
                "found": [one["value"], other["value"]],
                "missing": list(dict.fromkeys(filter(None, (one["missing"], other["missing"])))),
                "threshold": one["threshold"],
                "refs": one["refs"],
            }
        )
    return shown


def _pair_rules(found: RunPairs, both: Sequence[Side]) -> list[dict[str, Any]]:
    """Rules of two together."""
    doses = {
        "tnc": [side.tnc_e7_per_kg for side in both],
        "cd34": [side.cd34_e5_per_kg for side in both],
    }
    matches = found.found.unit_unit["antigen6"][0].tolist()
    return [
        {
            **_rule_row(found, code),
            "name": pair_words.label(code),
            "found": pair_words.found_by(code, doses, matches),
            "threshold": pair_words.threshold(code, found.rules),
            "refs": pair_words.references(code),
        }
        for code in PAIR_RULES
        if code in found.found.rules
    ]


def _rule_row(found: RunPairs, code: str) -> dict[str, Any]:
    verdict = pair_words.verdict(int(found.found.rules[code][0]))
    return {"verdict": verdict["mark"], "outcome": verdict["outcome"]}


def loci(run: SearchRun, antigen_rule: AntigenRule, both: Sequence[Side]) -> list[dict[str, Any]]:
    """Per locus the patient's values, each unit's with its marks, and the units' matches with each other."""
    each_other = locus_matches(antigen_rule, [side.result.unit for side in both])
    return [
        {
            "locus": locus,
            "patient": results.patient_values(run, locus),
            "cells": [results.cell(run, side.result, locus) for side in both],
            "each_other": {level: f"{span(*found)}/2" for level, found in each_other.get(locus, {}).items()},
        }
        for locus in results.shown_loci(run, [side.result for side in both])
    ]
