"""Reading typings: every form, every refusal, what is noted."""

from __future__ import annotations

import pytest

from hla.errors import CODES, HINTS, NOTES, Note, TypingError
from hla.loci import LOCI, locus_of
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from hla.text import MAX_LENGTH
from hla.typing import Blank, LocusTyping, Typing, parse_gl, parse_pair, read_gl


class Reader:
    """Reads with the made-up release."""

    def __init__(self, nomenclature: Nomenclature, mac: MacTable) -> None:
        self.nomenclature, self.mac = nomenclature, mac

    def pair(self, locus: str, first: str, second: str = "", blank: Blank = "unknown") -> LocusTyping:
        return parse_pair(locus, first, second, nomenclature=self.nomenclature, mac=self.mac, blank=blank)

    def gl(self, text: str, blank: Blank = "unknown") -> Typing:
        return parse_gl(text, nomenclature=self.nomenclature, mac=self.mac, blank=blank)

    def error(self, text: str, locus: str = "A") -> TypingError:
        with pytest.raises(TypingError) as caught:
            self.pair(locus, text)
        return caught.value

    def errors(self, text: str) -> list[tuple[str, int | None]]:
        found = read_gl(text, nomenclature=self.nomenclature, mac=self.mac).errors
        return [(error.code, error.position) for error in found]


@pytest.fixture(scope="module")
def reader(toy: Nomenclature, toy_mac: MacTable) -> Reader:
    return Reader(toy, toy_mac)


def codes(typing: LocusTyping) -> list[str]:
    return [note.code for note in typing.notes]


@pytest.mark.parametrize(
    ("text", "canonical", "noted"),
    [
        ("A*02:01", "A*02:01", []),
        ("02:01", "A*02:01", []),
        ("A*02:01:01:02L", "A*02:01:01:02L", []),
        ("A*02:01:01", "A*02:01:01", []),
        ("A*02:01P", "A*02:01P", []),
        ("A*02:01:01G", "A*02:01:01G", ["null_possible"]),
        ("A*24:XX", "A*24:XX", ["null_possible"]),
        ("A*23", "A*23:XX", ["normalised"]),
        ("23", "A*23:XX", ["normalised"]),
        ("A*02:AB", "A*02:AB", []),
        ("A*03:SPEC", "A*03:SPEC", ["null_possible"]),
        ("A*02:NULLS", "A*02:NULLS", []),
        ("A*02:AC", "A*02:AC", []),
        ("A*24:AB", "A*24:AB", ["members_dropped"]),
        ("A*02:03/A*02:01", "A*02:01/A*02:03", []),
        ("A*02:01/02:03", "A*02:01/A*02:03", []),
        ("A*02:01/03/A*24:02", "A*02:01/A*02:03/A*24:02", []),
        ("A*02:01/02:01", "A*02:01", []),
        ("A*02:01/A*23:XX", "A*02:01/A*23:XX", []),
        ("HLA-A*02:01", "A*02:01", ["normalised"]),
        (" hla a * 02:01 ", "A*02:01", ["normalised"]),
        ("Ａ＊０２：０１", "A*02:01", ["normalised"]),
        ("A*02\u200b:01", "A*02:01", ["normalised"]),
        ("A×02∶01", "A*02:01", ["normalised"]),
        ("A*02:01:01:02l", "A*02:01:01:02L", ["normalised"]),
        ("A*02:18", "A*02:18Q", ["suffix_added", "questionable"]),
        ("A*02:18Q", "A*02:18Q", ["questionable"]),
        ("A*02:02", "A*02:03", ["renamed"]),
        ("A*02:04", "A*02:03", ["renamed"]),
        ("A*UUUU", "", ["unknown_value"]),
        ("XXXX", "", ["unknown_value"]),
        ("A*02:NEW", "", ["new_allele"]),
        ("new", "", ["new_allele"]),
        ("", "", []),
        (" - ", "", []),
    ],
)
def test_forms(reader: Reader, text: str, canonical: str, noted: list[str]) -> None:
    found = reader.pair("A", text)

    assert found.first == canonical
    assert [code for code in codes(found) if code != "null_beside"] == noted
    assert reader.pair("A", canonical).first == canonical


def test_old_locus_name_of_c(reader: Reader) -> None:
    assert reader.pair("C", "Cw*07:02").first == "C*07:02"


