"""Pairs of two units on paper: asked for, as on their page, and there to be chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching.models import MatchReport, SearchRun
from matching.presenters.rule_words import NAMES
from matching.services import Signing, report_sign
from tests.factories.core import PASSWORD
from tests.factories.hospitals import member_of
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.matching.match_list_pages import FIVE
from tests.matching.report_pages import Reading, text_of
from tests.matching.test_pages_requests import client_of
from tests.matching.test_pages_requests import text_of as text_of_page

BEST, WHAT_NOT = "Best pairs of two units", "What was not evaluated"


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return typed_patient(hospital=hospital, weight_kg=Decimal(50))


@pytest.fixture
def run(patient: Patient) -> SearchRun:
    ListedUnitFactory(unit_no="ONE", tnc_e7=100, cd34_e6=8, abo="O")
    ListedUnitFactory(unit_no="TWO", gl=FIVE, tnc_e7=120, cd34_e6=9, abo="A")
    ListedUnitFactory(unit_no="SMALL", tnc_e7=60, cd34_e6=9)  # in no pair: 1.2 per kg
    return searched_run(patient)


def made(client: Client, run: SearchRun, query: str = "", **asked: Any) -> MatchReport:
    page = reverse("matching:run-report", args=[run.pk]) + query
    client.post(page, {"n": "5", "lang": "en", **asked})
    return MatchReport.objects.get()


def section(report: MatchReport) -> Reading:
    return text_of(bytes(report.pdf)).between(BEST, WHAT_NOT)


def test_the_paper_says_what_the_page_of_pairs_says(client: Client, run: SearchRun) -> None:
    page = client.get(reverse("matching:pair-list", args=[run.pk]))
    (row,) = page.context["rows"]

    paper = section(made(client, run, pairs="10"))

    for unit in row["units"]:
        assert unit["unit"] in paper
        assert f"rank {unit['rank']}" in paper
    assert "4.40" in paper  # (100 + 120) / 50
    assert "0.34" not in paper
    assert "3.40" in paper  # CD34, (8 + 9) x 10 / 50
    assert row["verdict"]["text"] in paper
    assert row["between"] in paper
    assert "3 pairs of the best 3 units" in paper
    assert "SMALL" not in paper


def test_units_of_pairs_can_be_chosen_though_the_list_is_cut_before_them(
    client: Client, hospital: Hospital, run: SearchRun
) -> None:
    report = made(client, run, "?show=all", pairs="10", n="1")
    numbers = [unit["unit_no"] for unit in report.units]
    physician: User = member_of(hospital, Role.HOSPITAL_PHYSICIAN)

    report_sign(
        report_id=report.pk, signing=Signing("chosen", ["ONE", "TWO"]), password=PASSWORD, user=physician
    )

    assert report.unit_count == 1
    assert sorted(numbers) == ["ONE", "TWO"]
    after = AuditEntry.objects.get(action="report.create").after
    assert (sorted(after["units"]), [sorted(pair) for pair in after["pairs"]]) == (
        ["ONE", "TWO"],
        [["ONE", "TWO"]],
    )
    described = text_of(bytes(report.pdf)).between(
        "Units of these pairs that are not described above", WHAT_NOT
    )
    assert (
        "Unit TWO" in described or "Unit ONE" in described
    )  # its typing beside the patient's, and the rules
    assert str(NAMES["dsa"]) in described


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        (["TWO"], "remark_needed"),  # its cells are too few for one
        (["ONE"], "remark_needed"),
        (["ONE", "SMALL"], "no_pair_of_the_report"),
        (["TWO", "ONE"], ""),
    ],
)
def test_what_is_signed_was_judged_as_it_is_given(
    client: Client, hospital: Hospital, run: SearchRun, chosen: list[str], code: str
) -> None:
    report = made(client, run, "?show=all&sort=rank", pairs="10", n="1")
    report = with_small(report)
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)

    def sign() -> None:
        report_sign(report_id=report.pk, signing=Signing("chosen", chosen), password=PASSWORD, user=physician)

    if not code:
        sign()
        assert report.signatures.get().chosen == chosen
        return
    with pytest.raises(InvalidInput) as refused:
        sign()
    assert refused.value.code == code
    assert not report.signatures.exists()


def test_a_unit_that_a_rule_excludes_is_chosen_with_a_word_why(
    client: Client, hospital: Hospital, run: SearchRun
) -> None:
    report = made(client, run, "?show=all")
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)
    page = text_of_page(client_of(physician).get(reverse("matching:report-detail", args=[report.pk])))

    with pytest.raises(InvalidInput) as refused:
        report_sign(
            report_id=report.pk, signing=Signing("chosen", ["SMALL"]), password=PASSWORD, user=physician
        )
    assert (refused.value.code, refused.value.field) == ("remark_needed", "remark")
    signature = report_sign(
        report_id=report.pk,
        signing=Signing("chosen", ["SMALL"], "No other unit; a haploidentical graft beside it."),
        password=PASSWORD,
        user=physician,
    )

    assert f"SMALL · excluded by itself: {NAMES['tnc_dose']}" in page
    assert signature.chosen == ["SMALL"]


def test_two_units_are_signed_for_as_a_pair_that_was_judged(
    client: Client, hospital: Hospital, run: SearchRun
) -> None:
    report = made(client, run, "?show=all")  # without pairs

    with pytest.raises(InvalidInput) as refused:
        report_sign(
            report_id=report.pk,
            signing=Signing("chosen", ["ONE", "TWO"]),
            password=PASSWORD,
            user=member_of(hospital, Role.HOSPITAL_PHYSICIAN),
        )

    assert refused.value.code == "no_pair_of_the_report"


@pytest.mark.parametrize(("weight_kg", "chosen", "holds"), [
    (51, ["TWO", "ONE"], True),  # other doses, the same verdicts
    (40, ["TWO"], False),  # enough for one now
    (100, ["ONE", "TWO"], False),  # 2.2 ×10⁷/kg of both: too little
])  # fmt: skip
def test_what_is_signed_is_judged_today_as_it_is_printed(
    client: Client,
    hospital: Hospital,
    patient: Patient,
    run: SearchRun,
    weight_kg: int,
    chosen: list[str],
    holds: bool,
) -> None:
    report = made(client, run, "?show=all", pairs="10")
    Patient.objects.filter(pk=patient.pk).update(weight_kg=weight_kg)
    signing = Signing("chosen", chosen, "Why.")
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)

    def sign() -> None:
        report_sign(report_id=report.pk, signing=signing, password=PASSWORD, user=physician)

    if holds:
        sign()
        return
    with pytest.raises(Conflict) as refused:
        sign()
    assert refused.value.code == "judged_otherwise"
    assert not report.signatures.exists()


def test_of_a_report_of_before_nobody_can_tell_what_has_changed(
    client: Client, hospital: Hospital, run: SearchRun
) -> None:
    report = with_units(
        made(client, run, "?show=all"),
        lambda units: [{key: one[key] for key in ("id", "unit_no", "rank")} for one in units],
    )
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)

    with pytest.raises(Conflict) as refused:
        report_sign(
            report_id=report.pk, signing=Signing("chosen", ["ONE"]), password=PASSWORD, user=physician
        )

    assert refused.value.code == "report_too_old"
    assert client_of(physician).get(reverse("matching:report-detail", args=[report.pk])).status_code == 200


def test_a_number_that_two_banks_gave_chooses_no_unit(
    client: Client, hospital: Hospital, run: SearchRun
) -> None:
    report = with_units(
        made(client, run, "?show=all"), lambda units: [*units, {**units[0], "id": str(uuid4())}]
    )
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)
    number = report.units[0]["unit_no"]

    with pytest.raises(InvalidInput) as refused:
        report_sign(
            report_id=report.pk, signing=Signing("chosen", [number]), password=PASSWORD, user=physician
        )

    assert refused.value.code == "unit_named_twice"
    assert number in refused.value.message
    assert not report.signatures.exists()


def with_small(report: MatchReport) -> MatchReport:
    """The same, as if its list had gone on to SMALL, which is in no pair; reports themselves are never changed."""
    small = report.run.results.get(unit__unit_no="SMALL")
    more = {
        "id": str(small.unit_id),
        "unit_no": "SMALL",
        "rank": small.rank,
        "partners": [],
        "excluded_by": [],
        "outcomes": {},
    }
    return with_units(report, lambda units: [*units, more])


def with_units(report: MatchReport, change: Callable[[list[Any]], list[Any]]) -> MatchReport:
    """A copy with other units."""
    values = {field.attname: getattr(report, field.attname) for field in MatchReport._meta.concrete_fields}
    return MatchReport.objects.create(**{**values, "id": uuid4(), "units": change(report.units)})


@pytest.mark.parametrize("change", [{"consent_withdrawn": True}, {"status": "RESERVED"}, {"recalled": True}])
def test_a_unit_that_is_not_on_offer_any_more_is_not_signed_for(
    client: Client, hospital: Hospital, run: SearchRun, change: dict[str, Any]
) -> None:
    report = made(client, run, "?show=all", pairs="10")
    CordBloodUnit.objects.filter(unit_no="TWO").update(**change)
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)

    with pytest.raises(Conflict) as refused:
        report_sign(
            report_id=report.pk, signing=Signing("chosen", ["ONE", "TWO"]), password=PASSWORD, user=physician
        )

    assert refused.value.code == "unit_gone"
    assert "TWO" in refused.value.message
    assert not report.signatures.exists()
    page = client_of(physician).get(reverse("matching:report-detail", args=[report.pk]))
    assert re.search("TWO · [^<]*not on offer any more", text_of_page(page))
    report_sign(report_id=report.pk, signing=Signing("reviewed"), password=PASSWORD, user=physician)


def test_without_a_weight_no_unit_of_a_pair_can_be_chosen(
    client: Client, patient: Patient, run: SearchRun
) -> None:
    patient.weight_kg = None
    patient.save()

    report = made(client, run, "?show=all", pairs="10", n="1")

    assert [unit["unit_no"] for unit in report.units] == ["ONE"]
    assert AuditEntry.objects.get(action="report.create").after["pairs"] == []


def test_doubtful_counts_and_units_that_are_gone_are_flagged_in_the_pairs(
    client: Client, run: SearchRun
) -> None:
    CordBloodUnit.objects.filter(unit_no="TWO").update(counts_invented=True)

    assert "invented counts" in section(made(client, run, pairs="10"))


def test_measures_stand_at_the_doses(client: Client, run: SearchRun) -> None:
    paper = section(made(client, run, pairs="10"))

    assert "TNC of both ×10⁷/kg" in paper
    assert "CD34 of both ×10⁵/kg" in paper


def test_a_refused_number_leads_back_to_the_same_list(client: Client, run: SearchRun) -> None:
    answer = client.get(reverse("matching:run-report-pdf", args=[run.pk]) + "?sort=tnc&show=all&n=60&pairs=3")

    assert answer.url == reverse("matching:run-report", args=[run.pk]) + "?sort=tnc&show=all"


def test_without_asking_there_are_none_and_the_paper_says_so(client: Client, run: SearchRun) -> None:
    text = text_of(bytes(made(client, run).pdf))

    assert BEST not in text
    assert "pairs of units" in text.between(WHAT_NOT, "What this report is")


def test_asked_for_they_are_not_among_what_was_not_evaluated(client: Client, run: SearchRun) -> None:
    text = text_of(bytes(made(client, run, pairs="10").pdf))

    assert "pairs of units" not in text.between(WHAT_NOT, "What this report is")


def test_without_a_weight_there_is_a_sentence(client: Client, patient: Patient, run: SearchRun) -> None:
    patient.weight_kg = None
    patient.save()

    paper = section(made(client, run, pairs="10"))

    assert "The patient's weight is not known: two units are chosen by their doses per kg." in paper
    assert "ONE" not in paper


def test_as_many_as_asked_for(client: Client, run: SearchRun) -> None:
    ListedUnitFactory(unit_no="THREE", tnc_e7=110, cd34_e6=9)
    again = searched_run(run.request.patient)

    paper = section(made(client, again, pairs="1"))

    assert paper.times("rank") == 2  # both units of one pair


@pytest.mark.parametrize("wrong", ["21", "-1", "some"])
def test_a_wrong_number_stays_in_the_form(client: Client, run: SearchRun, wrong: str) -> None:
    page = reverse("matching:run-report", args=[run.pk])

    answer = client.post(page, {"n": "5", "lang": "en", "pairs": wrong})

    assert f'value="{wrong}"' in answer.content.decode()
    assert not MatchReport.objects.exists()


def test_the_page_of_pairs_leads_to_a_report_with_them(client: Client, run: SearchRun) -> None:
    address = client.get(reverse("matching:pair-list", args=[run.pk])).context["report_url"]

    form = client.get(address).context["form"]

    assert form["pairs"].value() == 10
    for nonsense in ("x", "21", "-1", ""):
        page = client.get(reverse("matching:run-report", args=[run.pk]) + f"?pairs={nonsense}")
        assert page.context["form"]["pairs"].value() == 0
