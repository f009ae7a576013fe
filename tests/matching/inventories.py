"""Random inventories and patients of every resolution, for tests of the engine."""

from __future__ import annotations

import random
from uuid import UUID

from hla.loci import SEARCH_LOCI
from matching.engine.columns import UNTYPED, Pair, UnitRow

# Few enough names that matches are frequent; splits, broads and relatives of one antigen among them.
NAMES = {
    "A": ["01:01", "02:01", "02:03", "02:06", "02:07", "03:01", "11:01", "24:02", "24:03", "30:01", "33:03"],
    "B": ["07:02", "13:01", "15:01", "15:02", "38:01", "38:02", "39:01", "40:01", "40:02", "46:01", "58:01"],
    "C": ["01:02", "03:02", "03:04", "06:02", "07:02", "08:01", "12:02"],
    "DRB1": ["03:01", "04:05", "07:01", "08:03", "09:01", "12:02", "15:01", "15:02"],
    "DQB1": ["02:01", "02:02", "03:01", "03:03", "05:01", "06:01"],
}
NULLS = {"A": ["24:09N"], "B": ["15:01N"], "C": ["04:09N"], "DRB1": [], "DQB1": []}
STATUSES = ("LISTED", "RESERVED")


def value(rng: random.Random, locus: str) -> str:
    """One position: mostly a name, sometimes a list, a family, a null."""
    names = NAMES[locus]
    draw = rng.random()
    if draw < 0.6:
        return f"{locus}*{rng.choice(names)}"
    if draw < 0.8:
        return "/".join(f"{locus}*{name}" for name in sorted(rng.sample(names, rng.randint(2, 3))))
    if draw < 0.95 or not NULLS[locus]:
        return f"{locus}*{rng.choice(names)[:2]}:XX"
    return f"{locus}*{rng.choice(NULLS[locus])}"


def pair(rng: random.Random, locus: str, untyped: float = 0.1) -> Pair:
    """Both positions of a locus; sometimes untyped, half known or homozygous."""
    draw = rng.random()
    if draw < untyped:
        return UNTYPED
    first = value(rng, locus)
    if draw < untyped + 0.1:
        return first, ""
    return first, first if draw < untyped + 0.25 else value(rng, locus)


Pool = dict[str, list[Pair]]


def pool(rng: random.Random, size: int = 40) -> Pool:
    """Typings to draw from, so that inventories repeat them as real ones do (and the slow twin can remember)."""
    return {
        locus: [pair(rng, locus, untyped=0.3 if locus in ("C", "DQB1") else 0.05) for _ in range(size)]
        for locus in SEARCH_LOCI
    }


def unit(rng: random.Random, number: int | None = None, choice: Pool | None = None) -> UnitRow:
    bits = rng.getrandbits(128) if number is None else number
    choice = choice or pool(rng, size=1)
    return UnitRow(
        unit_id=UUID(int=bits).bytes,
        typing=tuple(rng.choice(choice[locus]) for locus in SEARCH_LOCI),
        tnc_e4=-1 if rng.random() < 0.05 else rng.randrange(50_000, 300_000, 2_500),
        cd34_e3=-1 if rng.random() < 0.1 else rng.randrange(500, 9_000),
        year=rng.randint(2001, 2025),
        status=rng.choice(STATUSES),
        abo=rng.choice(("", "A", "B", "AB", "O")),
        rh=rng.choice(("", "+", "-")),
    )


def mixed(seed: int, count: int) -> list[UnitRow]:
    """Cord blood units and, about one in three, adult donors, who have no cells."""
    rng = random.Random(f"donors {seed}")
    return [
        row._replace(donor_type="adult", tnc_e4=-1, cd34_e3=-1) if rng.random() < 0.35 else row
        for row in units(seed, count)
    ]


def units(seed: int, count: int) -> list[UnitRow]:
    rng = random.Random(seed)
    choice = pool(rng)
    return [unit(rng, choice=choice) for _ in range(count)]
