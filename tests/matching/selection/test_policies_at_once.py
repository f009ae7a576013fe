"""Several people write the same policies at the same moment, on real PostgreSQL."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from core.errors import Conflict, InvalidInput
from matching import services
from matching.models import SelectionPolicy
from matching.services import PolicyData
from tests.factories.hospitals import HospitalFactory
from tests.factories.matching import ACTOR
from tests.factories.policies import bank_policy
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def codes(answers: list[Any]) -> list[str]:
    return sorted(answer.code for answer in answers if isinstance(answer, Conflict))


def test_of_many_revisions_of_one_version_one_is_taken() -> None:
    policy, number = bank_policy(), count()

    def revise() -> SelectionPolicy:
        data = PolicyData(rules=policy.rules, author=f"person {next(number)}")
        return services.policy_revise(policy_id=policy.pk, data=data, actor=ACTOR)

    answers = at_once(revise, people=4)

    assert codes(answers) == ["policy_superseded"] * 3
    assert bank_policy().version == 2
    assert SelectionPolicy.objects.get(is_default=True) == bank_policy()


def test_of_many_defaults_one_stays() -> None:
    wanted = iter([bank_policy("Two units"), bank_policy("Children")] * 2)

    at_once(lambda: services.policy_make_default(policy_id=next(wanted).pk, actor=ACTOR), people=4)

    assert SelectionPolicy.objects.filter(is_default=True).count() == 1


def test_of_many_copies_under_one_name_one_is_made() -> None:
    hospital = HospitalFactory()

    def copy() -> SelectionPolicy:
        try:
            return services.policy_copy(source=bank_policy(), hospital=hospital, name="Ward 3", actor=ACTOR)
        except InvalidInput as error:  # the other one was already there
            raise Conflict(error.code, error.message) from error

    answers = at_once(copy, people=3)

    assert set(codes(answers)) <= {"policy_made_meanwhile", "name_taken"}
    assert SelectionPolicy.objects.filter(name="Ward 3").count() == 1
