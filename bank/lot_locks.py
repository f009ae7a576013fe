"""Locks of lots, in one order: of a lot and of those that are the same lot under another name."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from bank.models import Lot

_SHARED = "SELECT id FROM bank_lot WHERE id = ANY (%s::uuid[]) ORDER BY id FOR SHARE"
_ALONE = "SELECT id FROM bank_lot WHERE id = ANY (%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"


class _Moved(Exception):
    """While one waited for a lock, a lot was merged: others are to be locked too."""


def lock_lots(lot_ids: Iterable[UUID], *, to_merge: bool = False) -> dict[UUID, Lot]:
    """Lots, read behind locks that are taken by key, with those into which one of them was merged.

    Others who use the same lot share it; whoever blocks or merges it waits. to_merge: shared with nobody, and with the
    names of each, which move. A merge that came first gives up the locks and begins anew: none is taken out of order.
    """
    wanted = _with_kin(set(lot_ids), to_merge)
    while True:
        try:
            with transaction.atomic():  # a savepoint: leaving it by an exception frees what it locked
                with connection.cursor() as cursor:
                    cursor.execute(_ALONE if to_merge else _SHARED, [sorted(map(str, wanted))])
                found = _with_kin(wanted, to_merge)
                if not found <= wanted:
                    raise _Moved
                return dict(Lot.objects.in_bulk(wanted))
        except _Moved:
            wanted = found


def _with_kin(lot_ids: set[UUID], to_merge: bool) -> set[UUID]:
    """The keys, what each was merged into, and with to_merge what was merged into each."""
    into = Lot.objects.filter(pk__in=lot_ids, merged_into__isnull=False)
    kin = set(into.values_list("merged_into_id", flat=True))
    if to_merge:
        kin |= set(Lot.objects.filter(merged_into__in=lot_ids).values_list("pk", flat=True))
    return lot_ids | kin


_OF_UNIT = (
    "SELECT id FROM bank_lot WHERE id IN (SELECT lot_id FROM bank_lotuse WHERE unit_id = %s)"
    " ORDER BY id FOR SHARE"
)


def share_lots(unit_id: UUID) -> None:
    """Until the end of the transaction nobody blocks a lot that was used on the unit. The caller holds the unit.

    So who judges a unit by its lots, and who blocks one, wait for one another.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OF_UNIT, [str(unit_id)])
