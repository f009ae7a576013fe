"""Calibration in service: what a confirmatory typing checks, and what page and API say of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from bank.models import CordBloodUnit
from core.errors import InvalidInput
from core.models import AuditEntry
from core.roles import Role
from hla.prediction.calibration import reliability
from matching.calibration import calibrations
from matching.models import PredictionCheck, SearchRun
from matching.presenters import calibration as words
from matching.services import prediction_confirm
from tests.core.test_ledger import as_other_connection
from tests.factories.calibration import SET, check_of, listed_results, simulated_checks
from tests.factories.core import UserFactory
from tests.factories.matching import ACTOR, ListedUnitFactory, SearchBankFactory, typed_patient
from tests.matching.test_pages_references import client_of, text_of
from tests.matching.test_predictions import FULL, served, small_set
from tests.matching.test_runs import executed, submitted

TODAY = datetime.date(2026, 3, 2)
OPEN_A = FULL.replace("A*11:01", "A*11:XX")
PAGE = "matching:calibration"
ALL = "A,B,C,DRB1,DQB1"


@pytest.fixture
def one_set(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, HAN=small_set("HAN", 0.6, 0.2, 0.2))


def searched(unit_gl: str = OPEN_A, patient_gl: str = FULL, **more: Any) -> SearchRun:
    """A real search that lists one unit, said to be of the day before the typing."""
    with transaction.atomic():
        ListedUnitFactory(gl=unit_gl, populations="HAN")
    run = executed(submitted(typed_patient(gl=patient_gl, populations="HAN"), **{"loci": ALL, **more}))
    return dated(run, TODAY - datetime.timedelta(days=1))


def dated(run: SearchRun, day: datetime.date) -> SearchRun:
    run.completed_at = datetime.datetime.combine(
        day, datetime.time(12), tzinfo=timezone.get_default_timezone()
    )
    run.save()
    return run


def confirm(
    unit: CordBloodUnit | None = None, gl: str = FULL, day: datetime.date = TODAY
) -> list[PredictionCheck]:
    unit = unit or CordBloodUnit.objects.get()
    return prediction_confirm(unit_id=unit.pk, gl=gl, confirmed_on=day, actor=ACTOR)


def quantities(checks: list[PredictionCheck]) -> dict[str, tuple[float, bool]]:
    return {check.quantity: (check.predicted, check.observed) for check in checks}


@pytest.mark.django_db
def test_what_the_search_left_open_is_checked(one_set: None) -> None:
    run = searched()

    checks = confirm()

    assert quantities(checks) == dict.fromkeys(("6", "8", "10", "A"), (0.75, True))
    check = PredictionCheck.objects.get(quantity="8")
    named = run.prediction["sets"][0]
    assert (check.unit_set_version, check.unit_set_checksum) == (named["version"], named["checksum"])
    assert (check.patient_set_version, check.patient_set_checksum) == (named["version"], named["checksum"])
    assert (check.result.run, check.bank, check.basis) == (run, check.result.unit.bank, "set")
    assert check.confirmed_gl.startswith("A*11:01+A*24:02")
    assert str(check) == f"{check.result_id} 8"
    (entry,) = AuditEntry.objects.filter(action="prediction.confirm")
    assert (entry.after["predictions"], entry.after["searches"]) == (4, 1)


@pytest.mark.django_db
def test_a_mismatch_is_found(one_set: None) -> None:
    searched()

    checks = confirm(gl=FULL.replace("A*11:01", "A*11:02"))

    assert quantities(checks) == dict.fromkeys(("6", "8", "10", "A"), (0.75, False))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("gl", "checked"),
    [
        ("A*11:XX+A*24:02^B*40:01+B*46:01", set()),
        ("A*11:01/A*11:02+A*24:02", set()),
        (
            "A*02:01/A*02:06+A*24:02",
            set(),
        ),  # surely a mismatch, yet open: counting these alone would bend the curve
        ("A*11:01", set()),
        ("A*11:01+A*24:02", {"A"}),
        ("A*11:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01", {"A", "6"}),
        ("A*11:01+A*24:02^B*40:01/B*40:02+B*46:01^DRB1*09:01+DRB1*15:01", {"A"}),
        ("B*40:01+B*46:01", set()),  # was not open
        ("A*11:01+A*24:09N", {"A"}),  # one genotype too: the second type is not expressed
    ],
)
def test_only_what_the_typing_settles_is_checked(one_set: None, gl: str, checked: set[str]) -> None:
    searched()

    assert set(quantities(confirm(gl=gl))) == checked
    assert AuditEntry.objects.filter(action="prediction.confirm").exists() == bool(checked)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("unit_gl", "patient_gl"),
    [
        (FULL, FULL),  # basis: the typing
        (OPEN_A, OPEN_A),  # the patient's own typing leaves several genotypes
        (OPEN_A.replace("A*24:02", "A*02:01"), FULL),  # a mismatch is certain
    ],
)
def test_what_was_settled_or_hangs_on_the_patient_is_not_checked(
    one_set: None, unit_gl: str, patient_gl: str
) -> None:
    searched(unit_gl, patient_gl, floors={"antigen6": 3})

    assert confirm() == []


@pytest.mark.django_db
def test_without_an_estimate_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch)
    searched()

    assert confirm() == []


@pytest.mark.django_db
def test_a_locus_that_the_search_did_not_compare_counts_by_its_probability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served(monkeypatch, HAN=small_set("HAN", 0.6, 0.2, 0.2))
    run = searched(OPEN_A, loci="A,B,DRB1")
    result = run.results.get()
    assert set(result.evidence) == {"A", "B", "DRB1"}
    result.prediction["C"] = [0.4, 0.6, 0.0]
    result.save()

    assert set(quantities(confirm())) == {"6", "A", "C", "8", "10"}  # DQB1 was sure


@pytest.mark.django_db
def test_nothing_is_checked_twice(one_set: None) -> None:
    searched()

    assert len(confirm(gl="A*11:01+A*24:02")) == 1
    assert set(quantities(confirm())) == {"6", "8", "10"}
    assert confirm() == []
    assert PredictionCheck.objects.count() == 4


@pytest.mark.django_db
def test_only_searches_before_the_confirmation_count(one_set: None) -> None:
    run = dated(searched(), TODAY)

    assert confirm() == []
    dated(run, TODAY - datetime.timedelta(days=1))
    assert len(confirm(gl="A*11:01+A*24:02")) == 1

    later = executed(submitted(typed_patient(gl=FULL, populations="HAN"), loci=ALL))
    dated(later, TODAY + datetime.timedelta(days=1))
    checks = confirm(day=TODAY + datetime.timedelta(days=30))

    assert {check.result.run_id for check in checks} == {run.pk}


@pytest.mark.django_db
def test_of_each_request_the_newest_search_counts(one_set: None) -> None:
    from matching.services import run_repeat

    first = searched()
    second = executed(run_repeat(request_id=first.request_id, actor=ACTOR))
    dated(second, TODAY - datetime.timedelta(days=1))
    other = executed(submitted(typed_patient(gl=FULL, populations="HAN"), loci=ALL))
    dated(other, TODAY - datetime.timedelta(days=5))
    unfinished = submitted(typed_patient(gl=FULL, populations="HAN"), loci=ALL)

    checks = confirm()

    assert {check.result.run_id for check in checks} == {second.pk, other.pk}
    assert not unfinished.is_finished
    assert len(checks) == 8


@pytest.mark.django_db
def test_a_patients_typing_that_cannot_be_read_any_more_is_passed_over(one_set: None) -> None:
    run = searched()
    run.patient_typing = {"A": ["A*ZZ:01", ""]}
    run.save()

    assert confirm() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"gl": "A*99:ZZ"}, "confirmed_typing_unreadable"),
        ({"gl": "A*02:01+A*24:02?B*40:01+B*46:01"}, "confirmed_typing_empty"),
        ({"gl": "A" * 30_000}, "typing_too_long"),
        ({"confirmed_on": datetime.date(2999, 1, 1)}, "confirmed_in_future"),
        ({"unit_id": "00000000-0000-0000-0000-000000000000"}, "unit_unknown"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given: dict[str, Any], code: str) -> None:
    unit = ListedUnitFactory()
    known = {"unit_id": unit.pk, "gl": FULL, "confirmed_on": TODAY, "actor": ACTOR}

    with pytest.raises(InvalidInput) as refused:
        prediction_confirm(**{**known, **given})

    assert refused.value.code == code
    assert str(refused.value)


@pytest.mark.django_db
def test_without_the_audit_nothing_is_written(one_set: None, monkeypatch: pytest.MonkeyPatch) -> None:
    searched()

    def broken(**more: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("core.audit.record", broken)
    with pytest.raises(RuntimeError):
        confirm()

    assert not PredictionCheck.objects.exists()


@pytest.mark.django_db
def test_the_command_says_what_it_compared(one_set: None) -> None:
    searched()
    unit, out = CordBloodUnit.objects.get(), StringIO()

    call_command("record_confirmatory_typing", unit.unit_no, FULL, "--date", "2026-03-02", stdout=out)
    call_command("record_confirmatory_typing", unit.unit_no, FULL, stdout=out)

    lines = out.getvalue().splitlines()
    assert "8/8: predicted 75.0%, found no mismatch" in lines
    assert lines[-1].startswith("Nothing to compare")
    for arguments in (("NO-SUCH", FULL), (unit.unit_no, "A*99:ZZ")):
        with pytest.raises(CommandError):
            call_command("record_confirmatory_typing", *arguments)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_confirmations_at_once_check_once(one_set: None) -> None:
    searched()
    unit, barrier = CordBloodUnit.objects.get(), Barrier(2)

    def run() -> int:
        try:
            barrier.wait()
            return len(confirm(unit))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = [future.result() for future in [pool.submit(run) for _ in range(2)]]

    assert sorted(found) == [0, 4]
    assert PredictionCheck.objects.count() == 4
    assert AuditEntry.objects.filter(action="prediction.confirm").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"predicted": 1.1},
        {"predicted": -0.1},
        {"quantity": "9"},
        {"basis": "typing"},
        {"basis": "none"},
        {"unit_set_version": ""},
        {"patient_set_checksum": ""},
        {"confirmed_gl": ""},
        {"recorded_by": ""},
    ],
)
def test_the_database_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    (result,) = listed_results(1)

    with pytest.raises(IntegrityError), transaction.atomic():
        check_of(result, **wrong).save()


@pytest.mark.django_db
def test_the_database_takes_one_check_of_a_quantity() -> None:
    (result,) = listed_results(1)
    check_of(result).save()

    with pytest.raises(IntegrityError), transaction.atomic():
        check_of(result, observed=False).save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE matching_predictioncheck SET observed = true",
        "DELETE FROM matching_predictioncheck",
        "TRUNCATE matching_predictioncheck",
    ],
)
def test_the_application_cannot_change_checks(sql: str) -> None:
    own = as_other_connection(connection.settings_dict)

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        own.cursor().execute(sql)

    own.close()


@pytest.mark.django_db
def test_code_refuses_to_change_checks() -> None:
    simulated_checks(1)

    with pytest.raises(TypeError):
        PredictionCheck.objects.all().update(observed=True)
    with pytest.raises(TypeError):
        PredictionCheck.objects.all().delete()


def drifted(p: float) -> float:
    """True odds are a third of the predicted."""
    return p / 3 / (1 - p + p / 3)


@pytest.mark.django_db
def test_right_predictions_give_no_alarm_and_drifted_ones_do() -> None:
    simulated_checks(300, seed=5)
    other = listed_results(300, SearchBankFactory(code="P", name="Partner Bank"))
    simulated_checks(300, seed=6, truth=drifted, results=other)

    own, partner = calibrations(UserFactory(roles=[Role.QA]), "8")

    assert (own.bank_code, own.alarm.verdict, own.totals.n) == ("OWN", "in_control", 300)
    assert own.totals.lower < 0 < own.totals.upper
    assert (partner.bank_code, partner.alarm.verdict) == ("P", "alarm")
    assert partner.totals.upper < 0
    assert "drift" in partner.alarm.reasons


@pytest.mark.django_db
def test_false_alarms_among_simulated_banks_stay_rare() -> None:
    """40 banks with right predictions: 0.4 alarms expected; 4 would come once in a thousand such tests."""
    results = listed_results(120)
    for number in range(40):
        version = {"unit_set_version": f"S{number:02d}", "unit_set_checksum": f"{number}"}
        if number:
            results = listed_results(120, results[0].unit.bank)
        simulated_checks(120, seed=number, results=results, **version)

    found = calibrations(UserFactory(roles=[Role.QA]), "8")

    assert len(found) == 40
    assert sum(one.alarm.verdict == "alarm" for one in found) <= 3


@pytest.mark.django_db
def test_a_unit_counts_once_however_many_searches_list_it(one_set: None) -> None:
    searched()
    other = executed(submitted(typed_patient(gl=FULL, populations="HAN"), loci=ALL))
    dated(other, TODAY - datetime.timedelta(days=5))
    confirm()

    (found,) = calibrations(UserFactory(roles=[Role.AUDITOR]), "8")

    assert (found.totals.n, found.predictions) == (1, 2)


@pytest.mark.django_db
def test_set_and_person_decide_what_is_shown() -> None:
    results = listed_results(3)
    simulated_checks(3, results=results)
    simulated_checks(3, results=results, quantity="A", unit_set_checksum="other", unit_set_version="UIG v1")
    qa = UserFactory(roles=[Role.QA])

    assert [one.set_version for one in calibrations(qa, "8")] == ["HAN v1"]
    assert [one.set_version for one in calibrations(qa, "A", "other")] == ["UIG v1"]
    assert calibrations(qa, "A", SET["checksum"]) == []
    assert calibrations(UserFactory(roles=[Role.HOSPITAL_COORDINATOR]), "8") == []


def page(client: Client, query: str = "") -> str:
    return text_of(client.get(reverse(PAGE) + query))


@pytest.fixture
def qa(db: None) -> Iterator[Client]:
    yield client_of(Role.QA)
    translation.activate("en")


def test_without_checks_the_page_says_what_fills_it(qa: Client) -> None:
    shown = page(qa)

    assert "No prediction has been checked yet" in shown
    assert "manage.py record_confirmatory_typing" in shown
    assert '<svg class="chart"' not in shown


def test_the_page_shows_figures_curve_table_and_verdict(
    qa: Client, django_assert_max_num_queries: Any
) -> None:
    simulated_checks(120, seed=5)
    with django_assert_max_num_queries(16):
        shown = page(qa)

    (found,) = calibrations(UserFactory(roles=[Role.QA]), "8")
    assert f"{found.totals.expected:.1f}" in shown
    assert shown.count('<line class="whisker"') == len(found.curve.n) == shown.count("<title>predicted ")
    assert "no alarm" in shown
    assert "Synthetic Bank" in shown
    assert "at most about 1 % of such verdicts" in shown
    assert "style=" not in shown.split("<main")[1]


def test_few_and_drifted_predictions_are_said_in_words(qa: Client) -> None:
    simulated_checks(10)
    simulated_checks(
        300, seed=6, truth=drifted, unit_set_version="ZZ v1", unit_set_checksum="zz",
        results=listed_results(300, SearchBankFactory()),
    )  # fmt: skip

    shown = page(qa)

    assert "n too small to judge" in shown
    assert "drift alarm" in shown
    assert "Matches come true less often than predicted." in shown
    assert "Among the newest (300 units)" in shown
    assert "ZZ v1" not in page(qa, f"?set={SET['checksum']}")
    assert "Show all sets" in page(qa, f"?set={SET['checksum']}")


def test_the_page_by_quantity_and_language(qa: Client) -> None:
    simulated_checks(60, quantity="DRB1")

    assert "No prediction has been checked yet" in page(qa, "?quantity=nonsense")
    assert "Probability of no mismatch at DRB1" in page(qa, "?quantity=DRB1")
    qa.cookies["django_language"] = "zh-hans"
    shown = text_of(qa.get(reverse(PAGE) + "?quantity=DRB1", headers={"accept-language": "zh-hans"}))
    for word in ("校准", "可靠性曲线", "确认分型"):
        assert word in shown


def test_frequency_pages_lead_to_calibration_for_the_bank_alone(qa: Client) -> None:
    hospital = client_of(Role.SEARCH_COORDINATOR)
    for name in ("matching:frequency-list", "matching:frequency-built-in"):
        assert reverse(PAGE) in text_of(qa.get(reverse(name)))
        assert reverse(PAGE) in text_of(hospital.get(reverse(name)))


def test_hospitals_do_not_see_calibration(db: None) -> None:
    from tests.factories.hospitals import HospitalFactory, member_of

    client = client_of(user=member_of(HospitalFactory(), Role.HOSPITAL_COORDINATOR))

    assert reverse(PAGE) not in text_of(client.get(reverse("matching:frequency-list")))
    assert reverse(PAGE) not in text_of(client.get(reverse("matching:frequency-built-in")))
    assert client.get(reverse(PAGE)).status_code == 403


def test_the_api_gives_the_same_figures(qa: Client) -> None:
    simulated_checks(120, seed=5)
    simulated_checks(3, quantity="A", results=listed_results(3))
    url = reverse("api:calibration-list")

    (found,) = qa.get(url).json()
    (few,) = qa.get(url + "?quantity=A").json()

    (expected,) = calibrations(UserFactory(roles=[Role.QA]), "8")
    assert found["expected"] == pytest.approx(expected.totals.expected)
    assert (found["frequency_set"], found["bank"], found["n"]) == ("HAN v1", "OWN", 120)
    assert [row["n"] for row in found["curve"]] == expected.curve.n.tolist()
    assert found["alarm"]["verdict"] == "in_control"
    assert (few["alarm"]["verdict"], few["alarm"]["drift_p"]) == ("too_few", None)
    assert qa.get(url + "?quantity=9").status_code == 400


@pytest.mark.parametrize(
    ("share", "text"), [(0.0234, "+2.3"), (-0.0234, "−2.3"), (0.0001, "0.0"), (-0.0001, "0.0")]
)
def test_percentage_points_have_a_sign(share: float, text: str) -> None:
    assert words.signed(share) == text


def test_words_of_each_reason() -> None:
    from dataclasses import replace

    from hla.prediction.calibration import alarm, totals

    calm = alarm([0.5] * 60, [True, False] * 30)
    sums = totals([0.5] * 60, [True, False] * 30)
    loud = replace(calm, verdict="alarm", reasons=("total", "spread", "drift"), z_spread=2.0)

    more = " ".join(words.alarm_words(loud, replace(sums, difference=0.1))["sentences"])
    less = " ".join(
        words.alarm_words(replace(loud, z_spread=-2.0), replace(sums, difference=-0.1))["sentences"]
    )

    assert "more often than predicted" in more
    assert "too extreme" in more
    assert "less often than predicted" in less
    assert "too cautious" in less
    assert "Spiegelhalter's z = –" in " ".join(words.alarm_words(calm, sums)["sentences"])


def test_the_drawing_has_its_corners_at_0_and_1() -> None:
    drawn = words.chart(reliability([0.0, 1.0], [False, True]))

    size, axis = drawn["size"], drawn["axis"]
    assert (drawn["dots"][0]["x"], drawn["dots"][0]["y"]) == (size["left"], axis["bottom"])
    assert (drawn["dots"][1]["x"], drawn["dots"][1]["y"]) == (size["right"], axis["top"])
