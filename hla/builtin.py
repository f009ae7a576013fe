"""The nomenclature of a fresh checkout: no file, no list of alleles.

Every well-formed name is accepted and stands for its two-field name, which is its own P group; the first
field is its antigen; a name is null if it is written with N. Fields have limits (last_fields), so that what
outsiders write cannot make P groups without end. A whole family (XX) stands for all second fields of its locus.
Where one first field spans several split antigens (B*40: B60 and B61) which of them an allele has is not known
here: it may be each of them (FAMILY_ANTIGENS), so that two alleles of such a family may match at antigen level
or not. Associated antigens match their parent and each other and need not be told apart. A release knows more.
"""

import hashlib
import json
import threading
from collections.abc import Iterable
from typing import Final

from hla.antigens import AntigenSet, AntigenTree, antigen_tree
from hla.loci import LOCI
from hla.nomenclature import (
    ANY_GROUP,
    SUFFIXES,
    AntigenOptions,
    Members,
    Nomenclature,
    Replacement,
    first_field_antigen,
    two_fields,
)

RELEASE: Final = "built-in"
MAX_SECOND_FIELD: Final = 1_999
LAST_FAMILY: Final = 99
# At DPB1 nearly every protein has a first field of its own: in release 3.58.0 up to DPB1*1729:01, none beyond :02.
FREE_FIELDS: Final = {"DPB1": (1_999, 99)}  # locus -> last first field, last second field
MAGIC: Final = b"QHLA-builtin\n"

# Broad antigens and their splits (WHO Nomenclature Committee), as published facts.
SPLITS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "A": {
        "9": ("23", "24"),
        "10": ("25", "26", "34", "66"),
        "19": ("29", "30", "31", "32", "33", "74"),
        "28": ("68", "69"),
    },
    "B": {
        "5": ("51", "52"),
        "12": ("44", "45"),
        "14": ("64", "65"),
        "15": ("62", "63", "75", "76", "77"),
        "16": ("38", "39"),
        "17": ("57", "58"),
        "21": ("49", "50"),
        "22": ("54", "55", "56"),
        "40": ("60", "61"),
        "70": ("71", "72"),
    },
    "C": {"3": ("9", "10")},
    "DRB1": {
        "2": ("15", "16"),
        "3": ("17", "18"),
        "5": ("11", "12"),
        "6": ("13", "14"),
    },
    "DQB1": {"1": ("5", "6"), "3": ("7", "8", "9")},
}

# Antigens associated with another one (WHO Nomenclature Committee). B4005 is left out: it belongs to B*40:05
# by its allele but to B21 by its serology, which a family cannot tell.
ASSOCIATED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "A": {"2": ("203", "210"), "24": ("2403",)},
    "B": {"7": ("703",), "27": ("2708",), "39": ("3901", "3902"), "51": ("5102", "5103")},
    "DRB1": {"1": ("103",), "14": ("1403", "1404")},
}

# Loci all of whose alleles have one antigen: DR52, DR53, DR51.
GENE_ANTIGENS: Final = {"DRB3": "52", "DRB4": "53", "DRB5": "51"}

# First fields whose alleles have one of several splits (rel_dna_ser.txt, WHO Nomenclature Committee).
FAMILY_ANTIGENS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "B": {
        "14": SPLITS["B"]["14"],
        "15": SPLITS["B"]["15"] + SPLITS["B"]["70"],
        "40": SPLITS["B"]["40"],
    },
    "C": {"3": SPLITS["C"]["3"]},
    "DRB1": {"3": SPLITS["DRB1"]["3"]},
    "DQB1": {"3": SPLITS["DQB1"]["3"]},
}
ALL_OPTIONS: Final[AntigenOptions] = frozenset(
    (ANY_GROUP, frozenset({str(number)})) for number in range(1, 100)
)


def family_antigens(locus: str, first_field: str) -> list[AntigenSet]:
    """The antigens that an allele of a family may have."""
    if locus in GENE_ANTIGENS:
        return [frozenset({GENE_ANTIGENS[locus]})]
    (antigen,) = first_field_antigen(first_field)
    return [frozenset({name}) for name in FAMILY_ANTIGENS.get(locus, {}).get(antigen, (antigen,))]


def last_fields(locus: str) -> tuple[int, int]:
    """The last first and the last second field of a locus."""
    return FREE_FIELDS.get(locus, (LAST_FAMILY, MAX_SECOND_FIELD))


def builtin_tree(locus: str) -> AntigenTree:
    """Broad, split and associated antigens of one locus."""
    return antigen_tree(SPLITS.get(locus, {}), ASSOCIATED.get(locus, {}))


