"""Reservations for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from django.utils import timezone

from core.roles import Role
from hospitals.models import Hospital
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory
from transplants.models import Reservation


def in_days(days: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


class ReservationFactory(factory.django.DjangoModelFactory):
    """Asked for; with `active` confirmed, the unit reserved; with `ended` cancelled."""

    class Meta:
        model = Reservation

    class Params:
        active = factory.Trait(
            state="active",
            confirmed_by="Shen Jia",
            confirmed_at=factory.LazyFunction(timezone.now),
            until=factory.LazyFunction(lambda: in_days(30)),
            unit=factory.SubFactory(UnitFactory, status="RESERVED"),
        )
        ended = factory.Trait(
            state="cancelled",
            ended_by="He Lan",
            ended_at=factory.LazyFunction(timezone.now),
            end_cause="hospital",
            end_reason="another unit was chosen",
        )

    number = factory.Sequence(lambda n: f"RS-2020-{n:04d}")
    unit = factory.SubFactory(UnitFactory)
    patient = factory.SubFactory(PatientFactory)
    hospital = factory.SelfAttribute("patient.hospital")
    asked_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.HOSPITAL_COORDINATOR]))


def trusted_hospital(**kwargs: Any) -> Hospital:
    """One that the bank lets reserve itself."""
    hospital: Hospital = HospitalFactory(
        self_service_reservation=True,
        qualification_no="Q-1",
        qualified_until=in_days(100),
        **kwargs,
    )
    return hospital
