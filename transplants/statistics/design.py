"""Covariates as a table of numbers: checked columns of numbers, categories as indicators against a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transplants.statistics.arrays import Floats, coded, column_of_numbers, same_length
from transplants.statistics.errors import StatisticsError


@dataclass(frozen=True, eq=False)
class Design:
    """matrix: float64, shape (n, p). names: of the p columns. terms: columns by the covariate they came from."""

    matrix: Floats
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]


def design(
    columns: Mapping[str, npt.ArrayLike | Sequence[object]],
    *,
    categories: Sequence[str] = (),
    reference: Mapping[str, object] | None = None,
) -> Design:
    """A table of covariates in the order of `columns`.

    Columns named in `categories`, and all columns of text, become one indicator column for each level but the
    reference, named "column=level", levels sorted. reference: level by column; the first one by default.
    Raises StatisticsError for blanks, text among numbers and an unknown reference.
    """
    if not columns:
        raise StatisticsError("shape", expected=1)
    count = len(np.asarray(next(iter(columns.values()))))
    given = reference or {}
    parts: list[Floats] = []
    names: list[str] = []
    terms: dict[str, tuple[int, ...]] = {}
    for name, values in columns.items():
        if name in categories or np.asarray(values).dtype.kind == "U":
            labels, part = _indicators(name, values, count, given.get(name))
        else:
            numbers = column_of_numbers(values, name, "not_a_number")
            same_length(numbers.size, name, count, next(iter(columns)))
            labels, part = [name], numbers[:, None]
        terms[name] = tuple(range(len(names), len(names) + len(labels)))
        names += labels
        parts.append(part)
    return Design(np.hstack(parts), tuple(names), terms)


def _indicators(
    name: str, values: npt.ArrayLike | Sequence[object], count: int, reference: object
) -> tuple[list[str], Floats]:
    codes, levels = coded(values, name, count)
    left_out = levels[0] if reference is None else reference
    if left_out not in levels:
        choices = ", ".join(map(str, levels))
        raise StatisticsError("unknown_choice", column=name, value=str(left_out), choices=choices)
    kept = [place for place, level in enumerate(levels) if level != left_out]
    return [f"{name}={levels[place]}" for place in kept], (codes[:, None] == np.array(kept)).astype(
        np.float64
    )


def covariate_table(
    covariates: npt.ArrayLike, count: int, names: Sequence[str] | None
) -> tuple[Floats, tuple[str, ...]]:
    """The covariates of a fit as float64, shape (n, p), and their names (x1, x2, … if not given).

    Raises StatisticsError for a wrong shape, missing and infinite values.
    """
    table = np.asarray(covariates, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    width = len(names) if names is not None else table.shape[-1]
    if table.ndim != 2 or table.shape != (count, width) or width == 0:
        raise StatisticsError("shape", expected=max(width, 1))
    labels = tuple(names) if names is not None else tuple(f"x{place + 1}" for place in range(width))
    for place, name in enumerate(labels):
        column_of_numbers(table[:, place], name, "not_a_number")
    return table, labels
