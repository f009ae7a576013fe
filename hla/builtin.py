"""The nomenclature of a fresh checkout: no file, no list of alleles.

Every well-formed name is accepted and stands for its two-field name, which is its own P group; the first
field is its antigen; a name is null if it is written with N. A whole family (XX) stands for its second
fields 01 to MAX_SECOND_FIELD. Splits and associated antigens of one first field are therefore not told
apart here (B*40:01 and B*40:02 match at antigen level): a release knows more.
"""

import hashlib
import json
import threading
from typing import Final

from hla.antigens import AntigenSet, AntigenTree, antigen_tree
from hla.loci import LOCI
from hla.nomenclature import (
    Members,
    Nomenclature,
    Replacement,
    first_field_antigen,
    two_fields,
)

RELEASE: Final = "built-in"
MAX_SECOND_FIELD: Final = 1_999
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


def builtin_tree(locus: str) -> AntigenTree:
    """Broad and split antigens of one locus."""
    return antigen_tree(SPLITS.get(locus, {}), {})


class BuiltinNomenclature(Nomenclature):
    """See the module. P groups get their ids when they are first met, a whole family at a time."""

    def __init__(self) -> None:
        content = json.dumps([SPLITS, MAX_SECOND_FIELD], sort_keys=True).encode()
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
        """Id of second field 0 of a family; families lie MAX_SECOND_FIELD + 1 apart."""
        families = self._families[locus]
        with self._lock:
            return families.setdefault(first_field, len(families)) * (MAX_SECOND_FIELD + 1)

    def name(self, locus: str, fields: str, suffix: str = "") -> Members | None:
        first, second = two_fields(fields).split(":")
        if not 1 <= int(second) <= MAX_SECOND_FIELD:
            return None
        if suffix == "N":
            return Members(nulls=(f"{locus}*{fields}N",))
        questionable = (f"{locus}*{fields}Q",) if suffix == "Q" else ()
        p_id = self._first_id(locus, first) + int(second)
        return Members(frozenset({p_id}), frozenset({first_field_antigen(fields)}), questionable=questionable)

    def family(self, locus: str, first_field: str) -> Members | None:
        key = (locus, first_field)
        if key not in self._xx:
            start = self._first_id(locus, first_field)
            ids = frozenset(range(start + 1, start + MAX_SECOND_FIELD + 1))
            self._xx[key] = Members(ids, frozenset({first_field_antigen(first_field)}))
        return self._xx[key]

    def g_group(self, locus: str, fields: str) -> Members | None:
        return self.name(locus, fields)

    def p_group(self, locus: str, fields: str) -> Members | None:
        return self.name(locus, fields)

    def replacement(self, locus: str, name: str) -> Replacement | None:
        return None

    def nearest(self, locus: str, fields: str) -> str:
        return f"{locus}*{fields.split(':')[0]}:XX"

    def p_name(self, locus: str, p_id: int) -> str:
        family, second = divmod(p_id, MAX_SECOND_FIELD + 1)
        return f"{locus}*{list(self._families[locus])[family]}:{second:02d}"

    def all_antigens(self, locus: str) -> frozenset[AntigenSet]:
        return frozenset(frozenset({str(number)}) for number in range(1, 100))
