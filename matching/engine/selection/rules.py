"""What a policy says about choosing: of each rule its action, thresholds and reference, and the order of the list.

As stored in `SelectionPolicy.rules["selection"]`: {"rules": {code: {"action", thresholds…, "reference"}}, "sort":
[key, …], "pairs": {…}}. A rule that is not named keeps the default of the catalogue; one that this program does not
know is an error, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from matching.engine.numbers import plain_number
from matching.engine.selection.catalogue import RULES, SORT_KEYS, Action, Parameter, Rule

DEFAULT_SORT: Final = ("class", "probability", "certain", "tnc", "quality")


class BadRules(ValueError):
    """A policy that cannot be. code is stable, params fill its text; place: rule and threshold, "" for the whole."""

    def __init__(self, code: str, place: str = "", **params: Any) -> None:
        super().__init__(f"{place}: {code} {params}")
        self.code, self.place, self.params = code, place, params


@dataclass(frozen=True)
class Setting:
    """A rule as a policy has it. values: threshold -> Decimal, int, tuple of choices or one choice."""

    rule: Rule
    action: Action
    values: Mapping[str, Any]
    reference: str = ""

    @property
    def code(self) -> str:
        return self.rule.code

    def as_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"action": self.action}
        for name, value in self.values.items():
            data[name] = list(value) if isinstance(value, tuple) else _plain(value)
        return {**data, "reference": self.reference} if self.reference else data


# The most that a policy may ask of two units: doses per kg, matches of antigen6.
MOST_OF_PAIRS: Final = {
    "tnc_e7_each": Decimal(100),
    "cd34_e5_each": Decimal(100),
    "tnc_e7_total_above": Decimal(100),
    "unit_unit_least": Decimal(6),
}
WHOLE_OF_PAIRS: Final = "unit_unit_least"  # a whole number, or nothing


@dataclass(frozen=True)
class PairSettings:
    """What two units together must have (domain notes 4.1, 4.4 R16).

    tnc_e7_each, cd34_e5_each: least dose per kg of each unit (ASH-SAP table: 1.5 and 1.0). tnc_e7_total_above: the
    dose per kg of both together must exceed it (Eurocord 2020: survival was worse at 3.5 or less). unit_unit_least:
    matches of the units with each other by antigen6 (no effect on engraftment was found; None: shown, not asked).
    """

    tnc_e7_each: Decimal = Decimal("1.5")
    cd34_e5_each: Decimal = Decimal("1.0")
    tnc_e7_total_above: Decimal = Decimal("3.5")
    unit_unit_least: int | None = None

    def as_data(self) -> dict[str, Any]:
        return {
            "tnc_e7_each": _plain(self.tnc_e7_each),
            "cd34_e5_each": _plain(self.cd34_e5_each),
            "tnc_e7_total_above": _plain(self.tnc_e7_total_above),
            "unit_unit_least": self.unit_unit_least,
        }


@dataclass(frozen=True)
class SelectionRules:
    """All rules in the order of the catalogue, the order of the list, and what is asked of pairs."""

    settings: Mapping[str, Setting]
    sort: tuple[str, ...] = DEFAULT_SORT
    pairs: PairSettings = field(default_factory=PairSettings)

    @property
    def active(self) -> Iterator[Setting]:
        return (setting for setting in self.settings.values() if setting.action != "off")

    def as_data(self) -> dict[str, Any]:
        """As JSON; `parse` of it gives the same."""
        return {
            "rules": {code: setting.as_data() for code, setting in self.settings.items()},
            "sort": list(self.sort),
            "pairs": self.pairs.as_data(),
        }


def parse(data: Mapping[str, Any]) -> SelectionRules:
    """From JSON. Raises BadRules for what is unknown, missing sense or out of range; the first place is named."""
    _known(data, {"rules", "sort", "pairs"}, "unknown_part")
    given = data.get("rules", {})
    _known(given, set(RULES), "unknown_rule")
    settings = {code: _setting(rule, given.get(code, {})) for code, rule in RULES.items()}
    return SelectionRules(settings, _sort(data.get("sort", DEFAULT_SORT)), _pairs(data.get("pairs", {})))


def _known(given: Mapping[str, Any], known: set[str], code: str, place: str = "") -> None:
    if unknown := sorted(set(given) - known):
        raise BadRules(code, place or unknown[0], names=", ".join(unknown))


def _setting(rule: Rule, given: Mapping[str, Any]) -> Setting:
    _known(given, {"action", "reference", *rule.parameters}, "unknown_threshold", rule.code)
    action = given.get("action", rule.action)
    if action not in rule.actions:
        code = "unknown_action" if len(rule.actions) > 1 else "action_fixed"
        raise BadRules(code, rule.code, action=action)
    values = {
        name: value_of(parameter, given.get(name, parameter.default), f"{rule.code}.{name}")
        for name, parameter in rule.parameters.items()
    }
    if {"least", "most"} <= set(values) and values["least"] > values["most"]:
        raise BadRules("least_above_most", f"{rule.code}.least")
    return Setting(rule, action, values, str(given.get("reference", "")))


def value_of(parameter: Parameter, given: Any, place: str) -> Any:
    """A threshold as the rules use it. Raises BadRules naming the place."""
    if parameter.kind == "choices":
        is_none = not given and not parameter.may_be_none
        if isinstance(given, str) or is_none or not set(given) <= set(parameter.options):
            raise BadRules("bad_choice", place, options=", ".join(parameter.options))
        return tuple(option for option in parameter.options if option in given)
    if parameter.kind == "choice":
        if given not in parameter.options:
            raise BadRules("bad_choice", place, options=", ".join(parameter.options))
        return given
    return number_of(given, place, parameter.least, parameter.most, whole=parameter.kind == "whole")


def number_of(given: Any, place: str, least: Decimal, most: Decimal, *, whole: bool = False) -> Any:
    """A number from `least` to `most`; as int where a whole one is asked."""
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        raise BadRules("no_number", place, given=given) from None
    if isinstance(given, bool) or not number.is_finite():
        raise BadRules("no_number", place, given=given)
    if not least <= number <= most:
        raise BadRules("out_of_range", place, least=f"{least:f}", most=f"{most:f}")
    if whole and number != number.to_integral_value():
        raise BadRules("not_whole", place, given=given)
    return int(number) if whole else number


def _sort(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not given:
        raise BadRules("no_sort", "sort")
    if unknown := sorted(set(given) - set(SORT_KEYS)):
        raise BadRules("unknown_sort", "sort", names=", ".join(unknown))
    if len(set(given)) != len(given):
        raise BadRules("sort_twice", "sort")
    return tuple(given)


def _pairs(given: Mapping[str, Any]) -> PairSettings:
    _known(given, set(MOST_OF_PAIRS), "unknown_threshold", "pairs")
    found = {}
    for name, most in MOST_OF_PAIRS.items():
        value, whole = given.get(name, getattr(PairSettings, name)), name == WHOLE_OF_PAIRS
        if not (whole and value is None):
            found[name] = number_of(value, f"pairs.{name}", Decimal(0), most, whole=whole)
    return PairSettings(**found)


def _plain(value: Decimal | int | str) -> str | int:
    """A decimal as text without idle zeros: JSON has no exact decimals."""
    return plain_number(value) if isinstance(value, Decimal) else value
