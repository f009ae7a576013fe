"""Synthetic units as rows ready to be written. Pure: the same seed gives the same inventory."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from bank.choices import DiscardReason, UnitStatus
from bank.demo import population
from bank.demo.reporting import Pairs, Reporter
from bank.imports import invent
from bank.imports.rows import UnitRow
from bank.imports.typings import BadPair, TypingReader
from bank.limits import Limits, held_reasons
from hla.typing import LocusTyping

FIN = "A9999"  # made up: no facility has it
FIRST_YEAR = 2008
# Han: O, A, B, AB; Rh negative 0.3 %.
_ABO = ("O", "A", "B", "AB")
_ABO_CUMULATIVE = list(accumulate((30.0, 31.0, 28.5, 10.5)))
RH_NEGATIVE = 0.003
_STATUS = ("LISTED", "RESERVED", "ON_HOLD", "QUARANTINE", "DISCARDED")
_STATUS_CUMULATIVE = list(accumulate((90.0, 2.5, 1.5, 3.5, 2.5)))
# A slip of the unit of measure now and then: what the plausibility limits are for.
SLIPPED = 0.002
HOLD_REASONS = (
    "Deviation of the tank's temperature is being investigated.",
    "The mother's questionnaire is being completed.",
    "Segment count differs from the record.",
)


def units(count: int, seed: int, reader: TypingReader, today: dt.date) -> Iterator[UnitRow]:
    """`count` units, numbered from 1 within each year of collection."""
    rng = random.Random(f"qidai-units-{seed}")
    populations = random.Random(f"qidai-populations-{seed}")  # apart: all other values stay what they were
    reporter = Reporter(reader.resolver.mac)
    serials: dict[int, int] = {}
    for line in range(1, count + 1):
        collected = _collected_on(rng, today)
        serials[collected.year] = serials.get(collected.year, 0) + 1
        pairs = reporter.report(population.genotype(rng), rng)
        known = population.CODE if populations.random() < population.CODE_KNOWN else ""
        yield _unit(line, collected, serials[collected.year], pairs, rng, reader, known)


def _unit(
    line: int,
    collected: dt.date,
    serial: int,
    pairs: Pairs,
    rng: random.Random,
    reader: TypingReader,
    population_code: str,
) -> UnitRow:
    typing = _typing(pairs, reader)
    values: dict[str, Any] = {
        "din": f"{FIN}{collected:%y}{serial:06d}",
        "collected_on": collected,
        "sex": rng.choice("FM"),
        "abo": rng.choices(_ABO, cum_weights=_ABO_CUMULATIVE)[0],
        "rh": "-" if rng.random() < RH_NEGATIVE else "+",
        "segments": rng.choices((1, 2, 3, 4), weights=(3, 12, 70, 15))[0],
        "population": population_code,
        **invent.draw(rng),
    }
    if rng.random() < SLIPPED:
        values["tnc_e7"] = round(values["tnc_e7"] / 10, 2)  # written in 10⁸
    held = held_reasons(values["tnc_e7"], values["cd34_e6"], Limits())
    values |= _state(rng)
    if held:
        values |= {"status": "LISTED", "status_before_hold": "", "hold_reason": "", "discard_reason": ""}
    tags = {
        tag
        for locus, pair in typing.items()
        for text in (pair.first, pair.second)
        for tag in reader.tags(locus, text)
    }
    unit_no = f"QD{collected:%y}-{serial:06d}"
    digest = hashlib.sha256(f"{unit_no} {values} {pairs}".encode()).hexdigest()[:32]
    return UnitRow(line, unit_no, values, typing, pairs, sorted(tags), held, digest)


def _typing(pairs: Pairs, reader: TypingReader) -> dict[str, LocusTyping]:
    """Read as an import would; a value that the loaded release does not know is left out."""
    read = {locus: reader.pair(locus, *pair) for locus, pair in pairs.items()}
    return {locus: pair for locus, pair in read.items() if not isinstance(pair, BadPair) and not pair.untyped}


def _collected_on(rng: random.Random, today: dt.date) -> dt.date:
    first = dt.date(FIRST_YEAR, 1, 1)
    days = (today - dt.timedelta(days=60) - first).days
    return first + dt.timedelta(days=int(days * rng.random() ** 0.8))


def _state(rng: random.Random) -> dict[str, str]:
    status = rng.choices(_STATUS, cum_weights=_STATUS_CUMULATIVE)[0]
    on_hold, discarded = status == UnitStatus.ON_HOLD, status == UnitStatus.DISCARDED
    return {
        "status": status,
        "status_before_hold": UnitStatus.LISTED.value if on_hold else "",
        "hold_reason": rng.choice(HOLD_REASONS) if on_hold else "",
        "discard_reason": rng.choice(DiscardReason.values) if discarded else "",
    }
