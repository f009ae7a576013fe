"""Look-back of a unit: where it lay, who lay beside it at any time, its mother, siblings, lots, people and alarms."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from bank import lookback, stays
from bank.models import CordBloodUnit, Slot, TankAlarm
from bank.services_placing import units_place
from bank.services_storage import unit_move, unit_place, unit_take_out
from core.audit import Actor
from core.models import AuditEntry, User
from tests.bank.life import lived
from tests.factories.bank import DonationFactory, UnitFactory
from tests.factories.stocks import SampleFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def at(hour: float) -> dt.datetime:
    return START + hour * HOUR


def moved(unit: CordBloodUnit, hour: float, before: str, after: str) -> None:
    """An entry as the services of the storage write it, at an hour."""
    action = "unit.move" if before and after else "unit.place" if after else "unit.take_out"
    AuditEntry.objects.create(
        at=at(hour), actor_id="system:test", actor_label="Li", action=action, target_type="bank.CordBloodUnit",
        target_key=str(unit.pk), target_label=unit.unit_no, before={"place": before}, after={"place": after},
    )  # fmt: skip


def lies(unit: CordBloodUnit, position: int, tank_code: str = "T1") -> None:
    here = slot(position, tank_code)
    Slot.objects.filter(pk=here.pk).update(unit=unit)


def told(unit: CordBloodUnit) -> list[tuple[str, Any, Any]]:
    return [(one.place, one.since, one.until) for one in stays.stays_of(unit)]


# --- stays ----------------------------------------------------------------------------------------


def test_stays_follow_the_moves_that_the_services_record() -> None:
    tank()
    unit = UnitFactory(status="RELEASED")
    unit_place(unit_id=unit.pk, slot_id=slot(1).pk, actor=SYSTEM)
    unit_move(unit_id=unit.pk, slot_id=slot(4).pk, actor=SYSTEM)
    unit_take_out(unit_id=unit.pk, actor=SYSTEM, reason="shipped")
    unit_place(unit_id=unit.pk, slot_id=slot(2).pk, actor=SYSTEM)

    found = stays.stays_of(unit)

    assert [one.place for one in found] == ["T1-R1-C1-01", "T1-R1-C1-04", "T1-R1-C1-02"]
    assert found[0].until == found[1].since
    assert found[1].until is not None
    assert found[1].until < found[2].since
    assert found[2].until is None
    assert found[2].put_by == "system: test"
    assert (found[2].canister, found[2].tank) == ("T1-R1-C1", "T1")


def test_a_file_of_places_leaves_a_history_too() -> None:
    tank()
    unit = UnitFactory(unit_no="U-77")
    units_place(data=b"unit,place\nU-77,T1-R1-C1-03\n", actor=SYSTEM)

    assert [one.place for one in stays.stays_of(unit)] == ["T1-R1-C1-03"]


def test_what_came_with_its_place_lay_there_before_the_records() -> None:
    tank()
    unit = UnitFactory()
    lies(unit, 1)
    assert told(unit) == [("T1-R1-C1-01", None, None)]

    moved(unit, 5, "T1-R1-C1-01", "T1-R1-C1-02")
    Slot.objects.filter(unit=unit).update(unit=None)
    lies(unit, 2)
    assert told(unit) == [("T1-R1-C1-01", None, at(5)), ("T1-R1-C1-02", at(5), None)]


def test_a_unit_that_never_lay_anywhere() -> None:
    unit = UnitFactory()

    assert told(unit) == []
    assert stays.neighbours(unit, []) == []
    assert stays.alarms_during([]) == []


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ((1, 5), (2, 3), True),
        ((1, 5), (5, 9), False),  # it left as the other came
        ((1, 5), (4.9, 9), True),
        ((1, 5), (6, None), False),
        ((None, 5), (None, 1), True),
        ((None, 5), (4, None), True),
        ((None, 5), (5, None), False),
        ((3, None), (1, None), True),
        ((3, None), (None, None), True),
        ((3, None), (1, 2), False),
    ],
)
def test_two_stays_overlap(one: Any, other: Any, overlap: bool) -> None:
    def stay(hours: Any) -> stays.Stay:
        since, until = (None if hour is None else at(hour) for hour in hours)
        return stays.Stay("T1-R1-C1-01", since, until)

    assert stay(one).overlaps(stay(other)) is overlap
    assert stay(other).overlaps(stay(one)) is overlap


# --- beside it ------------------------------------------------------------------------------------


def test_neighbours_are_those_of_the_same_canister_at_the_same_time() -> None:
    tank(canisters=2)
    unit, now, left, earlier, elsewhere, later, loaded = (UnitFactory() for _ in range(7))
    moved(unit, 10, "", "T1-R1-C1-01")
    lies(unit, 1)
    moved(now, 12, "", "T1-R1-C1-02")
    lies(now, 2)
    moved(left, 8, "", "T1-R1-C1-03")
    moved(left, 11, "T1-R1-C1-03", "T1-R1-C2-01")
    moved(earlier, 2, "", "T1-R1-C1-04")
    moved(earlier, 9, "T1-R1-C1-04", "")
    moved(elsewhere, 3, "", "T1-R1-C2-02")
    moved(later, 20, "", "T1-R1-C1-04")
    moved(later, 30, "T1-R1-C1-04", "")
    lies(loaded, 5)

    found = stays.neighbours(unit, stays.stays_of(unit))

    assert [(one.unit, one.now) for one in found] == [
        (now, True),
        (loaded, True),
        (left, False),
        (later, False),
    ]


def test_canister_one_is_not_canister_ten() -> None:
    tank(canisters=10)
    unit, other = UnitFactory(), UnitFactory()
    moved(unit, 1, "", "T1-R1-C1-01")
    lies(unit, 1)
    moved(other, 1, "", "T1-R1-C10-01")

    assert stays.neighbours(unit, stays.stays_of(unit)) == []


def test_earlier_canisters_count_for_the_time_spent_there() -> None:
    tank()
    tank("T2")
    unit, then, after = (UnitFactory() for _ in range(3))
    moved(unit, 1, "", "T2-R1-C1-01")
    moved(unit, 5, "T2-R1-C1-01", "T1-R1-C1-01")
    lies(unit, 1)
    moved(then, 2, "", "T2-R1-C1-02")
    lies(then, 2, "T2")
    moved(after, 6, "", "T2-R1-C1-01")
    lies(after, 1, "T2")

    found = stays.neighbours(unit, stays.stays_of(unit))

    assert [(one.unit, one.stay.place) for one in found] == [(then, "T2-R1-C1-02")]


def test_moves_of_a_canister_are_found_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    rows = AuditEntry.objects.filter(action__in=stays.MOVES, after__place__startswith="T1-R1-C1-")

    assert "audit_place_" in rows.explain()  # which of the two depends on what the tables hold


@pytest.mark.parametrize("beside", [1, 200])
def test_queries_of_the_page_whatever_lies_beside(
    signed_in: Any, qa: User, django_assert_max_num_queries: Any, beside: int
) -> None:
    tank(slots=205)
    unit = UnitFactory(donation=DonationFactory())
    moved(unit, 1, "", "T1-R1-C1-201")
    lies(unit, 201)
    places = list(Slot.objects.filter(position__lte=beside).order_by("position"))
    for n, here in enumerate(places, start=1):
        here.unit = UnitFactory()
        moved(here.unit, 2, "", f"T1-R1-C1-{n:02d}")
    Slot.objects.bulk_update(places, ["unit"])
    client = signed_in(qa)

    with django_assert_max_num_queries(30):
        page = client.get(f"/units/{unit.pk}/lookback/")

    assert len(page.context["neighbours"]) == beside


# --- alarms ---------------------------------------------------------------------------------------


def test_alarms_of_a_tank_count_while_the_unit_lay_in_it(qa: User) -> None:
    first, second = tank(), tank("T2")
    unit = UnitFactory()
    moved(unit, 10, "", "T1-R1-C1-01")
    moved(unit, 20, "T1-R1-C1-01", "T2-R1-C1-01")
    lies(unit, 1, "T2")

    def alarm(node: Any, begin: float, end: float, **more: Any) -> TankAlarm:
        values = {"what": "temperature", "value": -120, "limit": -150, "remark": "r", **more}
        closed = {"acknowledged_at": at(99), "acknowledged_by": qa}
        row: TankAlarm = TankAlarm.objects.create(
            tank=node, first_at=at(begin), last_at=at(end), **values, **closed
        )
        return row

    alarm(first, 1, 9)
    reaching_in = alarm(first, 9, 11)
    within = alarm(first, 15, 16)
    alarm(first, 21, 22)
    alarm(second, 15, 16)
    now = alarm(second, 30, 31)

    assert stays.alarms_during(stays.stays_of(unit)) == [reaching_in, within, now]


# --- the whole ------------------------------------------------------------------------------------


def test_the_page_leads_to_everything(signed_in: Any, qa: User) -> None:
    unit, people = lived()
    twin = UnitFactory(
        donation=DonationFactory(mother_code="MOTHER-55", infant_no=2, bank=unit.bank, bag_id="BAG-TWIN")
    )
    page = signed_in(qa).get(f"/units/{unit.pk}/lookback/").content.decode()

    texts = [
        "MOTHER-55", "Maternity Pudong 9", twin.public_no, "S-SET-41", "B-LOT-42", "K-LOT-43", "INST-47", "MARK-LOT-48",
        "expired but tested 80", "Counting lab 3", "Marker lab 5", "Q1-R1-C1-01", "T1-R1-C1-02", "lid was open 75",
        str(people.lab), str(people.collector), str(people.second), "no longer counts",
    ]  # fmt: skip
    assert [text for text in texts if text not in page] == []
    assert f"/units/{unit.pk}/dossier/" in page
    passport = signed_in(qa).get(f"/units/{unit.pk}/").content.decode()
    assert f"/units/{unit.pk}/lookback/" in passport  # one click


def test_a_lot_counts_as_expired_by_the_day_on_which_it_was_used() -> None:
    from bank.models import Lot, LotUse
    from bank.presenters_lookback import use_row

    unit, last, today = UnitFactory(), dt.date(2026, 1, 1), dt.date(2026, 6, 1)
    lot = Lot.objects.create(kind="bag", number="B-1", expires_on=last)

    def told(day: dt.date | None) -> str:
        return use_row(LotUse(unit=unit, lot=lot, step="processing", used_on=day), today)["state"]["tone"]

    assert [told(last), told(last + dt.timedelta(days=1)), told(None)] == ["good", "warn", "warn"]


def test_hands_name_each_kind_of_work_once_with_all_its_people() -> None:
    unit, people = lived()
    found = {one.action: one for one in lookback.hands_of(unit)}

    assert found["unit.kit_issue"].people == [str(people.collector)]
    assert found["unit.eligibility"].people == [str(people.doctor)]
    assert found["unit.measurement"].first.at < found["unit.measurement"].last.at
    assert list(found)[:3] == ["unit.kit_issue", "unit.collect", "unit.receive"]


def test_samples_of_whoever_keeps_them_are_shown(
    signed_in: Any, qa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = UnitFactory()

    def kept(asked: CordBloodUnit) -> list[lookback.Sample]:
        return [lookback.Sample("Maternal serum", "Mother", "3 tubes", "F2-A1")] if asked == unit else []

    monkeypatch.setattr(lookback, "SAMPLES", [kept])
    page = signed_in(qa).get(f"/units/{unit.pk}/lookback/").content.decode()

    assert "Maternal serum" in page
    assert "F2-A1" in page


def test_segments_are_told_once(qa: User, signed_in: Any) -> None:
    counted, written = SampleFactory(unit__segments=3).unit, UnitFactory(segments=3)

    pages = [signed_in(qa).get(f"/units/{unit.pk}/lookback/").content.decode() for unit in (counted, written)]
    assert ["Segments at the bag" in page for page in pages] == [False, True]
    assert "3/3" in pages[0]
