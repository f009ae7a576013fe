"""New units as people see them: on the request, in My work, in lists, from the unit, by API and command."""

from __future__ import annotations

from io import StringIO
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bank.models import CordBloodUnit
from core import work
from core.models import AuditEntry, Job, User
from core.roles import Role
from hospitals.models import Hospital
from matching.models import NewUnitFinding, SearchRun
from matching.presenters import new_units
from matching.services import new_units_see, run_execute
from matching.unit_patients import patients_of_unit
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, noted, typed_patient
from tests.matching.batches import follow, repeated, searched, waiting_search
from tests.matching.match_list_pages import FIVE

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"

pytestmark = pytest.mark.usefixtures("ledger_at_once")


def titles(user: User) -> list[str]:
    return [item.title for item in work.items_for(user)]


def test_the_hospital_is_told_until_it_opens_the_request(
    waiting: SearchRun, user: User, client: Client
) -> None:
    unit = ListedUnitFactory()
    follow()
    assert f"1 new unit for {waiting.request.number} since its last search" in titles(user)
    of_the_bank = Client()
    of_the_bank.force_login(UserFactory(roles=[Role.SEARCH_COORDINATOR]), backend=BACKEND)
    url = reverse("matching:request-detail", args=[waiting.request_id])

    of_the_bank.get(url)
    assert NewUnitFinding.objects.get().seen_at is None
    page = client.get(url).content.decode()
    client.get(url)

    assert unit.public_no in page
    assert "New units since the last search" in page
    assert NewUnitFinding.objects.get().seen_at is not None
    assert AuditEntry.objects.filter(action="units.see").count() == 1
    assert not any("since its last search" in title for title in titles(user))


def test_once_a_list_holds_it_a_unit_is_new_no_more(waiting: SearchRun, user: User, client: Client) -> None:
    ListedUnitFactory()
    follow()

    waiting_search()
    run_execute(job_id=Job.objects.get(kind="research").pk)

    page = client.get(reverse("matching:request-detail", args=[waiting.request_id])).content.decode()
    assert "New units since the last search" not in page
    assert not any("since its last search" in title for title in titles(user))
    listed = client.get(reverse("matching:new-unit-list"))
    everything = client.get(reverse("matching:new-unit-list") + "?shown=all")
    assert (listed.context["rows"], len(everything.context["rows"])) == ([], 1)
    assert everything.context["rows"][0]["listed"]


def test_a_unit_that_left_and_came_back_is_new_again(waiting: SearchRun, client: Client) -> None:
    unit = ListedUnitFactory()
    follow()
    client.get(reverse("matching:request-detail", args=[waiting.request_id]))  # seen
    CordBloodUnit.objects.filter(pk=unit.pk).update(recalled=True)
    noted(unit)
    follow()
    repeated(waiting)  # a list without it
    CordBloodUnit.objects.filter(pk=unit.pk).update(recalled=False)
    noted(unit)

    follow()

    assert NewUnitFinding.objects.get().seen_at is None


def test_a_hospital_sees_its_own_patients_and_the_bank_all(
    waiting: SearchRun, user: User, client: Client
) -> None:
    other = searched()
    unit = ListedUnitFactory()
    follow()
    bank_client, other_client = Client(), Client()
    bank_client.force_login(UserFactory(roles=[Role.SEARCH_COORDINATOR]), backend=BACKEND)
    other_client.force_login(member_of(HospitalFactory()), backend=BACKEND)
    pages = {
        "matching:new-unit-list": [],
        "matching:unit-patients": [unit.pk],
    }

    for name, args in pages.items():
        seen = {
            who: {row["request"].number for row in one.get(reverse(name, args=args)).context["rows"]}
            for who, one in (("own", client), ("bank", bank_client), ("other", other_client))
        }
        assert seen == {
            "own": {waiting.request.number},
            "bank": {waiting.request.number, other.request.number},
            "other": set(),
        }
    url = reverse("api:new-unit-list")
    counts = [one.get(url).json()["count"] for one in (client, bank_client, other_client)]
    assert counts == [1, 2, 0]
    [row] = client.get(f"{url}?unit={unit.pk}").json()["results"]
    assert (row["unit"]["unit_no"], row["request"]["number"]) == (unit.unit_no, waiting.request.number)
    assert client.get(f"{url}?unit={waiting.pk}").json()["count"] == 0
    assert client.get(f"{url}?unit=x").status_code == 400


def test_the_passport_leads_to_the_patients_of_whom_one_may_see_requests(client: Client) -> None:
    unit = ListedUnitFactory()
    lab = Client()
    lab.force_login(UserFactory(roles=[Role.LAB]), backend=BACKEND)
    passport, patients = (
        reverse(name, args=[unit.pk]) for name in ("bank:unit-detail", "matching:unit-patients")
    )

    assert patients in client.get(passport).content.decode()
    assert patients not in lab.get(passport).content.decode()
    page = client.get(patients).content.decode()
    assert "No waiting patient for this unit" in page
    assert "look again then" in page
    recalled = reverse("matching:unit-patients", args=[ListedUnitFactory(recalled=True).pk])
    assert client.get(recalled).status_code == 404
    bank = Client()
    bank.force_login(UserFactory(roles=[Role.SEARCH_COORDINATOR]), backend=BACKEND)
    assert "no search offers it" in bank.get(recalled).content.decode()


