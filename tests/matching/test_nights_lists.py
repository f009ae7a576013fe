"""The lists of the night: the same one is only confirmed, another one says what changed, and is told until seen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core import work
from core.models import AuditEntry, Job, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching import providers, waiting
from matching.choices import RunOrigin
from matching.models import MatchRequest, SearchResult, SearchRun, SelectionPolicy
from matching.services import run_repeat
from tests.factories.core import UserFactory
from tests.factories.match_list import searched_run
from tests.factories.matching import (
    ACTOR,
    ListedUnitFactory,
    noted,
    typed_patient,
)
from tests.matching.batches import changed_inventory, night, of_request, waiting_search

pytestmark = pytest.mark.usefixtures("ledger_at_once")

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def items(user: User) -> list[str]:
    return [item.title for item in work.items_for(user)]


def test_the_same_list_is_confirmed_and_stores_no_row(listed: SearchRun) -> None:
    changed_inventory()
    before = list(SearchResult.objects.order_by("pk").values())

    found = night()

    assert found.started == [listed.request.number]
    [run] = of_request(listed)
    assert run.pk == listed.pk
    assert list(SearchResult.objects.order_by("pk").values()) == before
    assert run.checked_at is not None
    assert run.checked_ledger_number == waiting.inventory_number()
    assert Job.objects.get(kind="research").result == {"run": str(run.pk), "confirmed": True}
    assert AuditEntry.objects.filter(action="search.confirm", target_key=str(run.pk)).count() == 1
    assert night().fresh == 1
    again = run_repeat(request_id=listed.request_id, actor=ACTOR)  # the number is free again
    assert (again.run_no, again.job.state) == (2, "queued")


def test_a_better_new_unit_makes_a_new_list_that_says_so(
    listed: SearchRun, hospital: Hospital, user: User, client: Client
) -> None:
    unit = ListedUnitFactory()

    night()

    first, second = of_request(listed)
    assert (second.origin, second.run_no, second.kept) == ("night", 2, 3)
    assert second.results.get(rank=1).unit_id == unit.pk
    assert {key: second.changes[key] for key in ("against", "new", "gone", "better", "worse", "units")} == {
        "against": 1, "new": 1, "gone": 0, "better": 0, "worse": 0, "units": [str(unit.pk)],
    }  # fmt: skip
    assert first.checked_at is None
    assert any(title.startswith(f"1 new or better unit for {listed.request.number}") for title in items(user))
    page = client.get(reverse("matching:request-detail", args=[listed.request_id])).content.decode()
    assert "1 new" in page


def test_opening_the_list_by_the_hospital_is_seeing_it(listed: SearchRun, user: User, client: Client) -> None:
    ListedUnitFactory()
    night()
    run = of_request(listed)[-1]
    of_the_bank = Client()
    of_the_bank.force_login(UserFactory(roles=[Role.SEARCH_COORDINATOR]), backend=BACKEND)

    of_the_bank.get(reverse("matching:run-detail", args=[run.pk]))
    run.refresh_from_db()
    assert run.seen_at is None
    client.get(reverse("matching:run-detail", args=[run.pk]))
    client.get(reverse("matching:run-detail", args=[run.pk]))

    run.refresh_from_db()
    assert run.seen_at is not None
    assert run.seen_by == user.full_name
    assert AuditEntry.objects.filter(action="search.see").count() == 1
    assert not any("new or better unit" in title for title in items(user))


def test_changes_are_told_against_the_list_that_the_hospital_knows(listed: SearchRun) -> None:
    """Of two nights nobody opened the first: the second tells all that came since."""
    ListedUnitFactory()
    night()
    ListedUnitFactory(tnc_e7=170)
    night()
    _, first, second = of_request(listed)

    assert (first.changes["new"], second.changes["new"], second.changes["against"]) == (1, 2, 1)


def test_a_unit_that_went_and_one_that_got_better_are_told(listed: SearchRun) -> None:
    five, four = (result.unit for result in listed.results.order_by("rank"))
    five.status = "RESERVED"
    five.save()
    noted(five)
    better = ListedUnitFactory.build(bank=four.bank)
    for name in ("hla_a_1", "hla_a_2", "hla_b_1", "hla_b_2"):
        setattr(four, name, getattr(better, name))
    four.save()
    noted(four)

    night()

    changes = of_request(listed)[-1].changes
    assert (changes["new"], changes["gone"], changes["better"], changes["news"]) == (0, 1, 1, 1)
    assert changes["units"] == [str(four.pk)]


def test_the_night_that_finds_what_the_hospital_knows_again_takes_its_news_back(
    listed: SearchRun, user: User
) -> None:
    unit = ListedUnitFactory()
    night()
    unit.status = "RESERVED"
    unit.save()
    noted(unit)

    night()

    last = of_request(listed)[-1]
    assert (last.run_no, last.changes["news"], last.changes["against"]) == (3, 0, 1)
    assert not any("new or better unit" in title for title in items(user))


@pytest.mark.parametrize("what", ["weight", "populations", "nomenclature", "policy", "sets"])
def test_a_list_made_of_other_things_is_stored_although_it_is_the_same(
    listed: SearchRun, patient: Patient, what: str
) -> None:
    """A replay takes what the stored run says: it must not say less than what was last found."""
    changed_inventory()
    old = SearchRun.objects.filter(pk=listed.pk)
    if what == "weight":  # as if it had been searched with another weight, and doses not told
        old.update(patient_weight_kg=Decimal(21))
    elif what == "populations":
        old.update(patient_populations="HAN")
    elif what == "nomenclature":
        old.update(nomenclature_checksum="0" * 64)
    elif what == "policy":
        rules = SelectionPolicy.objects.get(pk=listed.policy_id).rules
        other = SelectionPolicy.objects.create(name="Another", rules=rules, created_by="t")
        old.update(policy=other)
    else:
        old.update(prediction=listed.prediction | {"sets": []})

    night()

    first, second = of_request(listed)
    assert first.checked_at is None
    assert (second.origin, second.changes["news"]) == ("night", 0)


def test_my_work_names_the_newest_list_also_where_it_tells_no_news(listed: SearchRun, user: User) -> None:
    """The person's own list holds a unit that is gone."""
    five = listed.results.get(rank=1).unit
    five.status = "RESERVED"
    five.save()
    noted(five)
    night()
    newest = of_request(listed)[-1]
    assert newest.changes["news"] == 0

    [item] = [one for one in work.items_for(user) if one.kind == "list"]
    assert item.url == reverse("matching:run-detail", args=[newest.pk])


