#!/usr/bin/env python3
"""The bank's own pages at a large inventory: python benchmarks/banking.py [--units 1000000] [--runs 5] [--data DIR]

A system of its own. A demonstration bank of 20,000 units is copied in the database until it has `units` (SQL with
generate_series: units, donations, measurements, arrivals, processing, releases), then: the page of the yield of a year
and of all years, the signature that blocks a lot which touched 5,000 units and holds them all, and the signature that
recalls such a lot, as a person waits for them, in this process. Medians of runs, beside the load of the machine. Exit
status 1 where the block takes longer than a page's patience.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from recorded import record, show  # noqa: E402
from system import load_reference, manage, options, real_system  # noqa: E402

SEED = 20_000  # units that are really made
TOUCHED = 5_000  # by the lot
PATIENCE_S = 2.0  # of who sends a form
PASSWORD = "only-for-proofs-7!"
# In this order: what refers to a unit after it. Columns that are unique get a value of their own in each copy.
COPIED: dict[str, dict[str, str]] = {
    "bank_donation": {"mother_code": "left(mother_code, 30) || '-' || g", "bag_id": "''"},
    "bank_cordbloodunit": {"unit_no": "unit_no || '-' || g", "din": "''", "grid": "''"},
    "bank_measurement": {},
    "bank_reception": {},
    "bank_processingrecord": {},
    "bank_release": {},
}
OWN_KEYS = ("id", "unit_id", "donation_id")  # those of the copies; every other key is shared


def main() -> int:
    chosen = options(__doc__, units=1_000_000, runs=5)
    with real_system("banking"):
        print(load_reference(chosen.data))
        started = time.perf_counter()
        manage(
            "demo_data",
            "--units",
            str(min(SEED, chosen.units)),
            "--hospitals",
            "2",
            "--patients",
            "2",
            "--transplants",
            "0",
        )
        copies = max(chosen.units // SEED - 1, 0)
        units = multiply(copies)
        print(f"{units:,} units after {time.perf_counter() - started:.0f} s")
        user = somebody()
        figures: dict[str, float] = {"units": float(units)}
        figures |= yields(user, chosen.runs)
        figures |= blocking(user, chosen.runs)
        figures |= recalling(user, chosen.runs)
        # by ratio: the machine that measures both is the same
        figures["recall_per_block"] = figures["recall_s"] / figures["block_s"]
        figures["load"] = os.getloadavg()[0]
    show(figures)
    record({f"banking_{name}": value for name, value in figures.items()}, part="banking")
    if figures["block_s"] > PATIENCE_S:
        print(f"{figures['block_s']:.1f} s to block; a page's patience is {PATIENCE_S:.0f} s.")
    return 1 if figures["block_s"] > PATIENCE_S else 0


# --- the inventory --------------------------------------------------------------------------------


def multiply(copies: int) -> int:
    """So many copies of every row; the triggers of the tables are not asked, the copies keep what they guard."""
    from django.db import connection

    from bank.models import CordBloodUnit
    from core.ownership import as_owner

    with as_owner(), connection.cursor() as cursor:
        for table, own in COPIED.items() if copies else ():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            _copy(cursor, table, own, copies)
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table in COPIED:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    return CordBloodUnit.objects.count()


def _copy(cursor: Any, table: str, own: dict[str, str], copies: int) -> None:
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    columns = dict(cursor.fetchall())
    values = [_value(table, name, kind, own) for name, kind in columns.items()]
    names = ", ".join(f'"{name}"' for name in columns)
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)}"
        f" FROM {table}, generate_series(1, {copies}) AS g"
    )
    print(f"{table}: {cursor.rowcount:,} copies")


def _value(table: str, name: str, kind: str, own: dict[str, str]) -> str:
    if name in own:
        return own[name]
    if name in OWN_KEYS and kind == "uuid":
        return f"md5({name}::text || g)::uuid"
    if name == "id":
        return f"id + g * (SELECT max(id) FROM {table})"
    return f'"{name}"'


def somebody() -> Any:
    from core.audit import Actor
    from core.roles import Role
    from core.services import user_create

    return user_create(
        email="qa@qidai.example", full_name="Quality", password=PASSWORD, roles=[Role.QA],
        by=Actor.system("benchmark"),
    )  # fmt: skip


# --- what is timed --------------------------------------------------------------------------------


def yields(user: Any, runs: int) -> dict[str, float]:
    """Seconds of the whole page, template and all, by Django's own client."""
    from django.test import Client
    from django.urls import reverse

    from bank.yields.cohort import known_days

    client = Client(HTTP_HOST="localhost")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    first, last, _undated = known_days(user)
    assert first is not None
    assert last is not None
    url = reverse("bank:yield")
    asked = {"yield_year_s": {"year": str(last.year - 1)}, "yield_all_s": {"year": "all"}}

    def page(query: dict[str, str]) -> None:
        answer = client.get(url, query)
        assert answer.status_code == 200, answer.status_code

    return {name: median(lambda query=query: page(query), runs) for name, query in asked.items()}


def blocking(user: Any, runs: int) -> dict[str, float]:
    """Seconds of reading the page that asks, and of the signature; each run with a lot of its own."""
    from bank.lots import digest, touched
    from bank.models import CordBloodUnit, Lot, LotUse
    from bank.services_lots import lot_block

    asking, signing = [], []
    for run in range(runs):
        lot = Lot.objects.create(kind="bag", number=f"BENCH-{run}")
        units = list(CordBloodUnit.objects.filter(status="LISTED", source="own")[:TOUCHED])
        LotUse.objects.bulk_create(LotUse(unit=unit, lot=lot, step="freezing") for unit in units)
        started = time.perf_counter()
        holdable, seen = touched(lot).holdable, digest(lot)
        asking.append(time.perf_counter() - started)
        started = time.perf_counter()
        lot_block(
            lot_id=lot.pk, user=user, password=PASSWORD, reason="leaks", seen=seen,
            hold_units=[unit.pk for unit in holdable],
        )  # fmt: skip
        signing.append(time.perf_counter() - started)
    return {"block_page_s": statistics.median(asking), "block_s": statistics.median(signing)}


def recalling(user: Any, runs: int) -> dict[str, float]:
    """Seconds of what is shown before the signature, and of the signature; each run with a lot of its own."""
    from bank.models import CordBloodUnit, Lot, LotUse
    from transplants.services_recall import Wanted, recall_start, would_recall

    showing, signing = [], []
    for run in range(runs):
        lot = Lot.objects.create(kind="bag", number=f"RECALL-{run}")
        units = list(CordBloodUnit.objects.filter(source="own", recalled=False)[:TOUCHED])
        LotUse.objects.bulk_create(LotUse(unit=unit, lot=lot, step="freezing") for unit in units)
        wanted = Wanted(lot_id=lot.pk)
        started = time.perf_counter()
        seen = would_recall(wanted).digest
        showing.append(time.perf_counter() - started)
        started = time.perf_counter()
        recall_start(wanted=wanted, reason="leaks", seen=seen, title="leaks", user=user, password=PASSWORD)
        signing.append(time.perf_counter() - started)
    return {"recall_page_s": statistics.median(showing), "recall_s": statistics.median(signing)}


def median(work: Callable[[], object], runs: int) -> float:
    work()  # a page is usually not the first
    seconds = []
    for _run in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    sys.exit(main())
