"""Why each kept unit stands where it stands: per locus and position, written once per distinct typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, Final

import numpy as np

from hla.evidence import REASONS as KERNEL_REASONS
from hla.evidence import LocusEvidence, PositionEvidence, Why, explain_counted
from hla.positions import Comparisons
from hla.scoring import COUNT_NAMES, LocusCounts
from hla.typing import LocusTyping, Typing, untyped
from matching.engine.columns import Pair
from matching.engine.policy import Policy
from matching.engine.search import Ranked
from matching.engine.snapshot import Snapshot

# The kernel's reasons and those that only a search can have.
REASONS: Final[Mapping[str, str]] = {
    **KERNEL_REASONS,
    "unreadable": "The nomenclature in use cannot read {text}: any type is possible.",
}
Evidence = Mapping[str, Mapping[int, LocusEvidence]]  # locus -> code of the snapshot -> evidence


def explain(patient: Typing, ranked: Ranked, snapshot: Snapshot, policy: Policy) -> Evidence:
    """Evidence for every distinct typing among the kept units: at most kept × loci comparisons, often far fewer."""
    return {locus: _of_locus(patient.locus(locus), ranked, snapshot, policy) for locus in ranked.locus}


def _of_locus(
    patient: LocusTyping, ranked: Ranked, snapshot: Snapshot, policy: Policy
) -> dict[int, LocusEvidence]:
    locus = patient.locus
    codes, first_at = np.unique(snapshot.codes(locus, ranked.rows), return_index=True)
    book = snapshot.books[locus]
    compare = Comparisons(patient, snapshot.resolver, policy.antigen_rule)
    found, known = {}, codes.tolist()
    counted = ranked.locus[locus][first_at].tolist()
    for code, raw, counts in zip(known, book.texts(known), counted, strict=True):
        unreadable = book.is_unreadable(code)
        unit = untyped(locus) if unreadable else unit_typing(locus, raw)
        explained = explain_counted(unit, compare, LocusCounts(*counts))
        found[code] = _with_raw_text(explained, raw) if unreadable else explained
    return found


def _with_raw_text(explained: LocusEvidence, raw: Pair) -> LocusEvidence:
    """Counted as untyped, but people see what is written in the inventory, and that it cannot be read."""
    first, second = (
        replace(position, unit=text, why=_cannot_read(text)) if text else position
        for position, text in zip(explained.positions, raw, strict=True)
    )
    return replace(explained, positions=(first, second))


def _cannot_read(text: str) -> Why:
    return Why("unreadable", {"text": text}, REASONS["unreadable"].format(text=text))


def unit_typing(locus: str, raw: Pair) -> LocusTyping:
    """The typing behind readable texts of the snapshot."""
    first, second = raw
    if not first and not second:
        return untyped(locus)
    # canonical texts that the dictionary has resolved: reading them again would cost as much as explaining them
    return LocusTyping(locus, first, second, "pair" if first and second else "single")


def plain(evidence: LocusEvidence) -> dict[str, Any]:
    """Evidence as JSON. Reasons are codes with parameters (REASONS): pages word them."""
    return {**plain_counts(evidence), "positions": [plain_position(one) for one in evidence.positions]}


# All that plain_counts is made of.
counts_of: Final[Callable[[LocusEvidence], tuple[Any, ...]]] = attrgetter(
    *COUNT_NAMES, "direction", "orientation"
)


def plain_counts(evidence: LocusEvidence) -> dict[str, Any]:
    """All of it but the positions."""
    return {
        "match": [evidence.match_min, evidence.match_max],
        "antigen": [evidence.antigen_min, evidence.antigen_max],
        "gvh": [evidence.gvh_min, evidence.gvh_max],
        "hvg": [evidence.hvg_min, evidence.hvg_max],
        "direction": evidence.direction,
        "orientation": evidence.orientation,
    }


def plain_position(position: PositionEvidence) -> dict[str, Any]:
    return {
        "patient": position.patient,
        "unit": position.unit,
        "verdict": position.verdict,
        "grade": position.grade,
        "confidence": position.confidence,
        "why": _reason(position.why),
        "remarks": [_reason(remark) for remark in position.remarks],
    }


def _reason(why: Why) -> dict[str, Any]:
    return {"code": why.code, "params": why.params}
