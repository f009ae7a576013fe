"""The parts of a policy in the reader's language: thresholds, keys of the order, places and values of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from matching.choices import CLASS_SIZE, Indication, MatchClass, ProposedFor
from matching.engine.selection.catalogue import RULES, Parameter
from matching.presenters.rule_words import ACTIONS, NAMES, Words, choice_words

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# What a rule does about a unit that does not meet it; the short forms of rule_words stand in sentences.
ACTION_CHOICES: tuple[tuple[str, StrPromise], ...] = (
    ("exclude", gettext_lazy("exclude the unit")),
    ("warn", gettext_lazy("warn")),
    ("sort", gettext_lazy("order by it")),
    ("show", gettext_lazy("only show")),
    ("off", gettext_lazy("off")),
)
PARAMETERS: Words = {
    "least": gettext_lazy("at least"),
    "bound": gettext_lazy("exactly this much"),
    "most": gettext_lazy("at most"),
    "most_days": gettext_lazy("at most"),
    "most_years": gettext_lazy("at most"),
    "mfi": gettext_lazy("counts from MFI"),
    "of": gettext_lazy("which MFI counts"),
    "weak_mfi": gettext_lazy("weaker ones are shown from MFI"),
    "methods": gettext_lazy("tests that can clear a unit"),
    "accepted": gettext_lazy("accepted"),
    "tests": gettext_lazy("required tests"),
    "subjects": gettext_lazy("tested is"),
}
SORT_NAMES: Words = {
    "class": gettext_lazy("class"),
    "probability": gettext_lazy("match probability, in steps of 10 %"),
    "certain": gettext_lazy("certain matches"),
    "tnc": gettext_lazy("TNC per kg"),
    "cd34": gettext_lazy("CD34 per kg"),
    "quality": gettext_lazy("quality"),
    "warnings": gettext_lazy("fewest warnings"),
    "abo": gettext_lazy("blood group"),
    "nima": "NIMA",
    "direction": gettext_lazy("direction"),
    "age": gettext_lazy("newest"),
}
PAIRS: Words = {
    "tnc_e7_each": gettext_lazy("TNC of each unit, at least"),
    "cd34_e5_each": gettext_lazy("CD34 of each unit, at least"),
    "tnc_e7_total_above": gettext_lazy("TNC of both together, above"),
    "unit_unit_least": gettext_lazy("Matches between the two units, at least"),
}
PAIR_UNITS = {
    "tnc_e7_each": "×10⁷/kg",
    "cd34_e5_each": "×10⁵/kg",
    "tnc_e7_total_above": "×10⁷/kg",
    "unit_unit_least": "/6",
}
ANTIGEN_RULES: Words = {
    "split": gettext_lazy("two splits of one broad antigen are a mismatch"),
    "broad": gettext_lazy("two splits of one broad antigen are a match"),
}
COLUMNS: Words = {
    "antigen_rule": gettext_lazy("Antigen rule"),
    "primary": gettext_lazy("Class that orders the search"),
    "required_loci": gettext_lazy("Must be typed"),
    "sort": gettext_lazy("Order of the list"),
    "indication": gettext_lazy("Indication"),
    "proposed_for": gettext_lazy("Proposed for"),
    "population": gettext_lazy("Population of use"),
    "author": gettext_lazy("Author"),
    "references": gettext_lazy("References"),
}
PARTS: Words = {
    "action": gettext_lazy("if not met"),
    "reference": gettext_lazy("own reference"),
    **PARAMETERS,
}


def unit_of(code: str, name: str, parameter: Parameter) -> str:
    """The unit of measure behind a threshold."""
    sizes = {"class_antigen6": "/6", "class_allele8": "/8", "mismatches8": "/8"}
    if name == "most_days":
        return _("days")
    if name == "most_years":
        return _("years")
    return sizes.get(code, "" if name in ("mfi", "weak_mfi") else parameter.unit)


def options(code: str, name: str) -> list[tuple[str, str]]:
    """The choices of a threshold that is one."""
    words = choice_words(code, name)
    return [(option, str(words[option])) for option in RULES[code].parameters[name].options]


def place_text(place: str) -> str:
    """What a place of whole.flat is called: "TNC per kg, before freezing: at least"."""
    if place in COLUMNS:
        return str(COLUMNS[place])
    head, part = place.split(".", 1)
    if head == "floors":
        return _("Floor: %(name)s") % {"name": MatchClass(part).label}
    if head == "pairs":
        return _("Pairs: %(name)s") % {"name": PAIRS[part]}
    return f"{NAMES[head]}: {PARTS[part]}"


def value_text(place: str, value: Any) -> str:
    """A value of whole.flat for people; "–" for none."""
    if value in ("", None, []):
        return "–"
    if place == "sort":
        return " → ".join(str(SORT_NAMES[key]) for key in value)
    if place == "required_loci":
        return ", ".join(value)
    head, _dot, part = place.partition(".")
    if head == "floors":
        return f"≥ {value}/{CLASS_SIZE[part]}" if value else _("none")
    if head == "pairs":
        return f"{value} {PAIR_UNITS[part]}"
    if place in COLUMNS:
        return str(_column_words(place).get(value, value))
    return _rule_text(head, part, value)


def _column_words(place: str) -> Words:
    return {
        "antigen_rule": ANTIGEN_RULES,
        "primary": dict(MatchClass.choices),
        "indication": dict(Indication.choices),
        "proposed_for": dict(ProposedFor.choices),
    }.get(place, {})


def _rule_text(code: str, part: str, value: Any) -> str:
    if part == "action":
        return str(ACTIONS[value])
    if part == "reference":
        return str(value)
    if isinstance(value, list):
        words = dict(options(code, part))
        return ", ".join(words[one] for one in value)
    parameter = RULES[code].parameters[part]
    if parameter.kind == "choice":
        return dict(options(code, part))[value]
    return f"{value} {unit_of(code, part, parameter)}".strip()


NOBODY = pgettext_lazy("policy", "nobody: chosen by hand")
