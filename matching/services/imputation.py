"""The inventory imputed beforehand: typings that are new since the last time, in files of this host."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from bank.querysets import CORD_ONLY
from core.populations import parse_populations
from hla.loci import SEARCH_LOCI
from hla.prediction.fits import Pair
from hla.prediction.imputed import Basis, Imputed, Part, joined
from matching import frequency_sets, inventory, predictions, reference
from matching.engine.imputed_store import UNSEEN, kept_part, typing_digest
from matching.engine.snapshot import Snapshot
from matching.models import InventoryImputation

if TYPE_CHECKING:
    from hla.prediction.impute import Imputer
    from matching.predictions import Prepared

log = logging.getLogger("qidai.imputation")

OF_A_FILE: Final = 5_000  # distinct typings
AT_ONCE: Final = 128  # imputed together: very open ones take much memory until they are cut
# Of a larger inventory nothing is kept: genotypes of a million units take gigabytes, where imputing the thousand of a
# list takes a tenth of a second. What the sets explain of it is estimated from a sample, once an hour.
KEPT_UNITS: Final = 200_000
SAMPLED_UNITS: Final = 20_000
SAMPLED_EVERY: Final = timedelta(hours=1)
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
    if _seen.get("state") == state or _sampled_lately(snapshot):
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


def _sampled_lately(snapshot: Snapshot) -> bool:
    """Whether the figures of a large inventory are young enough; other sets or reference data do not wait for them."""
    if snapshot.units_of(CORD_ONLY) <= KEPT_UNITS:
        return False
    known = list(InventoryImputation.objects.filter(updated_at__gt=timezone.now() - SAMPLED_EVERY))
    return bool(known) and all(_is_of_today(row, snapshot) for row in known)


def _is_of_today(row: InventoryImputation, snapshot: Snapshot) -> bool:
    """Whether it was made by the reference data and the sets that are in use."""
    found = predictions.prepared(frequency_sets.choose(parse_populations(row.populations)), snapshot.resolver)
    return found is not None and row.release == snapshot.origin.release and row.sets == found.sets


def forget() -> None:
    _seen.clear()


def by_populations(snapshot: Snapshot) -> dict[str, NDArray[np.int64]]:
    """Rows of the inventory's cord blood by the text of its populations; a search imputes what else it lists."""
    rows = snapshot.rows(CORD_ONLY)
    codes = snapshot.word_codes("populations", rows)
    texts = snapshot.vocabulary["populations"]
    return {texts[code]: rows[codes == code] for code in np.unique(codes).tolist()}


def _group(snapshot: Snapshot, text: str, rows: NDArray[np.int64]) -> int:
    """Impute what is missing of the units of some populations, and note what their genotypes rest on."""
    choices = frequency_sets.choose(parse_populations(text))
    prepared = predictions.prepared(choices, snapshot.resolver)
    if prepared is None:
        InventoryImputation.objects.filter(populations=text).delete()
        return 0
    asked = rows if snapshot.units_of(CORD_ONLY) <= KEPT_UNITS else _sample(rows)
    typings, counts = _distinct(snapshot, prepared, asked)
    if asked is rows:
        bases, imputed = _kept(prepared, typings)
    else:
        bases, imputed = _slim(prepared.imputer, typings).basis, 0
    share = len(rows) / len(asked)
    units = {basis.name.lower(): round(share * int(counts[bases == basis].sum())) for basis in Basis}
    InventoryImputation.objects.update_or_create(
        populations=text,
        defaults={
            "sets": prepared.sets,
            "release": snapshot.origin.release,
            "units": len(rows),
            "sampled": None if asked is rows else len(asked),
            "typings": len(typings),
            "units_by_basis": units,
            "ledger_number": snapshot.origin.ledger_number,
            "updated_at": timezone.now(),
        },
    )
    if imputed:
        log.info("imputed %d of %d distinct typings (%s)", imputed, len(typings), text or "no population")
    return imputed


def _sample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Some of the units, drawn at random: enough for a share in whole per cent."""
    drawn: NDArray[np.int64] = np.random.default_rng(len(rows)).choice(
        rows, min(SAMPLED_UNITS, len(rows)), replace=False
    )
    return drawn


def _distinct(
    snapshot: Snapshot, prepared: Prepared, rows: NDArray[np.int64]
) -> tuple[list[tuple[Pair, ...]], NDArray[np.int64]]:
    """The distinct typings of units over the loci of a table, and how many units have each."""
    codes = np.column_stack([snapshot.codes(locus, rows) for locus in SEARCH_LOCI])
    _, firsts, counts = np.unique(codes, axis=0, return_index=True, return_counts=True)
    slots = prepared.imputer.table.slots.tolist()
    return [tuple(pairs[slot] for slot in slots) for pairs in snapshot.typings(rows[firsts])], counts


def _kept(prepared: Prepared, typings: list[tuple[Pair, ...]]) -> tuple[NDArray[np.uint8], int]:
    """Impute and keep those that are not kept yet: what each rests on, and how many were imputed."""
    digests = [typing_digest(pairs) for pairs in typings]
    missing = np.flatnonzero(prepared.store.bases(digests) == UNSEEN).tolist()
    for start in range(0, len(missing), OF_A_FILE):
        portion = missing[start : start + OF_A_FILE]
        prepared.store.add(
            [digests[at] for at in portion], _slim(prepared.imputer, [typings[at] for at in portion])
        )
    if prepared.store.folder.is_dir():
        os.utime(prepared.store.folder)  # in use: _sweep looks at it
    return prepared.store.bases(digests), len(missing)


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
