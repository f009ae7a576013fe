"""One unit by all rules of a policy, and what orders the list beside class and dose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from matching.engine.selection.catalogue import ABO_RELATIONS, OF_CORD_BLOOD, Action
from matching.engine.selection.checks import CHECKS, NOT_APPLICABLE, Found, Outcome
from matching.engine.selection.facts import PatientFacts, UnitFacts
from matching.engine.selection.rules import SelectionRules, Setting

# Like a match first; open before the direction that one avoids (Stevens 2011).
DIRECTION_ORDER: Final = ("matched", "gvh-only", "bidirectional", "unknown", "hvg-only")
UNKNOWN_ABO: Final = len(ABO_RELATIONS)
# What may be said of a unit that is not on offer: that it is not, and what the search stored. What was found of it
# since (a screen, a recall) is the bank's own business until the unit is offered again.
OF_THE_SEARCH: Final = frozenset(
    {
        "offer", "tnc_dose", "cd34_dose", "class_antigen6", "class_allele8", "mismatches8", "c_matched",
        "direction",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found of one unit, with the rule as the policy has it."""

    setting: Setting
    found: Found

    @property
    def code(self) -> str:
        return self.setting.code

    @property
    def outcome(self) -> Outcome:
        return self.found.outcome

    def is_(self, outcome: Outcome, *actions: Action) -> bool:
        return self.found.outcome == outcome and self.setting.action in actions


@dataclass(frozen=True)
class Evaluated:
    """All findings of one unit, in the order of the catalogue; rules that the policy turned off are not among them."""

    findings: tuple[Finding, ...]
    abo_order: int
    direction_order: int
    nima: int | None

    @cached_property
    def excluded_by(self) -> tuple[str, ...]:
        """Only what failed excludes: what cannot be told stays in the list and says so."""
        return tuple(one.code for one in self.findings if one.is_("failed", "exclude"))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What needs a person's eye: failed rules that warn, and what cannot be told of rules that warn or exclude."""
        return tuple(
            one.code
            for one in self.findings
            if one.is_("failed", "warn") or one.is_("unknown", "warn", "exclude")
        )

    @cached_property
    def quality(self) -> tuple[int, int]:
        """Failed and unknown rules of the unit's quality that warn or sort: fewer are better."""
        ours = [
            one
            for one in self.findings
            if one.setting.rule.group == "quality" and one.setting.action in ("exclude", "warn", "sort")
        ]
        return sum(one.outcome == "failed" for one in ours), sum(one.outcome == "unknown" for one in ours)


def evaluate(rules: SelectionRules, patient: PatientFacts, unit: UnitFacts) -> Evaluated:
    """Every rule that the policy has on; of a unit that is not on offer only those OF_THE_SEARCH."""
    asked = [one for one in rules.active if unit.offered is not False or one.code in OF_THE_SEARCH]
    return Evaluated(
        tuple(Finding(setting, _found(setting, patient, unit)) for setting in asked),
        ABO_RELATIONS.index(unit.abo_relation) if unit.abo_relation else UNKNOWN_ABO,
        DIRECTION_ORDER.index(unit.direction),
        unit.nima,
    )


def _found(setting: Setting, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.is_adult and setting.code in OF_CORD_BLOOD:
        return NOT_APPLICABLE
    return CHECKS[setting.code](setting.values, patient, unit)
