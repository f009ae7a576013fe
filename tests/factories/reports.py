"""Kept match reports, written down without making a file."""

from __future__ import annotations

import hashlib
from typing import Any

from matching.models import MatchReport
from matching.selection.findings_kept import outcomes_of
from matching.services import evaluation_of
from tests.factories.match_list import stored_run

PDF = b"%PDF-1.3 not a real one\n"


def kept_report(units: Any = (), *, pdf_sha256: str = "", **kwargs: Any) -> MatchReport:
    """Of a finished search over `units`, all of them in it."""
    run = stored_run(units, **kwargs)
    rows = evaluation_of(run=run, policy=run.policy).rows.select_related("result")
    judged = {row.result.unit_id: row for row in rows}
    report: MatchReport = MatchReport.objects.create(
        run=run,
        language="en",
        unit_count=len(units),
        units=[
            {
                "id": str(unit.pk),
                "unit_no": unit.public_no,
                "rank": rank,
                "partners": [],
                "excluded_by": judged[unit.pk].excluded_by,
                "outcomes": outcomes_of(judged[unit.pk]),
            }
            for rank, unit in enumerate(units, start=1)
        ],
        order="class",
        policy=run.policy,
        policy_label=run.policy_label,
        digest=hashlib.sha256(str(run.pk).encode()).hexdigest(),
        pdf=PDF,
        pdf_sha256=pdf_sha256 or hashlib.sha256(PDF).hexdigest(),
        created_by="Person",
    )
    return report
