"""Rules of pairs in words: what each asks, and what it found of two units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from matching.engine.numbers import plain_number
from matching.engine.pairs import VERDICTS
from matching.engine.selection.catalogue import ASH, EUROCORD, POLITIKOS, Reference
from matching.engine.selection.rules import PairSettings
from matching.presenters.rule_words import NAMES, OUTCOMES
from matching.presenters.words import span

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

AVERY = Reference("Avery 2011, Blood 117:3277: no effect on engraftment (84 patients)")
PAIR_REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    "tnc_each": (ASH, POLITIKOS),
    "cd34_each": (ASH, POLITIKOS),
    "tnc_total": (EUROCORD,),
    "unit_unit": (AVERY,),
}
LABELS: Mapping[str, StrPromise] = {
    "offer": gettext_lazy("both on offer"),
    "segments": gettext_lazy("segments of both"),
    "class_antigen6": gettext_lazy("antigen class of both"),
    "class_allele8": gettext_lazy("allele class of both"),
    "dsa": gettext_lazy("antibodies of the patient"),
    "tnc_each": gettext_lazy("TNC of each"),
    "cd34_each": gettext_lazy("CD34 of each"),
    "tnc_total": gettext_lazy("TNC of both together"),
    "unit_unit": gettext_lazy("match with each other"),
}
VERDICT: Mapping[str, dict[str, Any]] = {
    "passed": {
        "text": pgettext_lazy("pair", "passes"),
        "tone": "good",
        "mark": "ok",
        "outcome": OUTCOMES["passed"],
    },
    "cannot_tell": {
        "text": gettext_lazy("cannot tell"),
        "tone": "warn",
        "mark": "na",
        "outcome": OUTCOMES["unknown"],
    },
    "failed": {
        "text": pgettext_lazy("pair", "fails"),
        "tone": "bad",
        "mark": "no",
        "outcome": OUTCOMES["failed"],
    },
}
BETWEEN: Mapping[str, StrPromise] = {
    "identical": gettext_lazy("same blood group"),
    "one_way": gettext_lazy("blood groups differ one way"),
    "both_ways": gettext_lazy("blood groups differ both ways"),
    "unknown": gettext_lazy("blood group not known"),
}


def label(code: str) -> str:
    """Of two units in words of their own, of a rule that both must pass by the name that it has in the list."""
    return str(LABELS[code] if code in LABELS else NAMES[code])


def asked(rules: PairSettings) -> Iterator[dict[str, str]]:
    """What the policy asks of two units, as code, label and value."""
    values = {
        "tnc_each": f"≥ {plain_number(rules.tnc_e7_each)} ×10⁷/kg",
        "cd34_each": f"≥ {plain_number(rules.cd34_e5_each)} ×10⁵/kg",
        "tnc_total": f"> {plain_number(rules.tnc_e7_total_above)} ×10⁷/kg",
    }
    if rules.unit_unit_least is not None:
        values["unit_unit"] = f"≥ {rules.unit_unit_least}/6"
    for code, value in values.items():
        yield {"code": code, "label": label(code), "value": value}


def threshold(code: str, rules: PairSettings) -> str:
    """What a rule of pairs asks."""
    known = {item["code"]: item["value"] for item in asked(rules)}
    return known.get(code, "")


def found_by(
    code: str,
    doses: Mapping[str, Sequence[float | None]],
    matches: Sequence[int],
) -> list[str]:
    """What a rule of pairs found: of each unit, or in one text of both. matches: min and max by antigen6."""
    match code:
        case "tnc_each":
            return [_dose(dose, "×10⁷/kg") for dose in doses["tnc"]]
        case "cd34_each":
            return [_dose(dose, "×10⁵/kg") for dose in doses["cd34"]]
        case "tnc_total":
            known = [dose for dose in doses["tnc"] if dose is not None]
            sign = "" if len(known) == len(doses["tnc"]) else "≥ "
            return [f"{sign}{_dose(sum(known) if known else None, '×10⁷/kg')}"]
        case _:
            return [f"{span(*matches)}/6"]


def _dose(dose: float | None, unit: str) -> str:
    return "?" if dose is None else f"{dose:.2f} {unit}"


def references(code: str) -> list[dict[str, str]]:
    """Where a rule of pairs comes from; what is unconfirmed says so."""
    return [
        {"label": one.label, "url": one.url, "note": "" if one.confirmed else _("unconfirmed")}
        for one in PAIR_REFERENCES[code]
    ]


def verdict(code: int) -> dict[str, Any]:
    """Context of a tag, with the mark of a rule."""
    return VERDICT[VERDICTS[code]]
