"""Pages of the intake: kits, the steps on the passport, the typing of a unit."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from bank.choices_consent import ConsentPurpose
from bank.models import ConsentForm, CordBloodUnit
from core.models import User
from core.roles import Role
from tests.bank.test_pages_quality import passport, post
from tests.bank.test_services_intake import collected, counted, issued, placed, processed, received
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.consent import consent_form
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
INTAKE = "bank:intake"


@pytest.fixture
def collector(db: None) -> User:
    return UserFactory(roles=[Role.COLLECTION])


def kit(**more: str) -> dict[str, str]:
    bank = BankFactory()
    given = {"bag_id": "BAG-9", "din": "=A9999141234580000", "consented_on": "2024-05-01", "infant_no": "1"}
    given |= {f"consent_{purpose}": "yes" for purpose in ConsentPurpose} | {"medium": "paper"}
    return {"bank": str(bank.pk), "form_id": str(consent_form().pk), **given, **more}


def test_a_kit_is_given_out_and_waits(signed_in: Any, collector: User) -> None:
    client = signed_in(collector)

    done = client.post(reverse(INTAKE), kit(din="A999914123458 J"))

    unit = CordBloodUnit.objects.get()
    assert done.url == reverse("bank:unit-detail", args=[unit.pk])
    page = passport(client, unit)
    for text in ("Record the collection", "The kit was not used", "Kit given out"):
        assert text in page, text
    assert "BAG-9" in client.get(reverse(INTAKE)).content.decode()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"consented_on": ""}, "no kit is given out"),
        (
            {"din": "A999914123458 J", "consent_abroad": ""},
            "“Sending personal and genetic data abroad”: yes or no.",
        ),
        ({"consent_donation": "no"}, "“Donation and storage for public use” no kit is given out"),
        ({"consent_testing": ""}, "“Testing of the mother&#x27;s blood” no kit is given out"),
        ({"din": "A999914123458 K"}, "J"),
        ({"bag_id": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_with_a_kit_stands_beside_it(
    signed_in: Any, collector: User, more: dict[str, str], text: str
) -> None:
    answer = signed_in(collector).post(reverse(INTAKE), kit(**more))

    assert answer.status_code == 400
    assert text in answer.content.decode()
    assert not CordBloodUnit.objects.exists()


def test_a_form_that_changed_meanwhile_is_opened_again(signed_in: Any, collector: User) -> None:
    given = kit(din="A999914123458 J", form_id=str(uuid4()))

    answer = signed_in(collector).post(reverse(INTAKE), given)

    assert answer.status_code == 409
    assert "Another version of the consent form is in force" in answer.content.decode()


def test_without_a_form_in_force_no_kit_is_given_out(signed_in: Any, collector: User) -> None:
    client = signed_in(collector)
    given = kit(din="A999914123458 J")
    ConsentForm.objects.update(is_current=False)

    assert (
        "No consent form is in force: no kit can be given out."
        in client.get(reverse(INTAKE)).content.decode()
    )
    assert client.post(reverse(INTAKE), given).status_code == 400
    assert not CordBloodUnit.objects.exists()


def test_who_may_not_collect_sees_the_list_only(signed_in: Any, qa: User) -> None:
    client = signed_in(qa)

    assert "Give out a kit" not in client.get(reverse(INTAKE)).content.decode()
    assert client.post(reverse(INTAKE), kit()).status_code == 403


def test_the_steps_stand_on_the_passport(signed_in: Any, lab: User) -> None:
    client, unit = signed_in(lab), issued()
    steps = [
        ("collect", {"bag_id": "BAG-1", "collected_at": "2024-05-06T11:30", "born_at": "2024-05-06T11:00"}),
        (
            "receive",
            {"received_at": "2024-05-07T08:00", "temperature_min_c": "15", "temperature_max_c": "23"},
        ),
        ("process", {"started_at": "2024-05-07T09:00", "processing_method": "Sepax", "kit_lot": "K1"}),
    ]
    for name, data in steps:
        answer = post(client, f"unit-{name}", unit.pk, **data)
        assert answer.status_code == 302, answer.content.decode()
    refused = post(client, "unit-freeze", unit.pk, frozen_at="2024-05-07T12:00", segments="3")
    counted(unit)
    placed(unit)
    done = post(client, "unit-freeze", unit.pk, frozen_at="2024-05-07T12:00", segments="3")

    assert refused.status_code == 409
    assert "Enter these counts after processing first" in refused.content.decode()
    assert done.status_code == 302
    unit.refresh_from_db()
    assert unit.status == "QUARANTINE"
    page = passport(client, unit)
    for text in ("Frozen → Quarantine", "Release checks", "Record a typing"):
        assert text in page, text


def test_a_deviation_is_asked_for_and_what_was_typed_stays(signed_in: Any, lab: User) -> None:
    unit = collected(issued())

    answer = post(
        signed_in(lab), "unit-receive", unit.pk, received_at="2024-05-30T08:00", temperature_min_c="15",
        temperature_max_c="23",
    )  # fmt: skip

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "more than 48 hours since the collection" in page
    assert 'value="23' in page


def test_an_unused_kit_is_void(signed_in: Any, collector: User) -> None:
    unit = issued()

    assert post(signed_in(collector), "unit-void", unit.pk, reason="").status_code == 400
    assert post(signed_in(collector), "unit-void", unit.pk, reason="born elsewhere").status_code == 302
    unit.refresh_from_db()
    assert unit.status == "VOID"


def test_a_typing_is_recorded_and_a_contradiction_settled(signed_in: Any, lab: User, qa: User) -> None:
    unit = processed(received(collected(issued())))
    client = signed_in(lab)
    first = {"hla_A_1": "A*11:01", "hla_A_2": "A*24:02", "hla_B_1": "B*40:01", "hla_B_2": "B*46:01"}

    assert post(client, "unit-typing", unit.pk, hla_A_1="A*99:99:99:99:99").status_code == 400
    assert post(client, "unit-typing", unit.pk, **first).status_code == 302
    assert "A*24:02" in passport(client, unit)
    told = client.post(
        reverse("bank:unit-typing", args=[unit.pk]), {"hla_A_1": "A*02:01", "hla_A_2": "A*24:02"}, follow=True
    )
    assert "contradicts the one in force" in told.content.decode()
    signed_in(qa)
    page = client.get(reverse("bank:unit-typing-settle", args=[unit.pk])).content.decode()
    assert page.count('name="typing"') == 2
    assert post(client, "unit-typing-settle", unit.pk, reason="r", typing="x").status_code == 400
    right = unit.typings.get(is_current=False)
    assert (
        post(client, "unit-typing-settle", unit.pk, reason="swapped", typing=str(right.pk)).status_code == 302
    )
    unit.refresh_from_db()
    assert (unit.typing_conflict, unit.hla_a_1) == (False, "A*02:01")


def test_of_a_unit_on_offer_no_typing_is_recorded(signed_in: Any, lab: User) -> None:
    unit = UnitFactory()
    client = signed_in(lab)

    assert "Record a typing" not in passport(client, unit)
    assert post(client, "unit-typing", unit.pk, hla_A_1="A*11:01").status_code == 409
