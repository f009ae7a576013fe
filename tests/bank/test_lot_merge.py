"""One lot that was written as two becomes one: no unit is lost to its look-back, and no name to who types it."""

from __future__ import annotations

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.urls import reverse

from bank import lots, services_lots
from bank.choices_lots import LotKind, LotStep
from bank.lot_use import LotGiven, use_lots
from bank.models import CordBloodUnit, Lot, LotUse
from bank.release.facts import facts_of
from bank.services_lot_merge import lot_merge
from core.errors import DomainError, NotAllowed
from core.models import AuditEntry, User
from tests.bank.conftest import SYSTEM
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db
DAY = dt.date(2024, 5, 1)


def used(unit: CordBloodUnit, number: str, step: LotStep = LotStep.FREEZING, on: Any = DAY) -> Lot:
    return use_lots(unit, [LotGiven(LotKind.BAG, number, step)], on=on, actor=SYSTEM)[0]


def merge(kept: Lot, other: str, user: User, **more: Any) -> Lot:
    given = {"user": user, "password": PASSWORD, "reason": "a slip", **more}
    return lot_merge(lot_id=kept.pk, other=other, **given)


def code_of(work: Any) -> str:
    with pytest.raises(DomainError) as caught, transaction.atomic():
        work()
    return caught.value.code


@pytest.fixture
def pair(db: None) -> tuple[Lot, Lot, list[CordBloodUnit]]:
    """B-1 on the first two units, B-l (a slip) on the last two; the middle one has both, on one day and on none."""
    units = UnitFactory.create_batch(3)
    first, _same = (used(unit, "B-1") for unit in units[:2])
    other, _same = (used(unit, "B-l") for unit in units[1:])
    used(units[1], "B-1", on=None)
    used(units[1], "B-l", on=None)
    used(units[1], "B-l", LotStep.STORAGE)
    return first, other, units


def test_every_unit_of_both_is_of_the_kept_one(pair: Any, qa: User) -> None:
    kept, gone, units = pair
    before = set(lots.units_of(kept)) | set(lots.units_of(gone))

    merge(kept, "b-l", qa)

    assert set(lots.units_of(kept)) == before == set(units)
    gone.refresh_from_db()
    assert gone.merged_into == kept
    moved = LotUse.objects.filter(lot=kept, written_as=gone)
    assert set(moved.values_list("unit_id", "step")) == {(units[1].pk, "storage"), (units[2].pk, "freezing")}
    assert (
        LotUse.objects.filter(lot=gone).count() == 2
    )  # the same unit, step and day, or no day, stood there already
    entry = AuditEntry.objects.get(action="lot.merge")
    assert (entry.target_key, entry.after["lot"], entry.after["uses"]) == (str(kept.pk), "B-l", 2)
    assert (entry.batch_rows, entry.reason) == (2, "a slip")
    assert AuditEntry.objects.get(action="lot.merged").target_key == str(gone.pk)


def test_the_old_name_is_the_kept_lot_from_then_on(pair: Any, qa: User) -> None:
    kept, gone, _units = pair
    merge(kept, "B-l", qa)
    unit = UnitFactory()

    assert used(unit, "B-l") == kept
    assert LotUse.objects.get(unit=unit).lot == kept
    third = used(unit, "B-I")
    merge(third, "B-1", qa)

    gone.refresh_from_db()
    assert gone.merged_into == third
    assert used(UnitFactory(), "b-l") == third
    assert code_of(lambda: merge(kept, "B-I", qa)) == "lot_merged"
    assert code_of(lambda: merge(third, "B-l", qa)) == "lot_merged"


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ("R-1", "kind_differs"),
        ("nothing", "lot_unknown"),
        ("B-1", "same_lot"),
        ("", "lot_unknown"),
        ("B-2", "lot_ambiguous"),
    ],
)
def test_what_is_no_second_name_is_refused(pair: Any, qa: User, other: str, code: str) -> None:
    Lot.objects.create(kind="reagent", number="R-1")
    for maker in ("M", "N"):
        Lot.objects.create(kind="bag", number="B-2", manufacturer=maker)

    assert code_of(lambda: merge(pair[0], other, qa)) == code
    assert not Lot.objects.filter(merged_into__isnull=False).exists()


