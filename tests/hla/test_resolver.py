"""What a text denotes by a release, and what a resolver keeps."""

from __future__ import annotations

import pytest

from hla.ciwd import CiwdTable
from hla.errors import TypingError
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from tests.hla.reading import names


def test_resolver_is_shared(toy: Nomenclature, toy_mac: MacTable) -> None:
    assert resolver_for(toy, toy_mac) is resolver_for(toy, toy_mac)


def test_resolver_forgets_when_it_has_kept_too_much(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.resolve.MAX_KEPT", 2)

    first = resolver.position("A", "A*02:01")
    for text in ("A*02:03", "A*24:02", "A*23:01"):
        resolver.position("A", text)

    assert resolver.position("A", "A*02:01") == first
    assert resolver.position("A", "A*02:01") is not first


def test_ambiguity(resolver: Resolver) -> None:
    assert not resolver.position("A", "A*02:01:01G").ambiguous
    assert resolver.position("A", "A*02:01/A*02:03").ambiguous
    assert resolver.position("A", "").ambiguous
    assert resolver.position("A", "A*02:15N").null


def test_the_union_of_alternatives(resolver: Resolver) -> None:
    found = resolver.position("A", "A*02:01|A*02:15N|A*02:18Q")

    assert names(resolver, found) == {"A*02:01P", "A*02:18"}
    assert (found.null, found.null_possible, found.questionable) == (False, ("A*02:15N",), ("A*02:18Q",))
    assert resolver.position("A", "A*02:01|").unknown
    assert resolver.position("A", "A*02:15N|A*03:03N").null
    assert resolver.position("A", "A*02:01|A*02:AB").kind == "list"


def test_complete_names_of_a_value(resolver: Resolver) -> None:
    assert resolver.alleles("A", "A*02:01:01") == ("02:01:01:01", "02:01:01:02L")
    assert resolver.alleles("A", "A*02:01:01G") == ("02:01:01:01", "02:01:01:02L", "02:09")
    assert resolver.alleles("A", "A*02:01P") == ("02:01:01:01", "02:01:01:02L", "02:01:02", "02:09")
    assert resolver.alleles("A", "A*02:15N") == ("02:15N",)
    assert resolver.alleles("A", "A*24:XX") == ("24:02:01", "24:03")
    assert resolver.alleles("A", "A*02:AC") == (*resolver.alleles("A", "A*02:01"), "02:03", "02:09")
    assert resolver.alleles("A", "A*24:AB/A*03:01|A*23:01") == ("03:01", "23:01", "24:02:01")
    assert resolver.alleles("B", "B39") == ("38:09", "39:01", "39:02", "39:05")
    assert resolver.alleles("A", "") == resolver.alleles("A", "A*UUUU") == ()
    assert resolver.alleles("DRB3", "NNNN") == ()


def test_rare_alleles_and_common_nulls_are_noted(toy: Nomenclature, toy_mac: MacTable) -> None:
    table = CiwdTable.from_text("ALLELE,TOTAL\nA*02:01,C\nA*24:02,I\nA*24:09N,WD\nA*03:01,R\n", "1.0.0")
    resolver = Resolver(toy, toy_mac, table)

    def noted(text: str) -> list[str]:
        return [note.code for note in resolver.position("A", text).notes]

    assert noted("A*02:01:01:01") == []
    assert noted("A*03:01") == ["rare_allele"]
    assert noted("A*02:03") == ["rare_allele"]
    assert noted("A*24:XX") == ["null_possible", "null_common"]
    assert noted("A*02:01:01G") == ["null_possible"]
    assert resolver.position("A", "A*24:XX").notes[1].params["names"] == "A*24:09N"


def test_a_list_of_known_members_is_not_read_again(resolver: Resolver) -> None:
    read = resolver.position("A", "A*02:03/A*02:01")
    again = resolver.position("A", "A*02:01/A*02:03")

    assert again == read
    assert resolver.plain("A*02:01/A*02:03/A*02:01") == read
    assert resolver.plain("A*02:01/A*24:02") is None
    assert resolver.plain("A*02:01/02:03") is None
    assert resolver.plain("02:01") is None
    assert resolver.position("A", "A*02:01/A*02:03").kind == "list"
    with pytest.raises(TypingError, match="belongs to HLA-A"):
        resolver.position("B", "A*02:01/A*02:03")


def test_details_and_members_are_forgotten_when_there_are_too_many(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.resolve.MAX_KEPT", 2)
    monkeypatch.setattr("hla.members.MAX_CODES", 2)

    for text in ("A*02:01", "A*02:03", "A*24:02", "A*23:01", "A*02:AB", "A*02:AC", "A*24:AB"):
        resolver.position("A", text)
        resolver.details("A", text)

    assert resolver.details("A", "A*02:03").single
    assert resolver.details("A", "A*02:01").g_groups == {"02:01:01", "02:01:02"}


def test_answers_are_kept_as_long_as_the_resolver(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.resolve.MAX_KEPT", 2)
    asked: list[str] = []

    def question(_resolver: Resolver, text: str) -> str | None:
        asked.append(text)
        return None if text == "none" else text

    for text in ("none", "none", "one", "one", "two", "none"):
        assert resolver.kept(question, text) == (None if text == "none" else text)

    assert asked == ["none", "one", "two", "none"]
