"""T-cell-epitope groups of DPB1: cases of the domain notes, and every pair of a small world by enumeration."""

from __future__ import annotations

import random
from itertools import combinations_with_replacement, pairwise, product
from pathlib import Path

import pytest

from hla import tce
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.release import compile_release
from hla.resolve import Resolver
from hla.tce import Dpb1Match, dpb1_match
from hla.typing import LocusTyping, parse_pair
from tests.hla.toy_release import ALLELES, TCE

GROUP = {"3": 3, "3$": 3, "2": 2, "2$": 2, "2a": 2, "1": 1, "1$": 1, "0": None, "": None}


def typing_of(resolver: Resolver, first: str, second: str) -> LocusTyping:
    return parse_pair("DPB1", first, second, resolver)


def match(resolver: Resolver, patient: str, unit: str) -> Dpb1Match:
    """Two typings written as "04:01+05:01"."""
    one, two = (typing_of(resolver, *text.split("+")) for text in (patient, unit))
    return dpb1_match(one, two, resolver)


@pytest.mark.parametrize(
    ("patient", "unit", "verdict"),
    [
        ("04:01+05:01", "05:01+04:01", "matched"),
        ("04:01+05:01", "05:01+350:01", "matched"),  # one P group
        ("04:01P+05:01", "05:01+350:01", "matched"),
        ("04:01+04:01", "05:01+05:01", "permissive"),
        ("06:01+04:01", "19:02+05:01", "permissive"),  # 2a is 2, 2$ is 2
        ("04:01+05:01", "09:01+05:01", "non-permissive-hvg"),  # the unit's 1 is new to the patient
        ("09:01+05:01", "04:01+05:01", "non-permissive-gvh"),
        ("06:01+04:01", "09:01+04:01", "non-permissive-hvg"),
        ("09:01+04:01", "09:01+05:01", "permissive"),
        ("107:01+04:01", "04:01+05:01", "non-permissive-gvh"),  # V1 says 2, V2 says 1
        ("104:01+04:01", "04:01+05:01", "unknown"),  # no group
        ("104:01+04:01", "104:01+04:01", "matched"),  # none is needed
        ("04:01+", "04:01+04:01", "unknown"),
        ("+", "04:01+04:01", "unknown"),
        ("UUUU+UUUU", "04:01+04:01", "unknown"),
        ("04:01+NEW", "04:01+04:01", "unknown"),
        ("61:01N+05:01", "05:01+05:01", "matched"),
        ("61:01N+09:01", "05:01+04:01", "non-permissive-gvh"),
        ("61:01N+106:02N", "05:01+04:01", "unknown"),
        ("61:01N+", "05:01+04:01", "unknown"),
        ("04:01/05:01+105:01", "350:01+04:01", "permissive"),  # 105:01 is in none of the unit's groups
        ("04:01/05:01+05:01", "04:01+05:01", "unknown"),  # matched or permissive
        ("04:01/09:01+05:01", "105:01+105:01", "unknown"),
        ("04:01/06:01+09:01", "105:01+105:01", "non-permissive-gvh"),
        ("03:01P+09:01", "04:01+05:01", "unknown"),  # a member without group
        ("03:01P+09:01", "03:01+09:01", "matched"),
    ],
)
def test_verdicts(resolver: Resolver, patient: str, unit: str, verdict: str) -> None:
    assert match(resolver, patient, unit).verdict == verdict


def test_what_is_shown_beside_the_verdict(resolver: Resolver) -> None:
    found = match(resolver, "06:01+350:01", "61:01N+107:01")

    assert found.verdict == "non-permissive-hvg"
    assert (found.patient_group, found.unit_group, found.in_silico) == (2, 1, True)
    changed, predicted = found.patient_groups
    assert (changed.text, changed.v1, changed.v2, changed.in_silico) == ("DPB1*06:01", ("3",), ("2a",), False)
    assert (predicted.v1, predicted.v2, predicted.groups, predicted.in_silico) == (("",), ("3$",), {3}, True)
    null, other = found.unit_groups
    assert (null.null, null.groups, null.v2) == (True, frozenset(), ("0",))
    assert (other.v1, other.v2) == (("2$",), ("1$",))


