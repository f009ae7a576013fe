"""Common, intermediate and well-documented alleles (CIWD): how often a laboratory may expect a name.

Source: Hurley et al. 2020, doi 10.1111/tan.13811; the table is read in the layout that its authors publish
(ALLELE, TOTAL and one column a population, each C, I, WD or R). It only gives warnings; no match depends on it.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from hla.nomenclature import NomenclatureError
from hla.packed import packed, unpacked

Category = Literal["C", "I", "WD", "R"]

CATEGORIES: Final[tuple[Category, ...]] = ("C", "I", "WD", "R")
TOTAL: Final = "TOTAL"
MAGIC: Final = b"QHLA-ciwd-1\n"
NAME: Final = re.compile(r"[A-Z]+\d?\*\d{2,4}(?::\d{2,4}){1,3}[NLSCAQGP]?", re.ASCII)
VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
MAX_BYTES: Final = 16 << 20  # version 3.0.0 has 0.3 MB


class CiwdTable:
    """Categories by name and population.

    version: from the name of the file ("3.0.0"), or "undated". checksum: sha256 of the content, hex.
    populations: TOTAL first. len(table): number of names.
    """

    def __init__(self, version: str, populations: tuple[str, ...], rows: dict[str, str]) -> None:
        self.version = version
        self.populations = populations
        self._rows = rows  # name with locus -> for each population the place of its category in CATEGORIES
        self._payload = json.dumps(
            {"version": version, "populations": populations, "rows": rows},
            separators=(",", ":"),
            sort_keys=True,
        ).encode()
        self.checksum = hashlib.sha256(self._payload).hexdigest()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    @classmethod
    def from_file(cls, path: Path) -> "CiwdTable":
        """Read the authors' CSV (ciwd.3.0.0.csv). Raises NomenclatureError, OSError."""
        path = Path(path)
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise NomenclatureError(f"{path.name} is too large to be a table of CIWD alleles.")
        version = VERSION.search(path.name)
        return cls.from_text(data.decode("utf-8-sig", "replace"), version[0] if version else "undated")

    @classmethod
    def from_text(cls, text: str, version: str) -> "CiwdTable":
        """Read the lines of the CSV. Raises NomenclatureError that names the line."""
        head, *lines = text.splitlines() or [""]
        columns = head.strip().upper().split(",")
        if columns[:2] != ["ALLELE", TOTAL]:
            raise NomenclatureError("The first line of a CIWD table is ALLELE,TOTAL and the populations.")
        rows = {}
        for number, line in enumerate(lines, 2):
            name, *cells = line.strip().split(",")
            if not name and not cells:
                continue
            if (
                not NAME.fullmatch(name)
                or len(cells) != len(columns) - 1
                or not set(cells) <= set(CATEGORIES)
            ):
                raise NomenclatureError(
                    f"Line {number} of the CIWD table is not an allele and its categories: {line[:60]!r}."
                )
            rows[name] = "".join(str(CATEGORIES.index(cell)) for cell in cells)
        if not rows:
            raise NomenclatureError("The CIWD table holds no allele.")
        return cls(version, tuple(columns[1:]), rows)

    def to_bytes(self) -> bytes:
        """Compact binary form with a checksum."""
        return packed(MAGIC, self._payload)

    @classmethod
    def from_bytes(cls, data: bytes) -> "CiwdTable":
        """What to_bytes wrote. Raises NomenclatureError if it is something else or damaged."""
        payload = unpacked(MAGIC, data)
        if payload is None:
            raise NomenclatureError("This is not a table of CIWD alleles, or it is damaged.")
        found = json.loads(payload)
        return cls(found["version"], tuple(found["populations"]), found["rows"])

    def category(self, locus: str, name: str, population: str = TOTAL) -> Category | None:
        """Category of exactly this name (fields and suffix, or G or P group); None if the table does not list it.

        The table lists names of two fields and longer ones each in their own right: ask with two fields to
        judge a protein. Raises ValueError for a population that it does not have.
        """
        if population not in self.populations:
            raise ValueError(f"The table has no population {population}.")
        row = self._rows.get(f"{locus}*{name}")
        return None if row is None else CATEGORIES[int(row[self.populations.index(population)])]
