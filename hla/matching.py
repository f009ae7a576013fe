"""Matching, as the rest of the system uses it: tables of typings, scores, classes, directions, evidence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from hla.directions import Direction, UnitDirection, direction_of, unit_direction
from hla.evidence import LocusEvidence, PositionEvidence, Why, explain_locus
from hla.scoring import LocusCounts, LocusScores, score_locus
from hla.table import LocusTable

Level = Literal["antigen", "allele"]

# A class is the sum over these loci of the matches at this level.
CLASSES: Final[Mapping[str, tuple[tuple[str, Level], ...]]] = MappingProxyType(
    {
        "antigen6": (("A", "antigen"), ("B", "antigen"), ("DRB1", "allele")),
        "allele6": (("A", "allele"), ("B", "allele"), ("DRB1", "allele")),
        "allele8": (("A", "allele"), ("B", "allele"), ("C", "allele"), ("DRB1", "allele")),
        "allele10": (
            ("A", "allele"),
            ("B", "allele"),
            ("C", "allele"),
            ("DRB1", "allele"),
            ("DQB1", "allele"),
        ),
    }
)


__all__ = [
    "CLASSES",
    "Direction",
    "Level",
    "LocusCounts",
    "LocusEvidence",
    "LocusScores",
    "LocusTable",
    "PositionEvidence",
    "UnitDirection",
    "Why",
    "direction_of",
    "explain_locus",
    "score_locus",
    "unit_direction",
]
