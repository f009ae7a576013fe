"""What hla_compare answers, over a made-up release."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from hla import comparison as module
from hla.comparison import Comparer, compare
from hla.matching import CLASSES
from hla.resolve import Resolver
from hla.typing import read_gl

PATIENT = "A*02:01+A*24:02^B*15:01+B*38:01^C*07:02^DRB1*04:05+DRB1*04:05^DQB1*03:01+DQB1*03:02^DPB1*04:01+DPB1*05:01"
POSITION = {"patient", "unit", "grade", "confidence", "why", "verdict", "remarks"}


@pytest.fixture
def answer(resolver: Resolver) -> dict[str, Any]:
    unit = "A*02:03+A*24:02^B*15:01+B*39:01^DRB1*04:05+DRB1*04:05^DQB1*03:01+DQB1*03:02^DPB1*04:01+DPB1*09:01"
    return compare(PATIENT, unit, resolver, identifier="7")


def test_all_keys(answer: dict[str, Any]) -> None:
    assert list(answer) == [
        "id",
        "loci",
        "classes",
        "directions",
        "dpb1",
        "b_leader",
        "conflicts",
        "notes",
        "antigen_rule",
        "release",
    ]
    assert (answer["id"], answer["release"], answer["antigen_rule"]) == ("7", "9.99.0", "split")
    assert list(answer["loci"]) == ["A", "B", "C", "DRB1", "DQB1", "DPB1"]
    assert json.loads(json.dumps(answer)) == answer


def test_a_locus(answer: dict[str, Any]) -> None:
    found = answer["loci"]["A"]

    assert (found["matches_min"], found["matches_max"]) == (1, 1)
    assert found["antigen_matches"] == {"min": 2, "max": 2}  # A203 is associated with A2
    assert found["gvh"] == found["hvg"] == {"min": 1, "max": 1}
    assert found["direction"] == "bidirectional"
    first, second = found["positions"]
    assert set(first) == set(second) == POSITION
    assert (first["patient"], first["unit"]) == ("A*02:01", "A*02:03")
    assert (first["grade"], first["confidence"]) == ("associated", "mismatch")
    assert set(first["why"]) == {"code", "params", "text"}
    assert first["why"]["text"] == "A2 and A203 are associated antigens."
    assert (second["patient"], second["unit"], second["confidence"]) == ("A*24:02", "A*24:02", "definite")


def test_a_locus_that_one_side_lacks(answer: dict[str, Any]) -> None:
    found = answer["loci"]["C"]

    assert (found["matches_min"], found["matches_max"]) == (0, 2)
    assert (found["antigen_matches"], found["direction"]) == ({"min": 0, "max": 2}, "unknown")


def test_classes_are_sums_over_their_loci(answer: dict[str, Any]) -> None:
    loci = answer["loci"]
    for name, levels in CLASSES.items():
        low = high = 0
        for locus, level in levels:
            counts = loci[locus]
            allele = (counts["matches_min"], counts["matches_max"])
            antigen = (counts["antigen_matches"]["min"], counts["antigen_matches"]["max"])
            one, two = antigen if level == "antigen" else allele
            low, high = low + one, high + two
        assert answer["classes"][name] == {"min": low, "max": high}
    assert answer["classes"]["antigen6"] == {"min": 5, "max": 5}  # B38 and B39 differ
    assert answer["directions"]["antigen6"] == "bidirectional"


@pytest.mark.parametrize(
    ("patient", "unit", "label"),
    [
        ("A*02:01+A*24:02", "A*02:01+A*24:02", "matched"),
        ("A*02:01+A*24:02", "A*02:01+A*02:01", "gvh-only"),
        ("A*02:01+A*02:01", "A*02:01+A*24:02", "hvg-only"),
        ("A*02:01+A*03:01", "A*02:01+A*24:02", "bidirectional"),
        ("A*02:01+A*24:02", "A*02:01+A*24:XX", "unknown"),
    ],
)
def test_directions_of_a_class(resolver: Resolver, patient: str, unit: str, label: str) -> None:
    rest = "^B*15:01+B*15:01^DRB1*04:05+DRB1*04:05"

    assert compare(patient + rest, unit + rest, resolver)["directions"]["allele6"] == label


@pytest.mark.parametrize(
    ("patient", "unit", "antigens", "label"),
    [
        ("A*02:01+A*24:02", "A*02:03+A*24:02", (6, 6), "matched"),  # A2 and A203: no mismatch of this class
        ("A*02:01+A*24:02", "A*02:03+A*02:03", (5, 5), "bidirectional"),
        ("A*02:01+A*24:02", "A*02:01+A*02:01", (5, 5), "gvh-only"),
        ("A*02:01+A*03:01", "A*02:01+A*02:01/A*03:01", (5, 6), "unknown"),
        ("A*02:01+A*24:02", "A*24:02", (5, 6), "unknown"),
        ("A2+A24", "A*02:01+A*24:02", (6, 6), "matched"),  # by allele open
    ],
)
def test_directions_of_the_antigen_class(
    resolver: Resolver, patient: str, unit: str, antigens: tuple[int, int], label: str
) -> None:
    rest = "^B*15:01+B*15:01^DRB1*04:05+DRB1*04:05"
    answer = compare(patient + rest, unit + rest, resolver)

    assert tuple(answer["classes"]["antigen6"].values()) == antigens
    assert answer["directions"]["antigen6"] == label


def test_a_locus_that_counts_by_allele_keeps_its_direction_in_the_antigen_class(resolver: Resolver) -> None:
    patient = "A*02:01+A*24:02^B*15:01+B*15:01^DRB1*04:05+DRB1*04:05"
    answer = compare(patient, patient.replace("A*02:01", "A*02:03").replace("+DRB1*04:05", ""), resolver)

    assert answer["directions"]["antigen6"] == "unknown"
    assert answer["directions"]["allele6"] == "bidirectional"


def test_the_antigen_rule(resolver: Resolver) -> None:
    one, other = "B*38:01+B*38:01", "B*39:05+B*39:05"

    split = compare(one, other, resolver)["loci"]["B"]["antigen_matches"]
    broad = compare(one, other, resolver, antigen_rule="broad")

    assert (split["max"], broad["loci"]["B"]["antigen_matches"]["max"]) == (0, 2)
    assert broad["antigen_rule"] == "broad"


def test_dpb1_and_leaders(answer: dict[str, Any]) -> None:
    assert answer["dpb1"] == "non-permissive-hvg"  # the unit's DPB1*09:01 is of group 1
    assert answer["b_leader"] == {"patient": "MT", "unit": "MT"}


def test_what_is_not_typed_is_unknown(resolver: Resolver) -> None:
    answer = compare("A*02:01+A*24:02", "A*02:01+A*24:02", resolver)

    assert answer["dpb1"] == "unknown"
    assert answer["b_leader"] == {"patient": "unknown", "unit": "unknown"}
    assert list(answer["loci"]) == ["A", "B", "C", "DRB1", "DQB1"]


def test_conflicts_and_notes_name_their_side(resolver: Resolver) -> None:
    answer = compare("A*02:01+A*24:02^A2+A3", "A*02:02+A*24:02", resolver)

    (conflict,) = answer["conflicts"]
    assert (conflict["side"], conflict["locus"], conflict["code"]) == ("patient", "A", "typing_conflict")
    assert "A3" in conflict["text"]
    assert any("A*02:03" in note for note in answer["notes"]["unit"])


def test_an_error_names_its_side(resolver: Resolver) -> None:
    answer = compare("A*02:01+A*24:02", "A*02:01+A*02:777^B*99:99", resolver, identifier="x")

    assert set(answer) == {"id", "error", "errors"}
    assert answer["id"] == "x"
    assert (answer["error"]["side"], answer["error"]["locus"]) == ("unit", "A")
    assert {"locus", "text", "position", "message", "hint"} <= answer["error"].keys()
    assert [error["locus"] for error in answer["errors"]] == ["A", "B"]


def test_lines_of_pairs(resolver: Resolver) -> None:
    lines = [
        "id;patient GL;unit GL",
        "1; A*02:01+A*24:02 ;A*02:01+A*24:02",
        "",
        "2;A*02:01+A*24:02",
        "3;A*02:01+A*24:02;nonsense",
        "id;patient;A*02:01",
    ]

    answers = list(Comparer(resolver).compare_lines(lines))

    assert [found["id"] for found in answers] == ["1", "2", "3", "id"]
    assert ["error" in found for found in answers] == [False, True, True, True]
    assert answers[1]["error"]["text"] == "2;A*02:01+A*24:02"
    assert answers[1]["errors"] == [answers[1]["error"]]


def test_readings_give_the_same(resolver: Resolver, answer: dict[str, Any]) -> None:
    one, other = "A*02:01+A*24:02", "A*03:01+A*24:02"
    readings = [read_gl(text, resolver) for text in (one, other)]

    assert Comparer(resolver).of_readings(*readings) == compare(one, other, resolver)


def test_blank_means_what_was_said(resolver: Resolver) -> None:
    one, other = "A*02:01", "A*02:01+A*02:01"

    assert compare(one, other, resolver)["loci"]["A"]["matches_min"] == 1
    assert compare(one, other, resolver, blank="homozygous")["loci"]["A"]["matches_min"] == 2


def test_the_same_pair_again_is_remembered(resolver: Resolver) -> None:
    comparer = Comparer(resolver)

    first, second = (comparer.compare("A*02:01", "A*02:XX") for _ in range(2))

    assert first == second
    assert first["loci"]["A"] is second["loci"]["A"]


def test_memory_is_bounded_and_changes_nothing(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    comparer = Comparer(resolver)
    texts = ["A*02:01+A*24:02", "A*02:XX+A*24:02", "A*03:01+A*24:03"]

    for one, other in [*product(texts, repeat=2)] * 2:
        assert comparer.compare(one, other) == compare(one, other, resolver)
    assert len(comparer._readings) <= 2
    assert len(comparer._loci) <= 2
