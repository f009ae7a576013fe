"""Prices by day, what is charged for what, and what is voided."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.fees import ChargeFactory, PriceFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.reservations import ReservationFactory, in_days, trusted_hospital
from tests.parallel import all_at_once, at_once
from transplants import demo_fees, services, services_fees
from transplants.charges import charge
from transplants.choices_incidents import FeeKind
from transplants.models import Charge, Price
from transplants.services import Wish

pytestmark = pytest.mark.django_db
BY = Actor.system("test")


@pytest.fixture
def dong_hua(db: None) -> User:
    """The director keeps the price list."""
    found: User = UserFactory(roles=[Role.DIRECTOR], full_name="Dong Hua")
    return found


def given(**values: Any) -> dict[str, Any]:
    return {
        "kind": "reservation",
        "amount": Decimal("500"),
        "currency": "CNY",
        "valid_from": in_days(1),
        **values,
    }


def due(on: dt.date, reference: str = "RS-1", kind: FeeKind = FeeKind.RESERVATION) -> Charge | None:
    with transaction.atomic():
        return charge(
            kind=kind, reference=reference, patient=PatientFactory(), unit=UnitFactory(), on=on, actor=BY
        )


# --- the price of a day ---------------------------------------------------------------------------


def test_price_of_a_day_is_the_last_that_has_begun() -> None:
    first, second = dt.date(2026, 1, 1), dt.date(2026, 7, 1)
    PriceFactory(valid_from=first, amount=Decimal("500"))
    PriceFactory(valid_from=second, amount=Decimal("600"))
    PriceFactory(kind="typing", valid_from=dt.date(2026, 3, 1), amount=Decimal("9"))
    day = dt.timedelta(days=1)

    amounts = [
        row.amount if (row := Price.objects.in_force("reservation", on)) else None
        for on in (first - day, first, second - day, second, second + day * 1000)
    ]

    assert amounts == [None, 500, 500, 600, 600]


def test_charge_takes_the_price_of_its_day() -> None:
    PriceFactory(valid_from=dt.date(2026, 1, 1), amount=Decimal("500"))
    PriceFactory(valid_from=dt.date(2026, 7, 1), amount=Decimal("70"), currency="USD")

    rows = [due(dt.date(2026, 6, 30), "RS-1"), due(dt.date(2026, 7, 1), "RS-2"), due(dt.date(2025, 12, 31))]

    assert [(row.amount, row.currency) if row else None for row in rows] == [(500, "CNY"), (70, "USD"), None]
    assert Charge.objects.count() == AuditEntry.objects.filter(action="charge.create").count() == 2


def test_price_of_nothing_ends_the_fee() -> None:
    PriceFactory(valid_from=dt.date(2026, 1, 1))
    PriceFactory(valid_from=dt.date(2026, 7, 1), amount=Decimal(0))

    assert due(dt.date(2026, 6, 30)) is not None
    assert due(dt.date(2026, 7, 1), "RS-2") is None


def test_what_was_charged_is_charged_once_also_after_it_was_voided(dong_hua: User) -> None:
    PriceFactory()
    row = due(timezone.localdate())
    assert row is not None
    services_fees.charge_void(charge_id=row.pk, reason="mistake", user=dong_hua)

    again = due(timezone.localdate())

    assert again is not None
    assert (again.pk, Charge.objects.count(), Charge.objects.valid().count()) == (row.pk, 1, 0)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_calls_at_once_charge_once() -> None:
    PriceFactory()
    patient, unit = PatientFactory(), UnitFactory()

    def once() -> Any:
        with transaction.atomic():
            return charge(
                kind=FeeKind.RESERVATION,
                reference="RS-2026-0001",
                patient=patient,
                unit=unit,
                on=timezone.localdate(),
                actor=BY,
            )

    found = at_once(once, 20)

    assert len({row.pk for row in found}) == Charge.objects.count() == 1
    assert AuditEntry.objects.filter(action="charge.create").count() == 1


# --- what is charged by itself --------------------------------------------------------------------


@pytest.fixture
def prices() -> None:
    PriceFactory(kind="reservation", amount=Decimal("500"))
    PriceFactory(kind="extension", amount=Decimal("300"))


def charged() -> list[tuple[str, str, Decimal]]:
    return list(Charge.objects.order_by("reference").values_list("kind", "reference", "amount"))


def test_reservation_is_charged_when_the_unit_is_promised(prices: None, shen_jia: User) -> None:
    row = ReservationFactory()
    assert charged() == []

    services.reservation_confirm(reservation_id=row.pk, user=shen_jia)

    assert charged() == [("reservation", row.number, 500)]
    found = Charge.objects.get()
    assert (found.hospital_id, found.patient_id, found.unit_id) == (
        row.hospital_id,
        row.patient_id,
        row.unit_id,
    )
    assert found.on == timezone.localdate()


def test_hospital_that_reserves_itself_is_charged_at_once(prices: None, own: Patient, tan_xi: User) -> None:
    row = services.reservation_ask(wish=Wish(UnitFactory().pk, own.pk), user=tan_xi)

    assert charged() == [("reservation", row.number, 500)]


def test_wish_that_waits_or_is_declined_costs_nothing(prices: None, shen_jia: User) -> None:
    row = ReservationFactory()

    services.reservation_decline(reservation_id=row.pk, user=shen_jia, reason="no")

    assert charged() == []


def test_promise_from_before_this_system_is_not_charged_again(prices: None, shen_jia: User) -> None:
    row = ReservationFactory(unit=UnitFactory(status="RESERVED"))

    services.reservation_confirm(reservation_id=row.pk, user=shen_jia, earlier=True)

    assert charged() == []


def test_each_extension_by_the_hospital_is_charged_and_none_by_the_bank(
    prices: None, own: Patient, tan_xi: User, shen_jia: User
) -> None:
    row = ReservationFactory(active=True, patient=own)
    extend = partial(services.reservation_extend, reservation_id=row.pk, reason="bed")

    extend(user=tan_xi)
    extend(user=shen_jia)
    extend(user=tan_xi)

    assert charged() == [
        ("extension", f"{row.number}-1", 300),
        ("extension", f"{row.number}-2", 300),
    ]


def test_without_a_price_nothing_is_charged(shen_jia: User) -> None:
    services.reservation_confirm(reservation_id=ReservationFactory().pk, user=shen_jia)

    assert charged() == []


def test_no_charge_without_what_it_is_for(
    prices: None, shen_jia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The charge is refused, so nothing is reserved: both or none."""
    row = ReservationFactory()
    monkeypatch.setattr("transplants.charges.audit.record", _refuse)

    with pytest.raises(RuntimeError), transaction.atomic():
        services.reservation_confirm(reservation_id=row.pk, user=shen_jia)

    row.refresh_from_db()
    assert (row.state, row.unit.status, charged()) == ("asked", "LISTED", [])


