"""Match reports: what stands in them, in both languages, and that the file is what was said."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone, translation

from bank.models import CordBloodUnit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry
from core.pdf.paint import pdf_bytes
from core.roles import Role
from hospitals.models import Patient
from matching import services
from matching.match_list import MatchList
from matching.models import SearchRun
from matching.presenters import findings
from matching.reports.bounds import MOST_UNITS
from matching.reports.given import Given
from matching.reports.match_report import match_report
from matching.reports.selection import asked_of, verdicts
from matching.selection.policies import rules_of
from matching.services import ReportAsked, Signing
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory
from tests.matching.match_list_pages import FOUR
from tests.matching.report_pages import Reading, pages_of, text_of, three_units

AT = datetime.datetime(2026, 11, 28, 4, 30, tzinfo=datetime.UTC)
ACTOR = Actor.system("test")


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    return three_units()


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient, min_tnc_e7_per_kg=Decimal("2.5"))


def given(run: SearchRun, **changes: Any) -> Given:
    evaluation = services.evaluation_of(run=run, policy=run.policy)
    results = list(run.results.with_unit().select_related("unit__bank").order_by("rank"))
    judged, rules = findings.of_page(evaluation, results), rules_of(run.policy)
    values: dict[str, Any] = {
        "run": run,
        "evaluation": evaluation,
        "judged": judged,
        "verdicts": {one.unit_id: verdicts(rules, judged[one.pk]) for one in results},
        "results": results,
        "passing": 3,
        "order": "class, certain matches, TNC/kg",
        "filters": (),
        "made_by": "Dr. Li",
        "made_at": AT,
        "synthetic": False,
    }
    return Given(**{**values, **changes})


def printed(run: SearchRun, language: str = "en", **changes: Any) -> bytes:
    with translation.override(language):
        found = given(run, **changes)
    return pdf_bytes(match_report(found, language))


def test_report_says_whom_it_is_about_and_what_it_rests_on(run: SearchRun, patient: Patient) -> None:
    text = text_of(printed(run))

    for part in (
        patient.code,
        run.request.number,
        run.request.hospital.name,
        "Dr. Li",
        "2026-11-28 12:30 CST",
        "built-in nomenclature",
        "no MAC table",
        run.policy_label,
        run.snapshot_checksum[:16],
        f"as of change {run.ledger_number:,} of the ledger",
        "class, certain matches, TNC/kg",
        "TNC ×10⁷/kg",
        "3 units were searched.",
    ):
        assert part in text, part


def test_report_lists_the_units_with_marks_doses_and_rules(run: SearchRun, units: Any) -> None:
    text = text_of(printed(run))

    for name in ("six", "five", "four"):
        assert text.times(units[name].public_no) >= 3  # in the table, as a heading, over its typing
    assert "5.00 ×10⁷/kg" in text
    assert "6/6 antigen" in text
    assert "× 13:01" in text
    assert "identical ABO" in text
    assert "no count" in text


def test_report_in_chinese_can_be_read_back(run: SearchRun) -> None:
    text = text_of(printed(run, "zh-hans"))

    for part in ("配型报告", "脐带血", "有核细胞", "签名", "患者", "审核人", "第1页，共"):
        assert part in text, part
    assert "Match report" not in text


def test_a_rule_that_is_not_met_reads_otherwise_than_a_job_that_failed(run: SearchRun) -> None:
    with translation.override("zh-hans"):
        told = [one for found in given(run).verdicts.values() for one in found]
    no = sum(one.verdict == "no" for one in told)
    assert no > 0
    assert any(one.verdict == "na" for one in told)

    text = text_of(printed(run, "zh-hans"))
    each = Reading(text.split("逐份说明")[1])

    assert each.times("× 未通过") == no
    assert "? 无法判定" in each
    assert "通过：" in each  # the rules that are met, in one sentence
    assert "失败" not in text


def test_every_page_has_its_number_and_the_last_one_lines_to_sign(run: SearchRun) -> None:
    pages = pages_of(printed(run))

    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
    for part in ("Prepared by", "Reviewed by", "Physician", "Name in print", "Signature", "SHA-256"):
        assert part in pages[-1]


def test_same_input_gives_the_same_bytes_and_another_word_another_digest(run: SearchRun) -> None:
    first, again = (match_report(given(run), "en") for _ in range(2))
    other = match_report(given(run, made_by="Dr. Wang"), "en")

    assert first.digest == again.digest != other.digest
    assert pdf_bytes(first) == pdf_bytes(again) != pdf_bytes(other)
    assert first.digest in text_of(pdf_bytes(first))


def test_synthetic_data_say_so_on_every_page(run: SearchRun) -> None:
    marked, plain = (pages_of(printed(run, synthetic=synthetic)) for synthetic in (True, False))

    assert all("Synthetic demonstration data" in page for page in marked)
    assert not any("Synthetic demonstration data" in page for page in plain)


def test_verdicts_of_a_policy_stand_with_value_threshold_and_reference(run: SearchRun, units: Any) -> None:
    text = text_of(printed(run))

    assert "TNC per kg, before freezing" in text
    assert "5.00 ×10⁷/kg" in text
    assert "at least 2.5 ×10⁷/kg" in text
    assert "ASH-SAP table 8401273" in text
    assert "needed: an antibody test of the patient" in text
    assert "Malignant disease, single unit v1" in text
    assert "rules cannot be told" in text
    assert "donor-specific antibodies of the patient" not in text  # a rule looked at them
    assert "pairs of units" in text  # none did


def test_what_a_policy_turned_off_was_not_evaluated(run: SearchRun) -> None:
    found = given(run)
    without = {unit: [one for one in rows if one.code != "dsa"] for unit, rows in found.verdicts.items()}

    assert "donor-specific antibodies of the patient" in text_of(printed(run, verdicts=without))


def test_one_unit_that_is_gone_makes_no_rule_unseen(run: SearchRun, units: Any) -> None:
    """Of it less was asked; the paper says that, and nothing untrue of the others."""
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(recalled=True)

    text = text_of(printed(run))

    unseen = text.between("What was not evaluated", "What this report is")
    assert "donor-specific antibodies of the patient" not in unseen
    assert "accreditation of the bank" not in unseen
    assert f"only what the search stored was judged: {units['six'].public_no}" in unseen


def test_a_list_without_a_unit_was_judged_all_the_same(run: SearchRun) -> None:
    text = text_of(printed(run, results=[], verdicts={}))

    assert "infectious disease markers" not in text.between("What was not evaluated", "What this report is")


def test_a_rule_turned_off_is_named_alone(run: SearchRun) -> None:
    found = given(run)
    without = {unit: [one for one in rows if one.code != "cfu_dose"] for unit, rows in found.verdicts.items()}

    unseen = text_of(printed(run, verdicts=without)).between("What was not evaluated", "What this report is")
    assert "colony-forming units" in unseen
    assert "viability" not in unseen


def test_what_to_expect_after_thaw_stands_beside_the_dose(run: SearchRun) -> None:
    asked = asked_of(
        MatchList(QueryDict("show=all"), run, services.evaluation_of(run=run, policy=run.policy)), 5, "en"
    )

    values = [one.value for rows in asked.verdicts.values() for one in rows if one.code == "tnc_dose"]
    assert values
    assert all(
        "After thaw: cannot tell" in value for value in values
    )  # nobody has measured a thawed unit here


def test_doses_go_by_the_weight_of_today(run: SearchRun) -> None:
    patient = run.request.patient
    patient.weight_kg = Decimal(40)
    patient.save()

    table = text_of(printed(run)).between("The units in order", "Each unit")

    assert "2.50" in table  # 100 ×10⁷ of the first unit; 5.00 at the search
    assert "5.00" not in table


def test_a_missing_weight_gives_doses_of_the_whole_unit(patient: Patient, units: Any) -> None:
    Patient.objects.filter(pk=patient.pk).update(weight_kg=None)
    patient.refresh_from_db()

    text = text_of(printed(searched_run(patient)))

    assert "The patient's weight is not known" in text
    table = text.between("The units in order", "Each unit")
    assert "TNC ×10⁷" in table
    assert "/kg" not in table


def test_unit_taken_back_since_is_told_as_a_hospital_may_know(run: SearchRun, units: Any) -> None:
    CordBloodUnit.objects.filter(pk=units["six"].pk).update(status="DISCARDED", discard_reason="OTHER")

    text = text_of(printed(run))

    assert "no longer on offer" in text
    assert "iscarded" not in text


def test_every_unit_of_the_inventory_is_accounted_for(patient: Patient) -> None:
    ListedUnitFactory(tnc_e7=100)
    ListedUnitFactory(tnc_e7=30)
    ListedUnitFactory(gl="A*11:01", tnc_e7=100)
    ListedUnitFactory(gl=FOUR, tnc_e7=200)
    ListedUnitFactory(status="RESERVED", tnc_e7=100)
    found = searched_run(patient, min_tnc_e7_per_kg=Decimal("2.5"), floors={"antigen6": 5})

    text = text_of(printed(found))

    for part in (
        "5 units were searched.",
        "1 are in no state that was asked for.",
        "1 could not be compared: not typed at A, B or DRB1.",
        "1 are below the dose asked.",
        "1 are below the floor.",
        "1 are candidates, and all of them are listed.",
    ):
        assert part in text, part


def test_list_without_units_says_so(run: SearchRun) -> None:
    assert "No unit passes the filters." in text_of(printed(run, results=[], passing=0))


def test_fifty_units_make_a_small_file(run: SearchRun, units: Any) -> None:
    results = list(given(run).results)

    pdf = printed(run, "zh-hans", results=[results[at % 3] for at in range(50)])

    assert len(pdf) < 400_000


# --- services ------------------------------------------------------------------------------------


def asked(run: SearchRun, **changes: Any) -> ReportAsked:
    found = given(run)
    values = {
        "evaluation": found.evaluation,
        "judged": found.judged,
        "verdicts": found.verdicts,
        "results": found.results,
        "passing": 3,
        "order": "rank",
        "filters": (),
        "language": "en",
    }
    return ReportAsked(**{**values, **changes})


def test_kept_report_holds_its_file_and_the_audit_its_digest(run: SearchRun, units: Any) -> None:
    report = services.report_create(run=run, asked=asked(run), actor=ACTOR)

    entry = AuditEntry.objects.get(action="report.create")
    assert entry.after["digest"] == report.digest
    assert entry.after["pdf_sha256"] == report.pdf_sha256
    assert entry.hospital_id == run.request.hospital_id
    assert report.digest in text_of(bytes(report.pdf))
    assert [unit["unit_no"] for unit in report.units] == [
        units[name].public_no for name in ("six", "five", "four")
    ]
    assert (timezone.now() - report.created_at).total_seconds() < 60


def test_nothing_is_kept_when_the_audit_fails(run: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("core.audit.record", fail)

    with pytest.raises(RuntimeError):
        services.report_create(run=run, asked=asked(run), actor=ACTOR)
    assert not run.reports.exists()


def test_a_search_that_is_not_done_has_no_report(run: SearchRun) -> None:
    found = asked(run)
    run.completed_at = None

    with pytest.raises(Conflict) as refused:
        services.report_create(run=run, asked=found, actor=ACTOR)
    assert refused.value.code == "search_not_finished"


def test_a_report_holds_no_more_than_people_can_read(run: SearchRun) -> None:
    found = asked(run, results=[*given(run).results] * MOST_UNITS)

    with pytest.raises(InvalidInput) as refused:
        services.report_create(run=run, asked=found, actor=ACTOR)
    assert (refused.value.code, refused.value.field) == ("too_many_units", "n")


@pytest.mark.parametrize(
    ("signing", "code"),
    [
        (Signing("agreed"), "unknown_meaning"),
        (Signing("reviewed", ("U-1",)), "choice_without_choosing"),
        (Signing("chosen"), "choice_missing"),
        (Signing("chosen", ("U-1",)), "unit_not_in_report"),
    ],
)
def test_a_signature_says_what_it_means(run: SearchRun, signing: Signing, code: str) -> None:
    report = services.report_create(run=run, asked=asked(run), actor=ACTOR)
    physician = UserFactory(roles=[Role.MEDICAL_DIRECTOR])

    with pytest.raises(InvalidInput) as refused:
        services.report_sign(report_id=report.pk, signing=signing, password=PASSWORD, user=physician)
    assert refused.value.code == code
    assert not report.signatures.exists()
