"""The engine against one loop over the database, before and after changes of the inventory, for docs/validation.md.

    python scripts/validate_equality.py [--units 20000] [--patients 100] [--changes 500] [--data ../shared/data]

A synthetic inventory is written, patients of every resolution are searched in the snapshot with all candidates kept,
the inventory is changed at random through the services (import, hold, unhold, discard, population, confirm), the
snapshot follows the ledger, and all are searched again. Beside it stands the plain-Python twin
(tests/matching/twin.py) over rows read from the table, unit by unit, without a snapshot: the set of candidates,
their order, classes, counts of each locus, direction, the counts by class and where every other unit went must be
equal. The snapshot that followed must also equal one that is built afresh. Exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

SEED = 5
LISTED = frozenset({"LISTED"})
OFFERED = frozenset({"LISTED", "RESERVED"})
THREE = ("A", "B", "DRB1")
# One after the other, patient by patient: as a request has it, down to the lowest floors, everything, other loci,
# a dose, reserved units too.
CRITERIA: tuple[dict[str, Any], ...] = (
    {"floors": {"antigen6": 4}},
    {"floors": {"antigen6": 3, "allele8": 4, "allele10": 6}},
    {"floors": {}},
    {"floors": {"antigen6": 3}, "loci": THREE},
    {"floors": {"antigen6": 4}, "weight_kg": Decimal("47.3"), "min_tnc_e7_per_kg": Decimal("2.5")},
    {"floors": {"allele6": 3}, "statuses": OFFERED},
)


@dataclass
class Proof:
    """What was compared and what differs, in words; nothing differs where all is well."""

    searches: int = 0
    candidates: int = 0
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """The inventory at one moment, seen twice: by the table and by the snapshot."""

    name: str
    rows: list[Any]
    snapshot: Any


def state(name: str, resolver: Any) -> State:
    from matching import inventory

    return State(name, list(database_rows()), inventory.current(resolver))


def database_rows() -> Iterator[Any]:
    """Units that a search may offer, read from the table one by one, without the snapshot's own reading."""
    from bank.models import CordBloodUnit
    from tests.matching.twin import row_of

    for unit in CordBloodUnit.objects.order_by("pk").iterator(chunk_size=2_000):
        blocked = (
            unit.recalled
            or unit.stopped
            or unit.consent_withdrawn
            or unit.typing_conflict
            or unit.held_for_confirmation
        )
        if blocked or unit.status not in OFFERED or unit.donor_type != "cord":
            continue
        yield row_of(unit)


def patients(count: int, rng: random.Random, resolver: Any) -> list[dict[str, tuple[str, str]]]:
    """Canonical texts by locus of people as registries report them, each resolution in its share."""
    from bank.demo import population
    from bank.demo.reporting import Reporter
    from bank.imports.typings import BadPair, TypingReader
    from hla.loci import SEARCH_LOCI

    reporter, reader = Reporter(resolver), TypingReader(resolver)
    found: list[dict[str, tuple[str, str]]] = []
    while len(found) < count:
        pairs = reporter.report(population.genotype(rng), rng)
        read = {locus: reader.pair(locus, *pair) for locus, pair in pairs.items() if locus in SEARCH_LOCI}
        typed = {
            locus: (pair.first, pair.second) for locus, pair in read.items() if not isinstance(pair, BadPair)
        }
        if all(locus in typed for locus in THREE):
            found.append(typed)
    return found


def prove(
    states: list[State], people: list[dict[str, tuple[str, str]]], resolver: Any, *, tell: bool = False
) -> Proof:
    """Every patient in every state: engine and twin."""
    from matching.engine.search import Criteria, search
    from matching.patient_typings import parsed
    from tests.matching.twin import twin_search

    proof = Proof()
    for number, typed in enumerate(people):
        known: dict[Any, Any] = {}  # comparisons of equal texts, for all states of the inventory
        asked = {"statuses": LISTED, **CRITERIA[number % len(CRITERIA)]}
        for at in states:
            outcome = search(parsed(typed, resolver), Criteria(**asked, limit=len(at.rows) + 1), at.snapshot)
            twin = twin_search(typed, at.rows, resolver, known=known, **asked)
            proof.searches += 1
            proof.candidates += len(twin.order)
            proof.differences += [
                f"patient {number} {at.name}: {text}" for text in differences(outcome, twin, at)
            ]
        if tell and (number + 1) % 10 == 0:
            print(f"  {number + 1} patients, {len(proof.differences)} differences", flush=True)
    return proof


