"""The inventory imputed beforehand: typings that are new since the last time, in files of this host."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from bank.models import CordBloodUnit
from core.populations import parse_populations
from hla.loci import SEARCH_LOCI
from hla.prediction.fits import Pair
from hla.prediction.imputed import Basis, Imputed, Part, joined
from matching import frequency_sets, inventory, predictions, reference
from matching.engine.columns import id_keys
from matching.engine.imputed_store import UNSEEN, kept_part, typing_digest
from matching.engine.snapshot import Snapshot
from matching.models import InventoryImputation

if TYPE_CHECKING:
    from hla.prediction.impute import Imputer

log = logging.getLogger("qidai.imputation")

OF_A_FILE: Final = 5_000  # distinct typings
AT_ONCE: Final = 128  # imputed together: very open ones take much memory until they are cut
KEPT_DAYS: Final = 7  # genotypes by sets or reference data that are no longer in use
FOLDER: Final = "imputed"
_seen: dict[str, Any] = {}  # what this process found done at its last look


def imputation_refresh() -> int:
    """Impute what entered the inventory, or changed, since the last time; returns how many distinct typings.

    Nothing is done while neither the inventory nor the sets nor the reference data changed. Of several processes of a
    host one works. Searches never wait for this: they impute what is not there.
    """
    snapshot = inventory.current(reference.resolver(look=True))
    state = (snapshot.origin, frequency_sets.active_sets(look=True))
    if _seen.get("state") == state:
        return 0
    with _alone() as free:
        if not free:
            return 0
        groups = by_populations(snapshot)
        done = sum(_group(snapshot, text, rows) for text, rows in groups.items())
        InventoryImputation.objects.exclude(populations__in=groups).delete()
        _sweep()
    _seen["state"] = state
    return done


def forget() -> None:
    _seen.clear()


def by_populations(snapshot: Snapshot) -> dict[str, NDArray[np.int64]]:
    """Rows of the snapshot by the text of their units' populations."""
    known: dict[str, list[bytes]] = defaultdict(list)
    named = CordBloodUnit.objects.offered().exclude(populations="")
    for pk, text in named.values_list("pk", "populations").iterator(chunk_size=10_000):
        known[text].append(pk.bytes)
    keys = id_keys(snapshot.columns.unit_ids)
    left = np.ones(len(snapshot), dtype=np.bool_)
    found = {}
    for text, ids in known.items():
        asked = id_keys(np.frombuffer(b"".join(ids), dtype=snapshot.columns.unit_ids.dtype))
        there = np.isin(keys, asked)
        left &= ~there
        found[text] = np.flatnonzero(there)
    found[""] = np.flatnonzero(left)
    return {text: rows for text, rows in found.items() if len(rows)}


def _group(snapshot: Snapshot, text: str, rows: NDArray[np.int64]) -> int:
    """Impute what is missing of the units of some populations, and note what their genotypes rest on."""
    choices = frequency_sets.choose(parse_populations(text))
    prepared = predictions.prepared(choices, snapshot.resolver)
    if prepared is None:
        InventoryImputation.objects.filter(populations=text).delete()
        return 0
    codes = np.column_stack([snapshot.columns.codes[locus][rows] for locus in SEARCH_LOCI])
    distinct, firsts, counts = np.unique(codes, axis=0, return_index=True, return_counts=True)
    slots = prepared.imputer.table.slots.tolist()
    whole = predictions.typings_of(snapshot, rows[firsts])
    typings = [tuple(pairs[slot] for slot in slots) for pairs in whole]
    digests = [typing_digest(pairs) for pairs in typings]
    missing = np.flatnonzero(prepared.store.bases(digests) == UNSEEN).tolist()
    for start in range(0, len(missing), OF_A_FILE):
        portion = missing[start : start + OF_A_FILE]
        prepared.store.add(
            [digests[at] for at in portion], _slim(prepared.imputer, [typings[at] for at in portion])
        )
    if prepared.store.folder.is_dir():
        os.utime(prepared.store.folder)  # in use: _sweep looks at it
    bases = prepared.store.bases(digests)
    units = {basis.name.lower(): int(counts[bases == basis].sum()) for basis in Basis}
    InventoryImputation.objects.update_or_create(
        populations=text,
        defaults={
            "sets": prepared.sets,
            "release": snapshot.origin.release,
            "units": len(rows),
            "typings": len(distinct),
            "units_by_basis": units,
            "ledger_number": snapshot.origin.ledger_number,
            "updated_at": timezone.now(),
        },
    )
    if missing:
        log.info(
            "imputed %d of %d distinct typings (%s)", len(missing), len(distinct), text or "no population"
        )
    return len(missing)


def _slim(imputer: Imputer, typings: list[tuple[Pair, ...]]) -> Imputed:
    """Genotypes of typings, without those of very open ones."""
    parts: list[Part] = []
    for start in range(0, len(typings), AT_ONCE):
        found = imputer.impute_pairs(typings[start : start + AT_ONCE])
        parts += [kept_part(found.part(at)) for at in range(len(found))]
    return joined(imputer.table, parts)


def _root() -> Path:
    return Path(settings.VAR_DIR) / FOLDER


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process of this host does the same now."""
    _root().mkdir(parents=True, exist_ok=True)
    with (_root() / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _sweep() -> None:
    """Remove what was in use for none of the inventory for some days."""
    for folder in _root().iterdir():
        old = time.time() - folder.stat().st_mtime > KEPT_DAYS * 86_400
        if folder.is_dir() and old:
            shutil.rmtree(folder, ignore_errors=True)
