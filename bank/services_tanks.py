"""Writes of the tanks' log: limits, readings, alarms. Each locks its tank, so that an alarm is opened once."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from bank import places, tank_alarms
from bank.choices import NodeKind, ReadingSource, TankQuantity
from bank.imports import tables
from bank.imports.errors import FileError, Finding
from bank.imports.tables import Columns
from bank.models import StorageNode, TankAlarm, TankLimits, TankReading
from bank.models.tanks import COLDEST_C, WARMEST_C
from bank.writing import given_reason
from core import audit, notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.findings import Messages

COLUMNS = Columns(("tank", "read_at"), ("temperature_c", "level_percent"))
MAX_ROWS = 20_000
RANGE = {"temperature_c": (COLDEST_C, WARMEST_C), "level_percent": (0.0, 100.0)}

MESSAGES: Messages = {
    "tank_unknown": _("There is no tank “%(text)s”."),
    "moment_form": _("“%(text)s” is no moment. Write YYYY-MM-DD HH:MM, by the clock of this installation."),
    "moment_future": _("%(text)s lies in the future."),
    "value_needed": _("Give a temperature, a level, or both."),
    "value_between": _("%(text)s is impossible: it must lie between %(low)s and %(high)s."),
    "reading_twice": _("A reading of this tank at this moment stands in line %(first)s already."),
    "reading_differs": _(
        "Another reading of this tank at this moment is recorded already. Readings are not changed."
    ),
}


class ReadingFinding(Finding):
    """One thing wrong in a file of readings."""

    messages: ClassVar[tuple[Messages, ...]] = (MESSAGES, *Finding.messages)


@dataclass(frozen=True)
class Values:
    """What was read at one moment; None for what was not read."""

    read_at: dt.datetime
    temperature_c: float | None = None
    level_percent: float | None = None

    @property
    def key(self) -> tuple[float | None, float | None]:
        return self.temperature_c, self.level_percent


@transaction.atomic
def tank_limits_set(
    *,
    tank_id: UUID,
    warm_above_c: float | None,
    level_below_percent: float | None,
    actor: Actor,
    reason: str,
) -> TankLimits:
    """Set what a tank must keep; None for no limit. It counts from the next reading on."""
    reason = given_reason(reason)
    tank = _locked_tank(tank_id)
    new = {"warm_above_c": warm_above_c, "level_below_percent": level_below_percent}
    _guard_range("temperature_c", warm_above_c, "warm_above_c")
    _guard_range("level_percent", level_below_percent, "level_below_percent")
    row = TankLimits.objects.filter(tank=tank).first() or TankLimits(tank=tank)
    before, after = audit.changes({name: getattr(row, name) for name in new}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    audit.record(actor=actor, action="tank.limits", target=tank, before=before, after=after, reason=reason)
    return row


@transaction.atomic
def reading_record(
    *,
    tank_id: UUID,
    read_at: dt.datetime,
    actor: Actor,
    temperature_c: float | None = None,
    level_percent: float | None = None,
) -> TankReading:
    """Enter one reading; beyond a limit it opens an alarm, or belongs to the one that is open.

    Raises Conflict reading_differs for a moment that has a reading already, InvalidInput for an impossible value.
    """
    tank = _locked_tank(tank_id)
    if temperature_c is None and level_percent is None:
        raise InvalidInput("value_needed", MESSAGES["value_needed"], field="temperature_c")
    if read_at > timezone.now():
        raise InvalidInput("date_future", _("The date lies in the future."), field="read_at")
    _guard_range("temperature_c", temperature_c)
    _guard_range("level_percent", level_percent)
    if TankReading.objects.filter(tank=tank, read_at=read_at).exists():
        raise Conflict("reading_differs", MESSAGES["reading_differs"], field="read_at")
    (row,) = _write(tank, [Values(read_at, temperature_c, level_percent)], ReadingSource.TYPED, actor)
    return row


@transaction.atomic
def alarm_acknowledge(*, alarm_id: UUID, actor: Actor, remark: str) -> TankAlarm:
    """A person has seen the alarm and says what was done. The next reading beyond the limit opens another one."""
    alarm = TankAlarm.objects.select_for_update(no_key=True).filter(pk=alarm_id).first()
    if alarm is None:
        raise InvalidInput("alarm_unknown", _("There is no such alarm."))
    plain = remark.replace("\0", "").strip()[:2000]
    if not plain:
        raise InvalidInput("remark_needed", _("Write what was found and done."), field="remark")
    if actor.person_id is None:
        raise NotAllowed("person_needed", _("Only a person can acknowledge an alarm."))
    if not alarm.is_open:
        raise Conflict("acknowledged_already", _("Somebody has acknowledged this alarm already."))
    alarm.acknowledged_by_id, alarm.acknowledged_at, alarm.remark = actor.person_id, timezone.now(), plain
    alarm.save(update_fields=["acknowledged_by", "acknowledged_at", "remark"])
    audit.record(
        actor=actor, action="tank.alarm_acknowledge", target=alarm, after={"open": False}, reason=plain
    )
    return alarm


# --- files ----------------------------------------------------------------------------------------


@dataclass
class ReadingsReport:
    """What a file of readings does, the same for a preview and for good."""

    rows: int = 0
    new: int = 0
    unchanged: int = 0
    alarms: int = 0  # readings beyond a limit among the new ones
    findings: list[Finding] = field(default_factory=list)
    written: bool = False


@transaction.atomic
def readings_import(*, data: bytes, actor: Actor, dry_run: bool = False) -> ReadingsReport:
    """Take in a file of readings (COLUMNS), all or nothing; what is recorded already is unchanged.

    dry_run: only the report. Never raises for what the file holds.
    """
    report = ReadingsReport()
    try:
        rows, broken = tables.read(data, COLUMNS, max_rows=MAX_ROWS)
    except FileError as error:
        report.findings = [error.finding]
        return report
    report.rows, report.findings = len(rows) + len(broken), list(broken)
    tanks = _tanks({places.code_of(row.cells["tank"]) for row in rows}, lock=not dry_run)
    read = _read_rows(rows, tanks, report.findings)
    new = {tank: _new_values(tanks[tank], lines, report) for tank, lines in read.items()}
    report.findings.sort(key=lambda finding: finding.line)
    for code, values in new.items():
        limits = TankLimits.objects.filter(tank=tanks[code]).first()
        report.alarms += sum(bool(_beyond(one, limits)) for one in values)
        if not dry_run and not report.findings:
            _write(tanks[code], values, ReadingSource.FILE, actor)
    report.written = not dry_run and not report.findings
    return report


def _tanks(codes: Iterable[str], *, lock: bool) -> dict[str, StorageNode]:
    rows = StorageNode.objects.of_kind(NodeKind.TANK).filter(code__in=set(codes)).order_by("pk")
    return {tank.code: tank for tank in (rows.select_for_update(no_key=True) if lock else rows)}


def _read_rows(
    rows: Iterable[tables.Row], tanks: Mapping[str, StorageNode], findings: list[Finding]
) -> dict[str, list[tuple[int, Values]]]:
    """(line, what was read) of each tank; what cannot be read goes to the findings."""
    found: dict[str, list[tuple[int, Values]]] = {}
    first: dict[tuple[str, dt.datetime], int] = {}
    for row in rows:
        wrong: list[Finding] = []
        code = places.code_of(row.cells["tank"])
        if code not in tanks:
            wrong.append(_wrong(row, "tank", "tank_unknown"))
        moment = _moment(row, wrong)
        numbers = {name: _number(row, name, wrong) for name in RANGE}
        if not wrong and all(value is None for value in numbers.values()):
            wrong.append(_wrong(row, "temperature_c", "value_needed"))
        if not wrong and moment is not None:
            line = first.setdefault((code, moment), row.line)
            if line == row.line:
                found.setdefault(code, []).append((row.line, Values(moment, **numbers)))
            else:
                wrong.append(_wrong(row, "read_at", "reading_twice", first=line))
        findings += wrong
    return found


def _wrong(row: tables.Row, column: str, code: str, **params: Any) -> ReadingFinding:
    return ReadingFinding(row.line, column, code, {"text": row.cells[column][:40], **params})


def _moment(row: tables.Row, wrong: list[Finding]) -> dt.datetime | None:
    try:
        moment = parse_datetime(row.cells["read_at"])
    except ValueError:
        moment = None
    if moment is None:
        wrong.append(_wrong(row, "read_at", "moment_form"))
        return None
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    if moment > timezone.now():
        wrong.append(_wrong(row, "read_at", "moment_future"))
    return moment


def _number(row: tables.Row, name: str, wrong: list[Finding]) -> float | None:
    text = row.cells[name]
    if not text:
        return None
    low, high = RANGE[name]
    try:
        value = float(text.replace("−", "-"))
    except ValueError:
        wrong.append(_wrong(row, name, "number_form"))
        return None
    if not math.isfinite(value) or not low <= value <= high:
        wrong.append(_wrong(row, name, "value_between", low=f"{low:g}", high=f"{high:g}"))
    return value


def _new_values(tank: StorageNode, lines: list[tuple[int, Values]], report: ReadingsReport) -> list[Values]:
    """Those that are not recorded yet, the earliest first."""
    recorded = {
        row.read_at: (row.temperature_c, row.level_percent)
        for row in TankReading.objects.filter(tank=tank, read_at__in=[one.read_at for _line, one in lines])
    }
    new = []
    for line, one in lines:
        if one.read_at not in recorded:
            new.append(one)
        elif recorded[one.read_at] == one.key:
            report.unchanged += 1
        else:
            report.findings.append(ReadingFinding(line, "read_at", "reading_differs"))
    report.new += len(new)
    return sorted(new, key=lambda one: one.read_at)


# --- readings and alarms --------------------------------------------------------------------------


def _locked_tank(tank_id: UUID) -> StorageNode:
    tank = StorageNode.objects.select_for_update(no_key=True).filter(pk=tank_id, kind=NodeKind.TANK).first()
    if tank is None:
        raise InvalidInput("tank_unknown", _("There is no such tank."))
    return tank


def _guard_range(name: str, value: float | None, field_name: str = "") -> None:
    low, high = RANGE[name]
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        params = {"text": f"{value:g}", "low": f"{low:g}", "high": f"{high:g}"}
        raise InvalidInput(
            "value_between", MESSAGES["value_between"], params=params, field=field_name or name
        )


def _write(tank: StorageNode, values: list[Values], source: ReadingSource, actor: Actor) -> list[TankReading]:
    """The readings of a locked tank, the alarms that they open, and one audit entry."""
    rows = TankReading.objects.bulk_create(
        [
            TankReading(
                tank=tank,
                read_at=one.read_at,
                temperature_c=one.temperature_c,
                level_percent=one.level_percent,
                source=source,
                entered_by_id=actor.person_id,
            )
            for one in values
        ],
        batch_size=1_000,
    )
    if not rows:
        return rows
    limits = TankLimits.objects.filter(tank=tank).first()
    for one in values:
        for what, value, limit in _beyond(one, limits):
            _alarm(tank, what, one.read_at, value, limit)
    after = {"readings": len(rows), "source": source.value}
    if len(rows) == 1:
        after |= {"temperature_c": rows[0].temperature_c, "level_percent": rows[0].level_percent}
    audit.record(actor=actor, action="tank.reading", target=tank, after=after)
    return rows


def _beyond(one: Values, limits: TankLimits | None) -> list[tuple[TankQuantity, float, float]]:
    """(what, value, limit) of what lies beyond its limit."""
    found: list[tuple[TankQuantity, float, float]] = []
    if limits is None:
        return found
    warm, low = limits.warm_above_c, limits.level_below_percent
    if one.temperature_c is not None and warm is not None and one.temperature_c > warm:
        found.append((TankQuantity.TEMPERATURE, one.temperature_c, warm))
    if one.level_percent is not None and low is not None and one.level_percent < low:
        found.append((TankQuantity.LEVEL, one.level_percent, low))
    return found


def _alarm(tank: StorageNode, what: TankQuantity, at: dt.datetime, value: float, limit: float) -> None:
    """Open an alarm and tell the people of the storage, or add the reading to the one that is open."""
    alarm = TankAlarm.objects.select_for_update(no_key=True).open().filter(tank=tank, what=what).first()
    if alarm is None:
        alarm = TankAlarm.objects.create(
            tank=tank, what=what, first_at=at, last_at=at, value=value, limit=limit
        )
        notifications.notifications_create(notices=tank_alarms.notices(alarm))
        return
    worst = max if what == TankQuantity.TEMPERATURE else min
    alarm.value = worst(alarm.value, value)
    alarm.first_at, alarm.last_at = min(alarm.first_at, at), max(alarm.last_at, at)
    alarm.readings += 1
    alarm.save(update_fields=["value", "first_at", "last_at", "readings"])
