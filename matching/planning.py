"""Plans as rows keep them, and figures of the engine as rows, pages and API have them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from hla.packed import packed, unpacked
from hospitals.choices import PatientState
from hospitals.models import Patient
from matching import digests, frequency_sets
from matching.engine.columns import id_keys
from matching.engine.numbers import plain_number
from matching.engine.planning_plan import Plan, Worth
from matching.frequency_sets import SetInfo
from matching.models import MatchRequest, PlanningRun
from matching.published_rates import SIZES

if TYPE_CHECKING:
    from matching.engine.planning import Planned

Json = dict[str, Any]
Array = NDArray[Any]

MAGIC: Final = b"QHLA-worths-1\n"
LEAST_PATIENTS, MOST_PATIENTS, USUAL_PATIENTS = 200, 100_000, 20_000
MOST_FOUND: Final = 500  # units by the beginning of their number
MOST_WEIGHTS, MOST_DOSES, LARGEST = 8, 4, 10.0
USUAL_DOSES: Final = (Decimal("2.5"), Decimal("5"))  # domain notes, matching 4.4 R3
USUAL_TARGET: Final = ("antigen6", 5)
# Unconfirmed: ours, where the bank's own patients are too few to give one.
USUAL_WEIGHTS: Final = ((10, 0.2), (20, 0.2), (40, 0.2), (60, 0.4))
USUAL_SEARCHES: Final = 200
WEIGHTS_FROM_PATIENTS: Final = 50  # with a weight; fewer would say something about single ones
SEARCHES_FROM_REQUESTS: Final = 10  # in the last 365 days
# Edges of the tables over the inventory: cells in 10⁷, and the probability of ever being the best choice.
CELL_EDGES_E7: Final = (50, 80, 100, 125, 150, 200)
EVER_EDGES: Final = (0.01, 0.1, 0.5, 0.9)


@dataclass(frozen=True)
class PlanData:
    """What a person asks for. set_checksum: of a set in use. weights: kilograms and shares; doses: TNC in 10⁷/kg."""

    set_checksum: str
    patients: int = USUAL_PATIENTS
    seed: int = 1
    weights: tuple[tuple[Decimal, Decimal], ...] = tuple(
        (Decimal(weight), Decimal(str(share))) for weight, share in USUAL_WEIGHTS
    )
    doses: tuple[Decimal, ...] = USUAL_DOSES
    target: tuple[str, int] = USUAL_TARGET
    target_dose: Decimal = USUAL_DOSES[0]
    searches_per_year: int = USUAL_SEARCHES
    largest: Decimal = Decimal(3)

    def stored(self) -> Json:
        """As a row keeps it; the same for the same plan, however its numbers were written."""
        return {
            "set": self.set_checksum,
            "patients": self.patients,
            "seed": self.seed,
            "weights": [[plain_number(weight), plain_number(share)] for weight, share in self.weights],
            "doses": [plain_number(dose) for dose in self.doses],
            "target": list(self.target),
            "target_dose": plain_number(self.target_dose),
            "searches_per_year": self.searches_per_year,
            "years": 10,
            "largest": plain_number(self.largest),
        }


def plan_of(stored: Mapping[str, Any]) -> Plan:
    """The engine's plan from stored parameters."""
    return Plan(
        patients=stored["patients"],
        seed=stored["seed"],
        weights=tuple((Decimal(weight), float(share)) for weight, share in stored["weights"]),
        doses=tuple(Decimal(dose) for dose in stored["doses"]),
        target=(stored["target"][0], stored["target"][1]),
        target_dose=Decimal(stored["target_dose"]),
        searches_per_year=stored["searches_per_year"],
        years=stored["years"],
        largest=float(stored["largest"]),
        sizes=SIZES,
    )


def basis_of(stored: Mapping[str, Any], *reference: Any) -> str:
    """Digest of a plan and of all that its figures depend on."""
    return digests.of_json([stored, list(SIZES), *reference])


def set_in_use(checksum: str) -> SetInfo | None:
    return next((info for info in frequency_sets.active_sets(look=True) if info.checksum == checksum), None)


def proposed() -> PlanData:
    """What the form shows at first: the bank's default set, its own patients' weights, last year's requests."""
    rows = frequency_sets.active_sets()
    usual = next((info for info in rows if info.is_default), None) or next(
        (info for info in rows if info.is_global), rows[0] if rows else None
    )
    data = PlanData(set_checksum=usual.checksum if usual else "")
    year = timezone.now() - timedelta(days=365)
    searches = MatchRequest.objects.filter(submitted_at__gte=year).count()
    return PlanData(
        set_checksum=data.set_checksum,
        weights=weights_of_patients() or data.weights,
        searches_per_year=searches if searches >= SEARCHES_FROM_REQUESTS else USUAL_SEARCHES,
    )


