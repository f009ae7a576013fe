"""Match success as observed: how many searched patients had a unit of a class and dose at their first search.

A patient counts once, by the first finished search in the period. Whether the search could have shown such a unit is
asked before what it found: a search with a higher floor is left out whatever it found, so that leaving out favours
nothing. Where a list was cut before it could tell, the patient counts as one without a unit, and is counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import DonorType, UnitStatus
from bank.querysets import CORD_ONLY
from core.populations import parse_populations
from hla.prediction.calibration import wilson
from hospitals.choices import DIAGNOSIS, InactiveReason
from matching.choices import CLASS_SIZE
from matching.models import SearchRun, SelectionPolicy
from matching.reach import Reach, reach_of

CLASS = "antigen6"


class By(TextChoices):
    """What the patients are grouped by."""

    YEAR = "year", _("Year")
    HOSPITAL = "hospital", _("Hospital")
    DISEASE = "disease", _("Disease")
    POPULATION = "population", _("Population")


class LeftOut(TextChoices):
    """Why a search says nothing about the question, whatever it found."""

    NO_WEIGHT = "no_weight", _("patient without a weight: no dose per kg")
    FLOOR = "floor", _("the request had a higher floor, or a floor of another class")
    DOSE = "dose", _("the request asked for a larger dose")
    STATUS = "status", _("the request did not ask for listed units")
    DONORS = "donors", _("the request did not ask for cord blood")
    ERROR = "error", _("patient entered in error")


@dataclass(frozen=True)
class Definition:
    """What counts as found: a listed unit with at least `matches` of 6 and this dose (×10⁷/kg; 0 is no condition)."""

    matches: int
    min_tnc_e7_per_kg: Decimal
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class First:
    """The first search of one patient in the period."""

    at: datetime
    hospital_id: UUID
    hospital: str
    diagnosis: str
    populations: str
    weight_kg: Decimal | None
    criteria: Mapping[str, Any]
    primary: str
    cut: int
    in_error: bool
    reach: Reach


@dataclass
class Share:
    """Patients of a group: judged, with a unit by possible and by certain matches, cut before one could tell."""

    n: int = 0
    possible: int = 0
    certain: int = 0
    untold: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def interval(self, found: int) -> tuple[float, float] | None:
        """95 % (Wilson) of found / n; None without patients."""
        if not self.n:
            return None
        lower, upper = wilson([found], [self.n])
        return float(lower[0]), float(upper[0])


def firsts(asked: Definition) -> list[First]:
    """Of every patient searched in the period the first finished search: two queries, two more for old searches."""
    rows = SearchRun.objects.finished().filter(**_period(asked))
    rows = rows.order_by("request__patient_id", "completed_at", "pk").distinct("request__patient_id")
    columns = rows.values_list(
        "pk", "completed_at", "request__hospital_id", "request__hospital__code", "request__patient__diagnosis",
        "patient_populations", "patient_weight_kg", "criteria", "policy", "cut",
        "request__patient__inactive_reason", "reach",
    )  # fmt: skip
    found = list(columns)
    primary = {
        pk: rules.get("primary", CLASS) for pk, rules in SelectionPolicy.objects.values_list("pk", "rules")
    }
    missing = reach_of(row[0] for row in found if row[-1] is None)
    return [
        First(
            at=at,
            hospital_id=hospital_id,
            hospital=hospital,
            diagnosis=diagnosis,
            populations=populations,
            weight_kg=weight,
            criteria=criteria,
            primary=primary[policy],
            cut=cut,
            in_error=reason == InactiveReason.ENTERED_IN_ERROR,
            reach=missing[pk] if reach is None else reach,
        )
        for (
            pk, at, hospital_id, hospital, diagnosis, populations, weight, criteria, policy, cut, reason, reach,
        ) in found
    ]  # fmt: skip


def _period(asked: Definition) -> dict[str, Any]:
    """By days of the bank's time zone, both ends included."""
    found: dict[str, Any] = {}
    if asked.since:
        found["completed_at__date__gte"] = asked.since
    if asked.until:
        found["completed_at__date__lte"] = asked.until
    return found


