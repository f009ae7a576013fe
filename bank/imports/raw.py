"""What every reader of a unit file gives, whatever the form of the file: a header, rows with their place, findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bank.imports.errors import FileError, Finding

MEGABYTE = 1024 * 1024
MAX_FILE_BYTES = 50 * MEGABYTE
MAX_TEXT_BYTES = 200 * MEGABYTE  # unpacked
MAX_LINE_CHARACTERS = 200_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
MAX_IGNORED = 60  # names of what a file holds and Qidai does not take


@dataclass(frozen=True)
class Owner:
    """Whose list a file is. A partner's may say that a unit is gone; a registry's holds adult donors, no cord blood."""

    partner: bool = False
    adult: bool = False


OWN = Owner()


@dataclass
class RawFile:
    """`rows`: (place, cells in the order of `header`); the place is a line, a row of a sheet, or the how-manieth unit.

    broken: what is no row at all. found: place -> what its reader has already found in a row. names: our column -> what
    the file calls it. ignored: names of what was left out.
    """

    kind: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    broken: list[Finding] = field(default_factory=list)
    found: dict[int, list[Finding]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


@dataclass
class Gathered:
    """Units of a file without columns (XML, JSON) become rows: a column for each name that some unit has."""

    kind: str
    order: Sequence[str]
    max_rows: int
    units: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)
    found: dict[int, list[Finding]] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    @property
    def place(self) -> int:
        """That of the next unit, from 1. Raises FileError: too_many_rows."""
        count = len(self.units) + len(self.broken)
        if count >= self.max_rows:
            raise FileError("too_many_rows", limit=self.max_rows)
        return count + 1

    def refuse(self, code: str, column: str, **params: object) -> None:
        """The next unit is none that can be taken."""
        self.broken.append(Finding(self.place, column, code, params))

    def take(self, values: dict[str, str], found: list[Finding]) -> None:
        place = self.place
        if found:
            self.found[place] = found
        self.seen.update(values)
        self.units.append((place, values))

    def ignore(self, name: str) -> None:
        if len(self.ignored) < MAX_IGNORED:
            self.ignored.add(name[:60])

    def raw(self, names: Mapping[str, str]) -> RawFile:
        """names: our column -> what the file calls it."""
        header = [name for name in self.order if name in self.seen]
        rows = [(place, [values.get(name, "") for name in header]) for place, values in self.units]
        told = {name: names[name] for name in header if name in names}
        return RawFile(self.kind, header, rows, self.broken, self.found, told, tuple(sorted(self.ignored)))
