"""Confirmatory typings for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from django.utils import timezone

from bank.choices import Subject, TypingSource
from bank.models import CordBloodUnit, HlaTyping, SampleUse, UnitSample
from bank.typing_compared import Reported, in_force
from core.roles import Role
from core.typings import TypingInput, interpret
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL
from tests.factories.matching import ListedUnitFactory
from tests.factories.reservations import ReservationFactory
from transplants.guards_typings import shown_of
from transplants.models import ConfirmatoryTyping, Reservation

OTHER_A = GL.replace("A*11:01", "A*02:01")  # cannot be the same person's


def given(gl: str = GL, **values: Any) -> TypingInput:
    """What a laboratory enters."""
    known: dict[str, Any] = {"gl": gl, "laboratory": "HLA laboratory", "typed_on": timezone.localdate()}
    return TypingInput(**known | values)


def reported(gl: str = GL) -> dict[str, Any]:
    entered = given(gl)
    return Reported.of(entered, interpret(entered)).as_json()


def typing_row(unit: CordBloodUnit, gl: str = GL, **values: Any) -> HlaTyping:
    """In force, as a file brought it."""
    read = interpret(TypingInput(gl=gl))
    known = {"source": TypingSource.IMPORT, "subject": Subject.UNIT, "nomenclature": read.release}
    loci = {locus: list(pair) for locus, pair in read.typed.items()}
    found: HlaTyping = HlaTyping.objects.create(
        unit=unit, loci=loci, canonical_gl=read.typing().gl(), **known | values
    )
    return found


def typed_unit(gl: str = GL, segments: int = 3, **values: Any) -> CordBloodUnit:
    """A reserved unit with its typing in force and attached segments."""
    unit: CordBloodUnit = ListedUnitFactory(gl=gl, **{"status": "RESERVED", "segments": segments} | values)
    typing_row(unit, gl)
    return unit


def promised(gl: str = GL, segments: int = 3, **values: Any) -> Reservation:
    """An active reservation of such a unit."""
    row: Reservation = ReservationFactory(active=True, unit=typed_unit(gl, segments), **values)
    return row


def shown(row: ConfirmatoryTyping) -> str:
    """As the page has it."""
    return shown_of(row, in_force(row.unit_id))


def a_use(unit: CordBloodUnit, on: dt.date) -> SampleUse:
    stock, _new = UnitSample.objects.get_or_create(
        unit=unit, subject="unit", kind="segment", defaults={"opening": 3, "remaining": 3}
    )
    stock.remaining -= 1
    stock.save()
    use: SampleUse = SampleUse.objects.create(sample=stock, count=1, purpose="confirmatory", used_on=on)
    return use


class ConfirmatoryTypingFactory(factory.django.DjangoModelFactory):
    """Asked for; with `sampled` the segment is cut, with `reported` the result (`gl`) is entered."""

    class Meta:
        model = ConfirmatoryTyping

    class Params:
        gl = GL
        sampled = factory.Trait(
            state="sampled",
            sampled_on=factory.LazyFunction(timezone.localdate),
            sample_use=factory.LazyAttribute(lambda o: a_use(o.unit, timezone.localdate())),
        )
        reported_now = factory.Trait(
            sampled=True,
            state="reported",
            reported=factory.LazyAttribute(lambda o: reported(o.gl)),
            method="ngs",
            reported_by=factory.LazyFunction(lambda: UserFactory(roles=[Role.LAB])),
            reported_at=factory.LazyFunction(timezone.now),
        )
        cancelled = factory.Trait(
            state="cancelled", ended_at=factory.LazyFunction(timezone.now), end_reason="another unit"
        )

    number = factory.Sequence(lambda n: f"CT-2020-{n:04d}")
    reservation = factory.LazyFunction(promised)
    unit = factory.SelfAttribute("reservation.unit")
    patient = factory.SelfAttribute("reservation.patient")
    hospital = factory.SelfAttribute("reservation.hospital")
    asked_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.HOSPITAL_COORDINATOR]))
