"""Checked predictions for tests and pictures: written down by hand, with outcomes that follow the probabilities."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from typing import Any

from bank.models import Bank, CordBloodUnit
from matching.models import PredictionCheck, SearchResult
from tests.factories.match_list import stored_result, stored_run
from tests.factories.matching import ListedUnitFactory, SearchBankFactory

SET = {"version": "HAN v1", "checksum": "c" * 64}
START = datetime.date(2026, 1, 5)


def check_of(result: SearchResult, **values: Any) -> PredictionCheck:
    """One check, not saved."""
    known = {
        "result": result,
        "bank_id": result.unit.bank_id,
        "quantity": "8",
        "predicted": 0.5,
        "observed": True,
        "basis": "set",
        "unit_set_version": SET["version"],
        "unit_set_checksum": SET["checksum"],
        "patient_set_version": SET["version"],
        "patient_set_checksum": SET["checksum"],
        "confirmed_on": START,
        "confirmed_gl": "A*01:01+A*01:01",
        "recorded_by": "system: test",
    }
    return PredictionCheck(**{**known, **values})


def listed_results(count: int, bank: Bank | None = None) -> list[SearchResult]:
    """Results of one search, each of a unit of its own."""
    bank = bank or SearchBankFactory()
    made = [ListedUnitFactory.build(bank=bank) for _ in range(count)]
    units: Sequence[CordBloodUnit] = CordBloodUnit.objects.bulk_create(made)
    run = stored_run(units[:1])
    one = stored_result(run, units[0], 1)
    rows = [
        SearchResult(
            run=run,
            unit=unit,
            rank=rank,
            direction=one.direction,
            status=unit.status,
            evidence=one.evidence,
        )
        for rank, unit in enumerate(units[1:], start=2)
    ]
    SearchResult.objects.bulk_create(rows)
    return list(run.results.select_related("unit").order_by("rank"))


def simulated_checks(
    count: int,
    *,
    seed: int = 1,
    truth: Callable[[float], float] = lambda p: p,
    results: Sequence[SearchResult] | None = None,
    **values: Any,
) -> list[PredictionCheck]:
    """Predictions over the whole scale, one a unit and day; `truth` says how probable a match really is."""
    rng = random.Random(seed)
    rows = []
    for day, result in enumerate(results or listed_results(count)):
        predicted = round(rng.random(), 6)
        observed = rng.random() < truth(predicted)
        on = START + datetime.timedelta(days=day // 4)
        rows.append(
            check_of(result, predicted=predicted, observed=observed, **{"confirmed_on": on, **values})
        )
    return PredictionCheck.objects.bulk_create(rows)
