"""What the bank can offer today: own cord blood units on offer, by blood group, dose and completeness of typing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Case, Count, IntegerField, Q, Value, When

from bank.choices import Abo, Rh
from bank.models import CordBloodUnit
from bank.yields.cohort import OWN
from core.models import User

# A unit of so many ×10⁷ TNC; 50 is the label's least, 90 a usual threshold of banking (domain notes, workflow 1.1).
DOSES: Final = (0, 50, 90, 120, 150, 200, 300)
# Typed at these, and all before: as the inventory's filter asks (bank.forms.LOCI_CHOICES).
TYPED: Final = ("", "A, B, DRB1", "A, B, C, DRB1", "A, B, C, DRB1, DQB1")
NO_DOSE = -1


@dataclass(frozen=True)
class Shelf:
    """n units of one blood group, one band of dose (place in DOSES, NO_DOSE if unknown), one level of typing."""

    abo: str
    rh: str
    dose: int
    typed: int
    n: int


def shelves(user: User) -> list[Shelf]:
    """The whole stock, counted once."""
    rows = (
        CordBloodUnit.objects.visible_to(user)
        .offered()
        .filter(OWN)
        .annotate(dose=_dose(), typed=_typed())
        .order_by()
        .values("abo", "rh", "dose", "typed")
        .annotate(n=Count("pk"))
    )
    return [Shelf(**row) for row in rows]


def _dose() -> Case:
    bands = [When(tnc_e7__gte=DOSES[place], then=Value(place)) for place in reversed(range(len(DOSES)))]
    return Case(*bands, default=Value(NO_DOSE), output_field=IntegerField())


def _typed() -> Case:
    """The highest level at which every locus is typed."""
    has = {locus: ~Q(**{f"hla_{locus}_1": ""}) for locus in ("a", "b", "c", "drb1", "dqb1")}
    three = has["a"] & has["b"] & has["drb1"]
    return Case(
        When(three & has["c"] & has["dqb1"], then=Value(3)),
        When(three & has["c"], then=Value(2)),
        When(three, then=Value(1)),
        default=Value(0),
        output_field=IntegerField(),
    )


def total(stock: Iterable[Shelf]) -> int:
    return sum(one.n for one in stock)


def by_group(stock: Iterable[Shelf]) -> dict[tuple[str, str], int]:
    """(ABO, Rh) → units; "" where not known. Every group that there is, also an empty one."""
    found: Counter[tuple[str, str]] = Counter({(abo, rh): 0 for abo in Abo.values for rh in Rh.values})
    for one in stock:
        found[one.abo, one.rh] += one.n
    return dict(found)


def by_dose(stock: Iterable[Shelf]) -> list[tuple[int, int, int]]:
    """(place in DOSES, units in the band, units in it or above), and at the end those of unknown dose."""
    found: Counter[int] = Counter()
    for one in stock:
        found[one.dose] += one.n
    rows, above = [], 0
    for place in reversed(range(len(DOSES))):
        above += found[place]
        rows.append((place, found[place], above))
    return [*reversed(rows), (NO_DOSE, found[NO_DOSE], found[NO_DOSE])]


def by_typing(stock: Iterable[Shelf]) -> list[tuple[int, int, int]]:
    """(level of TYPED, units of just this level, units of it or a higher one); level 0: no search can offer them."""
    found: Counter[int] = Counter()
    for one in stock:
        found[one.typed] += one.n
    return [
        (level, found[level], sum(found[other] for other in range(level, len(TYPED))))
        for level in range(len(TYPED))
    ]
