"""Orders with all that papers say of them, for tests. They go round the services on purpose."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from bank.choices import Eligibility, ReleaseOutcome
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    EligibilityDecision,
    ProcessingRecord,
    Reception,
    Release,
)
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import (
    CultureFactory,
    DonationFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    MarkerFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.reservations import ReservationFactory, in_days
from tests.factories.typings import a_use, typing_row
from transplants.choices_orders import UNIT_IN, OrderState
from transplants.choices_papers import TextKind
from transplants.models import (
    ConfirmatoryTyping,
    ExportPermit,
    Order,
    OrderSignature,
    PaperText,
    Shipment,
    Shipper,
)

AT = dt.datetime(2020, 5, 17, 2, 0, tzinfo=dt.UTC)
DIN = "A999926000123"


def full_unit(**values: Any) -> CordBloodUnit:
    """A unit of which everything is recorded and checked by two people."""
    entered, verified = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.QA], full_name="Ma Qi")
    two = {"entered_by": entered, "verified_by": verified, "verified_at": AT}
    donation = DonationFactory(
        mother_code="M-SECRET", collected_at=AT, born_at=AT - dt.timedelta(minutes=5), anticoagulant="CPD"
    )
    given = {"din": DIN, "product_code": "S1128000", "status": "ORDERED", "donation": donation}
    unit: CordBloodUnit = UnitFactory(processing_method="Sepax", red_cells="depleted", **{**given, **values})
    Reception.objects.create(unit=unit, received_at=AT + dt.timedelta(hours=6), entered_by=entered)
    ProcessingRecord.objects.create(
        unit=unit,
        started_at=AT + dt.timedelta(hours=8),
        frozen_at=AT + dt.timedelta(hours=13, minutes=30),
        cryoprotectant="DMSO 10 %",
        freeze_method="controlled rate",
        bag_type="Pall 25 mL",
        entered_by=entered,
    )
    MeasurementFactory(unit=unit, method="Sysmex", measured_on=dt.date(2020, 5, 17), **two)
    MeasurementFactory(
        unit=unit, analyte="cfu", value=12.5, measure_unit="e5", time_point="post_thaw_segment", **two
    )
    MeasurementFactory(unit=unit, analyte="viability", value=97, measure_unit="percent", method="7-AAD")
    MarkerFactory(unit=unit, method="CLIA", specimen="serum", sampled_on=dt.date(2020, 5, 17), **two)
    MarkerFactory(unit=unit, subject="unit", test="hiv_1_nat", **two)
    MarkerFactory(unit=unit, test="cmv", result="positive", **two)
    CultureFactory(unit=unit, method="BacT/ALERT", **two)
    HaemoglobinopathyFactory(unit=unit, **two)
    BloodGroupResult.objects.create(unit=unit, abo="O", rh="+", tested_on=dt.date(2020, 5, 20), **two)
    HlaTypingFactory(unit=unit, canonical_gl="A*11:01+A*24:02^B*40:01+B*46:01", laboratory="HLA lab", **two)
    EligibilityDecision.objects.create(
        donation=donation, decision=Eligibility.ELIGIBLE, interviewed_on=dt.date(2020, 5, 10), **two
    )
    Release.objects.create(
        unit=unit,
        specification=SpecificationFactory(approved=True, title="Listing", version=7),
        outcome=ReleaseOutcome.PASSED,
        released_by=verified,
        signed_by="Ma Qi",
        released_at=AT + dt.timedelta(days=30),
    )
    return unit


def order(patient: Patient | None = None, *, state: str = OrderState.APPROVED, **values: Any) -> Order:
    """In a state, with its unit in the state that belongs to it and its promise."""
    whose = patient or PatientFactory()
    unit = values.pop("unit", None) or UnitFactory(status=UNIT_IN.get(OrderState(state), "RESERVED"))
    reservation = ReservationFactory(active=True, unit=unit, patient=whose)
    now = timezone.now()
    made: dict[str, Any] = {}
    if state not in (OrderState.ASKED, OrderState.DECLINED):
        made |= {"approved_at": now, "approved_by": "Shen Jia"}
    if state in (OrderState.RELEASED, OrderState.SHIPPED, OrderState.DELIVERED, OrderState.INFUSED):
        made |= {"released_at": now}
    if state in (OrderState.INFUSED, OrderState.DECLINED, OrderState.WITHDRAWN):
        made |= {"ended_at": now, "ended_by": "Shen Jia"}
    row: Order = Order.objects.create(
        **{
            "number": f"OR-2026-{Order.objects.count() + 1:04d}",
            "reservation": reservation,
            "unit": unit,
            "patient": whose,
            "hospital": whose.hospital,
            "state": state,
            "weight_kg": 20,
            "conditioning_on": in_days(20),
            "infusion_on": in_days(30),
            "deliver_on": in_days(25),
            "country": "CN",
            "ship_to": "Ward 7, Transplant Centre\n1 Example Road, Suzhou",
            "contact": "Liu Ping",
            "contact_phone": "+86 512 0000",
            "asked_by": UserFactory(roles=[Role.HOSPITAL_COORDINATOR]),
            **made,
            **values,
        }
    )
    return row


def signed_release(row: Order) -> None:
    for meaning, name in (
        ("release", "Ma Qi, Quality assurance"),
        ("release_second", "Dr. Sun, Medical director"),
    ):
        OrderSignature.objects.create(
            order=row, meaning=meaning, signed_by=UserFactory(), signer=name, digest="0" * 64
        )


def shipment(row: Order, **values: Any) -> Shipment:
    """Packed since the release: one of before counts no more."""
    if row.released_at is None:
        row.released_at = timezone.now() - dt.timedelta(hours=1)
        row.save(update_fields=["released_at"])
    shipper, _new = Shipper.objects.get_or_create(
        serial="DS-17",
        defaults={
            "model": "CX-500",
            "validated_on": in_days(-10),
            "valid_until": in_days(300),
            "hold_hours": 240,
        },
    )
    made: Shipment = Shipment.objects.create(
        **{
            "number": f"SH-2026-{Shipment.objects.count() + 1:04d}",
            "order": row,
            "hospital": row.hospital,
            "shipper": shipper,
            "validated_on": in_days(-10),
            "hold_hours": 240,
            "charge_weight_kg": "17.25",
            "logger_serial": "LG-9",
            "seals": "S-1001, S-1002",
            "courier": "Cryo Express",
            "waybill": "CE-778899",
            "packed_by": UserFactory(roles=[Role.SHIPPING]),
            "expected_at": timezone.now() + dt.timedelta(days=2),
            **values,
        }
    )
    return made


def permit(row: Order) -> ExportPermit:
    made: ExportPermit = ExportPermit.objects.create(
        order=row,
        permit_no="HGR-2026-77",
        authority="Ministry",
        country=row.country,
        valid_until=in_days(90),
        recorded_by=UserFactory(),
    )
    return made


def confirmed_typing(
    row: Order, *, state: str = "confirmed", gl: str = "A*11:01+A*24:02", number: str = "CT-2026-0001"
) -> ConfirmatoryTyping:
    result = HlaTypingFactory(
        unit=row.unit, canonical_gl=gl, is_current=False, source="confirmatory", laboratory="CT lab"
    )
    made: ConfirmatoryTyping = ConfirmatoryTyping.objects.create(
        number=number,
        reservation=row.reservation,
        unit=row.unit,
        patient=row.patient,
        hospital=row.hospital,
        state=state,
        asked_by=UserFactory(),
        result=result,
        compared_with=row.unit.typings.filter(is_current=True).first() or typing_row(row.unit),
        sample_use=a_use(row.unit, dt.date(2026, 1, 5)),
        sampled_on=dt.date(2026, 1, 5),
        reported_at=timezone.now(),
        reported_by=UserFactory(),
        verified_by=UserFactory(),
        differing=[] if state == "confirmed" else ["A"],
        ended_at=timezone.now(),
    )
    return made


def text(kind: str = TextKind.THAW, *, approved: bool = True, **values: Any) -> PaperText:
    """In force, or a draft."""
    made: dict[str, Any] = {"created_by": UserFactory(roles=[Role.QA])}
    if approved:
        made |= {
            "approved_by": UserFactory(roles=[Role.MEDICAL_DIRECTOR]),
            "approved_at": timezone.now(),
            "valid_from": timezone.localdate(),
            "is_current": True,
        }
    last = PaperText.objects.filter(kind=kind).count()
    row: PaperText = PaperText.objects.create(
        **{
            "kind": kind,
            "version": last + 1,
            "text_en": "# Ours\n- Thaw at 37 °C.\n! Never twice.",
            "text_zh": "# 本库\n- 37 °C 复苏。\n! 不得二次复苏。",
            **made,
            **values,
        }
    )
    return row