def weights_of_patients() -> tuple[tuple[Decimal, Decimal], ...]:
    """The middle weight of each fifth of the active patients, in whole kilograms; () where too few have a weight."""
    rows = Patient.objects.filter(state=PatientState.ACTIVE, weight_kg__isnull=False).order_by("weight_kg")
    known = list(rows.values_list("weight_kg", flat=True))
    if len(known) < WEIGHTS_FROM_PATIENTS:
        return ()
    fifths = [known[len(known) * (2 * fifth + 1) // 10] for fifth in range(5)]
    shares: dict[Decimal, Decimal] = {}
    for weight in fifths:
        whole = max(Decimal(round(weight)), Decimal(1))
        shares[whole] = shares.get(whole, Decimal(0)) + Decimal("0.2")
    return tuple(shares.items())


# --- figures ---


def figures(found: Planned) -> Json:
    """All but the single units, as a row keeps it."""
    return {
        "loci": list(found.loci),
        "haplotypes": found.haplotypes,
        "unread": list(found.unread[:20]),
        "unread_count": len(found.unread),
        "unread_share": found.unread_share,
        "units": found.units,
        "left_out": found.left_out,
        "cells_unknown": found.cells_unknown,
        "rates": [
            {
                "class": one.class_name,
                "floor": one.floor,
                "dose": plain_number(one.dose),
                "n": one.n,
                "possible": one.possible,
                "certain": one.certain,
                "low": one.low,
                "high": one.high,
                "units": list(one.units),
                "units_certain": list(one.units_certain),
            }
            for one in found.rates
        ],
        "weights": [
            {"kg": plain_number(one.weight_kg), "n": one.n, "served": one.served} for one in found.weights
        ],
        "curve": {
            "sizes": list(found.curve.sizes),
            "inventory": found.curve.inventory,
            "series": [
                {
                    "class": one.class_name,
                    "floor": one.floor,
                    "dose": plain_number(one.dose),
                    "hits": list(one.hits),
                }
                for one in found.curve.series
            ],
        },
        "gains": {
            "patients": found.gains.patients,
            "unserved": found.gains.unserved,
            "anybody": vars(found.gains.anybody),
            "best": [vars(one) for one in found.gains.best],
        },
        "worth": worth_figures(found.worth),
    }


def worth_figures(worth: Worth) -> Json:
    """How worth lies over the inventory, and over the cells of its units."""
    ever, cells_e7 = worth.ever, worth.cells_e4 / 1000
    never = worth.best == 0
    bands = np.searchsorted(CELL_EDGES_E7, cells_e7, side="right")
    bands[worth.cells_e4 < 0] = len(CELL_EDGES_E7) + 1
    classes = np.searchsorted(EVER_EDGES, ever, side="right")
    return {
        "patients": worth.patients,
        "searches": worth.searches,
        "unserved": worth.unserved,
        "never": int(never.sum()),
        "useless": int((worth.useful == 0).sum()),
        "expected": float(ever.sum()),
        "unseen_at_most": worth.unseen_at_most,
        "by_ever": [int((~never & (classes == at)).sum()) for at in range(len(EVER_EDGES) + 1)],
        "by_cells": [_band(bands == at, never, ever) for at in range(len(CELL_EDGES_E7) + 2)],
    }


def _band(which: Array, never: Array, ever: Array) -> Json:
    """Units of a band, those that headed no list, and how many are expected to be used."""
    return {
        "units": int(which.sum()),
        "never": int((which & never).sum()),
        "expected": float(ever[which].sum()),
    }


def packed_worths(worth: Worth) -> bytes:
    """Of each unit its id, cells, and the shares `best` and `useful`; the same bytes for the same figures."""
    order = np.lexsort(worth.unit_ids.T[::-1])
    buffer = io.BytesIO()
    for array in (
        worth.unit_ids[order],
        worth.cells_e4[order].astype("<i4"),
        worth.best[order].astype("<f8"),
        worth.useful[order].astype("<f8"),
    ):
        buffer.write(np.ascontiguousarray(array).tobytes())
    return packed(MAGIC, buffer.getvalue())


@dataclass(frozen=True)
class UnitWorth:
    """One unit of a simulation. ever: probability that it is the best choice at least once in all the searches."""

    unit_id: UUID
    tnc_e7: float | None
    best: float
    useful: float
    ever: float


def worths_of(run: PlanningRun) -> Worth:
    """The units of a finished simulation, by id. Raises ValueError for damaged bytes."""
    payload = unpacked(MAGIC, bytes(run.worths))
    if payload is None:
        raise ValueError("The stored worths are damaged.")
    count = len(payload) // (16 + 4 + 8 + 8)
    ids = np.frombuffer(payload, np.uint8, 16 * count).reshape(count, 16)
    cells = np.frombuffer(payload, "<i4", count, 16 * count)
    best = np.frombuffer(payload, "<f8", count, 20 * count)
    useful = np.frombuffer(payload, "<f8", count, 28 * count)
    known = run.result["worth"]
    return Worth(ids, cells, best, useful, known["unserved"], known["patients"], known["searches"])


def order_of(worth: Worth, *, least_first: bool) -> NDArray[np.int64]:
    """Places of units by worth: best, then useful, then cells; ties by id."""
    sign = 1.0 if least_first else -1.0
    keys = (sign * worth.cells_e4, sign * worth.useful, sign * worth.best)
    found: NDArray[np.int64] = np.lexsort(keys)
    return found


def places_of(worth: Worth, units: Iterable[UUID]) -> NDArray[np.int64]:
    """Places of these units, in the order of their ids; those that the simulation did not consider are missing."""
    wanted = np.frombuffer(b"".join(one.bytes for one in units), np.uint8).reshape(-1, 16)
    found: NDArray[np.int64] = np.flatnonzero(np.isin(id_keys(worth.unit_ids), id_keys(wanted)))
    return found


def units_at(worth: Worth, places: Sequence[int] | Array) -> list[UnitWorth]:
    """The units at these places."""
    places = np.asarray(places, dtype=np.int64)
    ever = worth.ever[places].tolist()
    return [
        UnitWorth(
            unit_id=UUID(bytes=worth.unit_ids[place].tobytes()),
            tnc_e7=None if worth.cells_e4[place] < 0 else float(worth.cells_e4[place]) / 1000,
            best=float(worth.best[place]),
            useful=float(worth.useful[place]),
            ever=one,
        )
        for place, one in zip(places.tolist(), ever, strict=True)
    ]
