"""What the modules share: types of arrays, and numbers read from whatever a caller has."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from transplants.statistics.errors import StatisticsError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
QUOTE_LENGTH: Final = 40


def quoted(value: object) -> str:
    """A value as a message repeats it."""
    text = str(value)
    return text if len(text) <= QUOTE_LENGTH else text[: QUOTE_LENGTH - 1] + "…"


def frozen(array: npt.NDArray[np.generic]) -> None:
    """Nobody changes a result by accident."""
    array.setflags(write=False)


def summed(codes: Ints, values: Floats, size: int) -> Floats:
    """Sums of values by code 0 to size - 1, in the order of the rows."""
    return np.asarray(np.bincount(codes, values, size), dtype=np.float64)


def first(mask: Bools) -> int:
    """Index of the first True."""
    return int(np.argmax(mask))


def column_of_numbers(values: npt.ArrayLike | Iterable[object], column: str, text_code: str) -> Floats:
    """float64, shape (n,), finite; a copy. Refuses text (by text_code), blanks, NaN and infinities, naming the row."""
    given = np.asarray(values)
    if given.ndim != 1:
        raise StatisticsError(
            "lengths_differ", column=column, count=given.ndim, first="one column", expected=1
        )
    if given.dtype.kind not in "biuf":
        for row, value in enumerate(given.tolist()):
            _refuse_what_is_no_number(value, column, row, text_code)
    numbers = given.astype(np.float64)
    if np.isnan(numbers).any():
        raise StatisticsError("missing", column=column, row=first(np.isnan(numbers)))
    if np.isinf(numbers).any():
        raise StatisticsError("infinite", column=column, row=first(np.isinf(numbers)))
    return numbers


def _refuse_what_is_no_number(value: object, column: str, row: int, text_code: str) -> None:
    if value is None or value == "":
        raise StatisticsError("missing", column=column, row=row)
    if not isinstance(value, int | float | np.number):
        raise StatisticsError(text_code, column=column, row=row, value=quoted(value))


def same_length(count: int, column: str, expected: int, than: str) -> None:
    if count != expected:
        raise StatisticsError("lengths_differ", column=column, count=count, first=than, expected=expected)


def chosen(value: str, choices: Sequence[str], column: str) -> str:
    """value, if it is one of them."""
    if value not in choices:
        raise StatisticsError("unknown_choice", column=column, value=value, choices=", ".join(choices))
    return value


def coded(
    labels: npt.ArrayLike | Sequence[object], column: str, expected: int
) -> tuple[Ints, tuple[object, ...]]:
    """Codes 0, 1, … of labels and the labels in their order: by value; mixed kinds by their text. Refuses blanks."""
    given = np.asarray(labels)
    if given.dtype.kind not in "biufU":
        given = np.asarray(labels, dtype=object)
    same_length(len(given), column, expected, "time")
    if given.dtype.kind == "O":
        blank = np.array(
            [value is None or value == "" or value != value for value in given.tolist()], np.bool_
        )
    else:
        blank = given == "" if given.dtype.kind == "U" else given != given
    if blank.any():
        raise StatisticsError("missing", column=column, row=first(blank))
    if given.dtype.kind != "O":
        names, codes = np.unique(given, return_inverse=True)
        return codes.astype(np.int64), tuple(names.tolist())
    order = {value: place for place, value in enumerate(sorted(set(given.tolist()), key=str))}
    return np.array([order[value] for value in given.tolist()], dtype=np.int64), tuple(order)


def times_asked(times: npt.ArrayLike) -> Floats:
    """Times at which a curve is read: float64, shape (q,), 0 or more."""
    asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if asked.ndim != 1 or not bool(np.all(asked >= 0)):
        raise StatisticsError("bad_times")
    return asked


def checked_level(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise StatisticsError("bad_level", value=level)
    return level
