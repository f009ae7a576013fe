"""Lists of earlier transplants: what becomes of a row, what is refused and why, what a second import does."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory
from tests.transplants.lists import BY, GOOD, TODAY, csv_of, imported, row, said
from transplants import services_transplant_import as services
from transplants.importing.columns import NAMES
from transplants.models import (
    FollowUp,
    Outcome,
    OutcomeVersion,
    Transplant,
    TransplantBatch,
    TransplantUnit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hospital() -> Hospital:
    found: Hospital = HospitalFactory(code="H001")
    return found


def wrong(**changes: Any) -> list[tuple[str, str]]:
    """What is wrong with the good row once it is changed."""
    return [(column, code) for _line, column, code in said(imported(csv_of(row(**changes)), dry_run=True))]


# --- what becomes of a row ------------------------------------------------------------------------


def test_a_row_is_a_transplant_with_its_unit_its_form_and_its_outcome(hospital: Hospital) -> None:
    person = UserFactory(roles=[Role.QA])

    report = imported(csv_of(GOOD), by=Actor.user(person), name="Old register")

    assert (report.rows, report.imported, report.failed, report.findings) == (1, 1, 0, [])
    made = Transplant.objects.get()
    assert (made.source, made.registry_code, made.hospital, made.sequence) == ("import", "P-1", hospital, 1)
    assert made.number == "TE-2015-0001"
    assert (made.diagnosis, made.stage, made.age_years, made.sex) == ("aml", "cr1", Decimal("31.50"), "F")
    assert (made.batch_id, made.batch_line, made.created_by) == (report.batch_id, 2, person)
    assert (made.weight_kg, made.karnofsky, made.atg, made.symptomatic) == (Decimal(54), None, "", "")
    unit = made.units.get()
    assert (unit.unit_no, unit.is_own, unit.tnc_e7_per_kg, unit.antigen6, unit.allele8) == (
        "QD-77", True, 3.1, 5, None,
    )  # fmt: skip
    form = made.follow_ups.get()
    assert (form.visit, form.state, form.version, form.entered_by) == ("import", "final", 1, None)
    assert (form.contact, form.contact_on, form.primary_cause) == ("dead", dt.date(2016, 4, 10), "relapse")
    assert (form.relapse, form.chronic, form.platelets, form.acute) == ("yes", "no", "", "yes")
    outcome = made.outcome
    assert (outcome.is_dead, outcome.days_followed, outcome.cause) == (True, 366, "relapse")
    assert (outcome.days_to_neutrophils, outcome.days_to_relapse, outcome.days_to_acute_3) == (19, 200, 40)
    assert (outcome.chronic_known, outcome.days_to_chronic) == (True, None)
    assert outcome.platelets_known is False  # nobody said so: missing is not no
    batch = TransplantBatch.objects.get()
    assert (batch.name, batch.rows, batch.imported, batch.user) == ("Old register", 1, 1, person)
    entry = AuditEntry.objects.get(action="transplants.import")
    assert (entry.target_key, entry.batch_rows) == (str(batch.pk), 1)


def test_what_the_row_does_not_say_is_not_known() -> None:
    least = {
        name: GOOD[name] for name in ("hospital", "patient", "infused_on", "graft_type", "diagnosis", "own_1")
    }

    imported(csv_of({**least, "status": "alive", "last_contact_on": "2020-01-01"}))

    outcome = Outcome.objects.get()
    known = [name for name in vars(outcome) if name.endswith("_known")]
    assert len(known) == 6
    assert not any(getattr(outcome, name) for name in known)
    assert (outcome.is_dead, outcome.is_lost, outcome.days_to_relapse) == (False, False, None)


def test_months_are_kept_as_they_are_given() -> None:
    imported(csv_of(row(last_contact_on="", followed_months="23.467543138866105", relapse_days="")))

    made = Transplant.objects.get()
    assert made.months_followed == Decimal("23.4675431389")
    assert made.outcome.days_followed == pytest.approx(23.4675431389 * 30.4375, abs=1e-9)


def test_the_day_of_birth_gives_the_age_and_is_not_kept() -> None:
    imported(csv_of(row(age_years="", birth_date="1984-04-10")))

    made = Transplant.objects.get()
    assert made.age_years == Decimal("31.00")
    entry = AuditEntry.objects.get(action="transplants.import")
    assert "1984" not in f"{vars(made)} {entry.after}"


def test_two_units_make_a_double_graft() -> None:
    imported(csv_of(row(graft_type="double", unit_2="X-9", own_2="no", tnc_e7_per_kg_2="2,4", allele8_2="6")))

    second = TransplantUnit.objects.get(position=2)
    assert (second.unit_no, second.is_own, second.tnc_e7_per_kg, second.allele8) == ("X-9", False, 2.4, 6)


@pytest.mark.parametrize(
    "given",
    [
        {"status": "死亡", "diagnosis": "", "icd10": "C92.0", "sex": "女"},
        {"status": "Dead", "diagnosis": "Acute myeloid leukaemia", "relapse": "YES", "acute_grade": "3"},
    ],
)
def test_words_of_both_languages_and_icd_codes_mean_the_same(given: dict[str, str]) -> None:
    imported(csv_of(row(**given)))

    made = Transplant.objects.get()
    assert (made.diagnosis, made.sex, made.outcome.is_dead) == ("aml", "F", True)


def test_one_hospital_and_one_answer_for_the_whole_file(hospital: Hospital) -> None:
    bare = {name: value for name, value in GOOD.items() if name not in ("hospital", "own_1")}

    assert said(imported(csv_of(bare), dry_run=True)) == [
        (2, "hospital", "hospital_needed"),
        (2, "own_1", "own_needed"),
    ]
    imported(csv_of(bare), hospital="H001", own="no")

    assert Transplant.objects.get().hospital == hospital
    assert TransplantUnit.objects.get().is_own is False


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"status": "1"}, [("status", "choice_unknown")]),
        ({"status": "Censored"}, [("status", "choice_unknown")]),
        ({"status": ""}, [("status", "required")]),
        ({"hospital": "H999"}, [("hospital", "hospital_unknown")]),
        ({"infused_on": "2015-04"}, [("infused_on", "date_form")]),
        ({"infused_on": "1987-12-31"}, [("infused_on", "day_0_early")]),
        ({"infused_on": "2030-01-01"}, [("infused_on", "date_future")]),
        ({"last_contact_on": "2015-04-09", "relapse_days": "", "acute_on": "", "neutrophils_days": ""},
         [("last_contact_on", "before_day_0")]),
        ({"last_contact_on": ""}, [("last_contact_on", "followed_needed")]),
        ({"followed_months": "24"}, [("followed_months", "followed_differs")]),
        ({"last_contact_on": "", "followed_months": "400"}, [("followed_months", "date_future")]),
        ({"relapse_days": "400"}, [("relapse_days", "after_contact")]),
        ({"acute_on": "2015-04-01"}, [("acute_on", "before_day_0")]),
        ({"relapse": "no"}, [("relapse_on", "day_needs_yes")]),
        ({"relapse_on": "2015-10-01"}, [("relapse_days", "day_twice")]),
        ({"acute_grade": "II", "acute_severe_days": "50"}, [("acute_severe_on", "grade_low")]),
        ({"acute_severe_days": "10"}, [("acute_severe_on", "before_other")]),
        ({"acute": "no"}, [("acute_grade", "grade_needs_acute"), ("acute_on", "day_needs_yes")]),
        ({"graft_failure": "secondary", "graft_failure_days": "10"}, [("graft_failure_on", "before_other")]),
        ({"graft_failure": "primary", "graft_failure_days": "42"}, [("graft_failure", "engrafted_and_failed")]),
        ({"graft_failure_days": "42"}, [("graft_failure_on", "day_needs_yes")]),
        ({"second_transplant_days": "0"}, [("second_transplant_days", "on_day_0")]),
        ({"status": "alive"}, [("cause", "cause_of_living")]),
        ({"diagnosis": "", "icd10": "E75.2"}, [("icd10", "icd10_ambiguous")]),
        ({"diagnosis": "", "icd10": "Z99"}, [("icd10", "icd10_unknown")]),
        ({"icd10": "C91.0"}, [("icd10", "icd10_differs")]),
        ({"diagnosis": ""}, [("diagnosis", "diagnosis_needed")]),
        ({"diagnosis": "other"}, [("diagnosis_text", "diagnosis_text_needed")]),
        ({"birth_date": "2016-01-01", "age_years": ""}, [("birth_date", "born_after")]),
        ({"birth_date": "1960-01-01"}, [("age_years", "age_differs")]),
        ({"birth_date": "1515-01-01", "age_years": ""}, [("birth_date", "number_between")]),
        ({"status": "alive", "cause": "", "contributing": "viral"}, [("contributing", "cause_of_living")]),
        ({"graft_type": "double"}, [("unit_2", "second_unit_missing")]),
        ({"unit_2": "X", "own_2": "no"}, [("unit_2", "second_unit_too_many")]),
        ({"own_1": "unknown"}, [("own_1", "own_needed")]),
        ({"tnc_e7_per_kg_1": "1,234"}, [("tnc_e7_per_kg_1", "number_comma")]),
        ({"tnc_e7_per_kg_1": "310"}, [("tnc_e7_per_kg_1", "number_between")]),
        ({"tnc_e7_per_kg_1": "nan"}, [("tnc_e7_per_kg_1", "number_form")]),
        ({"patient": "=cmd()"}, [("patient", "formula")]),
        ({"patient": "x" * 41}, [("patient", "patient_form")]),
        ({"age_years": "31.5", "weight_kg": "0"}, [("weight_kg", "number_between")]),
        ({"antigen6_1": "7"}, [("antigen6_1", "whole_number_range")]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_beside_its_column(
    changes: dict[str, str], found: list[tuple[str, str]]
) -> None:
    assert sorted(wrong(**changes)) == sorted(found)


def test_every_refusal_has_a_sentence_in_words() -> None:
    report = imported(csv_of(row(status="2", relapse_days="400", hospital="H7")), dry_run=True)

    texts = [finding.text for finding in report.findings]
    assert any("alive, dead, lost" in text for text in texts)
    assert any("2016-05-14 lies after the last contact or the death on 2016-04-10" in text for text in texts)
    assert any("An administrator adds it under Hospitals" in text for text in texts)


def test_all_errors_come_at_once_and_nothing_is_written_with_them() -> None:
    data = csv_of(row(patient="a"), row(patient="b", status="2", sex="x"), row(patient="c", infused_on=""))

    report = imported(data)

    assert {line for line, _column, _code in said(report)} == {3, 4}
    assert (report.rows, report.failed, Transplant.objects.count()) == (3, 2, 0)

    without = imported(csv_of(row(patient="a", unit_1=""), row(patient="b", status="2")), skip_bad=True)

    assert (without.imported, without.failed, Transplant.objects.count()) == (1, 1, 1)


def test_the_same_transplant_or_unit_twice_is_refused() -> None:
    report = imported(csv_of(row(), row(), row(patient="P-2"), row(patient="P-3", own_1="no")), dry_run=True)

    assert said(report) == [(3, "patient", "row_twice"), (4, "unit_1", "unit_twice")]


def test_a_unit_that_is_on_offer_was_not_given_to_anybody() -> None:
    UnitFactory(unit_no="QD-77", bank=BankFactory(), status="LISTED")

    assert wrong() == [("unit_1", "unit_not_given")]
    assert wrong(own_1="no") == []


def test_a_unit_given_in_another_transplant_is_refused() -> None:
    imported(csv_of(GOOD))

    assert wrong(patient="P-2") == [("unit_1", "unit_given")]


def test_the_transplants_of_a_patient_follow_one_another() -> None:
    first = row(status="alive", cause="", last_contact_on="2020-01-01", relapse_days="")
    second = row(sequence="2", infused_on="2017-01-01", unit_1="", acute_on="", acute_grade="",
                 last_contact_on="2018-01-01")  # fmt: skip

    imported(csv_of(first, second))

    assert Outcome.objects.get(transplant__sequence=1).days_to_second == 632
    assert said(imported(csv_of(row(), second), dry_run=True)) == [(3, "infused_on", "after_death")]
    early = row(sequence="2", infused_on="2014-01-01", unit_1="", acute_on="", acute_grade="")
    assert said(imported(csv_of(early), dry_run=True)) == [(2, "infused_on", "sequence_order")]
    denied = row(status="alive", cause="", last_contact_on="2020-01-01", second_transplant="no")
    assert said(imported(csv_of(denied), dry_run=True)) == [(2, "second_transplant", "second_denied")]


def test_a_yes_without_its_day_is_kept_told_and_counts_as_not_known() -> None:
    report = imported(csv_of(row(relapse_days="", relapse="yes", acute_on="")))

    assert {(w.column, w.code) for w in report.warnings} == {
        ("relapse_on", "day_missing"),
        ("acute_on", "day_missing"),
    }
    outcome = Outcome.objects.get()
    assert (outcome.relapse_known, outcome.days_to_relapse) == (False, None)
    assert (outcome.acute_known, outcome.days_to_acute_2) == (False, None)


# --- once more ------------------------------------------------------------------------------------


def test_the_same_list_again_changes_nothing() -> None:
    imported(csv_of(GOOD))
    version = OutcomeVersion.objects.get().version

    report = imported(csv_of(GOOD))

    assert (report.imported, report.changed, report.unchanged, report.batch_id) == (0, 0, 1, None)
    assert (TransplantBatch.objects.count(), OutcomeVersion.objects.get().version) == (1, version)


def test_a_row_that_changed_replaces_the_form_and_keeps_what_was_said() -> None:
    imported(csv_of(row(status="alive", cause=""), row(patient="P-2", unit_1="")))

    report = imported(csv_of(row(weight_kg="55", tnc_e7_per_kg_1="3.3"), row(patient="P-2", unit_1="")))

    assert (report.changed, report.unchanged) == (1, 1)
    made = Transplant.objects.get(registry_code="P-1")
    assert (made.weight_kg, made.batch_id, made.outcome.is_dead) == (Decimal(55), report.batch_id, True)
    forms = list(made.follow_ups.order_by("version").values_list("version", "state", "contact"))
    assert forms == [(1, "corrected", "alive"), (2, "final", "dead")]
    assert made.units.get().tnc_e7_per_kg == 3.3
    entry = AuditEntry.objects.get(action="transplant.import")
    assert (entry.target_key, entry.before["weight_kg"], entry.after["weight_kg"]) == (
        str(made.pk),
        "54.00",
        "55.00",
    )
    assert entry.before["units"][0]["tnc_e7_per_kg"] == 3.1


def test_what_somebody_corrected_by_hand_is_not_overwritten_by_a_list() -> None:
    imported(csv_of(row(status="alive", cause="")))
    made = Transplant.objects.get()
    first = made.follow_ups.get()
    FollowUp.objects.filter(pk=first.pk).update(state="corrected")
    now = timezone.now()
    by_hand = {"state": "final", "contact": "lost", "contact_on": first.contact_on, "handed_in_at": now}
    made.follow_ups.create(visit="import", version=2, entered_by=UserFactory(), **by_hand)

    assert imported(csv_of(row(status="alive", cause=""))).unchanged == 1
    assert said(imported(csv_of(row()))) == [(2, "status", "corrected_here")]
    assert imported(csv_of(row(status="alive", cause="", weight_kg="60"))).changed == 1
    assert made.follow_ups.get(state="final").contact == "lost"


def test_a_synthetic_transplant_is_no_row_of_a_list() -> None:
    imported(csv_of(GOOD))
    Transplant.objects.update(source="synthetic")

    assert said(imported(csv_of(GOOD))) == [(2, "patient", "not_of_a_list")]


def test_a_failure_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**given: Any) -> None:
        raise RuntimeError("the worker died")

    monkeypatch.setattr(services, "outcomes_refresh", broken)

    with pytest.raises(RuntimeError, match="died"):
        imported(csv_of(GOOD))
    assert not Transplant.objects.exists()
    assert not TransplantBatch.objects.exists()
    assert not AuditEntry.objects.filter(action="transplants.import").exists()


def test_two_imports_of_the_same_patients_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second compared before the first wrote."""
    real = services.write_new

    def meanwhile(rows: Any, **given: Any) -> Any:
        real(rows, **given)
        return real(rows, **given)

    monkeypatch.setattr(services, "write_new", meanwhile)

    with pytest.raises(Conflict) as refused:
        imported(csv_of(GOOD))
    assert refused.value.code == "import_raced"


