"""Release 3.58.0 against a second, independent reading of its files, name by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from hla.loci import LOCI
from scripts.validate_hla import RealData


def rows(folder: Path, name: str) -> Iterator[list[str]]:
    for line in (folder / "imgt" / "3580" / "wmda" / name).open(encoding="utf-8"):
        if not line.startswith("#") and line.split("*")[0] in LOCI:
            yield line.rstrip("\n").split(";")


def groups(folder: Path, name: str) -> dict[str, str]:
    """Allele with locus -> name of its group with locus, its own two fields if it stands alone."""
    found = {}
    for locus, alleles, group in (row[:3] for row in rows(folder, name)):
        for allele in alleles.split("/"):
            fields = allele.rstrip("NLSCAQ").split(":")
            found[locus + allele] = locus + (group or ":".join(fields[:2]))
    return found


def antigens(folder: Path) -> dict[str, set[str]]:
    """Allele with locus -> antigens: the first filled column, without 0 and ?; else the first field."""
    found = {}
    for locus, allele, *columns in rows(folder, "rel_dna_ser.txt"):
        filled = [column for column in columns if column != ""]
        named = {antigen for antigen in (filled[0].split("/") if filled else []) if antigen.isdigit()} - {"0"}
        found[locus + allele] = named or {allele.split(":")[0].lstrip("0")}
    return found


@pytest.fixture(scope="module")
def p_groups(shared_data: Path) -> dict[str, str]:
    return groups(shared_data, "hla_nom_p.txt")


def test_every_allele_has_its_p_group_and_its_antigens(
    real: RealData, shared_data: Path, p_groups: dict[str, str]
) -> None:
    resolver, names = real.resolver, real.nomenclature
    count = 0
    for allele, expected in antigens(shared_data).items():
        locus = allele.split("*")[0]
        found = resolver.position(locus, allele)
        if allele.endswith("N"):
            assert (found.null, found.p_groups) == (True, frozenset())
        else:
            assert {names.p_name(locus, group) for group in found.p_groups} == {p_groups[allele]}
            assert found.antigens == {frozenset(expected)}
        count += 1
    assert count == names.size


def test_truncated_names_families_and_groups_are_unions(
    real: RealData, shared_data: Path, p_groups: dict[str, str]
) -> None:
    wanted: dict[str, set[str]] = defaultdict(set)
    for allele, group in p_groups.items():
        locus, fields = allele.rstrip("NLSCAQ").split("*")
        parts = fields.split(":")
        wanted[f"{locus}*{parts[0]}:XX"].add(group)
        for depth in range(2, len(parts) + 1):
            wanted[f"{locus}*{':'.join(parts[:depth])}"].add(group)
        if group.endswith("P"):
            wanted[group].add(group)
    for allele, group in groups(shared_data, "hla_nom_g.txt").items():
        if group.endswith("G") and not allele.endswith("N"):
            wanted[group].add(p_groups[allele])

    for text, expected in wanted.items():
        locus = text.split("*")[0]
        found = real.resolver.position(locus, text)
        assert {real.nomenclature.p_name(locus, group) for group in found.p_groups} == expected, text
    assert len(wanted) > 43_000
