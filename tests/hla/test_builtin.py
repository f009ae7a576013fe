"""The nomenclature of a fresh checkout."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement

import pytest

from hla.builtin import BuiltinNomenclature
from hla.errors import TypingError
from hla.mac import EMPTY_MAC
from hla.matching import explain_locus
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from hla.typing import parse_gl, parse_pair
from tests.hla.reference import compare_texts
from tests.hla.shorthand import explained, written


@pytest.mark.parametrize(
    ("locus", "patient", "unit", "expected"),
    [
        ("A", "02:01+24:02", "24:02:01:01+02:01:01G", "22 22 00 00"),
        ("A", "02:XX+24:02", "02:1234+24:02", "12 22 01 01"),
        ("A", "02:XX+24:02", "03:01+24:02", "11 11 11 11"),
        ("A", "02:01+24:02", "02:06P+23:01", "00 11 22 22"),
        ("A", "09:XX+02:01", "24:02+02:01", "11 22 11 11"),
        ("B", "15:01+40:01", "15:02+40:02", "00 02 22 22"),
        ("B", "15:01+40:01", "40:01:01+15:01P", "22 22 00 00"),
        ("B", "15:01+40:01", "15:01/15:02+40:01", "12 12 01 01"),
        ("B", "15:XX+07:02", "15:XX+07:02", "12 12 01 01"),
        ("B", "15:01+07:02", "15:XX+07:02", "12 12 01 01"),
        ("B", "14:01+07:02", "14:02+07:02", "11 12 11 11"),
        ("A", "02:01+24:02", "02:03+24:03", "00 22 22 22"),
        ("C", "03:03+07:02", "03:04+07:02", "11 12 11 11"),
        ("DRB1", "03:01+15:01", "03:02+15:01", "11 12 11 11"),
        ("DQB1", "03:01+05:01", "03:02+05:01", "11 12 11 11"),
        ("B", "38:01+40:01", "39:01+40:01", "11 11 11 11"),
        ("C", "12:02+03:03", "12:03+09:01", "00 12 22 22"),
        ("DRB1", "15:01+03:01", "16:02+03:01", "11 11 11 11"),
        ("DPB1", "04:01+04:02", "04:01+05:01", "11 11 11 11"),
        ("A", "03:01+24:09N", "03:01+03:01", "22 22 00 00"),
        ("A", "03:01+", "24:02+03:01", "12 12 01 01"),
    ],
)
def test_first_fields_act_as_antigens(
    builtin: Resolver, locus: str, patient: str, unit: str, expected: str
) -> None:
    assert written(explained(builtin, locus, patient, unit)) == expected


def test_a_split_that_is_not_known_is_only_possible(builtin: Resolver) -> None:
    found = explained(builtin, "B", "15:01+40:01", "15:02+40:02")

    assert [position.why.code for position in found.positions] == ["antigen_possible"] * 2
    assert found.positions[1].why.text == "May match at antigen level: possible are B60, B61 and B60, B61."


VALUES = [
    "15:01",
    "15:02",
    "15:01/15:02",
    "15:01/15:02/15:03",
    "40:01",
    "40:02/40:01",
    "07:02",
    "39:01/38:01",
]
PAIRS = [f"{one}+{other}" for one, other in combinations_with_replacement([*VALUES, "07:161N"], 2)]


def test_scores_equal_enumeration(builtin: Resolver) -> None:
    random_of = random.Random(3)
    for patient, unit in [random_of.sample([*PAIRS, "15:01+", "40:01+"], 2) for _ in range(200)]:
        found = explained(builtin, "B", patient, unit)
        mine, theirs = (tuple(text.split("+")) for text in (patient, unit))
        assert written(found) == written(compare_texts("B", mine, theirs, builtin)), (patient, unit)
        assert found.antigen_min >= found.match_min
        assert found.antigen_max >= found.match_max


def test_a_family_counts_as_many_of_its_alleles(builtin: Resolver) -> None:
    """A family names no P group among its antigen options, and need not: enumerated, it is the same."""
    listed = "/".join(f"40:{number:02d}" for number in range(1, 10))
    for other in (
        "40:01+07:02",
        "40:01/40:02+40:03",
        "40:01+07:161N",
        "40:04/40:05+40:04",
        listed + "+40:02",
    ):
        for beside in ("07:02", "40:01", "07:161N", "40:02/40:03"):
            one = explained(builtin, "B", f"40:XX+{beside}", other)
            same = explained(builtin, "B", f"{listed}+{beside}", other)
            assert written(one) == written(same), (beside, other)
            assert written(one) == written(explained(builtin, "B", f"{beside}+40:XX", other))


def test_every_well_formed_name_is_accepted(builtin: Resolver) -> None:
    names = builtin.nomenclature

    for text in ("A*99:01", "A*02:1999", "A*02:01:01:02L", "DPB1*1000:01", "A*02:18Q"):
        assert builtin.position(text.split("*")[0], text).text == text
    assert builtin.position("A", "A*02:18Q").questionable == ("A*02:18Q",)
    assert (names.release, names.size) == ("built-in", 0)


def test_second_fields_have_a_limit(builtin: Resolver) -> None:
    with pytest.raises(ValueError, match=r"no allele A\*02:2000 in release built-in.*A\*02:XX"):
        builtin.position("A", "A*02:2000")


@pytest.mark.parametrize(
    ("text", "code", "nearest"),
    [
        ("A*100:01", "unknown_allele", "A*99:XX"),
        ("A*1000:XX", "unknown_family", "A*99:XX"),
        ("DRB1*100:01N", "unknown_allele", "DRB1*99:XX"),
        ("B*100:01:01G", "unknown_g_group", "B*99:XX"),
        ("B*100:01P", "unknown_p_group", "B*99:XX"),
        ("DPB1*2000:XX", "unknown_family", "DPB1*1999:XX"),
        ("DPB1*04:100", "unknown_allele", "DPB1*04:XX"),
    ],
)
def test_first_fields_have_a_limit(builtin: Resolver, text: str, code: str, nearest: str) -> None:
    with pytest.raises(TypingError) as raised:
        builtin.position(text.split("*")[0], text)

    assert (raised.value.code, raised.value.params["nearest"]) == (code, nearest)


def test_names_from_outside_cannot_make_p_groups_without_end() -> None:
    names = BuiltinNomenclature()
    for first in range(1, 10_000):
        for locus in ("A", "DPB1"):
            names.family(locus, f"{first:02d}")
            names.name(locus, f"{first:02d}:01")

    assert {locus: len(known) for locus, known in names._families.items() if known} == {
        "A": 99,
        "DPB1": 1_999,
    }
    assert sum(len(family.p_groups) for family in names._xx.values()) == 99 * 1_999 + 1_999 * 99
    assert names.p_name("DPB1", max(names.family("DPB1", "1999").p_groups)) == "DPB1*1999:99"  # type: ignore[union-attr]


def test_names_of_p_groups_are_two_fields(builtin: Resolver) -> None:
    found = explained(builtin, "A", "02:06+24:02", "02:XX+24:02:01")

    assert found.positions[0].why.params["p_groups"] == "A*02:06"
    assert found.positions[1].why.params["p_groups"] == "A*24:02"


def test_multiple_allele_codes_need_a_table() -> None:
    with pytest.raises(ValueError, match="code AB in A\\*02:AB is not in the loaded table"):
        parse_pair("A", "A*02:AB", "", resolver_for(Nomenclature.builtin(), EMPTY_MAC))


def test_bytes_and_back() -> None:
    again = Nomenclature.from_bytes(Nomenclature.builtin().to_bytes())

    assert (again.release, again.checksum) == ("built-in", Nomenclature.builtin().checksum)


def test_threads_agree_on_p_groups() -> None:
    names = Nomenclature.builtin()
    texts = [f"A*{first:02d}:{second:02d}" for first in range(1, 60) for second in range(1, 4)]

    def read(text: str) -> frozenset[int]:
        return Resolver(names, EMPTY_MAC).position("A", text).p_groups

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, texts * 3))

    assert len(set(found)) == len(texts)
    assert found[: len(texts)] == found[-len(texts) :]


def test_two_lines_are_enough() -> None:
    resolver = resolver_for(Nomenclature.builtin(), EMPTY_MAC)
    mine, theirs = (parse_gl(text, resolver) for text in ("A*02:01+A*24:02", "A*02:01+A*24:XX"))

    found = explain_locus(mine.locus("A"), theirs.locus("A"), resolver)

    assert (found.match_min, found.match_max) == (1, 2)


def test_serology_stands_for_families(builtin: Resolver) -> None:
    assert written(explained(builtin, "A", "A2+A24", "02:01+24:02")) == "02 22 02 02"
    assert written(explained(builtin, "B", "B62+B60", "15:01+40:02")) == "02 02 02 02"
    assert written(explained(builtin, "B", "B62+B60", "B75+B61")) == "02 00 02 02"
    assert written(explained(builtin, "B", "B16+B7", "38:01+07:02")) == "02 22 02 02"
    assert written(explained(builtin, "A", "A2403+A2", "24:02+A203")) == "02 22 02 02"
    assert written(explained(builtin, "DRB3", "DR52+", "01:01+02:02")) == "02 12 02 02"
    assert builtin.position("DRB4", "DR53").notes == ()
    assert builtin.nomenclature.serology_names("C") == ("3", "9", "10")


def test_what_the_builtin_nomenclature_does_not_know(builtin: Resolver) -> None:
    with pytest.raises(TypingError, match="no antigen A4711"):
        builtin.position("A", "A4711")
    assert builtin.alleles("A", "A*02:01") == ()
    assert builtin.nomenclature.tce("04:01") is None
    assert builtin.nomenclature.g_names("A", ["02:01:01:01N", "02:01:01"]) == {"02:01:01"}
    assert builtin.position("A", "A*0201").text == builtin.position("A", "A*02:01g").text == "A*02:01"
