"""Match probabilities as people and programs see them: list, why, next typing, whole distribution, API, CSV."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from hla.prediction.imputed import Basis as KernelBasis
from hospitals.models import Hospital
from matching import frequency_sets, shares
from matching.choices import Basis
from matching.models import FrequencySet, SearchResult, SearchRun
from matching.pair_details import pair_details
from matching.presenters import probabilities
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import searched_run, stored_run
from tests.factories.matching import ListedUnitFactory, frequency_set, typed_patient
from tests.matching.test_pages_requests import client_of, text_of
from tests.matching.test_pages_runs import FIVE, FOUR, HTMX, detail_url, shown

OPEN = "A*11:XX+A*24:02^B*40:XX+B*46:01^DRB1*09:01+DRB1*15:XX"
UNLINKED = f"{OPEN}^DQB1*02:01+DQB1*02:01"  # no haplotype of the demonstration set has DR15 with DQ2
PATIENT = "A*11:01+A*24:02^B*40:01+B*46:01^C*01:02+C*07:02^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"


@pytest.fixture
def hospital(db: None) -> Hospital:
    return HospitalFactory()


@pytest.fixture
def client(hospital: Hospital) -> Client:
    return client_of(member_of(hospital))


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    return {
        "six": ListedUnitFactory(tnc_e7=100),
        "open": ListedUnitFactory(gl=OPEN),
        "unlinked": ListedUnitFactory(gl=UNLINKED),
        "five": ListedUnitFactory(gl=FIVE),
        "four": ListedUnitFactory(gl=FOUR),
    }


@pytest.fixture
def run(hospital: Hospital, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(typed_patient(hospital=hospital, weight_kg=Decimal(20)))


def rows_of(client: Client, run: SearchRun, units: dict[str, CordBloodUnit]) -> dict[str, dict[str, Any]]:
    """Rows of the list by the name of their unit."""
    names = {str(unit.pk): name for name, unit in units.items()}
    return {names[row["key"]]: row for row in client.get(detail_url(run)).context["table"]["rows"]}


def unit_url(run: SearchRun, unit: CordBloodUnit, name: str = "run-unit") -> str:
    return reverse(f"matching:{name}", args=[run.pk, unit.pk])


def notices(client: Client, run: SearchRun) -> list[tuple[str, str]]:
    return [(one["tone"], str(one["text"])) for one in client.get(detail_url(run)).context["notices"]]


def change(run: SearchRun, **prediction: Any) -> None:
    SearchRun.objects.filter(pk=run.pk).update(prediction=run.prediction | prediction)


# --- how a number reads -------------------------------------------------------------------------


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


# --- the list -----------------------------------------------------------------------------------


def test_row_has_a_line_per_class_and_says_what_is_certain_or_estimated(
    client: Client, run: SearchRun, units: Any
) -> None:
    rows = rows_of(client, run, units)

    cells = {name: row["probability"] for name, row in rows.items()}
    assert [one["label"] for one in cells["open"]["lines"]] == ["6/6", "8/8", "10/10"]
    assert [one["lead"] for one in cells["open"]["lines"]] == [False, True, False]
    assert cells["open"]["mark"] is None
    assert [one["text"] for one in cells["six"]["lines"]] == ["100 %"] * 3
    assert [one["text"] for one in cells["five"]["lines"]] == ["0 %"] * 3
    assert cells["five"]["lines"][1]["rest"] == ["7/8 100 %", "6/8 0 %"]
    assert cells["six"]["mark"]["text"] == cells["five"]["mark"]["text"] == "certain"
    assert cells["unlinked"]["mark"]["text"] == "estimate"
    assert (
        "Not explained by demo (synthetic): estimated without linkage at" in cells["unlinked"]["mark"]["why"]
    )
    texts = [cell["probability"] for cell in rows["open"]["cells"]]
    assert texts[0].startswith("A: no mismatch ")
    assert [cell["probability"] for cell in rows["six"]["cells"]] == [""] * 5, (
        "nothing to say where it is certain"
    )


def test_numbers_are_words_of_the_page(client: Client, run: SearchRun, units: Any) -> None:
    page = text_of(client.get(detail_url(run)))
    result = run.results.get(unit=units["open"])

    text = probabilities.percent_text(result.p0_of8)
    assert f'title="8/8 {text}, 7/8 ' in page
    assert f"<small>8/8</small><b>{text}</b>" in page


def test_unexplained_unit_is_no_estimate_and_not_zero(client: Client, run: SearchRun, units: Any) -> None:
    rows = run.results.filter(unit=units["open"])
    rows.update(prediction={"basis": "none", "set": 0}, p0_of6=None, p0_of8=None, p0_of10=None)

    cell = rows_of(client, run, units)["open"]["probability"]
    why = text_of(client.get(unit_url(run, units["open"])))

    assert (cell["lines"], cell["none"]) == ([], "no estimate")
    assert cell["why"] == "No estimate: the typing is not explained by demo (synthetic)."
    assert cell["why"] in why
    assert cell["why"] in text_of(client.get(detail_url(run)))


@pytest.mark.parametrize(
    ("prediction", "basis", "text"),
    [
        ({"patient": None}, {}, "No estimate: no frequency set in use serves the patient."),
        ({}, {"set": -1}, "No estimate: no frequency set in use serves this unit."),
    ],
)
def test_reasons_for_no_estimate(
    run: SearchRun, units: Any, prediction: dict[str, Any], basis: dict[str, Any], text: str
) -> None:
    run.prediction |= prediction
    result = run.results.get(unit=units["open"])
    result.prediction = {"basis": "none", "set": 0} | basis

    assert probabilities.unit_basis_text(run, result) == text


def test_head_names_sets_and_counts_the_unexplained(client: Client, run: SearchRun) -> None:
    context = client.get(detail_url(run)).context

    head = {item["label"]: item["value"] for item in context["criteria"]}
    figures = {figure["label"]: (figure["value"], figure["note"]) for figure in context["figures"]}
    assert head["Haplotype frequencies"] == "demo (synthetic) (built-in demonstration)"
    assert head["Patient"] == "population not known · 1 genotype · demo (synthetic)"
    assert "Left out of a probability, at most" not in head
    assert figures["not explained by the frequency set"] == ("1", "1 estimated")
    assert [tone for tone, text in notices(client, run) if "synthetic" in text] == ["warn"]


def test_head_says_own_populations_coverage_and_what_was_left_out(client: Client, run: SearchRun) -> None:
    one = {
        "version": "HAN v2",
        "population": "HAN",
        "checksum": "x",
        "step": "own",
        "weight": 0.75,
        "coverage": 0.93,
    }
    two = one | {"version": "UIG v1", "population": "UIG", "checksum": "y", "weight": 0.25, "coverage": 1}
    patient = run.prediction["patient"]
    change(
        run,
        sets=[one, two, one | {"step": "default"}],
        patient=patient | {"sets": ["x", "y"], "populations": "HAN:0.75+UIG:0.25", "genotypes": 1200},
    )
    result = run.results.first()
    result.prediction["lost"] = 0.00051
    result.save()

    response = client.get(detail_url(run))

    head = {item["label"]: item["value"] for item in response.context["criteria"]}
    assert head["Haplotype frequencies"] == (
        "HAN v2 (own population, coverage 93.0 %), UIG v1 (own population), "
        "HAN v2 (the bank's default, coverage 93.0 %)"
    )
    assert head["Patient"] == "HAN 75 % + UIG 25 % · 1,200 genotypes · HAN v2 75.0 % + UIG v1 25.0 %"
    assert head["Left out of a probability, at most"] == "0.05 %"
    texts = [text for _tone, text in notices(client, run)]
    assert "The frequency set HAN v2 is no longer in use. Search again to use another." in texts
    assert not any("synthetic" in text for text in texts)


@pytest.mark.parametrize(
    ("prediction", "tone", "text"),
    [
        ({}, "info", "before probabilities were computed"),
        ({"error": "HAN v2 is damaged."}, "warn", "No probabilities were computed: HAN v2 is damaged."),
        (
            {"sets": [], "patient": None, "counts": {}, "next": None},
            "warn",
            "only what the typings make certain",
        ),
    ],
)
def test_list_without_probabilities_says_why_and_has_no_column(
    client: Client, run: SearchRun, prediction: dict[str, Any], tone: str, text: str
) -> None:
    SearchRun.objects.filter(pk=run.pk).update(prediction=prediction)
    SearchResult.objects.filter(run=run).update(prediction={}, p0_of6=None, p0_of8=None, p0_of10=None)

    response = client.get(detail_url(run, "?p8=50&sort=p8"))

    assert [one["tone"] for one in response.context["notices"] if text in str(one["text"])] == [tone]
    assert not response.context["table"]["probabilities"]
    assert response.context["next_typings"] is None
    assert response.context["order"] == "rank"
    assert len(response.context["table"]["rows"]) == 5, "a filter by what is not known filters nothing"
    assert [item["label"] for item in response.context["orders"]] == [
        "class, certain matches, TNC/kg",
        "class, certain matches, CD34/kg",
        "TNC/kg only",
        "CD34/kg only",
    ]


def test_patient_whom_the_set_does_not_explain_is_said_above_the_list(client: Client, run: SearchRun) -> None:
    patient = run.prediction["patient"]
    change(run, patient=patient | {"basis": "loci", "relaxed": ["A", "C"]})
    weak = notices(client, run)
    change(run, patient=patient | {"basis": "none", "genotypes": 0})
    none = client.get(detail_url(run))

    sentence = "Patient: Not explained by demo (synthetic): estimated without linkage at A, C."
    assert ("warn", sentence) in weak
    assert "Patient: Not explained by demo (synthetic): no estimate." in text_of(none)
    assert none.context["next_typings"] is None


# --- 0 and 1 only where the typings leave nothing else -------------------------------------------

THREE = "A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"


@pytest.fixture
def narrow(hospital: Hospital, units: dict[str, CordBloodUnit]) -> SearchRun:
    """Searched at A, B and DRB1; the patient is typed there only, and the set explains all loci of "six" for sure."""
    run = searched_run(typed_patient(THREE, hospital=hospital, weight_kg=Decimal(20)), loci="A,B,DRB1")
    for name, found in (("six", [1.0, 0.0, 0.0]), ("five", [0.0, 1.0, 0.0])):
        result = run.results.get(unit=units[name])
        result.prediction |= {"6": found, "8": found, "10": found, "C": [1.0, 0.0, 0.0], "basis": "set"}
        result.save()
    return run


def bases(run: SearchRun, unit: CordBloodUnit, mine: str, theirs: str) -> SearchResult:
    """Of the patient and of a unit, written down by hand."""
    change(run, patient=run.prediction["patient"] | {"basis": mine, "relaxed": ["C"]})
    result = run.results.get(unit=unit)
    result.prediction["basis"] = theirs
    result.save()
    run.refresh_from_db()
    return result


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


def test_api_and_export_tell_what_is_open_as_the_page_does(
    client: Client, narrow: SearchRun, units: Any
) -> None:
    bases(narrow, units["six"], "set", "set")

    found = client.get(reverse("api:run-results", args=[narrow.pk])).json()["results"]
    page = client.get(reverse("matching:run-export", args=[narrow.pk]))
    rows = csv.DictReader(b"".join(page.streaming_content).decode("utf-8-sig").splitlines())

    (told,) = [one["prediction"] for one in found if one["unit"]["unit_no"] == units["six"].unit_no]
    (row,) = [row for row in rows if row["unit"] == units["six"].unit_no]
    assert (told["of6"], told["of10"]) == ([1, 0, 0], [0.999999, 0.000001, 0.000001])
    assert (told["loci"]["A"], told["loci"]["C"]) == ([1, 0, 0], [0.999999, 0.000001, 0.000001])
    assert [float(row[f"p{at}_of10"]) for at in range(3)] == told["of10"]
    assert (float(row["p0_of6"]), float(row["a_p0"])) == (1, 1)


def test_whole_distribution_of_a_changed_unit_claims_nothing(run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(hla_c_1="C*01:02", hla_c_2="C*07:XX")
    result = run.results.get(unit=units["six"])

    found = probabilities.details(run, pair_details(run, result.unit_id), result)

    texts = [cell["text"] for row in found["rows"] for cell in row["cells"] if cell]
    assert not {"0 %", "100 %"} & {*texts}


# --- the weaker of the two ------------------------------------------------------------------------


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


# --- certain without a set ------------------------------------------------------------------------


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


# --- what changed since ---------------------------------------------------------------------------


def test_notice_of_another_population_of_the_patient(client: Client, run: SearchRun) -> None:
    text = "The patient's population was changed since this search: other probabilities. Search again."
    assert ("warn", text) not in notices(client, run)

    type(run.request.patient).objects.filter(pk=run.request.patient_id).update(populations="HAN")

    assert ("warn", text) in notices(client, run)
    SearchRun.objects.filter(pk=run.pk).update(prediction={})
    assert ("warn", text) not in notices(client, run), "there are no probabilities"


def test_notice_of_another_set_for_the_patient(client: Client, run: SearchRun) -> None:
    """The set of the search is still in use, but one of the patient's own population was loaded."""
    general = frequency_set("ALL", is_active=True, is_global=True)
    one = {
        "version": general.version,
        "population": "ALL",
        "checksum": general.checksum,
        "step": "global",
        "weight": 1.0,
        "coverage": 1.0,
    }
    SearchRun.objects.filter(pk=run.pk).update(patient_populations="HAN")
    change(run, sets=[one], patient=run.prediction["patient"] | {"sets": [general.checksum]})
    frequency_sets.forget()
    before = [text for _tone, text in notices(client, run)]

    own = frequency_set("HAN", is_active=True)
    frequency_sets.forget()
    after = notices(client, run)
    general.is_active = general.is_global = False
    general.save()
    frequency_sets.forget()
    gone = [text for _tone, text in notices(client, run)]

    sentence = (
        f"For the patient this list used the frequency set {general.version}; {own.version} serves now."
    )
    assert not any("frequency set" in text for text in before)
    assert ("warn", f"{sentence} Search again to use it.") in after
    assert not any(sentence in text for text in gone), "said once: it is no longer in use"
    assert any(f"{general.version} is no longer in use" in text for text in gone)


