from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from bank.models import CordBloodUnit
from core.roles import Role
from hospitals.models import Patient
from matching import changes, services
from matching.changes import Kind, Row, changed_in, differences
from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.presenters import run_changes
from tests.factories.core import UserFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory
from tests.matching.conftest import BACKEND
from tests.matching.match_list_pages import csv_rows

pytestmark = pytest.mark.django_db

BASE = Row(
    UUID(int=1), 10, 5, 6, None, None, 7, 8, None, None, None, 0.444, None, 150.0, 4.0, 5.0, 2.0, "LISTED"
)


def other(**values: Any) -> Row:
    return BASE._replace(**values)


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (BASE, set()),
        (other(rank=19), set()),
        (other(rank=20), {Kind.RANK}),
        (other(antigen6_max=5), {Kind.CLASS}),
        (other(antigen6_min=6), {Kind.CERTAIN}),
        (other(allele10_min=9, allele10_max=10), {Kind.CLASS, Kind.CERTAIN}),  # asked only now
        (other(p0_of8=0.4), set()),  # the same band
        (other(p0_of8=0.5), {Kind.PROBABILITY}),
        (other(p0_of8=0.399), {Kind.PROBABILITY}),
        (other(p0_of8=None), {Kind.PROBABILITY}),
        (other(tnc_e7_per_kg=5.004), set()),
        (other(tnc_e7_per_kg=5.006), {Kind.DOSE}),
        (other(cd34_e5_per_kg=None), {Kind.DOSE}),
        (other(status="RESERVED"), {Kind.STATUS}),
        (other(rank=25, status="RESERVED", antigen6_min=6), {Kind.RANK, Kind.STATUS, Kind.CERTAIN}),
    ],
)
def test_in_what_a_unit_differs(row: Row, kinds: set[Kind]) -> None:
    assert changed_in(BASE, row) == kinds
    assert changed_in(row, BASE) == kinds


def test_columns_are_read_by_their_names() -> None:
    assert (BASE.span("antigen6"), BASE.span("allele8"), BASE.span("allele10")) == ((5, 6), (7, 8), None)
    assert [BASE.share(size) for size in (6, 8, 10)] == [None, 0.444, None]


LISTS = st.dictionaries(
    st.integers(0, 12), st.tuples(st.integers(1, 60), st.integers(3, 6), st.sampled_from([None, 0.2, 0.8]))
)


def _list(drawn: dict[int, tuple[int, int, float | None]]) -> dict[UUID, Row]:
    return {
        UUID(int=unit): other(
            unit_id=UUID(int=unit), rank=rank, antigen6_max=high, antigen6_min=3, p0_of8=share
        )
        for unit, (rank, high, share) in drawn.items()
    }


@given(LISTS, LISTS)
def test_every_unit_is_told_once_and_backwards_is_the_mirror(one: Any, two: Any) -> None:
    before, after = _list(one), _list(two)

    found, mirror = differences(before, after), differences(after, before)

    assert len(found.new) + len(found.changed) + found.alike == len(after)
    assert len(found.gone) + len(found.changed) + found.alike == len(before)
    assert {row.unit_id for row in found.new} == {row.unit_id for row in mirror.gone}
    assert {row.after.unit_id for row in found.changed} == {row.after.unit_id for row in mirror.changed}
    assert differences(before, before).alike == len(before)


# --- the page


@pytest.fixture
def units() -> list[CordBloodUnit]:
    return [ListedUnitFactory() for _ in range(4)]


@pytest.fixture
def two(patient: Patient, units: list[CordBloodUnit]) -> tuple[SearchRun, SearchRun]:
    """List 1 has units 0, 1 and 2; list 2 has 0, 1 and 3, of which 1 was typed again."""
    first = stored_run(units[:3], request__patient=patient)
    second = stored_run([units[0], units[1], units[3]], request=first.request, run_no=2)
    second.results.filter(unit=units[1]).update(antigen6_min=5, antigen6_max=5, p0_of8=0.61)
    return first, second


