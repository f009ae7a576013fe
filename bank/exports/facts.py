"""What an inventory file says of a unit, read in chunks: the tables know the unit, this knows nothing of XML."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from uuid import UUID

from bank.choices import Analyte, MarkerResultValue, Source, Subject, TimePoint
from bank.markers import markers_of
from bank.models import (
    HLA_COLUMNS,
    Bank,
    CordBloodUnit,
    HaemoglobinopathyResult,
    HlaTyping,
    Measurement,
)
from bank.querysets import CordBloodUnitQuerySet
from hla.typing import canonical_loci

CHUNK = 1_000
T = TypeVar("T")
_READ = (
    "unit_no", "din", "status", "source", "synthetic", "counts_invented", "collected_on", "sex", "abo", "rh",
    "volume_ml", "tnc_e7", "cd34_e6", "segments", "red_cells", "processing_method", *HLA_COLUMNS,
)  # fmt: skip
_VIABILITY = {
    Analyte.VIABILITY.value: "viability_percent", Analyte.CD34_VIABILITY.value: "cd34_viability_percent",
}  # fmt: skip
_TOLD = (MarkerResultValue.NEGATIVE.value, MarkerResultValue.POSITIVE.value)


@dataclass
class UnitFacts:
    """A unit with what stands in other tables. typing: (locus, first, second) as canonical texts, a locus twice where
    antigens stand beside DNA; markers: (subject, test) -> result, verified only."""

    unit: CordBloodUnit
    typing: list[tuple[str, str, str]] = field(default_factory=list)
    viability_percent: float | None = None
    cd34_viability_percent: float | None = None
    haemoglobinopathy: str = ""
    markers: dict[tuple[str, str], str] = field(default_factory=dict)


def on_offer(bank: Bank) -> CordBloodUnitQuerySet:
    """The own units that a registry abroad may search: what a search here may offer."""
    return CordBloodUnit.objects.filter(bank=bank, source=Source.OWN).searchable()


def chunks(units: CordBloodUnitQuerySet, size: int = CHUNK) -> Iterator[list[UnitFacts]]:
    """All of these units in the order of their numbers, some at a time."""
    rows = units.order_by("unit_no", "pk").only(*_READ)
    for chunk in _by(size, rows.iterator(chunk_size=size)):
        yield _facts(chunk)


def of_ids(ids: Sequence[UUID], size: int = CHUNK) -> Iterator[list[CordBloodUnit]]:
    """These units, some at a time, without what stands in other tables."""
    for start in range(0, len(ids), size):
        yield list(CordBloodUnit.objects.filter(pk__in=ids[start : start + size]).order_by("unit_no", "pk"))


def _by(size: int, items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def _facts(units: Sequence[CordBloodUnit]) -> list[UnitFacts]:
    """Values of the other tables as plain rows: objects of a million markers would cost more than all the rest."""
    found = {unit.pk: UnitFacts(unit) for unit in units}
    typings = HlaTyping.objects.filter(unit__in=found, is_current=True, subject=Subject.UNIT)
    for key, gl in typings.values_list("unit_id", "canonical_gl"):
        found[key].typing = canonical_loci(gl)
    for facts in found.values():
        facts.typing = facts.typing or [row for row in facts.unit.typing_pairs if row[1] or row[2]]
    measured = Measurement.objects.in_force().filter(
        unit__in=found,
        time_point=TimePoint.PROCESSING,
        invented=False,
        verified_by__isnull=False,
        analyte__in=_VIABILITY,
    )
    for key, analyte, value in measured.order_by().values_list("unit_id", "analyte", "value"):
        setattr(found[key], _VIABILITY[analyte], value)
    screens = HaemoglobinopathyResult.objects.in_force().filter(unit__in=found, verified_by__isnull=False)
    for key, result in screens.order_by().values_list("unit_id", "result"):
        found[key].haemoglobinopathy = result
    for key, subject, test, result in _markers(found):
        found[key].markers[subject, test] = result
    return list(found.values())


def _markers(units: Collection[UUID]) -> Iterator[tuple[UUID, str, str, str]]:
    """Of each test the result that counts (bank.markers): told where a second person vouched for it and it says one of
    two things; a retracted one is none, and a positive one is not outvoted."""
    for key, found in markers_of(list(units)).items():
        for subject, test, result, is_verified in found:
            if is_verified and result in _TOLD:
                yield key, subject, test, result