def test_an_undecided_verdict_says_between_what(resolver: Resolver) -> None:
    found = match(resolver, "04:01/09:01+05:01", "350:01+05:01")

    assert found.verdict == "unknown"
    assert found.possible == {"matched", "non-permissive-gvh"}
    assert (found.patient_group, found.unit_group) == (None, 3)


def test_aligned_alternatives_are_taken_as_they_stand(resolver: Resolver) -> None:
    """(09:01 with 06:01) or (03:01 with 09:01): the group is 1 either way."""
    either = LocusTyping("DPB1", "DPB1*09:01|DPB1*03:01", "DPB1*06:01|DPB1*09:01", "pair")
    unit = typing_of(resolver, "04:01", "05:01")

    assert dpb1_match(either, unit, resolver).verdict == "non-permissive-gvh"
    one_missing = LocusTyping("DPB1", "DPB1*09:01|DPB1*03:01", "DPB1*06:01|", "single")
    assert dpb1_match(one_missing, unit, resolver).verdict == "unknown"


def test_without_a_release_only_matches_are_known(builtin: Resolver) -> None:
    assert match(builtin, "04:01+05:01", "05:01+04:01").verdict == "matched"
    assert match(builtin, "04:01+05:01", "05:01+02:01").verdict == "unknown"


def test_another_locus_is_an_error(resolver: Resolver) -> None:
    other = LocusTyping("A", "", "", "untyped")
    with pytest.raises(ValueError, match="DPB1 only"):
        dpb1_match(other, other, resolver)


SMALL = (
    "04:01", "05:01", "09:01", "06:01", "104:01", "03:01P", "61:01N", "", "04:01/05:01", "04:01/09:01",
    "06:01/19:02", "04:XX", "04:01/350:01/105:01/09:01/107:01",
)  # fmt: skip


def resolved(value: str) -> list[str] | None:
    """The alleles of a value of SMALL, written out by hand from the toy release; None: unknown."""
    if not value:
        return None
    if value == "03:01P":
        return ["03:01", "104:01"]
    return ["04:01"] if value == "04:XX" else value.split("/")


def genotypes(first: str, second: str) -> list[tuple[str, str]] | None:
    """Every genotype of a typing; None: unknown, or nothing expressed."""
    one, two = resolved(first), resolved(second)
    nulls = [value == "61:01N" for value in (first, second)]
    if one is None or two is None or all(nulls):
        return None
    if any(nulls):
        return [(name, name) for name in (two if nulls[0] else one)]
    return list(product(one, two))


def protein(name: str) -> str:
    return ALLELES[f"DPB1*{name}"][0] or name


def twin(patient: list[tuple[str, str]] | None, unit: list[tuple[str, str]] | None) -> str:
    """The verdict by trying all genotypes of both, as domain notes 5.1 say it."""
    if patient is None or unit is None:
        return "unknown"
    found = set()
    for mine, theirs in product(patient, unit):
        if sorted(map(protein, mine)) == sorted(map(protein, theirs)):
            found.add("matched")
            continue
        groups = [[GROUP[TCE[f"DPB1*{name}"][1]] for name in person] for person in (mine, theirs)]
        if None in groups[0] + groups[1]:
            found.add("unknown")
            continue
        one, two = (min(group for group in person if group) for person in groups)
        found.add("permissive" if one == two else "non-permissive-hvg" if two < one else "non-permissive-gvh")
    return found.pop() if len(found) == 1 else "unknown"


def test_every_pair_of_a_small_world(resolver: Resolver) -> None:
    typings = list(combinations_with_replacement(SMALL, 2))
    read = {pair: typing_of(resolver, *pair) for pair in typings}

    differing = [
        (patient, unit)
        for patient, unit in product(typings, typings)
        if dpb1_match(read[patient], read[unit], resolver).verdict
        != twin(genotypes(*patient), genotypes(*unit))
    ]

    assert len(typings) == 91
    assert differing == []


