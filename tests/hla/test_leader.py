"""HLA-B leaders: families, the alleles that break them, and what cannot be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hla.leader import BY_ALLELE, BY_FAMILY, leader_genotype
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.release import compile_release
from hla.resolve import Resolver
from hla.typing import LocusTyping, parse_pair


def leaders(resolver: Resolver, text: str) -> str:
    """Of a typing written as "07:02+44:02"."""
    first, second = text.split("+")
    typing = parse_pair("B", first, second, resolver)
    return leader_genotype(typing, resolver)


@pytest.mark.parametrize(
    ("text", "genotype"),
    [
        ("07:02+38:01", "MM"),
        ("07:02+15:01", "MT"),
        ("15:01+39:01", "MT"),
        ("15:01+53:62", "TT"),
        ("07:65+15:01", "TT"),  # T in an M family
        ("07:65+07:02", "MT"),
        ("52:90+38:01", "MM"),  # M in a T family
        ("07:XX+15:XX", "MT"),  # by family, whatever its members
        ("07:02:01G+15:01", "MT"),  # the group holds 07:65
        ("07:02P+15:01", "MT"),
        ("07:02/07:65+15:01", "unknown"),
        ("15:01/15:02+38:01/39:01", "MT"),
        ("15:01/38:01+15:01", "unknown"),
        ("07:111N+15:01", "TT"),
        ("07:111N+38:01", "MM"),
        ("07:111N+07:111N", "unknown"),
        ("07:111N+", "unknown"),
        ("15:01/07:111N+15:01", "TT"),  # a null beside an expressed member is set aside
        ("07:02+", "unknown"),
        ("+", "unknown"),
        ("07:02+NEW", "unknown"),
        ("44:02:01:01S+83:01", "TT"),
        ("B7+B62", "MT"),
        ("B3901+B15", "MT"),
        ("B16+B70", "MT"),
        ("15:GEN+07:02", "MT"),
        ("07:SPEC+07:02", "unknown"),
    ],
)
def test_leaders_of_the_toy_release(toy: Nomenclature, text: str, genotype: str) -> None:
    table = MacTable.of("test", {"GEN": "01/02/16", "SPEC": "07:02/07:65"})

    assert leaders(Resolver(toy, table), text) == genotype


@pytest.mark.parametrize(
    ("text", "genotype"),
    [
        ("07:02+44:02", "MT"),
        ("07:65+44:02", "TT"),
        ("B*07:XX+B60", "MT"),
        ("13:AB+81:01", "MT"),
        ("08:276+08:01:01G", "MT"),
        ("B65+B7", "MM"),
    ],
)
def test_leaders_without_a_release(text: str, genotype: str) -> None:
    assert leaders(Resolver(Nomenclature.builtin(), MacTable.of("test", {"AB": "01/02"})), text) == genotype


def test_aligned_alternatives_must_agree(resolver: Resolver) -> None:
    same = LocusTyping("B", "B*07:02|B*15:01", "B*15:02|B*38:01", "pair")
    other = LocusTyping("B", "B*07:02|B*15:01", "B*15:02|B*15:16", "pair")

    assert leader_genotype(same, resolver) == "MT"
    assert leader_genotype(other, resolver) == "unknown"


def test_another_locus_is_an_error(resolver: Resolver) -> None:
    with pytest.raises(ValueError, match="HLA-B only"):
        leader_genotype(LocusTyping("A", "", "", "untyped"), resolver)


def test_every_family_and_antigen_of_the_release_has_a_leader(shared_data: Path) -> None:
    names = compile_release(shared_data / "imgt" / "3580")
    resolver = Resolver(names, EMPTY_MAC)
    families = {int(name.split(":")[0]) for name in names.alleles("B", "serology", "15")} | {7, 8, 83}

    assert families <= BY_FAMILY.keys()
    for antigen in names.serology_names("B"):
        assert leaders(resolver, f"B{antigen}+B7") in ("MM", "MT")
    for allele, leader in BY_ALLELE.items():
        assert BY_FAMILY[int(allele.split(":")[0])] != leader
        assert names.name("B", allele) is not None
