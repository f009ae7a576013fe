"""How predictions turned out, per frequency set and bank: what the page and the API of calibration show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import Count

from core.models import User
from hla.prediction import calibration
from hla.prediction.calibration import Alarm, Reliability, Totals
from matching.models import PredictionCheck


@dataclass(frozen=True)
class Calibration:
    """Predictions of one quantity by one frequency set for the units of one bank.

    All figures count each unit once, by the newest search that was checked: what one typing tells twice is no second
    proof. predictions: how many were checked, all searches counted.
    """

    set_version: str
    set_checksum: str
    bank_code: str
    bank_name: str
    predictions: int
    totals: Totals
    curve: Reliability
    alarm: Alarm


def calibrations(user: User, quantity: str, checksum: str = "") -> list[Calibration]:
    """Every set and bank with checked predictions of a quantity, of one set if its checksum is given.

    In the order of the sets' names and the banks' codes.
    """
    rows = PredictionCheck.objects.visible_to(user).filter(quantity=quantity)
    if checksum:
        rows = rows.filter(unit_set_checksum=checksum)
    counted = rows.order_by().values_list("unit_set_checksum", "bank_id").annotate(Count("pk"))
    counts = {(one, bank): number for one, bank, number in counted}
    checks = rows.one_per_unit().select_related("bank")
    found = [
        _of(list(group), counts[place])
        for place, group in groupby(
            checks.iterator(chunk_size=5_000), key=attrgetter("unit_set_checksum", "bank_id")
        )
    ]
    return sorted(found, key=lambda one: (one.set_version, one.set_checksum, one.bank_code))


def _of(checks: Iterable[Any], predictions: int) -> Calibration:
    ordered = sorted(checks, key=lambda check: (check.confirmed_on, check.pk))
    predicted = [check.predicted for check in ordered]
    observed = [check.observed for check in ordered]
    first = ordered[0]
    return Calibration(
        set_version=first.unit_set_version,
        set_checksum=first.unit_set_checksum,
        bank_code=first.bank.code,
        bank_name=first.bank.name,
        predictions=predictions,
        totals=calibration.totals(predicted, observed),
        curve=calibration.reliability(predicted, observed),
        alarm=calibration.alarm(predicted, observed),
    )
