"""Numbers as text, one way for pages, files and stored rules, whatever the reader's language."""

from __future__ import annotations

from decimal import Decimal

FIGURES = 6  # of a computed share in files and the API: more are none of the data's


def plain_number(value: Decimal) -> str:
    """A decimal without idle zeros or an exponent: 2.50 is 2.5, 10 stays 10."""
    return f"{value.normalize():f}"


def rounded(value: float) -> float:
    """A computed figure for files and programs: 0.1 + 0.2 is 0.3, and what is small keeps its figures."""
    return float(f"{value:.{FIGURES}g}")
