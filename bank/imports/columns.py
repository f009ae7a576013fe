"""The documented columns of a unit file, each with its unit of measure in its name, and how a cell is read.

docs: templates/bank/unit_import.html prints this table; the export writes the same columns.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bank import processing
from bank.choices import Abo, Analyte, HaemoglobinopathyValue, RedCells, TimePoint, UnitStatus
from bank.codes import din as din_codes
from bank.codes import grid, product
from bank.codes.errors import CodeError
from bank.imports.errors import CellError
from core import populations
from core.errors import InvalidInput
from hla.loci import LOCI

OLDEST = dt.date(1980, 1, 1)
# Importing takes over an inventory: what is already on its way to a patient is moved by services only.
# Column -> when and what was measured; in the unit of measure of the analyte (ANALYTE_UNIT).
MEASURED_COLUMNS: dict[str, tuple[TimePoint, Analyte]] = {
    "volume_ml": (TimePoint.PROCESSING, Analyte.VOLUME),
    "tnc_e7": (TimePoint.PROCESSING, Analyte.TNC),
    "cd34_e6": (TimePoint.PROCESSING, Analyte.CD34),
    "cfu_e5": (TimePoint.PROCESSING, Analyte.CFU),
    "viability_percent": (TimePoint.PROCESSING, Analyte.VIABILITY),
    "cd34_viability_percent": (TimePoint.PROCESSING, Analyte.CD34_VIABILITY),
    "haematocrit_percent": (TimePoint.PROCESSING, Analyte.HAEMATOCRIT),
    "segment_viability_percent": (TimePoint.POST_THAW_SEGMENT, Analyte.VIABILITY),
    "segment_cd34_viability_percent": (TimePoint.POST_THAW_SEGMENT, Analyte.CD34_VIABILITY),
}
MEASURED_LATER = tuple(MEASURED_COLUMNS)[3:]  # the first three stand on the unit
GONE = "GONE"  # a partner's list may say so of a unit; no state of ours
IMPORTABLE_STATUS = (UnitStatus.LISTED.value, UnitStatus.QUARANTINE.value)

_UNIT_NO = re.compile(r"[A-Z0-9](?:[A-Z0-9._/\-]{0,15}[A-Z0-9])?")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")

SEX_WORDS = {"f": "F", "female": "F", "女": "F", "m": "M", "male": "M", "男": "M"}
RH_WORDS = {
    "+": "+", "pos": "+", "positive": "+", "阳性": "+",
    "-": "-", "neg": "-", "negative": "-", "阴性": "-",
}  # fmt: skip
YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

Reader = Callable[[str, dt.date], Any]


@dataclass(frozen=True)
class Column:
    """`read(text, today)` gives the value or raises CellError; it is never called with an empty text."""

    name: str
    read: Reader
    help: str | Promise


def read_unit_no(text: str, today: dt.date) -> str:
    number = text.upper()
    if not _UNIT_NO.fullmatch(number):
        raise CellError("unit_no_form", text=text[:40])
    return number


def read_din(text: str, today: dt.date) -> str:
    try:
        return din_codes.parse(text).code
    except CodeError as error:
        raise CellError(error.code, **error.params) from None


def read_product(text: str, today: dt.date) -> str:
    try:
        return product.parse(text).code
    except CodeError as error:
        raise CellError(error.code, **error.params) from None


def read_grid(text: str, today: dt.date) -> str:
    try:
        return grid.parse(text).code
    except CodeError as error:
        raise CellError(error.code, **error.params) from None


def read_date(text: str, today: dt.date) -> dt.date:
    try:
        day = dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None:
        raise CellError("date_form", text=text[:40])
    if day > today:
        raise CellError("date_future", text=text)
    if day < OLDEST:
        raise CellError("date_too_old", text=text)
    return day


def choice(words: dict[str, Any], allowed: str) -> Reader:
    def read(text: str, today: dt.date) -> Any:
        if text.lower() not in words:
            raise CellError("choice_unknown", text=text[:40], allowed=allowed)
        return words[text.lower()]

    return read


def number(high: float, unit: str) -> Reader:
    """A decimal number above 0 and at most `high`; more is impossible, not merely implausible."""

    def read(text: str, today: dt.date) -> float:
        value = float(text) if _NUMBER.fullmatch(text) and len(text) <= 30 else math.nan
        if math.isnan(value):
            raise CellError("number_form", text=text[:40])
        if not 0 < value <= high:
            raise CellError("number_range", text=text, low="0", high=f"{high:g}", unit=unit)
        return value

    return read


def between(high: float, unit: str) -> Reader:
    """A decimal number from 0 to `high`, both allowed: nothing may have grown, and none may live."""

    def read(text: str, today: dt.date) -> float:
        value = float(text) if _NUMBER.fullmatch(text) and len(text) <= 30 else math.nan
        if math.isnan(value):
            raise CellError("number_form", text=text[:40])
        if not 0 <= value <= high:
            raise CellError("number_between", text=text, low="0", high=f"{high:g}", unit=unit)
        return value

    return read


def whole(low: int, high: int) -> Reader:
    def read(text: str, today: dt.date) -> int:
        if not _WHOLE.fullmatch(text):
            raise CellError("whole_number_form", text=text[:40])
        if not low <= int(text) <= high:
            raise CellError("whole_number_range", text=text, low=low, high=high)
        return int(text)

    return read


def as_is(text: str, today: dt.date) -> str:
    return text


def read_population(text: str, today: dt.date) -> str:
    try:
        return populations.canonical_populations(text)
    except InvalidInput as error:
        raise CellError(error.code, **error.params) from None


def refuse_formula(text: str) -> None:
    """Where any text will do, one that a spreadsheet would run will not."""
    if text.startswith(("=", "@")):
        raise CellError("formula", text=text[:40])


def read_method(text: str, today: dt.date) -> str:
    refuse_formula(text)
    try:
        return processing.canonical_method(text)
    except InvalidInput as error:
        raise CellError(error.code, **error.params) from None


def read_screen_method(text: str, today: dt.date) -> str:
    refuse_formula(text)
    if len(text) > 80:
        raise CellError("method_too_long", most=80)
    return text


_ABO_WORDS = {str(value).lower(): str(value) for value in Abo.values}
_RED_CELLS_WORDS = {str(value): str(value) for value in RedCells.values}
_SCREEN_WORDS = {str(value): str(value) for value in HaemoglobinopathyValue.values}
_STATUS_WORDS = {value.lower(): value for value in IMPORTABLE_STATUS}
# What the rows of a partner's list may say besides.
read_partners_status = choice({**_STATUS_WORDS, GONE.lower(): GONE}, ", ".join((*IMPORTABLE_STATUS, GONE)))

VALUE_COLUMNS: tuple[Column, ...] = (
    Column("unit_no", read_unit_no, _("the bank's number of the unit, at most 17 characters; required")),
    Column("bank", as_is, _("code of the bank; the same in every row")),
    Column("din", read_din, _("ISBT 128 DIN with its check character, or as scanned")),
    Column("collected_on", read_date, _("YYYY-MM-DD")),
    Column("sex", choice(SEX_WORDS, "F, M"), _("F or M")),
    Column("abo", choice(_ABO_WORDS, "A, B, AB, O"), _("A, B, AB or O")),
    Column("rh", choice(RH_WORDS, "pos, neg"), _("pos or neg")),
    Column("population", read_population, populations.HELP),
    Column("volume_ml", number(1_000, "mL"), _("volume as frozen, mL")),
    Column("tnc_e7", number(5_000, "×10⁷"), _("total nucleated cells, ×10⁷: 1.2×10⁹ cells are 120")),
    Column("cd34_e6", number(5_000, "×10⁶"), _("CD34+ cells, ×10⁶")),
    Column("segments", whole(0, 99), _("attached segments left")),
    Column(
        "status", choice(_STATUS_WORDS, ", ".join(IMPORTABLE_STATUS)), _("LISTED (the default) or QUARANTINE")
    ),
    Column("red_cells", choice(_RED_CELLS_WORDS, "depleted, replete"), _("depleted or replete, as frozen")),
    Column(
        "processing_method",
        read_method,
        _("AXP, Sepax, HES, PrepaCyte, manual, other, or the bank's own word"),
    ),
    Column("cfu_e5", between(5_000, "×10⁵"), _("colony-forming units after processing, ×10⁵")),
    Column("viability_percent", between(100, "%"), _("viability of nucleated cells after processing, %")),
    Column("cd34_viability_percent", between(100, "%"), _("viability of CD34+ cells after processing, %")),
    Column("haematocrit_percent", between(100, "%"), _("haematocrit after processing, %")),
    Column("segment_viability_percent", between(100, "%"), _("viability of a thawed segment, %")),
    Column(
        "segment_cd34_viability_percent",
        between(100, "%"),
        _("viability of CD34+ cells of a thawed segment, %"),
    ),
    Column(
        "haemoglobinopathy",
        choice(_SCREEN_WORDS, ", ".join(_SCREEN_WORDS)),
        _("result of the screen: not_found, trait, disease or pending; empty where not tested"),
    ),
    Column("haemoglobinopathy_method", read_screen_method, _("method of the screen")),
    Column("haemoglobinopathy_on", read_date, _("day of the screen, YYYY-MM-DD")),
    Column("product_code", read_product, _("ISBT 128 product code of the unit, 8 characters or as scanned")),
    Column("grid", read_grid, _("GRID of an adult donor with its check characters; cord blood has none")),
    Column("counts_invented", choice(YES_NO, "yes, no"), _("yes where the counts are made up")),
)
HLA_COLUMNS: tuple[str, ...] = tuple(f"{locus}_{position}" for locus in LOCI for position in (1, 2))
# Antigens that a laboratory reported beside the DNA typing, or instead of it.
SEROLOGY_LOCI = ("A", "B", "C", "DRB1", "DRB3", "DRB4", "DRB5", "DQB1")
SEROLOGY_COLUMNS: tuple[str, ...] = tuple(
    f"{locus}_ser_{position}" for locus in SEROLOGY_LOCI for position in (1, 2)
)
# The typing of the mother, who is never without a child's.
MOTHER = "mother_"
MOTHER_COLUMNS: tuple[str, ...] = tuple(f"{MOTHER}{name}" for name in HLA_COLUMNS)
# All that is taken of an adult donor.
DONOR_COLUMNS: frozenset[str] = frozenset(
    {"unit_no", "bank", "grid", "sex", "abo", "rh", "population", "status", *HLA_COLUMNS, *SEROLOGY_COLUMNS}
)
# Columns that came after the first inventories: their values count for the digest of a row only where they are given.
LATER_COLUMNS: tuple[str, ...] = (
    "red_cells", "processing_method", *MEASURED_LATER, "haemoglobinopathy", "haemoglobinopathy_method",
    "haemoglobinopathy_on", "product_code", "grid",
)  # fmt: skip
NAMES: tuple[str, ...] = (
    *(column.name for column in VALUE_COLUMNS),
    *HLA_COLUMNS,
    *SEROLOGY_COLUMNS,
    *MOTHER_COLUMNS,
)
