"""A confirmatory typing that confirms a unit checks the predictions that searches made of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from bank.models import CordBloodUnit
from core.models import User
from core.roles import Role
from matching.models import PredictionCheck
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL
from tests.factories.reservations import ReservationFactory
from tests.factories.typings import OTHER_A, typing_row
from tests.matching.test_calibration import OPEN_A, dated, searched
from tests.matching.test_predictions import served, small_set
from tests.transplants.typing_steps import verified

pytestmark = pytest.mark.django_db


def _person(role: Role) -> User:
    found: User = UserFactory(roles=[role])
    return found


@pytest.mark.parametrize(("gl", "checked"), [(GL, {"6", "8", "10", "A"}), (OTHER_A, set())])
def test_a_confirmation_checks_what_searches_predicted(
    gl: str, checked: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contradiction checks nothing: nobody knows yet which typing is right."""
    served(monkeypatch, HAN=small_set("HAN", 0.6, 0.2, 0.2))
    dated(searched(), timezone.localdate() - dt.timedelta(days=1))
    unit = CordBloodUnit.objects.get()
    CordBloodUnit.objects.update(status="RESERVED", segments=3)
    typing_row(unit, OPEN_A)

    verified(_person(Role.LAB), _person(Role.QA), gl, ReservationFactory(active=True, unit=unit))

    assert set(PredictionCheck.objects.values_list("quantity", flat=True)) == checked
