"""Interpretations and comparisons as text."""

from __future__ import annotations

import pytest

from hla.comparison import compare
from hla.interpret import interpret
from hla.plain import WIDTH, compared, explained
from hla.resolve import Resolver

PAIR = "A*02:01+A*24:02^B*15:01+B*38:01^C*07:02+C*12:02^DRB1*04:05+DRB1*04:05^DQB1*03:01+DQB1*03:02"


def test_one_value(resolver: Resolver) -> None:
    assert (
        explained(interpret("HLA-A*24:03", resolver)).splitlines()
        == [
            "HLA-A*24:03",
            "    what           HLA-A, allele, read as A*24:03",
            "    P groups       A*24:03",
            "    antigens       split A24; broad A9; associated A2403",
            "    expressed      yes",
            "    note           HLA-A*24:03 read as A*24:03.",
            "    release        IPD-IMGT/HLA 9.99.0",
            "",
        ][:-1]
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A*02:15N", "expressed      no"),
        ("A*UUUU", "expressed      not known"),
        ("A*02:XX", "expressed      yes; more than one P group is possible"),
        ("A*02:15N", "P groups       none"),
        ("A*02:01:01G", "could be null  A*02:01:01:03N"),
        ("A*UUUU+A*UUUU", "read as        not typed at any locus"),
        ("A*02:01+A*24:02", "read as        A*02:01+A*24:02"),
        ("A*77:77", "cannot be read HLA-A, character 1: There is no allele A*77:77 in release 9.99.0."),
        ("02:01", "cannot be read locus not known, character 1"),
        ("A*02:01+A*77:77", "instead        The closest known name is"),
    ],
)
def test_lines(resolver: Resolver, text: str, line: str) -> None:
    assert f"    {line}" in explained(interpret(text, resolver))


def test_nothing_has_a_name(resolver: Resolver) -> None:
    assert explained(interpret("", resolver)).startswith("(nothing)\n    cannot be read")


def test_the_built_in_nomenclature_says_what_it_is(builtin: Resolver) -> None:
    assert "no release is loaded" in explained(interpret("A*02:01", builtin))


def test_long_lists_are_cut_and_broken(resolver: Resolver) -> None:
    answer = interpret("A*02:XX", resolver)
    answer["p_groups"] = [f"A*02:{number:03}P" for number in range(300)]

    text = explained(answer)

    assert "… (300 in all)" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_comparison(resolver: Resolver) -> None:
    text = compared(compare(PAIR, PAIR.replace("B*38:01", "B*39:XX"), resolver))

    assert "  allele n/10 (A, B, C, DRB1, DQB1)       9/10" in text
    assert "A       2        2        0     0     none" in text
    assert "    A*02:01 : A*02:01  " in text
    assert "B leader       patient MT, unit MT" in text
    assert "release        IPD-IMGT/HLA 9.99.0" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_unknown_values_conflicts_and_notes_are_shown(resolver: Resolver) -> None:
    text = compared(compare("A*02:01+A*24:02^A2+A3", "A*02:02^B*15:XX", resolver))

    assert "    CONFLICT       patient, HLA-A: " in text
    assert "    note, unit     " in text
    assert ": (unknown)  " in text
    assert "–" in text


def test_an_error_of_a_comparison(resolver: Resolver) -> None:
    text = compared(compare("A*02:01", "A*77:77", resolver))

    assert text.startswith("Cannot be compared.\n    cannot be read unit, HLA-A, character 1: ")


def test_an_error_without_place(resolver: Resolver) -> None:
    answer = interpret("A*77:77", resolver)
    answer["errors"][0]["position"] = None

    assert "cannot be read HLA-A: There is" in explained(answer)
