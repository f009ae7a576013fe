"""One patient against one unit, as plain JSON: the answer of `hla_compare`, of the page and of the API."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hla.antigens import AntigenRule
from hla.directions import Direction, unit_direction
from hla.errors import TypingError, quote
from hla.interpret import error_json
from hla.leader import LOCUS as LEADER_LOCUS
from hla.leader import leader_genotype
from hla.loci import LOCI, SEARCH_LOCI
from hla.matching import CLASSES, Level, LocusEvidence, PositionEvidence, Why, explain_locus
from hla.resolve import Resolver
from hla.tce import LOCUS as TCE_LOCUS
from hla.tce import dpb1_match
from hla.typing import Blank, LocusTyping, Reading, read_gl

Json = dict[str, Any]

KEPT: Final = 50_000  # pairs of typings of a locus, and texts, whose answers are kept


ROW_ERROR: Final[Json] = {
    "side": None,
    "locus": None,
    "text": "",
    "position": None,
    "message": "The line is not an id and two typings.",
    "hint": "Write id;patient GL;unit GL, with two semicolons.",
    "code": "row",
}


@dataclass(frozen=True)
class LocusAnswer:
    """What stands in the answer for a locus, and what the classes are summed from."""

    json: Json
    matches: tuple[int, int]
    antigen_matches: tuple[int, int]
    direction: Direction

    def counts_at(self, level: Level) -> tuple[int, int]:
        """Smallest and largest number of matches at a level."""
        return self.antigen_matches if level == "antigen" else self.matches

    def direction_at(self, level: Level) -> Direction:
        """Direction of the mismatches that count at a level: alleles of matching antigens are none for antigens."""
        low, high = self.counts_at(level)
        if level == "allele" or high < 2 or self.direction == "none":
            return self.direction
        return "none" if low == 2 else "unknown"


def compare(
    patient_gl: str,
    unit_gl: str,
    resolver: Resolver,
    *,
    identifier: str | None = None,
    antigen_rule: AntigenRule = "split",
    blank: Blank = "unknown",
) -> Json:
    """Comparison of two GL texts, or the first error of either; raises for no text.

    Keys: id, loci (those searched by, and others that either side is typed at), classes, directions, dpb1, b_leader,
    conflicts, antigen_rule, release; or id, error, errors. An error names its side, "patient" or "unit".
    """
    return Comparer(resolver, antigen_rule=antigen_rule, blank=blank).compare(patient_gl, unit_gl, identifier)


class Comparer:
    """Compares many pairs with one resolver; keeps what it found of texts and of pairs at a locus."""

    def __init__(
        self, resolver: Resolver, *, antigen_rule: AntigenRule = "split", blank: Blank = "unknown"
    ) -> None:
        self.resolver = resolver
        self.antigen_rule: AntigenRule = antigen_rule
        self.blank: Blank = blank
        self._readings: dict[str, Reading] = {}
        self._loci: dict[tuple[LocusTyping, LocusTyping], LocusAnswer] = {}

    def compare(self, patient_gl: str, unit_gl: str, identifier: str | None = None) -> Json:
        """As the function of this name."""
        return self.of_readings(self._read(patient_gl), self._read(unit_gl), identifier)

    def compare_lines(self, lines: Iterable[str]) -> Iterator[Json]:
        """Answers to lines `id;patient GL;unit GL`; blank ones and a line with the columns' names give none."""
        for number, line in enumerate(lines):
            cells = [cell.strip() for cell in line.split(";")]
            if not any(cells) or (
                number == 0 and [cell.lower()[:7] for cell in cells[:2]] == ["id", "patient"]
            ):
                continue
            if len(cells) == 3:
                yield self.compare(cells[1], cells[2], cells[0])
            else:
                error = ROW_ERROR | {"text": quote(line)}
                yield {"id": cells[0], "error": error, "errors": [error]}

    def of_readings(self, patient: Reading, unit: Reading, identifier: str | None = None) -> Json:
        """As compare, for texts that have been read."""
        sides = {"patient": patient, "unit": unit}
        errors = [side_error(side, error) for side, reading in sides.items() for error in reading.errors]
        if errors:
            return {"id": identifier, "error": errors[0], "errors": errors}
        typed = patient.typing.loci.keys() | unit.typing.loci.keys() | set(SEARCH_LOCI)
        loci = {
            locus: self._locus(patient.typing.locus(locus), unit.typing.locus(locus))
            for locus in LOCI
            if locus in typed
        }
        return {
            "id": identifier,
            "loci": {locus: answer.json for locus, answer in loci.items()},
            **class_counts(loci),
            "dpb1": self._dpb1(patient, unit),
            "b_leader": {side: self._leader(reading) for side, reading in sides.items()},
            "conflicts": [found for side, reading in sides.items() for found in conflicts(side, reading)],
            "notes": {side: reading.remarks for side, reading in sides.items()},
            "antigen_rule": self.antigen_rule,
            "release": self.resolver.nomenclature.release,
        }

    def _read(self, text: str) -> Reading:
        found = self._readings.get(text)
        if found is None:
            if len(self._readings) >= KEPT:
                self._readings.clear()
            found = self._readings[text] = read_gl(text, self.resolver, blank=self.blank)
        return found

    def _locus(self, patient: LocusTyping, unit: LocusTyping) -> LocusAnswer:
        key = (patient, unit)
        found = self._loci.get(key)
        if found is None:
            if len(self._loci) >= KEPT:
                self._loci.clear()
            evidence = explain_locus(patient, unit, self.resolver, antigen_rule=self.antigen_rule)
            found = self._loci[key] = LocusAnswer(
                locus_json(evidence),
                (evidence.match_min, evidence.match_max),
                (evidence.antigen_min, evidence.antigen_max),
                evidence.direction,
            )
        return found

    def _dpb1(self, patient: Reading, unit: Reading) -> str:
        return dpb1_match(
            patient.typing.locus(TCE_LOCUS), unit.typing.locus(TCE_LOCUS), self.resolver
        ).verdict

    def _leader(self, reading: Reading) -> str:
        return leader_genotype(reading.typing.locus(LEADER_LOCUS), self.resolver)


