"""The two values of a locus: every form they may have, and every refusal."""

from __future__ import annotations

import pytest

from hla.errors import CODES, HINTS, NOTES, Note, TypingError
from hla.loci import LOCI, locus_of
from hla.resolve import Resolver
from hla.text import MAX_LENGTH
from tests.hla.reading import Reader, codes, names


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
        ("A*02:NULL", "A*02:NULL", []),
        ("A*02:WITHN", "A*02:WITHN", ["null_possible"]),
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
        ("A*0201", "A*02:01", ["old_name"]),
        ("0201", "A*02:01", ["old_name"]),
        ("A*02010102L", "A*02:01:01:02L", ["old_name"]),
        ("A*02012", "A*02:01:02", ["old_name"]),
        ("A*02101", "A*02:101", ["old_name"]),
        ("A*9201", "A*02:101", ["old_name"]),
        ("A*0202", "A*02:03", ["old_name"]),
        ("A*0214", "A*02:03", ["old_name"]),
        ("A*0201/0203", "A*02:01/A*02:03", ["old_name", "old_name"]),
        ("A*0201/03", "A*02:01/A*02:03", ["old_name", "old_name"]),
        ("A*02:01g", "A*02:01P", ["normalised"]),
        ("A*24:03g", "A*24:03", ["normalised"]),
        ("A2", "A2", []),
        ("HLA-A2", "A2", ["normalised"]),
        ("Aw24", "A24", ["normalised"]),
        ("A9", "A9", []),
        ("A2403", "A2403", []),
        ("A2/A28", "A2/A28", []),
        ("A*02:03/A2", "A2/A*02:03", []),
        ("A02:01", "A*02:01", ["normalised"]),
        ("A0201", "A*02:01", ["normalised", "old_name"]),
        ("A-02:01", "A*02:01", ["normalised"]),
        ("A_02:01", "A*02:01", ["normalised"]),
        ("A*02.01", "A*02:01", ["normalised"]),
        ("A*02_AB", "A*02:AB", ["normalised"]),
        ("A 02:01", "A*02:01", ["normalised"]),
        ("HLA_A*02:01", "A*02:01", ["normalised"]),
        ("A*02:01/15N", "A*02:01/A*02:15N", ["normalised", "null_possible"]),
        (" A*02:01 ", "A*02:01", []),
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
    assert [code for code in codes(found) if code not in ("null_beside", "null_unknown")] == noted
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
        ("A*02:NULLS", "mac_empty", "A*02:NULLS", 0),
        ("A*02:01/ A*02:QQ", "unknown_mac", "A*02:QQ", 9),
        ("A*02:15", "null_without_n", "A*02:15", 0),
        ("A*02:06", "null_without_n", "A*02:06", 0),
        ("A*24:02/A*24:09", "null_without_n", "A*24:09", 8),
        ("A*24:SPEC", "mac_other_family", "A*24:SPEC", 0),
        ("A*02:ALIEN", "mac_other_locus", "A*02:ALIEN", 0),
        ("A*02AB", "no_colon", "A*02AB", 0),
        ("A*0210N", "old_name", "A*0210N", 0),
        ("A*0277", "old_name", "A*0277", 0),
        ("A*02/A*0277", "old_name", "A*0277", 5),
        ("A*0205", "old_name", "A*0205", 0),
        ("A*030101", "old_name", "A*030101", 0),
        ("A*03011111", "old_name", "A*03011111", 0),
        ("A*020101011", "old_name", "A*020101011", 0),
        ("A*02:01/2", "malformed", "2", 8),
        ("A*02:77g", "unknown_allele", "A*02:77", 0),
        ("A4", "unknown_antigen", "A4", 0),
        ("  A2402", "unknown_antigen", "A2402", 2),
        ("DR4", "wrong_locus", "DR4", 0),
        ("A*02:01;", "several_values", "A*02:01;", 0),
        ("A*02,24", "several_values", "A*02,24", 0),
        ("A*02:01 A*24:02", "several_values", "A*02:01 A*24:02", 0),
        ("A 2 3", "several_values", "A 2 3", 0),
        ("A2 3", "several_values", "A2 3", 0),
        ("A*02:15G", "null_without_n", "A*02:15", 0),
        ("A*02;AB", "several_values", "A*02;AB", 0),
        ("Bw4", "public_antigen", "Bw4", 0),
        ("B*15:01", "wrong_locus", "B*15:01", 0),
        ("Z*01:01", "unknown_locus", "Z", 0),
        ("A*2", "malformed", "A*2", 0),
        ("A*", "malformed", "A*", 0),
        ("*", "malformed", "*", 0),
        ("A*02N", "malformed", "A*02N", 0),
        ("A*02:00", "malformed", "A*02:00", 0),
        ("A*٠٢:٠١", "malformed", "A*٠٢:٠١", 0),
        ("A*02:01//A*02:03", "list_gap", "/", 7),
        ("A*02:01/", "list_gap", "/", 7),
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


