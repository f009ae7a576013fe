"""A patient and one unit of his list looked at closely, computed while somebody waits: all mismatch counts, genotypes.

By the patient's typing and populations as the search had them, the unit and the reference data as they are now; what
differs since is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from core.errors import Conflict
from core.populations import parse_populations
from hla.errors import TypingError
from hla.loci import SEARCH_LOCI
from hla.resolve import Resolver
from hla.typing import parse_pair
from matching import frequency_sets, predictions, reference
from matching.models import SearchResult, SearchRun
from matching.patient_typings import readable

Pairs = tuple[tuple[str, str], ...]
Json = dict[str, Any]
Change = Literal["sets", "reference", "unit"]


@dataclass(frozen=True)
class Side:
    """What one of the two rests on now. sets, likely: as predictions writes them; basis: matching.choices.Basis."""

    basis: str
    relaxed: tuple[str, ...]
    genotypes: int
    likely: list[Json]
    lost: float  # share of the genotypes that were left out
    sets: list[Json]


@dataclass(frozen=True)
class PairDetails:
    """classes: size -> P(0), P(1), … P(size) mismatches; empty where there is no estimate.

    lost: the most by which one of them may be too low. changed: what is not as it was at the search.
    """

    classes: Mapping[int, Sequence[float]]
    lost: float
    patient: Side
    unit: Side
    changed: tuple[Change, ...]


def pair_details(run: SearchRun, unit_id: UUID) -> PairDetails:
    """Compute them; some seconds for very open typings. The unit is one of the run's list.

    Raises InvalidInput where the typing cannot be read now, Conflict where the search predicted nothing, no frequency
    set serves one of the two, or both are too open to compare every genotype of one with every one of the other.
    """
    from hla.prediction.combine import Patient  # compiled loops: loaded only where something is predicted
    from hla.prediction.whole import TooOpen, whole_distribution
    from matching.engine.prediction import imputed

    if not run.prediction.get("sets"):
        raise Conflict(
            "no_prediction", _("This search computed no probabilities. Search again to have them.")
        )
    resolver = reference.resolver(look=True)
    frequency_sets.active_sets(look=True)
    unit = CordBloodUnit.objects.get(pk=unit_id)
    mine, theirs = (_prepared(text, resolver) for text in (run.patient_populations, unit.populations))
    patient = mine.imputer.impute([readable(run.patient_typing, resolver)])
    units = imputed(theirs.imputer, theirs.store, [unit_pairs(unit, resolver)])
    try:
        whole = whole_distribution(Patient.of(patient), units)
    except TooOpen as error:
        raise Conflict(
            "pair_too_open",
            _(
                "Both typings leave so much open that comparing all their genotypes would take minutes. "
                "A better typing of either of them helps."
            ),
        ) from error
    return PairDetails(
        {size: shares.tolist() for size, shares in whole.classes.items()} if whole else {},
        float(patient.lost[0] + units.lost[0]) + whole.lost if whole else 0.0,
        _side(patient, mine.sets),
        _side(units, theirs.sets),
        tuple(_changed(run, unit, mine.sets, theirs.sets)),
    )


def _prepared(populations: str, resolver: Resolver) -> predictions.Prepared:
    choices = frequency_sets.choose(parse_populations(populations))
    found = predictions.prepared(choices, resolver)
    if found is None:
        raise Conflict("no_frequency_set", _("No frequency set in use serves the patient or the unit."))
    return found


def unit_pairs(unit: CordBloodUnit, resolver: Resolver) -> Pairs:
    """The unit's two texts at each locus of SEARCH_LOCI; untyped where they cannot be read now, as in a search."""
    return tuple(_readable(locus, unit_values(unit, locus), resolver) for locus in SEARCH_LOCI)


def unit_values(unit: CordBloodUnit, locus: str) -> tuple[str, str]:
    name = locus.lower()
    return getattr(unit, f"hla_{name}_1"), getattr(unit, f"hla_{name}_2")


def _readable(locus: str, pair: tuple[str, str], resolver: Resolver) -> tuple[str, str]:
    try:
        parse_pair(locus, *pair, resolver)
    except TypingError:
        return "", ""
    return pair


def _side(found: Any, sets: list[Json]) -> Side:
    part = found.part(0)
    likely = predictions.likely(found)
    return Side(part.basis.name.lower(), part.relaxed, len(part.shares), likely, part.lost, sets)


def _changed(run: SearchRun, unit: CordBloodUnit, mine: list[Json], theirs: list[Json]) -> list[Change]:
    """What is not as the search had it."""
    result: SearchResult = run.results.get(unit=unit)
    found: list[Change] = []
    if served(run, result) != [[one["checksum"] for one in mine], theirs[0]["checksum"]]:
        found.append("sets")
    now = reference.in_use()
    if (now.nomenclature, now.mac_checksum) != (run.nomenclature_checksum, run.mac_checksum):
        found.append("reference")
    if any(
        sorted(position["unit"] for position in of_locus["positions"]) != sorted(unit_values(unit, locus))
        for locus, of_locus in result.evidence.items()
    ):
        found.append("unit")
    return found


def served(run: SearchRun, result: SearchResult) -> list[Any]:
    """Checksums of the sets that served the patient, and of the unit's first, at the search."""
    sets, patient = run.prediction.get("sets") or [], run.prediction.get("patient") or {}
    place = result.prediction.get("set", -1)
    return [patient.get("sets", []), sets[place]["checksum"] if 0 <= place < len(sets) else ""]
