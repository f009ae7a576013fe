"""From the engine's arrays to rows of SearchResult, written by COPY in the caller's transaction."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from typing import Any
from uuid import UUID

import numpy as np
from django.db import models
from numpy.typing import NDArray

from core.copying import NULL, copy_lines, escaped, lines_text, unescaped
from hla.evidence import LocusEvidence
from hla.prediction.imputed import Basis
from hla.typing import Typing
from matching.choices import SIZES
from matching.engine import evidence, ranking
from matching.engine.columns import id_texts
from matching.engine.search import Ranked, SearchOutcome
from matching.engine.snapshot import Snapshot
from matching.models import SearchResult, SearchRun
from matching.predictions import RunPrediction

Rows = StringIO  # in PostgreSQL's text format, one line per result
Values = dict[str, Any]  # of one result, by column

_CLASSES = ("antigen6", "allele6", "allele8", "allele10")
COLUMNS = (
    "run_id", "rank", "unit_id",
    *(f"{name}_{end}" for name in _CLASSES for end in ("min", "max")),
    "p0_of6", "p0_of8", "p0_of10", "prediction", "direction",
    "tnc_e7", "cd34_e6", "tnc_e7_per_kg", "cd34_e5_per_kg", "status", "evidence",
)  # fmt: skip
ALL = tuple(name for name in COLUMNS if name != "run_id")
# What a list says of a unit to people, the unit first: what makes two lists the same.
LISTED = ("unit_id", *(name for name in ALL if name not in ("rank", "unit_id", "prediction", "evidence")))
Listed = tuple[Any, ...]
_AT_ONCE = 500  # rows with their evidence in memory
_DOSE_DIGITS = 6
_DIGITS = 6  # of probabilities
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


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
        id_texts(snapshot.unit_ids(ranked.rows)),
        *_class_columns(ranked),
        *_prediction_columns(prediction, len(ranked)),
        (ranking.UNIT_DIRECTIONS[code] for code in ranked.direction),
        *_number_columns(ranked, snapshot),
        snapshot.words("status", ranked.rows),
        _evidence(ranked, snapshot, patient, outcome),
    ]
    return lines_text(zip(*columns, strict=True))


def write(prepared: Rows) -> None:
    """Insert the rows; 1,000 in some 40 ms where row objects take four times as long."""
    copy_lines(SearchResult, COLUMNS, prepared)


def values(prepared: Rows, names: Sequence[str] = ALL) -> Iterator[Values]:
    """The rows as PostgreSQL will hold them and `stored` gives them back, one after another; of each the named."""
    prepared.seek(0)
    places = [(name, COLUMNS.index(name)) for name in names]
    for line in prepared:
        texts = line.rstrip("\n").split("\t")
        yield {name: None if texts[at] == NULL else _READ[name](texts[at]) for name, at in places}


def stored(run: SearchRun, names: Sequence[str] = ALL) -> Iterator[Values]:
    """The rows of a run, best first."""
    rows = SearchResult.objects.filter(run=run).order_by("rank").values(*names)
    yield from rows.iterator(chunk_size=_AT_ONCE)


def listed(prepared: Rows) -> list[Listed]:
    """What the list says of each unit (LISTED), best first."""
    return [tuple(row.values()) for row in values(prepared, LISTED)]


def stored_list(run: SearchRun) -> list[Listed]:
    """The same of a search that is stored."""
    return [tuple(row[name] for name in LISTED) for row in stored(run, LISTED)]


def _reader(name: str) -> Callable[[str], Any]:
    """From the text of COPY to what the column's field gives."""
    field = _FIELDS[name]
    if isinstance(field, models.JSONField):
        return lambda text: json.loads(unescaped(text))
    return UUID if name == "unit_id" else field.to_python


_FIELDS = {field.attname: field for field in SearchResult._meta.concrete_fields}
_READ = {name: _reader(name) for name in ALL}


def _repeated(text: str, times: int) -> Iterable[str]:
    return (text for _ in range(times))


