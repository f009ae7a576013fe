"""Antibodies: how laboratories write what they are against."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hla.antibodies import MAX_BEAD_LENGTH, Specificity, parse_bead, parse_specificity
from hla.errors import TypingError
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for

# --- how they are written ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text", "loci", "level"),
    [
        ("A*24:02", "A*24:02", ("A",), "allele"),
        (" HLA-A*24:02 ", "A*24:02", ("A",), "allele"),
        ("A*2402", "A*24:02", ("A",), "allele"),
        ("A＊24：02", "A*24:02", ("A",), "allele"),
        ("A24", "A24", ("A",), "antigen"),
        ("HLA-A24", "A24", ("A",), "antigen"),
        ("HLA A24", "A24", ("A",), "antigen"),
        ("A2403", "A2403", ("A",), "antigen"),
        ("Cw10", "Cw10", ("C",), "antigen"),
        ("C10", "Cw10", ("C",), "antigen"),
        ("DR4", "DR4", ("DRB1",), "antigen"),
        ("DR 4", "DR4", ("DRB1",), "antigen"),
        ("DR53", "DR53", ("DRB4",), "antigen"),
        ("DR52", "DR52", ("DRB3",), "antigen"),
        ("DQ7", "DQ7", ("DQB1",), "antigen"),
        ("DP4", "DPw4", ("DPB1",), "antigen"),
        ("DQB1*03:01", "DQB1*03:01", ("DQB1",), "allele"),
        ("DQA1*05:01, DQB1*02:01", "DQA1*05:01~DQB1*02:01", ("DQA1", "DQB1"), "heterodimer"),
        ("DQA1*05:01/DQB1*02:01", "DQA1*05:01~DQB1*02:01", ("DQA1", "DQB1"), "heterodimer"),
        ("[DQB1*02:01, DQA1*05:01]", "DQA1*05:01~DQB1*02:01", ("DQA1", "DQB1"), "heterodimer"),
        ("DQA1*05:01-DQB1*02:01", "DQA1*05:01~DQB1*02:01", ("DQA1", "DQB1"), "heterodimer"),
        ("DQ2 (DQA1*05:01 DQB1*02:01)", "DQA1*05:01~DQB1*02:01", ("DQA1", "DQB1"), "heterodimer"),
        ("DPA1*01:03~DPB1*04:01", "DPA1*01:03~DPB1*04:01", ("DPA1", "DPB1"), "heterodimer"),
        ("A*24:02, -, -, -", "A*24:02", ("A",), "allele"),
        ("A*24:02 (A24)", "A*24:02", ("A",), "allele"),
        ("A24, A24", "A24", ("A",), "antigen"),
    ],
)
def test_what_laboratories_write(
    written: str, text: str, loci: tuple[str, ...], level: str, builtin: Resolver
) -> None:
    found = parse_specificity(written, builtin)

    assert found == Specificity(text, loci, level)  # type: ignore[arg-type]
    assert parse_specificity(found.text, builtin) == found


@pytest.mark.parametrize(
    ("written", "code", "position"),
    [
        ("A*24:2", "malformed", 0),
        ("A2402", "unknown_antigen", 0),
        ("DQA1*05:01, DQB1*xx", "malformed", 12),
        ("24:02", "missing_locus", 0),
        ("Q7", "missing_locus", 0),
        ("A*24:XX", "not_specificity", 0),
        ("A*24:AB", "not_specificity", 0),
        ("A*UUUU", "not_specificity", 0),
        ("A*24:09N", "null_specificity", 0),
        ("Bw4", "public_specificity", 0),
        ("A2, Bw6", "public_specificity", 4),
        ("", "empty_specificity", 0),
        (" - , -", "empty_specificity", 0),
        ("A2, B7", "several_specificities", 0),
        ("DQA1*05:01, DQA1*03:01, DQB1*02:01", "chains", 0),
        ("A" * (MAX_BEAD_LENGTH + 1), "too_long", 0),
    ],
)
def test_what_is_none_is_refused_with_its_place(
    written: str, code: str, position: int, builtin: Resolver
) -> None:
    with pytest.raises(TypingError) as caught:
        parse_specificity(written, builtin)

    assert (caught.value.code, caught.value.position) == (code, position)
    assert caught.value.hint


def test_an_unknown_name_is_told_the_nearest(resolver: Resolver) -> None:
    with pytest.raises(TypingError, match=r"closest known name is A\*02:01") as caught:
        parse_specificity("A*02:01:77", resolver)
    assert caught.value.code == "unknown_allele"

    with pytest.raises(TypingError, match="Known near it is A24"):
        parse_specificity("A2402", resolver)


def test_several_on_one_bead_are_named_each(builtin: Resolver) -> None:
    found = parse_bead("A1; A*24:02, A24 | DQB1*02:01 DQA1*05:01 DR4", builtin)

    assert [one.text for one in found] == ["A1", "A*24:02", "DQA1*05:01~DQB1*02:01", "DR4"]


def test_order_is_by_locus_and_number(builtin: Resolver) -> None:
    names = ["DPA1*01:03~DPB1*04:01", "DR4", "B7", "A*24:02", "A24", "A2", "A*02:01", "DQA1*05:01~DQB1*02:01"]

    found = sorted((parse_specificity(name, builtin) for name in names), key=lambda one: one.sort_key)

    assert [one.text for one in found] == [
        "A2",
        "A24",
        "A*02:01",
        "A*24:02",
        "B7",
        "DR4",
        "DQA1*05:01~DQB1*02:01",
        "DPA1*01:03~DPB1*04:01",
    ]


SOUP = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            ["A24", "DQA1*", "05:01", "~", "-", " ", ",", "HLA-", "*", "DQB1*02:01", "(", "Bw4", "0"]
        ),
        max_size=8,
    ).map("".join),
)


@given(text=SOUP)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(toy: Nomenclature, toy_mac: MacTable, text: str) -> None:
    resolver = resolver_for(toy, toy_mac)
    try:
        found, refused = parse_bead(text, resolver), None
    except TypingError as error:
        found, refused = (), error

    assert all(parse_specificity(one.text, resolver) == one for one in found)
    assert refused is None or refused.position is None or 0 <= refused.position <= len(text)
