"""The list of what is due and the pages around it on 10,000 transplants of 110 hospitals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import work
from core.models import User
from core.ownership import as_owner
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.outcomes import days_ago
from transplants.models import Outcome, Transplant
from transplants.services_outcomes import outcomes_refresh

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MANY, HOSPITALS = 10_000, 110


@pytest.fixture(scope="module", autouse=True)
def _no_dead_rows_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Ten thousand rows that were rolled back would slow down every later test of this worker."""
    yield
    with django_db_blocker.unblock(), as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def fill() -> None:
    hospitals = [HospitalFactory() for _ in range(HOSPITALS)]
    Transplant.objects.bulk_create(
        Transplant(
            number=f"TX-{place:05d}",
            source="import",
            registry_code=f"R-{place}",
            hospital=hospitals[place % HOSPITALS],
            infused_on=days_ago(30 + place % 9000),
            sequence=1,
            graft_type="single",
        )
        for place in range(MANY)
    )
    assert outcomes_refresh(transplant_ids=Transplant.objects.values_list("pk", flat=True)) == MANY
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as a server does by itself


def queries(work_done: Any) -> int:
    with CaptureQueriesContext(connection) as found:
        work_done()
    return len(found)


def test_lists_of_ten_thousand(shen_jia: User, signed_in: Any) -> None:
    fill()
    person = member_of(Outcome.objects.select_related("transplant__hospital")[0].transplant.hospital)
    url = reverse("transplants:follow-up-list")

    client = signed_in(shen_jia)
    assert client.get(url).context["page"].paginator.count > 9_000
    assert queries(lambda: client.get(url)) <= 30
    assert queries(lambda: client.get(reverse("transplants:transplant-list"))) <= 30
    client = signed_in(person)
    assert queries(lambda: client.get(url)) <= 30
    assert queries(lambda: work.items_for(person)) <= 60
