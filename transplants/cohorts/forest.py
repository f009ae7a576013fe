"""What goes with survival when all of it is looked at together: a Cox model of a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from transplants.cohorts import endpoints as ends
from transplants.cohorts.definition import Cohort
from transplants.cohorts.dimensions import DIMENSIONS
from transplants.cohorts.disclosure import Scope
from transplants.cohorts.endpoints import endpoint_data
from transplants.cohorts.frame import Bools, Floats, Frame
from transplants.cohorts.hospitals import LEAST_OF_A_VALUE
from transplants.cohorts.seen import Cut
from transplants.cohorts.selecting import strata_of
from transplants.statistics.cox import cox
from transplants.statistics.data import survival_data
from transplants.statistics.errors import StatisticsError
from transplants.statistics.proportional import proportionality

COVARIATES: Final = ("age", "stage", "graft", "dose", "match6", "intensity", "sex", "era")


@dataclass(frozen=True)
class Effect:
    """A value of a dimension against the reference of it: a hazard ratio of death. n: None where it is not shown."""

    dimension: str
    value: str
    n: int | None
    is_reference: bool
    ratio: float
    lower: float
    upper: float
    p: float | None
    p_proportional: float | None


@dataclass(frozen=True)
class Forest:
    """effects: in the order of the dimensions. left_out: values of under twenty patients, which have no effect here."""

    effects: list[Effect]
    left_out: list[tuple[str, str]]
    n: int | None
    events: int | None
    p_proportional: float | None
    cut: str
    problem: str = ""


def forest(frame: Frame, cohort: Cohort, scope: Scope) -> Forest:
    """Efron's handling of ties; every dimension adjusted for the others; proportional hazards checked (Grambsch)."""
    cut = Cut(frame, cohort, scope)
    data = endpoint_data(frame, ends.OVERALL)
    rows = cut.rows & data.known & ~_rare(cut)
    day = frame.cut.isoformat()
    if not rows.any():
        return Forest([], [], 0, None, None, day, "empty")
    columns, names, heads = _table(cut, rows)
    if not columns:
        return Forest([], [], None, None, None, day, "one_group")
    try:
        checked = survival_data(data.time[rows], data.event[rows])
        model = cox(checked, np.column_stack(columns), names)
        check = proportionality(model, checked)
    except StatisticsError as error:
        return Forest([], [], None, None, None, day, error.code)
    effects = []
    for dimension, value, n, place in heads:
        if place is None:
            effects.append(Effect(dimension, value, n, True, 1.0, 1.0, 1.0, None, None))
            continue
        effects.append(
            Effect(
                dimension,
                value,
                n,
                False,
                float(model.ratio[place]),
                float(model.lower[place]),
                float(model.upper[place]),
                float(model.p[place]),
                float(check.terms[names[place]].p),
            )
        )
    return Forest(
        effects,
        _left_out(cut),
        None if cut.limited else model.n,  # less than all by those with rare values
        None if cut.limited else model.events,
        float(check.overall.p),
        day,
    )


def _values(cut: Cut, key: str) -> list[tuple[int, str, int]]:
    """(code, value, patients) of a dimension in this cohort."""
    counts = np.bincount(strata_of(cut.frame, key)[cut.rows], minlength=len(DIMENSIONS[key].keys))
    return [(code, DIMENSIONS[key].keys[code], int(count)) for code, count in enumerate(counts) if count]


def _left_out(cut: Cut) -> list[tuple[str, str]]:
    return [
        (key, value)
        for key in COVARIATES
        for _c, value, count in _values(cut, key)
        if count < LEAST_OF_A_VALUE
    ]


def _rare(cut: Cut) -> Bools:
    """Rows with a value that too few share: of them no effect can be told."""
    out = np.zeros(len(cut.frame), dtype=np.bool_)
    for key in COVARIATES:
        codes = [code for code, _value, count in _values(cut, key) if count < LEAST_OF_A_VALUE]
        out |= np.isin(strata_of(cut.frame, key), codes)
    return out


def _table(
    cut: Cut, rows: Bools
) -> tuple[list[Floats], list[str], list[tuple[str, str, int | None, int | None]]]:
    columns: list[Floats] = []
    names: list[str] = []
    heads: list[tuple[str, str, int | None, int | None]] = []
    for key in COVARIATES:
        codes = strata_of(cut.frame, key)[rows]
        found, counts = np.unique(codes, return_counts=True)
        if found.size < 2:
            continue
        usual = int(found[counts.argmax()])
        for code, count in zip(found.tolist(), counts.tolist(), strict=True):
            value = DIMENSIONS[key].keys[code]
            n = None if cut.limited else int(count)
            if code == usual:
                heads.append((key, value, n, None))
                continue
            heads.append((key, value, n, len(columns)))
            columns.append((codes == code).astype(np.float64))
            names.append(f"{key}={value}")
    return columns, names, heads