def test_notice_of_a_set_where_none_served(client: Client, run: SearchRun) -> None:
    change(run, sets=[], patient=None, counts={}, next=None)

    texts = [text for _tone, text in notices(client, run)]

    assert "The frequency set demo (synthetic) serves the patient now. Search again to use it." in texts


# --- order and filters --------------------------------------------------------------------------


def test_orders_and_filters_by_probability(client: Client, run: SearchRun, units: Any) -> None:
    found = {size: dict(run.results.values_list("unit__unit_no", f"p0_of{size}")) for size in (6, 8, 10)}
    for size, known in found.items():
        wanted = sorted(known.values(), reverse=True)
        assert [known[name] for name in shown(client, run, f"?sort=p{size}")] == wanted
        for percent in (1, 30, 50, 100):
            passed = {name for name, share in known.items() if share >= percent / 100}
            assert set(shown(client, run, f"?p{size}={percent}")) == passed


def test_unknown_probabilities_come_last_and_pass_no_filter(
    client: Client, run: SearchRun, units: Any
) -> None:
    SearchResult.objects.filter(run=run, unit=units["six"]).update(p0_of6=None, p0_of8=None)

    assert shown(client, run, "?sort=p8")[-1] == units["six"].unit_no
    assert units["six"].unit_no not in shown(client, run, "?p8=1")
    assert shown(client, run, "?sort=class_cd34")[2] == units["six"].unit_no, "the last band of its class"


