"""The typing workbench: what texts denote and how two of them match, for its page and the API. Nothing is kept.

Answers are those of hla_explain and hla_compare (hla.interpret, hla.comparison); here they get the limits of a
request and the words of the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core.hla_messages import error_text, hint_text, note_text
from hla.antigens import AntigenRule
from hla.comparison import Comparer
from hla.errors import TypingError
from hla.interpret import Interpreter, is_gl, values_of
from hla.interpret import error_json as english_error
from hla.leader import LOCUS as LEADER_LOCUS
from hla.leader import LeaderGenotype, leader_genotype
from hla.resolve import Resolved, Resolver
from hla.tce import LOCUS as TCE_LOCUS
from hla.tce import Dpb1Match, dpb1_match
from hla.typing import Blank, LocusTyping, Reading, Typing, read_gl
from matching.presenters.words import reason_text

Json = dict[str, Any]

MAX_CHARACTERS: Final = 10_000  # of one box of the page
MAX_LINES: Final = 100
MAX_TYPINGS: Final = 1_000  # of one call of the API
MAX_PAIRS: Final = 200
MAX_CALL_CHARACTERS: Final = 1_000_000
# P groups that the answers of one call name, 15 MB of JSON. The 1,000 most ambiguous typings of the WMDA data name
# 42,000, six loci of whole families some 5,000, so that no single text comes near.
MAX_GROUPS: Final = 500_000


@dataclass(frozen=True)
class Answer:
    """One text as it was read. json: the object of hla_explain; reading: empty for a value whose locus was told."""

    text: str
    json: Json
    errors: tuple[TypingError, ...]
    reading: Reading

    @property
    def typings(self) -> list[LocusTyping]:
        """The loci that could be read."""
        return list(self.reading.typing.loci.values())


@dataclass(frozen=True)
class Pair:
    """Patient and unit as they were read, and the object of hla_compare."""

    patient: Reading
    unit: Reading
    json: Json


class Workbench:
    """Interprets and compares texts with one resolver."""

    def __init__(
        self, resolver: Resolver, *, blank: Blank = "unknown", antigen_rule: AntigenRule = "split"
    ) -> None:
        self.resolver = resolver
        self.blank: Blank = blank
        self.interpreter = Interpreter(resolver)
        self.comparer = Comparer(resolver, antigen_rule=antigen_rule, blank=blank)

    def read(self, text: str) -> Reading:
        """A GL text by the reference data in use, the remarks on rare alleles included."""
        return read_gl(text, self.resolver, blank=self.blank)

    def explain(self, text: str, *, locus: str | None = None) -> Answer:
        """What a text denotes. locus: of a single value that does not name its own."""
        if locus and not is_gl(text):
            return self._single(text, locus)
        reading = self.read(text)
        return Answer(text, self.interpreter.of_reading(text, reading), reading.errors, reading)

    def groups(self, text: str, *, locus: str | None = None) -> int:
        """How many P groups the answer of `explain` names, of several values those of each."""
        if locus and not is_gl(text):
            try:
                return self.interpreter.named_groups(self.interpreter.single(text, locus))
            except TypingError:
                return 0
        position = self.resolver.position
        typings = self.read(text).typing.loci.values()
        values = [position(typing.locus, value) for typing in typings for value in values_of(typing)]
        return sum(map(self.interpreter.named_groups, values))

    def _single(self, text: str, locus: str) -> Answer:
        try:
            value: Resolved = self.interpreter.single(text, locus)
        except TypingError as error:
            json = self.interpreter.interpret(text, locus=locus)
            return Answer(text, json, (error,), Reading(Typing.of(()), (error,)))
        json = {**self.interpreter.of_value(value), "input": text}
        return Answer(text, json, (), Reading(Typing.of(()), ()))

    def compare(self, patient: str, unit: str, *, identifier: str | None = None) -> Pair:
        """How a unit matches a patient."""
        mine, theirs = self.read(patient), self.read(unit)
        return Pair(mine, theirs, self.comparer.of_readings(mine, theirs, identifier))

    def leader(self, reading: Reading) -> LeaderGenotype:
        """HLA-B leader genotype."""
        return leader_genotype(reading.typing.locus(LEADER_LOCUS), self.resolver)

    def dpb1(self, patient: Reading, unit: Reading) -> Dpb1Match:
        """DPB1 by T-cell epitopes; the same reading twice tells the groups of one person."""
        return dpb1_match(patient.typing.locus(TCE_LOCUS), unit.typing.locus(TCE_LOCUS), self.resolver)


# --- the words of the reader's language ------------------------------------------------------------


def explained(answer: Answer) -> Json:
    """The object of hla_explain with its sentences in the language in force; codes and values beside them."""
    json = dict(answer.json)
    if answer.errors:
        errors = [error_json(error) for error in answer.errors]
        json |= {"error": errors[0], "errors": errors}
    else:
        json |= noted(json)
    if "values" in json:
        json["values"] = [value | noted(value) for value in json["values"]]
    return json


def noted(json: Json) -> Json:
    """The notes of an object in the reader's language, and their parameters."""
    notes = json["notes"]
    return {"notes": [*map(note_text, notes)], "note_params": [note.params for note in notes]}


def error_json(error: TypingError) -> Json:
    """An error with its sentences in the language in force."""
    own = {"message": error_text(error), "hint": hint_text(error), "params": error.params}
    return english_error(error) | own


def compared(pair: Pair) -> Json:
    """The object of hla_compare with its sentences in the language in force; codes and values stay beside them."""
    json = dict(pair.json)
    sides = {"patient": pair.patient, "unit": pair.unit}
    if "error" in json:
        errors = [
            {"side": side, **error_json(error)} for side, reading in sides.items() for error in reading.errors
        ]
        return json | {"error": errors[0], "errors": errors}
    json["loci"] = {
        locus: counts | {"positions": [position_json(position) for position in counts["positions"]]}
        for locus, counts in json["loci"].items()
    }
    json["conflicts"] = [
        found | {"text": note_text(found["text"]), "params": found["text"].params}
        for found in json["conflicts"]
    ]
    json["notes"] = {side: [*map(note_text, notes)] for side, notes in json["notes"].items()}
    return json


def position_json(position: Json) -> Json:
    return position | {
        "why": reason_json(position["why"]),
        "remarks": [reason_json(remark) for remark in position["remarks"]],
    }


def reason_json(reason: Json) -> Json:
    return reason | {"text": reason_text(reason)}
