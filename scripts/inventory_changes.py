"""Random changes of an inventory, all through the services: for proofs of equality and for benchmarks."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

KINDS = ("import", "hold", "unhold", "discard", "population", "confirm")
POPULATIONS = ("HAN", "API", "CAU", "")
REASON = "chosen by chance"
COLUMNS = ("unit_no", "collected_on", "sex", "abo", "rh", "population", "tnc_e7", "cd34_e6")


def mixed(count: int, rng: random.Random) -> dict[str, int]:
    """How many changes of each kind, `count` in all."""
    kinds = rng.choices(KINDS, weights=(30, 20, 12, 15, 15, 8), k=count)
    return {kind: kinds.count(kind) for kind in KINDS}


def change(counts: Mapping[str, int], rng: random.Random) -> dict[str, list[UUID]]:
    """Make so many changes of each kind; the units that were changed, by kind.

    A unit is changed once, but new ones come first, and some of them wait to be confirmed; then kinds follow one
    another by chance. Where there are not enough units for a kind, so many more are held.
    """
    done: dict[str, list[UUID]] = {kind: [] for kind in counts}
    for kind in sorted(rng.sample(sorted(counts), k=len(counts)), key=lambda kind: kind != "import"):
        done[kind] = _of_kind(kind, counts[kind], rng, done)
    missing = sum(counts.values()) - sum(map(len, done.values()))
    return {**done, "hold": [*done.get("hold", []), *_of_kind("hold", missing, rng, done)]}


def _of_kind(kind: str, count: int, rng: random.Random, done: Mapping[str, list[UUID]]) -> list[UUID]:
    from core.audit import Actor

    actor = Actor.system("changes")
    if not count:
        return []
    if kind == "import":
        return _import(count, rng, actor)
    before = {name: units for name, units in done.items() if (name, kind) != ("import", "confirm")}
    taken = {pk for units in before.values() for pk in units}
    chosen = [pk for pk in _candidates(kind, rng) if pk not in taken][:count]
    for pk in chosen:
        _service(kind, rng, actor)(pk)
    return chosen


def _candidates(kind: str, rng: random.Random) -> list[UUID]:
    """Units that a change of this kind is allowed for, in random order."""
    from bank.choices import Source, UnitStatus
    from bank.models import CordBloodUnit

    own = CordBloodUnit.objects.filter(source=Source.OWN)
    if kind in ("hold", "discard"):
        own = own.listed()
    elif kind == "unhold":
        own = own.filter(status=UnitStatus.ON_HOLD)
    elif kind == "confirm":
        own = own.to_confirm().filter(tnc_e7__isnull=False)
    found = sorted(own.values_list("pk", flat=True))
    rng.shuffle(found)
    return found


def _service(kind: str, rng: random.Random, actor: Any) -> Callable[[UUID], Any]:
    """What makes one change of this kind."""
    from bank import services
    from bank.choices import DiscardReason

    if kind == "hold":
        return lambda pk: services.unit_hold(unit_id=pk, actor=actor, reason=REASON)
    if kind == "unhold":
        return lambda pk: services.unit_unhold(unit_id=pk, actor=actor, reason=REASON)
    if kind == "discard":
        code = rng.choice(list(DiscardReason))
        return lambda pk: _discard(pk, code, actor)
    if kind == "confirm":
        second = _second_person()
        return lambda pk: services.unit_confirm_values(
            unit_id=pk, shown=_shown(pk), actor=second, reason=REASON
        )
    populations = rng.choice(POPULATIONS)
    return lambda pk: services.unit_population_change(
        unit_id=pk, populations=populations, actor=actor, reason=REASON
    )


def _shown(pk: UUID) -> str:
    """What the page of the unit shows to whoever confirms."""
    from bank.confirming import shown
    from bank.models import CordBloodUnit

    return shown(CordBloodUnit.objects.select_related("import_batch").get(pk=pk)).digest


def _discard(pk: UUID, code: str, actor: Any) -> None:
    """What the second person's signature does; the signature itself would cost a benchmark more than all the rest."""
    from django.db import transaction

    from bank.choices import UnitStatus
    from bank.services_disposal import leave
    from bank.writing import locked_unit

    with transaction.atomic():
        leave(locked_unit(pk), UnitStatus.DISCARDED, code=code, actor=actor, reason=REASON)


def _second_person() -> Any:
    """Who imported a unit may not confirm its values, and the system is nobody."""
    from core.audit import Actor
    from core.models import User
    from core.roles import Role
    from core.services import user_create

    email = "second-person@qidai.example"
    found = User.objects.filter(email=email).first() or user_create(
        email=email,
        full_name="Second Person",
        password="only-for-proofs-7!",
        roles=[Role.QA],
        by=Actor.system("changes"),
    )
    return Actor.user(found)


def _import(count: int, rng: random.Random, actor: Any) -> list[UUID]:
    """New units as a file that a bank sends; some have counts that wait for a second person."""
    from bank.models import CordBloodUnit
    from bank.services_import import units_import

    bank = CordBloodUnit.objects.select_related("bank").first()
    code = bank.bank.code if bank else ""
    report = units_import(
        data=_file(count, rng),
        file_name="changes.csv",
        actor=actor,
        bank_code=code,
        skip_bad=True,
        declaration=REASON,
    )
    return list(CordBloodUnit.objects.filter(import_batch_id=report.batch_id).values_list("pk", flat=True))


def _file(count: int, rng: random.Random) -> bytes:
    from bank.demo import population
    from bank.demo.reporting import Reporter
    from core import reference
    from hla.loci import SEARCH_LOCI

    reporter = Reporter(reference.resolver())
    text = io.StringIO()
    loci = [f"{locus}_{place}" for locus in SEARCH_LOCI for place in (1, 2)]
    out = csv.DictWriter(text, [*COLUMNS, *loci], restval="", extrasaction="ignore")
    out.writeheader()
    for number in range(count):
        pairs = reporter.report(population.genotype(rng), rng)
        typing = {f"{locus}_{place}": pair[place - 1] for locus, pair in pairs.items() for place in (1, 2)}
        out.writerow({**_values(number, rng), **typing})
    return text.getvalue().encode()


def _values(number: int, rng: random.Random) -> dict[str, Any]:
    implausible = rng.random() < 0.2
    tnc = round(rng.uniform(80, 300), 2)
    return {
        "unit_no": f"CH{rng.getrandbits(32):08X}{number:05d}",
        "collected_on": dt.date(2020, 1, 1) + dt.timedelta(days=rng.randrange(1500)),
        "sex": rng.choice("FM"),
        "abo": rng.choice(("O", "A", "B", "AB")),
        "rh": rng.choice(("pos", "neg")),
        "population": rng.choice(("HAN", "")),
        "tnc_e7": round(tnc / 10, 2) if implausible else tnc,
        "cd34_e6": round(tnc * rng.uniform(0.02, 0.05), 2),
    }