def _refuse(**kwargs: Any) -> None:
    raise RuntimeError("the audit table is full")


# --- the price list -------------------------------------------------------------------------------


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


# --- void -----------------------------------------------------------------------------------------


def test_charge_is_voided_with_a_reason_and_stays(dong_hua: User) -> None:
    row = ChargeFactory()

    services_fees.charge_void(charge_id=row.pk, reason=" wrong patient\0 ", user=dong_hua)

    row.refresh_from_db()
    assert (row.void_by, row.void_reason, row.amount) == (dong_hua, "wrong patient", 500)
    entry = AuditEntry.objects.get(action="charge.void")
    assert (entry.reason, entry.hospital_id) == ("wrong patient", row.hospital_id)


def test_charge_is_voided_once(dong_hua: User) -> None:
    row = ChargeFactory(void=True)

    with pytest.raises(Conflict, match="charged by mistake"):
        services_fees.charge_void(charge_id=row.pk, reason="again", user=dong_hua)

    row.refresh_from_db()
    assert row.void_reason == "charged by mistake"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_ten_hands_void_once() -> None:
    row, user = ChargeFactory(), UserFactory(roles=[Role.DIRECTOR])

    found = at_once(partial(services_fees.charge_void, charge_id=row.pk, reason="r", user=user), 10)

    assert [one.code for one in found if isinstance(one, DomainError)] == ["charge_void"] * 9
    assert AuditEntry.objects.filter(action="charge.void").count() == 1


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


# --- the database ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factory", "values", "name"),
    [
        (PriceFactory, {"amount": Decimal(-1)}, "price_not_negative"),
        (PriceFactory, {"kind": "gift"}, "price_kind_known"),
        (ChargeFactory, {"amount": Decimal(-1)}, "charge_not_negative"),
        (ChargeFactory, {"void_reason": "r"}, "charge_void_paired"),
        (ChargeFactory, {"void_at": timezone.now()}, "charge_void_paired"),
    ],
)
def test_database_refuses_what_cannot_be(factory: Any, values: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        factory(**values)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE transplants_charge SET amount = 0",
        "DELETE FROM transplants_charge",
        "UPDATE transplants_price SET amount = 0",
    ],
)
def test_application_cannot_change_what_was_charged(sql: str) -> None:
    ChargeFactory()
    PriceFactory()

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_demonstration_has_two_years_of_prices_and_charges_by_itself(dong_hua: User, shen_jia: User) -> None:
    today = timezone.localdate()

    demo_fees.load(director=dong_hua, today=today)
    services.reservation_confirm(reservation_id=ReservationFactory().pk, user=shen_jia)

    assert all(Price.objects.in_force(kind, today) for kind in FeeKind)
    first = Price.objects.in_force("reservation", dt.date(today.year - 1, 12, 31))
    assert first is not None
    assert Charge.objects.get().amount > first.amount
    assert Price.objects.count() == AuditEntry.objects.filter(action="price.set").count()
