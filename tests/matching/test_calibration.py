"""Calibration in service: what a confirmatory typing checks."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from bank.models import CordBloodUnit
from core.errors import InvalidInput
from core.models import AuditEntry
from core.roles import Role
from matching.calibration import calibrations
from matching.models import PredictionCheck, SearchRun
from matching.services import prediction_confirm
from tests.factories.core import UserFactory
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient
from tests.matching.test_predictions import FULL, served, small_set
from tests.matching.test_runs import executed, submitted

TODAY = datetime.date(2026, 3, 2)
OPEN_A = FULL.replace("A*11:01", "A*11:XX")
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
def test_a_unit_counts_once_however_many_searches_list_it(one_set: None) -> None:
    searched()
    other = executed(submitted(typed_patient(gl=FULL, populations="HAN"), loci=ALL))
    dated(other, TODAY - datetime.timedelta(days=5))
    confirm()

    (found,) = calibrations(UserFactory(roles=[Role.AUDITOR]), "8")

    assert (found.totals.n, found.predictions) == (1, 2)
