"""Who was transplanted, when, where and with what: drawn one after another from the figures."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from hospitals.choices import DIAGNOSIS, DiagnosisGroup
from hospitals.plausibility import median_weight_kg
from transplants.demo_outcomes import figures

_DAYS = 365.25
# Groups of which one may come from the beginning, by the rank of the hospital.
_OPENED: Final = ((1998, 4), (2003, 10), (2008, 30), (2013, 60), (2017, 90), (2021, 10_000))


@dataclass(frozen=True)
class Place:
    """A hospital: how many go there, since when, how its patients fare, how well it keeps their follow-up."""

    code: str
    weight: float
    opened: int
    log_frailty: float
    lost_a_year: float
    gap_days: int
    missing: float


@dataclass
class Person:
    """One patient on day 0 of one transplant."""

    place: Place
    day_0: dt.date
    diagnosis: str
    group: str
    age: float
    sex: str
    weight: Decimal
    stage: str = ""
    symptomatic: str = ""
    graft_type: str = "single"
    units: list[dict[str, Any]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def is_malignant(self) -> bool:
        return self.group == DiagnosisGroup.MALIGNANT

    @property
    def tnc(self) -> float:
        return float(sum(unit["tnc_e7_per_kg"] for unit in self.units))

    @property
    def match(self) -> int:
        return int(min(unit["antigen6"] for unit in self.units))


def places(codes: Sequence[str], rng: random.Random) -> list[Place]:
    """A few large and many small ones; how well they follow up has nothing to do with how their patients fare."""
    made = []
    for rank, code in enumerate(codes, start=1):
        opened = next(year for year, most in _OPENED if rank <= most)
        quality = rng.random()
        made.append(
            Place(
                code,
                1 / (rank + 4),
                opened,
                rng.gauss(0, figures.FRAILTY_SD),
                lost_a_year=0.004 + 0.09 * quality**4,
                gap_days=int(120 + 700 * quality**3),
                missing=0.01 + 0.2 * quality**2,
            )
        )
    return made


def years(today: dt.date) -> tuple[list[int], list[float]]:
    """The years and how many transplants each had, as shares; of this year what has passed of it."""
    known = list(range(figures.FIRST_YEAR, today.year + 1))
    weights = [
        figures.FULL_YEAR / (1 + math.exp((figures.MIDDLE_YEAR - year) / figures.STEEPNESS_YEARS))
        for year in known
    ]
    weights[-1] *= max(today.timetuple().tm_yday - 14, 0) / _DAYS
    return known, weights


class Drawing:
    """Draws people; the same generator gives the same people."""

    def __init__(self, codes: Sequence[str], rng: random.Random, today: dt.date) -> None:
        self._rng, self._today = rng, today
        self._places = places(codes, rng)
        self._years, self._weights = years(today)
        self._open = {
            year: [place for place in self._places if place.opened <= year] or self._places[:1]
            for year in self._years
        }
        self._units = 0

    def person(self) -> Person:
        rng = self._rng
        year = rng.choices(self._years, self._weights)[0]
        first, last = dt.date(year, 1, 1), min(dt.date(year, 12, 31), self._today - dt.timedelta(days=14))
        day = first + dt.timedelta(days=rng.randrange(max((last - first).days, 0) + 1))
        case = rng.choices(figures.CASES, [case.share for case in figures.CASES])[0]
        adult = rng.random() < case.adults
        age = rng.triangular(18, 68, 31) if adult else rng.triangular(*case.child)
        made = Person(
            place=self._place(year),
            day_0=min(day, last) if last > first else first,
            diagnosis=case.code,
            group=DIAGNOSIS[case.code].group,
            age=age,
            sex="M" if case.code in ("ald", "mps2", "wiskott_aldrich") else rng.choice("FM"),
            weight=Decimal(f"{max(median_weight_kg(age) * rng.lognormvariate(0, 0.13), 2.5):.1f}"),
        )
        self._disease(made)
        self._graft(made)
        return made

    def again(self, before: Person, day: dt.date) -> Person:
        """The same patient on the day of a second transplant."""
        years_on = before.age + (day - before.day_0).days / _DAYS
        made = Person(
            before.place, day, before.diagnosis, before.group, years_on, before.sex, before.weight,
            before.stage, before.symptomatic,
        )  # fmt: skip
        self._graft(made)
        return made

    def _place(self, year: int) -> Place:
        known = self._open[year]
        return self._rng.choices(known, [place.weight for place in known])[0]

    def _disease(self, made: Person) -> None:
        rng = self._rng
        if made.diagnosis in ("aml", "all", "nhl", "hl", "leukaemia_other"):
            made.stage = _weighted(rng, figures.REMISSIONS)
        elif made.diagnosis == "cml":
            made.stage = _weighted(rng, figures.PHASES)
        elif made.group == DiagnosisGroup.METABOLIC:
            made.symptomatic = "no" if rng.random() < 0.32 else "yes"
            made.stage = "presymptomatic" if made.symptomatic == "no" else "symptomatic"
        risk = figures.RISK_OF_STAGE.get(made.stage, ("intermediate",))
        score = int(90 - 10 * rng.choice((0, 0, 1, 1, 2, 3)))
        made.more = {
            "risk_index": rng.choice(risk) if made.is_malignant else "",
            "karnofsky": None if rng.random() < made.place.missing else score,
            "hct_ci": None if made.age < 18 or rng.random() < 0.3 else rng.choice((0, 0, 1, 1, 2, 3, 4)),
            "cmv": rng.choices(("P", "N", ""), (68, 17, 15))[0],
        }

    def _graft(self, made: Person) -> None:
        """Combined and supportive grafts come up in late years; two units for adults, most of all around 2010."""
        rng, year = self._rng, made.day_0.year
        late = max(0.0, min(1.0, (year - 2011) / 12))
        grown = made.age >= 18
        haplo = (0.34 if grown else 0.10) * late
        supportive = 0.07 * max(0.0, min(1.0, (year - 2014) / 8))
        double = (0.42 if grown else 0.06) * max(0.0, min(1.0, (year - 2001) / 6)) * (1 - 0.6 * late)
        shares = (haplo, supportive, double, max(0.0, 1 - haplo - supportive - double))
        made.graft_type = rng.choices(("cord_haplo", "supportive", "double", "single"), shares)[0]
        first = self._unit(made, own=True)
        made.units = [first]
        if made.graft_type == "double":
            made.units.append(self._unit(made, own=rng.random() < 0.93))
        intense = "mac" if made.age < 45 or rng.random() < 0.4 else rng.choice(("ric", "ric", "nma"))
        made.more |= {
            "intensity": intense,
            "atg": "yes" if rng.random() < (0.6 if year < 2012 else 0.22) else "no",
            "tbi_gy": Decimal(
                rng.choice((0, 0, 0, 3, 12)) if made.is_malignant else rng.choice((0, 0, 0, 2))
            ),
            "prophylaxis": rng.choices(
                ("cni_mmf", "cni_mtx", "cni_steroid", "cni", "ptcy"), (70, 9, 8, 11, 2 + 6 * late)
            )[0],
        }

    def _unit(self, made: Person, *, own: bool) -> dict[str, Any]:
        """A larger unit is chosen for a heavier patient."""
        rng = self._rng
        self._units += 1
        weight = float(made.weight)
        total = rng.lognormvariate(math.log(118 + 1.1 * weight), 0.24)
        tnc = round(total / weight, 4)
        antigen6 = rng.choices((6, 5, 4), (17, 48, 35))[0]
        return {
            "unit_no": f"{'HX' if own else 'OX'}{self._units:06d}",
            "is_own": own,
            "tnc_e7_per_kg": tnc,
            "cd34_e5_per_kg": round(tnc * rng.lognormvariate(math.log(0.42), 0.35), 4),
            "antigen6": antigen6,
            "allele8": max(3, min(8, antigen6 + rng.choice((2, 1, 1, 0, 0))))
            if made.day_0.year > 2004
            else None,
        }


def _weighted(rng: random.Random, shares: Mapping[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]
