"""Probabilities in words and marks: 0 and 1 only where the typings leave nothing else, the weaker of two bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hla.prediction.imputed import Basis as KernelBasis
from matching import shares
from matching.choices import Basis
from matching.models import SearchRun
from matching.presenters import probabilities
from matching.unit_patients import patients_of_unit
from tests.matching.match_list_pages import detail_url
from tests.matching.prediction_cases import bases, change, rows_of, unit_url
from tests.matching.test_pages_requests import text_of

# --- how a number reads --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, ""), (0.0, "0 %"), (1e-9, "<1 %"), (0.0049, "<1 %"), (0.005, "1 %"), (0.125, "13 %"),
        (0.994, "99 %"), (0.995, ">99 %"), (0.9999999, ">99 %"), (1.0, "100 %"),
    ],
)  # fmt: skip
def test_whole_per_cent_claims_neither_never_nor_always(share: float | None, text: str) -> None:
    assert probabilities.percent_text(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (1e-6, "<0.1 %"),
        (0.413, "41.3 %"),
        (0.999, "99.9 %"),
        (1 - 1e-6, ">99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_nor_does_one_decimal(share: float, text: str) -> None:
    assert probabilities.share_text(share) == text


@pytest.mark.parametrize(
    ("share", "classes", "found"),
    [
        (1.0, {"allele10": (10, 10)}, 1.0),
        (1.0, {"allele10": (8, 10)}, 1 - 1e-6),
        (0.0, {"allele10": [8, 10]}, 1e-6),
        (0.0, {"allele10": [8, 9]}, 0.0),
        (0.4, {"allele10": (8, 10)}, 0.4),
        # a class that was not asked has the mismatches of the smaller ones, and may have more
        (1.0, {"allele6": (6, 6)}, 1 - 1e-6),
        (0.0, {"allele6": (5, 5)}, 0.0),
        (0.0, {"allele6": (6, 6), "allele8": (6, 7)}, 0.0),
        (
            0.0,
            {"allele6": (4, 6), "antigen6": (5, 5)},
            1e-6,
        ),  # by serology antigens may differ, and alleles not
        (0.0, {}, 1e-6),
    ],
)
def test_no_mismatch_by_the_classes_alone(
    share: float, classes: dict[str, Sequence[int]], found: float
) -> None:
    assert shares.no_mismatch(share, 10, classes) == found


@pytest.mark.parametrize(
    ("stored", "count", "lost", "text"),
    [
        ([0.333333] * 3, 3, 0.0, "100.0 %"),
        ([0.7, 0.2, 0.1], 3, 0.0, "100.0 %"),
        ([0.1] * 9 + [0.099999], 400, 0.0, ">99.9 %"),
        ([0.5, 0.49], 2, 0.01, "99.0 %"),
        ([0.6, 0.3], 3, 0.0, "90.0 %"),
        ([0.9, 0.1] + [0.0] * 8, 11, 0.0, ">99.9 %"),
        ([1.0, 0.0], 2, 0.0, "100.0 %"),
    ],
)
def test_genotypes_that_are_all_shown_are_all_there_is(
    stored: list[float], count: int, lost: float, text: str
) -> None:
    rows = [{"share": share, "alleles": {"A": ["A*01:01", "A*02:01"]}} for share in stored]

    found = probabilities.likely(rows, count, lost)

    assert found["together"] == text
    assert not {"100.0 %", "0.0 %"} & {row["share"] for row in found["rows"]}  # one of several


@pytest.mark.parametrize(
    ("share", "mismatches", "span", "text"),
    [
        (0.0, 0, (4, 8), "<1 %"),  # rounded when stored, or impossible by the set only
        (0.0, 0, (4, 7), "0 %"),  # a known mismatch
        (1.0, 0, (4, 8), ">99 %"),
        (0.9999999, 0, (8, 8), "100 %"),  # certain by the typings
        (0.0, 5, (4, 8), "0 %"),
        (1.0, 0, None, "100 %"),  # one genotype each
    ],
)
def test_exact_is_what_the_typings_say(
    share: float, mismatches: int, span: tuple[int, int] | None, text: str
) -> None:
    assert probabilities.percent_text(shares.exact(share, mismatches, 8, span)) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ((4, 8), "<1 %"),  # up to four mismatches
        ((6, 8), "0 %"),
        ((0, 5), "100 %"),  # three at least
        (None, "0 %"),
    ],
)
def test_three_or_more_mismatches_are_open_where_the_typings_leave_them(
    span: tuple[int, int] | None, text: str
) -> None:
    assert probabilities.percent_text(shares.told(0.0, 3, 8, 8, span)) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1e-6, "<0.01 %"), (1 - 1e-6, ">99.99 %"), (1.0, "100 %"), (0.5, "50.00 %")]
)
def test_precise_text_claims_neither_never_nor_always(share: float, text: str) -> None:
    assert probabilities.precise_text(share) == text


@pytest.mark.parametrize(
    ("gain", "text"), [(0.0003, "0.03"), (0.0034, "0.34"), (0.082, "8.2"), (0.3, "30.0")]
)
def test_gains_are_points(gain: float, text: str) -> None:
    assert probabilities.points_text(gain) == text


def test_bases_are_those_of_the_kernel() -> None:
    assert [basis.name.lower() for basis in KernelBasis] == Basis.values


@pytest.mark.parametrize("basis", Basis.values)
def test_every_basis_has_a_sentence(basis: str) -> None:
    text = probabilities.basis_text(basis, "HAN v2", ["C", "DQB1"])

    assert text.endswith(".")
    assert ("HAN v2" in text) is (basis != Basis.TYPING)


# --- 0 and 1 only where the typings leave nothing else -------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "of10", "mark"),
    [
        ("set", "set", [">99 %", "<1 %", "<1 %", "<1 %"], None),
        ("typing", "set", [">99 %", "<1 %", "<1 %", "<1 %"], None),
        ("set", "typing", [">99 %", "<1 %", "<1 %", "<1 %"], None),
        ("typing", "typing", ["100 %", "0 %", "0 %", "0 %"], "certain"),
    ],
)
def test_class_that_was_not_asked_is_certain_only_by_one_genotype_each(
    narrow: SearchRun, units: Any, mine: str, theirs: str, of10: list[str], mark: str | None
) -> None:
    result = bases(narrow, units["six"], mine, theirs)

    found = probabilities.tables(narrow, result)

    assert found is not None
    lines = {line["label"]: line for line in (*found["classes"], *found["loci"])}
    assert lines["6/6"]["cells"] == ["100 %", "0 %", "0 %", "0 %"], "asked, and certain"
    assert lines["10/10"]["cells"] == of10
    assert (lines["10/10"]["mark"] or {}).get("text") == mark
    assert lines["C"]["cells"] == of10[:3]
    assert lines["A"]["cells"] == ["100 %", "0 %", "0 %"]


def test_known_mismatch_counts_in_classes_that_were_not_asked(narrow: SearchRun, units: Any) -> None:
    result = bases(narrow, units["five"], "set", "set")

    assert shares.class_span(narrow, result, 6) == (5, 5)
    assert shares.class_span(narrow, result, 10) == (5, 9)
    assert shares.class_shares(narrow, result, 10) == [0.0, 1 - 1e-6, 1e-6]
    [one] = patients_of_unit(units["five"])
    assert one.probabilities == {"6": 0.0, "8": 0.0, "10": 0.0}


# --- the weaker of the two -----------------------------------------------------------------------


def test_weak_patient_makes_every_open_row_an_estimate(client: Client, run: SearchRun, units: Any) -> None:
    change(run, patient=run.prediction["patient"] | {"basis": "loci", "relaxed": ["C"]})

    cells = {name: row["probability"] for name, row in rows_of(client, run, units).items()}
    found = client.get(reverse("api:run-results", args=[run.pk])).json()["results"]
    api = {one["unit"]["unit_no"]: one["prediction"] for one in found}

    patient = "Patient: Not explained by demo (synthetic): estimated without linkage at C."
    assert cells["open"]["mark"] == {"text": "estimate", "tone": "maybe", "why": patient}
    assert cells["unlinked"]["mark"]["why"].startswith("Unit: Not explained by demo (synthetic)")
    assert cells["unlinked"]["mark"]["why"].endswith(patient)
    assert cells["six"]["mark"]["text"] == "certain"
    told = api[units["open"].unit_no]
    assert (told["basis"], told["weaker_basis"], told["estimate"], told["why"]) == (
        "set",
        "loci",
        True,
        patient,
    )
    assert api[units["six"].unit_no]["estimate"] is False


# --- certain without a set -----------------------------------------------------------------------


def test_what_is_certain_stands_beside_no_estimate(client: Client, run: SearchRun, units: Any) -> None:
    """By the typings alone, although no set serves the unit."""
    result = run.results.get(unit=units["open"])
    result.allele6_min = result.allele6_max = 6
    result.evidence["A"]["match"] = [2, 2]
    result.prediction = {"basis": "none", "set": -1, "6": [1.0, 0.0, 0.0], "A": [1.0, 0.0, 0.0]}
    result.save()

    cell = rows_of(client, run, units)["open"]["probability"]
    page = text_of(client.get(detail_url(run)))
    why = client.get(unit_url(run, units["open"]))

    reason = "No estimate: no frequency set in use serves this unit."
    assert [(one["text"], one["percent"]) for one in cell["lines"]] == [
        ("100 %", 100),
        ("no estimate", None),
        ("no estimate", None),
    ]
    assert cell["lines"][0]["rest"] == ["certain"]
    assert (cell["mark"], cell["why"]) == (None, reason)
    assert f'title="8/8 no estimate. {reason}"' in page
    found = why.context["why"]["prediction"]
    assert [line["cells"][:1] for line in found["classes"]] == [["100 %"], [], []]
    assert [line["cells"][:1] for line in found["loci"]] == [["100 %"], [], [], [], []]
    assert found["reasons"][0] == reason
    assert text_of(why).count("no estimate</td>") == 6


def test_unit_that_is_certain_everywhere_needs_no_set(client: Client, run: SearchRun, units: Any) -> None:
    run.results.filter(unit=units["six"]).update(
        prediction={"basis": "typing", "set": -1, **{str(size): [1.0, 0.0, 0.0] for size in (6, 8, 10)}}
    )

    cell = rows_of(client, run, units)["six"]["probability"]

    assert [one["text"] for one in cell["lines"]] == ["100 %"] * 3
    assert cell["mark"]["text"] == "certain"
    assert probabilities.unit_basis_text(run, run.results.get(unit=units["six"])) == (
        "The typings leave nothing open here."
    )
