"""What hla_explain answers, over a made-up release."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hla import interpret as module
from hla.interpret import Interpreter, interpret
from hla.resolve import Resolver
from hla.typing import read_gl

KEYS = [
    "input",
    "locus",
    "kind",
    "canonical",
    "p_groups",
    "antigens",
    "expressed",
    "ambiguous",
    "null_possible",
    "notes",
    "note_codes",
    "release",
]


def antigens(answer: dict[str, Any]) -> tuple[str, str, str]:
    found = answer["antigens"]
    assert list(found) == ["split", "broad", "associated"]
    return tuple(" ".join(found[level]) for level in found)  # type: ignore[return-value]


def test_an_allele(resolver: Resolver) -> None:
    assert interpret("HLA-A*02:01:01:01", resolver) == {
        "input": "HLA-A*02:01:01:01",
        "locus": "A",
        "kind": "allele",
        "canonical": "A*02:01:01:01",
        "p_groups": ["A*02:01P"],
        "antigens": {"split": ["A2"], "broad": [], "associated": []},
        "expressed": True,
        "ambiguous": False,
        "null_possible": [],
        "notes": ["HLA-A*02:01:01:01 read as A*02:01:01:01."],
        "note_codes": ["normalised"],
        "release": "9.99.0",
    }


@pytest.mark.parametrize(
    ("text", "kind", "p_groups"),
    [
        ("A*02:03", "allele", "A*02:03"),
        ("A*02:01:01G", "g_group", "A*02:01P"),
        ("A*02:01P", "p_group", "A*02:01P"),
        ("A*03:01/03:02", "list", "A*03:01 A*03:02"),
        ("A*02:AC", "mac", "A*02:01P A*02:03"),
        ("A*02:XX", "xx", "A*02:01P A*02:03 A*02:10 A*02:12 A*02:18 A*02:101"),
        ("A*02:15N", "allele", ""),
        ("A2403", "serology", "A*24:02 A*24:03"),
        ("DRB4*NNNN", "absent", ""),
        ("A*UUUU", "unknown", ""),
    ],
)
def test_kinds_and_p_groups(resolver: Resolver, text: str, kind: str, p_groups: str) -> None:
    answer = interpret(text, resolver)

    assert list(answer) == KEYS
    assert (answer["kind"], " ".join(answer["p_groups"])) == (kind, p_groups)


@pytest.mark.parametrize(
    ("text", "split", "broad", "associated"),
    [
        ("A*02:01", "A2", "", ""),
        ("A*24:03", "A24", "A9", "A2403"),
        ("B*39:01", "B39", "B16", "B3901"),
        ("B*39:05", "B39", "B16", ""),
        ("B*38:09", "", "B16", ""),
        ("B*15:99", "", "B15 B70", ""),
        ("B*83:01", "B83", "", ""),  # nothing assigned: the first field
        ("A9", "", "A9", ""),
        ("C*12:02", "Cw12", "", ""),
        ("DQ7", "DQ7", "DQ3", ""),
        ("DRB3*01:01", "DR52", "", ""),
        ("A*02:15N", "", "", ""),
        ("DPB1*04:01", "DPw4", "", ""),
        ("DPB1*350:01", "", "", ""),  # no antigen has that name
        ("DQA1*01:01", "", "", ""),
        ("A*UUUU", "", "", ""),
    ],
)
def test_antigens_by_level(resolver: Resolver, text: str, split: str, broad: str, associated: str) -> None:
    assert antigens(interpret(text, resolver)) == (split, broad, associated)


@pytest.mark.parametrize(
    ("text", "expressed", "ambiguous", "null_possible"),
    [
        ("A*02:01:01G", True, False, ["A*02:01:01:03N"]),
        ("A*02:15N", False, False, []),
        ("A*02:18Q", True, False, []),
        ("A*UUUU", None, True, []),
        ("A*03:XX", True, True, ["A*03:03N"]),
        ("A*02:01+A*03:03N", True, False, []),
        ("A*03:03N+A*02:15N", False, False, []),
        ("A*UUUU+A*UUUU", None, True, []),
    ],
)
def test_expression(
    resolver: Resolver, text: str, expressed: bool | None, ambiguous: bool, null_possible: list[str]
) -> None:
    answer = interpret(text, resolver)

    assert (answer["expressed"], answer["ambiguous"], answer["null_possible"]) == (
        expressed,
        ambiguous,
        null_possible,
    )


def test_several_values_are_summed_up(resolver: Resolver) -> None:
    answer = interpret("B*39:01^A*24:02+A*02:02", resolver)

    assert set(answer) == {*KEYS, "values"}
    assert (answer["kind"], answer["locus"]) == ("multilocus", None)
    assert answer["canonical"] == "A*24:02+A*02:03^B*39:01"
    assert answer["p_groups"] == ["A*02:03", "A*24:02", "B*39:01"]
    assert antigens(answer) == ("A2 A24 B39", "A9 B16", "A203 B3901")
    assert "renamed" in answer["note_codes"]
    assert [value["input"] for value in answer["values"]] == ["A*24:02", "A*02:03", "B*39:01"]
    assert all(list(value) == KEYS for value in answer["values"])


def test_two_values_of_a_locus_are_a_genotype(resolver: Resolver) -> None:
    answer = interpret("A*02:01+A*24:02", resolver)

    assert (answer["kind"], answer["locus"]) == ("genotype", "A")


def test_one_value_beside_a_blank_stays_flat(resolver: Resolver) -> None:
    answer = interpret("A*02:01+", resolver)

    assert list(answer) == KEYS
    assert (answer["input"], answer["canonical"], answer["kind"]) == ("A*02:01+", "A*02:01", "allele")
    assert interpret("A*02:01+", resolver, blank="homozygous")["canonical"] == "A*02:01+A*02:01"


def test_alternatives_of_a_genotype(resolver: Resolver) -> None:
    answer = interpret("A*02:01+A*24:02|A*02:03+A*24:03", resolver)

    assert answer["kind"] == "genotype"
    assert answer["ambiguous"]
    assert answer["p_groups"] == ["A*02:01P", "A*02:03", "A*24:02", "A*24:03"]
    assert len(answer["values"]) == 2


def test_a_gl_string_code_and_its_note(resolver: Resolver) -> None:
    answer = interpret("hla#3.58.0#A*02:01", resolver)

    assert answer["canonical"] == "A*02:01"
    assert "other_release" in answer["note_codes"]


def test_a_value_without_locus(resolver: Resolver) -> None:
    assert interpret("02:01", resolver, locus="A")["canonical"] == "A*02:01"
    error = interpret("02:01", resolver)["error"]
    assert (error["locus"], error["text"], error["position"]) == (None, "02:01", 0)


def test_an_error_says_where_and_what_to_write(resolver: Resolver) -> None:
    answer = interpret("A*02:01+A*02:777^B*39:01", resolver)

    assert set(answer) == {"input", "error", "errors", "values"}
    assert answer["error"]["locus"] == "A"
    assert (answer["error"]["text"], answer["error"]["position"]) == ("A*02:777", 8)
    assert answer["error"]["message"]
    assert answer["error"]["hint"]
    assert [value["canonical"] for value in answer["values"]] == ["B*39:01"]


@pytest.mark.parametrize(
    "text", ["", "  ", "-", "Bw4", "A*02:ZZZZZ", "nonsense", "+", "A*02:01+A*24:02+A*03:01"]
)
def test_errors_have_all_keys(resolver: Resolver, text: str) -> None:
    answer = interpret(text, resolver)

    assert answer["input"] == text
    assert {"locus", "text", "position", "message", "hint"} <= answer["error"].keys()
    assert answer["errors"][0] == answer["error"]


@pytest.mark.parametrize(
    ("wide", "plain"),
    [
        ("A*02:01＋A*24:02", "A*02:01+A*24:02"),
        ("A*02:01＾B*39:01", "A*02:01^B*39:01"),
        ("A*02:01+A*24:02｜A*02:03+A*24:03", "A*02:01+A*24:02|A*02:03+A*24:03"),
        ("A*02:01～B*39:01", "A*02:01~B*39:01"),
        ("A*02:01？A*02:03", "A*02:01?A*02:03"),
        ("hla＃9.99.0＃A*02:01", "hla#9.99.0#A*02:01"),
    ],
)
def test_full_width_operators(resolver: Resolver, wide: str, plain: str) -> None:
    answer = interpret(wide, resolver)

    assert "error" not in answer
    assert answer["input"] == wide
    assert answer["canonical"] == interpret(plain, resolver)["canonical"]


def test_marks_of_an_untyped_locus_are_remarked_on(resolver: Resolver) -> None:
    answer = interpret("A*UUUU+A*UUUU", resolver)
    beside = interpret("A*NEW+^B*39:01", resolver)

    assert answer["note_codes"] == ["unknown_value"]
    assert answer["notes"] == ["A*UUUU: not typed; counts as unknown."]
    assert (beside["canonical"], beside["note_codes"]) == ("B*39:01", ["new_allele"])


def test_a_family_without_a_release(builtin: Resolver) -> None:
    answer = interpret("A*02:XX", builtin)

    assert (answer["p_groups"], answer["release"]) == ([], "built-in")
    assert answer["note_codes"] == ["groups_unknown"]
    assert interpret("A*02:01", builtin)["p_groups"] == ["A*02:01"]
    assert "groups_unknown" in interpret("A*02:XX+A*01:01", builtin)["note_codes"]


def test_a_reading_gives_the_same(resolver: Resolver) -> None:
    text = "A*02:01+A*24:02^B*39:01"
    reading = read_gl(text, resolver)

    assert Interpreter(resolver).of_reading(text, reading) == interpret(text, resolver)


def test_memory_is_bounded_and_changes_nothing(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 1)
    interpreter = Interpreter(resolver)

    for text in ("A*02:01+A*24:02", "A*03:01+A*24:02", "A*02:XX", "A*02:01+A*24:02"):
        assert interpreter.interpret(text) == interpret(text, resolver)
    assert len(interpreter._values) == 1


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60) | st.text("AB*:0123/+|^~?#NXwW -", max_size=40))
def test_no_text_is_too_strange(text: str, builtin: Resolver) -> None:
    answer = interpret(text, builtin)

    assert answer["input"] == text
    assert ("error" in answer) != ("canonical" in answer)