def test_labels_say_how_probabilities_order_the_list(client: Client, run: SearchRun) -> None:
    context = client.get(detail_url(run)).context

    assert [item["label"] for item in context["orders"]][:5] == [
        "class, P(6/6) in steps of 10 %, certain matches, TNC/kg",
        "class, P(6/6) in steps of 10 %, certain matches, CD34/kg",
        "P(6/6)",
        "P(8/8)",
        "P(10/10)",
    ]
    (chip,) = [chip for chip in context["chips"] if chip.name == "p8"]
    assert (chip.label, chip.count) == ("P(8/8) ≥ 50 %", len(shown(client, run, chip.url)))


def test_list_by_class_and_cd34_keeps_the_bands(client: Client, run: SearchRun, units: Any) -> None:
    """All of one class: 64 % and 58 % are two bands, and cells decide only within one."""
    run.results.filter(unit=units["unlinked"]).update(cd34_e6=99)

    in_order = shown(client, run, "?sort=class_cd34")

    assert in_order.index(units["open"].unit_no) < in_order.index(units["unlinked"].unit_no)


def test_three_locus_search_speaks_of_six_positions(client: Client, hospital: Hospital, units: Any) -> None:
    run = searched_run(typed_patient(hospital=hospital, weight_kg=Decimal(20)), loci="A,B,DRB1")

    response = client.get(detail_url(run))

    row = response.context["table"]["rows"][1]
    assert [(one["label"], one["lead"]) for one in row["probability"]["lines"]] == [("6/6", True)]
    assert [chip.label for chip in response.context["chips"] if chip.name.startswith("p")] == [
        "P(6/6) ≥ 50 %"
    ]
    assert set(response.context["filter_form"].fields) >= {"p6"}
    assert not set(response.context["filter_form"].fields) & {"p8", "p10"}


