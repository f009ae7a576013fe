"""Stored match probabilities as they may be told: 0 and 1 only where the typings themselves leave nothing else.

A search stores six digits, and a frequency set may exclude what a typing does not: both make a 0 or a 1 of what is
open. One rule for pages, API and CSV.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from matching.choices import CLASS_SIZE, QUANTITY_LOCI, WEAK_BASES, Basis
from matching.models import NewUnitFinding, SearchResult, SearchRun

LEAST: Final = 1e-6  # the last digit that is stored: told instead of 0, and as far below 1 instead of 1
ALLELE_CLASSES: Final = ("allele6", "allele8", "allele10")
Span = tuple[int, int]  # certain and possible matches


def told(share: float, fewest: int, most: int, size: int, span: Span | None) -> float:
    """The probability of `fewest` to `most` mismatches among `size` positions, neither 0 nor 1 where it is open.

    span: None where nothing is open; the share stands as it is.
    """
    if span is None:
        return share
    low, high = size - span[1], size - span[0]
    if high < fewest or most < low:
        return share
    if fewest <= low and high <= most:
        return 1.0
    return doubted(share)


def doubted(share: float) -> float:
    """A share of several that are possible: neither none nor all, however it was rounded."""
    return min(max(share, LEAST), 1 - LEAST)


def exact(share: float, mismatches: int, size: int, span: Span | None) -> float:
    """`told` of one number of mismatches."""
    return told(share, mismatches, mismatches, size, span)


def no_mismatch(share: float, size: int, classes: Mapping[str, Sequence[int]]) -> float:
    """`told` of no mismatch where only the classes are known: name -> certain and possible matches.

    Of a class that was not asked it is known that it has the mismatches of the smaller ones.
    """
    found = classes.get(f"allele{size}")
    if found is None:
        asked = [(CLASS_SIZE[name], most) for name, (_low, most) in classes.items() if name in ALLELE_CLASSES]
        found = (0, size - max((one - most for one, most in asked if one < size), default=0))
    return exact(share, 0, size, (found[0], found[1]))


def of_finding(row: NewUnitFinding) -> dict[str, float]:
    """Class size -> probability of no mismatch of a new unit."""
    return {size: no_mismatch(share, int(size), row.classes) for size, share in row.probabilities.items()}


def shares_of(found: Sequence[float], size: int, span: Span | None) -> list[float]:
    return [exact(share, at, size, span) for at, share in enumerate(found)]


def class_span(run: SearchRun, result: SearchResult, size: int) -> Span | None:
    """Certain and possible matches of a class; of one that was not asked by what is known of its loci."""
    asked = result.class_range(f"allele{size}")
    if asked is not None:
        return asked
    if has_one_genotype_each(run, result):
        return None
    spans = [_evident(result, locus) or (0, 2) for locus in QUANTITY_LOCI[str(size)]]
    return sum(low for low, _high in spans), sum(high for _low, high in spans)


def locus_span(run: SearchRun, result: SearchResult, locus: str) -> Span | None:
    found = _evident(result, locus)
    if found is None and not has_one_genotype_each(run, result):
        return 0, 2
    return found


def _evident(result: SearchResult, locus: str) -> Span | None:
    found = result.evidence.get(locus)
    if found is None:
        return None
    low, high = found["match"]
    return low, high


def has_one_genotype_each(run: SearchRun, result: SearchResult) -> bool:
    return weaker_basis(run, result) == Basis.TYPING


def class_shares(run: SearchRun, result: SearchResult, size: int) -> list[float] | None:
    """P(0), P(1), P(2) mismatches among so many positions; None where nothing can be said."""
    found = result.prediction.get(str(size))
    return None if found is None else shares_of(found, size, class_span(run, result, size))


def locus_shares(run: SearchRun, result: SearchResult, locus: str) -> list[float] | None:
    """The same at one locus."""
    found = result.prediction.get(locus)
    return None if found is None else shares_of(found, 2, locus_span(run, result, locus))


def is_certain(run: SearchRun, result: SearchResult, size: int) -> bool:
    span = class_span(run, result, size)
    return span is None or span[0] == span[1]


def patient_basis(run: SearchRun) -> str:
    """What the patient's genotypes rest on; none where no set serves the patient."""
    patient = run.prediction.get("patient")
    return str(patient["basis"]) if patient else str(Basis.NONE)


def weaker_basis(run: SearchRun, result: SearchResult) -> str:
    """What a probability rests on: the weaker of the bases of unit and patient."""
    both = (str(result.prediction.get("basis", Basis.NONE)), patient_basis(run))
    return max(both, key=Basis.values.index)


def is_estimate(run: SearchRun, result: SearchResult) -> bool:
    """Whether the frequency sets do not explain the unit or the patient, so that linkage was given up."""
    return result.prediction.get("basis") in WEAK_BASES or patient_basis(run) in WEAK_BASES
