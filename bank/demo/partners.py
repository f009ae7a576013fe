"""A partner bank and a registry of a demonstration, with short lists taken in as any other list is."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections.abc import Iterator
from typing import Any

from bank.choices import DonorType
from bank.codes import grid
from bank.demo import population
from bank.demo.reporting import Reporter
from bank.imports import invent
from bank.models import CordBloodUnit
from bank.services_import import units_import
from bank.services_partners import partner_create
from core import reference
from core.audit import Actor

LEAST_UNITS = 1_000  # a smaller own inventory is a test's, and stays alone
UNITS, DONORS, LEFT_OUT = 24, 400, 2  # so many donors that a search of both finds some
ION = 9999  # made up: no organisation has it
LOCI = ("A", "B", "C", "DRB1", "DQB1")


def load(*, seed: int, actor: Actor, today: dt.date) -> None:
    """Two lists of a bank, so that some of its units are gone, and one of a registry. All is synthetic."""
    bank = partner_create(
        code="EASTERN",
        name="Eastern Partner Bank (demonstration)",
        holds=DonorType.CORD,
        country="JP",
        actor=actor,
    )
    registry = partner_create(
        code="DONORS",
        name="Donor Registry (demonstration)",
        holds=DonorType.ADULT,
        issuing_organisation=ION,
        actor=actor,
    )
    rng = random.Random(f"qidai-partners-{seed}")
    reporter = Reporter(reference.resolver())
    units = list(_units(rng, reporter, today))
    for name, code, rows in (
        ("eastern-1.csv", bank.code, units),
        ("eastern-2.csv", bank.code, units[LEFT_OUT:]),
        ("donors.csv", registry.code, list(_donors(rng, reporter))),
    ):
        units_import(
            data=_file(rows), file_name=name, actor=actor, bank_code=code, skip_bad=True, today=today
        )
    CordBloodUnit.objects.filter(bank__in=[bank, registry]).update(synthetic=True)


def _units(rng: random.Random, reporter: Reporter, today: dt.date) -> Iterator[dict[str, Any]]:
    for number in range(1, UNITS + 1):
        yield {
            "unit_no": f"TP-{number:05d}",
            "collected_on": (today - dt.timedelta(days=rng.randrange(400, 4_000))).isoformat(),
            "sex": rng.choice("FM"),
            "abo": rng.choice(("A", "B", "O", "AB")),
            "rh": "pos",
            "population": population.CODE,
            "counts_invented": "yes",
            **invent.draw(rng),
            **_typing(rng, reporter),
        }


def _donors(rng: random.Random, reporter: Reporter) -> Iterator[dict[str, Any]]:
    for number in range(1, DONORS + 1):
        yield {
            "unit_no": f"ZR-{number:06d}",
            "grid": grid.build(str(ION), f"DEMO{number:09d}").code,
            "sex": rng.choice("FM"),
            "abo": rng.choice(("A", "B", "O", "AB")),
            "rh": "pos",
            **_typing(rng, reporter),
        }


def _typing(rng: random.Random, reporter: Reporter) -> dict[str, str]:
    pairs = reporter.report(population.genotype(rng), rng)
    return {
        f"{locus}_{n}": text
        for locus, pair in pairs.items()
        if locus in LOCI
        for n, text in enumerate(pair, 1)
    }


def _file(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
