"""The peer that a user would write: one well-indexed PostgreSQL query that counts the same candidates.

P groups of every distinct typing text stand in a table of their own, indexed by group; a partial index over the units
that can be offered covers all that the query reads, so that it never touches the wide rows of the table. Parallel
workers as PostgreSQL chooses them. It only counts possible allele matches at A, B and DRB1: no antigens, no certain
matches, no direction, no ranking, no evidence. Its counts are compared with the engine's for every patient.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from world_engine import LISTED, timed

LOCI = ("A", "B", "DRB1")
COLUMNS = tuple(f"hla_{locus.lower()}_{place}" for locus in LOCI for place in (1, 2))
LEAST = 4  # of 6
OFFERED = (
    "status = 'LISTED' AND hla_a_1 <> '' AND hla_b_1 <> '' AND hla_drb1_1 <> '' AND donor_type = 'cord'"
    " AND NOT held_for_confirmation AND NOT recalled AND NOT stopped AND NOT typing_conflict AND NOT consent_withdrawn"
)


class PlainSql:
    """The query with its tables, in the database in use."""

    def __init__(self, resolver: Any) -> None:
        from django.db import connection

        from core.ownership import as_owner

        self.connection, self.resolver = connection, resolver
        with as_owner(), self.connection.cursor() as cursor:  # a role that may make an index
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS bench_offered ON bank_cordbloodunit ({', '.join(COLUMNS)})"
                f" WHERE {OFFERED}"
            )
            cursor.execute("VACUUM (ANALYZE) bank_cordbloodunit")
        self._make_groups()

    def _make_groups(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE bench_groups (locus text, text text, p_group int)")
            for locus in LOCI:
                rows = [
                    (locus, text, group)
                    for text in self._texts(cursor, locus)
                    for group in sorted(self.resolver.position(locus, text).p_groups)
                ]
                for start in range(0, len(rows), 5000):
                    part = rows[start : start + 5000]
                    values = ",".join(["(%s,%s,%s)"] * len(part))
                    cursor.execute(
                        f"INSERT INTO bench_groups VALUES {values}", [value for row in part for value in row]
                    )
            cursor.execute("CREATE INDEX ON bench_groups (locus, p_group) INCLUDE (text)")
            cursor.execute("ANALYZE bench_groups")

    @staticmethod
    def _texts(cursor: Any, locus: str) -> list[str]:
        first, second = (f"hla_{locus.lower()}_{place}" for place in (1, 2))
        cursor.execute(
            f"SELECT {first} FROM bank_cordbloodunit WHERE {OFFERED}"
            f" UNION SELECT {second} FROM bank_cordbloodunit WHERE {OFFERED}"
        )
        return sorted(text for (text,) in cursor.fetchall() if text)

    def counts(self, patient: Any) -> dict[int, int]:
        """Listed units per number of possible allele matches of 6, from 4 up."""
        parameters: list[Any] = []
        flags, joins, matches = [], [], []
        for locus in LOCI:
            first, second = self._groups(patient, locus)
            name, column = f"f_{locus.lower()}", f"hla_{locus.lower()}"
            flags.append(
                f"{name} AS MATERIALIZED (SELECT text, bool_or(p_group = ANY(%s)) AS one,"
                f" bool_or(p_group = ANY(%s)) AS two FROM bench_groups"
                f" WHERE locus = '{locus}' AND p_group = ANY(%s) GROUP BY text)"
            )
            parameters += [first, second, sorted({*first, *second})]
            joins += [
                f"LEFT JOIN {name} {name}{place} ON {name}{place}.text = {column}_{place}" for place in (1, 2)
            ]
            one, two = (
                [f"coalesce({name}{place}.{side}, {column}_{place} = '')::int" for side in ("one", "two")]
                for place in (1, 2)
            )
            matches.append(f"greatest({one[0]} + {two[1]}, {one[1]} + {two[0]})")
        query = (
            f"WITH {', '.join(flags)} SELECT n, count(*) FROM (SELECT {' + '.join(matches)} AS n"
            f" FROM bank_cordbloodunit {' '.join(joins)} WHERE {OFFERED}) found WHERE n >= {LEAST} GROUP BY n"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return dict(cursor.fetchall())

    def _groups(self, patient: Any, locus: str) -> tuple[list[int], list[int]]:
        """P groups of both values; a blank beside one value may be anything that the value may be."""
        typing = patient.locus(locus)
        first, second = (
            sorted(self.resolver.position(locus, text).p_groups) for text in (typing.first, typing.second)
        )
        return first, second if typing.second else first


def figures(snapshot: Any, patients: Sequence[Any], name: str) -> dict[str, float]:
    """Median of both for the same patients, and whether their counts are equal."""
    from matching.engine.search import Criteria, search

    plain = PlainSql(snapshot.resolver)
    criteria = Criteria(statuses=LISTED, floors={"allele6": LEAST})
    plain.counts(patients[0]), search(patients[0], criteria, snapshot)
    ours, theirs, different = [], [], 0
    for patient in patients:
        outcome, spent = timed(lambda patient=patient: search(patient, criteria, snapshot))
        ours.append(spent)
        counts, spent = timed(lambda patient=patient: plain.counts(patient))
        theirs.append(spent)
        expected = {count.value: count.possible for count in outcome.counts["allele6"]}
        if counts != expected:
            different += 1
            print(f"DIFFERENT COUNTS: engine {expected}, SQL {counts}: {patient.gl()}")
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(
        f"plain SQL, {name}, {len(patients)} patients: median {statistics.median(theirs):.0f} ms, "
        f"{ratio:.0f} times the engine's {statistics.median(ours):.2f} ms; counts differ for {different}"
    )
    return {
        f"sql_{name}_ms_median": statistics.median(theirs),
        f"sql_{name}_engine_ms_median": statistics.median(ours),
        f"sql_{name}_to_engine_ratio": ratio,
        f"sql_{name}_different_counts": float(different),
    }
