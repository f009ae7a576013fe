"""The inventory as a list: filters, order, columns, pages, CSV. Pages, export and API share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, OrderBy, Prefetch
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bank.choices import Analyte, Subject, TimePoint
from bank.codes import din as din_codes
from bank.forms import UnitFilterForm
from bank.imports.columns import (
    HLA_COLUMNS,
    MEASURED_COLUMNS,
    MEASURED_LATER,
    MOTHER,
    MOTHER_COLUMNS,
    NAMES,
)
from bank.models import LISTED_LOCI, CordBloodUnit, HaemoglobinopathyResult, HlaTyping, Measurement
from bank.querysets import CordBloodUnitQuerySet
from core.models import User
from core.pages import Column, Sort, per_page_from
from core.roles import Permission
from hla.typing import canonical_loci, serology_of

# key in ?sort= → column; each has an index, nulls last.
SORTS = {"no": "unit_no", "tnc": "tnc_e7", "cd34": "cd34_e6", "collected": "collected_on"}
DEFAULT_SORT = "no"
SHOWN_LOCI = LISTED_LOCI[:5]
CSV_HEADER = tuple(
    name
    for name in NAMES
    if name not in (*HLA_COLUMNS, *MOTHER_COLUMNS)
    or name.removeprefix(MOTHER).rpartition("_")[0] in LISTED_LOCI
)
# The mother is a third person: her typing is for the bank's staff.
CSV_HEADER_OF_HOSPITALS = tuple(name for name in CSV_HEADER if name not in MOTHER_COLUMNS)
# Beyond this a list is not read but filtered; counting and skipping stay quick at a million units.
MOST_ROWS_SHOWN = 20_000
# Of a unit of the export: its typing, if that has antigens beside DNA, its mother's, measured values, screen.
BESIDE, OF_MOTHER, MEASURED, SCREENED = "typings_beside", "typings_of_mother", "measured_later", "screened"
_COLUMN_OF = {MEASURED_COLUMNS[name]: name for name in MEASURED_LATER}


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts to `most` and no further; `capped` says that there are more rows than pages show."""

    most = MOST_ROWS_SHOWN

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.most + 1].count())

    @property
    def count(self) -> int:
        return min(self.counted, self.most)

    @property
    def capped(self) -> bool:
        return self.counted > self.most


def unit_selection(request: HttpRequest, user: User) -> tuple[CordBloodUnitQuerySet, UnitFilterForm, Sort]:
    """The units that address and person allow, the bound filter form, the order."""
    form = UnitFilterForm(request.GET, user=user)
    sort = sort_of(request)
    units = form.apply(CordBloodUnit.objects.visible_to(user)).order_by(*ordering(sort))
    return units, form, sort


def sort_of(request: HttpRequest) -> Sort:
    key = request.GET.get("sort", DEFAULT_SORT)
    key = key if key.lstrip("-") in SORTS and not key.startswith("--") else DEFAULT_SORT
    return Sort(key, (SORTS[key.lstrip("-")],))


def ordering(sort: Sort) -> list[OrderBy]:
    """As the indexes are built: descending with nulls last, ties by id in the direction of reading."""
    column = F(SORTS[sort.name])
    if SORTS[sort.name] == "unit_no":
        return [column.desc(), F("pk").desc()] if sort.descending else [column.asc(), F("pk").asc()]
    if sort.descending:
        return [column.desc(nulls_last=True), F("pk").asc()]
    return [column.asc(nulls_first=True), F("pk").desc()]


def unit_page(request: HttpRequest, units: CordBloodUnitQuerySet) -> Page[Any]:
    rows = units.select_related("bank")
    return CappedPaginator(rows, per_page_from(request)).get_page(request.GET.get("page"))


HEADS = (
    Column(_("Unit"), "no"),
    Column(_("Status")),
    Column(_("TNC"), "tnc", num=True, unit="×10⁷"),
    Column(_("CD34"), "cd34", num=True, unit="×10⁶"),
    Column(_("Volume"), num=True, unit="mL"),
    Column(_("Blood group")),
    Column(_("Collected on"), "collected"),
    *(Column(locus) for locus in SHOWN_LOCI),
)