# --- the next typing ----------------------------------------------------------------------------


def test_next_typing_names_units_loci_and_gains(client: Client, run: SearchRun, units: Any) -> None:
    values = [
        {"unit": str(units["open"].pk), "locus": "B", "gain": 0.082, "reached": 0.62},
        {"unit": str(units["four"].pk), "locus": "C", "gain": 0.0004, "reached": 0.3},
    ]
    change(run, next={"size": 8, "best": 0.62, "values": values})

    response = client.get(detail_url(run))

    found = response.context["next_typings"]
    assert (found["class"], found["best"]) == ("7/8", "62 %")
    first, second = found["rows"]
    assert (first["unit"], first["locus"], first["gain"]) == (units["open"].unit_no, "B", "8.2")
    assert first["url"] == unit_url(run, units["open"])
    assert "62 % becomes 70 % on average" in first["why"]
    assert second["why"].startswith("It reaches 7/8 or better with 30 % now. Knowing C may put it ahead")
    assert f"best: B of {units['open'].unit_no}, +8.2 points" in text_of(response)


@pytest.mark.parametrize(("certain", "text"), [(False, ">99 %"), (True, "100 %")])
def test_next_typing_claims_no_certainty(
    client: Client, run: SearchRun, units: Any, certain: bool, text: str
) -> None:
    if not certain:
        run.results.update(allele8_min=4)
    values = [{"unit": str(units["open"].pk), "locus": "B", "gain": 0.01, "reached": 1.0}]
    run.results.filter(unit=units["open"]).update(allele8_min=4, allele8_max=8)
    change(run, next={"size": 8, "best": 1.0, "values": values})

    found = client.get(detail_url(run)).context["next_typings"]

    assert (found["best"], found["rows"][0]["reached"]) == (text, ">99 %")


