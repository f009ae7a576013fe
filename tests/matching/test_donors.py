"""Adult donors beside the units: asked for, listed, judged, shown and exported; and left out of all else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from hospitals.models import Patient
from matching import services
from matching.computing import searched_donors
from matching.engine.selection.catalogue import OF_CORD_BLOOD, RULES
from matching.models import MatchRequest, SearchRun
from matching.selection.pairs import one_pair, run_pairs
from matching.services import RequestData
from matching.services.evaluating import evaluation_of
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory
from tests.matching.donors import BOTH, GRID, donor, partner
from tests.matching.match_list_pages import FIVE, csv_rows, detail_url, shown
from tests.matching.report_pages import text_of as pdf_text
from tests.matching.test_api import post
from tests.matching.test_pages_requests import CRITERIA, create_url, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def joint(patient: Patient) -> dict[str, CordBloodUnit]:
    """A donor and a unit that match wholly, a worse one of each, and a partner's unit."""
    return {
        "donor": donor(1, abo="O"),
        "unit": ListedUnitFactory(tnc_e7=100),
        "five": donor(2, gl=FIVE),
        "own five": ListedUnitFactory(gl=FIVE, tnc_e7=120),
        "partners": ListedUnitFactory(bank=partner(), source="partner", tnc_e7=90),
    }


@pytest.fixture
def run(patient: Patient, joint: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient, donor_types=BOTH, min_tnc_e7_per_kg=Decimal("2.5"))


def listed(run: SearchRun) -> list[CordBloodUnit]:
    return [row.unit for row in run.results.with_unit().order_by("rank")]


# --- asking ---------------------------------------------------------------------------------------


def test_a_request_asks_for_cord_blood_alone_and_its_criteria_are_those_of_before(patient: Patient) -> None:
    donor()
    run = searched_run(patient)

    assert run.request.donor_types == ["cord"]
    assert set(run.criteria) == {"loci", "floors", "min_tnc_e7_per_kg", "statuses", "kept_at_most"}
    assert searched_donors(run.criteria) == ("cord",)
    assert (run.funnel["units"], run.kept) == (0, 0)


def test_both_are_searched_into_one_list(run: SearchRun, joint: dict[str, CordBloodUnit]) -> None:
    """Better matches first; without a dose a donor stands behind cord blood that matches as well."""
    names = ("unit", "partners", "donor", "own five", "five")

    assert listed(run) == [joint[name] for name in names]
    assert run.criteria["donor_types"] == ["cord", "adult"]
    assert (run.funnel["units"], run.funnel["below_dose"], run.funnel["dose_unknown"]) == (5, 0, 0)
    row = run.results.get(unit=joint["donor"])
    assert (row.classes["allele10"], row.direction, row.tnc_e7_per_kg) == ((10, 10), "matched", None)


def test_adult_donors_alone(patient: Patient, joint: dict[str, CordBloodUnit]) -> None:
    run = searched_run(patient, donor_types=("adult",))

    assert listed(run) == [joint["donor"], joint["five"]]
    assert run.funnel["units"] == 2


def test_the_table_refuses_what_the_service_does(patient: Patient) -> None:
    made = services.request_create(
        patient=patient, data=RequestData(donor_types=("adult", "cord")), actor=ACTOR
    )

    made.refresh_from_db()
    assert made.donor_types == ["cord", "adult"]  # in one order, whatever was ticked first


def test_the_form_asks_and_a_draft_keeps_it(client: Client, patient: Patient) -> None:
    page = client.get(create_url(patient))
    assert page.context["form"]["donor_types"].value() == ["cord"]
    assert "Adult donors of registries" in text_of(page)

    client.post(create_url(patient), {**CRITERIA, "donor_types": ["cord", "adult"], "draft": "1"})

    made = MatchRequest.objects.get()
    assert made.donor_types == ["cord", "adult"]
    draft = client.get(reverse("matching:request-edit", args=[made.pk]))
    assert draft.context["form"]["donor_types"].value() == ["cord", "adult"]
    taken = client.post(
        create_url(patient),
        {**CRITERIA, "donor_types": ["adult"], "defaults": "1", "policy": str(made.policy_id)},
    )
    assert taken.context["form"]["donor_types"].value() == ["adult"]
    assert "cord blood, adult donors" in text_of(
        client.get(reverse("matching:request-detail", args=[made.pk]))
    )


