"""Lists of earlier transplants for tests: one row that is right, and whatever a test changes of it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from core.audit import Actor
from transplants.services_transplant_import import (
    AskedTransplants,
    ListReport,
    transplants_read,
    transplants_store,
)

BY = Actor.system("test")
TODAY = dt.date(2026, 3, 1)
GOOD = {
    "hospital": "H001",
    "patient": "P-1",
    "infused_on": "2015-04-10",
    "graft_type": "single",
    "diagnosis": "aml",
    "stage": "cr1",
    "age_years": "31.5",
    "sex": "F",
    "weight_kg": "54",
    "unit_1": "QD-77",
    "own_1": "yes",
    "tnc_e7_per_kg_1": "3.1",
    "cd34_e5_per_kg_1": "1.2",
    "antigen6_1": "5",
    "status": "dead",
    "last_contact_on": "2016-04-10",
    "cause": "relapse",
    "neutrophils": "yes",
    "neutrophils_days": "19",
    "acute_grade": "III",
    "acute_on": "2015-05-20",
    "relapse_days": "200",
    "chronic": "no",
}


def csv_of(*rows: dict[str, Any], delimiter: str = ",") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def row(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


def imported(
    data: bytes, *, by: Actor = BY, dry_run: bool = False, skip_bad: bool = False, **asked: Any
) -> ListReport:
    found = transplants_read(data=data, file_name="list.csv", asked=AskedTransplants(**asked), today=TODAY)
    return transplants_store(found=found, actor=by, dry_run=dry_run, skip_bad=skip_bad)


def said(report: ListReport) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.column, finding.code) for finding in report.findings]
