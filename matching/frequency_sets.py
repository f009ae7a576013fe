"""Haplotype frequency sets in use, and which of them serves a person.

As in matching.reference the row is the truth; its bytes stand once in a file of this host, the object is kept by
this process. Of a person with several populations each is looked up apart: own population, else the bank's
default, else the global set. Where no set at all was ever loaded, the built-in demonstration set serves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict
from hla import cache
from hla.frequencies.demo import demo_set
from hla.frequencies.sets import HaplotypeSet
from matching import reference
from matching.models import FrequencySet

Step = Literal["own", "default", "global", "built-in", "none"]
FIELDS = (
    "pk",
    "version",
    "population",
    "checksum",
    "is_default",
    "is_global",
    "compiled_sha256",
)  # of SetInfo


@dataclass(frozen=True)
class SetInfo:
    """What is known of a set without its haplotypes. pk: None for the built-in one."""

    pk: UUID | None
    version: str
    population: str
    checksum: str
    is_default: bool = False
    is_global: bool = False
    sha256: str = ""

    @classmethod
    def of(cls, row: FrequencySet) -> SetInfo:
        return cls(*(getattr(row, name) for name in FIELDS))

    @property
    def is_built_in(self) -> bool:
        return self.pk is None


@dataclass(frozen=True)
class Choice:
    """The set that serves one population of a person.

    weight: share of this population, those of a person add up to 1. step: how the set was found; "none" where
    sets are loaded, but none is in use for it: then info and haplotypes are None.
    """

    population: str
    weight: float
    step: Step
    info: SetInfo | None
    haplotypes: HaplotypeSet | None


@dataclass
class _Known:
    """What this process knows: rows in use as of `checked_at`, and the sets of them that it has read."""

    checked_at: float = float("-inf")
    rows: tuple[SetInfo, ...] = ()
    any_loaded: bool = False
    read: dict[str, HaplotypeSet] = field(default_factory=dict)  # by the SHA-256 of their bytes


_known = _Known()


def active_sets(*, look: bool = False) -> tuple[SetInfo, ...]:
    """Those in use, by population; the built-in one alone where none was ever loaded.

    `look`: ask the database now, not only every few seconds.
    """
    if look or time.monotonic() - _known.checked_at > reference.RECHECK_SECONDS:
        _check()
    if _known.any_loaded:
        return _known.rows
    return (built_in(),)


def _check() -> None:
    rows = FrequencySet.objects.active().order_by("population").values_list(*FIELDS)
    _known.rows = tuple([SetInfo(*row) for row in rows])
    _known.any_loaded = bool(_known.rows) or FrequencySet.objects.exists()
    kept = {row.sha256 for row in _known.rows}
    _known.read = {sha256: found for sha256, found in _known.read.items() if sha256 in kept}
    _known.checked_at = time.monotonic()


def built_in() -> SetInfo:
    found = demo_set()
    return SetInfo(None, found.name, found.population, found.checksum)


def haplotypes_of(info: SetInfo) -> HaplotypeSet:
    """The set itself. Raises Conflict if what is stored cannot be read."""
    if info.pk is None:
        return demo_set()
    read = _known.read
    found = read.get(info.sha256)
    if found is None:
        name = cache.file_name(FrequencySet.__name__.lower(), info.version, info.sha256)
        content = reference.content_of(FrequencySet, info.pk, name, info.sha256)
        found = read[info.sha256] = reference.decoded(info.version, HaplotypeSet.from_bytes, content)
    return found


def in_force(named: Sequence[Mapping[str, Any]]) -> tuple[SetInfo, ...]:
    """The sets that a search named, each in use again for what it was used for, as `active_sets` gives those of now.

    That is not all that were in use then, but chooses alike for everybody whom the search predicted: who was served
    by a set of his own, by the default or by the global one finds it, and nobody finds another, since a set that
    served anybody is named. Raises Conflict for a set that is not loaded any more or no longer says the same.
    """
    used = {
        one["checksum"]: {other["step"] for other in named if other["checksum"] == one["checksum"]}
        for one in named
    }
    found = [_as_used(checksum, steps, named) for checksum, steps in used.items()]
    return tuple(sorted(found, key=lambda info: info.population))


def _as_used(checksum: str, steps: set[str], named: Sequence[Mapping[str, Any]]) -> SetInfo:
    info = built_in() if "built-in" in steps else _by_checksum(checksum)
    if info is None or info.checksum != checksum:
        version = next(one["version"] for one in named if one["checksum"] == checksum)
        raise Conflict(
            "frequency_set_not_loaded",
            _("The frequency set %(version)s (checksum %(checksum)s) is not loaded any more."),
            params={"version": version, "checksum": checksum[:12]},
        )
    if haplotypes_of(info).checksum != checksum:
        raise reference.outdated(info.version)
    return replace(info, is_default="default" in steps, is_global="global" in steps)


def _by_checksum(checksum: str) -> SetInfo | None:
    row = FrequencySet.objects.filter(checksum=checksum).values_list(*FIELDS).first()
    return SetInfo(*row) if row else None


def choose(
    populations: Mapping[str, float], *, look: bool = False, among: tuple[SetInfo, ...] | None = None
) -> list[Choice]:
    """The sets that serve a person of these populations (code -> weight above 0, any sum; {}: not known).

    among: the sets in use, where they are not those of now. One choice a population, heaviest first. Raises ValueError
    for weights that are none, Conflict as `haplotypes_of`.
    """
    ranked = _ranked(populations)
    rows = active_sets(look=look) if among is None else among
    return [_choice(rows, population, weight) for population, weight in ranked]


def serving(populations: Mapping[str, float]) -> list[SetInfo]:
    """The sets that `choose` would find, without reading their haplotypes; a population that none serves is missing."""
    rows = active_sets()
    return [info for population, _weight in _ranked(populations) if (info := _found(rows, population)[0])]


def _ranked(populations: Mapping[str, float]) -> list[tuple[str, float]]:
    """Populations with their shares of 1, heaviest first. Raises ValueError for weights that are none."""
    weights = dict(populations) or {"": 1.0}
    whole = math.fsum(weights.values())
    if not math.isfinite(whole) or min(weights.values()) <= 0:
        raise ValueError(f"Weights of populations are above 0: {populations}.")
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return [(population, weight / whole) for population, weight in ranked]


def _choice(rows: tuple[SetInfo, ...], population: str, weight: float) -> Choice:
    info, step = _found(rows, population)
    return Choice(population, weight, step, info, haplotypes_of(info) if info else None)


def _found(rows: tuple[SetInfo, ...], population: str) -> tuple[SetInfo | None, Step]:
    for info in rows:
        if info.is_built_in:
            return info, "built-in"
        if info.population == population:
            return info, "own"
    for info in rows:
        if info.is_default:
            return info, "default"
    for info in rows:
        if info.is_global:
            return info, "global"
    return None, "none"


def forget() -> None:
    """Hold nothing: another set was put to use in this process, or another test begins."""
    global _known
    _known = _Known()
