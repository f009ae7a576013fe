"""The price of a day, what is charged for what, and what is voided."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from core.audit import Actor
from core.errors import Conflict, DomainError
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.fees import ChargeFactory, PriceFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.reservations import ReservationFactory
from tests.parallel import at_once
from transplants import demo_fees, services, services_fees, services_sweep
from transplants.charges import charge
from transplants.choices_incidents import FeeKind
from transplants.models import Charge, Price
from transplants.services import Wish

pytestmark = pytest.mark.django_db
BY = Actor.system("test")


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


def test_who_moves_up_in_the_line_is_charged_and_who_goes_on_waiting_is_not(
    prices: None, own: Patient, shen_jia: User
) -> None:
    row = ReservationFactory(patient=own)
    ReservationFactory(patient=PatientFactory(hospital=own.hospital), unit=row.unit)

    services_sweep.line_advance(reservation_id=row.pk)

    row.refresh_from_db()
    assert (row.state, charged()) == ("active", [("reservation", row.number, 500)])


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