def test_the_api_asks_says_and_filters(
    client: Client, patient: Patient, joint: dict[str, CordBloodUnit]
) -> None:
    given = {"patient": str(patient.pk), "donor_types": ["cord", "adult"]}
    made = post(client, "api:match-request-list", given).json()
    run = SearchRun.objects.get(pk=post(client, "api:match-request-submit", pk=made["id"]).json()["id"])
    services.run_execute(job_id=run.job_id)

    results = reverse("api:run-results", args=[run.pk])
    rows = client.get(results).json()["results"]
    donors = client.get(f"{results}?donor=adult").json()["results"]

    assert made["donor_types"] == ["cord", "adult"]
    assert len(rows) == 5
    named = [{name: row["unit"][name] for name in ("donor_type", "grid", "origin", "bank")} for row in donors]
    assert named[0] == {"donor_type": "adult", "grid": GRID, "origin": "partner", "bank": "REG"}
    assert len(named) == 2
    assert donors[0]["judged"]["rules"]["tnc_dose"] == ["not_applicable", None, []]
    assert [row["unit"]["bank"] for row in client.get(f"{results}?bank=PART").json()["results"]] == ["PART"]


# --- judging --------------------------------------------------------------------------------------


def test_rules_of_cord_blood_do_not_apply_to_a_donor_and_count_for_nothing(
    run: SearchRun, joint: dict[str, CordBloodUnit]
) -> None:
    evaluation = evaluation_of(run=run, policy=run.policy)
    row = run.results.get(unit=joint["donor"]).evaluated.get(evaluation=evaluation)

    outcomes = {code: found[0] for code, found in row.findings.items()}
    idle = {code for code, outcome in outcomes.items() if outcome == "not_applicable"}
    assert idle == OF_CORD_BLOOD & set(outcomes)
    assert {"tnc_dose", "cd34_dose", "segments", "markers", "viability"} <= idle
    assert (outcomes["class_allele8"], outcomes["offer"], outcomes["abo"]) == ("passed",) * 3
    assert not row.is_excluded
    assert not idle & {*row.warnings, *row.excluded_by}
    assert (row.quality_failed, row.quality_unknown) == (0, 0)
    assert (row.tnc_e7_per_kg, row.cd34_e5_per_kg) == (None, None)


def test_rules_of_cord_blood_are_rules() -> None:
    assert set(RULES) > OF_CORD_BLOOD
    assert {
        "offer",
        "class_antigen6",
        "class_allele8",
        "c_matched",
        "direction",
        "dpb1",
        "dsa",
        "abo",
    }.isdisjoint(OF_CORD_BLOOD)


def test_of_cord_blood_nothing_is_judged_otherwise_in_a_joint_list(
    patient: Patient, run: SearchRun, joint: dict[str, CordBloodUnit]
) -> None:
    alone = searched_run(patient, min_tnc_e7_per_kg=Decimal("2.5"))
    mine, theirs = (
        one.results.get(unit=joint["unit"]).evaluated.get(
            evaluation=evaluation_of(run=one, policy=one.policy)
        )
        for one in (run, alone)
    )

    assert mine.findings == theirs.findings
    assert "not_applicable" not in {found[0] for found in mine.findings.values()}


def test_a_donor_is_never_half_of_a_pair(run: SearchRun, joint: dict[str, CordBloodUnit]) -> None:
    evaluation = evaluation_of(run=run, policy=run.policy)
    donors = {joint["donor"].pk, joint["five"].pk}
    results = dict(run.results.values_list("pk", "unit_id"))

    pairs = run_pairs(run, evaluation).found

    units = {results[pk] for both in pairs.units.tolist() for pk in both}
    assert pairs.counts.pairs == 3  # of three cord blood units
    assert units.isdisjoint(donors)
    assert one_pair(run, evaluation, [joint["donor"].pk, joint["unit"].pk]) is None
    assert one_pair(run, evaluation, [joint["partners"].pk, joint["unit"].pk]) is not None


# --- pages and files ------------------------------------------------------------------------------


def test_each_row_says_what_it_is_and_whose(client: Client, run: SearchRun) -> None:
    page = client.get(detail_url(run, "?show=all"))

    rows = page.context["table"]["rows"]
    by_unit = {row["unit"]: row for row in rows}
    assert by_unit[GRID]["meta"].startswith("Adult donor, registry: Synthetic Registry")
    assert {"text": "ask the registry", "tone": "info"} in by_unit[GRID]["tags"]
    origins = {row["meta"].split(" · ")[0] for row in rows}
    assert origins >= {"Cord blood, own bank", "Cord blood, partner bank: Partner Bank"}
    assert "Adult donors are not reserved here: ask their registry" in text_of(page)


