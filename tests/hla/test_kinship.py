"""A child has a value of its mother at each locus; where typings leave that open it is not denied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hla.kinship import differences, may_agree, may_share
from hla.locus_typing import untyped
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from hla.scoring import score_locus
from hla.table import LocusTable
from hla.typing import LocusTyping, parse_pair

MAC = MacTable.of("test", {"AB": "01/02"})
RESOLVER = Resolver(Nomenclature.builtin(), MAC)


def typed(text: str) -> LocusTyping:
    first, _, second = text.partition("+")
    locus = first.partition("*")[0] if "*" in first else first[0]
    return parse_pair(locus, first, second, RESOLVER)


@pytest.mark.parametrize(
    ("mother", "child", "shared"),
    [
        ("A*02:01+A*24:02", "A*24:02+A*11:01", True),
        ("A*02:01+A*24:02", "A*33:03+A*11:01", False),
        ("A*02:01+A*02:01", "A*02:06+A*11:01", False),
        ("A*02:AB+A*24:02", "A*02:01+A*11:01", True),
        ("A*02:01/A*02:06+A*24:02", "A*02:06+A*11:01", True),
        ("A*02:XX+A*24:02", "A*02:06+A*11:01", True),
        ("A*03:XX+A*24:02", "A*02:06+A*11:01", False),
        ("A2+A24", "A*02:06+A*11:01", True),
        ("A2+A24", "A*01:01+A*11:01", False),
        ("A*02:01", "A*33:03+A*11:01", True),  # the mother's second value is not known
        ("A*02:01+A*24:02", "A*33:03", True),  # the child's is not
        ("A*24:09N+A*02:01", "A*24:09N+A*11:01", True),  # a null allele is inherited as any other
        ("A*24:09N+A*02:01", "A*24:11N+A*11:01", False),
        ("A*24:09N+A*24:09N", "A*24:11N+A*11:01", False),
        ("A*24:09N+A*24:09N", "A*02:01", True),  # what is not known may be the null allele
    ],
)
def test_sharing(mother: str, child: str, shared: bool) -> None:
    assert may_share(typed(mother), typed(child), RESOLVER) is shared
    assert may_share(typed(child), typed(mother), RESOLVER) is shared


VALUE = st.sampled_from(
    ["A*02:01", "A*02:06", "A*24:02", "A*02:AB", "A*24:XX", "A2", "A9", "A*02:01/A*24:02", ""]
)
PAIR = st.tuples(VALUE, VALUE).map("+".join)


@given(mother=PAIR, child=PAIR)
def test_what_counts_as_a_match_is_shared(mother: str, child: str) -> None:
    """The same answer as from the counts of a search, where nothing is null."""
    one, other = (parse_pair("A", *text.split("+"), RESOLVER) for text in (mother, child))
    table = LocusTable.build("A", [(other.first, other.second)], RESOLVER)
    matches = score_locus(one, table).at(len(table) - 1).match_max

    assert may_share(one, other, RESOLVER) is (matches > 0)


def test_differences_are_told_of_loci_typed_in_both() -> None:
    mother = [typed("A*02:01+A*24:02"), typed("B*40:01+B*46:01"), typed("C*01:02+C*07:02")]
    child = [typed("A*33:03+A*11:01"), typed("B*46:01+B*15:01")]

    ((locus, note),) = differences(mother, child, RESOLVER)

    assert (locus, note.code) == ("A", "mother_differs")
    assert note.params == {"mother": mother[0].gl(), "unit": child[0].gl()}


def test_two_loci_are_not_compared() -> None:
    with pytest.raises(ValueError, match="B cannot be compared with one of A"):
        may_share(typed("B*40:01"), typed("A*02:01"), RESOLVER)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("A*02:01+A*24:02", "A*24:02+A*02:01", True),
        ("A*02:01+A*24:02", "A*02:01+A*11:01", False),  # sharing one value is enough for a child only
        ("A*02:01+A*24:02", "A2+A24", True),
        ("A*02:01+A*24:02", "A2+A11", False),
        ("A*02:01+A*24:02", "A*02:XX+A*24:XX", True),
        ("A*02:AB+A*24:02", "A*24:02+A*02:02", True),
        ("A*02:01+A*02:01", "A*02:01+A*24:02", False),
        ("A*02:01", "A*02:01+A*24:02", True),  # the second value is not known
    ],
)
def test_two_reports_of_one_person_agree_in_both_values(one: str, other: str, agree: bool) -> None:
    assert may_agree(typed(one), typed(other), RESOLVER) is agree
    assert may_agree(typed(other), typed(one), RESOLVER) is agree


def test_an_untyped_locus_contradicts_nothing_and_loci_are_not_mixed() -> None:
    assert may_agree(untyped("A"), typed("A*02:01+A*24:02"), RESOLVER)
    with pytest.raises(ValueError, match="cannot be compared"):
        may_agree(typed("A*02:01+A*24:02"), typed("B*46:01+B*40:01"), RESOLVER)
