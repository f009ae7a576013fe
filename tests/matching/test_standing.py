from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.choices import WatchFor
from matching.standing import NO_ESTIMATE, Standing, band_of, beats, better_of

STANDINGS = st.builds(
    Standing, st.integers(3, 6), st.integers(NO_ESTIMATE, 9), st.integers(0, 6), st.integers(-1, 300_000)
)
COUNTS = st.sampled_from(WatchFor)
BEST = Standing(5, 4, 5, 150_000)


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        (BEST, set()),
        (Standing(6, NO_ESTIMATE, 0, -1), {"class", "band", "dose"}),
        (Standing(5, 5, 0, -1), {"band", "dose"}),
        (Standing(5, 4, 6, -1), {"dose"}),
        (Standing(5, 4, 5, 150_001), {"dose"}),
        (Standing(5, 4, 5, 149_999), set()),
        (Standing(5, 3, 6, 300_000), set()),
        (Standing(4, 9, 6, 300_000), set()),
        (Standing(5, NO_ESTIMATE, 6, 300_000), set()),  # "cannot tell" is never better
    ],
)
def test_what_beats_the_best(unit: Standing, wanted: set[str]) -> None:
    assert {counts.value for counts in WatchFor if beats(unit, BEST, counts)} == wanted


@given(STANDINGS, st.tuples(*(st.integers(0, 3) for _ in range(4))), COUNTS)
def test_a_unit_that_is_worse_or_equal_in_every_key_never_notifies(
    best: Standing, less: tuple[int, int, int, int], counts: WatchFor
) -> None:
    worse = Standing(*(value - lost for value, lost in zip(best.key(), less, strict=True)))

    assert not beats(worse, best, counts)


@given(STANDINGS, STANDINGS, COUNTS)
def test_of_two_at_most_one_beats_the_other(one: Standing, two: Standing, counts: WatchFor) -> None:
    assert not (beats(one, two, counts) and beats(two, one, counts))


@given(STANDINGS, STANDINGS)
def test_who_asks_for_less_is_told_of_all_that_who_asks_for_more_is_told(
    one: Standing, two: Standing
) -> None:
    told = [beats(one, two, counts) for counts in (WatchFor.CLASS, WatchFor.BAND, WatchFor.DOSE)]

    assert told == sorted(told)


@given(STANDINGS, COUNTS)
def test_where_nothing_was_on_offer_every_unit_is_better(unit: Standing, counts: WatchFor) -> None:
    assert beats(unit, None, counts)


@given(st.one_of(st.none(), STANDINGS), st.one_of(st.none(), STANDINGS), STANDINGS)
def test_what_beats_the_better_of_two_beats_both(
    one: Standing | None, two: Standing | None, unit: Standing
) -> None:
    best = better_of(one, two)

    assert beats(unit, best, WatchFor.DOSE) == all(beats(unit, each, WatchFor.DOSE) for each in (one, two))


@pytest.mark.parametrize(
    ("share", "band"),
    [(None, NO_ESTIMATE), (0.0, 0), (0.099999, 0), (0.1, 1), (0.3, 3), (0.7, 7), (0.999, 9), (1.0, 9)],
)
def test_bands(share: float | None, band: int) -> None:
    assert band_of(share) == band
