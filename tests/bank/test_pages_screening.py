"""Pages of markers, cultures and blood groups."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from bank.models import CordBloodUnit, CultureResult, MarkerResult
from core.models import User
from tests.bank.test_pages_quality import passport, post
from tests.factories.bank import CultureFactory, MarkerFactory, UnitFactory

pytestmark = pytest.mark.django_db

PANEL = {
    "subject": "mother",
    "tested_on": "2024-05-06",
    "specimen": "serum",
    "result_hbs_ag": "negative",
    "method_hbs_ag": "ELISA",
    "lot_hbs_ag": "L-77",
    "result_cmv": "positive",
}


def test_a_panel_is_entered_and_seen(signed_in: Any, lab: User) -> None:
    unit = UnitFactory()
    client = signed_in(lab)

    done = post(client, "unit-markers", unit.pk, **PANEL)

    assert done.status_code == 302
    page = passport(client, unit)
    for text in ("HBsAg", "ELISA, L-77", "Positive", "not verified", "Markers recorded"):
        assert text in page, text
    again = client.get(reverse("bank:unit-markers", args=[unit.pk])).content.decode()
    assert 'value="L-77"' in again  # the kit that this person used last


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({"tested_on": "2024-05-06"}, 400, "Give at least one result."),
        ({**PANEL, "tested_on": ""}, 400, "This field is required."),
        ({**PANEL, "tested_on": "2999-01-01"}, 400, "The date lies in the future."),
        ({**PANEL, "sampled_on": "2024-05-07"}, 400, "The sample cannot be younger than its test."),
        ({**PANEL, "result_cmv": "perhaps"}, 400, "valid choice"),
    ],
)
def test_what_was_typed_stays_beside_its_error(
    signed_in: Any, lab: User, data: dict[str, str], status: int, text: str
) -> None:
    unit = UnitFactory()

    answer = post(signed_in(lab), "unit-markers", unit.pk, **data)

    page = answer.content.decode()
    assert (answer.status_code, text in page) == (status, True)
    assert "lot_hbs_ag" not in data or 'value="L-77"' in page
    assert not MarkerResult.objects.exists()


def test_a_panel_sent_twice_is_told(signed_in: Any, lab: User) -> None:
    unit = UnitFactory()
    client = signed_in(lab)
    post(client, "unit-markers", unit.pk, **PANEL)

    again = post(client, "unit-markers", unit.pk, **PANEL)

    assert again.status_code == 409
    assert "recorded already" in again.content.decode()
    assert MarkerResult.objects.count() == 2


def test_culture_and_blood_group_are_entered_on_the_passport(signed_in: Any, lab: User) -> None:
    unit = UnitFactory(status="QUARANTINE", abo="", rh="")
    client = signed_in(lab)

    grown = {"kind": "fungal", "result": "growth", "tested_on": "2024-05-06"}
    done = [
        post(client, "unit-culture", unit.pk, **{**grown, "organism": "Candida"}),
        post(client, "unit-blood-group", unit.pk, abo="AB", rh="-", tested_on="2024-05-06"),
    ]
    refused = post(client, "unit-culture", unit.pk, **{**grown, "tested_on": "x"})

    assert [one.status_code for one in done] == [302, 302]
    page = passport(client, unit)
    for text in ("Fungal culture", "Growth (Candida)", "AB-", "Culture recorded", "Blood group recorded"):
        assert text in page, text
    assert refused.status_code == 400
    assert "Enter a valid date." in refused.content.decode()


def test_a_second_lab_technician_may_verify(signed_in: Any, lab: User) -> None:
    row = MarkerFactory()

    assert "Verify results" in passport(signed_in(lab), row.unit)


def retract_url(row: MarkerResult | CultureResult, kind: str) -> str:
    return reverse("bank:result-retract", args=[row.unit_id, kind, row.pk])


def test_a_wrong_result_is_retracted_by_another_person(
    signed_in: Any, lab: User, qa: User, coordinator: User
) -> None:
    row = MarkerFactory(result="positive", entered_by=lab)
    client = signed_in(qa)
    url = retract_url(row, "marker")

    assert url in passport(client, row.unit)
    assert "HBsAg: Positive" in client.get(url).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 400
    assert client.post(url, {"reason": "swapped"}).status_code == 302
    page = passport(client, row.unit)
    assert "<s>Positive</s>" in page
    assert "swapped" in page
    assert url not in page
    assert client.post(url, {"reason": "again"}).status_code == 409
    assert "HBsAg" not in passport(signed_in(coordinator), row.unit)


def test_there_is_no_such_page(signed_in: Any, qa: User) -> None:
    row = CultureFactory()
    client = signed_in(qa)

    assert client.get(retract_url(row, "marker")).status_code == 404
    assert client.get(retract_url(row, "nothing")).status_code == 404
    assert client.get(retract_url(row, "culture")).status_code == 200
    CordBloodUnit.objects.filter(pk=row.unit_id).update(source="partner")
    assert client.get(retract_url(row, "culture")).status_code == 404
