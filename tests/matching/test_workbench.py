"""The typing workbench: its pages with and without the live check, hostile input, what a reader sees."""

from __future__ import annotations

import html
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from core.models import AuditEntry
from core.roles import Role
from hla.errors import TypingError
from hla.grades import GRADE_ORDER
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.release import compile_release
from hla.resolve import Resolver
from hla.text import Kind
from matching.presenters import workbench as words
from matching.presenters.words import CONFIDENCE, GRADE, grade_text
from matching.workbench import MAX_CHARACTERS, MAX_LINES, Workbench
from tests.factories.core import UserFactory
from tests.hla import toy_release
from tests.matching.test_pages_requests import client_of

WHOLE = "A*02:01+A*24:02^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01"


@pytest.fixture
def client(db: None) -> Client:
    return client_of(UserFactory(roles=[Role.SHIPPING]))


@pytest.fixture
def bench() -> Workbench:
    return Workbench(Resolver(Nomenclature.builtin(), EMPTY_MAC))


def url(name: str, **given: str) -> str:
    return f"{reverse(f'matching:{name}')}?{urlencode(given)}"


def page(client: Client, name: str, **given: str) -> str:
    response = client.get(url(name, **given))
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, name: str, *, live: bool = False, **given: str) -> Any:
    headers = {"HX-Request": "true"} if live else {}
    return client.post(reverse(f"matching:{name}"), given, headers=headers)


@pytest.mark.parametrize("name", ["workbench", "workbench-compare"])
def test_examples_do_what_they_say(client: Client, name: str) -> None:
    empty = client.get(reverse(f"matching:{name}"))

    assert empty.context["answer"] == {}
    said = html.unescape(empty.content.decode())
    assert "Qidai keeps and logs nothing of what you type here" in said
    assert "stays in your browser's history" in said  # the query of the address is what was typed
    for example in empty.context["examples"]:
        answer = client.get(reverse(f"matching:{name}") + example["url"]).context["answer"]
        found = answer.get("typings") or answer["sides"]
        wrong = [one for one in found if one["unreadable"]]
        assert bool(wrong) == (example["label"] == "With mistakes"), example


def test_a_typing_is_interpreted_value_by_value(client: Client) -> None:
    shown = page(client, "workbench", typing=f"{WHOLE}^DPB1*02:01")

    for text in (WHOLE, "A2", "B40", "DRB1*09:01", "HLA-B leader", "allele", "built-in nomenclature"):
        assert text in shown


def test_each_line_is_a_typing_of_its_own(client: Client) -> None:
    response = client.get(url("workbench", typing="A2\r\n\r\nB*46:01\nA*9999:1"))

    found = response.context["answer"]["typings"]
    assert [one["text"] for one in found] == ["A2", "B*46:01", "A*9999:1"]
    assert [bool(one["unreadable"]) for one in found] == [False, False, True]
    assert response.context["answer"]["summary"] == "2 values are read, 1 error"


def test_the_wrong_part_is_marked_and_the_cure_stands_beside(client: Client) -> None:
    shown = page(client, "workbench", typing="A*02:01+A*02:1^B*40:01")

    assert "A*02:01+<mark>A*02:1</mark>^B*40:01" in shown
    assert "Write fields of two to four digits" in shown
    assert "B40" in shown  # the rest is read all the same


def test_a_conflict_and_what_was_reported_beside(client: Client) -> None:
    shown = page(client, "workbench", typing="A*02:01+A*24:02^A1+A24")

    assert "Typing conflict." in shown
    assert "A1+A24 is reported beside the DNA typing" in shown


def test_the_form_leads_to_an_address_that_holds_the_input(client: Client) -> None:
    response = post(client, "workbench", typing="A2+A24\r\nB60", blank_homozygous="on")

    assert response.status_code == 302
    assert response["Location"] == url("workbench", typing="A2+A24\nB60", blank_homozygous="1")
    assert "B60" in client.get(response["Location"]).content.decode()


def test_an_empty_form_leads_to_the_empty_page(client: Client) -> None:
    assert post(client, "workbench", typing=" \n")["Location"] == reverse("matching:workbench")


def test_an_input_too_long_for_an_address_is_answered_at_once(client: Client) -> None:
    response = post(client, "workbench", typing="/".join(["A*02:01"] * 400))

    assert response.status_code == 200
    assert "too long for an address" in response.content.decode()


def test_the_live_check_answers_with_the_answer_only(client: Client) -> None:
    response = post(client, "workbench", live=True, typing="B60")

    shown = response.content.decode()
    assert "<html" not in shown
    assert "B60" in shown
    assert 'hx-swap-oob="innerHTML:#said"' in shown
    assert response["HX-Replace-Url"] == url("workbench", typing="B60")


def test_the_live_check_of_a_text_too_long_keeps_it_out_of_the_address(client: Client) -> None:
    response = post(client, "workbench", live=True, typing="A*02:01/" * 400 + "A*02:06")

    assert response["HX-Replace-Url"] == reverse("matching:workbench")


