"""Cord blood and adult donors in one snapshot: a search sees those that it asks for, as if there were no others."""

from __future__ import annotations

import random
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from matching.engine import files, scan
from matching.engine.columns import UnitRow, digest_of
from matching.engine.planning_scan import considered
from matching.engine.policy import Policy
from matching.engine.search import Criteria, search
from matching.engine.snapshot import Snapshot
from tests.hla.prediction.uncompiled import plain_python
from tests.matching.inventories import mixed, unit
from tests.matching.test_search import RESOLVER, assert_same, ids_of, person, snapshot_of, twin_of

CORD, ADULT, BOTH = frozenset({"cord"}), frozenset({"adult"}), frozenset({"cord", "adult"})
ROWS = mixed(3, 400)


def of(rows: list[UnitRow], *kinds: str) -> list[UnitRow]:
    return [row for row in rows if row.donor_type in kinds]


def followed(rows: list[UnitRow]) -> tuple[Snapshot, list[UnitRow]]:
    """The snapshot of units of which some changed, also from one kind to the other, some came and some went."""
    rng = random.Random(5)
    changed = [row._replace(status="LISTED") for row in rows[:20]]
    new = [unit(rng)._replace(donor_type=kind, tnc_e4=-1) for kind in ("adult", "cord", "adult")]
    snapshot = snapshot_of(rows).apply(
        changed=[*changed, *new], withdrawn=[row.unit_id for row in rows[20:30]], ledger_number=2
    )
    return snapshot, [*changed, *new, *rows[30:]]


@pytest.mark.parametrize("donors", [CORD, ADULT, BOTH], ids=lambda found: "+".join(sorted(found)))
@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"floors": {"antigen6": 3}, "statuses": frozenset({"LISTED"})},
        {"weight_kg": Decimal(60), "min_tnc_e7_per_kg": Decimal("2.5")},
        {"loci": ("A", "B", "DRB1")},
    ],
    ids=str,
)
def test_the_engine_equals_its_twin_whatever_donors_are_asked_for(
    donors: frozenset[str], criteria: dict[str, Any]
) -> None:
    snapshot, rows = followed(ROWS)
    patient = person(51)

    outcome = search(patient, Criteria(**criteria, donor_types=donors), snapshot)

    assert_same(outcome, twin_of(patient, rows, **criteria, donor_types=donors), snapshot)
    assert outcome.funnel.units == len(of(rows, *donors)) > 0
    assert outcome.funnel.candidates > 0


def test_cord_blood_is_what_a_search_asks_for_unless_it_says_otherwise() -> None:
    cord = of(ROWS, "cord")
    mine, alone = snapshot_of(ROWS), snapshot_of(cord)

    found, expected = (search(person(51), Criteria(), one) for one in (mine, alone))

    assert (found.counts, found.funnel) == (expected.counts, expected.funnel)
    assert ids_of(found, mine) == ids_of(expected, alone)


@pytest.mark.parametrize(("there", "asked"), [("cord", ADULT), ("adult", CORD)])
def test_of_an_inventory_of_the_other_donors_nothing_is_found(there: str, asked: frozenset[str]) -> None:
    outcome = search(person(51), Criteria(donor_types=asked), snapshot_of(of(ROWS, there)))

    assert (outcome.funnel.units, outcome.funnel.candidates, outcome.funnel.other_status) == (0, 0, 0)
    assert not any(outcome.counts.values())


def test_no_dose_is_asked_of_a_donor_and_none_is_missed() -> None:
    snapshot = snapshot_of(of(ROWS, "adult"))
    asked = {"weight_kg": Decimal(60), "min_tnc_e7_per_kg": Decimal(90), "donor_types": BOTH}

    funnel = search(person(51), Criteria(**asked), snapshot).funnel  # type: ignore[arg-type]

    assert (funnel.below_dose, funnel.dose_unknown) == (0, 0)
    assert funnel.candidates > 0


