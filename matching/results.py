"""From the engine's arrays to rows of SearchResult, written by COPY in the caller's transaction."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from io import StringIO
from typing import Any
from uuid import UUID

from django.db import connection

from hla.evidence import LocusEvidence
from hla.prediction.imputed import Basis
from hla.typing import Typing
from matching.engine import evidence, ranking
from matching.engine.search import Ranked, SearchOutcome
from matching.engine.snapshot import Snapshot
from matching.models import SearchResult, SearchRun
from matching.predictions import RunPrediction

Rows = StringIO  # in PostgreSQL's text format, one line per result

_CLASSES = ("antigen6", "allele6", "allele8", "allele10")
_COLUMNS = (
    "run_id", "rank", "unit_id",
    *(f"{name}_{end}" for name in _CLASSES for end in ("min", "max")),
    "p0_of6", "p0_of8", "p0_of10", "prediction", "direction",
    "tnc_e7", "cd34_e6", "tnc_e7_per_kg", "cd34_e5_per_kg", "status", "evidence",
)  # fmt: skip
_NULL = r"\N"
_DOSE_DIGITS = 6
_DIGITS = 6  # of probabilities
_SIZES = (6, 8, 10)


def rows(
    run: SearchRun,
    outcome: SearchOutcome,
    snapshot: Snapshot,
    patient: Typing,
    prediction: RunPrediction | None = None,
) -> Rows:
    """All kept units with their evidence and probabilities, ready to be copied."""
    ranked = outcome.ranked
    columns = [
        _repeated(str(run.pk), len(ranked)),
        (str(rank) for rank in range(1, len(ranked) + 1)),
        (str(UUID(bytes=unit.tobytes())) for unit in snapshot.columns.unit_ids[ranked.rows]),
        *_class_columns(ranked),
        *_prediction_columns(prediction, len(ranked)),
        (ranking.UNIT_DIRECTIONS[code] for code in ranked.direction),
        *_number_columns(ranked, snapshot),
        _statuses(ranked, snapshot),
        _evidence(ranked, snapshot, patient, outcome),
    ]
    text = StringIO()
    for line in zip(*columns, strict=True):
        text.write("\t".join(line))
        text.write("\n")
    text.seek(0)
    return text


def write(prepared: Rows) -> None:
    """Insert the rows; 1,000 in some 40 ms where row objects take four times as long."""
    table = SearchResult._meta.db_table
    prepared.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(_COLUMNS)}) FROM STDIN", prepared)


def _repeated(text: str, times: int) -> Iterable[str]:
    return (text for _ in range(times))


def _class_columns(ranked: Ranked) -> list[Iterable[str]]:
    return [
        _repeated(_NULL, len(ranked))
        if name not in ranked.classes
        else map(str, ranked.classes[name][:, end].tolist())
        for name in _CLASSES
        for end in (0, 1)
    ]


def _prediction_columns(prediction: RunPrediction | None, count: int) -> list[Iterable[str]]:
    """P(0 mismatches) of 6, 8 and 10, and beside them everything that was predicted as JSON."""
    if prediction is None:
        return [*(_repeated(_NULL, count) for _ in _SIZES), _repeated("{}", count)]
    found = prediction.rows
    alone = [map(_probability, found.classes[size][:, 0].tolist()) for size in _SIZES]
    named = [
        *((str(size), found.classes[size].tolist()) for size in _SIZES),
        *((locus, values.tolist()) for locus, values in found.loci.items()),
    ]
    texts = []
    for at in range(count):
        one: dict[str, Any] = {
            name: [round(value, _DIGITS) for value in values[at]]
            for name, values in named
            if not math.isnan(values[at][0])
        }
        one["basis"] = Basis(int(found.basis[at])).name.lower()
        one["set"] = int(prediction.set_of_row[at])
        if found.relaxed[at]:
            one["relaxed"] = list(found.relaxed[at])
        if found.lost[at] > 0:
            one["lost"] = round(float(found.lost[at]), _DIGITS)
        texts.append(json.dumps(one, separators=(",", ":")))
    return [*alone, texts]


def _probability(value: float) -> str:
    return _NULL if math.isnan(value) else str(round(min(max(value, 0.0), 1.0), _DIGITS))


def _number_columns(ranked: Ranked, snapshot: Snapshot) -> list[Iterable[str]]:
    numbers = snapshot.columns.numbers
    return [
        (_NULL if cells < 0 else str(cells / 1000) for cells in numbers["tnc_e4"][ranked.rows].tolist()),
        (_NULL if cells < 0 else str(cells / 1000) for cells in numbers["cd34_e3"][ranked.rows].tolist()),
        map(_dose, ranked.tnc_e7_per_kg.tolist()),
        map(_dose, ranked.cd34_e5_per_kg.tolist()),
    ]


def _dose(value: float) -> str:
    return _NULL if math.isnan(value) else str(round(value, _DOSE_DIGITS))


def _statuses(ranked: Ranked, snapshot: Snapshot) -> Iterable[str]:
    names = snapshot.columns.vocabulary["status"]
    return (names[code] for code in snapshot.columns.categories["status"][ranked.rows])


def _evidence(ranked: Ranked, snapshot: Snapshot, patient: Typing, outcome: SearchOutcome) -> Iterable[str]:
    """One JSON text per unit, put together from texts that were written once per distinct typing."""
    explained = evidence.explain(patient, ranked, snapshot, outcome.policy)
    parts = []
    for locus, by_code in explained.items():
        texts = {code: _escaped(found) for code, found in by_code.items()}
        codes = snapshot.columns.codes[locus][ranked.rows].tolist()
        parts.append([f'"{locus}":{texts[code]}' for code in codes])
    return ("{" + ",".join(line) + "}" for line in zip(*parts, strict=True))


def _escaped(found: LocusEvidence) -> str:
    """JSON as COPY wants it: a backslash doubled (JSON itself holds no line break or tab)."""
    text = json.dumps(evidence.plain(found), ensure_ascii=False, separators=(",", ":"))
    return text.replace("\\", "\\\\")
