"""How files of each purpose are read, compared and written: what bank.services_files does its jobs with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from bank.choices import CountUnit
from bank.imports.report import ImportReport
from bank.models import ImportBatch, ImportFile
from bank.services_files import Outcome, Reading, Tell
from bank.services_import import Asked, ReadFile, units_read, units_store
from bank.services_results_file import ResultsReport, results_read, results_store
from bank.uploads import Choices
from core.audit import Actor

MAX_ROWS = 200_000  # of one file in the browser; beyond that manage.py import_units


def read_units(row: ImportFile, data: bytes, actor: Actor, tell: Tell) -> Reading:
    said = Choices(**row.choices)
    asked = Asked(
        bank_code=said.bank_code,
        blank=said.blank,
        counts=CountUnit(said.counts) if said.counts else None,
        mapping=said.mapping,
        full=said.full,
        max_rows=MAX_ROWS,
    )
    found = units_read(data=data, file_name=row.file_name, asked=asked, tell=tell)

    def look() -> Outcome:
        return _outcome(units_store(found=found, actor=actor, dry_run=True, skip_bad=True), found, row)

    def store() -> Outcome:
        report = units_store(found=found, actor=actor, skip_bad=row.skip_bad, declaration=row.declaration)
        return _outcome(report, found, row)

    return Reading(look, store)


COUNTS = (
    "rows", "imported", "unchanged", "changed", "gone", "held", "failed", "wants_listed", "undeclared", "changes",
    "is_partner", "bank", "kind",
)  # fmt: skip


def _outcome(report: ImportReport, found: ReadFile, row: ImportFile) -> Outcome:
    told: dict[str, Any] = {name: getattr(report, name) for name in COUNTS}
    told |= {
        "ignored": list(report.ignored),
        "table": asdict(found.table) if found.table else None,
        "written": not report.dry_run and not report.blocked,
        "known": _known(row, report),
    }
    return Outcome(told, report.findings, report.warnings, report.batch_id)


def _known(row: ImportFile, report: ImportReport) -> str:
    """The earlier import of the very same file, by its checksum; "" if there was none."""
    batches = ImportBatch.objects.filter(bank__code=report.bank, file_sha256=row.file_sha256)
    earlier = batches.order_by("-created_at").values_list("pk", flat=True).first()
    return str(earlier) if earlier and report.dry_run else ""


def read_results(row: ImportFile, data: bytes, actor: Actor, tell: Tell) -> Reading:
    stage = _("Checking the rows")
    found = results_read(data=data, tell=lambda share: tell(stage, share))

    def outcome(report: ResultsReport) -> Outcome:
        told = {name: getattr(report, name) for name in ("rows", "recorded", "unchanged", "failed", "units")}
        return Outcome(
            {**told, "changes": report.recorded, "written": report.written, "kind": _kind(row)},
            report.findings,
        )

    def look() -> Outcome:
        return outcome(results_store(found=found, actor=actor, dry_run=True, skip_bad=True))

    def store() -> Outcome:
        return outcome(results_store(found=found, actor=actor, skip_bad=row.skip_bad))

    return Reading(look, store)


def _kind(row: ImportFile) -> str:
    return "xlsx" if row.file_name.lower().endswith(".xlsx") else "csv"
