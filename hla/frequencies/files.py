"""Files of haplotype frequencies: told apart by their content, read into one checked set.

Read are tables (CSV, gzipped or not, spreadsheets), HFX (JSON metadata and the table that they name, or
that they hold), JSON sets with nomenclatureVersion and frequencies, and a folder or zip of these.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hla.frequencies.errors import FrequencyError, FrequencyNote
from hla.frequencies.names import Entry, Gathering, locus_key, tokens_of
from hla.frequencies.sets import HaplotypeSet
from hla.frequencies.sources import (
    ZIP,
    Folder,
    Place,
    Zip,
    csv_lines,
    decoded,
    is_spreadsheet,
    sheet_lines,
    tables,
)
from hla.frequencies.tables import Wanted, entries_of, token_of

LEAST_SUM: Final = 0.98
MOST_SUM: Final = 1.02
ROUNDING: Final = 1e-9
RESOLUTION: Final[Mapping[str, str]] = {
    "G": "G",
    "P": "P",
    "g": "g",
    "protein-sequence": "allele",
    "coding-sequence": "allele",
    "genomic-sequence": "allele",
    "large_g": "G",
    "small_g": "g",
}
SHORT_RELEASE: Final = re.compile(r"(\d)(\d\d)(\d)", re.ASCII)  # 3580 is 3.58.0
UNUSED_KEYS: Final = frozenset({"count", "rank"})


@dataclass
class Found:
    """What a source says beside its haplotypes."""

    entries: Iterator[Entry]
    release: str = ""
    resolution: str = ""
    population: str = ""
    notes: list[FrequencyNote] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """As read_set."""

    wanted: Wanted
    ignore_checksum: bool


def read_set(
    path: Path,
    *,
    name: str,
    population: str,
    release: str = "",
    resolution: str = "",
    column: str = "",
    truncated: bool = False,
    ignore_checksum: bool = False,
) -> tuple[HaplotypeSet, tuple[FrequencyNote, ...]]:
    """The set in a file, folder or zip, and what was noted.

    release, resolution: as given, else as the file says; without either the release is unknown and the
    resolution that of the names. column: of the frequencies or their population, where a table has several;
    without it `population` is looked for. truncated: accept a sum below 0.98; it is the set's coverage then.
    ignore_checksum: accept a file that is not the one its metadata describe, with a note.
    Raises FrequencyError that names the place and the cure.
    """
    asked = Asked(Wanted(Path(path).name, population, column), ignore_checksum)
    found = _open(Path(path), asked)
    gathering = Gathering()
    for entry in found.entries:
        gathering.add(entry)
    if not gathering.rows:
        raise FrequencyError("empty", text=asked.wanted.text)
    coverage, said = _coverage(math.fsum(frequency for _, frequency in gathering.rows), truncated)
    made = HaplotypeSet.of(
        gathering.rows,
        name=name,
        population=population,
        loci=gathering.loci,
        release=release or found.release,
        resolution=resolution or _resolution(found, gathering),
        coverage=coverage,
    )
    notes = [*found.notes, *_release_notes(release, found), *gathering.notes(), *said]
    if not resolution and found.resolution not in ("", made.resolution):
        notes.append(FrequencyNote("resolution_differs", found=found.resolution))
    return made, tuple(notes)


def _open(path: Path, asked: Asked) -> Found:
    try:
        if path.is_dir():
            return _from_place(Folder(path), asked)
        content = Folder(path.parent).read(path.name)
    except OSError as error:
        raise FrequencyError("missing", text=path.name, why=error.strerror or str(error)) from None
    return _from_content(content, Folder(path.parent), asked)


def _from_place(place: Place, asked: Asked) -> Found:
    """Metadata, if it has some, else its only table."""
    names = place.names()
    json_names = [name for name in names if name.lower().endswith(".json")]
    metadata = [name for name in json_names if "metadata" in name.lower()] or json_names
    chosen = metadata or list(tables(names))
    if not chosen:
        raise FrequencyError("zip_empty", text=place.text)
    if len(chosen) > 1:
        raise FrequencyError("several", text=place.text, found=", ".join(chosen))
    wanted = replace(asked.wanted, text=chosen[0])
    return _from_content(place.read(chosen[0]), place, replace(asked, wanted=wanted), nested=True)


def _from_content(content: bytes, beside: Place, asked: Asked, *, nested: bool = False) -> Found:
    text = asked.wanted.text
    if is_spreadsheet(content, text):
        return _table(sheet_lines(content, text), asked.wanted)
    if content.startswith(ZIP) and not nested:
        return _from_place(Zip(content, text), asked)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _from_json(_json(content, text), beside, asked)
    return _table(csv_lines(content, text), asked.wanted)


def _table(lines: Any, wanted: Wanted) -> Found:
    found = Found(iter(()))
    found.entries = entries_of(lines, wanted, found.notes)
    return found


def _json(content: bytes, text: str) -> dict[str, Any]:
    try:
        found = json.loads(decoded(content, text), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        if isinstance(error, FrequencyError):
            raise
        raise FrequencyError("json", text=text, why=str(error)) from None
    assert isinstance(found, dict)  # it begins with a brace
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ValueError for a key that stands twice, also in other letters."""
    names = [name.lower() for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} stands twice in one object")
    return dict(pairs)


def _from_json(content: dict[str, Any], beside: Place, asked: Asked) -> Found:
    if isinstance(content.get("metadata"), dict):
        return _hfx(content, content["metadata"], beside, asked)
    keys = {key.lower(): value for key, value in content.items()}
    missing = [key for key in ("nomenclatureVersion", "frequencies") if key.lower() not in keys]
    if missing or not isinstance(keys["frequencies"], list):
        raise FrequencyError(
            "json_form", text=asked.wanted.text, missing=", ".join(missing) or "a list of frequencies"
        )
    named = [keys.get(key) for key in ("donpool", "ethn", "populationid")]
    return Found(
        _records(keys["frequencies"]),
        _release(keys["nomenclatureversion"]),
        RESOLUTION.get(str(keys.get("typingcategory") or "").lower(), ""),
        notes=_population_notes(" ".join(map(_words, named)), asked),
    )


