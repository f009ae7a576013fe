"""Recovery after thaw: pairs of values, the group that is large enough, nothing from made-up counts."""

from __future__ import annotations

from typing import Any

import pytest

from bank import recovery as module
from bank.models import Bank
from bank.recovery import BY_BANK, BY_METHOD, OVERALL, recoveries, recovery
from tests.factories.bank import BankFactory, MeasurementFactory, UnitFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    module._computed.cache_clear()


def thawed(bank: Bank, method: str, share: float, analyte: str = "tnc", **more: Any) -> None:
    unit = UnitFactory(bank=bank, processing_method=method)
    unit_of = {"tnc": "e7", "cd34": "e6", "cfu": "e5"}[analyte]
    for point, value in (("processing", 100.0), ("post_thaw", 100.0 * share)):
        MeasurementFactory(
            unit=unit, time_point=point, analyte=analyte, value=value, measure_unit=unit_of, **more
        )


def test_quantiles_are_those_of_the_shares() -> None:
    bank = BankFactory()
    for percent in range(80, 101):  # 21 units
        thawed(bank, "Sepax", percent / 100)

    found = recovery(bank.code, "Sepax")

    tnc = found["tnc"]
    assert tnc is not None
    assert (tnc.n, tnc.basis, tnc.bank_code, tnc.method) == (21, BY_METHOD, bank.code, "Sepax")
    assert (tnc.p5, tnc.q1, tnc.median, tnc.q3, tnc.p95) == pytest.approx((0.81, 0.85, 0.9, 0.95, 0.99))
    assert (found["cd34"], found["cfu"]) == (None, None)


@pytest.mark.parametrize(
    ("of_method", "of_bank", "elsewhere", "basis"),
    [(3, 0, 0, BY_METHOD), (2, 1, 0, BY_BANK), (1, 1, 1, OVERALL), (1, 0, 1, None)],
)
def test_a_group_that_is_too_small_falls_back(
    of_method: int, of_bank: int, elsewhere: int, basis: str | None
) -> None:
    bank, other = BankFactory(), BankFactory(code="B2")
    for number, where, method in ((of_method, bank, "AXP"), (of_bank, bank, ""), (elsewhere, other, "AXP")):
        for _ in range(number):
            thawed(where, method, 0.9)

    found = recovery(bank.code, "AXP", at_least=3)["tnc"]

    assert (found and found.basis) == basis
    assert found is None or found.n == 3


def test_an_unknown_method_is_no_group() -> None:
    bank = BankFactory()
    thawed(bank, "", 0.9)

    found = recovery(bank.code, "", at_least=1)["tnc"]

    assert found is not None
    assert found.basis == BY_BANK
    assert {row.basis for row in recoveries()} == {OVERALL, BY_BANK}


@pytest.mark.parametrize("more", [{"invented": True}, {"superseded": True}])
def test_made_up_and_corrected_values_do_not_count(more: dict[str, bool]) -> None:
    bank = BankFactory()
    thawed(bank, "AXP", 0.9, **more)

    assert recoveries() == ()


def test_a_value_without_its_partner_does_not_count() -> None:
    MeasurementFactory(time_point="post_thaw", value=100)
    MeasurementFactory(time_point="processing", value=100)

    assert recoveries() == ()


def test_it_is_computed_again_when_something_was_measured(django_assert_num_queries: Any) -> None:
    bank = BankFactory()
    thawed(bank, "AXP", 0.9)
    recoveries()
    with django_assert_num_queries(1):  # only whether there is something new
        assert recoveries()[0].n == 1

    thawed(bank, "AXP", 0.8)

    assert recoveries()[0].n == 2
