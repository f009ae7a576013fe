"""Conditions that the database holds stored results to."""

from __future__ import annotations

from django.db.models import F, Q

from matching.choices import CLASS_SIZE


def class_columns_paired() -> Q:
    """Per class: both columns empty (class not asked) or 0 ≤ min ≤ max ≤ size."""
    condition = Q()
    for name, size in CLASS_SIZE.items():
        condition &= Q(**{f"{name}_min__isnull": True, f"{name}_max__isnull": True}) | Q(
            **{
                f"{name}_min__isnull": False,  # a check passes where it compares with nothing
                f"{name}_max__isnull": False,
                f"{name}_min__gte": 0,
                f"{name}_max__gte": F(f"{name}_min"),
                f"{name}_max__lte": size,
            }
        )
    return condition


def probabilities_in_range() -> Q:
    """Empty or from 0 to 1."""
    condition = Q()
    for name in ("p0_of6", "p0_of8", "p0_of10"):
        condition &= Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 0, f"{name}__lte": 1})
    return condition
