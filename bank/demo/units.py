"""Synthetic units as rows ready to be written. Pure: the same seed gives the same inventory."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bank.choices import DiscardReason, UnitStatus
from bank.demo import population, quality
from bank.demo.collected import Collected
from bank.demo.population import Draw
from bank.demo.reporting import Pairs, Reporter
from bank.imports import invent
from bank.imports.rows import UnitRow
from bank.imports.typings import BadPair, TypingReader
from bank.limits import Limits, held_reasons
from hla.ciwd import CiwdTable
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from hla.typing import LocusTyping

FIN = "A9999"  # made up: no facility has it
# Units that one process makes at a time. Another number makes other units.
CHUNK = 2_500
CHUNKS_PER_READER = 30
# Han: O, A, B, AB; Rh negative 0.3 %.
_ABO = Draw({"O": 30.0, "A": 31.0, "B": 28.5, "AB": 10.5})
RH_NEGATIVE = 0.003
_SEGMENTS = Draw({1: 3.0, 2: 12.0, 3: 70.0, 4: 15.0})
_STATUS = Draw({"LISTED": 90.0, "RESERVED": 2.5, "ON_HOLD": 1.5, "QUARANTINE": 3.5, "DISCARDED": 2.5})
# A slip of the unit of measure now and then: what the plausibility limits are for.
SLIPPED = 0.002
HOLD_REASONS = (
    "Deviation of the tank's temperature is being investigated.",
    "The mother's questionnaire is being completed.",
    "Segment count differs from the record.",
)


@dataclass(frozen=True)
class Plan:
    """What inventory is made. Picklable: each process that makes a part of it has the same."""

    count: int
    seed: int
    collected: Collected
    chunk_size: int

    @classmethod
    def of(cls, count: int, seed: int, today: dt.date) -> Plan:
        """Raises TooManyUnits."""
        return cls(count, seed, Collected(count, seed, today), CHUNK)

    @property
    def chunks(self) -> int:
        return -(-self.count // self.chunk_size)

    def places(self, chunk: int) -> range:
        """Places of a chunk's units in the inventory, from 0."""
        return range(chunk * self.chunk_size, min((chunk + 1) * self.chunk_size, self.count))


class Maker:
    """Makes the units of a plan, any chunk of them, with bounded memory."""

    def __init__(self, plan: Plan, nomenclature: Nomenclature, mac: MacTable, ciwd: CiwdTable | None) -> None:
        self.plan = plan
        self._reference = (nomenclature, mac, ciwd)
        self._reporter = Reporter(Resolver(*self._reference))
        self._reader = self._new_reader()
        self._read = 0

    def chunk(self, number: int) -> Iterator[UnitRow]:
        """The units of a chunk, by random numbers of its own: whoever makes it, it is the same."""
        rng = random.Random(f"qidai-units-{self.plan.seed}-{number}")
        apart = random.Random(f"qidai-quality-{self.plan.seed}-{number}")
        self._read += 1
        if self._read % CHUNKS_PER_READER == 0:
            self._reader = self._new_reader()
        for place in self.plan.places(number):
            genotype = population.genotype(rng)
            pairs = self._reporter.report(genotype, rng)
            row = _unit(place + 1, *self.plan.collected.at(place), pairs, rng, self._reader)
            quality.add(row, genotype, apart, self._reader)
            yield row

    def _new_reader(self) -> TypingReader:
        """Readers remember all that they have read, and of lists there is no end: now and then another one."""
        return TypingReader(Resolver(*self._reference))


def units(count: int, seed: int, resolver: Resolver, today: dt.date) -> Iterator[UnitRow]:
    """All units in order of collection. Raises TooManyUnits."""
    plan = Plan.of(count, seed, today)
    maker = Maker(plan, resolver.nomenclature, resolver.mac, resolver.ciwd)
    for number in range(plan.chunks):
        yield from maker.chunk(number)


def _unit(
    line: int, collected: dt.date, serial: int, pairs: Pairs, rng: random.Random, reader: TypingReader
) -> UnitRow:
    typing = _typing(pairs, reader)
    values: dict[str, Any] = {
        "din": f"{FIN}{collected:%y}{serial:06d}",
        "collected_on": collected,
        "sex": rng.choice("FM"),
        "abo": _ABO.one(rng),
        "rh": "-" if rng.random() < RH_NEGATIVE else "+",
        "segments": _SEGMENTS.one(rng),
        "population": population.CODE if rng.random() < population.CODE_KNOWN else "",
        **invent.draw(rng),
    }
    if rng.random() < SLIPPED:
        values["tnc_e7"] = round(values["tnc_e7"] / 10, 2)  # written in 10⁸
    held = held_reasons(values["tnc_e7"], values["cd34_e6"], Limits())
    values |= _state(rng)
    if held:
        values |= {"status": "LISTED", "status_before_hold": "", "hold_reason": "", "discard_reason": ""}
    texts = [(pair.locus, text) for pair in typing.values() for text in {pair.first, pair.second}]
    tags = set().union(*[reader.tags(locus, text) for locus, text in texts])
    unit_no = f"QD{collected:%y}-{serial:06d}"
    digest = hashlib.sha256(f"{unit_no} {values} {pairs}".encode()).hexdigest()[:32]
    return UnitRow(line, unit_no, values, typing, pairs, sorted(tags), held, digest)


def _typing(pairs: Pairs, reader: TypingReader) -> dict[str, LocusTyping]:
    """Read as an import would; a value that the loaded release does not know is left out."""
    read = {locus: reader.pair(locus, *pair) for locus, pair in pairs.items()}
    return {locus: pair for locus, pair in read.items() if not isinstance(pair, BadPair) and not pair.untyped}


def _state(rng: random.Random) -> dict[str, str]:
    status = _STATUS.one(rng)
    on_hold, discarded = status == UnitStatus.ON_HOLD, status == UnitStatus.DISCARDED
    return {
        "status": status,
        "status_before_hold": UnitStatus.LISTED.value if on_hold else "",
        "hold_reason": rng.choice(HOLD_REASONS) if on_hold else "",
        "discard_reason": rng.choice(DiscardReason.values) if discarded else "",
    }
