"""New units for waiting patients: the ledger followed, what is found written with the number reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit, jobs
from core.audit import Actor
from core.jobs import Claim
from core.models import Job, User
from matching import inventory, reference
from matching.models import MatchRequest, NewUnitCursor, NewUnitFinding
from matching.services import comparing, nights, watches
from matching.services.comparing import Asked, Found

KIND = "new_units"
PAGE = 10_000  # entries of the ledger that one job takes on
_FAILED = gettext_lazy("Comparing new units failed for a reason inside the program. Tell the administrator.")
_VALUES = [
    "class_name", "class_min", "class_max", "classes", "probabilities", "tnc_e7", "tnc_e7_per_kg", "ledger_number",
]  # fmt: skip


@dataclass(frozen=True)
class _Step:
    """The part of the ledger that a job takes on, and what it found. units: on offer, of `too_many` so far counted."""

    start: int
    end: int
    units: int
    requests: int
    found: dict[UUID, Found]

    @property
    def too_many(self) -> bool:
        return self.units > comparing.MOST_UNITS

    @property
    def figures(self) -> dict[str, int]:
        named = sum(len(one.best) for one in self.found.values())
        cut = sum(one.cut for one in self.found.values())
        figures = {"units": self.units, "requests": self.requests, "found": named, "cut": cut}
        return {**figures, "too_many": 1} if self.too_many else figures


def units_follow() -> Job | None:
    """Queue the comparison of units that changed since the last one; None where none did or one is under way.

    The key holds the number from which it starts: rung twice, it is one job. After a failure it is tried anew
    in the next hour, from the same number.
    """
    start = _cursor_number()
    if not audit.ledger_since(start, target_types=inventory.CHANGES, limit=1):
        return None
    if Job.objects.filter(kind=KIND).open().exists():
        return None
    job = jobs.job_create(
        kind=KIND,
        key=f"{KIND}:{start}:{timezone.now():%Y%m%d%H}",
        title=_("New units compared with the waiting patients"),
        actor=Actor.system("new units"),
    )
    return job if job.is_open else None


def _cursor_number() -> int:
    return NewUnitCursor.objects.values_list("number", flat=True).first() or 0


def new_units_execute(*, job_id: UUID) -> dict[str, int] | None:
    """Do the comparison of a job, exactly once whoever calls how often. None: not ours, lost, or failed."""
    figures = jobs.carry_out(job_id, _compare_and_store, failed=_FAILED)
    if figures is not None:
        units_follow()  # what came meanwhile does not wait for the beat
    return figures


def _compare_and_store(claim: Claim) -> dict[str, int]:
    """The ledger is read before the requests: whoever asks later is searched with an inventory that holds the units."""
    start = _cursor_number()
    entries = audit.ledger_since(start, target_types=inventory.CHANGES, limit=PAGE)
    end = entries[-1].number if entries else start
    numbers = comparing.offered_units(entries)
    if not numbers or len(numbers) > comparing.MOST_UNITS:
        return _store(claim, _Step(start, end, len(numbers), 0, {}))
    resolver = reference.resolver(look=True)
    teller = jobs.Teller(claim)

    def tell(share: float, units: int) -> None:
        teller(_("Comparing new units with the waiting patients"), 0.05 + 0.9 * share, units=units)

    asked: list[Asked] = []
    for one in comparing.asked(resolver, before=end):
        asked.append(one)
        tell(0.0, 0)
    found = comparing.compare(numbers, asked, resolver, tell)
    return _store(claim, _Step(start, end, len(numbers), len(asked), found))


def _store(claim: Claim, step: _Step) -> dict[str, int]:
    """Findings, number reached, audit entry and the end of the job are one transaction under the claim.

    Where there were too many units, so is the job that searches the waiting requests again: nothing is missed.
    """
    with claim.guard():
        NewUnitCursor.objects.get_or_create(pk=1)
        cursor = NewUnitCursor.objects.select_for_update(no_key=True).get(pk=1)
        if cursor.number != step.start:  # another job of an earlier hour did this part
            claim.succeed({"already": cursor.number})
            return {}
        now = timezone.now()
        better = {request_id: found.best for request_id, found in step.found.items()}
        watches.tell(lambda: watches.tell_of_findings(better))
        for request_id, found in step.found.items():
            _write(request_id, found, now)
        if step.too_many:
            nights.night_start(actor=Actor.system("new units"), key=f"{KIND}:{step.end}")
        cursor.number, cursor.updated_at = step.end, now
        cursor.save()
        claim.succeed(step.figures)
        audit.record(
            actor=Actor.system("new units"),
            action="units.compare",
            target=("matching.NewUnitCursor", "1", f"{step.start} – {step.end}"),
            after=step.figures,
        )
    return step.figures


def _write(request_id: UUID, found: Found, now: datetime) -> None:
    """One row a request and unit. What a list held meanwhile is news again; else only the values are renewed."""
    rows = found.best
    for row in rows:
        row.found_at = now
    units = [row.unit_id for row in rows]
    known = NewUnitFinding.objects.filter(request=request_id, unit__in=units).with_list()
    listed = [row.pk for row in known if row.ledger_number <= row.covered_number]
    NewUnitFinding.objects.filter(pk__in=listed).delete()
    NewUnitFinding.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["request", "unit"], update_fields=_VALUES
    )


@transaction.atomic
def new_units_see(*, request: MatchRequest, findings: Iterable[NewUnitFinding], user: User) -> None:
    """A person of the hospital was shown these new units of the request. Others change nothing.

    A page waits for no batch: a row that one holds just now is seen the next time.
    """
    if request.hospital_id not in user.hospital_ids:
        return
    unseen = [row.pk for row in findings if row.seen_at is None]
    if not unseen:
        return
    rows = NewUnitFinding.objects.filter(pk__in=unseen, request=request, seen_at__isnull=True)
    free = list(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
    if NewUnitFinding.objects.filter(pk__in=free).update(seen_at=timezone.now()):
        audit.record(
            actor=Actor.user(user),
            action="units.see",
            target=request,
            after={"units": len(free)},
            hospital_id=request.hospital_id,
        )
