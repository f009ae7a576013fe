"""After other reference data came to use: every typing read anew, what changed stored for people to see."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.models import CordBloodUnit
from bank.models.unit import HLA_COLUMNS, LISTED_LOCI
from bank.querysets import ALL_DONORS
from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict
from core.jobs import Claim
from core.reference import builtin_nomenclature
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from hospitals.models import Patient
from matching import reference
from matching.models import (
    LoadedReference,
    MacTableVersion,
    MatchRequest,
    NomenclatureRelease,
    Rereading,
    TypingChange,
)
from matching.rereading import Change, Comparison

log = logging.getLogger("qidai.rereading")

KIND = "reread"
CHUNK = 5_000
TELL_EVERY = 50_000
_FAILED = gettext_lazy(
    "Reading the typings anew failed for a reason inside the program. Tell the administrator."
)

Table = TypeVar("Table")
Key = tuple[str, str, str]  # locus, first, second


@dataclass
class Touched:
    """Who has a typing: units on offer, open requests."""

    units: int = 0
    requests: set[UUID] = field(default_factory=set)


def rereading_start(*, before: LoadedReference | None, after: LoadedReference, actor: Actor) -> Rereading:
    """Queue the comparison of the data in use before an activation with those after it; the caller's transaction."""
    sides = {
        "release": NomenclatureRelease.objects.active().defer("compiled").first(),
        "mac": MacTableVersion.objects.active().defer("compiled").first(),
    }
    changed = "release" if isinstance(after, NomenclatureRelease) else "mac"
    rereading = Rereading(
        created_by=actor.label[:200],
        **{f"{kind}_after": row for kind, row in sides.items()},
        **{f"{kind}_before": before if kind == changed else row for kind, row in sides.items()},
    )
    rereading.job = jobs.job_create(
        kind=KIND,
        key=f"{KIND}:{rereading.pk}",
        title=_("Typings read anew: %(step)s") % {"step": rereading.step},
        actor=actor,
    )
    rereading.save(force_insert=True)
    return rereading


def rereading_execute(*, job_id: UUID) -> Rereading | None:
    """Do the work of a job, exactly once whoever calls how often. None: not ours, lost, or failed."""
    return jobs.carry_out(job_id, _compare_and_store, failed=_FAILED)


def _compare_and_store(claim: Claim) -> Rereading:
    rereading = Rereading.objects.get(job_id=claim.job_id)
    after = _resolver(rereading, "after")  # first: what is in use has to be readable
    try:
        comparison = Comparison(_resolver(rereading, "before"), after)
    except Conflict as error:
        log.warning("rereading %s compares nothing: %s", claim.job_id, error)
        return _store_uncompared(claim, rereading)
    touched: dict[Key, Touched] = defaultdict(Touched)
    _count_units(touched, claim)
    _count_requests(touched)
    changes: dict[Key, Change] = {}
    for number, key in enumerate(touched, 1):
        if number % TELL_EVERY == 0:
            claim.progress(_("Comparing the typings"), 0.2 + 0.5 * number / len(touched), typings=number)
        if change := comparison.typing(*key):
            changes[key] = change
    units = _units_with(changes, claim)
    requests = frozenset().union(*(touched[key].requests for key in changes))
    return _store(claim, rereading, touched, changes, units=units, requests=len(requests))


def _resolver(rereading: Rereading, side: str) -> Resolver:
    release: NomenclatureRelease | None = getattr(rereading, f"release_{side}")
    mac: MacTableVersion | None = getattr(rereading, f"mac_{side}")
    return Resolver(
        _decoded(release, Nomenclature.from_bytes) if release else builtin_nomenclature(),
        _decoded(mac, MacTable.from_bytes) if mac else EMPTY_MAC,
    )


def _decoded(row: LoadedReference, decode: Callable[[bytes], Table]) -> Table:
    return reference.decoded(row.version, decode, bytes(row.compiled))


