"""/api/v1/hla/: hla_explain and hla_compare over HTTP, one or many, in the reader's language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry
from core.roles import Role
from hla.mac import EMPTY_MAC
from hla.release import compile_release
from hla.resolve import Resolver
from matching import api_hla, reference
from matching.workbench import MAX_PAIRS, MAX_TYPINGS, Workbench
from tests.factories.core import UserFactory
from tests.hla import toy_release
from tests.matching.test_pages_requests import client_of

INTERPRET, COMPARE = "/api/v1/hla/interpret", "/api/v1/hla/compare"
WHOLE = "A*02:01+A*24:02^B*40:01+B*46:01^C*01:02+C*03:04^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"
EXPLAINED = {
    "input", "locus", "kind", "canonical", "p_groups", "antigens", "expressed", "ambiguous", "null_possible", "notes",
    "release",
}  # fmt: skip
COMPARED = {"id", "loci", "classes", "directions", "dpb1", "b_leader", "conflicts", "release"}


@pytest.fixture
def client(db: None) -> Client:
    return client_of(UserFactory(roles=[Role.AUDITOR]))


def ask(client: Client, address: str, data: Any, status: int = 200) -> Any:
    response = client.post(address, data, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


def test_addresses_are_those_of_the_documentation() -> None:
    assert reverse("api:hla-interpret") == INTERPRET
    assert reverse("api:hla-compare") == COMPARE


def test_one_value_by_get_and_post(client: Client) -> None:
    answer = client.get(INTERPRET, {"typing": "02:01", "locus": "A"}).json()

    assert set(answer) >= EXPLAINED
    assert (answer["input"], answer["locus"], answer["canonical"]) == ("02:01", "A", "A*02:01")
    assert answer["antigens"] == {"split": ["A2"], "broad": [], "associated": []}
    assert ask(client, INTERPRET, {"typing": "02:01", "locus": "A"}) == answer


def test_a_gl_string_gives_the_keys_summed_up_and_each_value(client: Client) -> None:
    answer = ask(client, INTERPRET, {"typing": "A*02:01+A*24:02^B60", "blank": "homozygous"})

    assert set(answer) >= EXPLAINED
    assert answer["kind"] == "multilocus"
    assert [value["canonical"] for value in answer["values"]] == ["A*02:01", "A*24:02", "B60", "B60"]
    assert all(set(value) >= EXPLAINED for value in answer["values"])


def test_of_many_the_wrong_ones_carry_their_error_and_the_rest_is_computed(client: Client) -> None:
    given = ["A*02:01", "A*02:1", {"typing": "09:01", "locus": "DRB1"}, {"typing": "9", "locus": "DRB1"}, ""]

    answer = ask(client, INTERPRET, {"typings": given})

    assert (answer["count"], answer["invalid"], answer["release"]) == (5, 3, "built-in")
    good, bad, named, short, empty = answer["results"]
    assert (good["canonical"], named["canonical"]) == ("A*02:01", "DRB1*09:01")
    assert bad["error"] == {
        "locus": "A",
        "text": "A*02:1",
        "position": 0,
        "message": "A*02:1 is not a typing of HLA-A.",
        "hint": "Write fields of two to four digits with colons, such as A*01:01.",
        "code": "malformed",
        "params": {"locus": "A", "text": "A*02:1", "example": "A*01:01"},
    }
    assert short["error"]["locus"] == "DRB1"
    assert empty["error"]["code"] == "empty"


def test_one_pair_by_get_and_post(client: Client) -> None:
    given = {"patient": WHOLE, "unit": WHOLE.replace("A*02:01", "A*02:06"), "id": "R1"}

    answer = client.get(COMPARE, given).json()

    assert set(answer) >= COMPARED
    assert answer["id"] == "R1"
    assert answer["classes"]["allele10"] == {"min": 9, "max": 9}
    position = answer["loci"]["A"]["positions"][0]
    assert {"patient", "unit", "grade", "confidence", "why"} <= set(position)
    assert position["why"]["code"] == "antigen_equal"
    assert position["why"]["text"] == "Different alleles of the antigen A2."
    assert ask(client, COMPARE, given) == answer


def test_many_pairs(client: Client) -> None:
    pairs = [
        {"id": "good", "patient": WHOLE, "unit": WHOLE},
        {"id": "bad", "patient": "A*02:01", "unit": "A*02:1^B*7"},
        {"patient": "A*02:01^A1", "unit": ""},
        {"patient": "A*02:01+A*24:02^A1", "unit": "A2"},
    ]

    answer = ask(client, COMPARE, {"pairs": pairs, "antigen_rule": "broad"})

    assert (answer["count"], answer["invalid"]) == (4, 2)
    good, bad, empty, conflict = answer["results"]
    assert good["classes"]["allele8"] == {"min": 8, "max": 8}
    assert good["antigen_rule"] == "broad"
    assert bad["id"] == "bad"
    assert [error["side"] for error in bad["errors"]] == ["unit", "unit"]
    assert empty["error"]["code"] == "empty"
    assert conflict["conflicts"][0]["code"] == "typing_conflict"
    assert conflict["conflicts"][0]["side"] == "patient"
    assert any("decides" in note for note in conflict["notes"]["patient"])


def test_sentences_are_in_the_reader_s_language_and_codes_stay(db: None) -> None:
    client = client_of(UserFactory(roles=[Role.LAB], language="zh-hans"))

    bad = ask(client, INTERPRET, {"typing": "A*02:1"})["error"]
    note = ask(client, INTERPRET, {"typing": "A*02:01+A*24:02^A2"})
    family = ask(client, INTERPRET, {"typing": "A*02:XX"})
    why = ask(client, COMPARE, {"patient": "A2+A2", "unit": "A24+A24"})["loci"]["A"]["positions"][0]["why"]

    assert bad["code"] == "malformed"
    assert "is not a typing" not in bad["message"]
    assert "serology_beside" in note["note_codes"]
    assert not any("decides" in text for text in note["notes"])
    assert len(note["notes"]) == len(note["note_codes"]) == len(note["note_params"])
    assert "groups_unknown" in family["note_codes"]
    assert "Which P groups" not in " ".join(family["notes"])
    assert why["code"] == "mismatch_different"
    assert why["params"] == {"patient_antigen": "A2", "unit_antigen": "A24"}
    assert "different antigens" not in why["text"]


@pytest.mark.parametrize(
    ("address", "data"),
    [
        (INTERPRET, {}),
        (INTERPRET, []),
        (INTERPRET, {"typing": "A2", "typings": ["A2"]}),
        (INTERPRET, {"typing": 5, "typings": []}),
        (INTERPRET, {"typings": []}),
        (INTERPRET, {"typings": [None]}),
        (INTERPRET, {"typings": [{"locus": "A"}]}),
        (INTERPRET, {"typings": [{"typing": "A2", "locus": "Q"}]}),
        (INTERPRET, {"typings": "A2"}),
        (INTERPRET, {"typings": ["A2"] * (MAX_TYPINGS + 1)}),
        (INTERPRET, {"typings": ["A" * 2_000] * 600}),
        (INTERPRET, {"typing": "A2", "blank": "both"}),
        (COMPARE, {"patient": "A2"}),
        (COMPARE, {"pairs": [{"patient": "A2"}]}),
        (COMPARE, {"pairs": [{"patient": "A2", "unit": "A2"}] * (MAX_PAIRS + 1)}),
        (COMPARE, {"patient": "A2", "unit": "A2", "antigen_rule": "none"}),
        (COMPARE, {"unit": "A2"}),
    ],
)
def test_a_malformed_call_is_a_400_that_says_why(client: Client, address: str, data: Any) -> None:
    error = ask(client, address, data, status=400)["error"]

    assert set(error) == {"code", "message", "fields", "details"}
    assert error["fields"]


@pytest.mark.parametrize("body", ["{", '{"typing": "\\u0000"}', '"A2"'])
def test_a_body_that_is_no_call(client: Client, body: str) -> None:
    response = client.post(INTERPRET, body, content_type="application/json")

    assert response.status_code == 400
    assert set(response.json()) == {"error"}


def test_nobody_asks_without_signing_in(db: None) -> None:
    assert Client().get(INTERPRET, {"typing": "A2"}).status_code in (401, 403)


def test_a_full_batch_asks_for_nobody_else_and_keeps_nothing(
    client: Client, django_assert_num_queries: Any, references_held: None
) -> None:
    ask(client, INTERPRET, {"typing": "A2"})
    typings = [f"A*02:{n:02d}+A*24:02^B*40:01/40:02+B*15:XX" for n in range(1, MAX_TYPINGS + 1)]
    pairs = [{"id": str(n), "patient": WHOLE, "unit": typings[n]} for n in range(MAX_PAIRS)]

    with django_assert_num_queries(2):  # session, person
        interpreted = ask(client, INTERPRET, {"typings": typings})
    with django_assert_num_queries(2):
        compared = ask(client, COMPARE, {"pairs": pairs})

    assert (interpreted["invalid"], compared["invalid"]) == (0, 0)
    assert not AuditEntry.objects.exists()


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A release is in use, so that families name their P groups."""
    found = Resolver(compile_release(toy_release.write(tmp_path)), EMPTY_MAC)
    monkeypatch.setattr(reference, "resolver", lambda: found)
    return found


