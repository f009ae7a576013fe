"""Who gets a label: what must not be used gets none, and each print is recorded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from bank import services_labels
from bank.choices import Source
from bank.labels.formats import LabelKind
from bank.models import CordBloodUnit
from core.audit import Actor
from core.errors import Conflict, DomainError
from core.models import AuditEntry
from tests.factories.bank import UnitFactory

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


def printed(*units: Any, kind: LabelKind = LabelKind.UNIT, count: int = 1) -> list[CordBloodUnit]:
    keys = [getattr(unit, "pk", unit) for unit in units]
    return services_labels.labels_printed(unit_ids=keys, kind=kind, count=count, actor=SYSTEM)


def test_a_print_is_recorded_with_each_unit_in_the_order_asked_for() -> None:
    units = UnitFactory.create_batch(3)[::-1]

    assert printed(*units, units[0], kind=LabelKind.SEGMENT, count=2) == units

    entries = AuditEntry.objects.filter(action="unit.label")
    assert {entry.target_key for entry in entries} == {str(unit.pk) for unit in units}
    assert [entry.after for entry in entries] == [{"kind": "segment", "count": 2}] * 3


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"recalled": True}, "recalled", "is recalled"),
        ({"consent_withdrawn": True}, "consent_withdrawn", "is withdrawn"),
        ({"source": Source.PARTNER}, "not_own", "belongs to a partner"),
    ],
)
def test_one_that_must_not_be_used_stops_the_print(values: dict[str, Any], code: str, words: str) -> None:
    good, bad = UnitFactory(), UnitFactory(unit_no="U-BAD", **values)

    with pytest.raises(Conflict) as caught:
        printed(good, bad)

    assert caught.value.code == code
    assert words in caught.value.message
    assert "U-BAD" in caught.value.message
    assert services_labels.refusal_text(bad) == caught.value.message
    assert services_labels.refusal_text(good) == ""
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("count", [0, 501])
def test_how_many_labels_at_once(count: int) -> None:
    with pytest.raises(DomainError, match="500 labels"):
        printed(UnitFactory(), count=count)


def test_no_unit_and_an_unknown_one() -> None:
    for units, code in (((), "units_needed"), ((uuid4(),), "unit_gone")):
        with pytest.raises(DomainError) as caught:
            printed(*units)
        assert caught.value.code == code


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_withdrawal_under_way_stops_the_print() -> None:
    unit, begun = UnitFactory(), Event()

    def try_it() -> Any:
        begun.set()
        try:
            return printed(unit)
        except Conflict as conflict:
            return conflict.code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            CordBloodUnit.objects.filter(pk=unit.pk).update(consent_withdrawn=True)
            attempt = pool.submit(try_it)
            begun.wait()
        assert attempt.result() == "consent_withdrawn"
    assert not AuditEntry.objects.exists()
