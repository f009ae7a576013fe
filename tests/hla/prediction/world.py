"""A made-up release with a few alleles of every sort at each locus, and random sets and typings over it.

Each family has two alleles of one P group beside a null allele of the same G group, two alleles of another P group,
one allele by itself, and a null allele. A family has one antigen, its number.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

from hla.compiled import ReleaseNomenclature, encoded
from hla.loci import LOCI, SEARCH_LOCI
from hla.mac import MacTable
from hla.release import LocusRows, content
from hla.resolve import Resolver
from hla.typing import Typing, parse_pair, untyped

FAMILIES = ("01", "02", "03")
# fields after the family -> P group, G group
MEMBERS = {
    "01:01": ("01P", "01:01G"),
    "01:02": ("01P", "01:01G"),
    "01:03N": ("", "01:01G"),
    "02": ("02P", ""),
    "03": ("", ""),
    "04N": ("", ""),
    "05": ("02P", ""),
}
CODES = {"AB": "01/02", "AC": "01/02/03", "AD": "02/05", "AE": "01/04N", "SP": "01:01/02:03/03:02"}
# names as a set writes them, after the family; the last two are one P group, and one allele with the first
EXPRESSED = ("01", "02", "03", "01g", "01:01G", "05", "02P")
NULLS = ("04N", "01:03N")
UNREAD = "99"

Haplotype = tuple[tuple[str, ...], float]


def rows_of_locus() -> LocusRows:
    rows = LocusRows(serology=[str(int(family)) for family in FAMILIES])
    for family in FAMILIES:
        for member, (p_group, g_group) in MEMBERS.items():
            name = f"{family}:{member}"
            rows.alleles.append(name)
            rows.p_groups[name] = p_group and f"{family}:{p_group}"
            rows.g_groups[name] = g_group and f"{family}:{g_group}"
            rows.antigens[name] = str(int(family))
    return rows


@lru_cache(maxsize=1)
def resolver() -> Resolver:
    """One for all tests, so that states keep their numbers."""
    contents = {locus: content(rows_of_locus(), {}, []) for locus in LOCI}
    tce = {name: ["", ""] for name in contents["DPB1"].alleles}
    return Resolver(ReleaseNomenclature(encoded("9.99.0", contents, tce)), MacTable.of("made up", CODES))


def typing(gl: dict[str, tuple[str, str]], *, blank: str = "unknown") -> Typing:
    """A typing of values without their locus: {"A": ("01:01", "02:XX")}."""
    return Typing.of(
        parse_pair(locus, *(prefixed(locus, text) for text in pair), resolver(), blank=blank)  # type: ignore[arg-type]
        for locus, pair in gl.items()
    )


def prefixed(locus: str, text: str) -> str:
    """A value, list or genotype list with its locus; antigens ("s2") by their serological name."""
    serological = {"C": "Cw", "DRB1": "DR", "DQB1": "DQ"}.get(locus, locus)
    return "|".join(
        "/".join(
            "" if not one else f"{serological}{one[1:]}" if one[0] == "s" else f"{locus}*{one}"
            for one in part.split("/")
        )
        for part in text.split("|")
    )


@dataclass
class Chance:
    """Random sets and typings from one seed."""

    seed: object

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.seed}")

    def loci(self) -> tuple[str, ...]:
        """One to five, mostly all."""
        count = self.random.choice((1, 2, 3, 4, 5, 5, 5))
        chosen = self.random.sample(SEARCH_LOCI, count)
        return tuple(locus for locus in SEARCH_LOCI if locus in chosen)

    def allele(self, *, families: tuple[str, ...] = FAMILIES) -> str:
        sort = self.random.random()
        members = (
            (UNREAD,) if sort < 0.02 else NULLS if sort < 0.12 else EXPRESSED[:3] if sort < 0.8 else EXPRESSED
        )
        return f"{self.random.choice(families)}:{self.random.choice(members)}"

    def haplotypes(self, loci: tuple[str, ...], most: int = 24) -> list[Haplotype]:
        """At most so many over a few alleles a locus; frequencies over several powers of ten."""
        families = {
            locus: tuple(self.random.sample(FAMILIES, self.random.choice((1, 1, 2)))) for locus in loci
        }
        alleles = {
            locus: [self.allele(families=families[locus]) for _ in range(self.random.randint(2, 5))]
            for locus in loci
        }
        found = {
            tuple(f"{locus}*{self.random.choice(alleles[locus])}" for locus in loci)
            for _ in range(self.random.randint(1, most))
        }
        return [(names, self.random.random() * 10 ** -self.random.randint(0, 4)) for names in sorted(found)]

    def typing(self, loci: tuple[str, ...], haplotypes: list[Haplotype]) -> Typing:
        """What a laboratory may report of a person with two of these haplotypes, or now and then of another."""
        one, other = (self.random.choice(haplotypes)[0] for _ in range(2))
        open_ = self.random.random()
        values = []
        for locus, first, second in zip(loci, one, other, strict=True):
            if self.random.random() < 0.01:
                first = f"{locus}*{self.allele()}"
            true = [name.partition("*")[2].replace(f":{UNREAD}", ":03") for name in (first, second)]
            values.append(self.locus(locus, true, open_))
        return Typing.of(values)

    def locus(self, locus: str, true: list[str], open_: float) -> object:
        self.random.shuffle(true)
        first, second = (self.degraded(name, open_) for name in true)
        sort = self.random.random()
        if sort < 0.12 * open_:
            return untyped(locus)
        blank = "unknown"
        if sort < 0.2 * open_:
            second = ""
        elif true[0] == true[1] and sort < 0.6:
            second, blank = "", "homozygous"
        elif sort < 0.35:
            others = [(self.degraded(self.allele_read(), 0.5), self.degraded(true[0], 0.5)) for _ in range(2)]
            pairs = [(first, second), *others[: self.random.randint(1, 2)]]
            self.random.shuffle(pairs)
            first, second = ("|".join(texts) for texts in zip(*pairs, strict=True))
        return parse_pair(locus, prefixed(locus, first), prefixed(locus, second), resolver(), blank=blank)  # type: ignore[arg-type]

    def allele_read(self) -> str:
        return self.allele().replace(f":{UNREAD}", ":03")

    def degraded(self, name: str, open_: float) -> str:
        """A value that an allele of a set may have been reported as; the more open, the larger `open_`."""
        family, member = name.split(":", 1)
        plain = name.removesuffix("g")
        null = name.endswith("N")
        if self.random.random() > open_:
            return plain
        sort = self.random.choice(("name", "list", "code", "family", "antigen", "group", "blank"))
        short = member[:2]
        if sort == "list":
            more = [self.allele_read().removesuffix("g") for _ in range(self.random.randint(1, 3))]
            return "/".join([plain, *more])
        if sort == "code":
            codes = (
                ["AE"] if member == "04N" else {"01": ["AB", "AC", "SP"], "02": ["AD", "AC"]}.get(short, [])
            )
            return f"{family}:{self.random.choice(codes)}" if codes else f"{family}:XX"
        if sort == "family":
            return f"{family}:XX"
        if sort == "antigen":
            return plain if null else f"s{int(family)}"
        if sort == "group" and short == "01":
            return f"{family}:01:01G" if null else f"{family}:01P"
        return plain if sort != "blank" else f"{family}:XX"
