"""Matching of real-looking typings: definitions of the domain notes, one by one; tables."""

from __future__ import annotations

import numpy as np
import pytest

from hla.directions import direction_of, unit_direction
from hla.errors import TypingError
from hla.matching import CLASSES, LocusScores, LocusTable, explain_locus, score_locus
from hla.resolve import Resolver
from hla.scoring import COUNT_NAMES
from tests.hla.reference import classes, compare_texts
from tests.hla.shorthand import explained, typing, written

# locus, patient, unit -> match min-max, antigen min-max, gvh min-max, hvg min-max
CASES = [
    ("A", "02:01+24:02", "24:02+02:01", "22 22 00 00"),
    ("A", "02:01+24:02", "02:01P+24:02:01G", "22 22 00 00"),
    ("A", "02:01+02:01", "02:01+24:02", "11 11 00 11"),
    ("A", "02:01+24:02", "02:01+02:01", "11 11 11 00"),
    ("A", "02:01+02:01", "03:01+24:02", "00 00 11 22"),
    # broad, split, associated
    ("B", "38:01+44:02", "38:09+44:02", "11 22 11 11"),
    ("B", "38:01+44:02", "39:05+44:02", "11 11 11 11"),
    ("B", "38:09+44:02", "39:01+44:02", "11 22 11 11"),
    ("B", "39:01+44:02", "39:02+44:02", "11 22 11 11"),
    ("B", "39:05+44:02", "39:02+44:02", "11 22 11 11"),
    ("B", "15:01+44:02", "15:02+44:02", "11 11 11 11"),
    ("B", "15:99+44:02", "15:02+44:02", "11 22 11 11"),
    ("B", "15:99+44:02", "15:03+44:02", "11 22 11 11"),
    ("A", "02:01+24:02", "02:03+24:03", "00 22 22 22"),
    ("A", "02:03+24:02", "02:10+23:01", "00 11 22 22"),
    ("C", "12:02+07:02", "12:02+07:02", "22 22 00 00"),
    # one P group, antigens that do not match each other
    ("B", "51:42+38:01", "53:62+38:01", "22 22 00 00"),
    ("B", "51:42P+38:01", "51:42P+38:01", "22 22 00 00"),
    ("B", "51:42P+38:01", "44:02:01:01S+38:01", "11 12 11 11"),
    # DPB1: an allele mismatch is an antigen mismatch
    ("DPB1", "04:01+05:01", "350:01+05:01", "22 22 00 00"),
    ("DPB1", "04:01+04:01", "05:01+05:01", "00 00 11 11"),
    # ambiguity
    ("A", "02:01+24:02", "02:01/02:03+24:02", "12 22 01 01"),
    ("A", "02:XX+24:02", "02:01+24:02", "12 22 01 01"),
    ("A", "02:01/02:03+02:01/02:03", "02:01+02:03", "12 22 00 01"),
    ("A", "02:01+02:01/02:03", "02:01/02:03+02:03", "02 22 01 01"),
    # unknown and untyped
    ("A", "02:01+24:02", "02:01+", "12 12 01 01"),
    ("A", "02:01+24:02", "+", "02 02 02 02"),
    ("A", "02:01+02:01", "+", "02 02 01 02"),
    ("A", "+", "+", "02 02 02 02"),
    # nulls
    ("A", "03:01+24:09N", "03:01+03:01", "22 22 00 00"),
    ("A", "03:01+24:09N", "03:01+02:15N", "22 22 00 00"),
    ("A", "03:01+24:09N", "03:01+24:02", "11 11 00 11"),
    ("A", "02:15N+24:09N", "03:01+24:02", "00 00 00 22"),
    ("A", "03:01+24:02", "02:15N+24:09N", "00 00 22 00"),
    ("A", "02:15N+24:09N", "02:15N+24:09N", "00 00 00 00"),
    ("A", "03:01/03:02+24:09N", "03:01+03:02", "11 22 00 11"),
    ("A", "24:XX+03:01", "24:02+03:01", "12 22 01 01"),
    ("A", "24:02/24:09N+03:01", "24:02+03:01", "22 22 00 00"),
    ("A", "02:15N+", "02:01+24:02", "01 01 01 12"),
]


@pytest.mark.parametrize(("locus", "patient", "unit", "expected"), CASES)
def test_counts(resolver: Resolver, locus: str, patient: str, unit: str, expected: str) -> None:
    assert written(explained(resolver, locus, patient, unit)) == expected


@pytest.mark.parametrize(("locus", "patient", "unit", "expected"), CASES)
def test_counts_of_the_twin(resolver: Resolver, locus: str, patient: str, unit: str, expected: str) -> None:
    mine, theirs = (tuple(text.split("+")) for text in (patient, unit))

    assert written(compare_texts(locus, mine, theirs, resolver)) == expected  # type: ignore[arg-type]


def test_counts_mirror_when_patient_and_unit_change_places(resolver: Resolver) -> None:
    for locus, patient, unit, _ in CASES:
        one = explained(resolver, locus, patient, unit)
        other = explained(resolver, locus, unit, patient)
        assert (one.match_min, one.match_max) == (other.match_min, other.match_max)
        assert (one.antigen_min, one.antigen_max) == (other.antigen_min, other.antigen_max)
        assert (one.gvh_min, one.gvh_max) == (other.hvg_min, other.hvg_max)


