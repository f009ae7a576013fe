"""What became of one synthetic patient: latent times of everything, and then what a hospital knows of them."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hospitals.choices import DiagnosisGroup
from transplants.demo_outcomes import figures
from transplants.demo_outcomes.people import Person

_YEAR = 365.25
NEVER = 10**6


@dataclass
class Course:
    """Days since day 0 of what happens in truth; NEVER: it does not. What is known of it ends at `seen_until`."""

    death: int = NEVER
    cause: str = ""
    relapse: int = NEVER
    neutrophils: int = NEVER
    platelets: int = NEVER
    failure: int = NEVER
    failure_kind: str = "no"
    grade: int = 0
    acute: int = NEVER
    severe: int = NEVER
    chronic: int = NEVER
    severity: str = ""
    second: int = NEVER
    second_here: bool = False
    seen_until: int = 0
    contact: str = "alive"
    unknown: frozenset[str] = field(default_factory=frozenset)


def course_of(person: Person, rng: random.Random, today: dt.date) -> Course:
    made = Course()
    _graft_takes(made, person, rng)
    _gvhd(made, rng, person)
    _ends(made, person, rng)
    _consistent(made)
    _second(made, rng, today, person)
    _watched(made, person, rng, today)
    return made


def _graft_takes(made: Course, person: Person, rng: random.Random) -> None:
    """Slower and rarer where the dose is low or the donor less alike; a marrow that nobody treated resists more."""
    low = max(0.0, 3.0 - person.tnc)
    risk = 0.047 + 0.022 * low + 0.012 * (6 - person.match)
    if not person.is_malignant:
        risk += 0.04
    if person.graft_type in ("cord_haplo", "supportive"):
        risk *= 0.45
    spread = 0.27 if person.age < 18 else 0.29
    made.neutrophils = max(9, round(rng.lognormvariate(math.log(18.9 + 0.9 * low), spread)))
    if person.graft_type in ("cord_haplo", "supportive"):
        made.neutrophils = max(9, made.neutrophils - 4)
    if rng.random() < risk:
        made.neutrophils, made.failure, made.failure_kind = NEVER, 42, "primary"
    elif rng.random() < 0.015:
        made.failure, made.failure_kind = made.neutrophils + rng.randint(40, 300), "secondary"
    if made.neutrophils < NEVER and rng.random() < 0.9:
        made.platelets = made.neutrophils + int(rng.lognormvariate(math.log(19), 0.55)) + 1


def _gvhd(made: Course, rng: random.Random, person: Person) -> None:
    if made.neutrophils == NEVER:
        return
    drawn = rng.random() - 0.02 * (6 - person.match)
    made.grade = (
        4 if drawn < 0.045 else 3 if drawn < 0.15 else 2 if drawn < 0.40 else 1 if drawn < 0.55 else 0
    )
    if made.grade:
        made.acute = max(8, min(100, int(rng.lognormvariate(math.log(29), 0.42))))
    if made.grade >= 3:
        made.severe = made.acute + rng.randint(0, 12)
    if rng.random() < 0.30 + (0.12 if made.grade >= 2 else 0):
        made.chronic = max(100, int(rng.lognormvariate(math.log(195), 0.45)))
        made.severity = rng.choices(("mild", "moderate", "severe"), (46, 35, 19))[0]


def _ends(made: Course, person: Person, rng: random.Random) -> None:
    """Relapse and death without it compete."""
    nrm = _nrm_log(person)
    if made.failure_kind == "primary":
        nrm += figures.NRM_LOG["failed"]
    pieces = figures.NRM if person.is_malignant else figures.NRM_NON_MALIGNANT
    made.death = _drawn(rng, pieces, math.exp(nrm))
    if made.severe < made.death:
        made.death = _drawn(rng, pieces, math.exp(nrm + figures.NRM_LOG["severe_gvhd"]), made.severe)
    made.cause = ""
    if person.is_malignant:
        made.relapse = _drawn(rng, figures.RELAPSE, math.exp(_relapse_log(person)))
    if made.relapse < made.death:
        helped = rng.random() < figures.CURED_AFTER_RELAPSE
        after = (
            made.death - made.relapse if helped else int(rng.expovariate(1 / figures.AFTER_RELAPSE_DAYS)) + 3
        )
        made.death = made.relapse + after
        made.cause = "relapse" if not helped or rng.random() < 0.5 else "other"
    else:
        made.relapse = NEVER
        made.cause = _cause(made, rng)


def _nrm_log(person: Person) -> float:
    log = figures.NRM_LOG
    found = person.place.log_frailty + log["a_year_later"] * (person.day_0.year - 2014)
    found += (
        log["child"] if person.age < 18 else log["age_over_45"] if person.age > 45 else log["age_18_to_45"]
    )
    found += log["dose_low"] if person.tnc < 2.5 else 0.0
    found += {4: log["match_4"], 6: log["match_6"]}.get(person.match, 0.0)
    found += log["no_remission"] if person.stage == "no_remission" else 0.0
    found += log.get(person.graft_type, 0.0) + log.get(person.diagnosis, 0.0)
    if person.group == DiagnosisGroup.METABOLIC:
        found += log["presymptomatic"] if person.symptomatic == "no" else log["metabolic_symptomatic"]
    return found


def _relapse_log(person: Person) -> float:
    log = figures.RELAPSE_LOG
    found = 0.5 * person.place.log_frailty + log["a_year_later"] * (person.day_0.year - 2014)
    return (
        found
        + log.get(person.stage, 0.0)
        + log.get(person.graft_type, 0.0)
        + (log["child"] if person.age < 18 else 0.0)
    )


def _drawn(rng: random.Random, pieces: Sequence[tuple[int, float]], factor: float, since: int = 0) -> int:
    """The day of an event by hazards that are constant between days, of those free of it until `since`."""
    left, start = rng.expovariate(1), float(since)
    for until, hazard in pieces:
        if until <= start:
            continue
        rate = hazard * factor / _YEAR
        if left < rate * (until - start):
            return int(start + left / rate) + 1
        left -= rate * (until - start)
        start = until
    return NEVER


def _cause(made: Course, rng: random.Random) -> str:
    if made.failure_kind != "no" and rng.random() < 0.5:
        return "graft_failure"
    if made.severe < made.death and made.death < made.severe + 200 and rng.random() < 0.6:
        return "acute_gvhd"
    if made.chronic < made.death and made.severity != "mild" and rng.random() < 0.35:
        return "chronic_gvhd"
    shares = figures.EARLY_CAUSES if made.death <= 180 else figures.LATE_CAUSES
    return rng.choices(list(shares), list(shares.values()))[0]


def _consistent(made: Course) -> None:
    """The dead have no later events; who died before day 42 has not failed to engraft by then."""
    if made.neutrophils > made.death:
        made.neutrophils = NEVER
    if made.failure > made.death:
        made.failure, made.failure_kind = NEVER, "no"
    for name in ("platelets", "acute", "severe", "chronic", "relapse"):
        if getattr(made, name) > made.death:
            setattr(made, name, NEVER)
    if made.acute == NEVER:
        made.grade = 0
    if made.severe == NEVER and made.grade > 2:
        made.grade = 2
    if made.chronic == NEVER:
        made.severity = ""


def _second(made: Course, rng: random.Random, today: dt.date, person: Person) -> None:
    """After a graft that failed, now and then after a relapse; half of them with a unit of this bank."""
    if made.failure < NEVER and rng.random() < 0.55:
        day = made.failure + rng.randint(6, 60)
    elif made.relapse < NEVER and rng.random() < 0.12:
        day = made.relapse + rng.randint(40, 200)
    else:
        return
    if day < made.death and person.day_0 + dt.timedelta(days=day) < today - dt.timedelta(days=7):
        made.second, made.second_here = day, rng.random() < 0.5


def _watched(made: Course, person: Person, rng: random.Random, today: dt.date) -> None:
    """Until death, until the patient is lost, or until the last form that came before today."""
    age = (today - person.day_0).days
    lost = 60 + int(rng.expovariate(person.place.lost_a_year / _YEAR))
    last = max(age - rng.randint(0, person.place.gap_days), min(age, 30))
    seen_least = 0 if made.second == NEVER else made.second
    if made.death <= min(lost, last):
        made.seen_until, made.contact = made.death, "dead"
    else:
        made.contact = "lost" if lost < last else "alive"
        made.seen_until = max(min(lost, last), min(seen_least, age))
        if made.seen_until >= made.death:
            made.seen_until, made.contact = made.death, "dead"
    names = ("platelets", "chronic", "acute", "graft_failure", "cause")
    made.unknown = frozenset(name for name in names if rng.random() < person.place.missing * 0.6)


def form_of(made: Course, person: Person, rng: random.Random) -> dict[str, Any]:
    """The answers of the form that the course gives, to the day until which anybody saw."""

    def day(days: int) -> dt.date | None:
        return person.day_0 + dt.timedelta(days=days) if days <= made.seen_until else None

    dead = made.contact == "dead"
    form: dict[str, Any] = {
        "contact": made.contact,
        "contact_on": day(made.seen_until),
        "primary_cause": ("unknown" if "cause" in made.unknown else made.cause) if dead else "",
        "contributing": [],
        "neutrophils": "yes" if day(made.neutrophils) else "no",
        "neutrophils_on": day(made.neutrophils),
        "relapse": ("yes" if day(made.relapse) else "no") if person.is_malignant else "",
        "relapse_on": day(made.relapse),
        "second_transplant": "yes" if day(made.second) else "no",
        "second_transplant_on": day(made.second),
        "graft_failure": made.failure_kind if day(made.failure) else "no",
        "graft_failure_on": day(made.failure),
    }
    _answer(form, made, "platelets", day(made.platelets))
    _answer(form, made, "chronic", day(made.chronic))
    if "graft_failure" in made.unknown and not form["graft_failure_on"]:
        form["graft_failure"] = ""
    form["chronic_severity"] = made.severity if form["chronic_on"] else ""
    systemic = bool(form["chronic_on"]) and made.severity != "mild"
    form["chronic_systemic"] = ("yes" if systemic else "no") if form["chronic"] in ("yes", "no") else ""
    form["chronic_systemic_on"] = form["chronic_on"] if systemic else None
    _acute(form, made, day(made.acute), day(made.severe))
    chimerism = _chimerism(form, rng)
    form["donor_chimerism_percent"] = chimerism
    form["enzyme_percent"] = None
    if person.group == DiagnosisGroup.METABOLIC and chimerism is not None and rng.random() < 0.8:
        form["enzyme_percent"] = (chimerism * Decimal(f"{rng.uniform(0.6, 1.1):.2f}")).quantize(
            Decimal("0.1")
        )
    return form


def _answer(form: dict[str, Any], made: Course, name: str, on: dt.date | None) -> None:
    missing = name in made.unknown
    form[name] = "" if missing else "yes" if on else "no"
    form[f"{name}_on"] = None if missing else on


def _acute(form: dict[str, Any], made: Course, on: dt.date | None, severe: dt.date | None) -> None:
    if "acute" in made.unknown:
        form |= {"acute": "", "acute_on": None, "acute_grade": None, "acute_severe_on": None}
        return
    grade = made.grade if on else 0
    if grade > 2 and severe is None:  # not seen to its height
        grade = 2
    form |= {
        "acute": "yes" if on else "no",
        "acute_on": on,
        "acute_grade": grade,
        "acute_severe_on": severe if grade > 2 else None,
    }


def _chimerism(form: dict[str, Any], rng: random.Random) -> Decimal | None:
    if form["neutrophils"] != "yes" or rng.random() < 0.15:
        return None
    failed = form["graft_failure"] == "secondary"
    value = rng.uniform(0, 25) if failed else min(100.0, 100.2 - rng.expovariate(0.45))
    return Decimal(f"{max(value, 0):.1f}")
