"""A laboratory's file of results into the records, by the same services as results that are typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from bank.choices import Analyte, CultureKind, MarkerResultValue, MarkerTest, Source
from bank.choices_lots import LotKind, LotStep
from bank.imports.errors import FileError, Finding
from bank.imports.results_file import ResultFinding, ResultRow, read_results
from bank.lot_use import LotGiven, make_missing
from bank.models import CordBloodUnit
from bank.results import is_older
from bank.services_quality import measurement_record
from bank.services_screening import Drawn, MarkerGiven, culture_record, markers_record
from core.audit import Actor
from core.errors import DomainError
from core.notifications import Notice, kept_back, notifications_create

# Fields of the services, as the file calls them.
_COLUMN_OF = {"measured_on": "tested_on", "result": "value", "kind": "test", "read_on": "tested_on"}


@dataclass
class ResultsReport:
    """What came of a file of results, the same for a dry run and the real one."""

    rows: int = 0
    recorded: int = 0
    unchanged: int = 0
    units: int = 0
    findings: list[Finding] = field(default_factory=list)
    written: bool = False

    @property
    def failed(self) -> int:
        return self.rows - self.recorded - self.unchanged


@dataclass
class ReadResults:
    """A file of results whose every row was checked by itself."""

    rows: int = 0
    good: list[ResultRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _Undo(Exception):
    """Nothing of it shall be written."""


def results_read(
    *, data: bytes, today: dt.date | None = None, tell: Callable[[float], None] = lambda share: None
) -> ReadResults:
    """Never raises for what the file holds."""
    try:
        return ReadResults(*read_results(data, today or timezone.localdate(), tell))
    except FileError as error:
        finding = error.finding
        return ReadResults(
            findings=[ResultFinding(finding.line, finding.column, finding.code, finding.params)]
        )


def results_import(
    *, data: bytes, actor: Actor, dry_run: bool = False, skip_bad: bool = False, today: dt.date | None = None
) -> ResultsReport:
    """Enter a file of measurements, markers and cultures as the actor's: somebody else verifies them."""
    found = results_read(data=data, today=today)
    return results_store(found=found, actor=actor, dry_run=dry_run, skip_bad=skip_bad)


def results_store(
    *, found: ReadResults, actor: Actor, dry_run: bool = False, skip_bad: bool = False
) -> ResultsReport:
    """All rows in one transaction, or none. A dry run does the same and takes it back, so that nothing is found later.

    What is recorded already is unchanged: the same file again writes nothing.
    """
    report = ResultsReport(rows=found.rows, findings=list(found.findings))
    try:
        with transaction.atomic():
            notices = _record(report, found.good, actor)
            if dry_run or (report.findings and not skip_bad):
                raise _Undo
            notifications_create(notices=notices)
    except _Undo:
        pass
    else:
        report.written = True
    report.findings.sort(key=lambda finding: finding.line)
    return report


def _record(report: ResultsReport, rows: Sequence[ResultRow], actor: Actor) -> list[Notice]:
    """What people are to be told of it, once no other row is locked any more."""
    units = _units(rows, report.findings)
    known = [row for row in rows if row.line in units]
    report.units = len(_lock(units.values()))
    make_missing(_lots(known))
    notices: list[Notice] = []
    for group in _groups(known, units):
        unit_id = units[group[0].line]
        new = [row for row in group if _is_new(unit_id, row, report)]
        if not new:
            continue
        try:
            with transaction.atomic(), kept_back() as told:
                _write(unit_id, new, actor)
        except DomainError as error:
            column = _column_of(error.field or "")
            said = {"said": str(error)}
            report.findings += [ResultFinding(row.line, column, "refused", said) for row in new]
        else:
            report.recorded += len(new)
            notices += told
    return notices


def _lock(unit_ids: Iterable[UUID]) -> list[UUID]:
    """All units at once and in one order, before anything else: nobody waits for a file that waits for him."""
    rows = CordBloodUnit.objects.select_for_update(no_key=True).filter(pk__in=set(unit_ids)).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _lots(rows: Iterable[ResultRow]) -> Iterator[LotGiven]:
    for row in rows:
        if isinstance(row.test, Analyte):
            yield LotGiven(LotKind.INSTRUMENT, row.given["instrument"], LotStep.MEASUREMENT)
        else:
            step = LotStep.MARKER if isinstance(row.test, MarkerTest) else LotStep.CULTURE
            yield LotGiven(LotKind.TEST_KIT, row.given["kit_lot"], step)


def _column_of(field: str) -> str:
    """lot_hbs_ag and its like are fields of the form of a panel."""
    if field.startswith("lot_") and field != "lot_reason":
        return "kit_lot"
    return _COLUMN_OF.get(field, field)


