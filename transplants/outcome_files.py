"""How a list of earlier transplants is read, compared and written: what bank.services_files does its jobs with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from bank.models import ImportFile
from bank.services_files import Outcome, Reading, Tell
from bank.uploads import Choices
from core.audit import Actor
from transplants.models import TransplantBatch
from transplants.services_transplant_import import (
    AskedTransplants,
    ListReport,
    ReadList,
    transplants_read,
    transplants_store,
)

_COUNTS = ("rows", "imported", "changed", "unchanged", "failed", "changes", "dead", "lost")


def read_transplants(row: ImportFile, data: bytes, actor: Actor, tell: Tell) -> Reading:
    said = Choices(**row.choices)
    asked = AskedTransplants(
        hospital=said.more.get("hospital", ""),
        own=said.more.get("own", ""),
        name=said.more.get("name", ""),
        mapping=said.mapping,
    )
    stage = _("Checking the rows")
    found = transplants_read(
        data=data, file_name=row.file_name, asked=asked, tell=lambda share: tell(stage, share)
    )

    def look() -> Outcome:
        return _outcome(transplants_store(found=found, actor=actor, dry_run=True), found, row)

    def store() -> Outcome:
        return _outcome(transplants_store(found=found, actor=actor, skip_bad=row.skip_bad), found, row)

    return Reading(look, store)


def _outcome(report: ListReport, found: ReadList, row: ImportFile) -> Outcome:
    """The batch is a row of this app: its key stands in the report, for a file has none but a batch of units."""
    told: dict[str, Any] = {name: getattr(report, name) for name in _COUNTS}
    told |= {
        "kind": found.kind,
        "ignored": list(found.ignored),
        "table": asdict(found.table) if found.table else None,
        "written": report.batch_id is not None,
        "list": str(report.batch_id or ""),
        "known": _known(row) if report.batch_id is None else "",
    }
    return Outcome(told, report.findings, report.warnings)


def _known(row: ImportFile) -> str:
    """When the very same file was taken over before; "" if it was not."""
    earlier = TransplantBatch.objects.filter(file_sha256=row.file_sha256).order_by("-created_at").first()
    return f"{earlier.created_at:%Y-%m-%d}" if earlier else ""
