"""How much of what was frozen is there after thaw, as measured on units that were thawed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.db import connection
from django.db.models import Count, Max
from django.utils import timezone

from bank.choices import Analyte, TimePoint
from bank.models import Measurement

ANALYTES = (Analyte.TNC, Analyte.CD34, Analyte.CFU)
# Fewer thawed units say too little of the next one. Unconfirmed: no guideline names a number.
AT_LEAST = 20
# A changed processing method of a unit is seen after at most so long; a new measurement at once.
REFRESH_SECONDS = 600
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

BY_METHOD, BY_BANK, OVERALL = "bank_method", "bank", "all"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Value after thaw as a share of the value before freezing (0.85 is 85 %) over n units.

    basis: whose units these are: of the bank and method, of the bank, or all; bank_code and method are "" where they
    do not count.
    """

    analyte: str
    basis: str
    bank_code: str
    method: str
    n: int
    p5: float
    q1: float
    median: float
    q3: float
    p95: float


def recovery(bank_code: str, method: str, *, at_least: int = AT_LEAST) -> dict[str, Recovery | None]:
    """What to expect of a unit of this bank and processing method ("" unknown), for each of ANALYTES.

    Of bank and method, else of the bank, else of all: the first that has at least so many units; `basis` says which.
    None where even all together are fewer.
    """
    known = {(row.analyte, row.basis, row.bank_code, row.method): row for row in recoveries()}
    wanted = [(BY_METHOD, bank_code, method)] if method else []
    wanted += [(BY_BANK, bank_code, ""), (OVERALL, "", "")]
    return {
        analyte.value: next(
            (
                row
                for place in wanted
                if (row := known.get((analyte.value, *place))) is not None and row.n >= at_least
            ),
            None,
        )
        for analyte in ANALYTES
    }


def recoveries() -> tuple[Recovery, ...]:
    """All groups, however small: overall first, then each bank and its methods, ANALYTES within each."""
    newest = Measurement.objects.filter(time_point=TimePoint.POST_THAW).aggregate(
        rows=Count("pk"), at=Max("entered_at")
    )
    spell = int(timezone.now().timestamp() // REFRESH_SECONDS)
    return _computed(connection.settings_dict["NAME"], newest["rows"], newest["at"], spell)


@lru_cache(maxsize=1)
def _computed(database: str, rows: int, newest: dt.datetime | None, spell: int) -> tuple[Recovery, ...]:
    """The table as long as no measurement after thaw is added; the arguments are what it hangs on."""
    if not rows:
        return ()
    order = [analyte.value for analyte in ANALYTES]
    found = sorted(
        _groups(), key=lambda row: (row.basis != OVERALL, row.bank_code, row.method, order.index(row.analyte))
    )
    return tuple(found)


def _groups() -> Iterator[Recovery]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL,
            {
                "frozen": TimePoint.PROCESSING.value,
                "thawed": TimePoint.POST_THAW.value,
                "analytes": [analyte.value for analyte in ANALYTES],
                "quantiles": list(QUANTILES),
            },
        )
        for analyte, bank_code, method, n, (p5, q1, median, q3, p95) in cursor.fetchall():
            basis = OVERALL if bank_code is None else BY_BANK if method is None else BY_METHOD
            yield Recovery(analyte, basis, bank_code or "", method or "", n, p5, q1, median, q3, p95)


# Made-up counts say nothing; a method that is not recorded is no group of its own.
_SQL = """
    WITH pairs AS (
        SELECT after.analyte, b.code AS bank, u.processing_method AS method, after.value / before.value AS share
        FROM bank_measurement after
        JOIN bank_measurement before ON before.unit_id = after.unit_id AND before.analyte = after.analyte
            AND before.time_point = %(frozen)s AND NOT before.superseded AND NOT before.invented
        JOIN bank_cordbloodunit u ON u.id = after.unit_id
        JOIN bank_bank b ON b.id = u.bank_id
        WHERE after.time_point = %(thawed)s AND after.analyte = ANY (%(analytes)s)
            AND NOT after.superseded AND NOT after.invented AND NOT u.counts_invented AND before.value > 0
    )
    SELECT analyte, bank, method, count(*), percentile_cont(%(quantiles)s) WITHIN GROUP (ORDER BY share)
    FROM pairs
    GROUP BY GROUPING SETS ((analyte), (analyte, bank), (analyte, bank, method))
    HAVING method IS DISTINCT FROM ''
"""
