"""The rules of reservations: bounds, order, who."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.audit import Actor
from core.errors import InvalidInput
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.core import UserFactory
from transplants.models import ReservationRules
from transplants.services_rules import BOUNDS, rules_update

pytestmark = pytest.mark.django_db
RULES = {
    "days": 20,
    "extension_days": 7,
    "most_extensions": 1,
    "warn_days": 4,
    "most_of_patient": 3,
    "weight_days": 14,
    "weight_percent": 5,
}


def update(**more: Any) -> ReservationRules:
    return rules_update(values={**RULES, **more}, actor=Actor.system("test"), reason="our bank's rules")


def test_they_are_kept_with_what_they_were_before() -> None:
    update()
    update(days=25)

    entry = AuditEntry.objects.order_by("-at")[0]
    assert (entry.before, entry.after) == ({"days": 20}, {"days": 25})
    assert ReservationRules.load().days == 25


EDGES = [
    (name, value)
    for name, (least, most) in BOUNDS.items()
    for value in (least - 1, most + 1)
    if name != "warn_days" or value < 0
]


@pytest.mark.parametrize(("name", "value"), [*EDGES, ("warn_days", 20)])
def test_beyond_the_bounds_nothing_is_kept(name: str, value: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        update(**{name: value})

    assert refused.value.field == name
    assert not ReservationRules.objects.exists()


@pytest.mark.parametrize(
    "row",
    [
        {"days": 0},
        {"warn_days": 30},
        {"most_of_patient": 0},
        {"weight_days": 0},
        {"weight_percent": 51},
        {"id": 2},
    ],
)
def test_the_database_keeps_the_bounds_too(row: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ReservationRules.objects.create(**row)


def test_the_page_keeps_what_was_typed(signed_in: Any) -> None:
    director: User = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    client, url = signed_in(director), reverse("transplants:reservation-rules")

    wrong = client.post(url, {**RULES, "warn_days": 30, "reason": "why"})
    assert wrong.status_code == 400
    assert b'value="30"' in wrong.content
    assert b"The warning must fall within the reservation" in wrong.content

    assert client.post(url, {**RULES, "reason": "why"}).status_code == 302
    assert b'value="20"' in client.get(url).content


def test_both_settings_of_the_bank_say_what_they_are_and_lead_back(signed_in: Any) -> None:
    client = signed_in(UserFactory(roles=[Role.MEDICAL_DIRECTOR]))

    for name, title, back in (
        ("reservation-rules", "Rules of reservations", "reservation-list"),
        ("enquiry-deadlines", "Deadlines", "enquiry-list"),
    ):
        page = client.get(reverse(f"transplants:{name}")).content.decode()
        assert f"<h1>{title}</h1>" in page
        assert "unconfirmed" in page
        assert f'<a class="btn quiet" href="{reverse(f"transplants:{back}")}">Cancel</a>' in page
