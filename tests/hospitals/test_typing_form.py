"""The typing grid takes whatever people paste into it: it reads it or says what is wrong."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from core import typings
from core.typings import TypingInput, interpret, read_pair
from hla.errors import TypingError
from hla.loci import LOCI
from hospitals.choices import BlankRule
from hospitals.typing_form import TypingForm, typing_initial
from hospitals.views_patients import typing_check
from tests.factories.hospitals import GL

# the nomenclature in force comes from the database
pytestmark = pytest.mark.django_db

# what a keyboard, a Chinese input method, a spreadsheet or a PDF leaves behind
CHARS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("AB*:/+^0123456789GPNXLU- \u3000\u2009＊：０１\x00"),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(
    st.fixed_dictionaries({}, optional={f"hla_{locus}_{n}": CHARS for locus in LOCI[:4] for n in (1, 2)}),
    CHARS,
)
def test_any_text_is_read_or_refused_with_a_reason(fields: dict[str, str], gl: str) -> None:
    form = TypingForm({**fields, "gl": gl})

    if form.is_valid():
        assert form.given().is_empty or form.interpretation.loci
    else:
        assert all(str(error) for errors in form.errors.values() for error in errors)
    assert [row.locus for row in form.shown_rows()]


@settings(deadline=None)
@given(st.sampled_from(LOCI), CHARS, CHARS, st.sampled_from(BlankRule.values))
def test_one_locus_is_read_or_each_problem_names_its_input(
    locus: str, first: str, second: str, blank: str
) -> None:
    read = read_pair(locus, first, second, blank)

    if isinstance(read, tuple):
        assert read
        assert {problem.position for problem in read} <= {0, 1, 2}
    else:
        assert read.locus == locus


@settings(deadline=None, max_examples=50)
@given(CHARS, CHARS)
def test_live_check_answers_anything(first: str, second: str) -> None:
    view = (
        typing_check.__wrapped__.__wrapped__
        if hasattr(typing_check.__wrapped__, "__wrapped__")
        else typing_check.__wrapped__
    )
    request = RequestFactory().post("/", {"locus": "A", "hla_A_1": first, "hla_A_2": second})

    assert view(request).status_code == 200


def test_reading_again_what_was_read_changes_nothing() -> None:
    first = interpret(TypingInput(gl=GL))

    again = interpret(
        TypingInput(values={name: (locus.first, locus.second) for name, locus in first.loci.items()})
    )

    assert again.typing().gl() == first.typing().gl()
    assert (again.problems, again.twice) == ((), ())


def test_grid_and_gl_complete_one_another() -> None:
    read = interpret(TypingInput(values={"A": ("A*11:01", "A*24:02")}, gl="B*40:01+B*46:01"))

    assert list(read.loci) == ["A", "B"]
    assert (read.problems, read.twice) == ((), ())


def test_the_same_locus_twice_is_fine_when_it_says_the_same() -> None:
    same = interpret(TypingInput(values={"A": ("A*11:01", "A*24:02")}, gl="A*11:01+A*24:02"))
    other = interpret(TypingInput(values={"A": ("A*11:01", "A*24:02")}, gl="A*11:01+A*02:01"))

    assert (same.problems, same.twice) == ((), ())
    assert other.twice == ("A",)


@pytest.mark.parametrize("text", ["A*11:01+A*24:02^B*nonsense^C*xx", "|", "A*02:01+A*02:02+A*02:03"])
def test_all_errors_of_a_gl_string_are_listed(text: str) -> None:
    read = interpret(TypingInput(gl=text))

    assert len(read.problems) == max(1, text.count("^"))
    assert {problem.locus for problem in read.problems} == {None}


def test_initial_values_of_a_stored_typing() -> None:
    initial = typing_initial({"A": ["A*11:01", ""]}, BlankRule.HOMOZYGOUS)

    assert initial == {"blank_homozygous": True, "gl": "", "hla_A_1": "A*11:01", "hla_A_2": ""}


def test_an_error_of_the_pair_is_nobodys_fault_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_pairs(locus: str, first: str, second: str, blank: str) -> None:
        if first and second:
            raise TypingError("too_many_values", locus=locus, text=first, count=2)

    monkeypatch.setattr(typings, "_parse", refuse_pairs)

    read = read_pair("A", "A*02:01", "A*24:02", BlankRule.UNKNOWN)

    assert [problem.position for problem in read] == [0]


def doubts_of(**fields: str) -> list[str]:
    form = TypingForm(fields)
    assert form.is_valid(), form.errors
    return [doubt.code for doubt in form.doubts() if doubt.code != "not_searchable"]


def test_antigens_may_stand_in_the_grid() -> None:
    read = interpret(TypingInput(values={"A": ("A2", "24:02"), "DRB1": ("DR15", "")}))

    assert (read.problems, read.twice) == ((), ())
    assert read.typing().gl() == "A2+A*24:02^DR15"


def test_genotype_lists_may_stand_in_the_grid() -> None:
    read = interpret(TypingInput(values={"A": ("A*02:01|A*02:05", "A*24:02|A*24:03")}))

    assert (read.problems, read.twice) == ((), ())
    assert read.typing().gl() == "A*02:01+A*24:02|A*02:05+A*24:03"
    form = TypingForm({"hla_A_1": "A*02:01|A*02:05", "hla_A_2": "A*24:02|A*24:03"})
    assert next(form.shown_rows()).read is None  # not read yet
    assert form.is_valid()
    assert next(form.shown_rows()).reading == "A*02:01+A*24:02|A*02:05+A*24:03"


def test_alternatives_of_different_number_are_the_pair_s_fault() -> None:
    read = interpret(TypingInput(values={"A": ("A*02:01|A*03:01", "A*24:02")}))

    assert [(problem.position, problem.error.code) for problem in read.problems] == [
        (0, "alternatives_differ")
    ]


def test_a_bad_alternative_is_its_value_s_fault() -> None:
    read = interpret(TypingInput(values={"A": ("A*02:01", "A*24:02|A*24")}))
    bad = interpret(TypingInput(values={"A": ("A*02:01", "A*24:02｜A*24:x")}))

    assert [problem.position for problem in read.problems] == [0]
    assert [problem.position for problem in bad.problems] == [2]


@pytest.mark.parametrize(
    ("grid", "gl"), [(("A*02:01", "A*24:02"), "A2+A24"), (("A2", "A24"), "A*02:01+A*24:02")]
)
def test_grid_and_gl_may_hold_dna_and_antigens_of_one_locus(grid: tuple[str, str], gl: str) -> None:
    read = interpret(TypingInput(values={"A": grid}, gl=gl))

    assert (read.problems, read.twice) == ((), ())
    assert read.loci["A"].serology == ("A2", "A24")
    assert read.typing().gl() == "A*02:01+A*24:02^A2+A24"
    assert not read.conflicts()


def test_two_different_reports_of_antigens_are_still_one_too_many() -> None:
    read = interpret(TypingInput(values={"A": ("A2", "A24")}, gl="A2+A11"))

    assert read.twice == ("A",)


def test_antigens_that_the_dna_excludes_are_a_doubt_to_confirm() -> None:
    (code,) = doubts_of(gl="A*02:01+A*24:02^A1+A24")
    assert code.startswith("typing_conflict_A_")
    with translation.override("zh-hans"):
        assert doubts_of(gl="A*02:01+A*24:02^A1+A24") == [code]  # whoever confirms in another language
    assert doubts_of(gl="A*02:01+A*24:02^A3+A24") != [code]
    assert doubts_of(gl="A*02:01+A*24:03^A1+A24") != [code]
    assert doubts_of(hla_A_1="A*02:01", hla_A_2="A*24:02", gl="A2") == []


def test_a_stored_typing_comes_back_with_its_antigens() -> None:
    first = interpret(TypingInput(gl="A*02:01+A*24:02^A1+A24^B60"))
    gl = first.typing().gl()
    initial = typing_initial({k: list(v) for k, v in first.typed.items()}, "", typings.serology_beside(gl))

    again = TypingForm(initial)

    assert initial["gl"] == "A1+A24"
    assert again.is_valid()
    assert again.interpretation.typing().gl() == gl


def test_remarks_on_a_gl_string_as_a_whole_are_kept() -> None:
    read = interpret(TypingInput(gl="hla#3.1.0#A*02:01~B*40:01+A*24:02~B*46:01"))

    assert [code for locus, code, _params in read.notes() if not locus] == ["other_release", "phase"]


@pytest.mark.parametrize(
    ("gl", "shown"),
    [
        ("", ""),
        ("A*02:01+A*24:02^A1", "contradict the DNA typing"),
        ("A*02:1", "is not a typing of HLA-A"),
        ("A*0201", "check"),
    ],
)
def test_a_pasted_gl_string_is_checked_live(gl: str, shown: str) -> None:
    view = typing_check.__wrapped__.__wrapped__
    request = RequestFactory().post("/", {"locus": "gl", "gl": gl})

    answer = view(request).content.decode()

    assert shown in answer
