"""Code 128 and Data Matrix as modules: true is dark. Quiet zones are the layout's affair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

Row = tuple[bool, ...]
QUIET_LINEAR, QUIET_MATRIX = 10, 1  # modules that stay white on each side


@lru_cache(maxsize=2_000)
def code128(text: str) -> Row:
    """One row of modules."""
    return _modules(text, "Code128")[0]


@lru_cache(maxsize=2_000)
def data_matrix(text: str) -> tuple[Row, ...]:
    """A square of modules (ECC 200)."""
    return _modules(text, "DataMatrix")


def _modules(text: str, symbology: str) -> tuple[Row, ...]:
    import numpy as np
    import zxingcpp  # loaded when the first label is printed, not with every process

    kind = getattr(zxingcpp.BarcodeFormat, symbology)
    made = zxingcpp.create_barcode(text, kind, force_square=True)
    image = np.asarray(zxingcpp.write_barcode_to_image(made, scale=1, add_quiet_zones=False))
    return tuple(tuple(bool(level < 128) for level in line) for line in image)


def runs(row: Row) -> Iterator[tuple[int, int]]:
    """(start, length) of the dark runs."""
    at = 0
    for dark, modules in groupby(row):
        length = sum(1 for _module in modules)
        if dark:
            yield at, length
        at += length


def rectangles(
    rows: Sequence[Row], module: float, height: float
) -> Iterator[tuple[float, float, float, float]]:
    """Of rows of modules, each so wide and so high: (x, y, width, height) from the corner of the symbol."""
    for number, row in enumerate(rows):
        for start, length in runs(row):
            yield start * module, number * height, length * module, height