def test_a_list_of_cord_blood_alone_says_nothing_of_donors(client: Client, patient: Patient) -> None:
    donor()
    ListedUnitFactory(tnc_e7=100)
    run = searched_run(patient)

    page = client.get(detail_url(run, "?donor=adult"))

    assert [row["meta"] for row in page.context["table"]["rows"]] == ["2020"]  # no such filter here
    assert not {"donor", "bank"} & set(page.context["filter_form"].fields)
    assert "Adult donors are not reserved here" not in text_of(page)


def test_the_list_is_filtered_by_donor_and_by_bank(
    client: Client, run: SearchRun, joint: dict[str, CordBloodUnit]
) -> None:
    donors = {joint["donor"].grid, joint["five"].grid}

    assert set(shown(client, run, "?show=all&donor=adult")) == donors
    assert not donors & set(shown(client, run, "?show=all&donor=cord"))
    assert shown(client, run, "?show=all&bank=PART") == [joint["partners"].unit_no]
    assert set(shown(client, run, "?show=all&bank=REG")) == donors
    assert len(shown(client, run, "?show=all&donor=cat&bank=nobody")) == 5  # the unknown filters nothing
    chips = {
        (chip.name, chip.value): (chip.count, chip.on)
        for chip in client.get(detail_url(run, "?show=all&donor=adult")).context["chips"]
    }
    assert (chips["donor", "cord"], chips["donor", "adult"]) == ((3, False), (2, True))


def test_why_says_which_rules_do_not_apply(
    client: Client, run: SearchRun, joint: dict[str, CordBloodUnit]
) -> None:
    url = reverse("matching:run-unit", args=[run.pk, joint["donor"].pk])

    page, part = client.get(url), client.get(url, HTTP_HX_REQUEST="true")

    rules = {row["code"]: row for group in page.context["judged"]["groups"] for row in group["rows"]}
    assert (rules["tnc_dose"]["verdict"], rules["tnc_dose"]["outcome"]) == ("none", "does not apply")
    assert not [row for row in page.context["judged"]["to_look_at"] if "TNC" in row["text"]]
    for response in (page, part):
        assert "A dose per kg is not asked of an adult donor" in text_of(response)
        assert "rules of cord blood do not apply to an adult donor." in text_of(response)
    assert GRID in text_of(page)


def test_files_say_what_each_row_is(client: Client, run: SearchRun, joint: dict[str, CordBloodUnit]) -> None:
    rows = {row["unit"]: row for row in csv_rows(client.get(reverse("matching:run-export", args=[run.pk])))}

    told = rows[joint["donor"].unit_no]
    assert [told[name] for name in ("donor_type", "grid", "source", "bank")] == [
        "adult",
        GRID,
        "partner",
        "REG",
    ]
    assert (told["rule_tnc_dose"], told["tnc_e7_per_kg"]) == ("not_applicable", "")
    assert rows[joint["unit"].unit_no]["donor_type"] == "cord"


def test_a_comparison_sets_a_donor_beside_a_unit(
    client: Client, run: SearchRun, joint: dict[str, CordBloodUnit]
) -> None:
    units = f"?unit={joint['donor'].pk}&unit={joint['unit'].pk}"

    page = client.get(reverse("matching:run-compare", args=[run.pk]) + units)

    rows = {row["label"]: row for group in page.context["table"]["groups"] for row in group["rows"]}
    assert [cell["text"] for cell in rows["Donor"]["cells"]] == [
        "Cord blood, own bank",
        "Adult donor, registry: Synthetic Registry",
    ]
    assert rows["TNC of the unit"]["cells"][1] == {"text": "does not apply", "best": False}
    assert rows["TNC per kg, before freezing"]["cells"][1]["outcome"] == "does not apply"


def test_the_report_says_so_too(client: Client, run: SearchRun, joint: dict[str, CordBloodUnit]) -> None:
    text = pdf_text(client.get(reverse("matching:run-report-pdf", args=[run.pk]) + "?n=5&show=all").content)

    assert "cord blood, adult donors" in text
    assert "Adult donor, registry: Synthetic Registry" in text
    assert GRID in text
    assert "Do not apply to an adult donor:" in text


def test_a_change_between_two_lists_tells_of_donors(
    ledger_at_once: None, client: Client, run: SearchRun
) -> None:
    new = donor(3)
    second = services.run_repeat(request_id=run.request_id, actor=ACTOR)
    services.run_execute(job_id=second.job_id)

    page = client.get(reverse("matching:run-changes", args=[second.pk]) + "?show=new")

    (row,) = page.context["rows"]
    assert (row["unit"], row["meta"]) == (new.grid, "Adult donor, registry: Synthetic Registry")
