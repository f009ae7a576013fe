"""What a change of reference data makes of the stored typings."""

from __future__ import annotations

import gc
import hashlib
import weakref
import zlib
from pathlib import Path
from typing import Any

import pytest

from hla.compiled import MAGIC
from hla.mac import MacTable
from hla.release import compile_release
from hla.resolve import Resolver
from matching.choices import ChangeKind
from matching.rereading import Change, Comparison, few, leader_text
from tests.factories.matching import ListedUnitFactory


@pytest.fixture
def comparison(old_folder: Path, new_folder: Path) -> Comparison:
    codes = MacTable.of("test", {"AB": "01/03"})
    return Comparison(*(Resolver(compile_release(folder), codes) for folder in (old_folder, new_folder)))


def older_release() -> bytes:
    """Sound bytes whose content is of another make."""
    payload = b'{"release": "9.99.0", "loci": {"A": {"names": []}}}'
    return MAGIC + hashlib.sha256(payload).digest() + zlib.compress(payload)


def unit(**values: str) -> Any:
    """A listed unit with these values as they are stored: a="A*02:01+A*03:02"."""
    columns = {}
    for locus, text in values.items():
        first, _, second = text.partition("+")
        columns |= {f"hla_{locus}_1": first, f"hla_{locus}_2": second}
    return ListedUnitFactory(gl="A*02:01", **columns)


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ("A*23:01", "A*24:02", []),
        ("A*23:01", "", []),
        ("A*03:02", "A*23:01", ["renamed", "p-groups"]),
        ("A*02:09", "A*02:01", ["p-groups"]),
        ("A*24:02:01G", "A*24:02", ["nulls"]),
        ("A*02:01:01G", "", ["p-groups", "nulls"]),
        ("A*24:09N", "A*03:03N", []),
        ("A*24:03", "A*24:02", ["antigens"]),  # a group of its own name changes nothing
        ("A*24:03", "A*03:02", ["renamed", "p-groups", "antigens"]),
        ("A*77:77", "A*02:01", []),  # not readable before and after
    ],
)
def test_what_changed_of_a_typing(comparison: Comparison, first: str, second: str, kinds: list[str]) -> None:
    change = comparison.typing("A", first, second)

    assert (list(change.kinds) if change else []) == kinds
    assert comparison.typing("A", first, second) == change


def test_a_typing_may_be_no_longer_readable_or_readable_now(comparison: Comparison) -> None:
    gone, found = comparison.typing("B", "B*15:02", "B*15:01"), comparison.typing("B", "B*39:88", "")

    assert gone is not None
    assert gone.kinds == (ChangeKind.UNREADABLE,)
    (value,) = gone.details["values"]
    assert (value["text"], value["error"]["code"]) == ("B*15:02", "deleted")
    assert value["error"]["params"] == {"reason": "Sequence error"}
    assert found is not None
    assert found.kinds == (ChangeKind.READABLE,)


def test_a_change_names_groups_and_antigens(comparison: Comparison) -> None:
    renamed = comparison.typing("A", "A*03:02", "A*03:02")
    assert renamed is not None
    (value,) = renamed.details["values"]
    assert value["names"] == ["A*03:02", "A*03:01"]
    assert value["p_groups"] == [[["A*03:02"], 0], [["A*03:01"], 0]]

    other = comparison.typing("A", "A*24:03", "")
    assert other is not None
    assert other.details["values"][0]["antigens"] == [[["A2403"], 0], [["A24"], 0]]
    assert few([str(number) for number in range(20)])[1] == 8


def details(change: Change | None) -> dict[str, Any]:
    assert change is not None
    return dict(change.details["values"][0])


@pytest.mark.parametrize(
    ("text", "kinds", "told"),
    [
        ("DPB1*05:01", ["tce"], [[["3"], 0], [["1"], 0]]),
        ("DPB1*05:01|DPB1*04:01", ["tce"], [[["3"], 0], [["1", "3"], 0]]),
        ("DPB1*09:01/DPB1*105:01", ["tce"],  # the same groups, each of the other
         [[["DPB1*09:01 (1)", "DPB1*105:01 (3)"], 0], [["DPB1*09:01 (3)", "DPB1*105:01 (1)"], 0]]),
        ("DPB1*03:01", ["tce"], [[["2"], 0], [["–"], 0]]),
        ("DPB1*03:01/DPB1*104:01", [], None),  # one protein, whose members changed places
        ("DPB1*04:01", [], None),
        ("DPB1*61:01N", [], None),
    ],
)  # fmt: skip
def test_epitope_groups_are_compared(
    comparison: Comparison, text: str, kinds: list[str], told: list[Any] | None
) -> None:
    """A group moved from 3 to 1 turns a permissive mismatch into one that is not."""
    change = comparison.typing("DPB1", text, "DPB1*04:01")

    assert (list(change.kinds) if change else []) == kinds
    assert (details(change)["tce"] if change else None) == told


def test_leaders_and_possible_nulls_are_compared(comparison: Comparison) -> None:
    leader = comparison.typing("B", "B*07:65", "B*07:02")
    assert leader is not None
    assert leader.kinds == ("renamed", "leader")
    assert details(leader)["leader"] == ["T", "M"]
    either = details(comparison.typing("B", "B*07:65|B*07:02", ""))
    assert either["leader"] == ["M/T", "M"]
    assert details(comparison.typing("A", "A*24:02:01G", ""))["nulls"] == [[[], 0], [["A*24:11N"], 0]]
    assert details(comparison.typing("A", "A*02:01:01G", ""))["nulls"] == [[["A*02:01:01:03N"], 0], [[], 0]]


def test_leaders_in_letters(comparison: Comparison) -> None:
    for text, leaders in (("B*07:111N", "–"), ("B*83:01", "T"), ("UUUU", "?")):
        assert leader_text(comparison.old, text) == leaders


def test_comparing_keeps_no_reference_data_alive(comparison: Comparison) -> None:
    comparison.typing("B", "B*07:65", "B*07:111N")
    comparison.typing("DPB1", "DPB1*05:01", "DPB1*04:01")
    old = weakref.ref(comparison.old)
    comparison.old = comparison.new
    gc.collect()

    assert old() is None
