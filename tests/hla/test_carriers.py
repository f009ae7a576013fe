"""Antibodies: whether a typing carries what they are against."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hla.antibodies import Specificity, parse_specificity
from hla.carriers import CARRIED, Carried, carriers_for, carries
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver, resolver_for
from hla.typing import Typing, parse_gl, parse_pair, untyped
from scripts.validate_hla import RealData
from tests.hla.toy_release import ALLELES


def answer(bead: str, gl: str, resolver: Resolver) -> Carried:
    typing = parse_gl(gl, resolver) if gl else Typing({})
    return carries(parse_specificity(bead, resolver), typing, resolver)


@pytest.mark.parametrize(
    ("bead", "gl", "wanted", "level", "unit", "code"),
    [
        # the allele, where the unit is typed so
        ("A*02:01", "A*02:01+A*24:02", "yes", "allele", "A*02:01", "same_allele"),
        ("A*02:01", "A*24:02+A*02:01:01G", "yes", "allele", "A*02:01:01G", "same_allele"),
        ("A*02:01", "A*02:09+A*24:02", "yes", "allele", "A*02:09", "same_allele"),  # of its P group
        ("A*02:01", "A*24:02+A*02:18Q", "unknown", "allele", "A*02:18Q", "other_allele"),
        ("A*02:01", "A*02:03+A*24:02", "unknown", "allele", "A*02:03", "other_allele"),
        ("A*02:01", "A*02:03", "unknown", "allele", "", "blank"),
        ("A*02:01", "A*02:03+A*24:02|A*03:01+A*24:03", "unknown", "allele", "A*02:03", "other_allele"),
        ("A*02:01", "A*03:01+A*24:02", "no", "allele", "", "absent"),
        # else the antigen
        ("A*24:02", "A*03:01+A*24:XX", "yes", "antigen", "A*24:XX", "antigen_of_allele"),
        ("A*24:02", "A*03:01+A24", "yes", "antigen", "A24", "antigen_of_allele"),
        ("A*24:02", "A*03:01+A9", "unknown", "allele", "A9", "possible"),
        ("B*15:01", "B*15:XX+B*07:02", "unknown", "allele", "B*15:XX", "possible"),
        ("B*15:01", "B*15:01/B*15:02+B*07:02", "unknown", "allele", "B*15:01/B*15:02", "possible"),
        ("B*15:01", "B*15:02/B*15:16+B*07:02", "no", "allele", "", "absent"),
        ("A*02:01", "A24+A*03:01", "no", "allele", "", "absent"),
        # broad and split
        ("A9", "A*24:02+A*03:01", "yes", "antigen", "A*24:02", "has_antigen"),
        ("A24", "A*24:02+A*03:01", "yes", "antigen", "A*24:02", "has_antigen"),
        ("A24", "A*24:03+A*03:01", "yes", "antigen", "A*24:03", "has_antigen"),  # A2403 belongs to A24
        ("A24", "A9+A*03:01", "unknown", "antigen", "A9", "broad_only"),
        ("A24", "A*23:01+A*03:01", "no", "antigen", "", "absent"),
        ("B38", "B*38:09+B*07:02", "unknown", "antigen", "B*38:09", "broad_only"),  # assigned B16
        ("B39", "B16+B*07:02", "unknown", "antigen", "B16", "broad_only"),
        ("B3901", "B16+B*07:02", "unknown", "antigen", "B16", "broad_only"),
        ("B16", "B*39:01+B*07:02", "yes", "antigen", "B*39:01", "has_antigen"),
        ("B72", "B*15:99+B*07:02", "unknown", "antigen", "B*15:99", "possible"),  # assigned B15 or B70
        ("B15", "B*15:99+B*07:02", "unknown", "antigen", "B*15:99", "possible"),
        ("B62", "B*15:XX+B*07:02", "unknown", "antigen", "B*15:XX", "possible"),
        # associated antigens: DNA tells them apart, serology does not
        ("A2403", "A*24:02+A*03:01", "no", "antigen", "", "absent"),
        ("A2403", "A*24:03+A*03:01", "yes", "antigen", "A*24:03", "has_antigen"),
        ("A2403", "A24+A*03:01", "unknown", "antigen", "A24", "broad_only"),
        ("A2403", "A*24:XX+A*03:01", "unknown", "antigen", "A*24:XX", "possible"),
        ("B3902", "B*39:01+B*07:02", "no", "antigen", "", "absent"),
        # null alleles, blanks, missing genes
        ("A24", "A*24:09N+A*03:01", "no", "antigen", "", "absent"),
        ("A*24:02", "A*24:09N+A*24:02", "yes", "allele", "A*24:02", "same_allele"),
        ("A24", "A*24:09N+A*03:03N", "no", "antigen", "", "nothing_expressed"),
        ("A24", "A*24:09N", "unknown", "antigen", "", "blank"),
        ("A24", "A*03:01", "unknown", "antigen", "", "blank"),
        ("A*24:02", "A*03:01", "unknown", "allele", "", "blank"),
        ("A24", "A*24:02", "yes", "antigen", "A*24:02", "has_antigen"),
        ("A*24:02", "A*24:02", "yes", "allele", "A*24:02", "same_allele"),
        ("A24", "B*07:02+B*15:01", "unknown", "antigen", "", "untyped"),
        ("DR53", "DRB1*04:05+DRB1*04:05", "unknown", "antigen", "", "untyped"),
        ("DR53", "DRB4*01:03+DRB4*NNNN", "yes", "antigen", "DRB4*01:03", "has_antigen"),
        ("DR52", "DRB3*NNNN+DRB3*NNNN", "no", "antigen", "", "nothing_expressed"),
        # several genotypes
        ("A*24:02", "A*24:02+A*03:01|A*24:03+A*03:02", "unknown", "allele", None, "genotypes"),
        ("A24", "A*24:02+A*03:01|A*24:03+A*03:02", "yes", "antigen", None, "has_antigen"),
        ("A*02:01", "A*24:02+A*03:01|A*24:03+A*03:02", "no", "allele", "", "absent"),
        # two chains
        ("DQA1*01:01~DQB1*03:01", "DQB1*03:02+DQB1*03:02", "no", "allele", "", "chain_absent"),
        (
            "DQA1*01:01~DQB1*03:01",
            "DQB1*03:01+DQB1*03:02",
            "unknown",
            "allele",
            "DQB1*03:01",
            "chain_open",
        ),
        ("DQA1*01:01~DQB1*03:01", "DQB1*03:02", "unknown", "allele", "", "chain_open"),
        (
            "DQA1*01:01~DQB1*03:01",
            "DQA1*05:01+DQA1*05:01^DQB1*03:01+DQB1*03:02",
            "unknown",
            "allele",
            "DQB1*03:01",
            "chain_elsewhere",
        ),
        ("DQA1*01:01~DQB1*03:01", "DQA1*05:01+DQA1*05:01", "unknown", "allele", "", "chain_elsewhere"),
        (
            "DQA1*01:01~DQB1*03:01",
            "DQA1*01:01+DQA1*01:01^DQB1*03:01+DQB1*03:02",
            "yes",
            "allele",
            "DQA1*01:01~DQB1*03:01",
            "chains_present",
        ),
        (
            "DQA1*01:01~DQB1*03:01",
            "DQA1*01:01+DQA1*01:01^DQ7+DQ8",
            "yes",
            "allele",  # no other allele of this release has DQ7
            "DQA1*01:01~DQ7",
            "chains_present",
        ),
        (
            "DPA1*01:03~DPB1*04:01",
            "DPA1*01:03+DPA1*01:03^DPB1*05:01+DPB1*09:01",
            "no",
            "allele",
            "",
            "chain_absent",
        ),
    ],
)
def test_carries(
    bead: str, gl: str, wanted: str, level: str, unit: str | None, code: str, resolver: Resolver
) -> None:
    found = answer(bead, gl, resolver)

    assert (found.answer, found.level, found.why.code) == (wanted, level, code)
    assert unit is None or found.unit == unit
    assert found.why.text == CARRIED[code].format(**found.why.params)


@pytest.mark.parametrize(
    ("bead", "gl", "wanted", "level"),
    [
        ("A*24:02", "A*24:02:01G+A*02:01", "yes", "allele"),
        ("A24", "A*24:02:01G+A*02:01", "yes", "antigen"),
        ("A*24:02", "A*24:XX+A*02:01", "unknown", "allele"),  # a few of the family are known only as A9
        ("A*02:01", "A*02:01/A*02:06+A*24:02", "yes", "antigen"),
        ("A2403", "A*24:02+A*02:01", "no", "antigen"),
        ("B61", "B*40:01+B*07:02", "no", "antigen"),
        ("B60", "B*40:XX+B*07:02", "unknown", "antigen"),
        ("DR2", "DRB1*15:01+DRB1*04:01", "yes", "antigen"),
        ("DR103", "DRB1*01:01+DRB1*04:01", "no", "antigen"),
        ("DR103", "DRB1*01:XX+DRB1*04:01", "unknown", "antigen"),
        ("Cw10", "C*03:04+C*07:02", "yes", "antigen"),
        ("DQB1*02:01", "DQB1*02:02+DQB1*05:01", "yes", "allele"),  # of one P group: they differ outside of it
        ("DPA1*01:03, DPB1*04:01", "DPB1*02:01+DPB1*05:01", "no", "allele"),
        ("DPA1*01:03, DPB1*04:01", "DPB1*04:01+DPB1*05:01", "unknown", "allele"),
        ("DPA1*01:03, DPB1*04:01", "DPA1*02:01+DPA1*02:02", "unknown", "allele"),  # DPB1 is not typed
        ("DPA1*01:03, DPB1*04:01", "DPA1*02:01+DPA1*02:02^DPB1*04:01+DPB1*05:01", "unknown", "allele"),
        ("DRB3*02:02", "DRB1*03:01+DRB1*04:01", "unknown", "allele"),
    ],
)
def test_carries_by_the_real_release(bead: str, gl: str, wanted: str, level: str, real: RealData) -> None:
    found = answer(bead, gl, real.resolver)

    assert (found.answer, found.level) == (wanted, level)


@pytest.mark.parametrize(
    ("bead", "gl", "tested"),
    [
        ("A*02:01", "A*02:03+A*24:02", ["A*02:03"]),
        ("A*02:01", "A*02:03+A*02:18Q", ["A*02:03", "A*02:18Q"]),
        ("A*02:01", "A*02:03/A*02:18Q+A*24:02", ["A*02:03", "A*02:18Q"]),
        ("A*02:01", "A*02:03+A*24:02|A*02:18Q+A*24:02", ["A*02:03", "A*02:18Q"]),
        ("A*02:01", "A*02:03+A*24:02|A*03:01+A*24:03", ["A*02:03"]),
        # rests on something else as well: no test of a bead settles it
        ("A*02:01", "A*02:03", []),
        ("A*02:01", "A*02:03+A*24:02|A*02:01/A*02:03+A*24:02", []),
        ("A*02:01", "A*02:01+A*24:02", []),
        ("A*02:01", "A*03:01+A*24:02", []),
    ],
)
def test_another_allele_of_the_antigen_is_told_by_beads_of_its_own(
    bead: str, gl: str, tested: list[str], resolver: Resolver
) -> None:
    own = {carriers_for(resolver).tested(parse_specificity(name, resolver)) for name in tested}

    assert answer(bead, gl, resolver).others == own


def test_beads_by_antigen_test_no_allele(resolver: Resolver) -> None:
    found = carriers_for(resolver)

    assert found.tested(parse_specificity("A2", resolver)) is None
    assert found.tested(Specificity("A*77:01", ("A",), "allele")) is None
    assert len(found.tested(parse_specificity("DQA1*01:01, DQB1*03:01", resolver)) or ()) == 2


def test_the_common_alleles_of_an_antigen_are_not_taken_for_each_other(real: RealData) -> None:
    """A*02:07, in one of eight people of Hubei, beside a positive A*02:01 (finding C5)."""
    found = answer("A*02:01", "A*02:07+A*24:02", real.resolver)
    own = carriers_for(real.resolver).tested(parse_specificity("A*02:07", real.resolver))

    assert (found.answer, found.others) == ("unknown", {own})


def test_the_built_in_nomenclature_knows_no_associated_antigens(builtin: Resolver) -> None:
    """It takes the first field for the antigen: what it calls A24 may well be A2403."""
    assert answer("A2403", "A*24:03+A*03:01", builtin).answer == "unknown"
    assert answer("A2403", "A*24:02+A*03:01", builtin).answer == "unknown"
    assert answer("A24", "A*24:03+A*03:01", builtin).answer == "yes"
    assert answer("B60", "B*40:01+B*07:02", builtin).answer == "unknown"
    assert answer("B*40:01", "B*40:01+B*07:02", builtin).answer == "yes"
    assert answer("B40", "B*40:01+B*07:02", builtin).answer == "yes"


def test_what_another_release_cannot_read_is_unknown(resolver: Resolver) -> None:
    typing = Typing.of([parse_pair("A", "A*24:02", "A*03:01", resolver)])
    gone = Specificity("A*77:01", ("A",), "allele")
    null = Specificity("A*24:09N", ("A",), "allele")
    unreadable = Typing(
        {"A": parse_pair("A", "A*24:02", "", resolver).__class__("A", "A*77:01", "", "single")}
    )

    assert carries(gone, typing, resolver).why.code == "bead_unreadable"
    assert carries(null, typing, resolver).answer == "unknown"
    found = carries(parse_specificity("A24", resolver), unreadable, resolver)
    assert (found.answer, found.why.code) == ("unknown", "unreadable")
    assert carries(gone, Typing({"A": untyped("A")}), resolver).answer == "unknown"


def test_answers_that_are_kept_do_not_grow_without_end(
    toy: Nomenclature, toy_mac: MacTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hla.carriers.MAX_KEPT", 2)
    resolver = Resolver(toy, toy_mac)

    answers = [answer(bead, "A*24:02+A*03:01", resolver).answer for bead in ("A24", "A3", "A2", "A24")]

    assert answers == ["yes", "yes", "no", "yes"]


# --- laws -------------------------------------------------------------------------------------------

NAMES = {
    locus: sorted(name for name in ALLELES if name.startswith(f"{locus}*") and not name.endswith("N"))
    for locus in ("A", "B")
}
BEADS = {
    "A": [*NAMES["A"], "A2", "A203", "A3", "A9", "A24", "A2403", "A28", "A68"],
    "B": [*NAMES["B"], "B15", "B62", "B70", "B71", "B16", "B38", "B39", "B3901", "B44"],
}


@st.composite
def narrowings(draw: st.DrawFn) -> tuple[str, tuple[str, str], tuple[str, str]]:
    """A bead, a typing as two lists of alleles, and the same with alleles taken out of its lists."""
    locus = draw(st.sampled_from("AB"))
    wide, narrow = [], []
    for _ in range(2):
        names = draw(st.lists(st.sampled_from(NAMES[locus]), min_size=1, max_size=4, unique=True))
        blank = draw(st.integers(0, 5)) == 0
        kept = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        wide.append("" if blank else "/".join(names))
        narrow.append("/".join(kept))
    bead = draw(st.sampled_from(BEADS[locus]))
    return bead, (wide[0], wide[1]), (narrow[0], narrow[1])


@given(case=narrowings())
@settings(max_examples=400, deadline=None)
def test_narrowing_a_typing_only_resolves_what_is_unknown(
    toy: Nomenclature, toy_mac: MacTable, case: tuple[str, tuple[str, str], tuple[str, str]]
) -> None:
    bead, wide, narrow = case
    resolver = resolver_for(toy, toy_mac)
    specificity = parse_specificity(bead, resolver)
    locus = specificity.loci[0]

    before, after = (
        carries(specificity, Typing.of([parse_pair(locus, *pair, resolver)]), resolver)
        for pair in (wide, narrow)
    )

    if before.answer == "no":
        assert after.answer == "no"
    if before.answer == "yes" and before.level == specificity.level:
        assert (after.answer, after.level) == ("yes", before.level)
    if before.answer == "yes" and before.level != specificity.level:
        # an antigen stood in for the allele: it may turn out to be another allele, and of this antigen only; the
        # other value may still be the allele or something else
        assert after.answer == "yes" or after.why.code in ("other_allele", "possible")


@given(case=narrowings())
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_values_does_not_matter(
    toy: Nomenclature, toy_mac: MacTable, case: tuple[str, tuple[str, str], tuple[str, str]]
) -> None:
    bead, (first, second), _ = case
    resolver = resolver_for(toy, toy_mac)
    specificity = parse_specificity(bead, resolver)
    locus = specificity.loci[0]

    one, other = (
        carries(specificity, Typing.of([parse_pair(locus, *pair, resolver)]), resolver)
        for pair in ((first, second), (second, first))
    )

    assert (one.answer, one.level) == (other.answer, other.level)


@given(alpha=st.sampled_from(["yes", "no", "unknown"]), beta=st.sampled_from(["yes", "no", "unknown"]))
def test_a_molecule_is_as_its_chains(toy: Nomenclature, toy_mac: MacTable, alpha: str, beta: str) -> None:
    resolver = resolver_for(toy, toy_mac)
    loci = [
        *({"yes": ["DPA1*01:03+DPA1*01:03"], "no": ["DPA1*02:01+DPA1*02:01"]}.get(alpha, [])),
        *({"yes": ["DPB1*04:01+DPB1*05:01"], "no": ["DPB1*05:01+DPB1*09:01"]}.get(beta, [])),
    ]
    found = answer("DPA1*01:03~DPB1*04:01", "^".join(loci), resolver).answer

    wanted = "no" if beta == "no" else "yes" if alpha == beta == "yes" else "unknown"
    assert found == wanted


@pytest.mark.parametrize(
    "alphas",
    [
        "DQA1*04:03N+DQA1*04:03N|DQA1*01:02+DQA1*03:01",
        "DQA1*01:02+DQA1*03:01|DQA1*04:03N+DQA1*04:03N",
    ],
)
def test_a_chain_that_one_genotype_lacks_clears_no_molecule_of_the_others(
    builtin: Resolver, alphas: str
) -> None:
    found = answer("DQA1*05:01~DQB1*02:01", f"{alphas}^DQB1*02:01+DQB1*06:02", builtin)

    assert (found.answer, found.why.code) == ("unknown", "chain_elsewhere")
    assert not found.others  # of one genotype nothing is known that could clear it


@pytest.mark.parametrize(
    ("gl", "molecules"),
    [
        # each alpha chain of the unit beside each beta chain that has the antigen: all of them have to be cleared
        ("DQA1*05:05+DQA1*01:03^DQB1*02:01+DQB1*06:02", {"05:05~02:01", "01:03~02:01"}),
        ("DQA1*02:01+DQA1*01:03^DQB1*02:01+DQB1*06:02", {"02:01~02:01", "01:03~02:01"}),
        ("DQA1*02:01+DQA1*01:03|DQA1*05:05+DQA1*05:05^DQB1*02:01+DQB1*06:02",
         {"02:01~02:01", "01:03~02:01", "05:05~02:01"}),
        # the bead's own alpha chain beside another allele of the antigen, and what else that stands beside
        ("DQA1*05:01+DQA1*01:03^DQB1*02:02+DQB1*06:02", {"05:01~02:02", "01:03~02:02"}),
        # its own beta chain beside another alpha chain, and another allele of the antigen
        ("DQA1*02:01+DQA1*01:03^DQB1*02:01+DQB1*02:02",
         {"02:01~02:01", "01:03~02:01", "02:01~02:02", "01:03~02:02"}),
        # one value is not known: nothing settles it
        ("DQA1*05:05+^DQB1*02:01+DQB1*06:02", set()),
        ("DQA1*05:05+DQA1*01:03^DQB1*02:02+", set()),
        ("DQB1*02:01+DQB1*06:02", set()),
    ],
)  # fmt: skip
def test_all_molecules_of_the_antigen_have_to_be_tested(
    gl: str, molecules: set[str], builtin: Resolver
) -> None:
    found = answer("DQA1*05:01~DQB1*02:01", gl, builtin)

    pairs = [one.split("~") for one in molecules]
    own = {
        carriers_for(builtin).tested(parse_specificity(f"DQA1*{alpha}~DQB1*{beta}", builtin))
        for alpha, beta in pairs
    }
    assert (found.answer, found.others) == ("unknown", own)


DQA1, DQB1 = ("01:02", "01:03", "02:01", "05:01", "05:05"), ("02:01", "02:02", "03:01", "06:02")


@given(
    alphas=st.lists(st.sampled_from(DQA1), min_size=2, max_size=2),
    betas=st.lists(st.sampled_from(DQB1), min_size=2, max_size=2),
)
def test_what_clears_a_molecule_leaves_none_of_its_antigen_out(
    builtin: Resolver, alphas: list[str], betas: list[str]
) -> None:
    gl = "^".join(
        "+".join(f"{locus}*{one}" for one in values) for locus, values in (("DQA1", alphas), ("DQB1", betas))
    )
    found = answer("DQA1*05:01~DQB1*02:01", gl, builtin)

    same_antigen = [one for one in betas if one.startswith("02:")]
    molecules = {
        carriers_for(builtin).tested(parse_specificity(f"DQA1*{alpha}~DQB1*{beta}", builtin))
        for alpha, beta in product(alphas, same_antigen)
    }
    assert found.answer == (
        "yes" if "05:01" in alphas and "02:01" in betas else "unknown" if molecules else "no"
    )
    assert found.others == (molecules if found.answer == "unknown" else set())
