"""Percentiles as PostgreSQL takes them: linear between neighbours, over values that are known."""

from __future__ import annotations

from typing import Any

from django.db.models import Aggregate, Field


class Percentile(Aggregate):
    """`percentile_cont`; fraction from 0 to 1. None where there is no value."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    name = "Percentile"

    def __init__(self, expression: Any, fraction: float, output_field: Field[Any, Any]) -> None:
        super().__init__(expression, fraction=float(fraction), output_field=output_field)