def _groups(rows: Sequence[ResultRow], units: dict[int, UUID]) -> list[list[ResultRow]]:
    """Markers of one sample are one panel, each test once; every other result stands alone. In the file's order.

    A reason for a lot goes with its own rows only.
    """
    groups: list[list[ResultRow]] = []
    panels: dict[Any, list[ResultRow]] = {}
    for row in rows:
        if not isinstance(row.test, MarkerTest):
            groups.append([row])
            continue
        key = (units[row.line], row.given["subject"], _drawn(row), row.given["lot_reason"])
        panel = panels.get(key)
        if panel is None or row.test in {one.test for one in panel}:
            panel = panels[key] = []
            groups.append(panel)
        panel.append(row)
    return groups


def _drawn(row: ResultRow) -> Drawn:
    given = row.given
    return Drawn(given["tested_on"], given["sampled_on"], given["specimen"], given["laboratory"])


def _write(unit_id: UUID, rows: Sequence[ResultRow], actor: Actor) -> None:
    first = rows[0]
    given = first.given
    if isinstance(first.test, Analyte):
        measurement_record(
            unit_id=unit_id,
            time_point=given["time_point"],
            analyte=first.test,
            value=first.value,
            method=given["method"],
            instrument=given["instrument"],
            laboratory=given["laboratory"],
            measured_on=given["tested_on"],
            corrects=given["corrects"],
            lot_reason=given["lot_reason"],
            actor=actor,
        )
    elif isinstance(first.test, CultureKind):
        culture_record(
            unit_id=unit_id,
            kind=first.test,
            result=first.value,
            drawn=_drawn(first),
            organism=given["organism"],
            method=given["method"],
            kit_lot=given["kit_lot"],
            lot_reason=given["lot_reason"],
            actor=actor,
        )
    else:
        results = [
            MarkerGiven(
                MarkerTest(row.test), MarkerResultValue(row.value), row.given["method"], row.given["kit_lot"]
            )
            for row in rows
        ]
        markers_record(
            unit_id=unit_id,
            subject=given["subject"],
            drawn=_drawn(first),
            results=results,
            lot_reason=given["lot_reason"],
            actor=actor,
        )


def _is_new(unit_id: UUID, row: ResultRow, report: ResultsReport) -> bool:
    """Not recorded yet. One that was, and counts no more because somebody said so, is a finding: a file is no reason
    to bring it back, and none to call it recorded."""
    standing = _equal(unit_id, row)
    if not standing:
        return True
    if any(standing):
        report.unchanged += 1
    else:
        code = "was_superseded" if isinstance(row.test, Analyte) else "was_retracted"
        report.findings.append(ResultFinding(row.line, "value", code))
    return False


def _equal(unit_id: UUID, row: ResultRow) -> list[bool]:
    """Of each row that is recorded with the same content: whether it stands."""
    given = row.given
    unit = CordBloodUnit(pk=unit_id)
    rows: Any
    if isinstance(row.test, Analyte):
        rows = unit.measurements.filter(analyte=row.test, time_point=given["time_point"])
        equal = rows.filter(
            value=row.value,
            measured_on=given["tested_on"],
            method=given["method"],
            instrument=given["instrument"],
        )
        newest = rows.in_force().values_list("measured_on", flat=True).first()
        # One of an earlier day than what counts is in the history, where it would come again.
        is_history = not given["corrects"] and is_older(given["tested_on"], newest)
        return [is_history or not superseded for superseded in equal.values_list("superseded", flat=True)]
    same = {"result": row.value, "method": given["method"], "kit_lot": given["kit_lot"]}
    if isinstance(row.test, CultureKind):
        rows = unit.cultures.filter(kind=row.test, read_on=given["tested_on"], organism=given["organism"])
    else:
        rows = unit.markers.filter(test=row.test, tested_on=given["tested_on"], subject=given["subject"])
    return [at is None for at in rows.filter(**same).values_list("retracted_at", flat=True)]


def _units(rows: Sequence[ResultRow], findings: list[Finding]) -> dict[int, UUID]:
    """Key of the own unit by line."""
    found = CordBloodUnit.objects.filter(source=Source.OWN).keys_by_number(row.unit for row in rows)
    keys = {}
    for row in rows:
        if len(matching := found[row.unit]) == 1:
            keys[row.line] = matching[0]
        else:
            code = "unit_ambiguous" if matching else "unit_unknown"
            findings.append(ResultFinding(row.line, "unit", code, {"text": row.unit[:40]}))
    return keys
