"""What the page of a file of units shows, by how it stands. No rules of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from bank import services_files, uploads
from bank.choices import Source
from bank.choices_files import FilePurpose, FileTask
from bank.forms_exchange import ColumnsForm, CountsForm
from bank.imports.headings import Table
from bank.imports.mapping import fits, propose
from bank.models import Bank, ImportFile, ImportMapping
from core.models import Job

SHOWN = services_files.FINDINGS_KEPT
RECENT = 5
_ABOUT_COLUMNS = frozenset({"column_unknown", "column_twice", "file_unknown_form"})


def page(file: ImportFile, form: CountsForm | ColumnsForm | None = None) -> dict[str, Any]:
    """form: the one between the steps that was sent and not accepted."""
    context = {"file": file, "start_url": start_url(file), **progress(file)}
    if file.job.state == Job.State.DONE:
        context |= _found(file, form)
    return context


def progress(file: ImportFile) -> dict[str, Any]:
    """Context of bank/_import_progress.html."""
    job = file.job
    titles = {
        Job.State.QUEUED.value: _("Waiting for a free worker"),
        Job.State.FAILED.value: _("The file could not be read"),
        Job.State.CANCELLED.value: _("Stopped. Nothing of this file is written."),
    }
    shown = {
        "state": job.state,
        "title": titles.get(job.state) or job.stage or _("Starting"),
        "share": job.share if job.is_open else None,
        "started_at": job.started_at,
        "error": job.error if job.state == Job.State.FAILED else "",
    }
    return {"file": file, "shown": shown}


def recent(files: Any) -> list[dict[str, Any]]:
    """The person's last files, each with what it waits for."""
    return [{"file": file, "state": state_of(file)} for file in files[:RECENT]]


def state_of(file: ImportFile) -> str:
    if file.is_written:
        return _("imported")
    if file.is_checked:
        return _("checked, waits for you") if uploads.is_kept(file.pk) else _("not confirmed in time")
    if file.job.is_open and file.task == FileTask.WRITE:
        return _("being written")
    return str(file.job.get_state_display())


def _found(file: ImportFile, form: CountsForm | ColumnsForm | None) -> dict[str, Any]:
    report = file.report
    asked = _questions(file, form)
    findings = [] if asked.get("question") else report["findings"]
    return {
        "report": report,
        "figures": figures(report) if file.purpose == FilePurpose.UNITS else result_figures(report),
        "place": _place(report["kind"]),
        "findings": findings,
        "more": max(0, report["errors"] - SHOWN) if findings else 0,
        "warnings": report["warnings"],
        "more_warnings": max(0, report["remarks"] - SHOWN),
        "known_url": reverse("bank:batch-detail", args=[report["known"]]) if report.get("known") else "",
        **asked,
    }


def _questions(file: ImportFile, form: CountsForm | ColumnsForm | None) -> dict[str, Any]:
    """The form without whose answer the file cannot be read, and why, where a finding says no more than that."""
    first: Mapping[str, Any] = file.findings[0] if file.findings else {}
    code = first.get("code", "")
    if code == "count_unit_needed":
        return {"counts_form": form or CountsForm(), "question": first["text"]}
    table = table_of(file)
    if table is None or (code not in _ABOUT_COLUMNS and not file.choices["mapping"] and form is None):
        return {}
    told = _("No column is called unit_no.") if code == "file_unknown_form" else first.get("text", "")
    columns = form or ColumnsForm(table=table, chosen=chosen_columns(file, table))
    return {"columns_form": columns, "question": told if code in _ABOUT_COLUMNS else ""}


def table_of(file: ImportFile) -> Table | None:
    """The headings of a checked file, where they could be mapped."""
    kept = file.report.get("table")
    return Table(kept["headings"], kept["samples"]) if kept else None


def chosen_columns(file: ImportFile, table: Table) -> list[str]:
    """A column for each heading: as chosen before, as kept for such a file of this bank, else by their names."""
    proposed = propose(table.headings)
    known = file.choices["mapping"] or _fitting(file, table)
    return [known.get(heading, proposed[place]) for place, heading in enumerate(table.headings)]


def _fitting(file: ImportFile, table: Table) -> Mapping[str, str]:
    rows = ImportMapping.objects.filter(bank__code=bank_code(file)).order_by("-updated_at")
    return next((row.columns for row in rows if fits(row.columns, table.headings)), {})


def bank_code(file: ImportFile) -> str:
    """As chosen, or the only own one; "" where the file says it."""
    codes = [file.choices["bank_code"]] if file.choices["bank_code"] else list(_codes()[:2])
    return codes[0] if len(codes) == 1 else ""


def _codes() -> Any:
    return Bank.objects.filter(source=Source.OWN).values_list("code", flat=True)


def _place(kind: str) -> str:
    """What the number before a finding counts."""
    words = {"xlsx": _("Row"), "xml": _("Unit in the file"), "json": _("Unit in the file")}
    return words.get(kind, _("Line"))


def start_url(file: ImportFile) -> str:
    """Where another file of the kind is chosen."""
    return reverse("bank:unit-import" if file.purpose == FilePurpose.UNITS else "bank:results-file")


def start_label(file: ImportFile) -> str:
    return _("Import") if file.purpose == FilePurpose.UNITS else _("Results by file")


def result_figures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"value": report["rows"], "label": _("rows")},
        {"value": report["recorded"], "label": _("new results")},
        {"value": report["units"], "label": _("units")},
        {"value": report["unchanged"], "label": _("there already, unchanged")},
        {"value": report["failed"], "label": _("with errors"), "tone": "bad" if report["failed"] else ""},
    ]


def figures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    partner = [
        {"value": report["changed"], "label": _("changed")},
        {
            "value": report["gone"],
            "label": _("gone from the list"),
            "tone": "warn" if report["gone"] else "",
        },
    ]
    waiting = {
        "value": report["held"],
        "label": _("of them wait for confirmation"),
        "tone": "warn" if report["held"] else "",
    }
    remarks = {"value": report["remarks"], "label": _("with a typing conflict"), "tone": "warn"}
    return [
        {"value": report["rows"], "label": _("rows")},
        {"value": report["imported"], "label": _("new")},
        waiting,
        *(partner if report["is_partner"] else []),
        *([remarks] if report["remarks"] else []),
        {"value": report["unchanged"], "label": _("there already, unchanged")},
        {"value": report["failed"], "label": _("with errors"), "tone": "bad" if report["failed"] else ""},
    ]