def test_a_missing_gene_counts_as_null(reader: Reader) -> None:
    found = reader.pair("DRB3", "DRB3*01:01", "NNNN")

    assert (found.first, found.second) == ("DRB3*01:01", "DRB3*NNNN")
    assert codes(found) == ["absent_gene", "null_beside"]
    assert reader.gl("DRB3*01:01+DRB3*NNNN").gl() == "DRB3*01:01+DRB3*NNNN"


@pytest.mark.parametrize(
    ("text", "code", "offending", "position"),
    [
        ("A*02:9999", "unknown_allele", "A*02:9999", 0),
        ("A*02:01N/A*03:01Q", "unknown_allele", "A*03:01Q", 9),
        ("A*99:01", "unknown_allele", "A*99:01", 0),
        ("A*99:XX", "unknown_family", "A*99:XX", 0),
        ("A*99", "unknown_family", "A*99:XX", 0),
        ("A*02:03:01G", "unknown_g_group", "A*02:03:01G", 0),
        ("A*24:09P", "unknown_p_group", "A*24:09P", 0),
        ("A*02:05", "deleted", "A*02:05", 0),
        ("A*02:QQ", "unknown_mac", "A*02:QQ", 0),
        ("A*02:GONE", "mac_empty", "A*02:GONE", 0),
        ("A*02:01/ A*02:QQ", "unknown_mac", "A*02:QQ", 9),
        ("A*02:15", "null_without_n", "A*02:15", 0),
        ("A*02:06", "null_without_n", "A*02:06", 0),
        ("A*24:02/A*24:09", "null_without_n", "A*24:09", 8),
        ("A*24:SPEC", "mac_other_family", "A*24:SPEC", 0),
        ("A*02:ALIEN", "mac_other_locus", "A*02:ALIEN", 0),
        ("A*0201", "no_colon", "A*0201", 0),
        ("0201", "no_colon", "0201", 0),
        ("A*02AB", "no_colon", "A*02AB", 0),
        ("A*0201N", "no_colon", "A*0201N", 0),
        ("A*02:01g", "small_g", "A*02:01g", 0),
        ("A*02:01:01g", "small_g", "A*02:01:01g", 0),
        ("A2", "serology", "A2", 0),
        ("  A2403", "serology", "A2403", 2),
        ("Bw4", "public_antigen", "BW4", 0),
        ("B*15:01", "wrong_locus", "B*15:01", 0),
        ("Z*01:01", "unknown_locus", "Z", 0),
        ("A*2", "malformed", "A*2", 0),
        ("A*", "malformed", "A*", 0),
        ("*", "malformed", "*", 0),
        ("A*02N", "malformed", "A*02N", 0),
        ("A*02:00", "malformed", "A*02:00", 0),
        ("A*٠٢:٠١", "malformed", "A*٠٢:٠١", 0),
        ("A*02:01//A*02:03", "malformed", "/", None),
        ("A*NNNN", "absent_here", "A*NNNN", 0),
        ("A*02:01/UUUU", "list_member", "UUUU", 8),
        ("A*02:01:01/02", "list_shorthand", "02", 11),
        ("A*02:XX/03", "list_shorthand", "03", 8),
        ("A*02/03", "list_shorthand", "03", 5),
    ],
)
def test_refusals(reader: Reader, text: str, code: str, offending: str, position: int | None) -> None:
    error = reader.error(text)

    assert error.code == code
    if position is not None:
        assert (error.text, error.position) == (offending, position)
    assert str(error) == f"{error.message} {error.hint}"


def test_a_bare_first_field_may_be_longer_at_dpb1_only(reader: Reader) -> None:
    assert reader.pair("DPB1", "350").first == "DPB1*350:XX"
    assert reader.error("A*350").code == "malformed"
    assert reader.error("A*1101").params["example"] == "A*11:01"
    assert reader.error("A*02AB").params["example"] == "A*02:AB"


def test_unknown_locus_of_the_column(reader: Reader) -> None:
    with pytest.raises(TypingError, match="MICA is not an HLA locus"):
        reader.pair("MICA", "001")


def test_too_long_a_text_is_refused(reader: Reader) -> None:
    text = "A*02:01/" * MAX_LENGTH

    assert reader.error(text).code == "too_long"
    assert reader.errors(text) == [("too_long", 0)]