def test_rule_broad_lets_splits_of_one_broad_match(resolver: Resolver) -> None:
    found = explained(resolver, "B", "38:01+15:01", "39:05+15:03", antigen_rule="broad")

    assert (found.antigen_min, found.antigen_max) == (1, 1)
    assert found.positions[0].why.code == "antigen_same_broad"
    assert found.positions[1].why.code == "mismatch_different"
    assert found.antigen_rule == "broad"


def test_loci_must_agree(resolver: Resolver) -> None:
    a, b = typing(resolver, "A", "02:01+24:02"), typing(resolver, "B", "15:01+15:02")

    with pytest.raises(ValueError, match="A typing of A cannot be scored against a table of B"):
        score_locus(a, LocusTable("B", resolver))
    with pytest.raises(ValueError, match="A typing of A cannot be compared with one of B"):
        explain_locus(a, b, resolver)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 0, 0), "none"),
        ((1, 2, 0, 0), "gvh"),
        ((0, 0, 1, 1), "hvg"),
        ((1, 1, 1, 2), "bidirectional"),
        ((0, 1, 0, 0), "unknown"),
        ((0, 1, 1, 1), "unknown"),
        ((1, 1, 0, 2), "unknown"),
    ],
)
def test_direction_of_a_locus(counts: tuple[int, int, int, int], expected: str) -> None:
    assert direction_of(*counts) == expected


@pytest.mark.parametrize(
    ("loci", "expected"),
    [
        (["none", "none"], "matched"),
        (["none", "gvh"], "gvh-only"),
        (["hvg", "hvg"], "hvg-only"),
        (["gvh", "hvg"], "bidirectional"),
        (["bidirectional", "unknown"], "bidirectional"),
        (["gvh", "unknown"], "unknown"),
        ([], "matched"),
    ],
)
def test_direction_of_a_unit(loci: list[str], expected: str) -> None:
    assert unit_direction(loci) == expected  # type: ignore[arg-type]


# patient, unit -> grade and confidence of each position
GRADES = [
    ("A", "02:01:01:01+24:02:01", "02:01:01:01+24:02:01", "gDNA definite", "cDNA definite"),
    ("A", "02:01:01:01+24:02:01", "02:01:01:02L+24:02", "cDNA definite", "protein definite"),
    ("A", "02:01:01:01+02:03", "02:01:02+02:03", "protein definite", "protein definite"),
    ("A", "02:01:01+03:01", "02:01:01:01+03:01", "cDNA exact", "protein definite"),
    ("A", "02:01:01:01+03:01", "02:09+03:01", "G definite", "protein definite"),
    ("A", "02:01:02+03:01", "02:09+03:01", "P definite", "protein definite"),
    ("A", "02:01:01G+03:01", "02:01:01G+03:02", "G exact", "split mismatch"),
    ("A", "02:01:01G+03:01", "02:01P+24:02", "P exact", "mismatch mismatch"),
    ("A", "02:XX+03:01", "02:01+03:01/03:02", "G potential", "G potential"),
    ("A", "02:03+24:03", "02:03/02:10+24:XX", "G potential", "G potential"),
    ("A", "02:03+24:02", "02:10+24:03", "split mismatch", "associated mismatch"),
    ("A", "02:03+23:01", "02:01+24:02", "associated mismatch", "mismatch mismatch"),
    ("A", "24:09N+03:01", "24:02+03:01", "expressed-versus-null mismatch", "protein definite"),
    ("A", "24:09N+03:01", "03:01+03:01", "protein definite", "protein definite"),
    ("A", "24:09N+02:15N", "24:02+03:01", "expressed-versus-null mismatch", "expressed-versus-null mismatch"),
    ("A", "24:09N+02:15N", "24:09N+02:15N", "mismatch mismatch", "mismatch mismatch"),
    ("A", "+", "02:01+24:02", "P potential", "P potential"),
    ("A", "02:01+", "02:01+24:02", "protein exact", "P potential"),
    ("A", "A2+A24", "A2+A2403", "split potential", "associated potential"),
    ("A", "A203+A9", "A203+A9", "associated potential", "broad potential"),
    ("A", "A2+A9", "02:01+24:02", "split potential", "broad potential"),
    ("B", "B38+B15", "38:09+15:03", "broad potential", "mismatch mismatch"),
    (
        "B",
        "B38+B62",
        "B39+B72",
        "mismatch potential",
        "mismatch potential",
    ),  # by 38:09 (B16) and 15:99 (B15, B70)
    ("B", "B38+B51", "B39+B44", "mismatch potential", "mismatch potential"),
    ("A", "02:01:01:02L+24:09N", "02:01:01L+24:02", "cDNA definite", "expressed-versus-null mismatch"),
    ("DPB1", "04:01+05:01", "350:01+09:01", "P definite", "mismatch mismatch"),
]


