"""Real reference data: release 3.58.0, a subset of multiple allele codes, the WMDA's validation set."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import asdict

import pytest

from hla.compiled import ReleaseNomenclature
from hla.errors import TypingError
from hla.loci import LOCI, SEARCH_LOCI
from hla.matching import LocusTable, score_locus
from hla.nomenclature import Nomenclature
from hla.scoring import COUNT_NAMES
from hla.typing import LocusTyping, read_gl
from scripts.validate_hla import RealData, grades_of_lists, grades_of_resolved, read_counts
from tests.hla.reference import compare


def test_release_is_complete_and_quick(real: RealData) -> None:
    data = real.nomenclature.to_bytes()
    start = time.process_time()
    again = Nomenclature.from_bytes(data)
    assert again.name("A", "02:01")
    took = time.process_time() - start

    assert (again.release, again.size) == ("3.58.0", 39083)
    assert len(data) < 500_000
    assert took < 0.5


def test_code_table(real: RealData) -> None:
    assert len(real.mac) == 12_520
    assert real.mac.expand("A", "02", "AB") == ["02:01", "02:02"]


def test_wmda_persons(real: RealData) -> None:
    donors, patients = read_counts(real.donors), read_counts(real.patients)

    assert (donors.good, donors.bad, donors.unknown_macs) == (6698, 3302, 567)
    assert (patients.good, patients.bad) == (835, 165)
    assert donors.codes == patients.codes == {"unknown_mac"}


def test_wmda_lists_are_all_read(real: RealData) -> None:
    assert (read_counts(real.donor_lists).good, read_counts(real.patient_lists).good) == (10_000, 1_000)
    assert not read_counts(real.donor_lists).bad


def test_grades_where_both_are_one_p_group_each(real: RealData) -> None:
    counts = grades_of_resolved(real)

    assert {grade for grade, _, _ in counts} == {"A", "M"}
    assert counts["A", 2, 2] == 4729
    assert counts["M", 0, 0] + counts["M", 1, 1] == 10_311
    assert counts.total() == 4729 + 10_311


def test_no_list_contradicts_its_grade(real: RealData) -> None:
    counts, contradictions = grades_of_lists(real)

    assert contradictions == []
    assert counts.total() == 18_790 * 5


def test_scores_equal_enumeration_on_real_typings(real: RealData) -> None:
    random_of = random.Random(20)
    for locus in SEARCH_LOCI:
        people = list(
            {
                read.typing.locus(locus)
                for source in (real.donors, real.donor_lists)
                for read in source.values()
            }
        )
        people.sort(key=LocusTyping.gl)
        units = random_of.sample(people, 25)
        table = LocusTable.build(locus, [(unit.first, unit.second) for unit in units], real.resolver)
        for patient in random_of.sample(people, 6):
            scores = score_locus(patient, table)
            for unit in units:
                counts = scores.at(table.pairs.index((unit.first, unit.second)))
                assert counts.antigen_min >= counts.match_min
                assert counts.antigen_max >= counts.match_max
                assert {name: getattr(counts, name) for name in COUNT_NAMES} == asdict(
                    twin(real, patient, unit)
                )


def twin(real: RealData, patient: LocusTyping, unit: LocusTyping) -> object:
    position = real.resolver.position
    mine, theirs = (
        (position(typing.locus, typing.first), position(typing.locus, typing.second))
        for typing in (patient, unit)
    )
    return compare(mine, theirs, real.resolver)


def test_a_certain_allele_match_is_an_antigen_match(real: RealData) -> None:
    """B*50:02P and B*51:42P hold alleles of antigens that do not match each other."""
    for one, other in (("B*50:02", "B*50:21"), ("B*50:02P", "B*50:02P"), ("B*51:42", "B*51:359")):
        table = LocusTable.build("B", [(other, "B*07:02")], real.resolver)
        found = score_locus(LocusTyping("B", one, "B*07:02", "pair"), table).at(1)
        assert (found.match_min, found.antigen_min, found.antigen_max) == (2, 2, 2)


def test_a_code_of_another_family_is_refused(real: RealData) -> None:
    with pytest.raises(TypingError, match=r"alleles of B\*07"):
        real.resolver.position("B", "B*35:AADSW")
    assert real.resolver.position("B", "B*07:AADSW").text == "B*07:AADSW"


def test_known_names_of_the_release(real: RealData) -> None:
    resolver = real.resolver
    group = resolver.position("A", "A*01:01:01G")

    assert len(group.null_possible) == 11
    assert not group.ambiguous
    assert resolver.position("B", "B*39:01").antigens == {frozenset({"3901"})}
    assert resolver.position("B", "B*15:271").antigens == {frozenset({"15", "70"})}
    assert resolver.position("C", "C*12:02").antigens == {frozenset({"12"})}
    assert resolver.position("A", "A*23:69").text == "A*23:01:01:01"


def test_every_two_field_name_is_one_p_group(real: RealData) -> None:
    assert isinstance(real.nomenclature, ReleaseNomenclature)
    for locus in LOCI:
        for name in real.nomenclature._at(locus).ranges:
            if name.count(":") == 1:
                found = real.nomenclature.name(locus, name)
                assert found is not None
                assert len(found.p_groups) <= 1


def test_every_withdrawn_name_leads_somewhere_or_says_why(real: RealData) -> None:
    """Names with colons; older ones are read by their digits."""
    outcomes: Counter[str] = Counter()
    for locus in LOCI:
        for name in real.nomenclature._contents[locus].withdrawn:  # type: ignore[attr-defined]
            if ":" not in name:
                continue
            outcomes[outcome(real, locus, name)] += 1
    assert outcomes.keys() == {"renamed", "deleted", "null_without_n"}
    assert outcomes["renamed"] > 50
    assert outcomes["null_without_n"] == 4


def outcome(real: RealData, locus: str, name: str) -> str:
    """What becomes of a withdrawn name."""
    try:
        notes = real.resolver.position(locus, name).notes
    except TypingError as error:
        return error.code
    return "renamed" if any(note.code == "renamed" for note in notes) else "unchanged"


@pytest.mark.parametrize(
    "text", ["A*02:01+A*24:02", "B*15:XX+B*40:01:01G", "DRB1*04:05/DRB1*04:06+DRB1*09:01"]
)
def test_gl_texts(real: RealData, text: str) -> None:
    assert read_gl(text, real.resolver).typing.gl() == text
