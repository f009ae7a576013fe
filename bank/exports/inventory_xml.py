"""WMDA-style inventory XML, written as text element by element: no tree, the order is that of the schema."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from bank import emdis, wmda
from bank.choices import (
    EMDIS,
    CountUnit,
    HaemoglobinopathyValue,
    MarkerResultValue,
    RedCells,
    Subject,
    UnitStatus,
)
from bank.codes import din
from bank.exports.facts import UnitFacts
from bank.imports.counts import plain_number
from bank.models import Bank, CordBloodUnit
from hla.loci import LOCI

MAX_ID = 17
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# By which power of ten our TNC in 10⁷ and CD34 in 10⁶ are written.
_TNC_POWER = {CountUnit.E8: -1, CountUnit.E7: 0, CountUnit.CELLS: 7}
_CD34_POWER = {CountUnit.E8: 0, CountUnit.E7: 0, CountUnit.CELLS: 6}
_RH = {"+": "P", "-": "N"}
_MARKER = {MarkerResultValue.POSITIVE: "P", MarkerResultValue.NEGATIVE: "N"}
_GONE = ("TU", "OT")  # of a unit that a flag keeps back
_NOT_ABROAD = ("DE", "OT")
_COUNTED_IN = {
    CountUnit.E8: "TNC in 10^8, CD34 in 10^6",
    CountUnit.E7: "TNC in 10^7, CD34 in 10^6",
    CountUnit.CELLS: "TNC and CD34 in cells",
}


def head(bank: Bank, *, mode: str, at: dt.datetime, counts: CountUnit, synthetic: bool) -> str:
    """Everything before the first unit. at: of creation and of the snapshot."""
    moment = f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    inventory = {
        "LISTING_ORGANIZATION": bank.issuing_organisation,
        "POOL": bank.issuing_organisation,
        "CONTENT_TYPE": "C",
        "UPDATE_MODE": mode,
        "SNAPSHOT_TIME": moment,
        "SCHEMA_VERSION": wmda.SCHEMA_VERSION,
    }
    told = " ".join(f"{name}={quoteattr(str(value))}" for name, value in inventory.items())
    made_up = " Synthetic data: none of these units exists." if synthetic else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<!-- WMDA-style inventory, made by Qidai; not validated against the official schema. {_COUNTED_IN[counts]}."
        f"{made_up} -->\n"
        f'<{wmda.ROOT} CREATION_TIME="{moment}">\n<{wmda.INVENTORY} {told}>\n'
    )


FOOT = f"</{wmda.INVENTORY}>\n</{wmda.ROOT}>\n"


def unit_xml(facts: UnitFacts, *, hub: str, counts: CountUnit) -> str:
    """The element of a unit on offer, one line."""
    unit = facts.unit
    status, reason = emdis.status_of(unit)
    return _element(
        wmda.UNIT,
        [
            _leaf("ID", public_id(unit, hub)),
            _leaf("BIRTH_DATE", unit.collected_on),
            _leaf("SEX", unit.sex),
            _leaf("ABO", unit.abo),
            _leaf("RHESUS", _RH.get(unit.rh)),
            _element("HLA", _typed(facts.typing), empty=True),
            _element("IDM", _markers(facts, Subject.UNIT)),
            _leaf("STATUS", status),
            _leaf("STAT_REASON", reason),
            _leaf("LOCAL_ID", unit.unit_no),
            _leaf("BAG_ID", din.compact(unit.din) if unit.din else ""),
            _leaf("COLL_DATE", unit.collected_on),
            *_processing(facts),
            *_counted(unit, counts),
            *_viability(facts),
            _leaf("ATT_SEG", unit.segments),
            _element("MAT", [_element("IDM", _markers(facts, Subject.MOTHER))]),
        ],
    )


def gone_xml(unit: CordBloodUnit, *, hub: str, abroad: bool) -> str:
    """The element of a DIFF for a unit that is no longer on offer. abroad: whether its data may still be sent."""
    status, reason = EMDIS[UnitStatus(unit.status)]
    if not abroad:
        status, reason = _NOT_ABROAD
    elif status in ("AV", "RS"):
        status, reason = _GONE
    return _element(
        wmda.UNIT,
        [
            _leaf("ID", public_id(unit, hub)),
            _leaf("BIRTH_DATE", unit.collected_on if abroad else None),
            _element("HLA", [], empty=True),
            _leaf("STATUS", status),
            _leaf("STAT_REASON", reason),
        ],
    )


def public_id(unit: CordBloodUnit, hub: str) -> str:
    """Code of the EMDIS hub and number; a number too long for both stands alone."""
    whole = f"{hub}{unit.unit_no}"
    return whole if len(whole) <= MAX_ID else unit.unit_no


def _typed(typing: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """A locus after the other; antigens before DNA. What the schema has no place for is left out."""
    found: dict[str, list[str]] = {}
    for locus, first, second in typing:
        by_dna = "*" in first or "*" in second
        if not by_dna and locus not in wmda.SEROLOGY_LOCI:
            continue
        written = wmda.dna_written if by_dna else wmda.serology_written
        fields = [
            f"<FIELD{position}>{_safe(written(locus, text))}</FIELD{position}>"
            for position, text in enumerate((first, second), 1)
        ]
        element = _element("DNA" if by_dna else "SER", fields)
        found.setdefault(locus, []).insert(len(found.get(locus, [])) if by_dna else 0, element)
    for locus in LOCI:
        if locus in found:
            yield _element(locus, found[locus])


def _markers(facts: UnitFacts, subject: Subject) -> Iterator[str]:
    for name, test in wmda.MARKERS.items():
        if result := facts.markers.get((subject.value, test.value)):
            yield _leaf(name, _MARKER[MarkerResultValue(result)])


def _processing(facts: UnitFacts) -> Iterator[str]:
    unit = facts.unit
    method, device = wmda.method_codes(unit.processing_method)
    yield _leaf("PROC_METH", method)
    yield _leaf("PROC_METH_TYPE", device)
    yield _leaf("PROD_MOD", wmda.RED_CELLS_WRITTEN[RedCells(unit.red_cells)] if unit.red_cells else "")
    if facts.haemoglobinopathy:
        result = HaemoglobinopathyValue(facts.haemoglobinopathy)
        yield _leaf("HEMO_STATUS", wmda.HAEMOGLOBINOPATHY_WRITTEN[result])


def _counted(unit: CordBloodUnit, counts: CountUnit) -> Iterator[str]:
    """Volume in whole mL, as the schema wants it. Counts that were made up for a real unit are never told abroad."""
    if unit.counts_invented and not unit.synthetic:
        return
    yield _leaf("VOL_FRZN", max(1, round(unit.volume_ml)) if unit.volume_ml is not None else None)
    yield _leaf("TNC_FRZN", _scaled(unit.tnc_e7, _TNC_POWER[counts]))
    yield _leaf("CD34PC_FRZN", _scaled(unit.cd34_e6, _CD34_POWER[counts]))


def _viability(facts: UnitFacts) -> Iterator[str]:
    """Whole percent, of one kind of cells: of CD34 only where that of all is not known."""
    values = (("TNC", facts.viability_percent), ("CD34PC", facts.cd34_viability_percent))
    for cells, value in values:
        if value is not None:
            yield _leaf("VIABILITY", round(value))
            yield _leaf("VIABILITY_CELLS", cells)
            return


def _scaled(value: float | None, power: int) -> str:
    """Digit for digit as it is kept: 130.5 × 10⁷ in 10⁸ is 13.05."""
    return "" if value is None else plain_number(Decimal(repr(value)).scaleb(power))


def _leaf(name: str, value: object) -> str:
    """An element with a text; nothing where there is none."""
    return "" if value is None or value == "" else f"<{name}>{_safe(str(value))}</{name}>"


def _element(name: str, children: Iterable[str], *, empty: bool = False) -> str:
    """empty: also where no child is."""
    inside = "".join(children)
    return f"<{name}>{inside}</{name}>" if inside or empty else ""


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
