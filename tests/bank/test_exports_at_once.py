"""A file for a registry abroad is fetched while what it rests on ends: it went before, or it does not go."""

from __future__ import annotations

import time
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.utils import timezone

from bank import services_exchange
from bank.exports.withheld import has_ended
from bank.models import ConsentDeclaration, GeneticTally, InventoryExport
from bank.services_consent import Withdrawal, consent_withdraw
from bank.services_declaration import declaration_end
from bank.services_exchange import export_fetched
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, Ledger
from core.roles import Role
from tests.bank.conftest import SYSTEM
from tests.bank.export_helpers import made
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.matching.threads import wait_for_a_lock
from tests.parallel import all_at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("kept_files", "abroad_declared"),
]


def numbers(action: str) -> list[int]:
    """Where the entries stand in the ledger, in the order of commits."""
    ids = AuditEntry.objects.filter(action=action).values_list("pk", flat=True)
    return sorted(Ledger.objects.filter(entry_id__in=list(ids)).values_list("number", flat=True))


def end_declaration(declaration: ConsentDeclaration) -> object:
    actor = Actor.user(UserFactory(roles=[Role.QA]))
    return declaration_end(declaration_id=declaration.pk, actor=actor, reason="papers not found")


def withdraw(unit_id: Any) -> object:
    given = Withdrawal(purpose="abroad", withdrawn_on=timezone.localdate(), reported_by="mother", reason="r")
    return consent_withdraw(unit_id=unit_id, given=given, actor=SYSTEM)


@pytest.mark.parametrize("how", ["declaration", "withdrawal"])
def test_nothing_ends_between_the_verdict_and_the_trail(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends it waits until the file that was judged good has gone out."""
    unit = UnitFactory()
    export = made()
    judged, tried = Event(), Event()

    def slowly(found: InventoryExport) -> bool:
        ended = has_ended(found)
        judged.set()
        assert tried.wait(10)
        wait_for_a_lock()  # or for a second: then the other one is through
        return ended

    monkeypatch.setattr(services_exchange, "has_ended", slowly)

    def end() -> object:
        assert judged.wait(10)
        tried.set()
        return (
            end_declaration(ConsentDeclaration.objects.get()) if how == "declaration" else withdraw(unit.pk)
        )

    fetched, ended = all_at_once([partial(export_fetched, export=export, actor=SYSTEM), end])

    assert not isinstance(fetched, Exception)
    assert not isinstance(ended, Exception)
    action = "declaration.end" if how == "declaration" else "unit.consent_withdraw"
    (out,), (end_at,) = numbers("inventory_export.fetch"), numbers(action)
    assert out < end_at
    monkeypatch.setattr(services_exchange, "has_ended", has_ended)
    with pytest.raises(Conflict):
        export_fetched(export=export, actor=SYSTEM)


def test_of_fetches_around_the_end_none_stands_behind_it() -> None:
    UnitFactory()
    export = made()
    people = [Actor.user(UserFactory(roles=[Role.QA])) for _ in range(6)]
    works: list[Any] = [partial(export_fetched, export=export, actor=who) for who in people]
    works.insert(3, partial(end_declaration, ConsentDeclaration.objects.get()))

    found = all_at_once(works)

    refused = [one for one in found if isinstance(one, Conflict)]
    assert {one.code for one in refused} <= {"export_outdated"}
    (end_at,) = numbers("declaration.end")
    assert all(number < end_at for number in numbers("inventory_export.fetch"))
    assert all(number > end_at for number in numbers("inventory_export.withheld"))
    assert len(numbers("inventory_export.fetch")) + len(refused) == len(people)
    assert len(numbers("inventory_export.withheld")) == len(refused)
    assert sum(GeneticTally.objects.values_list("files", flat=True)) == len(people) - len(refused)


def test_two_who_fetch_do_not_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    UnitFactory()
    export, inside = made(), []

    def both(found: InventoryExport) -> bool:
        inside.append(1)
        deadline = time.monotonic() + 10
        while len(inside) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(inside) == 2, "the second one never came so far"
        return has_ended(found)

    monkeypatch.setattr(services_exchange, "has_ended", both)

    found = all_at_once([partial(export_fetched, export=export, actor=SYSTEM)] * 2)

    assert not any(isinstance(one, Exception) for one in found)