def test_next_typing_without_use_says_so(client: Client, run: SearchRun) -> None:
    response = client.get(detail_url(run))

    assert response.context["next_typings"]["rows"] == []
    assert "No typing of a single locus would change which unit is best" in text_of(response)


@pytest.mark.parametrize("count", [1, 20])
def test_predicted_list_needs_few_queries(
    client: Client, hospital: Hospital, count: int, django_assert_max_num_queries: Any
) -> None:
    made = [ListedUnitFactory(gl=OPEN) for _ in range(count)]
    run = searched_run(typed_patient(hospital=hospital))
    change(
        run,
        next={
            "size": 8,
            "best": 0.5,
            "values": [{"unit": str(unit.pk), "locus": "B", "gain": 0.1, "reached": 0.5} for unit in made],
        },
    )

    with django_assert_max_num_queries(19):
        response = client.get(detail_url(run))

    assert len(response.context["next_typings"]["rows"]) == count


# --- one unit -----------------------------------------------------------------------------------


def test_why_has_tables_of_classes_and_loci(client: Client, run: SearchRun, units: Any) -> None:
    response = client.get(unit_url(run, units["open"]))

    found = response.context["why"]["prediction"]
    result = run.results.get(unit=units["open"])
    assert [line["label"] for line in found["classes"]] == ["6/6", "8/8", "10/10"]
    assert found["classes"][1]["cells"][:3] == [
        probabilities.percent_text(share) for share in result.prediction["8"]
    ]
    assert [line["label"] for line in found["loci"]] == ["A", "B", "C", "DRB1", "DQB1"]
    assert found["loci"][0]["cells"][2] == "0 %", "24:02 matches whatever 11:XX is"
    assert found["reasons"] == [
        "Unit: Explained by haplotypes of demo (synthetic).",
        "Patient: The typing leaves one genotype: no frequencies are needed.",
    ]
    assert "Likeliest genotypes of the patient" not in text_of(response), "there is but one"
    assert unit_url(run, units["open"], "run-pair") in text_of(response)


