"""How long a search of 20,000 units takes, submitted → stored, and the engine alone beside plain SQL.

    python benchmarks/search.py [--units 20000] [--searches 40]

The whole way is measured: service, PostgreSQL, broker, a real worker, results stored and seen by another
connection. Writes benchmarks/results.json (adds to what other benchmarks wrote).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from recorded import record, show  # noqa: E402
from system import manage, real_system, wait_for, worker  # noqa: E402

TARGET_MS = 500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=40)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with real_system("bench") as var:
        print(
            manage("demo_data", "--units", str(options.units), "--hospitals", "5", "--patients", "60").strip()
        )
        with worker(var):
            figures = end_to_end(options.searches)
        figures |= engine_and_sql(options.searches)
    report({**figures, "load_average_at_start": load}, options.units)
    return 0


def typed_patients(count: int) -> list[Any]:
    from hospitals.models import Patient

    return list(Patient.objects.filter(typings__is_current=True, state="active").order_by("code")[:count])


def end_to_end(count: int) -> dict[str, float]:
    from core.audit import Actor
    from matching import services
    from matching.models import SearchRun

    actor = Actor.system("benchmark")
    patients = typed_patients(60)
    milliseconds, stages, candidates = [], [], []
    for number in range(count + 1):
        request = services.request_create(
            patient=patients[number % len(patients)], data=services.RequestData(), actor=actor
        )
        started = time.perf_counter()
        run = services.request_submit(request_id=request.pk, actor=actor)
        wait_for(
            lambda run=run: SearchRun.objects.filter(pk=run.pk).finished().exists(),
            seconds=120,
            what="a search; see worker.log",
            every=0.005,  # looking oftener takes the processor from the worker
        )
        milliseconds.append(1000 * (time.perf_counter() - started))
        run.refresh_from_db()
        stages.append(run.timings)
        candidates.append(run.candidates)
    first, rest = milliseconds[0], milliseconds[1:]
    inside = {
        f"stage_{name}_ms_median": 1000 * statistics.median(stage[name] for stage in stages[1:])
        for name in stages[0]
    }
    return {
        "end_to_end_20k_ms_median": statistics.median(rest),
        "end_to_end_20k_ms_p95": statistics.quantiles(rest, n=20)[-1],
        "end_to_end_20k_ms_max": max(rest),
        "end_to_end_20k_first_ms": first,  # with the worker's start, no snapshot file, nothing resolved
        "candidates_median": statistics.median(candidates),
        **inside,
    }


def engine_and_sql(count: int) -> dict[str, float]:
    from matching import inventory, reference
    from matching.engine.search import Criteria, search
    from matching.services.runs import parsed

    resolver = reference.resolver()
    snapshot = inventory.current(resolver)
    plain = PlainSql(snapshot)
    criteria = Criteria(statuses=frozenset({"LISTED"}), floors={"antigen6": 0, "allele6": 4})
    engine_ms, sql_ms = [], []
    for patient in typed_patients(60)[:count]:
        typed = {locus: tuple(pair) for locus, pair in patient.current_typing.canonical.items()}
        typing = parsed(typed, resolver)
        outcome, spent = timed(lambda typing=typing: search(typing, criteria, snapshot))
        engine_ms.append(spent)
        counts, spent = timed(lambda typing=typing: plain.counts(typing))
        sql_ms.append(spent)
        expected = {count.value: count.possible for count in outcome.counts["allele6"]}
        if counts != expected:
            sys.exit(f"engine {expected} and SQL {counts} differ for {typing.gl()}")
    distinct = {f"distinct_{locus}": len(pairs) for locus, pairs in snapshot.columns.pairs.items()}
    return {
        "engine_20k_ms_median": statistics.median(engine_ms),
        "engine_20k_ms_max": max(engine_ms),
        "sql_20k_ms_median": statistics.median(sql_ms),
        "sql_to_engine_ratio": statistics.median(sql_ms) / statistics.median(engine_ms),
        **distinct,
    }


def timed(work: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    result = work()
    return result, 1000 * (time.perf_counter() - started)


class PlainSql:
    """What one would write without an engine: P groups of every typing text in a table, one query per patient.

    It only counts possible allele matches at A, B and DRB1: no antigens, no certain matches, no direction, no
    ranking, no evidence. Its counts are compared with the engine's for every patient.
    """

    LOCI = ("A", "B", "DRB1")

    def __init__(self, snapshot: Any) -> None:
        from django.db import connection

        self.connection, self.resolver = connection, snapshot.resolver
        rows = [
            (locus, text, group)
            for locus in self.LOCI
            for text in sorted({text for pair in snapshot.columns.pairs[locus] for text in pair if text})
            for group in self.resolver.position(locus, text).p_groups
        ]
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE bench_groups (locus text, text text, p_group int)")
            for start in range(0, len(rows), 5000):
                part = rows[start : start + 5000]
                values = ",".join(["(%s,%s,%s)"] * len(part))
                cursor.execute(
                    f"INSERT INTO bench_groups VALUES {values}", [value for row in part for value in row]
                )
            cursor.execute("CREATE INDEX ON bench_groups (locus, p_group)")
            cursor.execute("ANALYZE bench_groups")

    def counts(self, patient: Any) -> dict[int, int]:
        """Listed units per number of possible allele matches of 6, from 4 up."""
        parameters: list[Any] = []
        flags, joins, matches = [], [], []
        for locus in self.LOCI:
            first, second = (
                sorted(self.resolver.position(locus, text).p_groups)
                for text in (patient.locus(locus).first, patient.locus(locus).second)
            )
            second = second or first if not patient.locus(locus).second else second
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
            f" FROM bank_cordbloodunit {' '.join(joins)} WHERE status = 'LISTED' AND hla_a_1 <> ''"
            " AND hla_b_1 <> '' AND hla_drb1_1 <> '' AND NOT held_for_confirmation AND NOT recalled"
            " AND NOT typing_conflict AND NOT consent_withdrawn) found WHERE n >= 4 GROUP BY n"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return dict(cursor.fetchall())


def report(figures: dict[str, float], units: int) -> None:
    print(f"\n{units} units, {os.cpu_count()} CPUs")
    show(figures)
    median = figures["end_to_end_20k_ms_median"]
    verdict = "held" if median <= TARGET_MS else "MISSED"
    print(f"\nsubmitted → stored: median {median:.0f} ms, target {TARGET_MS} ms: {verdict}")
    record(figures)


if __name__ == "__main__":
    sys.exit(main())