def test_the_manufacturer_tells_two_of_one_number_apart(pair: Any, qa: User) -> None:
    for maker in ("M", "N"):
        Lot.objects.create(kind="bag", number="B-2", manufacturer=maker)

    merge(pair[0], "N B-2", qa)

    assert Lot.objects.get(merged_into=pair[0]).manufacturer == "N"


@pytest.mark.parametrize("which", [0, 1])
def test_a_block_is_of_both_or_they_stay_two(pair: Any, qa: User, which: int) -> None:
    kept, gone, units = pair
    Lot.objects.filter(pk=pair[which].pk).update(state="blocked", blocked_reason="leaks")

    assert code_of(lambda: merge(kept, "B-l", qa)) == "block_differs"
    merge(kept, "B-l", qa, carry_block=True)

    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.state, kept.blocked_reason, gone.state) == ("blocked", "leaks", "in_use")
    assert [facts.blocked_lots for facts in facts_of(units).values()] == [("B-1",)] * 3
    services_lots.lot_unblock(lot_id=kept.pk, user=qa, password=PASSWORD, reason="r")
    assert [facts.blocked_lots for facts in facts_of(units).values()] == [()] * 3


def test_a_merged_lot_is_only_a_name(pair: Any, qa: User) -> None:
    kept, gone, _units = pair
    merge(kept, "B-l", qa)
    given = {"lot_id": gone.pk, "user": qa, "password": PASSWORD, "reason": "r"}

    assert (
        code_of(lambda: services_lots.lot_block(**given, hold_units=[], seen=lots.digest(gone)))
        == "lot_merged"
    )
    for wrong in ({"state": "blocked", "blocked_reason": "x"}, {"merged_into": gone}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Lot.objects.filter(pk=gone.pk).update(**wrong)


def test_nothing_is_merged_without_the_password(pair: Any, qa: User) -> None:
    with pytest.raises(NotAllowed):
        merge(pair[0], "B-l", qa, password="not it")
    assert code_of(lambda: merge(pair[0], "B-l", qa, reason=" ")) in ("reason_missing", "reason_needed")
    assert not Lot.objects.filter(merged_into__isnull=False).exists()


def test_the_reasons_of_two_blocks_stay(pair: Any, qa: User) -> None:
    kept, gone, _units = pair
    Lot.objects.filter(pk=kept.pk).update(state="blocked", blocked_reason="leaks")
    Lot.objects.filter(pk=gone.pk).update(state="blocked", blocked_reason="recalled")

    merge(kept, "B-l", qa)

    kept.refresh_from_db()
    assert (kept.state, kept.blocked_reason) == ("blocked", "leaks; recalled")
    entry = AuditEntry.objects.get(action="lot.merge")
    assert (entry.before, entry.after["blocked_reason"]) == ({"blocked_reason": "leaks"}, "leaks; recalled")


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ({"manufacturer": "M"}, {"manufacturer": "N"}, ["manufacturer"]),
        ({"expires_on": DAY}, {"expires_on": dt.date(2025, 5, 1)}, ["expires_on"]),
        ({"manufacturer": "M", "expires_on": DAY}, {"manufacturer": "m", "expires_on": DAY}, []),
        ({"manufacturer": "M", "expires_on": DAY}, {}, []),
    ],
)
def test_what_is_registered_differently_is_one_lot_only_in_spite_of_that(
    pair: Any, qa: User, one: dict[str, Any], other: dict[str, Any], differ: list[str]
) -> None:
    kept, gone, _units = pair
    Lot.objects.filter(pk=kept.pk).update(**one)
    Lot.objects.filter(pk=gone.pk).update(**other)
    if differ:
        assert code_of(lambda: merge(kept, "B-l", qa)) == "lots_differ"

    merge(kept, "B-l", qa, same_anyway=bool(differ))

    assert AuditEntry.objects.get(action="lot.merge").after.get("in_spite_of", []) == differ


KEYS = [UUID(int=number) for number in (1, 2, 3)]


def lot(key: UUID, number: str, **more: Any) -> Lot:
    return Lot.objects.create(pk=key, kind="bag", number=number, **more)


