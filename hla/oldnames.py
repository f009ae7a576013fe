"""Names of before 2010, without colons: which names they may be today.

Until April 2010 the fields of a name had two digits each and stood side by side (A*020101, DRB1*0401); until
2002 the third had one digit (DRB1*09011). When 99 alleles of a family were named, A*02 went on as A*92 and B*15
as B*95; these became A*02:101 and B*15:101 (Marsh 2010, Tissue Antigens 75:291, "Nomenclature for factors of
the HLA system, 2010").
"""

import re
from collections.abc import Iterator
from typing import Final

from hla.nomenclature import Nomenclature
from hla.text import ALLELE

ROLLOVERS: Final = {("A", "92"): "02", ("B", "95"): "15"}
PAIRS: Final = re.compile(r"\d\d")


def spellings(names: Nomenclature, locus: str, digits: str, suffix: str) -> Iterator[list[str]]:
    """Names (fields and suffix) that a name without colons may be, in groups; an earlier group is to be preferred.

    First what the release itself says has become of it, then the fields of before 2010, then any division.
    """
    became = names.replacement(locus, digits + suffix)
    if became is not None and became.fields:
        yield [became.fields]
    yield [name + suffix for name in by_pairs(locus, digits)]
    yield [name + suffix for name in divisions(digits)]


def by_pairs(locus: str, digits: str) -> list[str]:
    """The fields as they were written: two digits each, in names of before 2002 the third one alone."""
    if len(digits) in (5, 7):
        digits = f"{digits[:4]}0{digits[4:]}"
    if len(digits) % 2:
        return []
    parts = PAIRS.findall(digits)
    if family := ROLLOVERS.get((locus, parts[0])):
        parts[:2] = [family, f"1{parts[1]}"]
    return [name for name in [":".join(parts)] if ALLELE.fullmatch(name)]


def divisions(digits: str) -> list[str]:
    """Every way to divide the digits into two fields of two to four digits."""
    found = [f"{digits[:at]}:{digits[at:]}" for at in (2, 3, 4)]
    return [name for name in found if ALLELE.fullmatch(name)]
