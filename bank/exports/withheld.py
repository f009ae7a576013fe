"""Whether a file that was made may still go out: its gate judged again, at the moment when it is fetched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from uuid import UUID

from django.db.models import Q, QuerySet

from bank.choices_consent import ConsentPurpose
from bank.exports.abroad import may_go_abroad
from bank.exports.digests import unpacked
from bank.models import ConsentDeclaration, ConsentGiven, ConsentWithdrawal, CordBloodUnit, InventoryExport

MARGIN = dt.timedelta(
    hours=1
)  # for what was under way when a file was made: recorded before, committed after
CHUNK = 2_000


def has_ended(export: InventoryExport) -> bool:
    """Whether the file tells of a unit that may not be told of abroad any more.

    A file may hold a million units: only those are asked about whose mothers said something since it was made, or that
    a declaration covered which ended since. The first that may not go ends the search.
    """
    if export.snapshot_time is None:
        return False
    since = export.snapshot_time - MARGIN
    suspects = (_said(export, since), _declared(export, since))
    if not any(rows.exists() for rows in suspects):
        return False
    told = unpacked(bytes(export.digests)).keys()
    for rows in suspects:
        for some in _chunks(rows):
            here = [key for key in some if key in told]
            if set(here) - may_go_abroad(here):
                return True
    return False


def _said(export: InventoryExport, since: dt.datetime) -> QuerySet[CordBloodUnit, UUID]:
    """Units of mothers who withdrew or refused."""
    ending = (ConsentPurpose.ABROAD, ConsentPurpose.DONATION)
    withdrawn = ConsentWithdrawal.objects.standing().filter(purpose__in=ending, recorded_at__gt=since)
    refused = ConsentGiven.objects.in_force().filter(
        purpose=ConsentPurpose.ABROAD, given=False, recorded_at__gt=since
    )
    of = Q(donation__in=withdrawn.values("donation")) | Q(donation__in=refused.values("donation"))
    return CordBloodUnit.objects.filter(of, bank=export.bank_id).values_list("pk", flat=True)


def _declared(export: InventoryExport, since: dt.datetime) -> QuerySet[CordBloodUnit, UUID]:
    """Units collected in the period of a declaration that ended; another one may cover them still."""
    ended = ConsentDeclaration.objects.filter(
        bank=export.bank_id, purpose=ConsentPurpose.ABROAD, ended_at__gt=since
    )
    periods = Q()
    for first, last in ended.values_list("collected_from", "collected_until"):
        periods |= Q(collected_on__range=(first, last))
    rows = (
        CordBloodUnit.objects.filter(periods, bank=export.bank_id)
        if periods
        else CordBloodUnit.objects.none()
    )
    return rows.values_list("pk", flat=True)


def _chunks(rows: QuerySet[CordBloodUnit, UUID]) -> Iterator[Sequence[UUID]]:
    source = rows.order_by().iterator(chunk_size=CHUNK)
    while some := list(islice(source, CHUNK)):
        yield some