def chips(form: UnitFilterForm, request: HttpRequest) -> list[dict[str, str]]:
    """The filters in force, each with the address that leaves it out."""
    found = []
    for name, field in form.fields.items():
        if not request.GET.get(name) or name in form.errors:
            continue
        query = request.GET.copy()
        query.pop(name)
        query.pop("page", None)
        choices = dict(getattr(field, "choices", []))
        shown = choices.get(request.GET[name], request.GET[name])
        label = field.label or _("Import")
        found.append({"label": str(label), "value": str(shown), "remove": f"?{query.urlencode()}"})
    return found


def csv_header(user: User) -> tuple[str, ...]:
    """The columns of the import that a person may read."""
    return CSV_HEADER if user.has_permission(Permission.INVENTORY_VIEW_ALL) else CSV_HEADER_OF_HOSPITALS


def csv_rows(units: CordBloodUnitQuerySet, header: Sequence[str]) -> Iterator[list[Any]]:
    """Rows of the documented import columns, so that an export can be imported elsewhere."""
    beside = HlaTyping.objects.filter(
        is_current=True, subject=Subject.UNIT, notes__icontains="serology_beside"
    ).only("unit_id", "canonical_gl")
    mothers = HlaTyping.objects.filter(is_current=True, subject=Subject.MOTHER).only(
        "unit_id", "canonical_gl"
    )
    analytes = {analyte for _point, analyte in _COLUMN_OF}
    measured = Measurement.objects.in_force().filter(analyte__in=analytes).order_by()
    screens = HaemoglobinopathyResult.objects.in_force()
    rows = units.select_related("bank").prefetch_related(
        Prefetch("typings", beside, to_attr=BESIDE),
        Prefetch("typings", mothers, to_attr=OF_MOTHER),
        Prefetch("measurements", measured, to_attr=MEASURED),
        Prefetch("haemoglobinopathy_results", screens, to_attr=SCREENED),
    )
    for unit in rows.iterator(chunk_size=2_000):
        beside_gl, mother_gl = (
            [typing.canonical_gl for typing in getattr(unit, name)] for name in (BESIDE, OF_MOTHER)
        )
        values = csv_values(
            unit, beside_gl, mother_gl, quality_values(getattr(unit, MEASURED), getattr(unit, SCREENED))
        )
        yield [values.get(name, "") for name in header]


def quality_values(
    measured: Iterable[Measurement], screens: Iterable[HaemoglobinopathyResult]
) -> dict[str, Any]:
    """Values of the import columns that stand in other tables than the unit."""
    found: dict[str, Any] = {}
    for row in measured:
        if name := _COLUMN_OF.get((TimePoint(row.time_point), Analyte(row.analyte))):
            found[name] = row.value
    for screen in screens:
        found["haemoglobinopathy"] = screen.result
        found["haemoglobinopathy_method"] = screen.method
        found["haemoglobinopathy_on"] = screen.tested_on.isoformat() if screen.tested_on else ""
    return found


def csv_values(
    unit: CordBloodUnit,
    beside: Sequence[str] = (),
    mother: Sequence[str] = (),
    quality: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Column -> value. beside: canonical GL texts with antigens reported beside DNA, which the unit's own row does not
    hold; mother: those of its mother; quality: as quality_values."""
    typed = {f"{locus}_{n}": text for locus, *pair in unit.typing_pairs for n, text in enumerate(pair, 1)}
    typed |= {
        f"{locus}_ser_{n}": text
        for gl in beside
        for locus, pair in serology_of(gl).items()
        for n, text in enumerate(pair, 1)
    }
    typed |= {
        f"{MOTHER}{locus}_{n}": text
        for gl in mother
        for locus, *pair in reversed(canonical_loci(gl))  # the first of a locus is by DNA, and stays
        for n, text in enumerate(pair, 1)
    }
    return {
        "unit_no": unit.unit_no,
        "bank": unit.bank.code,
        "din": din_codes.compact(unit.din) if unit.din else "",
        "collected_on": unit.collected_on.isoformat() if unit.collected_on else "",
        "sex": unit.sex,
        "abo": unit.abo,
        "rh": {"+": "pos", "-": "neg"}.get(unit.rh, ""),  # a lone sign would start a formula
        "population": unit.populations,
        "volume_ml": unit.volume_ml,
        "tnc_e7": unit.tnc_e7,
        "cd34_e6": unit.cd34_e6,
        "segments": unit.segments,
        "status": unit.plain_status,  # a file with a recalled unit cannot be imported as listed
        "red_cells": unit.red_cells,
        "processing_method": unit.processing_method,
        "product_code": unit.product_code,
        "counts_invented": "yes" if unit.counts_invented else "no",
        **typed,
        **(quality or {}),
    }
