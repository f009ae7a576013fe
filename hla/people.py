"""Files of typed persons, one a line: `id%GL` (WMDA), `id;GL`, `id,GL` or `id<tab>GL`, plain or gzipped.

The same texts come again in such files, so that each distinct text is resolved once.
"""

import gzip
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hla.errors import TypingError, quote
from hla.resolve import Resolver
from hla.text import MAX_LENGTH
from hla.typing import Blank, LocusTyping, read_gl, untyped

SEPARATOR: Final = re.compile(r"[%;,\t]")
HEADER: Final = re.compile(
    r"(?:(?:patient|unit|donor|hla|gl)[ _-]*)*(?:gl|hla|string|typing|genotype)s?", re.IGNORECASE
)
TOGETHER: Final = frozenset("?~#")  # operators that bind more than one locus: such a text is read as a whole
GZIP: Final = b"\x1f\x8b"
STDIN: Final = "-"
EXAMPLE: Final = "D1;A*02:01+A*24:02^B*40:01+B*46:01"

Known = tuple[str, int] | tuple[()]


class PeopleError(ValueError):
    """A file that cannot be used: unreadable, a line that is not an id and a typing, or an id given twice."""


@dataclass(frozen=True)
class Unreadable:
    """A typing of a person that cannot be read, at a locus that is asked for."""

    file: str
    line: int
    identifier: str
    error: TypingError

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line} ({quote(self.identifier)})"
        return f"{where}: {self.error.message} {self.error.hint}"


@dataclass
class Column:
    """One locus of all persons. typings: the distinct ones, the first untyped; codes: index of each person's."""

    typings: list[LocusTyping]
    codes: list[int]


@dataclass
class People:
    """The persons of a file in its order, their typings at some loci, and what could not be read."""

    ids: list[str] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)


def read_people(
    path: str, loci: Sequence[str], resolver: Resolver, *, blank: Blank = "unknown", stop: bool = True
) -> People:
    """Read a file ("-": standard input). Raises PeopleError, OSError.

    Each id must stand once, also where its lines are equal: rows are told apart by it. Typings at other loci than
    `loci` are not looked at closely. A locus that cannot be read counts as untyped and is listed in `unreadable`;
    `stop`: end with the first such line.
    """
    reader = PeopleReader(loci, resolver, blank)
    places: dict[str, int] = {}
    for number, identifier, text in rows(path):
        first = places.setdefault(identifier, number)
        if first != number:
            raise PeopleError(
                f"{shown(path)}, line {number}: the id {quote(identifier)} stands already in line {first}. "
                "Give each id one line."
            )
        errors = reader.add(identifier, text)
        reader.people.unreadable += [Unreadable(shown(path), number, identifier, error) for error in errors]
        if errors and stop:
            break
    if not reader.people.ids:
        raise PeopleError(f"{shown(path)} holds no typing. Write one a line, such as {EXAMPLE}")
    return reader.people


def rows(path: str) -> Iterator[tuple[int, str, str]]:
    """Number of the line, id and GL text of each person. Raises PeopleError."""
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        cells = [cell.strip().strip('"').strip() for cell in SEPARATOR.split(line)]
        if number == 1 and is_header(cells):
            continue
        if len(cells) != 2 or not cells[0]:
            raise PeopleError(
                f"{shown(path)}, line {number}: {quote(line)} is not an id and a typing. Write {EXAMPLE}"
            )
        yield number, cells[0], cells[1]


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first line names its columns."""
    return len(cells) == 2 and HEADER.fullmatch(cells[1]) is not None


def lines(path: str) -> list[str]:
    """Lines of a text file, unpacked if it is gzipped. Raises PeopleError, OSError."""
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        text = (gzip.decompress(data) if data.startswith(GZIP) else data).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PeopleError(f"{shown(path)} is not a text file in UTF-8.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PeopleError(f"{shown(path)} is damaged ({error}): fetch or pack it again.") from None
    return text.split("\n")


def shown(path: str) -> str:
    return "standard input" if path == STDIN else path


class PeopleReader:
    """Collects persons; remembers what each distinct text of a locus was."""

    def __init__(self, loci: Sequence[str], resolver: Resolver, blank: Blank) -> None:
        self.resolver = resolver
        self.blank: Blank = blank
        self.people = People(columns={locus: Column([untyped(locus)], []) for locus in loci})
        self._codes: dict[str, dict[LocusTyping, int]] = {locus: {untyped(locus): 0} for locus in loci}
        self._parts: dict[str, Known | None] = {}

    def add(self, identifier: str, text: str) -> list[TypingError]:
        """Add a person; errors at the loci asked for, empty if all is well."""
        found = self._by_parts(text)
        errors: list[TypingError] = []
        if found is None:
            found, errors = self._as_a_whole(text)
        self.people.ids.append(identifier)
        for locus, column in self.people.columns.items():
            column.codes.append(found.get(locus, 0))
        return errors

    def _by_parts(self, text: str) -> dict[str, int] | None:
        """Code by locus where each locus stands by itself and all are known or readable; else None."""
        if len(text) > MAX_LENGTH or not text.isascii() or not TOGETHER.isdisjoint(text):
            return None
        found: dict[str, int] = {}
        for part in text.split("^"):
            known = self._parts[part] if part in self._parts else self._read_part(part)
            if known is None or (known and known[0] in found):
                return None
            found.update([known] if known else [])
        return found

    def _read_part(self, part: str) -> Known | None:
        """Locus and code of a text that is one locus, () of one that is not typed; None for any other text."""
        typings, errors = self._read(part)
        known: Known | None = None
        if not errors and len(typings) < 2:
            known = (typings[0].locus, self._code(typings[0])) if typings else ()
        self._parts[part] = known
        return known

    def _as_a_whole(self, text: str) -> tuple[dict[str, int], list[TypingError]]:
        typings, errors = self._read(text)
        asked = (None, *self.people.columns)
        return (
            {typing.locus: self._code(typing) for typing in typings},
            [error for error in errors if error.locus in asked],
        )

    def _read(self, text: str) -> tuple[list[LocusTyping], Sequence[TypingError]]:
        reading = read_gl(text, self.resolver, blank=self.blank)
        return list(reading.typing.loci.values()), reading.errors

    def _code(self, typing: LocusTyping) -> int:
        """Code of a typing in its column; 0 at loci that are not asked for."""
        codes = self._codes.get(typing.locus)
        if codes is None:
            return 0
        if typing not in codes:
            codes[typing] = len(codes)
            self.people.columns[typing.locus].typings.append(typing)
        return codes[typing]


def summary(unreadable: Iterable[Unreadable]) -> list[str]:
    """How many persons of each file have a locus that could not be read, by locus, and the first of them."""
    found: dict[str, list[Unreadable]] = {}
    for one in unreadable:
        found.setdefault(one.file, []).append(one)
    sentences = []
    for file, errors in found.items():
        persons = len({one.line for one in errors})
        loci = Counter(one.error.locus or "?" for one in errors)
        by_locus = ", ".join(f"{locus} {count:,}" for locus, count in sorted(loci.items()))
        sentences.append(
            f"{file}: {len(errors):,} unreadable values of {persons:,} persons count as untyped ({by_locus})."
        )
        sentences.append(f"The first: {errors[0]}")
    return sentences