def test_a_probability_is_not_read_out_with_a_reason_for_none(waiting: SearchRun, client: Client) -> None:
    ListedUnitFactory(tnc_e7=160)
    follow()

    page = client.get(reverse("matching:new-unit-list")).content.decode()

    assert 'class="probs"' in page
    assert "no estimate" not in page


def test_patients_of_a_unit_come_best_first(hospital: Hospital) -> None:
    unit = ListedUnitFactory()
    five, six = stored_run([unit]), stored_run([unit])
    five.results.update(antigen6_max=5, antigen6_min=5)
    old = stored_run([unit])
    stored_run([], request=old.request, run_no=2)  # its newest list holds the unit no more

    assert [row.run for row in patients_of_unit(unit)] == [six, five]


def test_the_command_tells_the_same(waiting: SearchRun) -> None:
    unit = ListedUnitFactory(tnc_e7=160)
    follow()
    out = StringIO()

    call_command("search_unit", unit.unit_no, stdout=out)

    assert f"{waiting.request.number} {waiting.request.patient.code}: antigen6 6/6" in out.getvalue()
    assert "8.00 e7/kg" in out.getvalue()
    assert "(new)" in out.getvalue()
    with pytest.raises(CommandError, match="no unit"):
        call_command("search_unit", "NONE-1")


def test_filters_and_order_of_the_list(waiting: SearchRun, client: Client) -> None:
    small, large = ListedUnitFactory(tnc_e7=50), ListedUnitFactory(tnc_e7=200, gl=FIVE)
    follow()
    url = reverse("matching:new-unit-list")

    def units(query: str) -> list[str]:
        return [row["unit"] for row in client.get(url + query).context["rows"]]

    assert units("?sort=-dose") == [large.public_no, small.public_no]
    assert units("?sort=-class") == [small.public_no, large.public_no]
    assert units(f"?q={small.unit_no}") == [small.public_no]
    assert units("?q=nothing") == []
    assert len(units("?shown=unseen")) == 2


def test_a_list_costs_no_query_per_row(
    waiting: SearchRun, client: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        ListedUnitFactory()
    follow()

    for name, args in (("new-unit-list", []), ("request-detail", [waiting.request_id])):
        url = reverse(f"matching:{name}", args=args)
        client.get(url)
        with django_assert_max_num_queries(30):
            client.get(url)


def test_only_what_is_shown_is_loaded_and_seen(
    waiting: SearchRun, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_units, "MOST_SHOWN", 2)
    units = [ListedUnitFactory(tnc_e7=cells) for cells in (100, 300, 200)]
    follow()

    page = client.get(reverse("matching:request-detail", args=[waiting.request_id])).content.decode()

    assert [unit.public_no in page for unit in units] == [False, True, True]
    seen = NewUnitFinding.objects.filter(seen_at__isnull=False)
    assert set(seen.values_list("unit", flat=True)) == {units[1].pk, units[2].pk}
    assert AuditEntry.objects.get(action="units.see").after == {"units": 2}


def test_the_page_of_a_unit_reads_no_evidence(hospital: Hospital) -> None:
    unit = ListedUnitFactory()
    run = stored_run([unit])
    with CaptureQueriesContext(connection) as queries:
        [row] = patients_of_unit(unit)

    assert row.run == run
    assert not any(name in one["sql"] for one in queries for name in ('"evidence"', '"funnel"'))


@pytest.mark.django_db(transaction=True)
def test_a_page_does_not_wait_for_the_batch_that_holds_a_finding() -> None:
    with transaction.atomic():
        user = member_of(HospitalFactory())
        request = stored_run(
            [], request__patient=typed_patient(hospital_id=next(iter(user.hospital_ids)))
        ).request
        held, free = (
            NewUnitFinding.objects.create(
                request=request, unit=ListedUnitFactory(), class_name="antigen6", class_min=6, class_max=6,
                classes={}, ledger_number=1,
            )
            for _ in range(2)
        )  # fmt: skip
    settings = connection.settings_dict
    batch = psycopg2.connect(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"],
        host=settings["HOST"], port=settings["PORT"] or 5432,
    )  # fmt: skip
    batch.cursor().execute("SELECT FROM matching_newunitfinding WHERE id = %s FOR UPDATE", [held.pk])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            new_units_see(request=request, findings=[held, free], user=user)
    finally:
        batch.rollback()
        batch.close()

    assert list(NewUnitFinding.objects.filter(seen_at__isnull=False)) == [free]
    assert AuditEntry.objects.get(action="units.see").after == {"units": 1}