def left_out(first: First, asked: Definition) -> LeftOut | None:
    """Why a search could not have shown what is asked for; None where it could."""
    floors = first.criteria.get("floors", {})
    least = first.criteria.get("min_tnc_e7_per_kg")
    if first.in_error:
        return LeftOut.ERROR
    if UnitStatus.LISTED not in first.criteria["statuses"]:
        return LeftOut.STATUS
    if DonorType.CORD not in first.criteria.get("donor_types", CORD_ONLY):
        return LeftOut.DONORS
    if floors.get(CLASS, 0) > asked.matches or any(value for name, value in floors.items() if name != CLASS):
        return LeftOut.FLOOR
    if least is not None and Decimal(least) > asked.min_tnc_e7_per_kg:
        return LeftOut.DOSE
    if asked.min_tnc_e7_per_kg and first.weight_kg is None:
        return LeftOut.NO_WEIGHT
    return None


def reaches(best: Mapping[str, float | None], asked: Definition) -> bool:
    """Whether a unit of the class, or a better one, has the dose. best: matches -> largest dose (matching.reach)."""
    least = float(asked.min_tnc_e7_per_kg)
    return any(
        int(matches) >= asked.matches and (not least or (dose is not None and dose >= least))
        for matches, dose in best.items()
    )


def is_untold(first: First, asked: Definition) -> bool:
    """Whether the list was cut before a class below the one asked for: there may be such a unit among those cut."""
    if not first.cut:
        return False
    if first.primary != CLASS:
        return True
    listed = first.reach.get("listed", first.reach["possible"])
    worst = min((int(matches) for matches in listed), default=CLASS_SIZE[CLASS])
    return worst >= asked.matches


class Judged(NamedTuple):
    """What the search of one patient says to what is asked. reason: why nothing; then the rest is not meant."""

    first: First
    reason: LeftOut | None
    possible: bool = False
    certain: bool = False
    untold: bool = False


def judged(rows: Iterable[First], asked: Definition) -> list[Judged]:
    """Each patient once, however often he is counted afterwards."""
    return [_judged(first, asked) for first in rows]


def _judged(first: First, asked: Definition) -> Judged:
    reason = left_out(first, asked)
    if reason is not None:
        return Judged(first, reason)
    possible = reaches(first.reach["possible"], asked)
    certain = reaches(first.reach["certain"], asked)
    return Judged(first, None, possible, certain, not possible and is_untold(first, asked))


def count(rows: Iterable[Judged]) -> Share:
    """O(n)."""
    share = Share()
    for row in rows:
        if row.reason is not None:
            share.left_out[row.reason] += 1
            continue
        share.n += 1
        share.possible += row.possible
        share.certain += row.certain
        share.untold += row.untold
    return share


def groups(rows: Iterable[Judged], by: By) -> dict[str, list[Judged]]:
    """Patients by what the table is about; keys are stored values, sorted, the unknown last."""
    found: dict[str, list[Judged]] = {}
    for row in rows:
        found.setdefault(_KEYS[by](row.first), []).append(row)
    return dict(sorted(found.items(), key=lambda item: (item[0] in UNKNOWN, item[0])))


UNKNOWN: Final = ("", "other")
MIXED: Final = "mixed"


def _population(first: First) -> str:
    return _population_of(first.populations)


@lru_cache(maxsize=1024)
def _population_of(text: str) -> str:
    known = parse_populations(text)
    return MIXED if len(known) > 1 else next(iter(known), "")


def _disease(first: First) -> str:
    known = DIAGNOSIS.get(first.diagnosis)
    return known.group.value if known else ""


_KEYS: Final = {
    By.YEAR: lambda first: str(timezone.localtime(first.at).year),
    By.HOSPITAL: lambda first: first.hospital,
    By.DISEASE: _disease,
    By.POPULATION: _population,
}


FEWEST: Final = 10  # patients of other hospitals in a figure that a hospital sees


def hidden(others: Mapping[str, int]) -> frozenset[str]:
    """Groups of which a hospital sees no figure of all. others: group -> patients of other hospitals in it.

    All less the own patients are those of others: below FEWEST it is a matter of single patients. Where the hidden
    groups together are so few, total less the shown ones would tell them, so the smallest shown ones are hidden too.
    """
    found = {key for key, patients in others.items() if patients < FEWEST}
    while 0 < sum(others[key] for key in found) < FEWEST and len(found) < len(others):
        found.add(min((key for key in others if key not in found), key=lambda key: (others[key], key)))
    return frozenset(found)
