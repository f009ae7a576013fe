"""WMDA-style inventory XML to rows: each CBU element is a row of our columns. Read as a stream, no tree is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bank import wmda
from bank.choices import CountUnit
from bank.codes import din
from bank.codes.errors import CodeError
from bank.imports.columns import GONE, HLA_COLUMNS, MOTHER, MOTHER_COLUMNS, SEROLOGY_COLUMNS, VALUE_COLUMNS
from bank.imports.counts import CD34_COLUMN, TNC_COLUMN
from bank.imports.errors import FileError, Finding
from bank.imports.raw import MAX_LINE_CHARACTERS, OWN, Gathered, Owner, RawFile
from bank.imports.safe_xml import Guard, chunks_of, local, push

Texts = Mapping[str, str]

_TYPINGS = wmda.typing_places()
_MOTHERS = {f"MAT/{path}": place for path, place in _TYPINGS.items()}
# Element -> column whose value it is, word for word.
_PLAIN = {"ID": "unit_no", "SEX": "sex", "ABO": "abo", "VOL_FRZN": "volume_ml", "ATT_SEG": "segments"}
_RH = {"P": "pos", "N": "neg"}
_OF_CORD = frozenset({"BIRTH_DATE", "COLL_DATE"})  # of a donor no day is kept
_COUNTS = ("TNC_FRZN", "CD34PC_FRZN")
_VIABLE = {"": "viability_percent", "TNC": "viability_percent", "CD34PC": "cd34_viability_percent"}
# What is read, beside the typings; anything else is named as left out. VIABILITY without its cells is of all of them.
_READ = frozenset(
    {*_PLAIN, *_COUNTS, "RHESUS", "STATUS", "STAT_REASON", "BIRTH_DATE", "COLL_DATE", "BAG_ID", "PROC_METH",
     "PROC_METH_TYPE", "PROD_MOD", "HEMO_STATUS", "VIABILITY", "VIABILITY_CELLS"}
)  # fmt: skip
# What the file calls our columns, for the findings.
_NAMES = {
    **{column: element for element, column in _PLAIN.items()},
    **{column: path for path, (column, _locus, _serological) in _TYPINGS.items()},
    **{f"{MOTHER}{column}": path for path, (column, _locus, _serological) in _MOTHERS.items()},
    "grid": "GRID", "rh": "RHESUS", "status": "STATUS", "collected_on": "COLL_DATE", "din": "BAG_ID",
    "processing_method": "PROC_METH", "red_cells": "PROD_MOD", "haemoglobinopathy": "HEMO_STATUS",
    "viability_percent": "VIABILITY", "cd34_viability_percent": "VIABILITY",
    **dict.fromkeys(TNC_COLUMN.values(), "TNC_FRZN"),
    **dict.fromkeys(CD34_COLUMN.values(), "CD34PC_FRZN"),
}  # fmt: skip
_COLUMNS = (
    *(column.name for column in VALUE_COLUMNS), *TNC_COLUMN.values(), CD34_COLUMN[CountUnit.CELLS],
    *HLA_COLUMNS, *SEROLOGY_COLUMNS, *MOTHER_COLUMNS,
)  # fmt: skip
_ORDER = tuple(dict.fromkeys(_COLUMNS))


def read_xml(text: str, *, counts: CountUnit | None, max_rows: int, owner: Owner = OWN) -> RawFile:
    """The cord blood units of an inventory, or the donors of a registry's. counts: what its counts are given in, which
    it does not say itself.

    Raises FileError: xml_entities, xml_broken, xml_too_deep, xml_other, count_unit_needed, too_many_rows,
    line_too_long.
    """
    reader = _Inventory(counts, Gathered("xml", _ORDER, max_rows), owner)
    push(chunks_of(text.encode()), reader, encoding="utf-8")
    if not reader.known:
        raise FileError("xml_other")
    if not reader.units.units and not reader.units.broken:
        raise FileError("xml_no_units")
    return reader.units.raw(_NAMES)


class _Inventory:
    """Gathers the texts of one unit at a time, by the path of their elements below it."""

    def __init__(self, counts: CountUnit | None, units: Gathered, owner: Owner) -> None:
        self.counts = counts
        self.owner = owner
        self.units = units
        self.known = False  # whether this is an inventory at all
        self._guard = Guard(units.max_rows)
        self._path: list[str] = []
        self._unit_at = 0  # depth of the unit's element; 0 outside
        self._texts: dict[str, str] = {}
        self._twice: list[str] = []
        self._parts: list[str] = []
        self._length = 0

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        name = local(tag)
        self._path.append(name)
        self._guard.enter()
        self._parts, self._length = [], 0
        if len(self._path) == 1:
            self.known = name in (wmda.ROOT, wmda.INVENTORY)
        if not self._unit_at and name in (wmda.UNIT, wmda.DONOR):
            self._unit_at = len(self._path)
            self._texts, self._twice = {}, []

    def data(self, text: str) -> None:
        if self._unit_at:
            self._length += len(text)
            if self._length > MAX_LINE_CHARACTERS:
                raise FileError("cell_too_long", limit=MAX_LINE_CHARACTERS)
            self._parts.append(text)

    def end(self, tag: str) -> None:
        depth = len(self._path)
        if self._unit_at == depth:
            self._unit_at = 0
            self._close(self._path[-1])
        elif self._unit_at:
            self._keep("".join(self._parts).strip())
        self._path.pop()
        self._guard.leave()
        self._parts, self._length = [], 0

    def _keep(self, text: str) -> None:
        path = "/".join(self._path[self._unit_at :])
        if not text:
            return
        if not self._is_read(path):
            self.units.ignore(path.split("/")[0] if not path.startswith("MAT/") else path)
        elif self._texts.setdefault(path, text) != text:
            self._twice.append(path)

    def _is_read(self, path: str) -> bool:
        if self.owner.adult and (path == "GRID" or path in _OF_CORD):
            return path == "GRID"
        return path in _READ or path in _TYPINGS or path in _MOTHERS

    def _close(self, kind: str) -> None:
        if not self.known:
            return
        if (kind == wmda.DONOR) != self.owner.adult:
            self.units.refuse("cord_in_registry" if self.owner.adult else "adult_donor", kind)
            return
        if self.counts is None and any(name in self._texts for name in _COUNTS):
            raise FileError("count_unit_needed")
        place = self.units.place
        found = [Finding(place, path, "element_twice") for path in self._twice]
        self.units.take({**self._values(), **self._status(place, found), **self._screen(place, found)}, found)

    def _values(self) -> dict[str, str]:
        texts = self._texts
        values = {column: texts[name] for name, column in _PLAIN.items() if name in texts}
        values.update(_typed(texts, _TYPINGS, ""))
        values.update(_typed(texts, _MOTHERS, MOTHER))
        if self.counts is not None:
            counted = {"TNC_FRZN": TNC_COLUMN[self.counts], "CD34PC_FRZN": CD34_COLUMN[self.counts]}
            values.update({column: texts[name] for name, column in counted.items() if name in texts})
        told = {
            "rh": _RH.get(texts.get("RHESUS", ""), texts.get("RHESUS", "")),
            "collected_on": texts.get("COLL_DATE", "") or texts.get("BIRTH_DATE", ""),
            "processing_method": wmda.method_of(texts.get("PROC_METH", ""), texts.get("PROC_METH_TYPE", "")),
            "red_cells": wmda.RED_CELLS_READ.get(texts.get("PROD_MOD", ""), ""),
            "din": _din(texts.get("BAG_ID", "")),
            "grid": texts.get("GRID", ""),
            _VIABLE.get(texts.get("VIABILITY_CELLS", ""), ""): texts.get("VIABILITY", ""),
        }
        values.update({column: text for column, text in told.items() if column and text})
        return values

    def _status(self, place: int, found: list[Finding]) -> dict[str, str]:
        status = self._texts.get("STATUS", "")
        if status in wmda.STATUS_READ:
            return {"status": wmda.STATUS_READ[status]}
        if not status:
            found.append(Finding(place, "STATUS", "required"))
        elif status == wmda.DELETED and self.owner.partner:
            return {"status": GONE}
        elif status == wmda.DELETED:
            found.append(Finding(place, "STATUS", "unit_deleted"))
        else:
            allowed = ", ".join(wmda.STATUS_READ)
            found.append(
                Finding(place, "STATUS", "choice_unknown", {"text": status[:40], "allowed": allowed})
            )
        return {}

    def _screen(self, place: int, found: list[Finding]) -> dict[str, str]:
        code = self._texts.get("HEMO_STATUS", "")
        if not code or code in wmda.HAEMOGLOBINOPATHY_NONE:
            return {}
        if code not in wmda.HAEMOGLOBINOPATHY_READ:
            params = {"text": code[:40], "allowed": ", ".join(wmda.HAEMOGLOBINOPATHY_READ)}
            found.append(Finding(place, "HEMO_STATUS", "choice_unknown", params))
            return {}
        # the code stays, for ours are fewer
        return {
            "haemoglobinopathy": wmda.HAEMOGLOBINOPATHY_READ[code].value,
            "haemoglobinopathy_method": f"HEMO_STATUS {code}",
        }


def _typed(
    texts: Texts, places: Mapping[str, tuple[str, str, bool]], prefix: str
) -> Iterator[tuple[str, str]]:
    for path, (column, locus, serological) in places.items():
        if path not in texts:
            continue
        if not serological:
            yield f"{prefix}{column}", wmda.dna_read(locus, texts[path])
        elif not prefix:
            yield column, wmda.serology_read(locus, texts[path])


def _din(bag: str) -> str:
    """The identification on the bag where it is a DIN; a bank's own number is left aside."""
    try:
        din.parse(bag)
    except CodeError:
        return ""
    return bag
