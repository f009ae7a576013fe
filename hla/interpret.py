"""What a typing denotes, as plain JSON: the answer of `hla_explain`, of the page and of the API.

A text with one value gives a flat object; one with several (`A*02:01+A*24:02^B*46:01`) gives the same keys summed
up over them, and the flat object of each in `values`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from hla.antigens import AntigenLevel, AntigenSet
from hla.errors import Note, TypingError
from hla.loci import LOCI, SEROLOGY_PREFIX
from hla.nomenclature import PGroups, field_key
from hla.resolve import Resolved, Resolver
from hla.text import Kind, fold_text, read_value
from hla.typing import Blank, LocusTyping, Reading, read_gl

Json = dict[str, Any]

# Loci at which every allele has an antigen, if need be its first field; elsewhere only WHO antigens are named.
ASSIGNED_LOCI: Final = frozenset({"A", "B", "C", "DRB1", "DRB3", "DRB4", "DRB5", "DQB1"})
LEVELS: Final[tuple[AntigenLevel, ...]] = ("split", "broad", "associated")
OPERATORS: Final = "+^|~?#"
DIGITS: Final = "0123456789"
KEPT: Final = 50_000  # values whose answers are kept
BUILTIN_SHOWN: Final = (
    100  # a family of the built-in nomenclature has thousands of groups that need not exist
)
GROUPS_UNKNOWN: Final = "groups_unknown"  # code of the note


def interpret(text: str, resolver: Resolver, *, locus: str | None = None, blank: Blank = "unknown") -> Json:
    """Interpretation of a value, a pair or a whole GL text, or its error; raises for no text.

    locus: the locus of a single value that does not name it ("02:01"). blank: as in read_gl. Keys: input, locus,
    kind, canonical, p_groups, antigens, expressed, ambiguous, null_possible, notes, note_codes, release and, for
    several values, values; or input, error, errors and, for several values, values of what could be read.
    """
    return Interpreter(resolver).interpret(text, locus=locus, blank=blank)


def error_json(error: TypingError) -> Json:
    """An error as data; position: characters before the offending part, null if it has no place."""
    return {
        "locus": error.locus,
        "text": error.text,
        "position": error.position,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
    }


class Interpreter:
    """Interprets many texts with one resolver; keeps what it found of each value."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.names = resolver.nomenclature
        self._groups: dict[tuple[str, PGroups], list[str]] = {}
        self._group_names: dict[tuple[str, int], tuple[tuple[int, tuple[int, ...]], str]] = {}
        self._antigens: dict[tuple[str, frozenset[AntigenSet]], dict[str, list[str]]] = {}
        self._values: dict[tuple[str, str], Json] = {}

    def interpret(self, text: str, *, locus: str | None = None, blank: Blank = "unknown") -> Json:
        """As the function of this name."""
        if is_gl(text):
            return self.of_reading(text, read_gl(text, self.resolver, blank=blank))
        try:
            value = self.single(text, locus)
        except TypingError as error:
            return {"input": text, "error": error_json(error), "errors": [error_json(error)]}
        return {**self.of_value(value), "input": text}

    def single(self, text: str, locus: str | None) -> Resolved:
        """A text that is one value. Raises TypingError."""
        found = self.resolver.plain(text)
        if found is not None and locus in (None, found.locus):
            return found
        items = read_value(locus, text)
        if not items:
            raise TypingError("empty", locus=locus, text=text, position=0)
        return self.resolver.resolve_read(items[0].locus, text, items)

    def named_groups(self, value: Resolved) -> int:
        """How many P groups the answer for a value names."""
        return 0 if self.groups_unknown(value) else len(value.p_groups)

    def groups_unknown(self, value: Resolved) -> bool:
        """Whether a value is a family of the built-in nomenclature, whose P groups are not named."""
        return not self.names.size and len(value.p_groups) > BUILTIN_SHOWN

    def of_reading(self, text: str, reading: Reading) -> Json:
        """As interpret, for a text that has been read."""
        typings = reading.typing.loci.values()
        values = [self.of_text(typing.locus, value) for typing in typings for value in values_of(typing)]
        if reading.errors:
            errors = [error_json(error) for error in reading.errors]
            return {"input": text, "error": errors[0], "errors": errors, "values": values}
        notes = [*reading.remarks, *doubts(values)]
        if len(values) == 1:
            return {**values[0], "input": text, **noted(notes)}
        summed = self.summed(values)
        summed |= {"input": text, "canonical": reading.typing.gl(), "values": values}
        return summed | noted(notes)

    def of_text(self, locus: str, text: str) -> Json:
        """The flat object of a canonical text; kept."""
        key = (locus, text)
        found = self._values.get(key)
        if found is None:
            if len(self._values) >= KEPT:
                self._values.clear()
            found = self._values[key] = self.of_value(self.resolver.position(locus, text))
        return found

    def of_value(self, value: Resolved) -> Json:
        """The flat object of one value."""
        unknown_groups = self.groups_unknown(value)
        return {
            "input": value.text,
            "locus": value.locus,
            "kind": str(value.kind),
            "canonical": value.text,
            "p_groups": [] if unknown_groups else self.group_names(value.locus, value.p_groups),
            "antigens": self.antigen_names(value.locus, value.antigens),
            "expressed": None if value.unknown else not value.null,
            "ambiguous": value.ambiguous,
            "null_possible": list(value.null_possible),
            **noted([*value.notes, *([Note(GROUPS_UNKNOWN)] if unknown_groups else [])]),
            "release": self.names.release,
        }

    def summed(self, values: list[Json]) -> Json:
        """The flat keys over several values (or none: nothing is typed)."""
        loci = list(dict.fromkeys(value["locus"] for value in values))
        expressed = {value["expressed"] for value in values} - {None}
        groups = {name for value in values for name in value["p_groups"]}
        nulls = dict.fromkeys(name for value in values for name in value["null_possible"])
        return {
            "input": "",
            "locus": loci[0] if len(loci) == 1 else None,
            "kind": "multilocus" if len(loci) > 1 else "genotype" if loci else str(Kind.UNKNOWN),
            "canonical": "",
            "p_groups": sorted(groups, key=name_key),
            "antigens": merged([value["antigens"] for value in values]),
            "expressed": any(expressed) if expressed else None,
            "ambiguous": not values or any(value["ambiguous"] for value in values),
            "null_possible": list(nulls),
            **noted([]),
            "release": self.names.release,
        }

    def group_names(self, locus: str, groups: PGroups) -> list[str]:
        """Names of P groups by number; kept, since sets of P groups come again."""
        key = (locus, groups)
        if key not in self._groups:
            found = {self._name(locus, group) for group in groups}
            self._groups[key] = [name for _, name in sorted(found)]
        return self._groups[key]

    def _name(self, locus: str, group: int) -> tuple[tuple[int, tuple[int, ...]], str]:
        """Name of a P group after what it is sorted by; kept."""
        key = (locus, group)
        if key not in self._group_names:
            name = self.names.p_name(locus, group)
            self._group_names[key] = (name_key(name), name)
        return self._group_names[key]

    def antigen_names(self, locus: str, sets: frozenset[AntigenSet]) -> dict[str, list[str]]:
        """The antigens of a value and all those above them, by level, by number; kept."""
        key = (locus, sets)
        if key not in self._antigens:
            self._antigens[key] = self._levels(locus, frozenset[str]().union(*sets))
        return self._antigens[key]

    def _levels(self, locus: str, antigens: frozenset[str]) -> dict[str, list[str]]:
        tree = self.names.trees[locus]
        named = (
            antigens if locus in ASSIGNED_LOCI else antigens.intersection(self.names.serology_names(locus))
        )
        found: dict[AntigenLevel, set[str]] = {level: set() for level in LEVELS}
        for antigen in {above for one in named for above in tree.lineage(one)}:
            found[tree.level(antigen)].add(antigen)
        prefix = SEROLOGY_PREFIX[locus]
        return {level: [prefix + name for name in sorted(names, key=int)] for level, names in found.items()}


