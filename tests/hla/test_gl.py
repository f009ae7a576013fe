"""GL Strings: their operators, their errors with places, serology beside DNA."""

from __future__ import annotations

import pytest

from hla.errors import TypingError
from hla.typing import (
    canonical_loci,
    read_gl,
)
from tests.hla.reading import Reader, codes


def test_gl_reads_loci_in_any_order(reader: Reader) -> None:
    found = reader.gl("DRB1*04:05+DRB1*04:05^A*02:01/A*02:03+A*24:02^B*15:01^")

    assert found.gl() == "A*02:01/A*02:03+A*24:02^B*15:01^DRB1*04:05+DRB1*04:05"
    assert reader.gl(found.gl()) == found


@pytest.mark.parametrize("text", ["A*02:01+", "+A*02:01", "A*02:01", "A*02:01+-", "A*02:01+A*UUUU"])
def test_gl_with_one_value(reader: Reader, text: str) -> None:
    assert reader.gl(text).gl() == "A*02:01"


def test_gl_blank_is_homozygous_on_request(reader: Reader) -> None:
    assert reader.gl("A*02:01^B*15:01+B*38:01", blank="homozygous").gl() == "A*02:01+A*02:01^B*15:01+B*38:01"


def test_gl_keeps_notes_on_full_width_text(reader: Reader) -> None:
    found = reader.gl("Ａ＊０２：０１＋A*24:02＾B*15:01")

    assert found.gl() == "A*02:01+A*24:02^B*15:01"
    assert codes(found.locus("A")) == ["normalised"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("empty", 0)]),
        ("^ ^", [("empty", 0)]),
        ("+", [("missing_locus", 0)]),
        ("02:01", [("missing_locus", 0)]),
        ("A*02:01^02:01", [("missing_locus", 8)]),
        ("A*02:01^A*24:02", [("duplicate_locus", 8)]),
        ("A*02:01+A*02:01+A*02:01", [("too_many_values", 0)]),
        ("A*02:01+B*15:01", [("wrong_locus", 8)]),
        ("A*02:01|A*02:77+A*02:01", [("unknown_allele", 8)]),
        ("A*02:01|+|A*02:01+A*02:01+A*02:01", [("too_many_values", 10)]),
        ("A*02:01~A*02:01", [("haplotype", 8)]),
        ("A*02:01~B*99:01+A*02:01~B*15:01", [("unknown_allele", 8)]),
        ("A2+A24^A2", [("duplicate_locus", 7)]),
        ("A*02:01^A2^A*02:01", [("duplicate_locus", 11)]),
        ("kir#2.0#KIR2DL1", [("gl_code", 0)]),
        ("hla#A*02:01", [("gl_code", 0)]),
        ("hla#9.99.0#A*02:77", [("unknown_allele", 11)]),
        ("A*02:01?A*02:77", [("unknown_allele", 8)]),
        (
            "A*02:77+A*02:QQ^B*15:01^DRB1*04:05/DRB1*99:01",
            [("unknown_allele", 0), ("unknown_mac", 8), ("unknown_allele", 35)],
        ),
    ],
)
def test_gl_reports_all_errors_with_their_places(
    reader: Reader, text: str, expected: list[tuple[str, int]]
) -> None:
    assert reader.errors(text) == expected
    with pytest.raises(TypingError) as caught:
        reader.gl(text)
    assert caught.value.code == expected[0][0]


def test_gl_keeps_what_could_be_read(reader: Reader) -> None:
    found = read_gl("A*02:77^B*15:01", reader.resolver)

    assert found.typing.gl() == "B*15:01"


@pytest.mark.parametrize(
    ("text", "gl"),
    [
        ("A2+A24^B38+B39", "A2+A24^B38+B39"),
        ("Cw7^DR4^DR52^DR53^DR51^DQ7+DQ8^DPw4", "Cw7^DR4^DR52^DR53^DR51^DQ7+DQ8^DPw4"),
        ("C7", "Cw7"),
    ],
)
def test_serology_in_a_gl_string(reader: Reader, text: str, gl: str) -> None:
    assert reader.gl(text).gl() == gl
    assert reader.gl(gl).gl() == gl


