"""What the pages of a list of earlier transplants show, by how it stands. No rules of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from bank import presenters_import, services_files
from bank.imports.headings import Table
from bank.models import ImportFile
from core.models import Job
from transplants.forms_outcome_import import ListColumnsForm
from transplants.importing.columns import COLUMNS, EVENTS, NEEDED
from transplants.importing.mapping import propose
from transplants.models import TransplantBatch
from transplants.services_transplant_import import named_list

SHOWN = services_files.FINDINGS_KEPT
BATCHES_SHOWN = 50
_ABOUT_COLUMNS = frozenset({"column_unknown", "column_twice", "columns_needed"})


def columns() -> list[dict[str, Any]]:
    """The table of columns; the three of an event in one row."""
    by_name = {column.name: column for column in COLUMNS}
    told: list[dict[str, Any]] = []
    for name, column in by_name.items():
        event = name.removesuffix("_days").removesuffix("_on")
        if (
            name != event
            and event in (*EVENTS, "acute_severe")
            and (event in by_name or name.endswith("_days"))
        ):
            continue
        names = [name]
        if event in EVENTS:
            names += [f"{event}_on", f"{event}_days"]
        elif name == "acute_severe_on":
            names.append("acute_severe_days")
        told.append({"names": " ".join(names), "help": column.help, "needed": name in NEEDED})
    return told


def page(file: ImportFile, form: ListColumnsForm | None = None) -> dict[str, Any]:
    """form: of the columns, that was sent and not accepted."""
    context = {"file": file, **presenters_import.progress(file)}
    if file.job.state == Job.State.DONE:
        context |= _found(file, form)
    return context


def _found(file: ImportFile, form: ListColumnsForm | None) -> dict[str, Any]:
    report = file.report
    asked = _columns(file, form)
    findings = [] if asked.get("question") else report["findings"]
    return {
        "report": report,
        "figures": figures(report),
        "place": _("Row") if report["kind"] == "xlsx" else _("Line"),
        "findings": findings,
        "more": max(0, report["errors"] - SHOWN) if findings else 0,
        "warnings": report["warnings"],
        "more_warnings": max(0, report["remarks"] - SHOWN),
        **asked,
    }


def _columns(file: ImportFile, form: ListColumnsForm | None) -> dict[str, Any]:
    """The form without whose answer the file cannot be read; also where columns were chosen, to choose again."""
    first: Mapping[str, Any] = file.findings[0] if file.findings else {}
    table = table_of(file)
    about_columns = first.get("code") in _ABOUT_COLUMNS
    if table is None or file.is_written or not (about_columns or file.choices["mapping"] or form):
        return {}
    return {
        "columns_form": form or ListColumnsForm(table=table, chosen=chosen_columns(file, table)),
        "question": _question(first) if about_columns else "",
    }


def _question(finding: Mapping[str, Any]) -> str:
    """As the finding says; the known columns, which it names, stand in the form."""
    if finding["code"] == "column_unknown":
        return _("The column “%(name)s” is unknown.") % {"name": finding["column"]}
    return str(finding["text"])


def table_of(file: ImportFile) -> Table | None:
    """The headings of a checked file, where they could be mapped."""
    kept = file.report.get("table")
    return Table(kept["headings"], kept["samples"]) if kept else None


def chosen_columns(file: ImportFile, table: Table) -> list[str]:
    """A column for each heading: as chosen before, else by their names."""
    before: Mapping[str, str] = file.choices["mapping"]
    if before:
        return [before.get(heading, "") for heading in table.headings]
    return propose(table.headings)


def figures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"value": report["rows"], "label": _("rows")},
        {"value": report["imported"], "label": _("new")},
        {
            "value": report["changed"],
            "label": _("changed"),
            "tone": "warn" if report["changed"] else "",
        },
        {"value": report["unchanged"], "label": _("there already, unchanged")},
        {"value": report["dead"], "label": _("of new and changed: dead")},
        {"value": report["lost"], "label": _("of new and changed: lost to follow-up")},
        {"value": report["failed"], "label": _("with errors"), "tone": "bad" if report["failed"] else ""},
    ]


def batches() -> list[dict[str, Any]]:
    """What was taken over, the newest first."""
    rows = TransplantBatch.objects.select_related("user")[:BATCHES_SHOWN]
    return [
        {
            "row": row,
            "name": named_list(row),
            "who": (row.user.full_name or row.user.email) if row.user else "",
        }
        for row in rows
    ]
