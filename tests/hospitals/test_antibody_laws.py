"""Laws of what is known over several sera: no serum hides what a finer or another one said."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from hospitals.antibodies import CLASSES, FINENESS, Bead, class_days, summed
from hospitals.antibody_page import strength
from hospitals.choices import AntibodyMethod, SerumClasses
from hospitals.models import AntibodyBead, AntibodySerum

Serum = tuple[datetime.date, str, str]
Row = tuple[datetime.date, str, tuple[int | None, str]]

DAYS = st.integers(1, 9).map(lambda day: datetime.date(2026, 5, day))
METHODS = st.sampled_from(AntibodyMethod.values)
SERA = st.tuples(DAYS, METHODS, st.sampled_from(SerumClasses.values))
CALLS = st.one_of(
    st.integers(0, 30_000).map(lambda mfi: (mfi, "")),
    st.sampled_from([(None, "positive"), (None, "negative"), (500, "positive")]),
)
ROWS = st.tuples(DAYS, METHODS, CALLS)


def bead_of(rows: list[Row]) -> Bead:
    (found,) = summed(
        AntibodyBead(
            text="A24",
            loci=["A"],
            level="antigen",
            mfi=mfi,
            called=called,
            serum=AntibodySerum(sampled_on=day, method=method),
        )
        for day, method, (mfi, called) in rows
    )
    return found


@given(sera=st.lists(SERA, min_size=1, max_size=6))
def test_a_class_is_as_old_as_its_own_newest_serum_of_the_finest_method(sera: list[Serum]) -> None:
    found = dict(class_days(sera))

    for one in ("I", "II"):
        of_class = [(FINENESS[method], day) for day, method, classes in sera if one in CLASSES[classes]]
        assert found.get(one) == (max(of_class)[1] if of_class else None)


@given(sera=st.lists(SERA, min_size=1, max_size=6), day=DAYS, method=METHODS)
def test_a_test_of_one_class_makes_the_other_no_younger(
    sera: list[Serum], day: datetime.date, method: str
) -> None:
    before, after = dict(class_days(sera)), dict(class_days([*sera, (day, method, "I")]))

    assert after.get("II") == before.get("II")


@given(rows=st.lists(ROWS, min_size=1, max_size=6), day=DAYS, call=CALLS)
def test_a_coarser_method_lowers_nothing(
    rows: list[Row], day: datetime.date, call: tuple[int | None, str]
) -> None:
    fine = [(one, AntibodyMethod.SINGLE_ANTIGEN.value, found) for one, _method, found in rows]
    before, after = bead_of(fine), bead_of([*fine, (day, AntibodyMethod.PANEL.value, call)])

    assert (after.mfi_newest or 0) >= (before.mfi_newest or 0)
    assert after.unquantified_newest >= before.unquantified_newest
    assert strength(after) >= strength(before)


@given(rows=st.lists(ROWS, min_size=1, max_size=6))
def test_the_newest_value_is_of_a_serum_that_no_newer_one_of_its_kind_follows(rows: list[Row]) -> None:
    found = bead_of(rows)
    newest = max(day for day, *_ in rows)
    last = [mfi for day, _method, (mfi, _call) in rows if day == newest and mfi is not None]

    assert all(found.mfi_newest is not None and found.mfi_newest >= mfi for mfi in last)
    assert found.mfi_newest is None or found.mfi_newest in [mfi for *_, (mfi, _call) in rows]
    assert dict(found.tested) == {
        method: max(day for day, other, _call in rows if other == method) for _day, method, _call in rows
    }
