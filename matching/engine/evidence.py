"""Why each kept unit stands where it stands: per locus and position, written once per distinct typing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from hla.evidence import REASONS as KERNEL_REASONS
from hla.evidence import LocusEvidence, PositionEvidence, Why, explain_locus
from hla.scoring import LocusCounts
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
    codes, first_at = np.unique(snapshot.columns.codes[locus][ranked.rows], return_index=True)
    found = {}
    for code, place in zip(codes.tolist(), first_at, strict=True):
        explained = explain_locus(
            patient,
            unit_typing(snapshot, locus, code),
            snapshot.resolver,
            antigen_rule=policy.antigen_rule,
            counts=LocusCounts(*ranked.locus[locus][place].tolist()),
        )
        unreadable = snapshot.dictionaries[locus].unreadable[code]
        raw = snapshot.columns.pairs[locus][code]
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


def unit_typing(snapshot: Snapshot, locus: str, code: int) -> LocusTyping:
    """The typing behind a code of the snapshot; untyped where it cannot be read."""
    if snapshot.dictionaries[locus].unreadable[code]:
        return untyped(locus)
    first, second = snapshot.columns.pairs[locus][code]
    if not first and not second:
        return untyped(locus)
    # canonical texts that the dictionary has resolved: reading them again would cost as much as explaining them
    return LocusTyping(locus, first, second, "pair" if first and second else "single")


def plain(evidence: LocusEvidence) -> dict[str, Any]:
    """Evidence as JSON. Reasons are codes with parameters (REASONS): pages word them."""
    return {
        "match": [evidence.match_min, evidence.match_max],
        "antigen": [evidence.antigen_min, evidence.antigen_max],
        "gvh": [evidence.gvh_min, evidence.gvh_max],
        "hvg": [evidence.hvg_min, evidence.hvg_max],
        "direction": evidence.direction,
        "orientation": evidence.orientation,
        "positions": [_position(position) for position in evidence.positions],
    }


def _position(position: PositionEvidence) -> dict[str, Any]:
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
