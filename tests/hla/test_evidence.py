"""Why two typings match: verdict, reason and remarks of each position."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from itertools import product

import pytest

from hla.evidence import explain_counted, quality
from hla.grades import GRADE_ORDER
from hla.matching import LocusTable, explain_locus, score_locus
from hla.positions import VERDICTS, Compared, Comparisons
from hla.resolve import Resolver
from hla.scoring import COUNT_NAMES, LocusCounts
from hla.typing import LocusTyping
from tests.hla.shorthand import explained, typing, written
from tests.hla.small_world import SmallResolver, all_typings, genotype_lists


def test_evidence_of_a_genotype_list_shows_the_best_combination(resolver: Resolver) -> None:
    mine = LocusTyping("A", "A*02:01|A*02:03", "A*24:02|A*23:01", "pair")
    theirs = LocusTyping("A", "A*02:03|A*03:01", "A*24:02|A*03:02", "pair")
    found = explain_locus(mine, theirs, resolver)

    assert written(found) == "01 02 12 12"
    assert [(one.patient, one.unit, one.verdict) for one in found.positions] == [
        ("A*02:01|A*02:03", "A*02:03|A*03:01", "antigen"),
        ("A*24:02|A*23:01", "A*24:02|A*03:02", "potential"),
    ]
    assert {one.confidence for one in found.positions} == {"mismatch", "potential"}
    assert found.positions[0].remarks[-1].text == (
        "Compared as A*02:01 with A*02:03: the best of 4 combinations of genotypes."
    )
    mine = LocusTyping("A", "A*02:01|A*02:03", "A*24:02|A*24:02", "pair")
    certain = explain_locus(mine, LocusTyping("A", "A*24:02", "A*03:01", "pair"), resolver)
    assert (certain.match_min, certain.positions[1].verdict) == (1, "allele")


# patient, unit -> orientation and for each position verdict and reason
EVIDENCE = [
    ("A", "02:01+24:02", "02:01P+24:02:01G", "direct", "allele same_p_group", "allele same_p_group"),
    ("A", "02:01+24:02", "24:02+02:01", "cross", "allele same_p_group", "allele same_p_group"),
    ("A", "02:01+24:02", "24:02+02:XX", "cross", "potential shared_p_groups", "allele same_p_group"),
    ("A", "02:01+24:02", "02:01+", "direct", "allele same_p_group", "potential untyped"),
    ("A", "02:01+24:02", "+", "direct", "potential untyped", "potential untyped"),
    (
        "A",
        "02:01+24:02",
        "02:15N+24:09N",
        "direct",
        "mismatch nothing_expressed",
        "mismatch nothing_expressed",
    ),
    ("A", "02:15N+24:09N", "+", "direct", "potential untyped", "potential untyped"),
    ("A", "03:01+24:09N", "03:01+24:02", "direct", "allele same_p_group", "mismatch mismatch_different"),
    ("A", "03:01/03:02+24:09N", "03:01+03:02", "direct", "potential shared_p_groups", "antigen one_type"),
    ("A", "02:15N+", "02:01+24:02", "direct", "potential untyped", "mismatch one_type"),
    ("B", "38:01+15:01", "38:09+15:02", "direct", "antigen antigen_split", "mismatch mismatch_same_broad"),
    ("B", "38:09+15:01", "38:01+15:01", "direct", "antigen antigen_broad", "allele same_p_group"),
    (
        "B",
        "39:01+39:05",
        "15:01+39:02",
        "direct",
        "mismatch mismatch_different",
        "antigen antigen_associated",
    ),
    ("B", "39:01+15:01", "39:02+15:01", "direct", "antigen antigen_siblings", "allele same_p_group"),
    ("A", "02:01+03:01", "02:12+03:01", "direct", "antigen antigen_equal", "allele same_p_group"),
    ("DPB1", "04:01+05:01", "05:01+05:01", "direct", "mismatch mismatch_allele", "allele same_p_group"),
    ("B", "15:01+15:02", "15:02+38:01", "cross", "mismatch mismatch_different", "allele same_p_group"),
    # what the antigens are depends on the member
    (
        "B",
        "15:01/15:02+38:01",
        "15:16/15:99+38:01",
        "direct",
        "antigen antigen_possible",
        "allele same_p_group",
    ),
    (
        "A",
        "02:03/02:12+03:01",
        "02:101/02:10+03:01",
        "direct",
        "antigen antigen_whichever",
        "allele same_p_group",
    ),
    (
        "B",
        "15:01/15:02+38:01",
        "15:16/39:05+38:01",
        "direct",
        "mismatch mismatch_whichever",
        "allele same_p_group",
    ),
]


@pytest.mark.parametrize(("locus", "patient", "unit", "orientation", "first", "second"), EVIDENCE)
def test_evidence(
    resolver: Resolver, locus: str, patient: str, unit: str, orientation: str, first: str, second: str
) -> None:
    found = explained(resolver, locus, patient, unit)

    assert found.orientation == orientation
    assert [f"{position.verdict} {position.why.code}" for position in found.positions] == [first, second]


def test_evidence_says_which_types_and_antigens(resolver: Resolver) -> None:
    alleles = explained(resolver, "A", "02:01/02:03+24:02", "02:XX+03:01")
    antigens = explained(resolver, "B", "38:01+15:01", "38:09+44:02")

    assert alleles.positions[0].why.text == "Both may be A*02:01P, A*02:03 (2 in common)."
    assert alleles.positions[1].why.text == "A24 and A3 are different antigens."
    assert antigens.positions[0].why.text == "B38 is a split of B16."
    assert antigens.release == "9.99.0"


def test_evidence_remarks_on_nulls_and_questionable_alleles(resolver: Resolver) -> None:
    found = explained(resolver, "A", "02:18Q+24:XX", "03:01+02:15N")

    remarks = {remark.code: remark.text for position in found.positions for remark in position.remarks}
    assert remarks == {
        "questionable": "The expression of A*02:18Q is questionable (Q).",
        "null_possible": "A*24:XX could also be a null allele (A*24:09N).",
        "null_counts_as": "A*02:15N is a null allele and counts as the value beside it.",
    }


def test_evidence_names_the_possible_antigens(resolver: Resolver) -> None:
    found = explained(resolver, "B", "15:01/15:02+38:01", "15:16/15:99+38:01")
    many = explained(resolver, "B", "15:XX+38:01", "39:01/39:02/83:01/44:02+38:01")

    assert (found.antigen_min, found.antigen_max) == (1, 2)
    assert found.positions[0].why.text == (
        "May match at antigen level: possible are B62, B75 and B15, B63, B70."
    )
    assert many.positions[0].why.params["unit_antigens"] == "B44, B83, B3901, B3902"
    wide = explained(resolver, "B", "15:XX/51:42+38:01", "39:01/39:02+38:01")
    assert wide.positions[0].why.params["patient_antigens"] == "B15, B51, B62, B63, B70, B72, … (+1)"


def test_evidence_says_when_antigens_are_counted_the_other_way_round(resolver: Resolver) -> None:
    found = explained(resolver, "B", "38:09+38:01", "38:09+39:01")

    assert (found.antigen_max, found.orientation) == (2, "direct")
    assert [position.verdict for position in found.positions] == ["allele", "mismatch"]
    assert [remark.text for position in found.positions for remark in position.remarks] == [
        "Compared the other way round, 2 of 2 positions may match at antigen level."
    ]


def test_evidence_is_plain_json(resolver: Resolver) -> None:
    found = explained(resolver, "A", "02:01+24:02", "02:XX+03:01")

    assert json.loads(json.dumps(asdict(found)))["positions"][0]["verdict"] == "potential"


def test_evidence_takes_counts_that_are_known(resolver: Resolver) -> None:
    mine, theirs = typing(resolver, "A", "02:01+24:02"), typing(resolver, "A", "02:XX+03:01")
    table = LocusTable("A", resolver)
    (code,) = table.extend([(theirs.first, theirs.second)])
    counts = score_locus(mine, table).at(int(code))

    assert explain_locus(mine, theirs, resolver, counts=counts) == explain_locus(mine, theirs, resolver)
    assert counts.direction == "bidirectional"


def test_evidence_shows_as_many_matches_as_counted() -> None:
    small = SmallResolver()
    typings = all_typings((1, 2, 4))
    lists = genotype_lists(25, seed=2)
    for patient in typings + lists:
        for unit in typings[::2] + lists:
            found = explain_locus(
                LocusTyping("B", *patient, kind(patient)), LocusTyping("B", *unit, kind(unit)), small
            )
            shown = [position.verdict in ("allele", "potential") for position in found.positions]
            assert sum(shown) == found.match_max
            certain = [position.verdict == "allele" for position in found.positions]
            assert sum(certain) <= found.match_min
            at_antigen_level = sum(position.verdict != "mismatch" for position in found.positions)
            remarked = {remark.code for position in found.positions for remark in position.remarks}
            assert (at_antigen_level < found.antigen_max) == ("other_orientation" in remarked)


def test_what_is_kept_of_one_unit_does_not_change_another() -> None:
    """One patient beside many units: nulls, blanks and values met before, in any order."""
    small, chance = SmallResolver(), random.Random(5)
    typings = [LocusTyping("B", *pair, kind(pair)) for pair in [*all_typings((1, 2, 4)), ("", "")]]
    for patient in typings[::3]:
        shared = Comparisons(patient, small, "split")
        for unit in chance.sample(typings, len(typings)):
            alone = explain_locus(patient, unit, small)
            counts = LocusCounts(*(getattr(alone, name) for name in COUNT_NAMES))
            assert explain_counted(unit, shared, counts) == alone


def test_the_better_orientation_by_one_number_is_that_by_its_parts() -> None:
    small = SmallResolver()
    met: set[tuple[tuple[int, ...], int]] = set()
    for patient, unit in product(all_typings((1, 3, 5))[::2], repeat=2):
        shared = Comparisons(LocusTyping("B", *patient, kind(patient)), small, "split")
        first, second = shared.beside(LocusTyping("B", *unit, kind(unit)))
        for pair in ([first.first, second.second], [second.first, first.second]):
            met.add((parts_of_quality(pair), quality(pair)))

    assert len(met) > 40
    for (parts, number), (others, other) in product(met, repeat=2):
        assert (parts > others) == (number > other)


def parts_of_quality(positions: list[Compared]) -> tuple[int, ...]:
    """Matches, then antigen matches, then how much is typed, then verdicts, then grades."""
    return (
        sum(one.matches for one in positions),
        sum(one.related for one in positions),
        -sum(one.shown.why.code == "untyped" for one in positions),
        -sum(VERDICTS.index(one.shown.verdict) for one in positions),
        -sum(GRADE_ORDER.index(one.shown.grade) for one in positions),
    )


def kind(pair: tuple[str, str]) -> str:
    return "untyped" if pair == ("", "") else "pair"