def test_a_call_whose_answer_would_be_huge_is_refused_before_it_is_built(
    client: Client, release: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_hla, "MAX_GROUPS", 24)
    family = {"typing": "02:XX", "locus": "A"}  # six P groups
    typings = ["A*02:XX+A*24:02", family, "A*02:XX", "A*77:77", {"typing": "77:XX", "locus": "A"}, "A*02:XX"]
    monkeypatch.setattr(Workbench, "explain", lambda *args, **options: pytest.fail("built"))

    error = ask(client, INTERPRET, {"typings": typings}, status=400)["error"]
    assert error["fields"]["typings"] == [
        "The typings of one call may stand for at most 24 P groups in all, these stand for 25. "
        "Ask for fewer typings at once."
    ]

    monkeypatch.undo()
    monkeypatch.setattr(reference, "resolver", lambda: release)
    monkeypatch.setattr(api_hla, "MAX_GROUPS", 25)
    assert ask(client, INTERPRET, {"typings": typings})["count"] == 6


@pytest.mark.parametrize("typing", ["02:01＋24:02", "A*02:01＋A*24:02"])
def test_full_width_operators_of_a_value_whose_locus_is_told(client: Client, typing: str) -> None:
    told = ask(client, INTERPRET, {"typing": typing, "locus": "A"})
    plain = ask(client, INTERPRET, {"typing": typing.replace("＋", "+"), "locus": "A"})

    assert told.get("canonical") == plain.get("canonical")
    assert told.get("error", {}).get("code") == plain.get("error", {}).get("code")


def test_the_schema_shows_both_with_examples(client: Client) -> None:
    schema = client.get(reverse("api:schema"), {"format": "json"}).json()

    for address in (INTERPRET, COMPARE):
        described = schema["paths"][address]
        assert set(described) == {"get", "post"}
        assert described["post"]["requestBody"]["content"]["application/json"]["examples"]
