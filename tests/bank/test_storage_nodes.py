"""What the storage is made of: sites, tanks, racks, canisters and their slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from bank.models import Slot, StorageNode
from bank.services_storage import (
    Shape,
    nodes_create,
)
from core.errors import DomainError
from core.models import AuditEntry
from tests.bank.conftest import SYSTEM
from tests.factories.storage import tank

pytestmark = pytest.mark.django_db


def code_of(work: Callable[[], Any]) -> str:
    """The code with which the service refuses; its sentence can be said."""
    with pytest.raises(DomainError) as error:
        work()
    assert "%(" not in error.value.message
    return error.value.code


def test_a_tank_is_made_with_all_that_it_holds() -> None:
    tank("t9", racks=2, canisters=3, slots=4)

    places = [one.place for one in Slot.objects.with_place().in_order()]
    assert len(places) == 24
    assert (places[0], places[-1]) == ("T9-R1-C1-01", "T9-R2-C3-04")
    assert AuditEntry.objects.filter(action="storage.create").count() == 2


def test_racks_and_canisters_are_added_behind_the_last() -> None:
    node = tank()
    rack = nodes_create(
        bank_id=node.bank_id,
        parent_id=node.pk,
        kind="rack",
        code="R2",
        shape=Shape(canisters=2, slots=3),
        actor=SYSTEM,
    )
    can = nodes_create(
        bank_id=node.bank_id,
        parent_id=rack.pk,
        kind="canister",
        code="C9",
        shape=Shape(slots=2),
        actor=SYSTEM,
    )

    assert (rack.position, can.position, can.path) == (2, 3, "T1-R2-C9")
    assert Slot.objects.filter(canister__parent=rack).count() == 8


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"code": "T-2"}, "code_form"),
        ({"code": "t1"}, "code_taken"),
        ({"parent_id": None}, "parent_kind"),
        ({"kind": "site"}, "parent_kind"),
        ({"kind": "canister"}, "parent_kind"),
        ({"shape": Shape(0, 1, 1)}, "shape"),
        ({"shape": Shape(1, 100, 1)}, "shape"),
        ({"shape": Shape(99, 99, 999)}, "shape"),
        ({"bank_id": uuid4()}, "bank_unknown"),
    ],
)
def test_what_cannot_be_made_is_refused(changed: dict[str, Any], code: str) -> None:
    node = tank()
    given_ = {
        "bank_id": node.bank_id,
        "parent_id": node.parent_id,
        "kind": "tank",
        "code": "T2",
        "shape": Shape(1, 1, 1),
    }

    assert code_of(lambda: nodes_create(actor=SYSTEM, **{**given_, **changed})) == code
    assert StorageNode.objects.filter(kind="tank").count() == 1


def test_two_tanks_of_one_code_are_impossible_also_in_two_sites() -> None:
    node = tank()
    site = StorageNode.objects.create(bank=node.bank, kind="site", code="S2")

    with pytest.raises(IntegrityError, match="node_tank_code_once"), transaction.atomic():
        StorageNode.objects.create(bank=node.bank, kind="tank", code="T1", parent=site)
    with pytest.raises(IntegrityError, match="node_code_form"), transaction.atomic():
        StorageNode.objects.create(bank=node.bank, kind="tank", code="T-1", parent=site)
