"""Units at every point of their way, made at random."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from bank.choices import DiscardReason, UnitStatus
from bank.models import CordBloodUnit, ProcessingRecord, Reception, Release
from tests.factories.bank import (
    DonationFactory,
    ImportBatchFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory
from tests.factories.stocks import ProposalFactory

START = dt.datetime(2024, 1, 1, 6, 0, tzinfo=dt.UTC)
MEASURED = (
    ("collection", "tnc", "e7", 400), ("processing", "tnc", "e7", 350), ("processing", "cd34", "e6", 14),
    ("processing", "cd34_viable", "e6", 14),
)  # fmt: skip


def random_unit(rng: random.Random) -> CordBloodUnit:
    """Any state with any records, also such as no service would leave behind."""
    status = rng.choice(UnitStatus.values)
    born = START + dt.timedelta(hours=rng.randint(0, 24 * 400))
    more: dict[str, Any] = {}
    if status == "ON_HOLD":
        more = {"status_before_hold": rng.choice(["QUARANTINE", "LISTED", "RESERVED"]), "hold_reason": "r"}
    if status == "DISCARDED":
        more = {"discard_reason": rng.choice(DiscardReason.values)}
    unit: CordBloodUnit = UnitFactory(
        status=status,
        source=rng.choice(["own", "own", "own", "partner"]),
        donor_type=rng.choice(["cord", "cord", "cord", "adult"]),
        collected_on=rng.choice([born.date(), born.date(), born.date(), None]),
        donation=rng.choice([None, 1, 1])
        and DonationFactory(
            collection_site=rng.choice(["", "North", "South"]), born_at=rng.choice([None, born])
        ),
        import_batch=rng.choice([None, None, 1]) and ImportBatchFactory(),
        abo=rng.choice(["", "A", "B", "O", "AB"]),
        rh=rng.choice(["", "+", "-"]),
        tnc_e7=rng.choice([None, 49.9, 50.0, 130.0, 320.0]),
        recalled=rng.random() < 0.1,
        **{f"hla_{locus}_1": "" for locus in ("a", "c", "dqb1") if rng.random() < 0.2},
        **more,
    )
    _records(unit, born, rng)
    if status in ("DISCARDED", "RESEARCH") and rng.random() < 0.5:
        _left(unit, rng)
    return unit


def _left(unit: CordBloodUnit, rng: random.Random) -> None:
    """By a proposal, carried out or not, that may say in what state the unit was."""
    state = rng.choice(["carried_out", "carried_out", "refused"])
    ProposalFactory(
        unit=unit, to=unit.status, status_then=rng.choice(["", "COLLECTED", "PROCESSING", "LISTED", "NOT_USED"]),
        state=state, decided_by=UserFactory(), decided_at=START, signed_by="Wang", decision_reason="r",
    )  # fmt: skip


def _records(unit: CordBloodUnit, born: dt.datetime, rng: random.Random) -> None:
    arrived = born + dt.timedelta(minutes=rng.randint(60, 3000))
    frozen = arrived + dt.timedelta(minutes=rng.randint(60, 3000))
    if rng.random() < 0.5:
        Reception.objects.create(unit=unit, received_at=arrived)
    if rng.random() < 0.5:
        frozen_at = frozen if rng.random() < 0.7 else None
        ProcessingRecord.objects.create(unit=unit, started_at=arrived, frozen_at=frozen_at)
    for outcome in rng.choice([[], [], ["refused"], ["passed"], ["refused", "exceptional", "passed"]]):
        Release.objects.create(
            unit=unit,
            specification=SpecificationFactory(bank=unit.bank, criteria=[]),
            outcome=outcome,
            justification="because",
            released_by=UserFactory(),
            released_at=frozen + dt.timedelta(days=rng.randint(1, 90)),
        )
    for point, analyte, measure_unit, top in MEASURED:
        if rng.random() < 0.6:
            MeasurementFactory(
                unit=unit, time_point=point, analyte=analyte, measure_unit=measure_unit,
                value=rng.choice([0, round(rng.uniform(0, top), 1), 50.0, 1.25]), invented=rng.random() < 0.2,
            )  # fmt: skip