def test_antigens_of_the_genes_beside_drb1(reader: Reader) -> None:
    assert list(reader.gl("DR52+DR53").loci) == ["DRB3", "DRB4"]
    assert reader.error("DR52", "DRB1").params["found"] == "DRB3"


def test_genotype_lists(reader: Reader) -> None:
    found = reader.gl("A*02:01+A*24:02|A*02:03+A*23:01|A*24:02+A*02:01")

    assert found.gl() == "A*02:01+A*24:02|A*02:03+A*23:01"
    typing = found.locus("A")
    assert (typing.first, typing.second, typing.kind) == ("A*02:01|A*02:03", "A*24:02|A*23:01", "pair")
    assert typing.alternatives == [("A*02:01", "A*24:02"), ("A*02:03", "A*23:01")]
    assert reader.pair("A", "A*02:01｜A*02:03", "A*24:02|A*23:01") == typing
    assert reader.pair("A", typing.first, typing.second) == typing


def test_alternatives_that_share_a_value_become_a_list(reader: Reader) -> None:
    assert (
        reader.gl("A*02:03+A*24:02|A*24:02+A*02:01|A*23:01+A*24:02").gl() == "A*02:01/A*02:03/A*23:01+A*24:02"
    )
    assert reader.gl("A*02:03|A*02:01").gl() == "A*02:01/A*02:03"
    assert reader.gl("A*02:03+A*24:02|A*02:15N+A*24:02").gl() == "A*02:15N+A*24:02|A*02:03+A*24:02"
    assert reader.gl("A*02:03+A*24:02|A*02:03+A*02:03").gl() == "A*02:03+A*24:02|A*02:03+A*02:03"
    assert reader.gl("A*02:03/A*02:01+A*24:02|A*02:01+A*24:02").gl() == "A*02:01/A*02:03+A*24:02"


def test_genotype_lists_with_one_value_or_none(reader: Reader) -> None:
    assert reader.gl("A*02:01|A*02:03+A*23:01").locus("A").kind == "single"
    assert reader.gl("A*02:01|A*UUUU").locus("A").untyped
    doubled = reader.gl("A*02:01|A*02:03+A*23:01", blank="homozygous").locus("A")
    assert (doubled.first, doubled.second) == ("A*02:01|A*02:03", "A*02:01|A*23:01")
    assert codes(doubled) == ["homozygous"]
    assert reader.pair("A", "A*02:01|A*02:03", "|A*23:01", blank="homozygous") == doubled


def test_phased_text_is_read_locus_by_locus(reader: Reader) -> None:
    reading = read_gl(
        "A*02:01~B*15:01~DRB3*01:01+B*38:01~A*24:02~DRB4*01:03",
        reader.resolver,
    )

    assert reading.typing.gl() == "A*02:01+A*24:02^B*15:01+B*38:01^DRB3*01:01^DRB4*01:03"
    assert [note.code for note in reading.notes] == ["phase"]
    assert reader.gl("A*02:01~B*15:01+A*02:03~B*38:01|A*24:02~B*15:01+A*03:01").gl() == (
        "A*02:01+A*02:03|A*24:02+A*03:01^B*15:01+B*38:01|B*15:01"
    )


def test_one_alternative_of_the_whole_typing(reader: Reader) -> None:
    reading = read_gl("A*02:01^B*15:01?A*02:03+A*24:02?A2", reader.resolver)

    assert reading.typing.gl() == "A2/A*02:01|A*02:03+A*24:02"
    assert [(note.code, note.params["locus"]) for note in reading.notes] == [
        ("locus_open", "A"),
        ("locus_partial", "B"),
    ]


def test_alternatives_of_different_loci_are_refused(reader: Reader) -> None:
    assert reader.errors("A*02:01+A*24:02|B*15:01+B*38:01") == [("alternatives_apart", 0)]
    reading = read_gl("A*02:01~B*15:01|A*02:03|", reader.resolver)
    assert [note.code for note in reading.notes] == ["phase", "alternative_empty", "locus_partial"]