def test_why_of_a_search_without_probabilities_has_no_tables(client: Client, hospital: Hospital) -> None:
    unit = ListedUnitFactory()
    run = stored_run([unit], request__patient=typed_patient(hospital=hospital))

    response = client.get(unit_url(run, unit))
    asked = text_of(client.get(unit_url(run, unit, "run-pair")))

    assert response.context["why"]["prediction"] is None
    assert "Whole distribution" not in text_of(response)
    assert "This search computed no probabilities" in asked


def test_genotypes_of_an_open_patient_are_listed_with_shares(
    client: Client, hospital: Hospital, units: Any
) -> None:
    run = searched_run(typed_patient(OPEN, hospital=hospital))

    response = client.get(unit_url(run, units["open"]))

    found = response.context["genotypes"]
    share = run.prediction["patient"]["likely"][0]["share"]
    assert found["rows"][0]["share"] == f"{share * 100:.1f} %"
    assert found["loci"] == ["A", "B", "C", "DRB1", "DQB1"]
    assert found["rows"][0]["pairs"][0]["names"] == ["11:01", "24:02"]
    assert "Likeliest genotypes of the patient" in text_of(response)


def test_whole_distribution_agrees_with_what_the_search_stored(run: SearchRun, units: Any) -> None:
    for name in ("open", "unlinked", "five"):
        result = run.results.get(unit=units[name])

        found = pair_details(run, result.unit_id)

        assert found.changed == ()
        assert found.unit.basis == result.prediction["basis"]
        for size in (6, 8, 10):
            known = list(found.classes[size])
            assert len(known) == size + 1
            assert sum(known) == pytest.approx(1, abs=1e-9)
            assert known[:3] == pytest.approx(result.prediction[str(size)], abs=2e-6)
        assert 0 < sum(one["share"] for one in found.unit.likely) <= 1 + 1e-9


def test_whole_distribution_ends_where_nothing_is_left_and_keeps_what_is_open(
    run: SearchRun, units: Any
) -> None:
    """A count that the set excludes but the typings do not is small, not impossible."""
    result = run.results.get(unit=units["four"])

    found = probabilities.details(run, pair_details(run, result.unit_id), result)

    assert result.classes["allele8"] == (4, 6)
    texts = [row["cells"][1]["text"] for row in found["rows"]]
    assert texts[:2] == ["0 %", "0 %"]
    assert texts[2] == "<0.01 %"
    assert len(found["rows"]) == 7, "of 10 there may be up to 6 mismatches"
    assert found["rows"][5]["cells"][0]["text"] == "0 %"


def test_whole_distribution_is_a_part_or_a_page(client: Client, run: SearchRun, units: Any) -> None:
    part = text_of(client.get(unit_url(run, units["open"], "run-pair"), **HTMX))
    page = text_of(client.get(unit_url(run, units["open"], "run-pair")))

    for text in (part, page):
        assert "Probability of each number of mismatches" in text
        assert "Likeliest genotypes of the unit: 10 of " in text
        assert "may differ" not in text
    assert "<html" not in part
    assert "<html" in page


def test_whole_distribution_says_what_changed_since(client: Client, run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["open"].pk).update(hla_a_1="A*24:02", hla_a_2="A*24:02")
    SearchRun.objects.filter(pk=run.pk).update(nomenclature_checksum="0" * 64)
    run.prediction["patient"]["sets"] = ["other"]
    change(run)

    page = text_of(client.get(unit_url(run, units["open"], "run-pair")))

    assert "Computed now: these figures may differ from those of the search." in page
    assert "Other frequency sets are in use than at the search." in page
    assert "Another nomenclature or code table is in use than at the search." in page
    assert "The typing of the unit was changed since the search." in page


def test_whole_distribution_without_a_set_is_an_error_in_words(
    client: Client, run: SearchRun, units: Any
) -> None:
    frequency_set(is_active=False)
    assert FrequencySet.objects.exists()
    frequency_sets.forget()

    page = client.get(unit_url(run, units["open"], "run-pair"))

    assert page.status_code == 200
    assert "No frequency set in use serves the patient or the unit." in text_of(page)