def test_homozygous_if_a_single_value_means_that(client: Client) -> None:
    shown = page(client, "workbench", typing="A*02:01", blank_homozygous="1")

    assert "A*02:01+A*02:01" in shown
    assert "Blank second value read as homozygous." in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * (MAX_CHARACTERS + 1), "At most 10000 characters are read here, these are 10001."),
        ("A2\n" * (MAX_LINES + 1), "At most 100 lines are read here, these are 101."),
        ("A2\0", "Null characters are not allowed."),
    ],
)
def test_limits_say_what_they_are(client: Client, text: str, said: str) -> None:
    for live in (False, True):
        response = post(client, "workbench", live=live, typing=text)
        assert response.status_code == 200
        assert said in response.content.decode()
        assert "HX-Replace-Url" not in response


HOSTILE = [
    "<script>alert(1)</script>" * 400,
    "A*02:01+" * 1_250,
    "^|~?#+/" * 1_428,
    "A*" + "0" * 9_000,
    "A*02:XX/" * 1_200,
    "\u202e\U0001f9ec＊" * 3_000,
    "A*02:XX+A*24:XX|" * 600,
    "A*02:XX~B*15:XX+" * 600,
    "\n".join(["A*02:XX+A*24:XX|A*01:XX+A*03:XX^B*15:XX+B*40:XX"] * MAX_LINES),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["workbench", "workbench-compare"])
def test_hostile_input_is_answered_and_never_as_markup(client: Client, name: str, text: str) -> None:
    given = text[:MAX_CHARACTERS]
    fields = {"typing": given} if name == "workbench" else {"patient": given, "unit": given}
    start = time.process_time()

    response = post(client, name, live=True, **fields)

    assert response.status_code == 200
    assert time.process_time() - start < 20, "the work grows out of proportion to the text"
    assert "<script" not in response.content.decode()


def test_two_typings_are_compared_with_every_reason(client: Client) -> None:
    response = client.get(url("workbench-compare", patient=WHOLE, unit=WHOLE.replace("A*02:01", "A*02:06")))

    shown = response.content.decode()
    assert [figure["value"] for figure in response.context["answer"]["figures"]][:2] == ["6/6", "5/6"]
    for text in (
        "antigen match, allele mismatch",  # the word of the mark
        "split antigen · allele mismatch",
        "Different alleles of the antigen A2.",
        "Both are A*24:02.",
        "B, DRB1: both positions match",
        "antigens: splits of one broad differ",
        "Antigen level: 2 of 2.",
        "HLA-B leader, patient",
    ):
        assert text in shown


def test_loci_may_stand_on_lines_and_errors_name_their_side(client: Client) -> None:
    shown = page(client, "workbench-compare", patient="A*02:01\nB*40:01+B*46:9", unit="A2+A24")

    assert "B*40:01+<mark>B*46:9</mark>" in shown
    assert "cannot be compared yet" in shown
    assert "How the classes add up" not in shown


def test_the_antigen_rule_decides_about_two_splits(client: Client) -> None:
    values = {}
    for rule in ("split", "broad"):
        given = {"patient": "A*25:01+A*24:02", "unit": "A*26:01+A*24:02", "antigen_rule": rule}
        answer = client.get(url("workbench-compare", **given)).context["answer"]
        values[rule] = answer["loci"][0]["positions"][0]["mark"]

    assert values == {"split": "mismatch", "broad": "antigen"}


def test_a_conflict_of_either_side_is_told(client: Client) -> None:
    shown = page(client, "workbench-compare", patient="A*02:01+A*24:02^A1", unit="A2+A24")

    assert "Patient: Typing conflict." in shown


def test_nothing_is_stored_or_recorded(
    client: Client, django_assert_num_queries: Any, references_held: None
) -> None:
    post(client, "workbench", live=True, typing=WHOLE)
    with django_assert_num_queries(2) as few:  # session, person
        post(client, "workbench", live=True, typing=WHOLE)
    with django_assert_num_queries(2) as many:
        post(client, "workbench", live=True, typing="\n".join([WHOLE] * 20))

    statements = [query["sql"] for query in (*few.captured_queries, *many.captured_queries)]
    assert all(sql.startswith("SELECT") for sql in statements)
    assert not AuditEntry.objects.exists()


def test_chinese_reader_gets_chinese(client: Client) -> None:
    client.cookies["django_language"] = "zh-hans"
    user = UserFactory(roles=[Role.QA], language="zh-hans")

    shown = page(client_of(user), "workbench-compare", patient="A*02:01+A*02:1", unit="A2")

    assert "分型工作台" in shown
    assert "is not a typing of" not in shown