def side_error(side: str, error: TypingError) -> Json:
    return {"side": side, **error_json(error)}


def locus_json(evidence: LocusEvidence) -> Json:
    """The counts of a locus and why."""
    return {
        "matches_min": evidence.match_min,
        "matches_max": evidence.match_max,
        "antigen_matches": span(evidence.antigen_min, evidence.antigen_max),
        "gvh": span(evidence.gvh_min, evidence.gvh_max),
        "hvg": span(evidence.hvg_min, evidence.hvg_max),
        "direction": evidence.direction,
        "positions": [position_json(position) for position in evidence.positions],
        "orientation": evidence.orientation,
    }


def position_json(position: PositionEvidence) -> Json:
    return {
        "patient": position.patient,
        "unit": position.unit,
        "grade": position.grade,
        "confidence": position.confidence,
        "why": why_json(position.why),
        "verdict": position.verdict,
        "remarks": [why_json(remark) for remark in position.remarks],
    }


def why_json(reason: Why) -> Json:
    """A reason as data, and as one English sentence."""
    return {"code": reason.code, "params": reason.params, "text": reason.text}


def span(low: int, high: int) -> dict[str, int]:
    return {"min": low, "max": high}


def class_counts(loci: Mapping[str, LocusAnswer]) -> Json:
    """Smallest and largest number of matches of each class, and the direction of what it counts as mismatches."""
    classes, directions = {}, {}
    for name, levels in CLASSES.items():
        found = [loci[locus].counts_at(level) for locus, level in levels]
        classes[name] = span(sum(low for low, _ in found), sum(high for _, high in found))
        directions[name] = unit_direction(loci[locus].direction_at(level) for locus, level in levels)
    return {"classes": classes, "directions": directions}


def conflicts(side: str, reading: Reading) -> list[Json]:
    """The loci at which the serology of a person contradicts his DNA typing."""
    return [
        {"side": side, "locus": locus, "code": note.code, "text": note}
        for locus, typing in reading.typing.loci.items()
        if (note := typing.conflict) is not None
    ]