# --- files ----------------------------------------------------------------------------------------


def test_forms_of_a_file(hospital: Hospital) -> None:
    import xlsxwriter

    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as workbook:
        sheet, days = workbook.add_worksheet(), workbook.add_format({"num_format": "yyyy-mm-dd"})
        for place, (name, value) in enumerate(GOOD.items()):
            sheet.write(0, place, name)
            if name.endswith("_on"):
                sheet.write_datetime(1, place, dt.datetime.fromisoformat(value), days)
            elif value.replace(".", "").isdigit():
                sheet.write_number(1, place, float(value))
            else:
                sheet.write_string(1, place, value)
    plain = csv_of(GOOD)
    chinese = csv_of(row(conditioning="白消安 环磷酰胺", status="死亡", sex="女"))

    for data in (
        book.getvalue(),
        b"\xef\xbb\xbf" + plain,
        gzip.compress(plain),
        csv_of(row(weight_kg="54,0", age_years="31,5"), delimiter=";"),
        chinese.decode().encode("gb18030"),
    ):
        report = imported(data, dry_run=True)
        assert (said(report), report.imported) == ([], 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\x00\x01", "file_binary"),
        (b"<INVENTORY/>", "transplants_form"),
        (b"C1%A*01:01^B*07:02", "transplants_form"),
        (b"patient\n", "transplants_form"),
        (b"patient,infused_on\n", "file_no_rows"),
        (b"patient,infused_on\nx,2015-01-01\n", "columns_needed"),
        (b"patient,infused_on,graft_type,status,shoe\n1,2,3,4,5\n", "column_unknown"),
        (b"patient,patient,infused_on,graft_type,status\n1,2,3,4,5\n", "column_twice"),
        (b"PK\x03\x04broken", "xlsx_broken"),
        (gzip.compress(b"0" * 300_000_000, 9), "file_unpacks_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_cannot_be_read_say_why(data: bytes, code: str) -> None:
    report = imported(data, dry_run=True)

    assert [finding.code for finding in report.findings] == [code]
    assert report.findings[0].text


def test_more_rows_than_allowed_are_refused_at_once() -> None:
    data = csv_of(*(row(patient=f"P{n}", unit_1="") for n in range(4)))

    assert said(imported(data, max_rows=3)) == [(0, "", "too_many_lines")]


def test_columns_of_other_names_are_proposed_and_mapped() -> None:
    from transplants.importing.mapping import propose

    headings = [
        "移植日期",
        "Patient ID",
        "Disease",
        "Vital status",
        "Follow-up months",
        "Shoe size",
        "TNC_e7_per_kg 1",
    ]

    assert propose(headings) == [
        "infused_on", "patient", "diagnosis", "status", "followed_months", "", "tnc_e7_per_kg_1",
    ]  # fmt: skip
    others = {
        "Day0": "2015-04-10",
        "ID": "P",
        "G": "single",
        "S": "lost",
        "M": "3",
        "D": "aml",
        "X": "left out",
    }
    mapping = {"Day0": "infused_on", "ID": "patient", "G": "graft_type", "S": "status", "M": "followed_months",
               "D": "diagnosis", "X": ""}  # fmt: skip
    assert imported(csv_of(others), mapping=mapping, hospital="H001", own="yes").imported == 1
    assert Outcome.objects.get().is_lost is True


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "yes", "no", "0", "1", "-1", "1e99", "1e-99", "9" * 40, "0,5", "2015-04-10", "0001-01-01", "9999-12-31",
         "IV", "dead", "lost", "E75.2", "other", "double", "primary", "secondary", "viral+relapse", "=1", "\\N"]
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(NAMES), CELLS, max_size=8))
def test_whatever_stands_in_the_cells_a_row_is_taken_over_or_refused_with_a_reason(
    changes: dict[str, str],
) -> None:
    clean = {
        name: cell.replace("\0", "").replace("\r", "").replace("\n", "") for name, cell in changes.items()
    }
    try:
        data = csv_of(row(**clean))
    except UnicodeEncodeError:
        return

    with transaction.atomic():
        report = imported(data)
        assert bool(report.findings) == (report.imported == 0)
        assert all(finding.text for finding in (*report.findings, *report.warnings))
        if not report.findings:
            assert imported(data).unchanged == 1
        transaction.set_rollback(True)


def test_nothing_of_the_day_before_today_is_in_the_future() -> None:
    """The system actor of these tests, and the day they stand on."""
    assert BY.person_id is None
    assert wrong(last_contact_on=f"{TODAY}", relapse_days="") == []