class BuiltinNomenclature(Nomenclature):
    """See the module. P groups get their ids when they are first met, a whole family at a time."""

    def __init__(self) -> None:
        content = json.dumps(
            [SPLITS, ASSOCIATED, GENE_ANTIGENS, FAMILY_ANTIGENS, MAX_SECOND_FIELD, LAST_FAMILY, FREE_FIELDS],
            sort_keys=True,
        ).encode()
        trees = {locus: builtin_tree(locus) for locus in LOCI}
        super().__init__(RELEASE, hashlib.sha256(content).hexdigest(), trees)
        self._families: dict[str, dict[str, int]] = {locus: {} for locus in LOCI}
        self._xx: dict[tuple[str, str], Members] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        return 0

    def to_bytes(self) -> bytes:
        return MAGIC

    def _first_id(self, locus: str, first_field: str) -> int:
        """Id of second field 0 of a known family; families lie MAX_SECOND_FIELD + 1 apart."""
        families = self._families[locus]
        with self._lock:
            return families.setdefault(first_field, len(families)) * (MAX_SECOND_FIELD + 1)

    def name(self, locus: str, fields: str, suffix: str = "") -> Members | None:
        first, second = two_fields(fields).split(":")
        families, seconds = last_fields(locus)
        if not (1 <= int(first) <= families and 1 <= int(second) <= seconds):
            return None
        if suffix == "N":
            return Members(nulls=(f"{locus}*{fields}N",))
        questionable = (f"{locus}*{fields}Q",) if suffix == "Q" else ()
        p_id = self._first_id(locus, first) + int(second)
        antigens = family_antigens(locus, first)
        group = p_id if len(antigens) > 1 else ANY_GROUP
        options = frozenset([(group, antigen) for antigen in antigens])
        return Members(frozenset({p_id}), options, questionable=questionable)

    def family(self, locus: str, first_field: str) -> Members | None:
        key = (locus, first_field)
        families, seconds = last_fields(locus)
        if not 1 <= int(first_field) <= families:
            return None
        if key not in self._xx:
            start = self._first_id(locus, first_field)
            ids = frozenset(range(start + 1, start + seconds + 1))
            # two of so many alleles need never be the same one, so that the P group does not decide
            options = frozenset([(ANY_GROUP, antigen) for antigen in family_antigens(locus, first_field)])
            self._xx[key] = Members(ids, options)
        return self._xx[key]

    def g_group(self, locus: str, fields: str) -> Members | None:
        return self.name(locus, fields)

    def p_group(self, locus: str, fields: str) -> Members | None:
        return self.name(locus, fields)

    def serology(self, locus: str, antigen: str) -> Members | None:
        """The families whose alleles may have the antigen, one above it or one below it."""
        in_line = self.trees[locus].in_line
        families = [
            family
            for family in (f"{number:02d}" for number in range(1, 100))
            if any(in_line(antigen, one) for names in family_antigens(locus, family) for one in names)
        ]
        known = [self.family(locus, family) for family in families]
        groups = frozenset[int]().union(*(found.p_groups for found in known if found))
        return Members(groups, frozenset({(ANY_GROUP, frozenset({antigen}))})) if groups else None

    def serology_names(self, locus: str) -> tuple[str, ...]:
        parents = self.trees[locus].parents
        return tuple(sorted({*parents, *parents.values()}, key=int))

    def alleles(self, locus: str, sort: str, fields: str, suffix: str = "") -> tuple[str, ...]:
        return ()

    def g_names(self, locus: str, names: Iterable[str]) -> frozenset[str]:
        return frozenset([":".join(name.rstrip(SUFFIXES).split(":")[:3]) for name in names])

    def replacement(self, locus: str, name: str) -> Replacement | None:
        return None

    def nearest(self, locus: str, fields: str) -> str:
        family = min(max(int(fields.split(":")[0]), 1), last_fields(locus)[0])
        return f"{locus}*{family:02d}:XX"

    def p_name(self, locus: str, p_id: int) -> str:
        family, second = divmod(p_id, MAX_SECOND_FIELD + 1)
        return f"{locus}*{list(self._families[locus])[family]}:{second:02d}"

    def p_id(self, locus: str, name: str) -> int | None:
        first, _, second = name.partition("*")[2].partition(":")
        known = self.name(locus, f"{first}:{second}") if first.isdecimal() and second.isdecimal() else None
        return None if known is None else self._first_id(locus, first) + int(second)

    def all_options(self, locus: str) -> AntigenOptions:
        return ALL_OPTIONS
