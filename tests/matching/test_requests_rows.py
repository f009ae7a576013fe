"""The rows of requests, runs and results: who sees them, how lists read them, what the database refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.roles import Role
from matching.choices import OPEN, TRANSITIONS, RequestState
from matching.models import MatchRequest, RequestCounter, SearchResult, SearchRun, SelectionPolicy
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.matching import (
    ListedUnitFactory,
    MatchRequestFactory,
    SearchRunFactory,
)

pytestmark = pytest.mark.django_db


def test_rows_are_visible_to_their_hospital_and_to_the_bank_only() -> None:
    run = SearchRunFactory()
    unit = ListedUnitFactory()
    SearchResult.objects.create(run=run, rank=1, unit=unit, direction="matched", status="LISTED", evidence={})
    own = member_of(run.request.hospital)
    other = member_of(HospitalFactory())
    bank = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    lab = UserFactory(roles=[Role.LAB])

    for model in (MatchRequest, SearchRun, SearchResult):
        seen = {user: model.objects.visible_to(user).count() for user in (own, other, bank, lab)}
        assert seen == {own: 1, other: 0, bank: 1, lab: 0}, model


def test_policies_of_the_bank_are_everybodys_and_a_hospitals_own_are_its_own() -> None:
    hospital = HospitalFactory()
    SelectionPolicy.objects.create(name="own", hospital=hospital, rules={}, created_by="t")
    own, other = member_of(hospital), member_of(HospitalFactory())
    bank = UserFactory(roles=[Role.SEARCH_COORDINATOR])

    banks = SelectionPolicy.objects.filter(hospital__isnull=True).count()
    counts = [SelectionPolicy.objects.visible_to(user).count() for user in (own, other, bank)]

    assert counts == [banks + 1, banks, banks + 1]
    assert SelectionPolicy.objects.visible_to(UserFactory(roles=[Role.LAB])).count() == banks, (
        "reference page"
    )
    assert not SelectionPolicy.objects.visible_to(UserFactory(roles=[Role.SHIPPING])).exists()


def test_lists_name_the_last_finished_search_without_a_query_per_row(
    django_assert_num_queries: Any,
) -> None:
    requests = [MatchRequestFactory(submitted=True) for _ in range(3)]
    done = finished(SearchRunFactory(request=requests[0], run_no=1))
    SearchRunFactory(request=requests[0], run_no=2)

    with django_assert_num_queries(1):
        rows = list(MatchRequest.objects.with_patient().with_latest_run().order_by("number"))
        names = [(row.patient.code, row.hospital.code, row.policy.name) for row in rows]

    assert len(names) == 3
    assert [row.latest_run_id for row in rows] == [done.pk, None, None]
    assert rows[0].latest_candidates == 7
    assert set(MatchRequest.objects.open()) == set(requests)


def finished(run: SearchRun) -> SearchRun:
    """As the service leaves it."""
    SearchRun.objects.filter(pk=run.pk).update(
        completed_at=timezone.now(),
        units_considered=9,
        units_unsearchable=1,
        candidates=7,
        kept=7,
        cut=0,
        ledger_number=3,
        snapshot_checksum="c",
        engine_version="1",
        release="built-in",
    )
    return run


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "NONSENSE"},
        {"loci": "A"},
        {"statuses": []},
        {"donor_types": []},
        {"donor_types": ["cat"]},
        {"kept_at_most": 7},
        {"min_tnc_e7_per_kg": Decimal(0)},
        {"state": "SUBMITTED"},
        {"submitted_by": "somebody"},
        {"state": "CANCELLED"},
        {"cancel_reason": "x"},
    ],
    ids=str,
)
def test_the_database_refuses_what_a_request_cannot_be(wrong: dict[str, Any]) -> None:
    request = MatchRequestFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        MatchRequest.objects.filter(pk=request.pk).update(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rank": 0},
        {"direction": "sideways"},
        {"antigen6_min": 5, "antigen6_max": 4},
        {"antigen6_min": 5, "antigen6_max": 7},
        {"allele8_min": 3},
        {"allele10_min": -1, "allele10_max": 2},
    ],
    ids=str,
)
def test_the_database_refuses_what_a_result_cannot_be(wrong: dict[str, Any]) -> None:
    run, unit = SearchRunFactory(), ListedUnitFactory()
    right = {"rank": 1, "direction": "matched", "status": "LISTED", "evidence": {}}
    result = SearchResult.objects.create(run=run, unit=unit, **right)

    with pytest.raises(IntegrityError), transaction.atomic():
        SearchResult.objects.filter(pk=result.pk).update(**wrong)
    for twice in ({"rank": 2}, {"rank": 1, "unit": ListedUnitFactory()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SearchResult.objects.create(**{"run": run, "unit": unit, **right, **twice})


def test_a_run_is_complete_or_empty() -> None:
    run = SearchRunFactory()

    for half in ({"completed_at": timezone.now()}, {"candidates": 3}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SearchRun.objects.filter(pk=run.pk).update(**half)
    finished(run)
    with pytest.raises(IntegrityError), transaction.atomic():
        SearchRun.objects.filter(pk=run.pk).update(cut=1)


def test_transitions_name_every_state_and_never_leave_an_end() -> None:
    assert set(TRANSITIONS) == set(RequestState)
    for state, following in TRANSITIONS.items():
        assert bool(following) == (state in OPEN)
        assert state not in following


def test_rows_say_what_they_are() -> None:
    run = SearchRunFactory()
    result = SearchResult(run=run, rank=3, antigen6_min=4, antigen6_max=5)

    assert str(run.policy) == "Malignant disease, single unit v1"
    assert str(run) == f"{run.request_id}/1"
    assert str(result) == f"{run.pk} #3"
    assert str(RequestCounter(year=2026, last=4)) == "2026: 4"
    assert result.classes == {"antigen6": (4, 5)}
    assert run.request.is_draft is False
