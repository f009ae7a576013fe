"""Match reports: made, and kept with their file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import Installation
from core.pdf.paint import pdf_bytes
from matching.models import MatchReport, SearchResult, SearchRun
from matching.reports.bounds import FEWEST_UNITS, MOST_KEPT, MOST_UNITS
from matching.reports.given import Given, ListPart, PairLine
from matching.reports.match_report import match_report
from matching.selection.findings_kept import outcomes_of


@dataclass(frozen=True, kw_only=True)
class ReportAsked(ListPart):
    """The first units of the page's order under its filters; language: of the report."""

    language: str


@dataclass(frozen=True)
class Printed:
    """A report as a file. digest: of what it says, as printed in it."""

    pdf: bytes
    digest: str
    made_at: datetime


def report_print(*, run: SearchRun, asked: ReportAsked, actor: Actor) -> bytes:
    """The file of a report that is not kept; the audit entry holds its digest."""
    printed = _printed(run, asked, actor)
    with transaction.atomic():
        _record(run, asked, printed, actor, ("matching.SearchRun", str(run.pk), run.label))
    return printed.pdf


def report_create(
    *, run: SearchRun, asked: ReportAsked, actor: Actor, report_id: UUID | None = None
) -> MatchReport:
    """A report that is kept, to be signed and fetched again bit for bit.

    `report_id` comes from the form, so that a form sent twice meets `report_exists` instead of making two. Raises
    Conflict too where the search has as many reports as it may.
    """
    _new_id(report_id, run)
    printed = _printed(run, asked, actor)
    with transaction.atomic():
        SearchRun.objects.select_for_update(no_key=True).get(
            pk=run.pk
        )  # reports are counted by one at a time
        report: MatchReport = MatchReport.objects.create(
            id=_new_id(report_id, run),
            run=run,
            language=asked.language,
            unit_count=len(asked.results),
            units=units_of(asked),
            order=asked.order[:200],
            filters=list(asked.filters),
            policy=asked.evaluation.policy,
            policy_label=asked.evaluation.policy_label,
            digest=printed.digest,
            pdf=printed.pdf,
            pdf_sha256=hashlib.sha256(printed.pdf).hexdigest(),
            created_by=actor.label[:200],
            created_at=printed.made_at,
        )
        _record(run, asked, printed, actor, ("matching.MatchReport", str(report.pk), run.label))
    return report


def _new_id(wanted: UUID | None, run: SearchRun) -> UUID:
    """The id that the form proposes, if it is free; that of another search's report tells nothing and is not used."""
    taken = MatchReport.objects.filter(pk=wanted).values_list("run_id", flat=True).first() if wanted else None
    if taken == run.pk:
        raise Conflict("report_exists", _("This report was kept already."))
    if run.reports.count() >= MOST_KEPT:
        raise Conflict(
            "too_many_reports",
            _(
                "This search has %(most)d kept reports, and no more are kept. Use one of them, or fetch a file that is "
                "not kept."
            ),
            params={"most": MOST_KEPT},
        )
    return wanted if wanted and taken is None else uuid4()


def units_of(asked: ReportAsked) -> list[dict[str, Any]]:
    """What can be chosen from the report: its units, then those that stand in its pairs only.

    partners: units with which one makes a pair of the report; without any it was not asked for pairs, or is in none.
    excluded_by: rules that exclude it by itself. outcomes: rule -> what was found, so that whoever signs later can be
    told what has changed.
    """
    partners: dict[UUID, list[str]] = {}
    for line in _lines(asked):
        for one, other in (line.units, line.units[::-1]):
            partners.setdefault(one.id, []).append(other.unit_no)
    return [_choosable(asked, one, partners.get(one.unit_id, [])) for one in (*asked.results, *asked.beside)]


def _choosable(asked: ReportAsked, one: SearchResult, partners: list[str]) -> dict[str, Any]:
    judged = asked.judged.get(one.pk)
    return {
        "id": str(one.unit_id),
        "unit_no": one.unit.public_no,
        "rank": one.rank,
        "partners": partners,
        "excluded_by": list(judged.excluded_by) if judged else [],
        "outcomes": outcomes_of(judged),
    }


def _lines(asked: ReportAsked) -> Sequence[PairLine]:
    return asked.pairs.lines if asked.pairs else ()


def _printed(run: SearchRun, asked: ReportAsked, actor: Actor) -> Printed:
    if not run.is_finished:
        raise Conflict("search_not_finished", _("This search has not finished; there is nothing to report."))
    if len(asked.results) > MOST_UNITS:
        raise InvalidInput(
            "too_many_units",
            _("A report holds %(least)d to %(most)d units."),
            field="n",
            params={"least": FEWEST_UNITS, "most": MOST_UNITS},
        )
    made_at = timezone.now().replace(microsecond=0)
    given = Given(
        **asked.as_values(),
        run=run,
        made_by=actor.label,
        made_at=made_at,
        synthetic=Installation.load().synthetic,
    )
    document = match_report(given, asked.language)
    return Printed(pdf_bytes(document), document.digest, made_at)


def _record(
    run: SearchRun, asked: ReportAsked, printed: Printed, actor: Actor, target: tuple[str, str, str]
) -> None:
    audit.record(
        actor=actor,
        action="report.create",
        target=target,
        after={
            "run": str(run.pk),
            "digest": printed.digest,
            "pdf_sha256": hashlib.sha256(printed.pdf).hexdigest(),
            "language": asked.language,
            "policy": asked.evaluation.policy_label,
            "units": [one["unit_no"] for one in units_of(asked)],
            "pairs": [[unit.unit_no for unit in line.units] for line in _lines(asked)],
        },
        hospital_id=run.request.hospital_id,
    )
