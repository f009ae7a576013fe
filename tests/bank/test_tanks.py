"""The log of tanks: limits, readings typed and by file, alarms and who has seen them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank import tank_log
from bank.models import StorageNode, TankAlarm, TankLimits, TankReading
from bank.services_tanks import (
    ReadingsReport,
    alarm_acknowledge,
    reading_record,
    readings_import,
    tank_limits_set,
)
from core.audit import Actor
from core.errors import DomainError
from core.kinds import subject_of, text_of, url_of
from core.models import AuditEntry, Notification, User
from core.roles import Role
from tests.bank.conftest import SYSTEM
from tests.factories.core import UserFactory
from tests.factories.storage import tank

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)


def code_of(work: Callable[[], Any]) -> str:
    with pytest.raises(DomainError) as error:
        work()
    assert "%(" not in error.value.message
    return error.value.code


@pytest.fixture
def node(db: None) -> StorageNode:
    """A tank that must stay below −150 °C and above 40 %."""
    made = tank()
    limits(made)
    return made


def limits(node: StorageNode, warm: float | None = -150, level: float | None = 40) -> TankLimits:
    return tank_limits_set(
        tank_id=node.pk, warm_above_c=warm, level_below_percent=level, actor=SYSTEM, reason="as validated"
    )


def read(node: StorageNode, hours: float = 0, **values: Any) -> TankReading:
    return reading_record(tank_id=node.pk, read_at=NOW + dt.timedelta(hours=hours), actor=SYSTEM, **values)


def test_a_reading_within_the_limits_is_only_recorded(node: StorageNode) -> None:
    row = read(node, temperature_c=-185.5, level_percent=40)

    assert (row.source, TankAlarm.objects.count()) == ("typed", 0)
    assert str(row) == "T1 2026-03-01 08:00"
    entry = AuditEntry.objects.get(action="tank.reading")
    assert entry.after == {"readings": 1, "source": "typed", "temperature_c": -185.5, "level_percent": 40}


def test_a_reading_beyond_opens_an_alarm_and_the_next_ones_belong_to_it(node: StorageNode) -> None:
    read(node, 1, temperature_c=-149)
    read(node, 3, temperature_c=-120, level_percent=39)
    read(node, 2, temperature_c=-140)
    read(node, 4, temperature_c=-180)

    alarm = TankAlarm.objects.get(what="temperature")
    assert (alarm.value, alarm.limit, alarm.readings, alarm.unit_sign) == (-120, -150, 3, "°C")
    assert (alarm.first_at, alarm.last_at) == (NOW + dt.timedelta(hours=1), NOW + dt.timedelta(hours=3))
    level = TankAlarm.objects.get(what="level")
    assert (level.value, level.readings, level.unit_sign) == (39, 1, "%")


def test_the_people_of_the_storage_are_told_once_of_an_alarm(node: StorageNode, lab: User) -> None:
    UserFactory(roles=[Role.LAB, Role.QA]), UserFactory(roles=[Role.SHIPPING], is_active=False)
    UserFactory(roles=[Role.DIRECTOR])

    read(node, 1, temperature_c=-149.5)
    read(node, 2, temperature_c=-120)

    rows = Notification.objects.all()
    assert {row.user_id for row in rows} == set(
        User.objects.filter(role_grants__role="lab").values_list("pk", flat=True)
    )
    assert len(rows) == 2
    assert text_of(rows[0]) == "Alarm of tank T1: Temperature -149.5 °C, limit -150 °C."
    assert url_of(rows[0]) == f"/storage/tanks/{node.pk}/#log"
    assert subject_of(rows[0]) == "Qidai: alarm of tank T1"


def test_an_acknowledged_alarm_is_over_and_the_next_reading_opens_another(
    node: StorageNode, lab: User
) -> None:
    read(node, 1, temperature_c=-100)
    alarm = TankAlarm.objects.get()
    alarm_acknowledge(alarm_id=alarm.pk, actor=Actor.user(lab), remark="lid was open, closed it")

    alarm.refresh_from_db()
    assert (alarm.is_open, alarm.acknowledged_by, alarm.remark) == (False, lab, "lid was open, closed it")
    again = Actor.user(lab)
    assert (
        code_of(lambda: alarm_acknowledge(alarm_id=alarm.pk, actor=again, remark="r"))
        == "acknowledged_already"
    )
    read(node, 2, temperature_c=-100)
    assert TankAlarm.objects.open().count() == 1
    assert "−100" in str(alarm).replace("-", "−")


def test_an_alarm_needs_a_person_and_a_remark(node: StorageNode, lab: User) -> None:
    read(node, temperature_c=-100)
    pk = TankAlarm.objects.get().pk

    assert code_of(lambda: alarm_acknowledge(alarm_id=pk, actor=SYSTEM, remark="seen")) == "person_needed"
    assert (
        code_of(lambda: alarm_acknowledge(alarm_id=pk, actor=Actor.user(lab), remark=" ")) == "remark_needed"
    )
    assert (
        code_of(lambda: alarm_acknowledge(alarm_id=uuid4(), actor=Actor.user(lab), remark="r"))
        == "alarm_unknown"
    )


def test_without_a_limit_nothing_opens_an_alarm() -> None:
    node = tank()
    read(node, 1, temperature_c=20, level_percent=0)
    limits(node, warm=None, level=None)
    read(node, 2, temperature_c=20, level_percent=0)

    assert not TankAlarm.objects.exists()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "value_needed"),
        ({"temperature_c": -300}, "value_between"),
        ({"temperature_c": float("nan")}, "value_between"),
        ({"level_percent": 101}, "value_between"),
    ],
)
def test_an_impossible_reading_is_refused(node: StorageNode, values: dict[str, float], code: str) -> None:
    assert code_of(lambda: read(node, **values)) == code


def test_a_reading_is_neither_changed_nor_of_tomorrow(node: StorageNode) -> None:
    read(node, temperature_c=-180)
    tomorrow = timezone.now() + dt.timedelta(days=1)

    assert code_of(lambda: read(node, temperature_c=-181)) == "reading_differs"
    assert (
        code_of(lambda: reading_record(tank_id=node.pk, read_at=tomorrow, actor=SYSTEM, level_percent=50))
        == "date_future"
    )
    assert code_of(lambda: read(StorageNode(pk=uuid4()), temperature_c=-181)) == "tank_unknown"
    assert code_of(lambda: limits(node, level=101)) == "value_between"


def test_limits_are_changed_with_their_reason(node: StorageNode) -> None:
    limits(node, warm=-160)

    entry = AuditEntry.objects.filter(action="tank.limits").latest("at")
    assert (entry.before, entry.after, entry.reason) == (
        {"warm_above_c": -150.0},
        {"warm_above_c": -160},
        "as validated",
    )
    assert str(TankLimits.objects.get()) == "T1: ≤ -160.0 °C, ≥ 40.0 %"


def test_the_tables_refuse_what_no_service_writes(node: StorageNode) -> None:
    read(node, temperature_c=-100)
    alarm = TankAlarm.objects.get()
    for name, change in (
        ("tank_alarm_acknowledged_whole", {"remark": "seen"}),
        ("tank_alarm_times_ordered", {"last_at": NOW - dt.timedelta(days=1)}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            TankAlarm.objects.filter(pk=alarm.pk).update(**change)
    with pytest.raises(IntegrityError, match="tank_alarm_open_once"), transaction.atomic():
        TankAlarm.objects.create(tank=node, what="temperature", first_at=NOW, last_at=NOW, value=1, limit=0)


# --- files ----------------------------------------------------------------------------------------


def take(
    *lines: str, header: str = "tank,read_at,temperature_c,level_percent", dry_run: bool = False
) -> ReadingsReport:
    text = "\n".join([header, *lines]) + "\n"
    return readings_import(data=text.encode(), actor=SYSTEM, dry_run=dry_run)


def told(report: ReadingsReport) -> list[tuple[int, str, str]]:
    assert all(finding.text and "%(" not in finding.text for finding in report.findings)
    return [(finding.line, finding.column, finding.code) for finding in report.findings]


def test_a_file_of_readings_comes_in_once(node: StorageNode) -> None:
    tank("T2")
    lines = (
        "t1,2026-03-01 10:00,-120,",
        "T1,2026-03-01 09:00,−180,55",
        "T2,2026-03-01T09:00+08:00,,30",
    )

    preview = take(*lines, dry_run=True)
    assert (preview.rows, preview.new, preview.alarms, preview.written) == (3, 3, 1, False)
    assert not TankReading.objects.exists()
    done, again = take(*lines), take(*lines)

    assert (done.new, done.alarms, done.written) == (3, 1, True)
    assert (again.new, again.unchanged, again.alarms, again.written) == (0, 3, 0, True)
    assert TankReading.objects.filter(source="file").count() == 3
    assert TankAlarm.objects.get().value == -120
    assert AuditEntry.objects.filter(action="tank.reading").count() == 2
    local = timezone.localtime(TankReading.objects.filter(tank=node).latest("read_at").read_at)
    assert f"{local:%Y-%m-%d %H:%M}" == "2026-03-01 10:00"


def test_every_error_of_a_file_is_told_at_once(node: StorageNode) -> None:
    read(node, temperature_c=-180)

    report = take(
        "T7,2026-03-01 09:00,-180,",
        "T1,yesterday,-180,",
        "T1,2026-13-01 09:00,-180,",
        "T1,2999-01-01 09:00,-180,",
        "T1,2026-03-01 10:00,cold,",
        "T1,2026-03-01 11:00,-400,",
        "T1,2026-03-01 12:00,,",
        "T1,2026-03-01 13:00,-180,50",
        "T1,2026-03-01 13:00,-181,50",
        f"T1,{NOW:%Y-%m-%dT%H:%M}+00:00,-181,",
        "T1,2026-03-01 14:00",
    )

    assert told(report) == [
        (2, "tank", "tank_unknown"),
        (3, "read_at", "moment_form"),
        (4, "read_at", "moment_form"),
        (5, "read_at", "moment_future"),
        (6, "temperature_c", "number_form"),
        (7, "temperature_c", "value_between"),
        (8, "temperature_c", "value_needed"),
        (10, "read_at", "reading_twice"),
        (11, "read_at", "reading_differs"),
        (12, "", "cells_count"),
    ]
    assert not report.written
    assert TankReading.objects.count() == 1


def test_a_file_that_is_none_is_told(node: StorageNode) -> None:
    assert told(take(header="")) == [(0, "", "file_empty")]


# --- curves ---------------------------------------------------------------------------------------


def test_the_curve_keeps_the_worst_of_many_points() -> None:
    points = [(NOW + dt.timedelta(minutes=n), -180.0) for n in range(1000)]
    points[501] = (points[501][0], -90.0)

    kept = tank_log.thinned(points, max)

    assert len(kept) <= tank_log.MOST_DOTS
    assert max(value for _at, value in kept) == -90.0
    assert tank_log.thinned(points[:5], max) == points[:5]


def test_the_log_draws_what_was_read_in_its_period(node: StorageNode) -> None:
    moment = timezone.now() - dt.timedelta(days=1)
    for hours, value in ((0, -185.0), (2, -140.0), (4, -184.0)):
        at = moment + dt.timedelta(hours=hours)
        reading_record(tank_id=node.pk, read_at=at, actor=SYSTEM, temperature_c=value)
    read(node, temperature_c=-100)  # long ago

    log = tank_log.context(node, "7")

    temperature, level = log["curves"]
    assert level is None
    assert log["count"] == 3
    assert temperature["points"].count(",") == 3
    assert "worst -140 °C" in temperature["summary"]
    assert temperature["limit"]["text"] == "-150"
    size = temperature["size"]
    assert all(size["top"] <= line["y"] <= size["bottom"] for line in temperature["rows"])
    assert [row["too_warm"] for row in log["readings"]] == [False, True, False]
    assert tank_log.context(node, "nonsense")["periods"][1]["active"]


@pytest.mark.parametrize(("low", "high"), [(-196, -80), (-185.2, -185.1), (0, 100), (-273.15, 60), (50, 50)])
def test_a_scale_holds_what_it_shows(low: float, high: float) -> None:
    bottom, top, step = tank_log.scale(low, high)

    assert bottom <= low
    assert high <= top
    assert 1 <= (top - bottom) / step <= 6