def _records(records: list[Any]) -> Iterator[Entry]:
    """Haplotypes of a JSON list: a key for each locus, or one for the haplotype; and frequency."""
    for number, record in enumerate(records, 1):
        entry = Entry("Entry", number, (), "")
        if not isinstance(record, dict):
            raise entry.error("haplotype", text=str(record))
        keys = {key.lower(): value for key, value in record.items()}
        frequency = keys.pop("frequency", None)
        if isinstance(frequency, list | dict):
            raise entry.error("frequency", text=str(frequency))
        haplotype = keys.pop("haplotype", None)
        tokens = tokens_of(haplotype) if isinstance(haplotype, str) else []
        for key in keys.keys() - UNUSED_KEYS:
            locus = locus_key(key)
            if locus is None:
                raise entry.error("unknown_locus", text=key)
            tokens.append(token_of(entry, locus, keys[key]))
        yield Entry("Entry", number, tokens, frequency)


def _hfx(content: dict[str, Any], metadata: dict[str, Any], beside: Place, asked: Asked) -> Found:
    location = metadata.get("frequencyLocation")
    inline = content.get("frequencyData")
    if location == "inline" and isinstance(inline, list):
        found = Found(_records(inline))
    elif isinstance(location, str) and location != "inline":
        found = _hfx_table(location, metadata, beside, asked)
    else:
        raise FrequencyError("json_form", text=asked.wanted.text, missing="frequencyLocation")
    nomenclature = metadata.get("nomenclatureUsed")
    cohort = metadata.get("cohortDescription")
    populations = cohort.get("population") if isinstance(cohort, dict) else None
    names = (
        [str(one["name"]) for one in populations or () if isinstance(one, dict) and one.get("name")]
        if isinstance(populations, list)
        else []
    )
    found.release = _release(nomenclature.get("version")) if isinstance(nomenclature, dict) else ""
    found.resolution = _hfx_resolution(metadata.get("outputResolution"))
    found.notes += _population_notes(", ".join(names), asked)
    return found


def _hfx_table(location: str, metadata: Mapping[str, Any], beside: Place, asked: Asked) -> Found:
    """The table that metadata name, by its last name and only beside them; its checksum, where there is one."""
    parts = urlsplit(location)
    name = PurePosixPath(unquote(f"{parts.netloc}{parts.path}").replace("\\", "/")).name
    if not name or name not in beside.names():
        raise FrequencyError("location", text=location)
    content = beside.read(name)
    header = metadata.get("frequencyFileHeader")
    promised = {key: str(value) for key, value in header.items()} if isinstance(header, dict) else {}
    wanted = replace(asked.wanted, text=name, header=promised)
    lines = sheet_lines if is_spreadsheet(content, name) else csv_lines
    found = _table(lines(content, name), wanted)
    found.notes += _checksum_notes(content, metadata.get("checkSum"), name, asked)
    return found


def _checksum_notes(content: bytes, expected: Any, name: str, asked: Asked) -> list[FrequencyNote]:
    if not expected:
        return [FrequencyNote("checksum_unchecked")]
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found == str(expected).lower():
        return []
    if not asked.ignore_checksum:
        raise FrequencyError("checksum", text=name, expected=str(expected), found=found)
    return [FrequencyNote("checksum_ignored", expected=str(expected)[:40], found=found)]


def _hfx_resolution(stated: Any) -> str:
    found = {
        RESOLUTION.get(str(one.get("resolution")), "")
        for one in (stated if isinstance(stated, list) else ())
        if isinstance(one, dict) and locus_key(str(one.get("locus"))) is not None
    }
    return "mixed" if len(found) > 1 else next(iter(found), "")


def _resolution(found: Found, gathering: Gathering) -> str:
    """As the names show it; where they have no mark, as the file says."""
    return gathering.resolution if gathering.marks else found.resolution or gathering.resolution


def _release(stated: Any) -> str:
    text = str(stated or "").strip()[:80]
    short = SHORT_RELEASE.fullmatch(text)
    return f"{int(short[1])}.{int(short[2])}.{int(short[3])}" if short else text


def _release_notes(release: str, found: Found) -> Iterable[FrequencyNote]:
    if found.release and not release:
        yield FrequencyNote("release", found=found.release)
    elif found.release and found.release != release:
        yield FrequencyNote("release_differs", found=found.release, release=release)


def _population_notes(found: str, asked: Asked) -> list[FrequencyNote]:
    found = found.strip()[:80]
    return [FrequencyNote("population", found=found)] if found not in ("", asked.wanted.population) else []


def _words(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return " ".join(str(one) for one in values if one not in (None, ""))


def _coverage(total: float, truncated: bool) -> tuple[float, list[FrequencyNote]]:
    """Share of the population that the set covers, and what is to be said about its sum."""
    text = f"{total:.6g}"
    if total > MOST_SUM + ROUNDING:
        raise FrequencyError("sum_high", total=text, limit=f"{MOST_SUM}")
    if total < LEAST_SUM - ROUNDING and not truncated:
        raise FrequencyError("sum_low", total=text, limit=f"{LEAST_SUM}")
    if abs(total - 1) <= ROUNDING:
        return 1.0, []
    if truncated and total < 1:
        return total, [FrequencyNote("truncated", total=text)]
    return 1.0, [FrequencyNote("normalised", total=text)]