def test_unknown_mac_says_how_to_load_a_table(reader: Reader) -> None:
    error = reader.error("A*02:QQ")

    assert "QQ" in error.message
    assert "toy" in error.message
    assert "load_mac" in error.hint


def test_a_null_allele_is_written_with_its_n(reader: Reader) -> None:
    assert reader.error("A*24:09").hint == "Write A*24:09N if that is meant; otherwise correct the name."
    assert reader.pair("A", "A*24:09N", "A*02:01").first == "A*24:09N"


def test_an_allele_specific_code_stays_in_its_families(reader: Reader) -> None:
    error = reader.error("A*24:SPEC")

    assert "SPEC" in error.message
    assert "A*02, A*03" in error.hint
    assert reader.pair("A", "A*02:SPEC").first == "A*02:SPEC"
    assert reader.pair("A", "A*03:SPEC").first == "A*03:SPEC"


def test_an_allele_specific_code_made_for_another_locus(reader: Reader) -> None:
    error = reader.error("A*02:ALIEN")

    assert (
        error.message == "Of the 3 alleles of the code A*02:ALIEN, 2 do not exist at HLA-A in release 9.99.0."
    )
    assert codes(reader.pair("A", "A*02:HALF")) == ["members_dropped"]
    assert codes(reader.pair("A", "A*02:MANY")) == ["members_dropped"]


def test_a_known_value_stands_first(reader: Reader) -> None:
    found = reader.pair("A", "", "A*02:01")

    assert (found.first, found.second, found.kind) == ("A*02:01", "", "single")
    assert found.gl() == "A*02:01"


def test_untyped_locus(reader: Reader) -> None:
    found = reader.pair("A", "UUUU", "UUUU")

    assert found.untyped
    assert found.gl() == ""
    assert reader.gl("A*UUUU+A*UUUU").loci == {}
    assert reader.gl("A*UUUU+A*UUUU").locus("A") == found


@pytest.mark.parametrize(("first", "second"), [("A*02:AB", ""), ("", "A*02:AB"), ("A*02:AB", "-")])
def test_blank_means_homozygous_on_request(reader: Reader, first: str, second: str) -> None:
    found = reader.pair("A", first, second, blank="homozygous")

    assert (found.first, found.second, found.kind) == ("A*02:AB", "A*02:AB", "pair")
    assert codes(found) == ["homozygous"]


@pytest.mark.parametrize(("first", "second"), [("", ""), ("UUUU", ""), ("A*02:01", "UUUU")])
def test_only_a_blank_beside_a_known_value_is_homozygous(reader: Reader, first: str, second: str) -> None:
    found = reader.pair("A", first, second, blank="homozygous")

    assert found.second == ""
    assert "homozygous" not in codes(found)


def test_null_alleles_are_noted(reader: Reader) -> None:
    assert codes(reader.pair("A", "A*02:15N", "A*02:01")) == ["null_beside"]
    assert codes(reader.pair("A", "A*02:15N", "A*24:09N")) == ["null_only"]


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
        ("A*02:01|A*02:03", [("operator", 7)]),
        ("A*02:01~B*15:01", [("operator", 7)]),
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
    found = read_gl("A*02:77^B*15:01", nomenclature=reader.nomenclature, mac=reader.mac)

    assert found.typing.gl() == "B*15:01"


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


def test_locus_names() -> None:
    assert [locus_of(f"hla-{locus.lower()}") for locus in LOCI] == list(LOCI)
    assert locus_of("MICA") is None


def test_every_error_has_a_hint_and_every_template_its_params(reader: Reader) -> None:
    assert CODES.keys() == HINTS.keys()
    assert all(text.endswith(".") for table in (CODES, HINTS, NOTES) for text in table.values())


def test_errors_are_cut_and_can_be_moved(reader: Reader) -> None:
    error = reader.error("A*" + "9" * 500)

    assert len(error.text) == 60
    assert error.moved(7).position == 7
    assert str(error.moved(7)) == str(error)


def test_notes_survive_copying() -> None:
    import copy
    import pickle

    note = Note("renamed", text="A*02:02", name="A*02:03")

    for again in (copy.deepcopy(note), pickle.loads(pickle.dumps(note))):
        assert (again, again.code, again.params) == (note, note.code, note.params)