@pytest.mark.parametrize(("locus", "patient", "unit", "first", "second"), GRADES)
def test_grades(resolver: Resolver, locus: str, patient: str, unit: str, first: str, second: str) -> None:
    found = explained(resolver, locus, patient, unit)

    assert [f"{position.grade} {position.confidence}" for position in found.positions] == [first, second]


def test_two_splits_of_one_broad_have_the_grade_broad_where_the_bank_says_so(resolver: Resolver) -> None:
    found = explained(resolver, "B", "38:01+15:01", "39:05+15:02", antigen_rule="broad")

    assert [position.grade for position in found.positions] == ["broad", "broad"]


def test_one_type_that_counts_twice_has_one_antigen(resolver: Resolver) -> None:
    found = explained(resolver, "A", "02:01/24:02+02:15N", "02:03+24:02")

    assert (found.match_max, found.antigen_max) == (1, 1)
    assert [position.verdict for position in found.positions] == ["mismatch", "potential"]
    assert found.positions[0].why.code == "one_type"


def test_antigens_of_serology_decide_at_antigen_level(resolver: Resolver) -> None:
    """B38 and B39 may both be an allele known only as B16, but they are different splits: keep both values."""
    found = explained(resolver, "B", "B38+B15", "B39+B15")

    assert written(found) == "02 11 02 02"
    assert found.positions[0].verdict == "potential"
    assert [remark.text for remark in found.positions[0].remarks] == [
        "B38 and B39 are different splits of one broad antigen."
    ]
    assert [remark.text for remark in found.positions[1].remarks] == ["Both have the antigen B15."]


@pytest.mark.parametrize(
    ("locus", "patient", "unit", "shown"),
    [
        ("DQB1", "DQ7+DQ8", "DQ7+DQ8", "DQ7:DQ7 DQ8:DQ8"),
        ("DQB1", "DQ8+DQ7", "DQB1*03:01+DQB1*03:02", "DQ8:DQB1*03:02 DQ7:DQB1*03:01"),
        ("B", "B39+B38", "B38+B39", "B39:B39 B38:B38"),
        ("B", "B62+", "B62+", "B62:B62 :"),
    ],
)
def test_antigens_that_match_stand_side_by_side(
    resolver: Resolver, locus: str, patient: str, unit: str, shown: str
) -> None:
    found = explained(resolver, locus, patient, unit)

    assert " ".join(f"{one.patient}:{one.unit}" for one in found.positions) == shown
    assert "other_orientation" not in {remark.code for one in found.positions for remark in one.remarks}


def test_antigens_do_not_count_at_dpb1(resolver: Resolver) -> None:
    found = explained(resolver, "DPB1", "DPw4+DPw5", "04:01+05:01")

    assert [one.remarks for one in found.positions] == [(), ()]


def test_table_keeps_its_codes(resolver: Resolver) -> None:
    table = LocusTable.build("A", [("A*02:01", "A*24:02"), ("", ""), ("A*02:01", "A*24:02")], resolver)
    before = list(table.pairs)

    codes = table.extend([("A*03:01", ""), ("A*02:01", "A*24:02"), ("", "")])

    assert before == [("", ""), ("A*02:01", "A*24:02")]
    assert codes.tolist() == [2, 1, 0]
    assert codes.dtype == np.int32
    assert len(table) == 3
    assert table.pairs[:2] == before


def test_scores_follow_the_table_as_it_grows(resolver: Resolver) -> None:
    table = LocusTable("B", resolver)
    patient = typing(resolver, "B", "38:01+15:01")
    assert written(score_locus(patient, table).at(0)) == "02 02 02 02"

    table.extend([("B*38:09", "B*15:01")])
    assert written(score_locus(patient, table).at(1)) == "11 22 11 11"

    table.extend([("B*39:05", "B*15:99")])
    assert written(score_locus(patient, table).at(1)) == "11 22 11 11"
    assert written(score_locus(patient, table).at(2)) == "00 11 22 22"


def test_scores_are_small_arrays(resolver: Resolver) -> None:
    scores = score_locus(typing(resolver, "A", "02:01+24:02"), LocusTable("A", resolver))

    for name in COUNT_NAMES:
        values = getattr(scores, name)
        assert isinstance(scores, LocusScores)
        assert (values.dtype, values.shape) == (np.int8, (1,))


def test_a_pair_that_cannot_be_read_is_refused(resolver: Resolver) -> None:
    table = LocusTable("A", resolver)

    with pytest.raises(TypingError):
        table.extend([("A*02:01", "A*02:77")])

    assert len(table) == 1


def test_classes_sum_their_loci(resolver: Resolver) -> None:
    loci = {
        "A": compare_texts("A", ("02:01", "24:02"), ("02:03", "24:02"), resolver),
        "B": compare_texts("B", ("38:01", "15:01"), ("38:09", "15:02"), resolver),
        "DRB1": compare_texts("DRB1", ("04:05", "04:05"), ("04:05", ""), resolver),
    }

    assert classes(loci, CLASSES["antigen6"]) == (4, 5)
    assert classes(loci, CLASSES["allele6"]) == (2, 3)