def differences(outcome: Any, twin: Any, at: State) -> Iterator[str]:
    """In words, at most one of each sort."""
    funnel = outcome.funnel
    gone = (funnel.other_status, funnel.not_searchable, funnel.below_dose, funnel.below_floor)
    expected = (twin.other_status, twin.not_searchable, twin.below_dose, twin.below_floor)
    if (funnel.units, funnel.candidates, *gone) != (len(at.rows), len(twin.order), *expected):
        yield f"{funnel}, twin {len(at.rows)} units, {len(twin.order)} candidates, {expected} left out"
    for name, counts in outcome.counts.items():
        if [(one.value, one.possible, one.certain) for one in counts] != twin.counts(name):
            yield f"counts of {name}"
    ids = [unit_id.tobytes() for unit_id in at.snapshot.unit_ids(outcome.ranked.rows)]
    order = [found.row.unit_id for found in twin.order]
    if set(ids) != set(order):
        yield f"{len(set(ids) ^ set(order))} units stand in one list only"
    elif ids != order:
        yield "the order"
    else:
        yield from different_details(outcome.ranked, twin.order)


def different_details(ranked: Any, order: list[Any]) -> Iterator[str]:
    """Classes, counts of loci and directions of equal lists, the first that differs of each."""
    from matching.engine.ranking import UNIT_DIRECTIONS
    from matching.engine.search import SCORE_COLUMNS

    for name, values in ranked.classes.items():
        if values.tolist() != [list(found.classes[name]) for found in order]:
            yield f"class {name}"
    for locus, values in ranked.locus.items():
        expected = [[getattr(found.loci[locus], name) for name in SCORE_COLUMNS] for found in order]
        if values.tolist() != expected:
            yield f"counts of locus {locus}"
    if [UNIT_DIRECTIONS[code] for code in ranked.direction.tolist()] != [found.direction for found in order]:
        yield "direction"


def main() -> int:
    import system

    options = system.options(__doc__, units=20_000, patients=100, changes=500)
    with system.real_system("equality"):
        print(system.load_reference(options.data))
        print(
            system.manage(
                "demo_data",
                "--units",
                str(options.units),
                "--hospitals",
                "1",
                "--patients",
                "0",
                "--transplants",
                "0",
            ).splitlines()[0]
        )
        return proved(options)


def proved(options: argparse.Namespace) -> int:
    import inventory_changes

    from matching import inventory, reference

    started, rng, resolver = time.perf_counter(), random.Random(SEED), reference.resolver(look=True)
    people = patients(options.patients, rng, resolver)
    states = [state("before", resolver)]
    done = inventory_changes.change(inventory_changes.mixed(options.changes, rng), rng)
    print("changed: " + ", ".join(f"{kind} {len(units)}" for kind, units in sorted(done.items())))
    states.append(state("after", resolver))
    afresh = inventory.build(resolver).checksum == states[-1].snapshot.checksum
    print(f"the snapshot that followed {'equals' if afresh else 'DIFFERS FROM'} one built afresh")
    proof = prove(states, people, resolver, tell=True)
    print(
        f"{proof.searches} searches of {len(people)} patients among {len(states[0].rows):,} units before and "
        f"{len(states[1].rows):,} after {sum(map(len, done.values()))} changes: {proof.candidates:,} candidates "
        f"compared, {len(proof.differences)} differences ({time.perf_counter() - started:.0f} s)"
    )
    print("\n".join(proof.differences[:20]))
    return 1 if proof.differences or not afresh else 0


if __name__ == "__main__":
    sys.exit(main())
