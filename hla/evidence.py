"""Why two typings of a locus match or do not: counts, the better orientation, and its two positions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hla.antigens import AntigenRule
from hla.directions import Direction
from hla.grades import Grade
from hla.positions import (
    REASONS,
    VERDICTS,
    Compared,
    Comparisons,
    PositionEvidence,
    Side,
    Verdict,
    Why,
    why,
)
from hla.resolve import Resolver
from hla.scoring import COUNT_NAMES, LocusCounts, score_locus
from hla.table import LocusTable
from hla.text import Kind
from hla.typing import LocusTyping

__all__ = ["REASONS", "LocusEvidence", "PositionEvidence", "Verdict", "Why", "explain_locus", "why"]

Orientation = Literal["direct", "cross"]


@dataclass(frozen=True, slots=True)
class LocusEvidence:
    """A locus of one patient and one unit; counts as in LocusScores. dataclasses.asdict gives plain JSON."""

    locus: str
    match_min: int
    match_max: int
    antigen_min: int
    antigen_max: int
    gvh_min: int
    gvh_max: int
    hvg_min: int
    hvg_max: int
    direction: Direction
    orientation: Orientation
    positions: tuple[PositionEvidence, PositionEvidence]
    antigen_rule: AntigenRule
    release: str


def explain_locus(
    patient: LocusTyping,
    unit: LocusTyping,
    resolver: Resolver,
    *,
    antigen_rule: AntigenRule = "split",
    counts: LocusCounts | None = None,
) -> LocusEvidence:
    """Compare the typings of one locus. Raises TypingError, and ValueError if the loci differ.

    counts: LocusScores.at(code) of this pair under this rule, if it has been scored already (quicker).
    """
    if patient.locus != unit.locus:
        raise ValueError(f"A typing of {patient.locus} cannot be compared with one of {unit.locus}.")
    if counts is None:
        table = LocusTable.build(patient.locus, [(unit.first, unit.second)], resolver)
        counts = score_locus(patient, table, antigen_rule=antigen_rule).at(len(table) - 1)
    return explain_counted(unit, Comparisons(patient, resolver, antigen_rule), counts)


def explain_counted(unit: LocusTyping, compare: Comparisons, counts: LocusCounts) -> LocusEvidence:
    """Evidence of a pair that has been scored (LocusScores.at); many units may be compared with one patient."""
    patient, resolver, antigen_rule = compare.patient, compare.resolver, compare.rule
    positions, orientation = best_shown(unit, compare, counts)
    return LocusEvidence(
        locus=patient.locus,
        **{name: getattr(counts, name) for name in COUNT_NAMES},
        direction=counts.direction,
        orientation=orientation,
        positions=positions,
        antigen_rule=antigen_rule,
        release=resolver.nomenclature.release,
    )


Positions = tuple[PositionEvidence, PositionEvidence]


def best_shown(unit: LocusTyping, compare: Comparisons, counts: LocusCounts) -> tuple[Positions, Orientation]:
    """The positions of the typings; of genotype lists the verdicts are those of the best combination.

    Their texts stay the whole ones, since no reader may take one genotype of several for the typing; a remark names
    what was compared. A match is certain only if it is so in every combination.
    """
    patient, resolver, rule = compare.patient, compare.resolver, compare.rule
    if "|" not in patient.first and "|" not in unit.first:
        return aligned(unit, compare, counts)
    mine, theirs, combined, found = best_combination(patient, unit, resolver, rule)
    positions, orientation = aligned(theirs, Comparisons(mine, resolver, rule), found)
    certain = sum(position.verdict == "allele" for position in positions) <= counts.match_min
    shown = [position if certain else doubted(position) for position in positions]
    units = (unit.first, unit.second) if orientation == "direct" else (unit.second, unit.first)
    first, second = (
        replace(
            position,
            patient=whole,
            unit=text,
            remarks=(*position.remarks, compared_as(position, combined)),
        )
        for position, whole, text in zip(shown, (patient.first, patient.second), units, strict=True)
    )
    return (first, second), orientation


def compared_as(position: PositionEvidence, count: int) -> Why:
    """Which of several values of a position were compared."""
    values = {side: getattr(position, side) or "–" for side in ("patient", "unit")}
    return why("one_genotype", **values, count=count)


def best_combination(
    patient: LocusTyping, unit: LocusTyping, resolver: Resolver, rule: AntigenRule
) -> tuple[LocusTyping, LocusTyping, int, LocusCounts]:
    """The pair of alternatives with most matches, how many pairs there are, and the counts of that pair."""
    locus = patient.locus
    table = LocusTable(locus, resolver)
    codes = table.extend(unit.alternatives)
    best: tuple[int, LocusTyping, LocusTyping, LocusCounts] | None = None
    for pair in patient.alternatives:
        mine = LocusTyping(locus, *pair, kind="pair")
        scores = score_locus(mine, table, antigen_rule=rule)
        names = ("match_max", "antigen_max", "match_min", "antigen_min")
        ranks = sum(
            getattr(scores, name)[codes].astype(np.int64) * 3 ** (3 - at) for at, name in enumerate(names)
        )
        place = int(np.argmax(ranks))
        if best is None or int(ranks[place]) > best[0]:
            theirs = LocusTyping(locus, *unit.alternatives[place], kind="pair")
            best = (int(ranks[place]), mine, theirs, scores.at(int(codes[place])))
    assert best is not None  # every typing has an alternative
    return best[1], best[2], len(patient.alternatives) * len(codes), best[3]


def doubted(position: PositionEvidence) -> PositionEvidence:
    """A match that is certain in one combination of genotypes but not in all."""
    if position.verdict != "allele":
        return position
    return replace(position, verdict="potential", confidence="potential")


def aligned(unit: LocusTyping, compare: Comparisons, counts: LocusCounts) -> tuple[Positions, Orientation]:
    """The positions in the better orientation: more matches, then better grades; direct if equal."""
    first, second = compare.beside(unit)
    direct, cross = [first.first, second.second], [second.first, first.second]
    orientation: Orientation = "cross" if quality(cross) > quality(direct) else "direct"
    found = cross if orientation == "cross" else direct
    if found[0].matches + found[1].matches > counts.match_max:
        antigen = counts.antigen_max > counts.match_max
        found = one_type_only(found, "antigen" if antigen else "mismatch")
    both = (*compare.mine, first.side, second.side)
    if found[0].related + found[1].related > counts.antigen_max and is_twice(both):
        found = one_type_only(found, "mismatch")
    if found[0].related + found[1].related < counts.antigen_max:
        found = [with_other_orientation(one, counts.antigen_max) for one in found]
    return (found[0].shown, found[1].shown), orientation


def with_other_orientation(one: Compared, count: int) -> Compared:
    """A mismatch that the antigen count does not have: allele matches decide which orientation is shown."""
    if one.related:
        return one
    remarks = (*one.shown.remarks, why("other_orientation", count=count))
    return Compared(replace(one.shown, remarks=remarks), related=False)


def is_twice(sides: Sequence[Side]) -> bool:
    """Whether one type by DNA counts twice, so that it can be only one of the antigens it may have."""
    return any(side.null for side in sides) and all(
        side.counts_as.kind is not Kind.SEROLOGY for side in sides
    )


def quality(positions: list[Compared]) -> int:
    return positions[0].quality + positions[1].quality


def one_type_only(found: list[Compared], verdict: Verdict) -> list[Compared]:
    """Take back the weaker of two matches that one and the same unknown type cannot both make."""
    weaker = max(range(2), key=lambda place: (VERDICTS.index(found[place].shown.verdict), place))
    grade: Grade = "split" if verdict == "antigen" else "mismatch"
    shown = replace(
        found[weaker].shown, verdict=verdict, why=why("one_type"), grade=grade, confidence="mismatch"
    )
    found[weaker] = Compared(shown, related=verdict == "antigen")
    return found
