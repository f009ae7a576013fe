"""A seeded world of transplants with outcomes, straight into the tables: for benchmarks of figures."""

from __future__ import annotations

import datetime as dt
import math
import random
from typing import Any

SEED = 7240
CAUSES = (
    "relapse",
    "acute_gvhd",
    "bacterial",
    "viral",
    "fungal",
    "multi_organ",
    "vod",
    "haemorrhage",
    "other",
)
DISEASES = ("aml",) * 30 + ("all",) * 28 + ("mds",) * 10 + ("cml",) * 5 + ("nhl",) * 4 + ("saa",) * 10
DISEASES += ("thalassaemia",) * 6 + ("scid",) * 3 + ("hlh",) * 2 + ("mps1",) * 1 + ("ald",) * 1


def make_world(transplants: int, hospitals: int = 110) -> None:
    """Committed rows and a new version of the data; the same for the same numbers."""
    from hospitals.models import Hospital
    from transplants.models import Outcome, Transplant, TransplantUnit
    from transplants.services_outcomes import version_bump

    rng = random.Random(SEED)
    places = Hospital.objects.bulk_create(
        [
            Hospital(code=f"B{n:03d}", name=f"Synthetic Hospital {n:03d}", city="Shanghai")
            for n in range(hospitals)
        ]
    )
    weights = [1 / (n + 3) for n in range(hospitals)]
    rows, outcomes, units = [], [], []
    for number in range(transplants):
        place = rng.choices(places, weights)[0]
        row = Transplant(**_row(rng, number, place))
        rows.append(row)
        units += [TransplantUnit(transplant=row, position=n + 1, **_unit(rng)) for n in range(_units(row))]
        outcomes.append(Outcome(transplant=row, **_outcome(rng, row)))
    Transplant.objects.bulk_create(rows, batch_size=1000)
    TransplantUnit.objects.bulk_create(units, batch_size=1000)
    Outcome.objects.bulk_create(outcomes, batch_size=1000)
    version_bump()


def _row(rng: random.Random, number: int, place: Any) -> dict[str, Any]:
    age = min(75.0, max(0.3, rng.expovariate(1 / 18)))
    return {
        "number": f"TX-B-{number:06d}",
        "source": "synthetic",
        "registry_code": f"B{number:06d}",
        "hospital": place,
        "infused_on": dt.date(1999, 1, 1) + dt.timedelta(days=int(9900 * rng.random() ** 0.6)),
        "sequence": 2 if rng.random() < 0.03 else 1,
        "graft_type": rng.choices(("single", "double", "cord_haplo", "supportive"), (68, 18, 11, 3))[0],
        "diagnosis": rng.choice(DISEASES),
        "stage": rng.choices(("cr1", "cr2", "cr3", "no_remission", ""), (50, 22, 6, 17, 5))[0],
        "sex": rng.choice("FM"),
        "age_years": round(age, 2),
        "intensity": rng.choices(("mac", "ric", "nma", ""), (80, 14, 3, 3))[0],
        "risk_index": rng.choices(("low", "intermediate", "high", "very_high", ""), (15, 45, 22, 4, 14))[0],
    }


def _units(row: Any) -> int:
    return 2 if row.graft_type == "double" else 1


def _unit(rng: random.Random) -> dict[str, Any]:
    return {
        "is_own": rng.random() < 0.985,
        "tnc_e7_per_kg": None if rng.random() < 0.02 else round(rng.lognormvariate(1.35, 0.5), 2),
        "antigen6": rng.choices((3, 4, 5, 6, None), (3, 40, 40, 14, 3))[0],
        "allele8": rng.choices((4, 5, 6, 7, 8, None), (20, 30, 25, 12, 8, 5))[0],
    }


def _outcome(rng: random.Random, row: Any) -> dict[str, Any]:
    """A hazard that is high in the first year; relapse, recovery and disease of the graft as in published series."""
    potential = (dt.date(2026, 10, 1) - row.infused_on).days
    frailty = math.exp(
        0.012 * float(row.age_years) + (0.5 if row.stage in ("no_remission", "cr3") else 0.0) - 0.3
    )
    dies = rng.random() < 1 - math.exp(-0.42 * frailty)
    death = min(rng.weibullvariate(420, 0.75), 5000) if dies else math.inf
    followed = min(death, potential if rng.random() < 0.85 else potential * rng.random())
    dead = death <= followed
    relapse = rng.weibullvariate(300, 0.9) if rng.random() < 0.2 else math.inf
    return {
        "days_followed": round(max(followed, 1.0)),
        "is_dead": dead,
        "cause": rng.choice(CAUSES) if dead else "",
        **_event(rng, "days_to_neutrophils", "neutrophils_known", rng.gauss(18, 5), followed, 0.93),
        **_event(rng, "days_to_platelets", "platelets_known", rng.gauss(40, 14), followed, 0.85),
        **_event(rng, "days_to_graft_failure", "graft_failure_known", 42, followed, 0.06),
        **_event(rng, "days_to_acute_2", "acute_known", rng.gauss(28, 10), followed, 0.33),
        "days_to_acute_3": None,
        **_event(rng, "days_to_chronic", "chronic_known", 100 + rng.expovariate(1 / 120), followed, 0.25),
        "days_to_relapse": round(relapse) if relapse < followed else None,
        "relapse_known": rng.random() < 0.95 or relapse < followed,
    }


def _event(
    rng: random.Random, name: str, known: str, day: float, followed: float, chance: float
) -> dict[str, Any]:
    happened = rng.random() < chance and 1 <= day < followed
    return {name: round(day) if happened else None, known: happened or rng.random() < 0.94}