def url(run: SearchRun, query: str = "", name: str = "run-changes") -> str:
    return reverse(f"matching:{name}", args=[run.pk]) + query


def test_new_gone_and_changed(client: Client, two: Any, units: list[CordBloodUnit]) -> None:
    shown = {
        what: client.get(url(two[1], f"?show={what}")).context["rows"] for what in ("new", "gone", "changed")
    }

    assert {what: [row["unit"] for row in rows] for what, rows in shown.items()} == {
        "new": [units[3].unit_no],
        "gone": [units[2].unit_no],
        "changed": [units[1].unit_no],
    }
    assert [(one["label"], one["before"], one["after"]) for one in shown["changed"][0]["changes"]] == [
        ("antigen", "6/6", "5/6"), ("P(8/8)", "no estimate", "60–70 %"),
    ]  # fmt: skip
    assert shown["gone"][0]["reason"]["code"] == "floor_or_moment"


def test_the_other_list_is_chosen_by_its_number(client: Client, two: Any) -> None:
    first, second = two
    third = stored_run([], request=first.request, run_no=3)
    nightly = stored_run([], request=first.request, run_no=4, origin="night", changes={"against": 1})

    assert client.get(url(third)).context["against"] == second
    assert client.get(url(nightly)).context["against"] == first
    assert client.get(url(third, "?against=1")).context["against"] == first
    assert client.get(url(first)).context["against"] is None
    assert "first list of its request" in client.get(url(first)).content.decode()
    assert client.get(url(first, "?against=2")).context["against"] == second
    for wrong in ("9", "1", "x"):
        assert client.get(url(first, f"?against={wrong}")).status_code == 404
    assert client.get(url(first, name="run-changes-export")).status_code == 404


def test_alike_lists_say_so(client: Client, patient: Patient, units: list[CordBloodUnit]) -> None:
    first = stored_run(units, request__patient=patient)
    second = stored_run(units, request=first.request, run_no=2)

    answer = client.get(url(second))

    assert "Both lists hold the same units" in answer.content.decode()
    assert answer.context["figures"][-1]["value"] == "4"


def test_what_else_differs_is_said(client: Client, two: Any) -> None:
    second = two[1]
    SearchRun.objects.filter(pk=second.pk).update(patient_weight_kg=14, mac_checksum="other")

    page = client.get(url(second)).content.decode()

    assert "the patient&#x27;s weight: doses differ; the MAC table" in page


def test_changed_units_by_kind(client: Client, two: Any) -> None:
    second = two[1]
    chips = client.get(url(second, "?show=changed")).context["kinds"]

    assert [(one["label"], one["count"]) for one in chips] == [
        ("class", 1), ("certain matches", 1), ("probability", 1),
    ]  # fmt: skip
    assert len(client.get(url(second, "?show=changed&kind=class")).context["rows"]) == 1
    assert len(client.get(url(second, "?show=changed&kind=rank")).context["rows"]) == 0
    assert len(client.get(url(second, "?show=changed&kind=nonsense")).context["rows"]) == 1


@pytest.mark.parametrize(
    ("unit", "run", "code"),
    [
        ({"status": "RESERVED"}, {}, "reserved"),
        ({"status": "ON_HOLD", "status_before_hold": "LISTED", "hold_reason": "tank"}, {}, "not_offered"),
        ({"recalled": True}, {}, "not_offered"),
        ({"tnc_e7": 49.9}, {"min_tnc_e7_per_kg": "2.50"}, "below_dose"),  # 20 kg
        ({"tnc_e7": 50.0}, {"min_tnc_e7_per_kg": "2.50"}, "floor_or_moment"),
        ({"tnc_e7": None}, {"min_tnc_e7_per_kg": "2.50"}, "floor_or_moment"),  # cannot be told
        ({}, {"statuses": ["RESERVED"]}, "state"),
    ],
)
def test_why_a_unit_is_gone(
    client: Client, two: Any, units: list[CordBloodUnit], unit: dict[str, Any], run: dict[str, Any], code: str
) -> None:
    second = two[1]
    CordBloodUnit.objects.filter(pk=units[2].pk).update(**unit)
    SearchRun.objects.filter(pk=second.pk).update(criteria={**second.criteria, **run})

    (row,) = client.get(url(second, "?show=gone")).context["rows"]

    assert row["reason"]["code"] == code


