"""The scorer against the enumerating twin, over every typing of a world of five P groups."""

from __future__ import annotations

import random
from dataclasses import asdict

import pytest

from hla.antigens import ANTIGEN_RULES, AntigenRule
from hla.scoring import COUNT_NAMES, score_locus
from hla.table import LocusTable
from hla.typing import LocusTyping
from tests.hla.reference import compare_texts
from tests.hla.small_world import SmallResolver, all_typings, genotype_lists

RESOLVER = SmallResolver()
TYPINGS = all_typings()
LISTS = genotype_lists(200, seed=5)
TABLE = LocusTable.build("B", [*TYPINGS, *LISTS], RESOLVER)


def typing(pair: tuple[str, str]) -> LocusTyping:
    return LocusTyping("B", *pair, "pair")


def differences(patient: tuple[str, str], units: list[tuple[str, str]], rule: AntigenRule) -> list[str]:
    """What the fast and the slow way say differently of these pairs."""
    scores = score_locus(typing(patient), TABLE, antigen_rule=rule)
    codes = TABLE.extend(units)
    found = []
    for unit, code in zip(units, codes, strict=True):
        fast = {name: getattr(scores.at(int(code)), name) for name in COUNT_NAMES}
        slow = asdict(compare_texts("B", patient, unit, RESOLVER, rule))
        by_dna = not any(
            text.startswith("s") for pair in (patient, unit) for one in pair for text in one.split("|")
        )
        if by_dna and (fast["antigen_min"] < fast["match_min"] or fast["antigen_max"] < fast["match_max"]):
            found.append(f"{patient} {unit}: fewer matches at antigen than at allele level: {fast}")
        if fast != slow:
            found.append(f"{patient} {unit}: {fast} instead of {slow}")
    return found


@pytest.mark.parametrize("seed", range(40))
def test_scores_equal_enumeration(seed: int) -> None:
    random_of = random.Random(seed)
    patient = random_of.choice(TYPINGS)
    units = random_of.sample(TYPINGS, 60)

    assert differences(patient, units, random_of.choice(ANTIGEN_RULES)) == []


@pytest.mark.parametrize("patient", [("", ""), ("N", "N"), ("N", ""), ("N", "1,2,3"), ("1", "1"), ("", "2")])
def test_scores_equal_enumeration_for_special_patients(patient: tuple[str, str]) -> None:
    assert differences(patient, TYPINGS[::7] + TYPINGS[-20:], "split") == []


@pytest.mark.parametrize("seed", range(20))
def test_scores_of_genotype_lists_equal_enumeration(seed: int) -> None:
    random_of = random.Random(seed)
    rule = random_of.choice(ANTIGEN_RULES)

    assert differences(random_of.choice(LISTS), random_of.sample(TYPINGS + LISTS, 30), rule) == []
    assert differences(random_of.choice(TYPINGS), random_of.sample(LISTS, 30), rule) == []
