"""Units of the database as a snapshot knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from bank.choices import DonorType
from bank.models import CordBloodUnit
from hla.loci import SEARCH_LOCI
from matching.engine.columns import INVENTED_COUNTS, SYNTHETIC, UNKNOWN, UnitRow

COLUMNS = (  # of CordBloodUnit: what a snapshot knows of a unit
    "pk", "tnc_e7", "cd34_e6", "collected_on", "status", "abo", "rh", "bank__code", "populations", "counts_invented",
    "synthetic", "donor_type",
    *(f"hla_{locus.lower()}_{position}" for locus in SEARCH_LOCI for position in (1, 2)),
)  # fmt: skip


def unit_rows(units: QuerySet[CordBloodUnit], chunk: int = 2_000) -> Iterator[UnitRow]:
    for values in units.values_list(*COLUMNS).iterator(chunk_size=chunk):
        yield _row(*values)


def row_of(values: Mapping[str, Any]) -> UnitRow:
    """A unit as a snapshot knows it, from the values of COLUMNS that it has or had."""
    return _row(*(values[name] for name in COLUMNS))


def _row(
    pk: UUID,
    tnc_e7: Any,
    cd34_e6: Any,
    collected_on: Any,
    status: str,
    abo: str,
    rh: str,
    bank: str,
    populations: str,
    invented: bool,
    synthetic: bool,
    donor_type: str,
    *hla: str,
) -> UnitRow:
    has_cells = donor_type == DonorType.CORD  # a donor's are counted when they are collected
    return UnitRow(
        unit_id=pk.bytes,
        typing=tuple(zip(hla[::2], hla[1::2], strict=True)),
        tnc_e4=thousandths(tnc_e7) if has_cells else UNKNOWN,
        cd34_e3=thousandths(cd34_e6) if has_cells else UNKNOWN,
        year=UNKNOWN if collected_on is None else collected_on.year,
        status=status,
        abo=abo,
        rh=rh,
        bank=bank,
        populations=populations,
        flags=invented * INVENTED_COUNTS + synthetic * SYNTHETIC,
        donor_type=donor_type,
    )


def thousandths(value: float | None) -> int:
    """A count as a whole number of thousandths, so that comparisons are exact; -1 unknown."""
    return UNKNOWN if value is None else round(value * 1000)