def is_gl(text: str) -> bool:
    """Whether a text has an operator of GL Strings, as ASCII or full-width (＋), and is read as one."""
    folded = fold_text(text)
    return any(operator in folded for operator in OPERATORS)


def values_of(typing: LocusTyping) -> Iterator[str]:
    """The known values of a locus."""
    return (value for value in (typing.first, typing.second) if value)


def doubts(values: Iterable[Json]) -> list[Note]:
    """Remarks on values that their typing does not carry."""
    return [Note(GROUPS_UNKNOWN)] if any(GROUPS_UNKNOWN in value["note_codes"] for value in values) else []


def noted(notes: Iterable[Note]) -> Json:
    """Notes, sentences that know their code and parameters; the codes beside them, the same in every language."""
    found = list(notes)
    return {"notes": found, "note_codes": [note.code for note in found]}


def name_key(name: str) -> tuple[int, tuple[int, ...]]:
    """Order of "A*02:01P": by locus, then by its fields as numbers."""
    locus, _, fields = name.partition("*")
    return LOCI.index(locus), field_key(fields.removesuffix("P"))


def merged(tables: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    """The antigens of several values: loci one after another, those of one locus by number."""
    return {level: sorted_antigens(name for table in tables for name in table[level]) for level in LEVELS}


def sorted_antigens(names: Iterable[str]) -> list[str]:
    parts = dict.fromkeys(
        (prefix, int(name[len(prefix) :])) for name in names if (prefix := name.rstrip(DIGITS))
    )
    order = list(dict.fromkeys(prefix for prefix, _ in parts))
    return [
        f"{prefix}{number}" for prefix, number in sorted(parts, key=lambda at: (order.index(at[0]), at[1]))
    ]
