"""Checked predictions as they are kept, and the verdicts over simulated banks."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, connection, transaction

from core.roles import Role
from matching.calibration import calibrations
from matching.models import PredictionCheck
from tests.core.test_ledger import as_other_connection
from tests.factories.calibration import SET, check_of, listed_results, simulated_checks
from tests.factories.core import UserFactory
from tests.factories.matching import SearchBankFactory

# --- what is kept --------------------------------------------------------------------------------


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

    with closing(own), pytest.raises(psycopg2.errors.InsufficientPrivilege):
        own.cursor().execute(sql)


@pytest.mark.django_db
def test_code_refuses_to_change_checks() -> None:
    simulated_checks(1)

    with pytest.raises(TypeError):
        PredictionCheck.objects.all().update(observed=True)
    with pytest.raises(TypeError):
        PredictionCheck.objects.all().delete()


# --- simulated banks -----------------------------------------------------------------------------


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
def test_set_and_person_decide_what_is_shown() -> None:
    results = listed_results(3)
    simulated_checks(3, results=results)
    simulated_checks(3, results=results, quantity="A", unit_set_checksum="other", unit_set_version="UIG v1")
    qa = UserFactory(roles=[Role.QA])

    assert [one.set_version for one in calibrations(qa, "8")] == ["HAN v1"]
    assert [one.set_version for one in calibrations(qa, "A", "other")] == ["UIG v1"]
    assert calibrations(qa, "A", SET["checksum"]) == []
    assert calibrations(UserFactory(roles=[Role.HOSPITAL_COORDINATOR]), "8") == []
