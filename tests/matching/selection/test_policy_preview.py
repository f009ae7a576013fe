"""A draft is tried on a list: judged in memory as a stored one is judged, and nothing is written."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Hospital
from matching.engine.selection.catalogue import SORT_KEYS
from matching.engine.selection.rules import parse
from matching.match_list import MatchList
from matching.models import EvaluatedUnit, Evaluation, SearchRun, SelectionPolicy
from matching.selection import facts
from matching.selection.policies import rules_of
from matching.selection.preview import _rows as preview_rows
from matching.selection.preview import places, preview
from matching.selection.rows import judged
from matching.services.evaluating import evaluation_of
from tests.factories.bank import UnitFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import typed_patient
from tests.factories.policies import bank_policy, own_policy
from tests.matching.selection.test_policy_pages import client_of, posted, text_of, url

pytestmark = pytest.mark.django_db


def list_of(*units: Any, hospital: Hospital | None = None, weight: int | None = 60) -> SearchRun:
    patient = typed_patient(
        hospital=hospital or HospitalFactory(), weight_kg=None if weight is None else Decimal(weight), abo="A"
    )
    run = stored_run(units, request__patient=patient)
    return SearchRun.objects.with_request().get(pk=run.pk)


@pytest.fixture
def hospital() -> Hospital:
    return HospitalFactory()


@pytest.fixture
def run(hospital: Hospital) -> SearchRun:
    """Doses of 3.33, 2.5 and 1.67; by the default the last one is excluded."""
    units = [UnitFactory(unit_no=f"U{tnc}", tnc_e7=tnc, cd34_e6=10, segments=1) for tnc in (200, 150, 100)]
    return list_of(*units, hospital=hospital)


def draft(**rules: Any) -> Any:
    return parse({"rules": rules})


def names(found: list[Any]) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(one.unit.unit_no, one.place, one.rules) for one in found]


def test_a_stricter_dose_excludes_and_a_looser_one_brings_back(run: SearchRun) -> None:
    usual = rules_of(run.policy)

    stricter = preview(run, usual, draft(tnc_dose={"least": "3"}))
    looser = preview(run, usual, draft(tnc_dose={"least": "1.5"}))

    assert (stricter.units, stricter.eligible_before, stricter.eligible_after) == (3, 2, 1)
    assert names(stricter.excluded) == [("U150", 2, ("tnc_dose",))]
    assert (stricter.again, stricter.excluded_count, stricter.again_count) == ([], 1, 0)
    assert [(one.code, one.before, one.after) for one in stricter.excluding] == [("tnc_dose", 1, 2)]
    assert names(looser.again) == [("U100", 3, ("tnc_dose",))]
    assert [(one.place, one.old_place) for one in looser.first] == [(1, 1), (2, 2), (3, None)]


def test_exactly_at_the_threshold_nothing_changes(run: SearchRun) -> None:
    found = preview(run, rules_of(run.policy), draft(tnc_dose={"least": "2.5"}))

    assert (found.excluded_count, found.again_count, found.moved, found.excluding, found.warnings) == (
        0,
        0,
        0,
        [],
        [],
    )


def test_another_order_moves_units(run: SearchRun) -> None:
    turned = parse({**rules_of(run.policy).as_data(), "sort": ["cd34"]})
    CordBloodUnit.objects.filter(unit_no="U150").update(cd34_e6=20)

    found = preview(run, rules_of(run.policy), turned)

    assert found.moved == 2
    assert [(one.unit.unit_no, one.old_place) for one in found.first] == [("U150", 2), ("U200", 1)]


def test_warnings_that_come_and_go_are_counted(run: SearchRun) -> None:
    found = preview(
        run, rules_of(run.policy), draft(red_cells={"action": "off"}, age={"action": "warn", "most_years": 0})
    )

    assert {(one.code, one.before, one.after) for one in found.warnings} == {
        ("red_cells", 3, 0),
        ("age", 0, 3),
    }


def test_nothing_is_written(run: SearchRun) -> None:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        preview(run, rules_of(run.policy), draft(tnc_dose={"least": "3"}))

    assert not Evaluation.objects.exists()
    assert not EvaluatedUnit.objects.exists()
    assert all(query["sql"].lstrip().startswith(("SELECT", "WITH")) for query in caught)
    assert len(caught) <= 14


@pytest.mark.parametrize("weight", [60, None])
def test_a_preview_orders_as_the_list_does(weight: int | None) -> None:
    """The same keys over the same units, in memory and in the database."""
    drawn = random.Random(7)
    units = [
        UnitFactory(
            tnc_e7=drawn.choice([100, 150, 200, 200.5]),
            cd34_e6=drawn.choice([5, 10]),
            abo=drawn.choice(["", "A", "B", "O"]),
            segments=drawn.choice([None, 0, 2]),
            red_cells=drawn.choice(["", "replete", "depleted"]),
            collected_on=drawn.choice([None, "2010-01-01", "2020-05-01"]),
        )
        for _ in range(25)
    ]
    run = list_of(*units, weight=weight)
    for result in run.results.all():
        result.antigen6_min, result.antigen6_max = drawn.choice([(4, 4), (4, 6), (5, 5), (6, 6)])
        result.p0_of6 = drawn.choice([None, 0, 0.1, 0.19, 0.5, 1])
        result.direction = drawn.choice(["matched", "gvh-only", "hvg-only", "unknown", "bidirectional"])
        if result.rank % 5 == 0:
            result.cd34_e6 = None
            CordBloodUnit.objects.filter(pk=result.unit_id).update(cd34_e6=None)
        result.save()
    SearchRun.objects.filter(pk=run.pk).update(prediction={"sets": [{}]})
    run = SearchRun.objects.with_request().get(pk=run.pk)
    known = facts.known_of(run.request.patient)
    patient = known.facts
    rows = preview_rows(run, list(facts.listed_units(run, known)))

    for _ in range(12):
        keys = drawn.sample(SORT_KEYS, drawn.randint(1, len(SORT_KEYS)))
        policy = SelectionPolicy.objects.create(
            name=f"order {drawn.random()}", rules={"selection": {"sort": keys}}, created_by="test"
        )
        rules = rules_of(policy)
        stored = MatchList(QueryDict(), run, evaluation_of(run=run, policy=policy)).rows()
        found = {
            one.unit.result_id: one.evaluated for one in judged(rules, patient, [row.unit for row in rows])
        }

        in_memory = places(rows, found, rules.sort, "antigen6", weighed=weight is not None)

        assert list(in_memory) == [result.pk for result in stored], keys


@pytest.fixture
def physician(hospital: Hospital) -> Client:
    return client_of(member_of(hospital, Role.HOSPITAL_PHYSICIAN))


def try_it(
    client: Client, policy: SelectionPolicy, run: SearchRun | None, htmx: bool = False, **changes: Any
) -> Any:
    data = {**posted(policy, **changes), "preview": "1", "run": str(run.pk) if run else ""}
    return client.post(url("edit", policy), data, headers={"HX-Request": "true"} if htmx else {})


@pytest.mark.parametrize("htmx", [True, False])
def test_the_editor_shows_what_would_change(
    physician: Client, hospital: Hospital, run: SearchRun, htmx: bool
) -> None:
    policy = own_policy(hospital)

    response = try_it(physician, policy, run, htmx, tnc_dose__least="3", author="typed")

    page = text_of(response)
    assert "2 of 3 units eligible now, 1 by this draft." in page
    assert "TNC too low" in page
    assert ("<h1>" in page) is not htmx
    assert ("typed" in page) is not htmx, "what was typed stays"
    assert SelectionPolicy.objects.versions_of(policy).count() == 1
    assert not Evaluation.objects.exists()


def test_an_unchanged_draft_changes_nothing(physician: Client, hospital: Hospital, run: SearchRun) -> None:
    page = text_of(try_it(physician, own_policy(hospital), run, True))

    assert "Nothing would change on this list." in page


def test_what_only_searches_use_is_said(physician: Client, hospital: Hospital, run: SearchRun) -> None:
    policy = own_policy(hospital)

    page = text_of(try_it(physician, policy, run, True, floors__antigen6="5"))

    assert "only a new search shows that part" in page


@pytest.mark.parametrize("htmx", [True, False])
def test_a_draft_with_mistakes_is_not_tried(
    physician: Client, hospital: Hospital, run: SearchRun, htmx: bool
) -> None:
    page = text_of(try_it(physician, own_policy(hospital), run, htmx, tnc_dose__least="-1"))

    assert "correct them first" in page
    assert "Write a number from 0 to 100." in page


def test_a_list_must_be_chosen_and_be_ones_own(physician: Client, hospital: Hospital, run: SearchRun) -> None:
    policy, theirs = own_policy(hospital), list_of(UnitFactory())

    assert "Choose a list" in text_of(try_it(physician, policy, None, True))
    assert try_it(physician, policy, theirs, True).status_code == 404
    offered = [one["pk"] for one in physician.get(url("edit", policy)).context["lists"]]
    assert offered == [str(run.pk)]


def test_without_a_list_the_editor_says_so(physician: Client, hospital: Hospital) -> None:
    assert "no list to try it on" in text_of(physician.get(url("edit", own_policy(hospital))))


def test_the_banks_policy_is_tried_on_any_list(run: SearchRun) -> None:
    director = client_of(member_of(HospitalFactory(), Role.MEDICAL_DIRECTOR))

    assert "2 of 3 units" in text_of(try_it(director, bank_policy(), run, True, tnc_dose__least="3"))
