"""What the bank knows of a unit's quality, for the choice of a graft: many units at once, in a few queries."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from bank.choices import BLOCKS, Analyte, Subject, TimePoint
from bank.markers import Marker, markers_of
from bank.models import Accreditation
from hla.typing import canonical_loci

Pair = tuple[str, str]
Certificates = tuple[tuple[str, ...], tuple[str, ...]]

# Of several values of one analyte the first of these counts. What was measured before processing says nothing of
# the product. Viability is that after thaw where a segment was thawed: it is what the patient gets.
AS_FROZEN = (TimePoint.PROCESSING, TimePoint.POST_THAW_SEGMENT, TimePoint.POST_THAW)
AS_THAWED = (TimePoint.POST_THAW_SEGMENT, TimePoint.POST_THAW, TimePoint.PROCESSING)
# In the order of the fields of GraftFacts.
_ORDER = (
    (Analyte.CFU, AS_FROZEN),
    (Analyte.VIABILITY, AS_THAWED),
    (Analyte.CD34_VIABILITY, AS_THAWED),
    (Analyte.HAEMATOCRIT, AS_FROZEN),
)


@dataclass(frozen=True, slots=True)
class GraftFacts:
    """One unit as it is recorded. None, "" and {} mean: not recorded; nobody may take that for good.

    Counts of the whole unit in the unit of measure that stands in the name. A `…_time_point` is a value of TimePoint:
    when its value was measured, "" without one; listed TNC and CD34 are those after processing, before freezing.

    Which value counts where there are several: of volume, TNC and CD34 the listed ones, as frozen, which stand on the
    unit and come with its import only (no measurement takes their place); of the others the first time point of
    AS_FROZEN or AS_THAWED that has one. Of one time point, and of the haemoglobinopathy screen, that of the newest day
    of the test: services_quality keeps one in force, and what was tested earlier and entered later stays out of force.

    A `…_standing` is "verified" where a second person vouched for its value, else "unverified" or "invented", ""
    without a value.
    """

    status: str
    blocks: tuple[str, ...]  # flags of bank.choices.BLOCKS that keep it back whatever its status
    bank_code: str
    accreditations: tuple[str, ...]  # schemes of the bank valid today, each once
    accreditations_ended: tuple[str, ...]  # schemes of which the bank had a certificate, and has none today
    markers: tuple[Marker, ...]  # of the unit and its mother, each test once
    source: str
    donor_type: str
    collected_on: dt.date | None
    sex: str
    abo: str
    rh: str
    volume_ml: float | None
    segments: int | None
    tnc_e7: float | None
    tnc_time_point: str
    cd34_e6: float | None
    cd34_time_point: str
    cfu_e5: float | None
    cfu_time_point: str
    cfu_standing: str
    viability_percent: float | None
    viability_time_point: str
    viability_standing: str
    cd34_viability_percent: float | None
    cd34_viability_time_point: str
    cd34_viability_standing: str
    haematocrit_percent: float | None
    haematocrit_time_point: str
    haematocrit_standing: str
    red_cells: str  # of RedCells
    processing_method: str
    haemoglobinopathy: str  # of HaemoglobinopathyValue; "" is not tested
    haemoglobinopathy_verified: bool
    counts_invented: bool
    updated_at: dt.datetime
    # locus -> first and second canonical value of the unit's and of its mother's current typing, the second "" where
    # unknown; all loci, also those that no list shows
    typing: Mapping[str, Pair] = field(default_factory=dict)
    mother_typing: Mapping[str, Pair] = field(default_factory=dict)
    mother_differs: tuple[str, ...] = ()  # loci at which she shares no type with the unit, by the remarks


def graft_facts(unit_ids: Sequence[UUID]) -> dict[UUID, GraftFacts]:
    """The facts of these units by their ids, in three queries whatever their number; an unknown id is left out.

    Asks nobody's permission: the caller hands over ids of units that the reader may see.
    """
    if not unit_ids:
        return {}
    accredited = _accredited(timezone.localdate())
    tested = markers_of(unit_ids)
    return {row[0]: _facts(row, accredited, tested.get(row[0], ())) for row in _rows(unit_ids)}


def _rows(unit_ids: Sequence[UUID]) -> Iterable[tuple[Any, ...]]:
    ids = [str(one) for one in unit_ids]
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"ids": ids, "own": Subject.UNIT.value, "mother": Subject.MOTHER.value})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _facts(
    row: tuple[Any, ...], accredited: Mapping[str, Certificates], tested: tuple[Marker, ...]
) -> GraftFacts:
    status, flags, bank_code = row[1:4]
    own, mothers, notes = row[-3:]
    blocks = tuple(flags.split()) if flags else ()
    head = (status, blocks, bank_code, *accredited.get(bank_code, ((), ())), tested)
    remarks = differing(json.loads(notes)) if mothers else ()
    typings: tuple[Any, ...] = (pairs_of(own or ""), pairs_of(mothers or ""), remarks)
    return GraftFacts(*head, *row[4:-3], *typings)


def pairs_of(canonical_gl: str) -> dict[str, Pair]:
    """The values by locus; what the DNA says where antigens were reported beside it."""
    pairs: dict[str, Pair] = {}
    for locus, first, second in canonical_loci(canonical_gl):
        pairs.setdefault(locus, (first, second))
    return pairs


def differing(notes: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """Loci of the remarks that mother and unit share no type, of HlaTyping.notes."""
    return tuple(locus for locus, code, _params in notes if code == "mother_differs")


def _accredited(today: dt.date) -> dict[str, Certificates]:
    """By the code of the bank: schemes valid today, and schemes of which every certificate that began has ended."""
    begun = Accreditation.objects.filter(valid_from__lte=today).select_related("bank").order_by("scheme")
    valid: dict[str, dict[str, bool]] = {}
    for row in begun:
        schemes = valid.setdefault(row.bank.code, {})
        schemes[row.scheme] = schemes.get(row.scheme, False) or row.is_valid_on(today)
    return {
        code: (
            tuple(scheme for scheme, is_valid in schemes.items() if is_valid),
            tuple(scheme for scheme, is_valid in schemes.items() if not is_valid),
        )
        for code, schemes in valid.items()
    }


# --- the query -----------------------------------------------------------------------------------
# By hand: the ids as one array, a unit's measurements put side by side by the database and rows without the
# conversions of models take a third of the time that the same takes through querysets.


_STANDING = (
    "CASE WHEN invented THEN 'invented' WHEN verified_by_id IS NULL THEN 'unverified' ELSE 'verified' END"
)


def _cell(analyte: Analyte, point: TimePoint, what: str = "value") -> str:
    """Of the only value in force; a constraint of Measurement allows no second."""
    return f"max({what}) FILTER (WHERE analyte = '{analyte.value}' AND time_point = '{point.value}')"


def _counting(analyte: Analyte, order: Sequence[TimePoint]) -> str:
    """Three columns: the first value of the order that there is, its time point, and its standing."""
    cells = {point.value: _cell(analyte, point) for point in order}
    points = " ".join(f"WHEN {cell} IS NOT NULL THEN '{point}'" for point, cell in cells.items())
    standings = " ".join(
        f"WHEN {_cell(analyte, point)} IS NOT NULL THEN {_cell(analyte, point, _STANDING)}" for point in order
    )
    name = analyte.value
    return (
        f"coalesce({', '.join(cells.values())}) AS {name}, CASE {points} END AS {name}_point,"
        f" CASE {standings} END AS {name}_standing"
    )


_FLAGS = ", ".join(f"CASE WHEN u.{flag} THEN '{flag}' END" for flag in BLOCKS)
_POINT = TimePoint.PROCESSING.value
_ANALYTES = ", ".join(f"'{analyte.value}'" for analyte, _order in _ORDER)
_PARTS = ", ".join(_counting(analyte, order) for analyte, order in _ORDER)
_SHOWN = ", ".join(
    f"m.{name}, coalesce(m.{name}_point, ''), coalesce(m.{name}_standing, '')"
    for name in (analyte.value for analyte, _order in _ORDER)
)
_SQL = f"""
    SELECT u.id, u.status, concat_ws(' ', {_FLAGS}), b.code, u.source, u.donor_type,
        u.collected_on, u.sex, u.abo, u.rh, u.volume_ml, u.segments,
        u.tnc_e7, CASE WHEN u.tnc_e7 IS NULL THEN '' ELSE '{_POINT}' END,
        u.cd34_e6, CASE WHEN u.cd34_e6 IS NULL THEN '' ELSE '{_POINT}' END,
        {_SHOWN},
        u.red_cells, u.processing_method, coalesce(h.result, ''), h.verified_by_id IS NOT NULL,
        u.counts_invented, u.updated_at, o.canonical_gl, t.canonical_gl, t.notes
    FROM bank_cordbloodunit u
    JOIN bank_bank b ON b.id = u.bank_id
    LEFT JOIN (
        SELECT unit_id, {_PARTS}
        FROM bank_measurement
        WHERE unit_id = ANY (%(ids)s::uuid[]) AND NOT superseded AND analyte IN ({_ANALYTES})
        GROUP BY unit_id
    ) m ON m.unit_id = u.id
    LEFT JOIN bank_haemoglobinopathyresult h ON h.unit_id = u.id AND NOT h.superseded
    LEFT JOIN bank_hlatyping o ON o.unit_id = u.id AND o.is_current AND o.subject = %(own)s
    LEFT JOIN bank_hlatyping t ON t.unit_id = u.id AND t.is_current AND t.subject = %(mother)s
    WHERE u.id = ANY (%(ids)s::uuid[])
"""  # noqa: S608 - made of our own names only; the ids are parameters
