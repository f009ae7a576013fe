"""Which waiting patients new units are for: their own criteria and policy, the search's own engine and order.

The new units make a snapshot of their own, small beside the inventory, and each waiting request is searched
against it. A unit counts where it would stand in the list of the request's last search.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import F, Prefetch

from bank.models import CordBloodUnit
from bank.querysets import ALL_DONORS, CORD_ONLY
from core import audit
from core.errors import DomainError
from core.jobs import ends_the_work
from core.models import Job
from hla.resolve import Resolver
from hla.typing import Typing
from hospitals.models import Patient
from matching import inventory, predictions
from matching.choices import CLASS_SIZE
from matching.computing import checked, criteria_from, policy_of
from matching.engine import snapshot as snapshots
from matching.engine.columns import UnitRow
from matching.engine.policy import Policy
from matching.engine.search import Criteria, search
from matching.engine.snapshot import Snapshot
from matching.models import MatchRequest, NewUnitFinding, SearchResult, SearchRun
from matching.patient_typings import Typed
from matching.services.runs import criteria_of
from matching.unit_rows import thousandths, unit_rows

log = logging.getLogger("qidai.new_units")

# Of more units on offer that changed (an import of the whole bank) none is compared: the waiting requests are searched
# again instead, which takes each of them one search and no more memory than a search.
MOST_UNITS = 20_000
MOST_PER_REQUEST = (
    100  # new units named to one request at a time; the rest is counted, its next list holds them
)
Place = tuple[
    int, int, int, bytes
]  # the order of a list: class, certain matches, cells, unit; smaller is better


def place(class_max: int, class_min: int, tnc_e4: int, unit_id: bytes) -> Place:
    """Where a unit stands among the candidates of a search (matching.engine.scan); smaller is better."""
    return -class_max, -class_min, -tnc_e4, unit_id


@dataclass(frozen=True)
class Asked:
    """One waiting request, ready to be searched. last: its newest list; same: made for the typing that he has now."""

    request: MatchRequest
    patient: Typing
    criteria: Criteria
    policy: Policy
    last: SearchRun | None
    same: bool

    @cached_property
    def worst(self) -> Place | None:
        """Place of the last unit of a full list of this typing; None where there is room. A query, where it matters."""
        return _worst(self.last, self.policy.primary) if self.last is not None and self.same else None


@dataclass(frozen=True)
class Found:
    """What new units are for one request: the best, best first, and how many more there are."""

    best: list[NewUnitFinding]
    cut: int


def offered_units(entries: Sequence[audit.LedgerRow]) -> dict[UUID, int]:
    """Units on offer now that these entries touched, each with the number of the last; a batch stands for its rows.

    Of more than MOST_UNITS some are missing: then none is compared. Donors for whom nobody waits are not looked at.
    """
    units = {UUID(entry.target_key): entry.number for entry in entries if entry.target_type == inventory.UNIT}
    batches: dict[UUID | None, int] = {
        UUID(entry.target_key): entry.number for entry in entries if entry.target_type == inventory.BATCH
    }
    rows = CordBloodUnit.objects.offered(_donors_awaited()).values_list("pk", "import_batch")
    found: dict[UUID, int] = {}
    for changed in (rows.filter(pk__in=list(units)), rows.filter(import_batch__in=list(batches))):
        for pk, batch in changed[: MOST_UNITS + 1]:
            found[pk] = max(units.get(pk, 0), batches.get(batch, 0))
    return found


def _donors_awaited() -> tuple[str, ...]:
    """Cord blood, and what else some waiting request asks for."""
    waiting = MatchRequest.objects.waiting()
    return tuple(
        one for one in ALL_DONORS if one in CORD_ONLY or waiting.filter(donor_types__contains=[one]).exists()
    )


def asked(resolver: Resolver, *, before: int) -> Iterator[Asked]:
    """The waiting requests whose list does not hold for change `before` yet, by the patient as he is now.

    A request whose patient cannot be searched (not typed, not readable) is left out, as it is in every search; so is
    one whose search has not begun: it will read an inventory that holds `before`.
    """
    patients = Patient.objects.with_current_typing()
    to_come = SearchRun.objects.unfinished().filter(job__state=Job.State.QUEUED)
    rows = (
        MatchRequest.objects.waiting()
        .exclude(pk__in=to_come.values("request"))
        .with_covered_number()
        .filter(covered_number__lt=before)
        .select_related("policy")
        .prefetch_related(Prefetch("patient", queryset=patients))
        .with_newest_list()
    )
    for request in rows.iterator(chunk_size=500):
        current = request.patient.current_typing
        if current is not None and (one := _asked(request, current.canonical, resolver)):
            yield one


def _asked(request: MatchRequest, typed: Typed, resolver: Resolver) -> Asked | None:
    """None for a request that cannot be searched: it keeps no other back."""
    last = request.newest_list
    try:
        policy = policy_of(request.policy)
        criteria = criteria_from(criteria_of(request), request.patient.weight_kg)
        patient = checked(typed, criteria, policy, resolver)
    except (DomainError, ValueError) as error:  # ValueError: rules that this version does not know
        log.info("%s is not compared with new units: %s", request.number, error)
        return None
    same = last is not None and last.patient_typing == {locus: list(pair) for locus, pair in typed.items()}
    return Asked(request, patient, criteria, policy, last, same)


def _worst(last: SearchRun, primary: str) -> Place | None:
    """The last place of a full list; None where there was room for more."""
    if not last.cut:
        return None
    rows = last.results.order_by(
        f"{primary}_max", f"{primary}_min", F("tnc_e7").asc(nulls_first=True), "-unit_id"
    )
    found = rows.values_list(f"{primary}_max", f"{primary}_min", "tnc_e7", "unit_id").first()
    if found is None:
        return None
    class_max, class_min, tnc_e7, unit_id = found
    return place(class_max, class_min, thousandths(tnc_e7), unit_id.bytes)


def candidates(
    one: Asked, small: Snapshot, rows: Mapping[bytes, UnitRow], numbers: Mapping[UUID, int]
) -> Found:
    """The best of the new units for a request that its list does not hold, and how many more there are."""
    # so many more than are named that those in the list already, at most a whole list, cannot push them out
    criteria = replace(one.criteria, limit=one.criteria.limit + MOST_PER_REQUEST)
    outcome = search(one.patient, criteria, small, policy=one.policy)
    ranked, primary = outcome.ranked, one.policy.primary
    if not len(ranked):
        return Found([], 0)
    units = [rows[unit_id.tobytes()] for unit_id in small.unit_ids(ranked.rows)]
    spans = ranked.classes[primary].tolist()
    places = [
        place(high, low, row.tnc_e4, row.unit_id) for row, (low, high) in zip(units, spans, strict=True)
    ]
    listed = _listed(one, primary, [row.unit_id for row in units])
    new = [
        index
        for index, row in enumerate(units)
        if (one.worst is None or places[index] < one.worst)
        and tuple(reversed(spans[index])) > listed.get(row.unit_id, (-1, -1))
    ]
    best = sorted(new, key=lambda index: places[index])[:MOST_PER_REQUEST]
    chosen = ranked.taken(np.array(best, dtype=np.int64))
    likely = _probabilities(one, small, chosen)
    found = [_finding(one, units[index], chosen, row, likely, numbers) for row, index in enumerate(best)]
    all_better = one.worst is None or places[-1] < one.worst
    beyond = outcome.funnel.cut if all_better else 0  # at most: how good they are was not looked at
    return Found(found, len(new) - len(found) + beyond)


def _listed(one: Asked, primary: str, unit_ids: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
    """Possible and certain matches of those that the last list holds already: only better they are news."""
    if one.last is None or not unit_ids:
        return {}
    rows = SearchResult.objects.filter(run=one.last, unit__in=[UUID(bytes=unit) for unit in unit_ids])
    return {
        unit.bytes: (high, low)
        for unit, high, low in rows.values_list("unit_id", f"{primary}_max", f"{primary}_min")
    }


def _finding(
    one: Asked, row: UnitRow, chosen: Any, index: int, likely: Mapping[str, Any], numbers: Mapping[UUID, int]
) -> NewUnitFinding:
    classes = {name: values[index].tolist() for name, values in chosen.classes.items()}
    dose = float(chosen.tnc_e7_per_kg[index])
    unit = UUID(bytes=row.unit_id)
    return NewUnitFinding(
        request=one.request,
        unit_id=unit,
        class_name=one.policy.primary,
        class_min=classes[one.policy.primary][0],
        class_max=classes[one.policy.primary][1],
        classes=classes,
        probabilities={
            size: round(float(values[index]), 6)
            for size, values in likely.items()
            if not np.isnan(values[index])
        },
        tnc_e7=None if row.tnc_e4 < 0 else row.tnc_e4 / 1000,
        tnc_e7_per_kg=None if np.isnan(dose) else round(dose, 6),
        ledger_number=numbers[unit],
    )


def _probabilities(one: Asked, small: Snapshot, chosen: Any) -> dict[str, Any]:
    """Class size -> probability of no mismatch of each chosen unit. A finding does not fail because of them."""
    if not len(chosen):
        return {}
    try:
        rows = predictions.predict_run(one.patient, one.request.patient.populations, small, chosen).rows
    except Exception as error:  # the unit is right without them
        if ends_the_work(error):
            raise
        log.warning("%s has no probabilities for new units", one.request.number, exc_info=True)
        return {}
    return {str(size): rows.classes[size][:, 0] for size in sorted(set(CLASS_SIZE.values()))}


def compare(
    numbers: Mapping[UUID, int],
    waiting: Sequence[Asked],
    resolver: Resolver,
    tell: Callable[[float, int], None],
) -> dict[UUID, Found]:
    """What the units are for, by request; requests for which none is are left out. tell: share done, units."""
    rows = (
        list(unit_rows(CordBloodUnit.objects.offered(ALL_DONORS).filter(pk__in=list(numbers))))
        if waiting
        else []
    )
    if not rows:  # gone meanwhile
        return {}
    small = snapshots.build(rows, resolver=resolver, ledger_number=max(numbers.values()))
    by_id = {row.unit_id: row for row in rows}
    found: dict[UUID, Found] = {}
    for at, one in enumerate(waiting):
        tell(at / len(waiting), len(rows))
        of_one = candidates(one, small, by_id, numbers)
        if of_one.best:
            found[one.request.pk] = of_one
    return found