@pytest.mark.parametrize(
    ("text", "error", "part"),
    [
        ("A*02:01", TypingError("malformed", locus="A", text="02:01", position=2, example=""), "02:01"),
        ("  A 2 9 ", TypingError("malformed", locus="A", text="A29", position=0, example=""), "A 2 9"),
        ("A*02", TypingError("empty", locus=None, text="A*02", position=99), "2"),
        ("A*02", TypingError("empty", locus=None, text="A*02"), None),
        ("", TypingError("empty", locus=None, text="", position=0), None),
    ],
)
def test_wrong_part(text: str, error: TypingError, part: str | None) -> None:
    place = words.wrong_part(text, error)

    assert (text[slice(*place)] if place else None) == part


def test_a_long_text_is_shown_around_what_is_wrong(bench: Workbench) -> None:
    text = "^".join(["A*02:01+A*24:02", *["B*40:01/B*40:02"] * 100, "B*99:9"])

    parts = words.marked(text, bench.explain(text).errors)

    assert sum(len(part["text"]) for part in parts) < len(text)
    assert any(part["bad"] for part in parts)
    assert "…" in [part["text"] for part in parts]


def test_a_text_of_many_errors_names_the_first_and_counts_the_rest(bench: Workbench) -> None:
    text = "^".join(["A*9999"] * 40)

    found = words.unreadable(text, bench.explain(text).errors)

    assert len(found["errors"]) == words.ERRORS_SHOWN
    assert found["more"] > 0


def test_every_word_of_the_kernel_has_one_for_people() -> None:
    with translation.override("en"):
        assert set(GRADE) == set(GRADE_ORDER)
        assert set(CONFIDENCE) == {"definite", "exact", "potential", "mismatch"}
        resolved = {Kind.OLD_NAME, Kind.SMALL_G}  # are shown as what they are now
        assert set(words.KIND) == {str(kind) for kind in Kind} - resolved


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workbench with a release that knows T-cell-epitope groups."""
    release = compile_release(toy_release.write(tmp_path_factory.mktemp("release")))
    return Workbench(Resolver(release, EMPTY_MAC))


def dpb1_of(toy: Workbench, patient: str, unit: str) -> dict[str, Any]:
    texts = {"patient": patient, "unit": unit}
    return words.compared(toy, toy.compare(**texts), texts)["facts"][0]


def test_t_cell_epitope_groups_of_a_person(toy: Workbench) -> None:
    with translation.override("en"):
        (locus,) = words.interpreted(toy, [toy.explain("DPB1*09:01+DPB1*350:01")])["typings"][0]["loci"]
        (without,) = words.interpreted(toy, [toy.explain("DPB1*104:01")])["typings"][0]["loci"]

    assert locus["facts"] == [
        {
            "label": "T-cell-epitope group",
            "value": "1",
            "note": "DPB1*09:01: 1 · DPB1*350:01: 3 (predicted)",
        }
    ]
    assert without["facts"] == []


@pytest.mark.parametrize(
    ("patient", "unit", "said", "note"),
    [
        ("DPB1*04:01+DPB1*05:01", "DPB1*05:01+DPB1*105:01", "permissive mismatch", "patient 3, unit 3"),
        (
            "DPB1*04:01+DPB1*05:01",
            "DPB1*03:01+DPB1*05:01",
            "non-permissive mismatch (HvG)",
            "patient 3, unit 2",
        ),
        ("DPB1*107:01+DPB1*05:01", "DPB1*05:01+DPB1*04:01", "non-permissive mismatch (GvH)", "(predicted)"),
        ("DPB1*04:01+DPB1*05:01", "DPB1*05:01+DPB1*04:01", "matched", "patient 3, unit 3"),
        ("DPB1*04:01+DPB1*05:01", "DPB1*104:01+DPB1*05:01", "cannot tell", "unit cannot tell"),
        ("A*02:01", "A*02:01", "cannot tell", ""),
    ],
)
def test_dpb1_in_words(toy: Workbench, patient: str, unit: str, said: str, note: str) -> None:
    with translation.override("en"):
        found = dpb1_of(toy, patient, unit)
        assert str(found["value"]) == said
        assert note in found["note"]


def test_of_many_genotypes_the_first_are_shown(bench: Workbench) -> None:
    text = "|".join(f"A*02:{n:02d}+A*24:{n:02d}" for n in range(1, 21))

    (locus,) = words.interpreted(bench, [bench.explain(text)])["typings"][0]["loci"]

    assert locus["genotypes_cut"] == locus["genotypes"] - words.GENOTYPES_SHOWN > 0
    assert len(locus["values"]) == 2 * words.GENOTYPES_SHOWN


@pytest.mark.parametrize(
    ("value", "tone"),
    [
        ({"expressed": None, "ambiguous": True}, ""),
        ({"expressed": False, "ambiguous": False}, "warn"),
        ({"expressed": True, "ambiguous": True}, "maybe"),
        ({"expressed": True, "ambiguous": False}, "good"),
    ],
)
def test_expression_has_a_word_and_a_tone(value: dict[str, Any], tone: str) -> None:
    assert words.expressed(value)["tone"] == tone
    assert words.expressed(value)["text"]


def test_a_position_of_an_older_engine_has_no_grade() -> None:
    assert grade_text({"verdict": "allele"}) == ""
