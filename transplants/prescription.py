"""What a hospital prescribes: its fields, how they are checked, and the digest that a signature names."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.models import GeneticLimits
from core.errors import InvalidInput
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from hospitals.models import Department, Patient
from transplants.models import Order

MOST_DAYS_AHEAD: Final = 365  # a day beyond that is a slip of the hand
LONGEST: Final = {"conditioning": 200, "ship_to": 400, "contact": 120, "contact_phone": 40, "note": 400}
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Prescription:
    """country: where the unit goes, two letters. Days by the calendar of the bank.

    department_id: of the hospital, who takes the unit there.
    """

    weight_kg: Decimal
    conditioning: str = ""
    conditioning_on: dt.date
    deliver_on: dt.date
    infusion_on: dt.date
    country: str
    ship_to: str
    contact: str
    contact_phone: str
    note: str = ""
    department_id: UUID | None = None

    @property
    def arrives_late(self) -> bool:
        """After the conditioning began: a unit that is lost on its way then finds a patient without marrow."""
        return self.deliver_on > self.conditioning_on


FIELDS: Final = tuple(one.name for one in fields(Prescription))


def of_order(order: Order) -> Prescription:
    return Prescription(**{name: getattr(order, name) for name in FIELDS})


def proposed(patient: Patient, department: Department | None = None) -> dict[str, Any]:
    """What a new order begins with: the weight of the patient, and who takes deliveries in his hospital.

    department: of that hospital; where it names nobody for shipments, those of the hospital hold.
    """
    hospital = patient.hospital
    who = department if department is not None and department.shipping_contact else hospital
    phone = department.shipping_phone if department is not None else ""
    return {
        "weight_kg": patient.weight_kg,
        "country": hospital.country,
        "ship_to": hospital.shipping_address,
        "contact": who.shipping_contact,
        "contact_phone": phone or hospital.shipping_phone,
        "department_id": department.pk if department is not None else None,
    }


def guard_department(given: Prescription, hospital_id: UUID, former: Prescription | None = None) -> None:
    """Raises InvalidInput unless it is an active one of the hospital; what stays as it was may have been closed."""
    key = given.department_id
    if key is None or (former is not None and former.department_id == key):
        return
    if not Department.objects.active().filter(pk=key, hospital=hospital_id).exists():
        raise InvalidInput(
            "department_unknown", _("Choose a department of this hospital."), field="department"
        )


def cleaned(given: Prescription, former: Prescription | None = None) -> Prescription:
    """The same in plain form. Raises InvalidInput that names the field.

    former: what it changes; a day that stays what it was may have passed meanwhile.
    """
    texts = {name: getattr(given, name).replace("\0", "").strip() for name in LONGEST}
    found = Prescription(
        **{
            **asdict(given),
            **texts,
            "weight_kg": _weight(given.weight_kg),
            "country": given.country.strip().upper(),
        }
    )
    _guard_texts(found)
    _guard_days(found, former)
    return found


def _weight(given: Decimal) -> Decimal:
    try:
        found = Decimal(given).quantize(CENT)
    except InvalidOperation as error:
        raise _weight_error() from error
    if not found.is_finite() or not MIN_WEIGHT_KG <= found <= MAX_WEIGHT_KG:
        raise _weight_error()
    return found


def _weight_error() -> InvalidInput:
    return InvalidInput(
        "weight_out_of_range",
        _("Give the weight in kg, from %(least)d to %(most)d."),
        field="weight_kg",
        params={"least": MIN_WEIGHT_KG, "most": MAX_WEIGHT_KG},
    )


def _guard_texts(found: Prescription) -> None:
    for name, longest in LONGEST.items():
        if len(getattr(found, name)) > longest:
            raise InvalidInput(
                "too_long",
                _("Write at most %(n)d characters."),
                field=name,
                params={"n": longest},
            )
    for name in ("ship_to", "contact", "contact_phone"):
        if not getattr(found, name):
            raise InvalidInput(
                "missing", _("The courier cannot deliver without it: write it here."), field=name
            )
    if not re.fullmatch(r"[A-Z]{2}", found.country):
        raise InvalidInput(
            "country_unknown", _("Write the country in two letters, such as CN."), field="country"
        )


def _guard_days(found: Prescription, former: Prescription | None) -> None:
    today = timezone.localdate()
    last = today + dt.timedelta(days=MOST_DAYS_AHEAD)
    for name in ("conditioning_on", "deliver_on", "infusion_on"):
        day = getattr(found, name)
        is_new = former is None or day != getattr(former, name)
        if is_new and not today <= day <= last:
            raise InvalidInput(
                "day_out_of_range",
                _("Choose a day from today to %(last)s."),
                field=name,
                params={"last": f"{last:%Y-%m-%d}"},
            )
    if found.conditioning_on > found.infusion_on:
        raise InvalidInput(
            "conditioning_after_infusion",
            _("The conditioning begins before the infusion, or on the same day."),
            field="conditioning_on",
        )
    if found.deliver_on > found.infusion_on:
        raise InvalidInput(
            "delivered_after_infusion",
            _("The unit must be at the hospital on the day of the infusion at the latest."),
            field="deliver_on",
        )


def digest(order: Order) -> str:
    """Of what the physician signs: for whom, which unit, and every field, in this version."""
    department = {"department": str(order.department_id)} if order.department_id else {}
    told = {
        "number": order.number,
        "version": order.version,
        "unit": str(order.unit_id),
        "patient": str(order.patient_id),
        "hospital": str(order.hospital_id),
        **{name: getattr(order, name) for name in FIELDS if name != "department_id"},
        **department,  # one without a department was signed before there were any
        "weight_kg": str(Decimal(order.weight_kg).quantize(CENT)),  # 12.4 and 12.40 are one weight
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, cls=DjangoJSONEncoder).encode()).hexdigest()


def is_abroad(order: Order) -> bool:
    """Whether the unit leaves the country of the bank: where it goes decides, not whose child is treated."""
    return bool(order.country != GeneticLimits.load().home_country)