def test_lists_of_the_night_do_not_push_out_what_people_asked_for(
    hospital: Hospital, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "_MAX", 2)
    unit = ListedUnitFactory()
    runs = [searched_run(typed_patient(hospital=hospital)) for _ in range(4)]
    SearchRun.objects.exclude(pk=runs[0].pk).update(completed_at=timezone.now() - timedelta(days=8))
    unit.status = "RESERVED"
    unit.save()
    noted(unit)
    night()
    newest = of_request(runs[0])[-1]
    SearchRun.objects.filter(pk=newest.pk).update(completed_at=timezone.now() - timedelta(hours=1))

    [item] = [one for one in work.items_for(user) if one.kind == "list"]

    assert item.url == reverse("matching:run-detail", args=[newest.pk])
    assert SearchRun.objects.filter(origin=RunOrigin.NIGHT).finished().count() == 4


def test_news_that_find_no_room_leave_the_list_where_it_was(
    hospital: Hospital, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "_MAX", 1)
    runs = [searched_run(typed_patient(hospital=hospital)) for _ in range(2)]
    ListedUnitFactory(tnc_e7=200)
    night()
    newest = [of_request(run)[-1] for run in runs]
    assert all(run.changes["news"] for run in newest)

    items = [one for one in work.items_for(user) if one.kind == "list"]

    assert {one.url for one in items} == {reverse("matching:run-detail", args=[run.pk]) for run in newest}
    assert sorted("new or better" in one.title for one in items) == [False, True]


def test_a_list_with_news_stands_once_in_my_work_of_hospital_and_bank(listed: SearchRun, user: User) -> None:
    ListedUnitFactory(tnc_e7=200)
    night()
    newest = of_request(listed)[-1]
    assert newest.changes["news"]
    bank = UserFactory(roles=[Role.SEARCH_COORDINATOR])

    for person, news in ((user, True), (bank, False)):
        [item] = [one for one in work.items_for(person) if one.kind == "list"]
        assert item.url == reverse("matching:run-detail", args=[newest.pk])
        assert ("new or better" in item.title) == news


def test_my_work_reads_no_more_lists_than_it_shows(
    hospital: Hospital, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "_MAX", 2)
    runs = [searched_run(typed_patient(hospital=hospital)) for _ in range(3)]
    with CaptureQueriesContext(connection) as queries:
        found = providers._finished(user)

    assert [item.url.split("/")[-2] for item in found] == [str(run.pk) for run in reversed(runs[1:])]
    assert any("LIMIT 2" in one["sql"] for one in queries)


def test_searches_of_the_night_that_wait_are_not_shown(listed: SearchRun, client: Client) -> None:
    changed_inventory()
    waiting_search()
    run = SearchRun.objects.get(origin=RunOrigin.NIGHT)

    told = client.get(reverse("api:match-request-runs", args=[listed.request_id])).json()

    assert [one["id"] for one in told] == [str(listed.pk)]
    state = "latest_job_state"
    assert MatchRequest.objects.with_latest_job().values_list(state, flat=True).get() == "done"
    Job.objects.filter(pk=run.job_id).update(state="failed", ended_at=timezone.now())
    assert MatchRequest.objects.with_latest_job().values_list(state, flat=True).get() == "failed"