def test_two_that_are_too_open_are_said_to_be(
    client: Client, run: SearchRun, units: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.prediction.whole.PAIRS_AT_MOST", 3)

    assert "would take minutes" in text_of(client.get(unit_url(run, units["open"], "run-pair")))


def test_unreadable_patient_is_an_error_in_words(client: Client, run: SearchRun, units: Any) -> None:
    SearchRun.objects.filter(pk=run.pk).update(patient_typing=run.patient_typing | {"A": ["A*99:ZZZZ", ""]})
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(hla_c_1="C*01:ZZZZ")

    page = text_of(client.get(unit_url(run, units["five"], "run-pair")))

    assert "typing cannot be read by release" in page


def test_unit_that_cannot_be_read_now_counts_as_untyped(run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(hla_c_1="C*01:ZZZZ")

    found = pair_details(run, units["five"].pk)

    assert found.unit.basis == "set"
    assert found.changed == ("unit",)


# --- CSV and API --------------------------------------------------------------------------------


def test_export_has_probabilities_and_leaves_the_unknown_empty(
    client: Client, run: SearchRun, units: Any
) -> None:
    run.results.filter(unit=units["four"]).update(prediction={"basis": "none", "set": -1})
    run.results.filter(unit=units["five"]).update(prediction={})

    response = client.get(reverse("matching:run-export", args=[run.pk]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = {row["unit"]: row for row in csv.DictReader(text.splitlines())}

    stored = run.results.get(unit=units["unlinked"]).prediction
    unlinked, four, five = (rows[units[name].unit_no] for name in ("unlinked", "four", "five"))
    assert [float(unlinked[f"p{at}_of8"]) for at in range(3)] == stored["8"]
    assert (unlinked["p_basis"], unlinked["p_relaxed_loci"]) == ("loci", " ".join(stored["relaxed"]))
    assert unlinked["p_weaker_basis"] == "loci"
    assert (unlinked["p_lost_at_most"], unlinked["frequency_set"]) == ("0", "demo (synthetic)")
    assert float(unlinked["c_p0"]) == stored["C"][0]
    assert (four["p0_of8"], four["p_basis"], four["frequency_set"], four["c_p0"]) == ("", "none", "", "")
    assert (five["p0_of8"], five["p_basis"]) == ("", "")


def test_api_answers_the_probabilities_of_results(client: Client, run: SearchRun, units: Any) -> None:
    run.results.filter(unit=units["four"]).update(prediction={"basis": "none", "set": -1})
    run.results.filter(unit=units["five"]).update(prediction={})

    found = client.get(reverse("api:run-results", args=[run.pk])).json()["results"]

    by_unit = {one["unit"]["unit_no"]: one["prediction"] for one in found}
    stored = run.results.get(unit=units["unlinked"]).prediction
    assert by_unit[units["unlinked"].unit_no] == {
        "of6": stored["6"],
        "of8": stored["8"],
        "of10": stored["10"],
        "loci": {locus: stored[locus] for locus in ("A", "B", "DRB1", "DQB1")}
        | {"C": [*stored["C"][:2], 1e-6]},  # two mismatches are possible
        "basis": "loci",
        "weaker_basis": "loci",
        "estimate": True,
        "why": probabilities.unit_basis_text(run, run.results.get(unit=units["unlinked"])),
        "relaxed": stored["relaxed"],
        "lost": 0.0,
        "frequency_set": "demo (synthetic)",
    }
    unknown = by_unit[units["four"].unit_no]
    assert (unknown["of8"], unknown["loci"]["A"], unknown["basis"]) == (None, None, "none")
    assert unknown["frequency_set"] is None
    assert by_unit[units["five"].unit_no] is None


def test_api_answers_what_the_probabilities_of_a_search_rest_on(client: Client, run: SearchRun) -> None:
    address = reverse("api:run-detail", args=[run.pk])

    found = client.get(address).json()["prediction"]
    change(run, error="broken", sets=[], patient=None, next=None, counts={})
    failed = client.get(address).json()["prediction"]
    SearchRun.objects.filter(pk=run.pk).update(prediction={})
    old = client.get(address).json()["prediction"]

    assert set(found) == {"error", "sets", "patient", "units_by_basis", "next_typing"}
    assert (found["error"], found["sets"][0]["step"], found["next_typing"]["size"]) == (None, "built-in", 8)
    assert found["patient"]["likely"][0]["alleles"]["A"] == ["A*11:01", "A*24:02"]
    assert found["units_by_basis"]["loci"] == 1
    assert failed == {
        "error": "broken",
        "sets": [],
        "patient": None,
        "units_by_basis": {},
        "next_typing": None,
    }
    assert old is None
