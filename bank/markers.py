"""What the infectious-disease markers of units and their mothers say: many units at once, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from django.db import connection

# subject (of Subject), test (of MarkerTest), result (of MarkerResultValue), whether a second person vouched for it
Marker = tuple[str, str, str, bool]

# No row of a marker supersedes another. So a positive result counts for good, whatever was found later, unless it was
# retracted; of others the newest does, and of one day the one that says less.
_SQL = """
    WITH told AS (
        SELECT DISTINCT ON (unit_id, subject, test)
            unit_id, subject, test, result, verified_by_id IS NOT NULL AS verified
        FROM bank_markerresult
        WHERE unit_id = ANY (%s::uuid[]) AND retracted_at IS NULL
        ORDER BY unit_id, subject, test, result = 'positive' DESC, tested_on DESC, result = 'indeterminate' DESC,
            verified_by_id IS NULL DESC
    )
    SELECT unit_id, string_agg(concat_ws(':', subject, test, result, verified), ' ' ORDER BY subject, test)
    FROM told GROUP BY unit_id
"""


def markers_of(unit_ids: Sequence[UUID]) -> dict[UUID, tuple[Marker, ...]]:
    """Each test of unit and mother once, by the id of the unit; a unit without any is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [[str(one) for one in unit_ids]])
        return {unit_id: _read(text) for unit_id, text in cursor.fetchall()}


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Marker, ...]:
    """Most units say the same: they share one tuple."""
    parts = (one.split(":") for one in text.split(" "))
    return tuple((subject, test, result, verified == "t") for subject, test, result, verified in parts)