def test_the_nearest_name_is_one_that_would_be_read(reader: Reader) -> None:
    assert reader.error("A*24:09Q").params["nearest"] == "A*24:09N"
    assert reader.error("A*02:03:07").params["nearest"] == "A*02:03"


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


def test_serology_stands_for_the_alleles_that_may_carry_it(reader: Reader, resolver: Resolver) -> None:
    b39 = resolver.position("B", "B39")

    assert b39.kind == "serology"
    assert names(resolver, b39) == {
        "B*38:09",
        "B*39:01",
        "B*39:02",
        "B*39:05",
    }  # up to B16, down to 3901, 3902
    assert b39.antigens == {frozenset({"39"})}
    assert names(resolver, resolver.position("A", "A203")) == {
        "A*02:01P", "A*02:03", "A*02:101", "A*02:12", "A*02:18"
    }  # fmt: skip
    assert names(resolver, resolver.position("B", "B15")) >= {"B*15:01", "B*15:02", "B*15:16", "B*15:99"}
    assert "B*15:03" not in names(resolver, resolver.position("B", "B15"))  # 72, of the broad B70


def test_a_first_field_used_as_an_antigen_is_noted(reader: Reader) -> None:
    assert codes(reader.pair("B", "B83")) == ["first_field_antigen"]
    assert codes(reader.pair("B", "B38")) == []


def test_an_unknown_antigen_says_what_may_be_meant(reader: Reader) -> None:
    assert reader.error("A2402").hint == "Known near it is A2403; if an allele is meant, write A*24:02."
    assert reader.error("A4").hint == "Known near it is A2; if an allele is meant, write A*03:XX."


def test_values_with_different_numbers_of_alternatives_are_refused(reader: Reader) -> None:
    with pytest.raises(TypingError, match="different numbers of alternatives"):
        reader.pair("A", "A*02:01|A*02:03", "A*24:02")


def test_old_names_of_dpb1_may_be_families_today(reader: Reader) -> None:
    assert reader.pair("DPB1", "DPB1*0501").first == "DPB1*05:01"
    assert reader.pair("DPB1", "DPB1*350").first == "DPB1*350:XX"
    assert reader.error("DPB1*1001", "DPB1").params["names"] == "DPB1*10:01, DPB1*1001:XX"


def test_a_null_beside_an_unknown_value_says_so(reader: Reader) -> None:
    assert codes(reader.pair("A", "A*02:15N", "")) == ["null_unknown"]


def test_a_list_of_antigens_is_serology(reader: Reader, resolver: Resolver) -> None:
    assert resolver.position("A", "A2/A28").kind == "serology"
    assert resolver.position("A", "A2/A*03:01").kind == "list"
    assert reader.gl("A*02:12+A*24:02^A2/A28+A24").locus("A").serology == ("A2/A28", "A24")
