"""Small sets over the made-up release, for expectations that are derived by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hla.loci import SEARCH_LOCI
from hla.prediction.impute import Imputer
from hla.prediction.imputed import Basis, Imputed
from hla.prediction.table import HaplotypeTable
from hla.typing import Typing
from tests.hla.prediction.compared import made_set
from tests.hla.prediction.world import resolver

Names = Mapping[tuple[str, str], float]


def table(
    rows: Mapping[str, float], loci: tuple[str, ...] = SEARCH_LOCI, *, nulls: str = "absent"
) -> HaplotypeTable:
    """{"01:01 01:01 …": frequency} with a name for each locus."""
    haplotypes = [
        (tuple(f"{locus}*{name}" for locus, name in zip(loci, text.split(), strict=True)), frequency)
        for text, frequency in rows.items()
    ]
    return HaplotypeTable.of(made_set(loci, haplotypes), resolver(), nulls=nulls)  # type: ignore[arg-type]


def imputed(found: HaplotypeTable, *people: Typing, **options: float) -> Imputed:
    return Imputer(found, **options).impute(people)  # type: ignore[arg-type]


def basis(found: Imputed, person: int = 0) -> Basis:
    return Basis(int(found.basis[person]))


def at(found: Imputed, locus: str, person: int = 0) -> dict[tuple[str, str], float]:
    """Genotypes at one locus by the names of their states, and their shares."""
    keys = found.table.space.keys(locus)
    names = ["" if not code else name_of(locus, keys[code]) for code in range(len(keys))]
    rows = slice(found.starts[person], found.starts[person + 1])
    shares: dict[tuple[str, str], float] = {}
    for states, share in zip(found.states()[rows, found.loci.index(locus)], found.shares[rows], strict=True):
        one, other = sorted(names[code] for code in states)
        shares[one, other] = shares.get((one, other), 0.0) + float(share)
    return shares


def name_of(locus: str, key: int | str) -> str:
    """ "01:01P", "01:04N"."""
    name = key if isinstance(key, str) else resolver().nomenclature.p_name(locus, key)
    return name.partition("*")[2]


def near(shares: Mapping[tuple[str, str], float]) -> object:
    return pytest.approx(dict(shares), abs=1e-12)