def test_a_locus_with_an_error_is_left_out(reader: Reader) -> None:
    for text in ("A*02:01^A*02:03^B*15:01", "A*02:01^A*02:77^B*15:01"):
        found = read_gl(text, reader.resolver)
        assert (len(found.errors), found.typing.gl()) == (1, "B*15:01")


def test_an_unknown_value_beside_an_antigen_is_serology(reader: Reader) -> None:
    assert reader.gl("A2+UUUU^A*02:01+A*24:02").gl() == "A*02:01+A*24:02^A2"
    assert reader.gl("A*02:01+A*24:02^A2+A*XXXX").gl() == "A*02:01+A*24:02^A2"


def test_gl_string_code(reader: Reader) -> None:
    same = read_gl("hla#9.99.0#A*02:01", reader.resolver)
    other = read_gl("HLA#2018-06#A*02:01", reader.resolver)

    assert same.typing == other.typing
    assert (same.notes, [note.code for note in other.notes]) == ((), ["other_release"])


@pytest.mark.parametrize(
    ("dna", "antigens", "conflict"),
    [
        ("A*02:01+A*24:02", "A2+A24", False),
        ("A*02:01+A*24:02", "A24", False),
        ("A*02:01+A*24:02", "A28+A24", True),
        ("A*02:12+A*24:02", "A28+A24", False),  # assigned 2 and 28
        ("A*02:01+A*24:02", "A2+A3", True),
        ("A*02:01+A*24:02", "A2+A2", True),
        ("A*02:03+A*24:02", "A210+A9", False),  # associated with one antigen; broad of A24
        ("A*02:01+A*24:09N", "A2+A24", True),
        ("A*02:01+A*24:09N", "A2", False),
        ("A*02:15N+A*24:09N", "A2", True),
        ("A*02:01", "A2+A3", False),
        ("A*02:01+A*24:02|A*03:01+A*23:01", "A3", False),
        ("A*02:01+A*24:02", "A3+A3|A2+A24", False),
        ("B*38:01+B*39:05", "B38+B38", True),
        ("B*38:01+B*38:09", "B38+B38", False),
    ],
)
def test_dna_decides_and_excluded_serology_is_a_conflict(
    reader: Reader, dna: str, antigens: str, *, conflict: bool
) -> None:
    found = reader.gl(f"{dna}^{antigens}")
    typing = next(iter(found.loci.values()))

    assert typing.gl() == dna
    assert (typing.conflict is not None) == conflict
    assert codes(typing)[-2 if conflict else -1] == "serology_beside"
    assert found.gl() == f"{dna}^{antigens}"
    assert reader.gl(found.gl()) == found
    assert reader.gl(f"{antigens}^{dna}") == found


def test_serology_beside_an_untyped_locus_is_the_typing(reader: Reader) -> None:
    assert reader.gl("A*UUUU^A2").gl() == "A2"


def test_a_locus_that_an_alternative_leaves_out_is_unknown(reader: Reader) -> None:
    found = reader.gl("A*02:01~B*15:01+A*24:02~B*38:01|A*02:03+A*24:02")

    assert found.gl() == "A*02:01/A*02:03+A*24:02"
    assert found.locus("B").untyped


@pytest.mark.parametrize(
    ("gl", "expected"),
    [
        ("", []),
        ("A*02:01+A*24:02^B*15:01", [("A", "A*02:01", "A*24:02"), ("B", "B*15:01", "")]),
        ("DR4+DR8^A2/A*03:01", [("A", "A2/A*03:01", ""), ("DRB1", "DR4", "DR8")]),
        ("A*02:01+A*24:02|A*03:01", [("A", "A*02:01|A*03:01", "A*24:02|")]),
        ("A*02:01^A2+A24", [("A", "A*02:01", ""), ("A", "A2", "A24")]),
    ],
)
def test_parts_of_a_canonical_text(gl: str, expected: list[tuple[str, str, str]]) -> None:
    assert canonical_loci(gl) == expected
