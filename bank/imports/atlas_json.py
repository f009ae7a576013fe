"""Atlas-style donor JSON to rows: `{"updateMode": …, "donors": [{"recordId": …, "donorType": "C", "hla": {…}}]}`.

The form is that of the donor files of Atlas (github.com/Anthony-Nolan/Atlas). It carries typings and no counts, so its
units wait in quarantine until counts are entered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bank import wmda
from bank.codes import grid
from bank.codes.errors import CodeError
from bank.imports.columns import GONE, HLA_COLUMNS, SEROLOGY_COLUMNS, SEROLOGY_LOCI
from bank.imports.errors import FileError, Finding
from bank.imports.raw import MAX_LINE_CHARACTERS, OWN, Gathered, Owner, RawFile
from hla.loci import LOCI

CORD, ADULT, DELETED = "C", "D", "D"
_READ = frozenset({"recordId", "donorType", "changeType", "hla"})
_KINDS = (CORD, ADULT, "B")
# An honest donor has about 35 brackets and 60 commas; a hostile file is all brackets, each an object in memory.
_PARTS_PER_DONOR = 250
_LEAST_PARTS = 100_000
_NO_CHARACTER = re.compile(
    "[\\x00\ud800-\udfff]"
)  # half of a pair, or nothing: no text, and no database takes it


def read_json(text: str, *, max_rows: int, owner: Owner = OWN) -> RawFile:
    """The cord blood units of a donor file, or the donors of a registry's.

    Raises FileError: json_broken, json_other, too_many_rows, cell_too_long.
    """
    if text.count("[") + text.count("{") + text.count(",") > max(_PARTS_PER_DONOR * max_rows, _LEAST_PARTS):
        raise FileError("too_many_rows", limit=max_rows)
    units = Gathered("json", ("unit_no", "grid", "status", *HLA_COLUMNS, *SEROLOGY_COLUMNS), max_rows)
    for donor in _donors(_loaded(text)):
        _take(donor, units, owner)
    if not units.units and not units.broken:
        raise FileError("file_no_rows")
    return units.raw(_names())


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FileError("json_broken", line=error.lineno, column="") from error
    except (RecursionError, ValueError) as error:  # nested without end, or a number of thousands of digits
        raise FileError("json_endless") from error


def _donors(loaded: Any) -> list[Any]:
    donors = loaded.get("donors") if isinstance(loaded, dict) else loaded
    if not isinstance(donors, list):
        raise FileError("json_other")
    return donors


def _take(donor: Any, units: Gathered, owner: Owner) -> None:
    if not isinstance(donor, dict):
        units.refuse("json_donor", "donors")
        return
    kind = _text(donor.get("donorType"))
    wanted = ADULT if owner.adult else CORD
    if kind != wanted:
        other = "cord_in_registry" if owner.adult else "adult_donor"
        units.refuse(
            other if kind in _KINDS else "choice_unknown", "donorType", text=kind[:40], allowed=wanted
        )
        return
    for name in donor:
        if name not in _READ:
            units.ignore(_text(name))
    place = units.place
    found: list[Finding] = []
    gone = _text(donor.get("changeType")) == DELETED
    if gone and not owner.partner:
        found.append(Finding(place, "changeType", "unit_deleted"))
    typed = {} if gone and owner.partner else dict(_typed(donor.get("hla"), place, found))
    values = {
        **_numbers(_text(donor.get("recordId")), owner),
        "status": GONE if gone and owner.partner else "",
        **typed,
    }
    units.take({name: text for name, text in values.items() if text}, found)


def _numbers(record: str, owner: Owner) -> dict[str, str]:
    """A registry that knows its donors by GRID gives no other number: without its check value it is one."""
    if owner.adult:
        try:
            code = grid.parse(record).code
        except CodeError:
            return {"unit_no": record}
        return {"unit_no": code[:17], "grid": code}
    return {"unit_no": record}


def _typed(hla: Any, place: int, found: list[Finding]) -> Iterator[tuple[str, str]]:
    if not isinstance(hla, dict):
        found.append(Finding(place, "hla", "required"))
        return
    for name, typing in hla.items():
        locus = _text(name).upper()
        if locus not in LOCI:
            params = {"text": _text(name)[:40], "allowed": ", ".join(locus.lower() for locus in LOCI)}
            found.append(Finding(place, "hla", "choice_unknown", params))
            continue
        fields = typing if isinstance(typing, dict) else {}
        for position in (1, 2):
            yield f"{locus}_{position}", wmda.dna_read(locus, _field(fields, "dna", position))
            if locus in SEROLOGY_LOCI:
                yield (
                    f"{locus}_ser_{position}",
                    wmda.serology_read(locus, _field(fields, "ser", position)),
                )


def _field(typing: Mapping[str, Any], method: str, position: int) -> str:
    fields = typing.get(method)
    return _text(fields.get(f"field{position}")) if isinstance(fields, dict) else ""


def _text(value: Any) -> str:
    """A value as text; what is neither text nor number is shown as it stands, and refused further on."""
    if value is None:
        return ""
    text = _NO_CHARACTER.sub("\ufffd", value if isinstance(value, str) else json.dumps(value)).strip()
    if len(text) > MAX_LINE_CHARACTERS:
        raise FileError("cell_too_long", limit=MAX_LINE_CHARACTERS)
    return text


def _names() -> dict[str, str]:
    """Our columns as the file calls them."""
    names = {"unit_no": "recordId", "grid": "recordId", "status": "changeType"}
    for locus in LOCI:
        for position in (1, 2):
            names[f"{locus}_{position}"] = f"hla.{locus.lower()}.dna.field{position}"
            names[f"{locus}_ser_{position}"] = f"hla.{locus.lower()}.ser.field{position}"
    return names
