"""Properties that hold for any input."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hla.errors import TypingError
from hla.loci import LOCI
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from hla.typing import parse_pair, read_gl
from tests.hla.toy_release import ALLELES

PIECES = st.sampled_from(
    [
        "A",
        "B*",
        "HLA-",
        "DRB1*",
        "*",
        ":",
        "/",
        "+",
        "02",
        "01",
        "2",
        "XX",
        "AB",
        "N",
        "G",
        "P",
        "g",
        "UUUU",
        "NNNN",
        "NEW",
        " ",
        "-",
        "＊",
        "０",
        "\u200b",
        "٠",
        "ß",
        "ŉ",
        "\x00",
        "\n",
        "15:01",
        "Bw4",
        "A2",
        "~",
        "|",
        "?",
        "#",
        "hla#9.99.0#",
        "A*0201",
        "0203",
        "A24",
        "B39",
        "DR52",
        "A*02:01",
        "+A*24:02",
        "^",
        ";",
        ".",
        "｜",
    ]
)
SOUP = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=20).map("".join))

NAMES = sorted(name for name in ALLELES if name.startswith("A*"))
VALUE = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES)
    .map(lambda name: name.rstrip("NLQ").rsplit(":", 1)[0])
    .filter(lambda name: ":" in name),
    st.sampled_from(["A*02:XX", "A*24:XX", "A*02:01:01G", "A*02:01P", "A*02:AC", "A*03:SPEC", ""]),
)
LISTS = st.lists(VALUE.filter(bool), min_size=1, max_size=4).map("/".join)
PAIRS = st.tuples(st.one_of(VALUE, LISTS), st.one_of(VALUE, LISTS))


@given(locus=st.sampled_from(LOCI), first=SOUP, second=SOUP)
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(
    toy: Nomenclature, toy_mac: MacTable, locus: str, first: str, second: str
) -> None:
    with suppress(TypingError):
        found = parse_pair(locus, first, second, resolver_for(toy, toy_mac))
        assert parse_pair(locus, found.first, found.second, resolver_for(toy, toy_mac)) == found


@given(text=SOUP)
@settings(max_examples=400, deadline=None)
def test_any_gl_text_is_read_or_refused(toy: Nomenclature, toy_mac: MacTable, text: str) -> None:
    found = read_gl(text, resolver_for(toy, toy_mac))

    assert (
        found.errors
        or read_gl(found.typing.gl() or "A*UUUU", resolver_for(toy, toy_mac)).typing == found.typing
    )
    assert all(error.position is None or 0 <= error.position <= len(text) for error in found.errors)


@given(pair=PAIRS)
@settings(max_examples=200, deadline=None)
def test_canonical_text_is_read_as_itself(
    toy: Nomenclature, toy_mac: MacTable, pair: tuple[str, str]
) -> None:
    found = parse_pair("A", *pair, resolver_for(toy, toy_mac))
    resolver = Resolver(toy, toy_mac)

    again = parse_pair("A", found.first, found.second, resolver_for(toy, toy_mac))

    assert again == found
    for text, canonical in zip(
        sorted(pair, key=lambda text: text == ""), (found.first, found.second), strict=True
    ):
        one, other = resolver.position("A", text), resolver.position("A", canonical)
        assert (one.p_groups, one.antigens, one.null) == (other.p_groups, other.antigens, other.null)


HOSTILE = [
    "A*02:01/" * 1250,
    "A*02:01|" * 1250,
    "A*02:01+A*02:03|" * 625,
    "|".join(f"A*02:{n}" for n in range(1000, 2100)),
    "|" * 10_000,
    "~" * 10_000,
    "?" * 10_000,
    "#" * 10_000,
    "A2+" * 3333,
    "A2/" * 3333,
    "A*0201/" * 1428,
    "A*99:01/" * 1250,
    "A*02:AB/" * 1250,
    "9" * 10_000,
    "A*" + "02:" * 3333,
    "^" * 10_000,
    "A*02:01+" * 1250,
    "A*77:01^" * 1250,
    "HLA-" * 2500,
    "Ａ" * 10_000,
    "A*02:01N" + "N" * 9_990,
    "/" * 10_000,
    " " * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_is_quickly_done_with(toy: Nomenclature, toy_mac: MacTable, text: str) -> None:
    start = time.process_time()

    read_gl(text, resolver_for(toy, toy_mac))
    with pytest.raises(TypingError):
        parse_pair("A", text, "A*00:00", resolver_for(toy, toy_mac))

    assert time.process_time() - start < 0.3  # a guard against work that grows faster than the text