def _count_units(touched: dict[Key, Touched], claim: Claim) -> None:
    """Distinct typings of the units on offer, counted by the database, locus by locus."""
    for place, locus in enumerate(LISTED_LOCI):
        claim.progress(_("Reading the inventory"), 0.2 * place / len(LISTED_LOCI), typings=len(touched))
        columns = [f"hla_{locus.lower()}_{position}" for position in (1, 2)]
        rows = (
            CordBloodUnit.objects.offered(ALL_DONORS)
            .order_by()
            .values_list(*columns)
            .annotate(count=Count("pk"))
        )
        for first, second, count in rows.iterator(chunk_size=CHUNK):
            if first or second:
                touched[locus, first, second].units = count


def _count_requests(touched: dict[Key, Touched]) -> None:
    """Typings of the patients with open requests, as they are now."""
    requests: dict[UUID, list[UUID]] = defaultdict(list)
    for request, patient in MatchRequest.objects.open().order_by().values_list("pk", "patient_id"):
        requests[patient].append(request)
    patients = Patient.objects.filter(match_requests__in=MatchRequest.objects.open()).distinct()
    for patient in patients.order_by().with_current_typing().iterator(chunk_size=CHUNK):
        current = patient.current_typing
        for locus, (first, second) in (current.canonical if current else {}).items():
            if first or second:
                touched[locus, first, second].requests.update(requests[patient.pk])


def _units_with(changes: dict[Key, Change], claim: Claim) -> int:
    """Number of units on offer with a changed typing; one with several counts once."""
    if not changes:
        return 0
    loci = tuple(LISTED_LOCI)
    found = 0
    rows = CordBloodUnit.objects.offered(ALL_DONORS).order_by().values_list(*HLA_COLUMNS)
    for number, values in enumerate(rows.iterator(chunk_size=CHUNK), 1):
        if number % TELL_EVERY == 0:
            claim.progress(_("Counting the units"), 0.7, units=number)
        found += any(key in changes for key in zip(loci, values[::2], values[1::2], strict=True))
    return found


def _store(
    claim: Claim,
    rereading: Rereading,
    touched: dict[Key, Touched],
    changes: dict[Key, Change],
    *,
    units: int,
    requests: int,
) -> Rereading:
    """All changes, the figures, the audit entry and the end of the job are one transaction under the claim."""
    claim.progress(_("Storing what changed"), 0.9, units=units)  # the rest also tells of patients
    with claim.guard():
        TypingChange.objects.bulk_create(_rows(rereading, touched, changes), batch_size=1_000)
        rereading.typings, rereading.changed = len(touched), len(changes)
        rereading.units, rereading.requests = units, requests
        rereading.completed_at = timezone.now()
        rereading.save()
        figures = {"typings": len(touched), "changed": len(changes), "units": units, "requests": requests}
        claim.succeed(figures)
        audit.record(
            actor=Actor.system("rereading"), action="reference.reread", target=rereading, after=figures
        )
    return rereading


def _store_uncompared(claim: Claim, rereading: Rereading) -> Rereading:
    """The data of before cannot be read any more, and loading them again would not bring back what was compared."""
    claim.progress(_("Nothing compared: the earlier data cannot be read"), 0.9)
    with claim.guard():
        rereading.compared, rereading.completed_at = False, timezone.now()
        rereading.save()
        claim.succeed({"compared": False})
        audit.record(
            actor=Actor.system("rereading"),
            action="reference.reread",
            target=rereading,
            after={"compared": False},
        )
    return rereading


def _rows(
    rereading: Rereading, touched: dict[Key, Touched], changes: dict[Key, Change]
) -> Iterator[TypingChange]:
    """Those that touch most first."""

    def weight(key: Key) -> tuple[Any, ...]:
        return -len(touched[key].requests), -touched[key].units, key

    for number, key in enumerate(sorted(changes, key=weight), 1):
        locus, first, second = key
        requests = sorted(touched[key].requests)
        yield TypingChange(
            rereading=rereading,
            number=number,
            locus=locus,
            first=first,
            second=second,
            kinds=list(changes[key].kinds),
            details=changes[key].details,
            units=touched[key].units,
            requests=requests,
            request_count=len(requests),
        )