def test_only_the_bank_learns_the_state_of_a_unit_that_is_gone(
    client: Client, two: Any, units: list[CordBloodUnit]
) -> None:
    CordBloodUnit.objects.filter(pk=units[2].pk).update(recalled=True)
    staff = Client()
    staff.force_login(UserFactory(roles=[Role.SEARCH_COORDINATOR]), backend=BACKEND)
    texts = [
        one.get(url(two[1], "?show=gone")).context["rows"][0]["reason"]["text"] for one in (client, staff)
    ]

    assert texts == ["no longer on offer", "now: recalled"]


def test_a_list_that_was_cut_cannot_tell_floor_from_place(client: Client, two: Any) -> None:
    SearchRun.objects.filter(pk=two[1].pk).update(cut=5, candidates=8)

    assert client.get(url(two[1], "?show=gone")).context["rows"][0]["reason"]["code"] == "floor_or_place"


def test_csv_has_before_and_after(client: Client, two: Any, units: list[CordBloodUnit]) -> None:
    rows = {row["unit"]: row for row in csv_rows(client.get(url(two[1], name="run-changes-export")))}

    assert {row["change"] for row in rows.values()} == {"new", "gone", "changed"}
    changed = rows[units[1].unit_no]
    assert changed["what"] == "class certain probability"
    assert (changed["antigen6_max_before"], changed["antigen6_max_after"]) == ("6", "5")
    assert (changed["p8_band_before"], changed["p8_band_after"]) == ("", "60–70 %")
    assert rows[units[2].unit_no]["gone_because"] == "floor_or_moment"
    assert rows[units[3].unit_no]["rank_before"] == ""


def test_an_unfinished_search_has_no_changes(client: Client, two: Any) -> None:
    from tests.factories.matching import SearchRunFactory

    queued = SearchRunFactory(request=two[0].request, run_no=3)

    assert client.get(url(queued))["Location"] == reverse("matching:run-progress", args=[queued.pk])
    assert client.get(url(queued, name="run-changes-export")).status_code == 404


