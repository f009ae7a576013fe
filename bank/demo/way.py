"""How the newest synthetic units came to the bank, and those that did not get far: for the yield and the day's tasks.

The newest units of the inventory get their moments of birth, arrival, freezing and release; beside them stand units
that were lost on the way, and some that are on it now. Shares are ASSUMED, the reasons near what banks report (domain
notes, workflow 1.1). All by random numbers of their own, so that the inventory stays what it is.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.utils import timezone

from bank.choices import DiscardReason, MeasureUnit, ReleaseOutcome, UnitStatus
from bank.demo.population import Draw
from bank.models import (
    Bank,
    CordBloodUnit,
    Donation,
    Measurement,
    ProcessingRecord,
    Reception,
    Release,
    ReleaseSpecification,
)

SMALL = 1_000  # below that an inventory is made for a test, and holds just what was asked
TOLD_OF, LOST_OF, UNDER_WAY_OF = 20, 40, 400  # one unit in so many
SITES = 24
KEPT_BY_PROCESSING = (0.70, 0.92)  # of nucleated cells
WAITED_DAYS = 120  # in quarantine or on hold, at most
_S, _R = UnitStatus, DiscardReason
_REASONS = Draw(
    {
        _R.LOW_DOSE: 66.0, _R.CONTAMINATION: 8.0, _R.LATE: 6.0, _R.PROCESSING: 4.0, _R.PAPERWORK: 3.0,
        _R.HISTORY: 4.0, _R.MARKERS: 3.0, _R.CLOTS: 3.0, _R.TEMPERATURE: 2.0, _R.OTHER: 1.0,
    }
)  # fmt: skip
# What is found where: before the arrival nothing is, after processing the rest.
_ON_ARRIVAL = frozenset({_R.LOW_DOSE, _R.LATE, _R.PAPERWORK, _R.CLOTS, _R.TEMPERATURE, _R.OTHER})
_UNDER_WAY = ((_S.PLANNED, 8), (_S.COLLECTED, 3), (_S.RECEIVED, 2), (_S.PROCESSING, 1))


@dataclass(frozen=True)
class Moments:
    """Of one unit, one after the other."""

    born: dt.datetime
    collected: dt.datetime
    arrived: dt.datetime
    started: dt.datetime
    frozen: dt.datetime
    released: dt.datetime

    @classmethod
    def drawn(cls, born: dt.datetime, rng: random.Random) -> Moments:
        collected = born + dt.timedelta(minutes=rng.randint(2, 12))
        arrived = collected + dt.timedelta(hours=min(rng.lognormvariate(2.6, 0.45), 47))
        started = arrived + dt.timedelta(hours=rng.uniform(0.5, 9))
        frozen = started + dt.timedelta(hours=rng.uniform(3, 6))
        released = frozen + dt.timedelta(days=rng.uniform(24, 58))
        return cls(born, collected, arrived, started, frozen, released)


def tell(bank: Bank, count: int, seed: int, day: dt.date, person_id: UUID | None) -> None:
    """person_id: who signed the releases; None: none is recorded."""
    _let_wait(bank)
    if count < SMALL:
        return
    rng = random.Random(f"qidai-way-{seed}")
    _tell_newest(bank, count // TOLD_OF, rng, person_id)
    _lose(bank, count // LOST_OF, rng, day)
    _under_way(bank, max(count // UNDER_WAY_OF, 14), rng, day)


def _let_wait(bank: Bank) -> None:
    """Those in quarantine and on hold came there on different days."""
    days = F("import_line") % WAITED_DAYS
    since = ExpressionWrapper(
        Value(timezone.now()) - Value(dt.timedelta(days=1)) * days, output_field=DateTimeField()
    )
    waiting = CordBloodUnit.objects.filter(bank=bank, status__in=(_S.QUARANTINE, _S.ON_HOLD))
    waiting.update(status_changed_at=since)


def _tell_newest(bank: Bank, many: int, rng: random.Random, person_id: UUID | None) -> None:
    """Arrival, processing, freezing, release and the count before processing of so many units."""
    units = list(
        CordBloodUnit.objects.filter(bank=bank)
        .select_related("donation")
        .order_by("-collected_on", "-unit_no")[:many]
    )
    told = [(unit, Moments.drawn(_birth(unit.collected_on, rng), rng)) for unit in units if unit.collected_on]
    for unit, at in told:
        if unit.donation:
            unit.donation.born_at, unit.donation.collected_at = at.born, at.collected
    donations = [unit.donation for unit, _at in told if unit.donation]
    Donation.objects.bulk_update(donations, ["born_at", "collected_at"], batch_size=1_000)
    Reception.objects.bulk_create([_reception(unit, at, rng) for unit, at in told], batch_size=1_000)
    ProcessingRecord.objects.bulk_create([_processing(unit, at) for unit, at in told], batch_size=1_000)
    Measurement.objects.bulk_create(_before(told, rng), batch_size=1_000)
    rules = bank.release_specifications.order_by("version").first()
    if person_id is not None and rules is not None:
        Release.objects.bulk_create(list(_releases(told, rules, person_id)), batch_size=1_000)


def _birth(day: dt.date, rng: random.Random) -> dt.datetime:
    moment = dt.datetime.combine(day, dt.time(rng.randrange(24), rng.randrange(60)))
    return timezone.make_aware(moment)


def _reception(unit: CordBloodUnit, at: Moments, rng: random.Random) -> Reception:
    coldest = round(rng.uniform(6, 18), 1)
    return Reception(
        unit=unit,
        received_at=at.arrived,
        temperature_min_c=coldest,
        temperature_max_c=round(coldest + rng.uniform(1, 8), 1),
    )


def _processing(unit: CordBloodUnit, at: Moments, *, is_frozen: bool = True) -> ProcessingRecord:
    return ProcessingRecord(
        unit=unit,
        started_at=at.started,
        kit_lot=f"K{at.started:%y%m}",
        frozen_at=at.frozen if is_frozen else None,
    )


def _before(told: list[tuple[CordBloodUnit, Moments]], rng: random.Random) -> list[Measurement]:
    return [
        Measurement(
            unit=unit,
            time_point="collection",
            analyte="tnc",
            value=round(unit.tnc_e7 / rng.uniform(*KEPT_BY_PROCESSING), 1),
            measure_unit=MeasureUnit.E7,
            measured_on=unit.collected_on,
        )
        for unit, _at in told
        if unit.tnc_e7
    ]


def _releases(
    told: list[tuple[CordBloodUnit, Moments]], rules: ReleaseSpecification, person_id: UUID
) -> Iterator[Release]:
    now = timezone.now()
    for unit, at in told:
        if unit.status in (_S.LISTED, _S.RESERVED) and not unit.held_for_confirmation and at.released < now:
            yield Release(
                unit=unit,
                specification=rules,
                outcome=ReleaseOutcome.PASSED,
                released_by_id=person_id,
                signed_by="demo",
                released_at=at.released,
            )


def _lose(bank: Bank, many: int, rng: random.Random, day: dt.date) -> None:
    """Units of the last two years that were discarded before they were banked."""
    units, at_of = [], {}
    for number in range(many):
        born = _birth(day - dt.timedelta(days=rng.randint(61, 730)), rng)
        reason = _REASONS.one(rng)
        at = Moments.drawn(born, rng)
        unit = _unit(bank, f"QD{born:%y}-L{number + 1:05d}", _S.DISCARDED, at, rng, discard_reason=reason)
        unit.status_changed_at = at.arrived + dt.timedelta(hours=2)
        units.append(unit)
        at_of[unit.pk] = at
    _keep(units)
    arrived = [unit for unit in units if rng.random() > 0.03]  # the others never came
    Reception.objects.bulk_create([_reception(unit, at_of[unit.pk], rng) for unit in arrived])
    begun = [unit for unit in arrived if unit.discard_reason not in _ON_ARRIVAL]
    ProcessingRecord.objects.bulk_create(
        [_processing(unit, at_of[unit.pk], is_frozen=unit.discard_reason != _R.PROCESSING) for unit in begun]
    )


def _under_way(bank: Bank, many: int, rng: random.Random, day: dt.date) -> None:
    """What is out, on its way or in work now; one of each is later than it should be."""
    now = timezone.now()
    units: list[CordBloodUnit] = []
    at_of: dict[UUID, Moments] = {}
    whole = sum(share for _status, share in _UNDER_WAY)
    for status, share in _UNDER_WAY:
        for number in range(max(many * share // whole, 1)):
            hours = 51 if number == 0 and status == _S.COLLECTED else rng.uniform(18, 40)
            at = Moments.drawn(now - dt.timedelta(hours=hours), rng)
            unit = _unit(bank, f"QD{day:%y}-W{len(units) + 1:05d}", status, at, rng)
            if status == _S.PLANNED:
                unit.status_changed_at = now - dt.timedelta(days=rng.randint(1, 96))
            units.append(unit)
            at_of[unit.pk] = at
    _keep(units)
    here = [unit for unit in units if unit.status in (_S.RECEIVED, _S.PROCESSING)]
    for unit in here:
        at = at_of[unit.pk]
        came = min(at.arrived, now - dt.timedelta(hours=2))
        at_of[unit.pk] = Moments(at.born, at.collected, came, came, came, came)
    Reception.objects.bulk_create([_reception(unit, at_of[unit.pk], rng) for unit in here])
    in_work = [unit for unit in here if unit.status == _S.PROCESSING]
    ProcessingRecord.objects.bulk_create(
        [_processing(unit, at_of[unit.pk], is_frozen=False) for unit in in_work]
    )


def _unit(
    bank: Bank, unit_no: str, status: UnitStatus, at: Moments, rng: random.Random, **more: Any
) -> CordBloodUnit:
    is_kit = status == _S.PLANNED
    donation = Donation(
        id=uuid4(),
        bank=bank,
        mother_code=f"M-{unit_no[2:]}",
        bag_id=f"BAG{unit_no[2:]}",
        consented_on=timezone.localdate(at.born) - dt.timedelta(days=rng.randint(5, 60)),
        collection_site="" if is_kit else f"Maternity {rng.randint(1, SITES):02d}",
        born_at=None if is_kit else at.born,
        collected_at=None if is_kit else at.collected,
    )
    return CordBloodUnit(
        id=uuid4(),
        bank=bank,
        unit_no=unit_no,
        donation=donation,
        status=status,
        collected_on=None if is_kit else timezone.localdate(at.collected),
        status_changed_at=at.collected,
        synthetic=True,
        **more,
    )


def _keep(units: list[CordBloodUnit]) -> None:
    Donation.objects.bulk_create([unit.donation for unit in units if unit.donation], batch_size=1_000)
    CordBloodUnit.objects.bulk_create(units, batch_size=1_000)
