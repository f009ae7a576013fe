"""Match lists of a foreign account: few typings for a patient go and are counted, more wait for an approval."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from bank.models import GeneticLimits, GeneticTally
from core.models import AuditEntry
from matching.models import SearchRun
from tests.factories.genetic import foreigner
from tests.factories.match_list import stored_run
from tests.factories.matching import ListedUnitFactory, typed_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed(db: None, client: Any) -> Any:
    """A search with three units, for a hospital abroad; at most two go unasked. The client is its person."""
    user = foreigner()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    GeneticLimits.objects.create(most_units=2, most_units_a_year=1)
    hospital = user.memberships.get().hospital
    return stored_run(
        [ListedUnitFactory() for _ in range(3)], request__patient=typed_patient(hospital=hospital)
    )


@pytest.mark.parametrize("name", ["run-export", "run-export-xlsx"])
def test_a_long_list_is_asked_for_and_a_short_one_goes(client: Any, listed: SearchRun, name: str) -> None:
    url = reverse(f"matching:{name}", args=[listed.pk])

    refused = client.get(url)
    assert refused.url.startswith(reverse("bank:genetic-ask"))
    assert client.get(refused.url).status_code == 200
    assert not GeneticTally.objects.exists()
    GeneticLimits.objects.update(most_units=3)
    fetched = client.get(url)

    assert fetched.status_code == 200
    assert GeneticTally.objects.values_list("units", "foreign").get() == (3, True)
    assert AuditEntry.objects.filter(action="genetic.blocked").count() == 1


def test_a_report_holds_no_more_than_the_limit(client: Any, listed: SearchRun) -> None:
    url = reverse("matching:run-report-pdf", args=[listed.pk])

    assert client.get(url, {"n": 3, "lang": "en"}).status_code == 302
    assert client.get(url, {"n": 2, "lang": "en"}).status_code == 200
    assert GeneticTally.objects.get().units == 2


def test_the_api_tells_the_first_of_a_list(client: Any, listed: SearchRun) -> None:
    url = reverse("api:run-results", args=[listed.pk])

    assert client.get(url, {"page_size": 2}).status_code == 200
    assert client.get(url, {"page_size": 2, "page": 2}).status_code == 403
    assert client.get(url).status_code == 403


def test_slices_by_filters_sort_and_way_are_of_one_patient(client: Any, listed: SearchRun) -> None:
    """A second search of the same patient begins nothing anew."""
    GeneticLimits.objects.update(most_units=3, most_units_a_patient=6)
    again = stored_run([ListedUnitFactory()], request__patient=listed.request.patient)
    export = reverse("matching:run-export", args=[listed.pk])

    assert client.get(reverse("api:run-results", args=[listed.pk]), {"page_size": 1}).status_code == 200
    report = reverse("matching:run-report-pdf", args=[listed.pk])
    assert client.get(report, {"n": 2, "lang": "en"}).status_code == 200
    assert client.get(export, {"sort": "-tnc"}).status_code == 200  # six in all

    refused = client.get(reverse("matching:run-export", args=[again.pk]))
    assert refused.url.startswith(reverse("bank:genetic-ask"))
    assert client.get(reverse("api:run-results", args=[again.pk]), {"page_size": 1}).status_code == 403
    assert client.get(reverse("matching:run-report-pdf", args=[again.pk]), {"n": 1}).status_code == 302
    assert client.get(reverse("matching:run-detail", args=[again.pk])).status_code == 200
    assert set(GeneticTally.objects.values_list("patient", flat=True)) == {str(listed.request.patient_id)}