def grown(first: SearchRun, second: SearchRun, count: int) -> None:
    """Two lists of so many units that share all but a fifth; copied by the database."""
    model = SearchResult.objects.filter(run=first).values().first()
    assert model is not None
    unit = CordBloodUnit.objects.get(pk=model["unit_id"])
    made = []
    for number in range(count * 6 // 5):
        unit.pk, unit.unit_no, unit._state.adding = uuid4(), f"MANY{number}", True
        made.append(
            CordBloodUnit(**{f.attname: getattr(unit, f.attname) for f in unit._meta.concrete_fields})
        )
    CordBloodUnit.objects.bulk_create(made, batch_size=1000)
    SearchResult.objects.filter(run__in=[first, second]).delete()
    for run, part in ((first, made[:count]), (second, made[-count:])):
        rows = [
            SearchResult(**{**model, "id": None, "run_id": run.pk, "unit_id": one.pk, "rank": rank})
            for rank, one in enumerate(part, start=1)
        ]
        SearchResult.objects.bulk_create(rows, batch_size=1000)


def test_lists_of_5000_units_are_compared_within_a_page(
    client: Client, two: Any, django_assert_max_num_queries: Any
) -> None:
    """300 ms of server time is the aim; the limit leaves room for a slow machine."""
    grown(*two, 5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE matching_searchresult")
    client.get(url(two[1]))

    with django_assert_max_num_queries(20):
        begin, cpu = time.perf_counter(), time.process_time()
        answer = client.get(url(two[1], "?show=changed"))
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu

    assert [figure["value"] for figure in answer.context["figures"]] == ["1,000", "1,000", "4,000", "0"]
    assert cpu < 1, f"{cpu:.3f} s"  # of this process: other work of the machine does not count
    print(f"5,000 × 5,000: {seconds * 1000:.0f} ms, of which {cpu * 1000:.0f} of this process")


def test_rows_are_read_as_they_are_stored(two: Any) -> None:
    result = two[1].results.order_by("rank").first()

    assert changes.rows_of(two[1])[result.unit_id] == changes.row_of(result)


def test_words_of_figures() -> None:
    assert [run_changes.band_text(share) for share in (None, 0.0, 0.099, 0.1, 0.95, 1.0)] == [
        "no estimate", "0–10 %", "0–10 %", "10–20 %", "90–100 %", "90–100 %",
    ]  # fmt: skip
    assert run_changes.dose_text(None, None, "×10⁷") == "–"
    assert run_changes.dose_text(None, 150.0, "×10⁷") == "150.0 ×10⁷"


# --- verdicts of the policy


@pytest.fixture
def two_lists(patient: Patient) -> tuple[SearchRun, SearchRun]:
    """The same two units in both lists; somebody looked at the first before one was counted anew."""
    units = [ListedUnitFactory(), ListedUnitFactory(tnc_e7=140)]
    before = stored_run(units, request__patient=patient)
    services.evaluation_of(run=before, policy=before.policy)
    CordBloodUnit.objects.filter(pk=units[1].pk).update(tnc_e7=20, updated_at=timezone.now())
    return before, stored_run(units, request=before.request, run_no=2)


def test_a_unit_that_became_excluded_is_told_with_its_rule(
    client: Client, two_lists: tuple[SearchRun, SearchRun]
) -> None:
    url = reverse("matching:run-changes", args=[two_lists[1].pk])

    answer = client.get(url, {"show": "changed", "kind": "verdict"})

    (row,) = answer.context["rows"]
    assert [(line["before"], line["after"]) for line in row["changes"]] == [
        ("eligible", "excluded: TNC too low")
    ]
    assert "Excluded or eligible by" in answer.content.decode()
    (exported,) = csv_rows(client.get(reverse("matching:run-changes-export", args=[two_lists[1].pk])))
    assert (exported["excluded_by_before"], exported["excluded_by_after"]) == ("", "tnc_dose")
    assert "verdict" in exported["what"]


def test_one_that_became_eligible_again(client: Client, two_lists: tuple[SearchRun, SearchRun]) -> None:
    before, after = two_lists
    services.evaluation_of(run=before, policy=before.policy)  # looked at again: now it excludes
    CordBloodUnit.objects.update(tnc_e7=140, updated_at=timezone.now())

    answer = client.get(
        reverse("matching:run-changes", args=[after.pk]), {"kind": "verdict", "show": "changed"}
    )

    (row,) = answer.context["rows"]
    assert [(line["before"], line["after"]) for line in row["changes"]] == [
        ("excluded: TNC too low", "eligible")
    ]


def test_a_list_that_was_never_judged_tells_nothing_of_verdicts(
    client: Client, two_lists: tuple[SearchRun, SearchRun]
) -> None:
    EvaluatedUnit.objects.all().delete()
    Evaluation.objects.all().delete()

    answer = client.get(reverse("matching:run-changes", args=[two_lists[1].pk]))

    assert answer.context["figures"][2]["value"] == "0"
    assert "never judged" in answer.content.decode()


def test_only_eligible_or_not_is_news() -> None:
    row = {BASE.unit_id: BASE}
    both = ({BASE.unit_id: ("dsa",)}, {BASE.unit_id: ("dsa", "tnc_dose")})

    assert differences(row, row, both).changed == []
    assert differences(row, row, ({}, both[1])).changed == []
    (one,) = differences(row, row, (both[0], {BASE.unit_id: ()})).changed
    assert (one.kinds, one.excluded_by) == ({Kind.VERDICT}, (("dsa",), ()))
