"""Multiple allele codes (MAC): the NMDP's letters for lists of alleles.

A generic code holds second fields ("AB" = 01/02) and takes its family from the value; an allele-specific code
holds whole names ("07:01/07:27").
"""

import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
import numpy.typing as npt

from hla.nomenclature import NomenclatureError

MAGIC: Final = b"QHLA-mac-1\n"
CODE: Final = re.compile(r"[A-Z]{2,7}")
SUBTYPES: Final = re.compile(
    r"\d{2,4}[A-Z]?(?:/\d{2,4}[A-Z]?)*|\d{2,4}(?::\d{2,4}){1,3}[A-Z]?(?:/\d{2,4}(?::\d{2,4}){1,3}[A-Z]?)*"
)
CODE_WIDTH: Final = 7
MAX_ASKED: Final = 50_000  # codes whose texts are kept at hand
MAX_LINE: Final = 1 << 16  # the longest known row has some hundreds of alleles
MAX_BYTES: Final = 1 << 30  # unpacked; a million codes are about 30 MB


class MacTable:
    """Codes and what they stand for, sorted by code in two flat arrays, so that a million load at once.

    version: the date line of the file, or "none". len(table): number of codes.
    """

    def __init__(
        self, version: str, codes: npt.NDArray[np.bytes_], ends: npt.NDArray[np.int64], blob: bytes
    ) -> None:
        self.version = version
        self._codes = codes
        self._ends = ends
        self._blob = blob
        self._asked: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._codes)

    @classmethod
    def of(cls, version: str, rows: dict[str, str]) -> "MacTable":
        """A table of code -> subtypes ("01/02" or "07:01/07:27")."""
        ordered = sorted(rows)
        texts = [rows[code].encode("ascii") for code in ordered]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        return cls(version, np.array(ordered, dtype=f"S{CODE_WIDTH}"), ends, b"".join(texts))

    @classmethod
    def from_file(cls, path: Path) -> "MacTable":
        """Read a file in the layout of NMDP's numer.v3.txt, plain, .gz or .zip. Raises NomenclatureError, OSError."""
        name = Path(path).name
        version, rows = "undated", {}
        with opened(Path(path)) as lines:
            for number, line in enumerate(decoded(lines, name), 1):
                if not line.strip() or "CODE\t" in line:
                    continue
                if "LAST UPDATED" in line:
                    version = line.strip().strip('"').removeprefix("LAST UPDATED:").strip()
                    continue
                code, subtypes = read_row(line, number)
                rows[code] = subtypes
        if not rows:
            raise NomenclatureError(f"{name} holds no multiple allele code.")
        return cls.of(version, rows)

    def to_bytes(self) -> bytes:
        """Compact binary form with a checksum."""
        version = self.version.encode()
        head = np.array([len(version), len(self._codes)], dtype="<i8").tobytes()
        body = head + version + self._codes.tobytes() + self._ends.astype("<i8").tobytes() + self._blob
        return MAGIC + hashlib.sha256(body).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> "MacTable":
        """What to_bytes wrote. Raises NomenclatureError if it is something else or damaged."""
        start = len(MAGIC) + 32
        body = data[start:]
        if not data.startswith(MAGIC) or hashlib.sha256(body).digest() != data[len(MAGIC) : start]:
            raise NomenclatureError("This is not a table of multiple allele codes, or it is damaged.")
        length, count = (int(value) for value in np.frombuffer(body, "<i8", 2))
        at = 16 + length
        codes = np.frombuffer(body, f"S{CODE_WIDTH}", count, at)
        at += count * CODE_WIDTH
        ends = np.frombuffer(body, "<i8", count + 1, at).astype(np.int64)
        return cls(body[16 : 16 + length].decode(), codes, ends, body[at + 8 * (count + 1) :])

    def subtypes(self, code: str) -> str | None:
        """What the file says of a code, or None if it does not hold it."""
        found = self._asked.get(code)
        if found is None:
            if len(self._asked) >= MAX_ASKED:
                self._asked.clear()
            found = self._asked[code] = self._find(code)
        return found or None

    def _find(self, code: str) -> str:
        key = code.encode("ascii", "replace")
        place = int(np.searchsorted(self._codes, np.bytes_(key)))
        if place == len(self._codes) or self._codes[place] != key:
            return ""
        return self._blob[self._ends[place] : self._ends[place + 1]].decode("ascii")

    def expand(self, locus: str, field: str, code: str) -> list[str]:
        """Names (fields and suffix, no locus) that `locus*field:code` stands for; [] if the code is unknown.

        Names need not exist: a generic code is only a list of second fields.
        """
        found = self.subtypes(code)
        if found is None:
            return []
        return [part if ":" in part else f"{field}:{part}" for part in found.split("/")]

    def is_specific(self, code: str) -> bool:
        """Whether a code holds whole names, made for one locus; a generic one fits any."""
        return ":" in (self.subtypes(code) or "")

    def __iter__(self) -> Iterator[str]:
        return (code.decode("ascii") for code in self._codes)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The text of a code table, unpacked while it is read. Raises NomenclatureError for a packed file that is not one.

    What it is packed with is seen from its first bytes, not from its name.
    """
    with path.open("rb") as handle:
        start = handle.read(4)
        handle.seek(0)
        try:
            if start.startswith(b"\x1f\x8b"):
                with gzip.open(handle) as unpacked:
                    yield cast(IO[bytes], unpacked)
            elif start.startswith(b"PK"):
                with zipfile.ZipFile(handle) as archive, archive.open(table_in(archive, path.name)) as member:
                    yield member
            else:
                yield handle
        except (EOFError, RuntimeError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error) as error:
            raise NomenclatureError(f"{path.name} is damaged or locked ({error}). Fetch it again.") from error


def table_in(archive: zipfile.ZipFile, name: str) -> str:
    """The one text file of a zip."""
    listed = [member for member in archive.namelist() if member.endswith(".txt")]
    found = [member for member in listed if not member.startswith("__MACOSX/")]  # shadows that a Mac adds
    if len(found) != 1:
        raise NomenclatureError(
            f"{name} holds {len(found)} text files, not one table of multiple allele codes."
        )
    return found[0]


def decoded(handle: IO[bytes], name: str) -> Iterator[str]:
    """Lines without their ends, as long as a table can be. Raises NomenclatureError."""
    size = 0
    while line := handle.readline(MAX_LINE):
        size += len(line)
        if len(line) == MAX_LINE or size > MAX_BYTES:
            raise NomenclatureError(f"{name} is too large to be a table of multiple allele codes.")
        try:
            yield line.decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError:
            raise NomenclatureError(f"{name} is not a text file of multiple allele codes.") from None


def read_row(line: str, number: int) -> tuple[str, str]:
    """Code and subtypes of one line; NMDP's full table marks allele-specific codes in a column before."""
    cells = line.split("\t")
    code, subtypes = cells[-2:] if len(cells) in (2, 3) else ("", "")
    if not CODE.fullmatch(code) or not SUBTYPES.fullmatch(subtypes):
        raise NomenclatureError(
            f"Line {number} of the code table is not a code and its alleles: {line[:60]!r}."
        )
    return code, subtypes


EMPTY_MAC: Final = MacTable.of("none", {})
