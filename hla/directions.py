"""Direction of mismatches: of a locus over all genotypes, and of a unit over its loci."""

from collections.abc import Iterable
from typing import Literal

Direction = Literal["none", "gvh", "hvg", "bidirectional", "unknown"]
UnitDirection = Literal["matched", "gvh-only", "hvg-only", "bidirectional", "unknown"]


def direction_of(gvh_min: int, gvh_max: int, hvg_min: int, hvg_max: int) -> Direction:
    """Direction of the mismatches at a locus, if it is the same over all genotypes; else "unknown"."""
    if (gvh_min == 0 < gvh_max) or (hvg_min == 0 < hvg_max):
        return "unknown"
    if gvh_max and hvg_max:
        return "bidirectional"
    if gvh_max:
        return "gvh"
    return "hvg" if hvg_max else "none"


def unit_direction(directions: Iterable[Direction]) -> UnitDirection:
    """Direction of a unit from those of its loci: one-sided only if every mismatched locus is."""
    found = set(directions) - {"none"}
    if not found:
        return "matched"
    if "bidirectional" in found or {"gvh", "hvg"} <= found:
        return "bidirectional"
    if "unknown" in found:
        return "unknown"
    return "gvh-only" if found == {"gvh"} else "hvg-only"