def held_meanwhile(first: Lot, work: Any, later: Lot) -> bool:
    """Whether `work`, while it waits for the first lot, keeps another person from the later one."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Lot.objects.select_for_update(no_key=True).get(pk=first.pk)
            done = pool.submit(all_at_once, [work])
            wait_for_a_waiting_one()
            try:
                with transaction.atomic():
                    Lot.objects.select_for_update(no_key=True, nowait=True).get(pk=later.pk)
            except OperationalError:
                kept_from = True
            else:
                kept_from = False
        [got] = done.result(timeout=60)
    assert isinstance(got, Lot)
    return kept_from


def wait_for_a_waiting_one() -> None:
    until = time.monotonic() + 60
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_who_notes_a_use_by_an_old_name_locks_by_key() -> None:
    kept = lot(KEYS[0], "B-1")
    name = lot(KEYS[1], "B-l", merged_into=kept)
    unit = UnitFactory()

    def use() -> Lot:
        with transaction.atomic():
            return used(unit, "B-l")

    assert not held_meanwhile(kept, use, name)
    assert LotUse.objects.get().lot == kept


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_who_merges_locks_the_names_of_both_by_key(qa: User) -> None:
    gone, kept = lot(KEYS[1], "B-2"), lot(KEYS[2], "B-3")
    name = lot(KEYS[0], "B-l", merged_into=gone)

    assert not held_meanwhile(name, lambda: merge(kept, "B-2", qa), kept)
    name.refresh_from_db()
    assert name.merged_into == kept


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_lot_merged_while_its_user_waits_is_the_other_one(qa: User) -> None:
    """Its key comes before that of the lot that was waited for: the user begins anew."""
    gone, kept = lot(KEYS[1], "B-2"), lot(KEYS[0], "B-1")
    unit = UnitFactory()

    def use() -> Lot:
        with transaction.atomic():
            return used(unit, "B-2")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            merge(kept, "B-2", qa)
            done = pool.submit(all_at_once, [use])
            wait_for_a_waiting_one()
        assert done.result(timeout=60) == [kept]
    assert LotUse.objects.get().lot == kept
    assert Lot.objects.get(pk=gone.pk).merged_into == kept


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_uses_written_while_they_are_merged_are_of_the_kept_one(pair: Any, qa: User) -> None:
    kept, _gone, _units = pair
    units = UnitFactory.create_batch(20)

    def use(unit: CordBloodUnit) -> Lot:
        with transaction.atomic():
            return used(unit, "B-l")

    got = all_at_once([*(lambda unit=unit: use(unit) for unit in units), lambda: merge(kept, "B-l", qa)])

    assert all(isinstance(one, Lot) for one in got)
    assert set(units) <= set(lots.units_of(kept))


def test_on_its_page(signed_in: Any, pair: Any, qa: User) -> None:
    kept, gone, _units = pair
    client = signed_in(qa)
    url = reverse("bank:lot-merge", args=[kept.pk])
    form = {"other": "B-l", "reason": "a slip", "password": PASSWORD}

    assert client.get(url).status_code == 200
    assert client.post(url, {**form, "password": "no"}).status_code == 403
    assert client.post(url, form).url == reverse("bank:lot-detail", args=[kept.pk])

    assert "Also written as" in client.get(reverse("bank:lot-detail", args=[kept.pk])).content.decode()
    old = client.get(reverse("bank:lot-detail", args=[gone.pk])).content.decode()
    assert reverse("bank:lot-detail", args=[kept.pk]) in old
    assert url not in old
    assert client.get(reverse("config:find"), {"q": "B-l"}).status_code in (200, 302)


def test_a_merge_under_a_block_leads_to_the_hold(signed_in: Any, pair: Any, qa: User) -> None:
    kept, _gone, units = pair
    Lot.objects.filter(pk=kept.pk).update(state="blocked", blocked_reason="leaks", expires_on=DAY)
    Lot.objects.filter(number="B-l").update(expires_on=dt.date(2025, 5, 1))
    CordBloodUnit.objects.filter(pk=units[0].pk).update(status="INFUSED")
    url = reverse("bank:lot-merge", args=[kept.pk])
    form = {"other": "B-l", "reason": "a slip", "password": PASSWORD, "carry_block": "on"}
    client = signed_in(qa)

    refused = client.post(url, form)
    assert refused.status_code == 400
    assert "2024-05-01 / 2025-05-01" in refused.content.decode()
    done = client.post(url, {**form, "same_anyway": "on"}, follow=True)

    assert done.redirect_chain == [(reverse("bank:lot-block", args=[kept.pk]), 302)]
    assert "2 units of it can be put on hold" in done.content.decode()