@pytest.mark.parametrize("donors", [CORD, ADULT, BOTH], ids=lambda found: "+".join(sorted(found)))
def test_the_same_without_compiling_and_in_several_shares(
    monkeypatch: pytest.MonkeyPatch, donors: frozenset[str]
) -> None:
    snapshot, _rows = followed(mixed(8, 120))
    criteria = Criteria(donor_types=donors, limit=25)
    whole = search(person(51), criteria, snapshot)

    monkeypatch.setattr(scan, "SHARED_ABOVE", 10)
    with plain_python():
        plain = search(person(51), criteria, snapshot)

    assert (plain.counts, plain.funnel) == (whole.counts, whole.funnel)
    assert ids_of(plain, snapshot) == ids_of(whole, snapshot)


@pytest.mark.parametrize("plain", [False, True])
def test_an_inventory_without_what_is_asked_for_has_none(plain: bool) -> None:
    snapshot = snapshot_of(of(ROWS, "cord"))

    with plain_python() if plain else nullcontext():
        found = search(person(51), Criteria(donor_types=ADULT), snapshot)

    assert ids_of(found, snapshot) == []
    assert search(person(51), Criteria(donor_types=CORD), snapshot).funnel.candidates > 0


def test_the_checksum_of_cord_blood_is_the_same_beside_other_donors() -> None:
    """A search of before, when there were no others, is restored and recomputed by it."""
    snapshot, rows = followed(ROWS)
    alone = snapshot_of(of(rows, "cord"))

    assert snapshot.checksum_of(["cord"]) == alone.checksum == alone.checksum_of(["cord", "adult"])
    assert snapshot.checksum_of(["adult"]) == snapshot_of(of(rows, "adult")).checksum
    assert snapshot.checksum == snapshot_of(rows).checksum != alone.checksum
    assert [snapshot.units_of([kind]) for kind in ("cord", "adult", "none")] == [
        len(of(rows, "cord")),
        len(of(rows, "adult")),
        0,
    ]


def test_the_digest_of_a_cord_blood_unit_is_what_it_was_before_there_were_others() -> None:
    """Digests lie in the checksums of stored searches: this one was computed when rows had no donor type."""
    row = UnitRow(
        bytes(range(16)), (("A*01:01", "A*02:01"),) * 5, 1, 2, 2020, "LISTED", "A", "+", "OWN", "HAN", 3
    )

    assert f"{digest_of(row):064x}" == "17add0adf9b5c827d13b635c2c03c690b2502dfcf91d8df6132ffade01a8b6a8"
    assert digest_of(row._replace(donor_type="adult")) != digest_of(row)


def test_donor_types_come_back_from_a_file_and_a_kind_that_has_gone_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "inventory"
    snapshot = snapshot_of(ROWS)
    files.save(snapshot, path)

    loaded = files.load(path, resolver=RESOLVER)
    gone = loaded.apply(changed=[], withdrawn=[row.unit_id for row in of(ROWS, "adult")], ledger_number=2)

    assert loaded.tallies == snapshot.tallies
    assert {loaded.row(at).donor_type for at in loaded.rows(["adult"]).tolist()} == {"adult"}
    assert len(loaded.rows(["adult"])) == len(of(ROWS, "adult"))
    assert list(gone.tallies) == ["cord"]
    assert gone.checksum == snapshot_of(of(ROWS, "cord")).checksum
    assert not len(gone.rows(["adult"]))


def test_planning_looks_at_cord_blood_alone() -> None:
    statuses, policy = frozenset({"LISTED"}), Policy()
    mine, alone = snapshot_of(ROWS), snapshot_of(of(ROWS, "cord"))

    (rows, left_out), (expected, expected_out) = (considered(one, statuses, policy) for one in (mine, alone))

    assert (len(rows), left_out) == (len(expected), expected_out)
    assert {mine.row(at).donor_type for at in rows.tolist()} == {"cord"}
