"""Prices and charges for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import factory
from django.utils import timezone

from core.roles import Role
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory
from transplants.models import Charge, Price


class PriceFactory(factory.django.DjangoModelFactory):
    """In force since 2020."""

    class Meta:
        model = Price

    kind = "reservation"
    valid_from = dt.date(2020, 1, 1)
    amount = Decimal("500.00")
    currency = "CNY"
    entered_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.DIRECTOR]))


class ChargeFactory(factory.django.DjangoModelFactory):
    """Valid; with `void` voided."""

    class Meta:
        model = Charge

    class Params:
        void = factory.Trait(
            void_at=factory.LazyFunction(timezone.now),
            void_by=factory.LazyFunction(lambda: UserFactory(roles=[Role.DIRECTOR], full_name="Dong Hua")),
            void_reason="charged by mistake",
        )

    patient = factory.SubFactory(PatientFactory)
    hospital = factory.SelfAttribute("patient.hospital")
    unit = factory.SubFactory(UnitFactory)
    kind = "reservation"
    reference = factory.Sequence(lambda n: f"RS-2020-{n:04d}")
    on = factory.LazyFunction(timezone.localdate)
    amount = Decimal("500.00")
    currency = "CNY"