LISTED = (
    "04:01",
    "350:01",
    "05:01",
    "09:01",
    "06:01",
    "107:01",
    "104:01",
    "61:01N",
    "04:01/05:01",
    "09:01/107:01",
)


def test_lists_of_genotypes_equal_trying_all(resolver: Resolver) -> None:
    """Aligned alternatives, nulls among them: some genotypes are one value twice, others not."""
    chosen = random.Random(9)
    pairs = [pair for pair in combinations_with_replacement(LISTED, 2) if pair != ("61:01N", "61:01N")]
    seen = set()
    for _ in range(3_000):
        sides = [chosen.sample(pairs, chosen.randint(1, 3)) for _ in range(2)]
        typings = [LocusTyping("DPB1", *columns(side), "pair") for side in sides]
        trees = [[one for pair in side for one in genotypes(*pair) or []] for side in sides]
        found = dpb1_match(*typings, resolver)
        assert found.verdict == twin(*trees), sides
        seen.add(found.verdict)

    assert len(seen) == 5


def columns(pairs: list[tuple[str, str]]) -> tuple[str, str]:
    """The two values of a genotype list."""
    first, second = ("|".join(f"DPB1*{name}" for name in names) for names in zip(*pairs, strict=True))
    return first.replace("/", "/DPB1*"), second.replace("/", "/DPB1*")


@pytest.fixture(scope="module")
def real_release(shared_data: Path) -> Resolver:
    names: Nomenclature = compile_release(shared_data / "imgt" / "3580")
    return Resolver(names, EMPTY_MAC)


@pytest.mark.parametrize(
    ("patient", "unit", "verdict"),
    [
        ("05:01+02:01", "04:01+04:02", "permissive"),
        ("05:01+02:01", "09:01+04:02", "non-permissive-hvg"),
        ("17:01+02:01", "03:01+04:02", "non-permissive-gvh"),
        ("19:01+02:01", "14:01+04:02", "permissive"),  # 19:01 is 3 in V1, 2a in V2
        ("05:01+02:01", "05:01:01G+02:01P", "matched"),
    ],
)
def test_alleles_common_in_east_asia(real_release: Resolver, patient: str, unit: str, verdict: str) -> None:
    assert match(real_release, patient, unit).verdict == verdict


def test_a_long_list_is_answered_at_once(real_release: Resolver) -> None:
    """All proteins of the table at all four positions: no pair of genotypes is written out."""
    names = real_release.nomenclature.alleles("DPB1", "allele", "04", "")
    assert names
    text = "/".join(f"DPB1*{number}:01" for number in range(105, 400) if number not in (120, 154))
    known = [part for part in text.split("/") if not _missing(real_release, part)]
    value = "/".join(known)

    assert match(real_release, f"{value}+{value}", f"{value}+{value}").verdict == "unknown"


def test_long_lists_of_genotypes_are_read_once(
    real_release: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 genotypes against 400: work grows with their sum, not with their product."""
    names = [
        f"{number}:01" for number in range(105, 1_100) if not _missing(real_release, f"DPB1*{number}:01")
    ]
    assert len(names) > 802
    one, other = (
        LocusTyping("DPB1", *columns([*pairwise(part)]), "pair") for part in (names[:401], names[401:802])
    )
    asked: list[object] = []
    groups = tce.Alternative.groups
    monkeypatch.setattr(tce.Alternative, "groups", lambda self: (asked.append(self), groups(self))[1])

    assert dpb1_match(one, other, real_release).verdict == "unknown"
    assert len(asked) == 800


def _missing(resolver: Resolver, text: str) -> bool:
    members = resolver.nomenclature.name("DPB1", text.split("*")[1])
    return members is None or not members.p_groups


def test_codes_count_as_their_alleles(toy: Nomenclature) -> None:
    resolver = Resolver(toy, MacTable.of("test", {"SPLIT": "09:01/107:01", "BOTH": "04:01/09:01"}))

    assert match(resolver, "09:SPLIT+04:01", "04:01+05:01").verdict == "non-permissive-gvh"
    assert match(resolver, "09:BOTH+04:01", "105:01+05:01").verdict == "unknown"
