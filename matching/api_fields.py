"""Fields that several parts of the API answer with."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from matching.engine.numbers import rounded


class FigureField(serializers.FloatField):
    """A computed figure, with the places that count."""

    def to_representation(self, value: Any) -> Any:
        return rounded(float(value))
