"""Orders for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from itertools import count
from typing import Any

import factory
from django.db import transaction
from django.utils import timezone

from bank.models import CordBloodUnit, Release, ReleaseSpecification, Slot
from core import audit
from core.audit import Actor
from core.crypto import encrypt_bytes
from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Patient, PatientWeight
from tests.factories.bank import (
    CultureFactory,
    HlaTypingFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory
from tests.factories.hospitals import AntibodySerumFactory, PatientTypingFactory, second_sample
from tests.factories.reservations import ReservationFactory, in_days
from tests.factories.storage import slot, tank
from tests.factories.typings import a_use
from transplants import order_signatures, prescription
from transplants.checks_papers import needed
from transplants.choices_orders import ORDER_TRANSITIONS, UNIT_IN, Meaning, OrderState
from transplants.models import ConfirmatoryTyping, Order, OrderPaper, PermitFile
from transplants.prescription import Prescription

_tanks = count(1)
PASSED: dict[str, Any] = {"outcome": "passed"}
AFTER_RELEASE = ("released", "shipped", "delivered", "infused", "not_used", "failed")
APPROVED = ("approved", *AFTER_RELEASE)
KEPT_PROMISE = ("asked", "approved", "released", "shipped", "delivered", "declined", "withdrawn")


class OrderFactory(factory.django.DjangoModelFactory):
    """In any state: `state="approved"`; its unit and reservation are in the state that goes with it."""

    class Meta:
        model = Order

    class Params:
        for_patient = None
        request = None  # the match request of its reservation

    state = "asked"
    number = factory.Sequence(lambda n: f"OR-2020-{n:04d}")
    unit = factory.LazyAttribute(lambda o: UnitFactory(status=UNIT_IN.get(OrderState(o.state), "RESERVED")))
    reservation = factory.LazyAttribute(lambda o: _reservation(o))
    patient = factory.SelfAttribute("reservation.patient")
    hospital = factory.SelfAttribute("reservation.hospital")
    weight_kg = Decimal("12.40")
    conditioning = "Bu/Cy"
    conditioning_on = factory.LazyFunction(lambda: in_days(20))
    deliver_on = factory.LazyFunction(lambda: in_days(18))
    infusion_on = factory.LazyFunction(lambda: in_days(27))
    country = "CN"
    ship_to = "Ward 7, 1 Synthetic Road, Shanghai"
    contact = "Gu Wen"
    contact_phone = "+86 21 0000 0000"
    asked_by = factory.LazyFunction(lambda: UserFactory(roles=[Role.HOSPITAL_COORDINATOR]))
    approved_by = factory.LazyAttribute(lambda o: "Shen Jia" if o.state in APPROVED else "")
    approved_at = factory.LazyAttribute(lambda o: timezone.now() if o.state in APPROVED else None)
    released_at = factory.LazyAttribute(lambda o: timezone.now() if o.state in AFTER_RELEASE else None)
    ended_by = factory.LazyAttribute(lambda o: "" if ORDER_TRANSITIONS[OrderState(o.state)] else "He Lan")
    ended_at = factory.LazyAttribute(
        lambda o: None if ORDER_TRANSITIONS[OrderState(o.state)] else timezone.now()
    )


def _reservation(o: Any) -> Any:
    values: dict[str, Any] = {"unit": o.unit, "active": True, "request": o.request}
    if o.for_patient is not None:
        values["patient"] = o.for_patient
    if o.state not in KEPT_PROMISE:
        values |= {
            "state": "ended",
            "ended_by": "s",
            "ended_at": timezone.now(),
            "end_cause": "infused" if o.state == "infused" else "returned",
        }
    return ReservationFactory(**values)


def prescribed(**values: Any) -> Prescription:
    given = {
        "weight_kg": Decimal("12.40"),
        "conditioning": "Bu/Cy",
        "conditioning_on": in_days(20),
        "deliver_on": in_days(18),
        "infusion_on": in_days(27),
        "country": "CN",
        "ship_to": "Ward 7, 1 Synthetic Road, Shanghai",
        "contact": "Gu Wen",
        "contact_phone": "+86 21 0000 0000",
    }
    return Prescription(**given | values)


def sign(order: Order, user: User | None = None) -> None:
    """The prescription, by a physician."""
    user = user or UserFactory(roles=[Role.HOSPITAL_PHYSICIAN])
    order_signatures.write(order, Meaning.PRESCRIPTION, user, prescription.digest(order))


def permit_file(order: Order, permit_no: str = "P-1", data: bytes = b"%PDF-1.7 permit") -> PermitFile:
    """The document of a permit, as the service keeps it."""
    made: PermitFile = PermitFile.objects.create(
        order=order,
        permit_no=permit_no,
        content_type="application/pdf",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content=encrypt_bytes(data),
        added_by=UserFactory(roles=[Role.SEARCH_COORDINATOR]),
    )
    return made


def ready(order: Order, *, signed: bool = True, listed: dict[str, Any] | None = PASSED) -> Order:
    """Everything that the checklist of the order asks for is so. listed: of the release to the list; None: none."""
    ready_hospital(order.hospital)
    ready_patient(order.patient)
    ready_unit(order.unit, listed)
    _typed_anew(order)
    if signed:
        sign(order)
    if order.state == OrderState.RELEASED:
        papers_made(order)
    order.refresh_from_db()
    return order


@transaction.atomic
def papers_made(order: Order, *kinds: str) -> None:
    """What goes with the unit was fetched just now; all of it unless some are named."""
    for kind in kinds or needed(order):
        row = OrderPaper.objects.create(
            order=order,
            kind=kind,
            version=1 + order.papers.filter(kind=kind).count(),
            language="both",
            digest="0" * 64,
            pdf=b"%PDF-1.7",
            pdf_sha256="0" * 64,
            made_by="Xu Hai",
        )
        target = (row._meta.label, str(row.pk), order.number)
        audit.record(actor=Actor.system("test"), action="paper.issue", target=target)


def ready_hospital(hospital: Hospital) -> None:
    hospital.qualification_no, hospital.qualified_until = "Q-1", in_days(400)
    hospital.save()


def ready_patient(patient: Patient) -> None:
    """Weighed, typed on two samples, without antibodies."""
    PatientWeight.objects.create(patient=patient, weight_kg=Decimal("12.40"), measured_on=in_days(-1))
    if not patient.typings.exists():
        PatientTypingFactory(patient=patient)
        second_sample(patient)
    AntibodySerumFactory(patient=patient, sampled_on=in_days(-5))


def ready_unit(unit: CordBloodUnit, listed: dict[str, Any] | None = PASSED) -> None:
    """Released to the list by the specification in force, in its place."""
    judge: User = UserFactory(roles=[Role.QA], full_name="Qian Yu")
    specification = ReleaseSpecification.objects.in_force(unit.bank_id, timezone.localdate())
    if specification is None:
        criterion = {
            "kind": "culture",
            "test": "bacterial",
            "allowed": ["no_growth"],
            "may_be_excepted": True,
        }
        specification = SpecificationFactory(bank=unit.bank, approved=True, criteria=[criterion])
    CultureFactory(unit=unit, verified_by=UserFactory(), verified_at=timezone.now())
    MeasurementFactory(
        unit=unit,
        time_point="post_thaw_segment",
        analyte="cd34_viability",
        value=92.0,
        measure_unit="percent",
        verified_by=UserFactory(),
        verified_at=timezone.now(),
    )
    if listed is not None:
        Release.objects.create(
            unit=unit, specification=specification, released_by=judge, signed_by="Qian Yu", **listed
        )
    if Slot.objects.filter(unit=unit).exists():
        return
    code = f"T{next(_tanks)}"
    tank(code, bank=unit.bank, slots=1)
    place = slot(1, code)
    place.unit = unit
    place.save()


def _typed_anew(order: Order) -> ConfirmatoryTyping:
    """The unit's typing was confirmed on a segment."""
    gl = "A*11:01+A*24:02^B*40:01+B*46:01^C*01:02+C*07:02^DRB1*09:01+DRB1*15:01^DQB1*03:03+DQB1*06:01"
    current = HlaTypingFactory(unit=order.unit, canonical_gl=gl, is_current=True)
    result = HlaTypingFactory(unit=order.unit, canonical_gl=gl, is_current=False, source="confirmatory")
    found: ConfirmatoryTyping = ConfirmatoryTyping.objects.create(
        number=f"CT-2017-{next(_tanks):04d}",
        reservation=order.reservation,
        unit=current.unit,
        patient=order.patient,
        hospital=order.hospital,
        state="confirmed",
        asked_by=order.asked_by,
        result=result,
        compared_with=current,
        sample_use=a_use(current.unit, dt.date(2020, 6, 1)),
        sampled_on=dt.date(2020, 6, 1),
        reported_by=UserFactory(roles=[Role.LAB]),
        reported_at=timezone.now(),
        verified_by=UserFactory(roles=[Role.LAB]),
        ended_at=timezone.now(),
    )
    return found
