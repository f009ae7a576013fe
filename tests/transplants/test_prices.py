"""The price list: what is set, refused, withdrawn, and by whom; nothing without its audit entry."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.fees import ChargeFactory, PriceFactory
from tests.factories.hospitals import member_of
from tests.factories.reservations import in_days, trusted_hospital
from tests.parallel import all_at_once
from transplants import services_fees
from transplants.models import Charge, Price

pytestmark = pytest.mark.django_db


def given(**values: Any) -> dict[str, Any]:
    return {
        "kind": "reservation",
        "amount": Decimal("500"),
        "currency": "CNY",
        "valid_from": in_days(1),
        **values,
    }


def test_price_is_set_from_a_day_on(dong_hua: User) -> None:
    row = services_fees.price_set(**given(), user=dong_hua)

    assert (row.kind, row.amount, row.valid_from) == ("reservation", 500, in_days(1))
    entry = AuditEntry.objects.get(action="price.set")
    assert entry.after == {
        "kind": "reservation",
        "amount": "500",
        "currency": "CNY",
        "valid_from": in_days(1).isoformat(),
    }


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"kind": "gift"}, "fee_unknown", "kind"),
        ({"currency": "XAU"}, "currency_unknown", "currency"),
        ({"amount": Decimal("-0.01")}, "amount_out_of_range", "amount"),
        ({"amount": Decimal("10000000000")}, "amount_out_of_range", "amount"),
        ({"amount": Decimal("NaN")}, "amount_out_of_range", "amount"),
        ({"amount": Decimal("Infinity")}, "amount_out_of_range", "amount"),
        ({"amount": Decimal("0.005")}, "amount_too_fine", "amount"),
        ({"amount": Decimal("100.5"), "currency": "JPY"}, "amount_too_fine", "amount"),
        ({"valid_from": in_days(-1)}, "day_too_early", "valid_from"),
        ({"valid_from": in_days(1_101)}, "day_too_late", "valid_from"),
    ],
)
def test_wrong_prices_are_refused_beside_their_field(
    values: dict[str, Any], code: str, field: str, dong_hua: User
) -> None:
    with pytest.raises(InvalidInput) as refused:
        services_fees.price_set(**given(**values), user=dong_hua)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert not Price.objects.exists()


@pytest.mark.parametrize("values", [{"amount": Decimal(0)}, {"amount": Decimal(100), "currency": "JPY"}])
def test_prices_at_the_edge_are_taken(values: dict[str, Any], dong_hua: User) -> None:
    assert services_fees.price_set(**given(**values), user=dong_hua).amount == values["amount"]


def test_only_the_first_price_of_a_fee_may_begin_today(dong_hua: User) -> None:
    """What was charged today was charged by the price in force."""
    services_fees.price_set(**given(valid_from=in_days(0)), user=dong_hua)
    services_fees.price_set(**given(kind="typing", valid_from=in_days(0)), user=dong_hua)

    with pytest.raises(InvalidInput) as refused:
        services_fees.price_set(**given(valid_from=in_days(0), amount=Decimal(1)), user=dong_hua)

    assert refused.value.code == "day_too_early"
    assert f"{in_days(1):%Y-%m-%d}" in refused.value.message


def test_a_day_has_one_price(dong_hua: User) -> None:
    first = services_fees.price_set(**given(), user=dong_hua)

    assert services_fees.price_set(**given(), user=dong_hua).pk == first.pk  # the form, sent twice
    for other in ({"amount": Decimal(1)}, {"currency": "USD"}):
        with pytest.raises(Conflict, match="there is a price already"):
            services_fees.price_set(**given(**other), user=dong_hua)
    with pytest.raises(Conflict):
        services_fees.price_set(**given(), user=UserFactory(roles=[Role.DIRECTOR]))

    assert Price.objects.count() == AuditEntry.objects.filter(action="price.set").count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_ten_prices_of_one_day_at_once_are_one() -> None:
    people = [UserFactory(roles=[Role.DIRECTOR]) for _ in range(10)]

    found = all_at_once([partial(services_fees.price_set, **given(), user=user) for user in people])

    assert [one.code for one in found if isinstance(one, DomainError)] == ["price_there"] * 9
    assert Price.objects.count() == AuditEntry.objects.filter(action="price.set").count() == 1


def test_price_that_has_not_begun_is_withdrawn(dong_hua: User) -> None:
    row = services_fees.price_set(**given(), user=dong_hua)

    services_fees.price_withdraw(price_id=row.pk, reason="wrong", user=dong_hua)

    entry = AuditEntry.objects.get(action="price.withdraw")
    assert (entry.reason, (entry.before or {})["amount"]) == ("wrong", "500.00")
    assert not Price.objects.exists()
    with pytest.raises(Conflict, match="withdrawn already"):
        services_fees.price_withdraw(price_id=row.pk, reason="wrong", user=dong_hua)


def test_price_that_has_begun_stays(dong_hua: User) -> None:
    row = PriceFactory(valid_from=in_days(0))

    with pytest.raises(Conflict, match="has begun"):
        services_fees.price_withdraw(price_id=row.pk, reason="wrong", user=dong_hua)

    assert Price.objects.get() == row


@pytest.mark.parametrize("reason", ["", "  ", "\0"])
def test_reasons_are_needed(reason: str, dong_hua: User) -> None:
    price, row = PriceFactory(valid_from=in_days(5)), ChargeFactory()

    with pytest.raises(InvalidInput):
        services_fees.price_withdraw(price_id=price.pk, reason=reason, user=dong_hua)
    with pytest.raises(InvalidInput):
        services_fees.charge_void(charge_id=row.pk, reason=reason, user=dong_hua)

    assert Price.objects.exists()
    assert Charge.objects.valid().exists()


@pytest.mark.parametrize("role", [Role.SEARCH_COORDINATOR, Role.ADMIN, Role.HOSPITAL_COORDINATOR, Role.QA])
def test_nobody_but_the_direction_keeps_prices_and_charges(role: Role) -> None:
    user, price, row = (
        member_of(trusted_hospital(), role),
        PriceFactory(valid_from=in_days(5)),
        ChargeFactory(),
    )
    works = [
        partial(services_fees.price_set, **given()),
        partial(services_fees.price_withdraw, price_id=price.pk, reason="r"),
        partial(services_fees.charge_void, charge_id=row.pk, reason="r"),
    ]

    for work in works:
        with pytest.raises(NotAllowed):
            work(user=user)

    assert Price.objects.get() == price
    assert Charge.objects.valid().get() == row


def _refuse(**kwargs: Any) -> None:
    raise RuntimeError("the audit table is full")


@pytest.mark.parametrize(
    "work",
    [
        lambda user, charge: services_fees.charge_void(charge_id=charge.pk, reason="r", user=user),
        lambda user, charge: services_fees.price_set(**given(), user=user),
        lambda user, charge: services_fees.price_withdraw(
            price_id=Price.objects.get().pk, reason="r", user=user
        ),
    ],
)
def test_nothing_is_written_without_its_audit_entry(
    work: Any, dong_hua: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _price = ChargeFactory(), PriceFactory(valid_from=in_days(9))
    monkeypatch.setattr("transplants.services_fees.audit.record", _refuse)

    with pytest.raises(RuntimeError), transaction.atomic():
        work(dong_hua, row)

    assert Charge.objects.valid().get() == row
    assert Price.objects.count() == 1
