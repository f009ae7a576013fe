"""Expansions against py-ard over release 3.58.0: a seeded sample; scripts/validate_oracle.py compares all.

Every difference stands in tests/hla/cases/pyard_differences.csv with its reason.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hla.errors import TypingError
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from scripts.validate_hla import RealData
from tests.hla.oracle.differences import FILE, RULES, Compared, Expansion, Facts, Ledger, Line, lines
from tests.hla.oracle.expansions import Expansions
from tests.hla.oracle.pyard_oracle import LOCI
from tests.hla.oracle.serology import Serology

SEED = int(os.environ.get("QIDAI_TEST_SEED", "3"))


@pytest.fixture(scope="session")
def expansions(real: RealData) -> Expansions:
    return Expansions(real, SEED)


@pytest.fixture
def ledger(expansions: Expansions) -> Ledger:
    return Ledger(expansions.facts)


def explained(ledger: Ledger, found: Iterator[Compared], at_least: int) -> None:
    for one in found:
        ledger.take(one)
    assert ledger.unexplained == []
    assert ledger.stale(complete=False) == []
    assert ledger.counted.total() >= at_least


def counted_rules(ledger: Ledger, *kinds: str) -> None:
    """The rules for inputs that have all been compared cover just as many as the file says."""
    stated = {key: line.count for key, line in ledger.rules.items() if key[0] in kinds}
    assert {key: ledger.covered[key] for key in stated} == stated


def test_names(expansions: Expansions, ledger: Ledger) -> None:
    """All truncated names, some complete ones."""
    chance = random.Random(SEED)
    asked = [
        (locus, name)
        for locus in LOCI
        for name in (*chance.sample(expansions.pyard.names[locus], 200), *expansions.truncated(locus))
    ]
    compared = (
        expansions.asked(expansions.sort_of(locus, name), locus, f"{locus}*{name}") for locus, name in asked
    )
    explained(ledger, compared, 5000)
    counted_rules(ledger, "2-field", "3-field")


def test_g_and_p_groups(expansions: Expansions, ledger: Ledger) -> None:
    explained(ledger, expansions.groups(), 1900)
    counted_rules(ledger, "g-group", "p-group")


def test_families(expansions: Expansions, ledger: Ledger) -> None:
    explained(ledger, expansions.families(), 1800)
    counted_rules(ledger, "xx")


def test_antigens(expansions: Expansions, ledger: Ledger) -> None:
    explained(ledger, expansions.antigens(), 130)
    counted_rules(ledger, "serology")


def test_multiple_allele_codes(expansions: Expansions, ledger: Ledger) -> None:
    chosen = random.Random(SEED).sample(sorted(expansions.facts.codes), 150)
    explained(ledger, expansions.codes(chosen), 500)


def test_lists(expansions: Expansions, ledger: Ledger) -> None:
    explained(ledger, expansions.lists(200), 190)


def test_genotypes(expansions: Expansions, ledger: Ledger) -> None:
    explained(ledger, expansions.genotypes(100), 100)


def test_no_line_of_the_file_is_stale(expansions: Expansions, ledger: Ledger) -> None:
    """Each input that has a line of its own is asked again."""
    for what, text in ledger.single:
        ledger.take(expansions.again(what, text))
    assert ledger.unexplained == []
    assert ledger.met == ledger.single.keys()


def test_the_file_is_well_formed() -> None:
    known = lines()
    assert FILE.name == "pyard_differences.csv"
    assert {
        line.input.removeprefix("rule:") for line in known if line.input.startswith("rule:")
    } == RULES.keys()
    for line in known:
        assert len(line.reason) > 20
        assert line.count >= 1
    keys = [(line.what, line.input) for line in known]
    assert len(keys) == len(set(keys))


def test_an_unexplained_difference_and_a_stale_line_are_found() -> None:
    facts = Facts(Serology.__new__(Serology), {}, {})
    known = [
        Line("list", "A*01:01/A*01:02", "01:02", "", "a reason", 1),
        Line("xx", "rule:suffix_left_off", "", "", "a reason", 2),
    ]
    ledger = Ledger(facts, known)
    one, two = Expansion(frozenset({"01:01"})), Expansion(frozenset({"01:01", "01:02"}))
    ledger.take(Compared("list", "A", "A*01:01/A*01:02", one, one))
    ledger.take(Compared("list", "A", "A*01:01/A*01:03", two, one))
    ledger.take(Compared("list", "A", "A*01:01/A*01:04", two, Expansion(refused="x")))
    ledger.take(Compared("list", "A", "A*01:01/A*01:05", Expansion(refused="y"), Expansion(refused="x")))

    assert ledger.unexplained == [
        "list A*01:01/A*01:03: ours 01:02; py-ard ",
        "list A*01:01/A*01:04: ours 01:01/01:02; py-ard refused: x",
    ]
    assert ledger.stale(complete=False) == ["list A*01:01/A*01:02"]
    assert ledger.stale(complete=True)[1:] == ["xx rule:suffix_left_off: 0 inputs, the file says 2"]


def test_the_database_is_made_once_and_offline(expansions: Expansions, shared_data: Path) -> None:
    from tests.hla.oracle.pyard_oracle import database

    before = database(shared_data)
    assert (before / "pyard-3580.sqlite3").stat().st_size > 1_000_000
    assert database(shared_data) == before


@pytest.mark.parametrize("subtypes", ["15", "02:15/02:77N"])
def test_a_code_is_not_null_where_it_does_not_say_n(toy: Nomenclature, subtypes: str) -> None:
    """Found by this comparison: A*24:HUK (01/11/12) was read as the null allele A*24:11N, and A*03:BPSK
    (03:03/03:20N) as A*03:03N, since the other member bears an N, which does not exist at A.
    """
    resolver = Resolver(toy, MacTable.of("odd", {"ODD": subtypes}))
    with pytest.raises(TypingError) as caught:
        resolver.position("A", "A*02:ODD")
    assert caught.value.code == "mac_empty"
