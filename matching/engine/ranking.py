"""Order of a match list and the direction of mismatches (matching.md 2.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NONE, GVH_ONLY, HVG_ONLY, BIDIRECTIONAL, UNKNOWN = range(5)
DIRECTIONS = ("none", "gvh_only", "hvg_only", "bidirectional", "unknown")


def best(
    class_max: NDArray[np.integer], class_min: NDArray[np.integer], tnc_e4: NDArray[np.integer], limit: int
) -> NDArray[np.int64]:
    """Positions of the best `limit` units, best first.

    class_max, class_min: (n,), matches in the primary class, 0–10. tnc_e4: (n,), nucleated cells in 10⁴, -1
    unknown, which comes last. Order: class_max, then class_min, then dose, all descending; then position,
    ascending (rows are sorted by unit id), so that nothing is left to chance. Weight divides all doses of one
    patient alike, therefore cells stand for dose. O(n + limit log limit).
    """
    key = (
        (class_max.astype(np.int64) << 48)
        | (class_min.astype(np.int64) << 40)
        | (tnc_e4.astype(np.int64) + 1)
    )
    if limit < len(key):
        cut_off = np.partition(key, len(key) - limit)[len(key) - limit]
        candidates = np.flatnonzero(key >= cut_off)
    else:
        candidates = np.arange(len(key))
    return candidates[np.argsort(-key[candidates], kind="stable")][:limit]


def direction(
    gvh_min: NDArray[np.integer],
    gvh_max: NDArray[np.integer],
    hvg_min: NDArray[np.integer],
    hvg_max: NDArray[np.integer],
) -> NDArray[np.uint8]:
    """Index into DIRECTIONS for counts of any shape: of one locus, or summed over loci for the unit.

    A direction is named when it is the same in all resolutions of both typings, else it is unknown: gvh counts
    types of the patient that the unit lacks, hvg types of the unit that the patient lacks. For sums over loci
    this says gvh_only exactly if every mismatched locus is, in every resolution.
    """
    gvh, hvg = gvh_min > 0, hvg_min > 0
    sure = (gvh == (gvh_max > 0)) & (hvg == (hvg_max > 0))
    named = gvh.astype(np.uint8) + 2 * hvg.astype(np.uint8)  # 0 none, 1 gvh, 2 hvg, 3 both
    return np.where(sure, named, np.uint8(UNKNOWN)).astype(np.uint8)