def _class_columns(ranked: Ranked) -> list[Iterable[str]]:
    return [
        _repeated(NULL, len(ranked))
        if name not in ranked.classes
        else map(str, ranked.classes[name][:, end].tolist())
        for name in _CLASSES
        for end in (0, 1)
    ]


def _prediction_columns(prediction: RunPrediction | None, count: int) -> list[Iterable[str]]:
    """P(0 mismatches) of 6, 8 and 10, and beside them everything that was predicted as JSON."""
    if prediction is None:
        return [*(_repeated(NULL, count) for _ in SIZES), _repeated("{}", count)]
    found = prediction.rows
    alone = [map(_probability, found.classes[size][:, 0].tolist()) for size in SIZES]
    shares = [
        *(_shares(str(size), found.classes[size]) for size in SIZES),
        *(_shares(locus, values) for locus, values in found.loci.items()),
    ]
    texts = []
    for at, known in enumerate(zip(*shares, strict=True)):
        rest: dict[str, Any] = {
            "basis": Basis(int(found.basis[at])).name.lower(),
            "set": int(prediction.set_of_row[at]),
        }
        if found.relaxed[at]:
            rest["relaxed"] = list(found.relaxed[at])
        if found.lost[at] > 0:
            rest["lost"] = round(float(found.lost[at]), _DIGITS)
        texts.append("".join(["{", *known, json.dumps(rest, separators=(",", ":"))[1:]]))
    return [*alone, texts]


def _shares(name: str, values: NDArray[np.float64]) -> list[str]:
    """Of each unit the member of a JSON object that says its shares; "" where nothing is known."""
    known = (~np.isnan(values[:, 0])).tolist()
    written: dict[tuple[float, ...], str] = {}  # at a locus most units have the same few
    texts = []
    for there, row in zip(known, map(tuple, np.round(values, _DIGITS).tolist()), strict=True):
        if there and row not in written:
            written[row] = f'"{name}":[{",".join(map(repr, row))}],'
        texts.append(written[row] if there else "")
    return texts


def _probability(value: float) -> str:
    return NULL if math.isnan(value) else str(round(min(max(value, 0.0), 1.0), _DIGITS))


def _number_columns(ranked: Ranked, snapshot: Snapshot) -> list[Iterable[str]]:
    return [
        *(
            (
                NULL if cells < 0 else str(cells / 1000)
                for cells in snapshot.numbers(name, ranked.rows).tolist()
            )
            for name in ("tnc_e4", "cd34_e3")
        ),
        map(_dose, ranked.tnc_e7_per_kg.tolist()),
        map(_dose, ranked.cd34_e5_per_kg.tolist()),
    ]


def _dose(value: float) -> str:
    return NULL if math.isnan(value) else str(round(value, _DOSE_DIGITS))


def _evidence(ranked: Ranked, snapshot: Snapshot, patient: Typing, outcome: SearchOutcome) -> Iterable[str]:
    """One JSON text per unit, put together from texts that were written once per distinct typing."""
    explained = evidence.explain(patient, ranked, snapshot, outcome.policy)
    counted: dict[Any, str] = {}
    parts = []
    for locus, by_code in explained.items():
        written: dict[int, str] = {}
        texts = {code: f'"{locus}":{_escaped(found, written, counted)}' for code, found in by_code.items()}
        parts.append([texts[code] for code in snapshot.codes(locus, ranked.rows).tolist()])
    return ("{" + ",".join(line) + "}" for line in zip(*parts, strict=True))


def _escaped(found: LocusEvidence, written: dict[int, str], counted: dict[Any, str]) -> str:
    """JSON as COPY wants it. written: texts of positions by their identity; counted: those of counts. Many typings
    share both."""
    for position in found.positions:
        if id(position) not in written:
            written[id(position)] = _json(evidence.plain_position(position))
    first, second = (written[id(position)] for position in found.positions)
    counts = evidence.counts_of(found)
    if counts not in counted:
        counted[counts] = _json(evidence.plain_counts(found))[:-1]
    return f'{counted[counts]},"positions":[{first},{second}]}}'


def _json(value: Any) -> str:
    return escaped(_ENCODE(value))
