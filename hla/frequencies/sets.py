"""A haplotype frequency set: checked, normalised, ordered, and its stored form."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hla.frequencies.errors import FrequencyError
from hla.loci import SEARCH_LOCI
from hla.packed import packed, unpacked

MAGIC: Final = b"QHLA-haplotypes-1\n"
RESOLUTIONS: Final = ("allele", "g", "G", "P", "mixed")
MAX_HAPLOTYPES: Final = 2_000_000
MAX_NAMES: Final = 1 << 16  # codes are uint16; the largest locus of IPD-IMGT/HLA has 10,000 alleles

Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True, eq=False)
class HaplotypeSet:
    """Haplotypes of one population and their frequencies, which add up to 1.

    release: nomenclature release of its names, "" if unknown. resolution: one of RESOLUTIONS. loci: a
    subset of SEARCH_LOCI in that order. alleles: per locus the distinct names as the set writes them, sorted,
    with locus: "A*01:01", "A*01:16N", "A*01:01:01G", "A*01:01P", "A*01:01g". codes: uint16, shape (n, loci),
    index in alleles[locus]. frequencies: float64, shape (n,), above 0, descending, ties by codes. total: their
    sum before they were divided by it. coverage: 1.0, of a truncated set the share of the population that its
    haplotypes cover. The arrays are read-only. Two sets are the same if their checksums are.
    """

    name: str
    population: str
    release: str
    resolution: str
    loci: tuple[str, ...]
    alleles: Mapping[str, tuple[str, ...]]
    codes: NDArray[np.uint16]
    frequencies: NDArray[np.float64]
    total: float
    coverage: float

    @classmethod
    def of(
        cls,
        rows: Iterable[Row],
        *,
        name: str,
        population: str,
        loci: Sequence[str],
        release: str = "",
        resolution: str = "allele",
        coverage: float = 1.0,
    ) -> "HaplotypeSet":
        """From (names with locus, in the order of `loci`; frequency) in any order; alike ones are added up.

        loci: any order, without repetition. Frequencies must be finite and above 0; their sum is free.
        Raises FrequencyError (empty, too_many), ValueError for anything that a reader should have refused.
        """
        order = tuple(locus for locus in SEARCH_LOCI if locus in loci)
        if not order or len(order) != len(loci) or resolution not in RESOLUTIONS or not 0 < coverage <= 1:
            raise ValueError(f"Loci {loci}, resolution {resolution} or coverage {coverage} cannot be.")
        places = [loci.index(locus) for locus in order]
        found: dict[tuple[str, ...], list[float]] = {}
        for names, frequency in rows:
            if not 0 < frequency < math.inf:
                raise ValueError(f"A frequency of {frequency} cannot be.")
            found.setdefault(tuple([names[place] for place in places]), []).append(frequency)
            if len(found) > MAX_HAPLOTYPES:
                raise FrequencyError("too_many", limit=MAX_HAPLOTYPES, what="haplotypes")
        if not found:
            raise FrequencyError("empty", text=name)
        alleles, codes = _coded(order, list(found))
        sums = np.array([math.fsum(values) for values in found.values()])
        total = math.fsum(sums)
        ranked = np.lexsort((*codes.T[::-1], -sums))
        return cls(
            name=name,
            population=population,
            release=release,
            resolution=resolution,
            loci=order,
            alleles=MappingProxyType(alleles),
            codes=_fixed(codes[ranked]),
            frequencies=_fixed(sums[ranked] / total),
            total=total,
            coverage=coverage,
        )

    def __len__(self) -> int:
        return len(self.frequencies)

    def names(self, place: int) -> tuple[str, ...]:
        """Names of the haplotype at this place, in the order of `loci`."""
        return tuple(
            [self.alleles[locus][code] for locus, code in zip(self.loci, self.codes[place], strict=True)]
        )

    @cached_property
    def _payload(self) -> bytes:
        head = {
            "name": self.name,
            "population": self.population,
            "release": self.release,
            "resolution": self.resolution,
            "alleles": {locus: list(self.alleles[locus]) for locus in self.loci},
            "total": self.total,
            "coverage": self.coverage,
        }
        arrays = self.codes.astype("<u2").tobytes() + self.frequencies.astype("<f8").tobytes()
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + arrays

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of all that the set says, hex."""
        return hashlib.sha256(self._payload).hexdigest()

    def to_bytes(self) -> bytes:
        """Compact binary form with a checksum; the same bytes for the same set."""
        return packed(MAGIC, self._payload)

    @classmethod
    def from_bytes(cls, data: bytes) -> "HaplotypeSet":
        """What to_bytes wrote. Raises FrequencyError (damaged) if it is something else or damaged."""
        payload = unpacked(MAGIC, data)
        if payload is None:
            raise FrequencyError("damaged")
        line, _, arrays = payload.partition(b"\n")
        head = json.loads(line)
        alleles = {locus: tuple(names) for locus, names in head.pop("alleles").items()}
        width = len(alleles)
        size = len(arrays) // (2 * width + 8)
        codes = np.frombuffer(arrays, "<u2", size * width).reshape(size, width)
        frequencies = np.frombuffer(arrays, "<f8", size, offset=2 * size * width)
        return cls(
            **head,
            loci=tuple(alleles),
            alleles=MappingProxyType(alleles),
            codes=_fixed(codes.astype(np.uint16)),
            frequencies=_fixed(frequencies.astype(np.float64)),
        )


def _coded(
    loci: Sequence[str], haplotypes: Sequence[tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], NDArray[np.uint16]]:
    """Per locus the distinct names, sorted, and for each haplotype their places there."""
    alleles: dict[str, tuple[str, ...]] = {}
    codes = np.empty((len(haplotypes), len(loci)), np.uint16)
    for column, locus in enumerate(loci):
        names = sorted({haplotype[column] for haplotype in haplotypes})
        if len(names) > MAX_NAMES:
            raise FrequencyError("too_many", limit=MAX_NAMES, what=f"names of HLA-{locus}")
        place = {name: number for number, name in enumerate(names)}
        codes[:, column] = [place[haplotype[column]] for haplotype in haplotypes]
        alleles[locus] = tuple(names)
    return alleles, codes


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
