"""A policy's rules as a whole: of searching and of choosing, read strictly, and laid flat to compare two versions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, get_args

from hla.antigens import AntigenRule
from hla.loci import SEARCH_LOCI
from matching.choices import CLASS_SIZE
from matching.engine.policy import Policy
from matching.engine.selection.rules import BadRules, SelectionRules, number_of, parse

PARTS: Final = ("antigen_rule", "primary", "floors", "required_loci", "selection")
ALWAYS_TYPED: Final = ("A", "B", "DRB1")  # without them no class can be told (matching.md 2.3)


def read(rules: Mapping[str, Any]) -> tuple[Policy, SelectionRules]:
    """Both parts of the stored JSON. Raises BadRules for anything that this program does not know."""
    if unknown := sorted(set(rules) - set(PARTS)):
        raise BadRules("unknown_part", unknown[0], names=", ".join(unknown))
    usual = Policy()
    return (
        Policy(
            antigen_rule=_one_of(rules, "antigen_rule", usual.antigen_rule, get_args(AntigenRule)),
            primary=_one_of(rules, "primary", usual.primary, tuple(CLASS_SIZE)),
            floors=_floors(rules.get("floors", {})),
            required_loci=_loci(rules.get("required_loci", usual.required_loci)),
        ),
        parse(rules.get("selection", {})),
    )


def data_of(search: Policy, selection: SelectionRules) -> dict[str, Any]:
    """As stored, everything written out: what a later program has as defaults changes nothing of it."""
    return {
        "antigen_rule": search.antigen_rule,
        "primary": search.primary,
        "floors": dict(search.floors),
        "required_loci": list(search.required_loci),
        "selection": selection.as_data(),
    }


def flat(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Place, as BadRules names it -> value: "tnc_dose.least", "floors.antigen6", "sort", "pairs.tnc_e7_each"…"""
    data = data_of(*read(rules))
    selection = data["selection"]
    found = {name: data[name] for name in ("antigen_rule", "primary", "required_loci")}
    for name in CLASS_SIZE:
        found[f"floors.{name}"] = data["floors"].get(name, 0)
    for code, setting in selection["rules"].items():
        found |= {f"{code}.{name}": value for name, value in {"reference": "", **setting}.items()}
    found["sort"] = selection["sort"]
    return found | {f"pairs.{name}": value for name, value in selection["pairs"].items()}


def _one_of(rules: Mapping[str, Any], name: str, usual: str, options: tuple[str, ...]) -> Any:
    given = rules.get(name, usual)
    if given not in options:
        raise BadRules("bad_choice", name, options=", ".join(options))
    return given


def _floors(given: Mapping[str, Any]) -> dict[str, int]:
    """Smallest number of matches of each class; none where 0."""
    if unknown := sorted(set(given) - set(CLASS_SIZE)):
        raise BadRules("unknown_threshold", "floors", names=", ".join(unknown))
    floors = {
        name: number_of(value, f"floors.{name}", Decimal(0), Decimal(CLASS_SIZE[name]), whole=True)
        for name, value in given.items()
        if value is not None
    }
    return {name: floors[name] for name in CLASS_SIZE if floors.get(name)}


def _loci(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not set(ALWAYS_TYPED) <= set(given) <= set(SEARCH_LOCI):
        raise BadRules("bad_choice", "required_loci", options=", ".join(SEARCH_LOCI))
    return tuple(locus for locus in SEARCH_LOCI if locus in given)
