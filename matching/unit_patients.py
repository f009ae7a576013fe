"""Which waiting patients a unit is for: those whose newest list holds it, and those it is new for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bank.models import CordBloodUnit
from core.models import User
from matching.choices import CLASS_SIZE
from matching.models import MatchRequest, NewUnitFinding, SearchResult, SearchRun
from matching.shares import no_mismatch, of_finding


@dataclass(frozen=True)
class PatientOfUnit:
    """One waiting request that the unit is for.

    classes: class -> (certain, possible) matches. class_name orders the lists of the request. probabilities: class
    size as text -> probability of no allele mismatch. run, rank: where it stands in the newest list; None while no
    list holds it.
    """

    request: MatchRequest
    class_name: str
    classes: Mapping[str, tuple[int, int]]
    probabilities: Mapping[str, float]
    tnc_e7: float | None
    tnc_e7_per_kg: float | None
    since: datetime | None
    run: SearchRun | None = None
    rank: int | None = None

    @property
    def order(self) -> tuple[Any, ...]:
        """Best first: fewest mismatches possible, then certain, then dose, then who has waited longest."""
        low, high = self.classes[self.class_name]
        size = CLASS_SIZE[self.class_name]
        return (
            size - high,
            size - low,
            -(self.tnc_e7_per_kg or 0.0),
            self.request.submitted_at,
            self.request.pk,
        )


def patients_of_unit(unit: CordBloodUnit, user: User | None = None) -> list[PatientOfUnit]:
    """The waiting requests that the unit is for, best first; with `user` only those that he may see."""
    results, findings = SearchResult.objects.all(), NewUnitFinding.objects.all()
    if user is not None:
        results, findings = results.visible_to(user), findings.visible_to(user)
    new = {row.request_id: row for row in findings.filter(unit=unit).since_search().with_names()}
    listed = {row.run.request_id: row for row in results.of_waiting(unit) if row.run.request_id not in new}
    found = [*map(_of_finding, new.values()), *map(_of_result, listed.values())]
    return sorted(found, key=lambda one: one.order)


def _of_finding(row: NewUnitFinding) -> PatientOfUnit:
    return PatientOfUnit(
        request=row.request,
        class_name=row.class_name,
        classes={name: tuple(row.classes[name]) for name in CLASS_SIZE if name in row.classes},
        probabilities=of_finding(row),
        tnc_e7=row.tnc_e7,
        tnc_e7_per_kg=row.tnc_e7_per_kg,
        since=row.found_at,
    )


def _of_result(row: SearchResult) -> PatientOfUnit:
    shares = {str(size): getattr(row, f"p0_of{size}") for size in (6, 8, 10)}
    return PatientOfUnit(
        request=row.run.request,
        class_name=row.run.policy.primary,
        classes=row.classes,
        probabilities={
            size: no_mismatch(share, int(size), row.classes)
            for size, share in shares.items()
            if share is not None
        },
        tnc_e7=row.tnc_e7,
        tnc_e7_per_kg=row.tnc_e7_per_kg,
        since=row.run.completed_at,
        run=row.run,
        rank=row.rank,
    )
