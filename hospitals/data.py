"""What the services take: checked values in the shape people may edit them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

from hospitals import choices


@dataclass(frozen=True, kw_only=True)
class HospitalData:
    """What people may edit of a hospital."""

    code: str
    name: str
    name_zh: str = ""
    city: str
    province: str = ""
    country: str = "CN"
    active: bool = True
    qualification_no: str = ""
    qualification_authority: str = ""
    qualified_from: datetime.date | None = None
    qualified_until: datetime.date | None = None
    self_service_reservation: bool = False
    time_zone: str = ""
    shipping_contact: str = ""
    shipping_phone: str = ""
    shipping_address: str = ""


@dataclass(frozen=True, kw_only=True)
class DepartmentData:
    """What people may edit of a department."""

    name: str
    name_zh: str = ""
    active: bool = True
    shipping_contact: str = ""
    shipping_phone: str = ""


@dataclass(frozen=True, kw_only=True)
class PatientData:
    """What people may edit of a patient; weight, typing and identity have services of their own."""

    sex: str
    birth_date: datetime.date
    abo: str = ""
    rh: str = ""
    cmv: str = ""
    populations: str = ""
    diagnosis: str = ""
    diagnosis_text: str = ""
    stage: str = ""
    urgency: str = choices.Urgency.ROUTINE.value


@dataclass(frozen=True, kw_only=True)
class WeightData:
    weight_kg: Decimal
    measured_on: datetime.date


@dataclass(frozen=True, kw_only=True)
class EnzymeData:
    """One measurement of an enzyme; lower_limit: of the laboratory's reference, in the same unit."""

    enzyme: str
    value: Decimal
    unit: str
    measured_on: datetime.date
    lower_limit: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class IdentityData:
    name: str = ""
    document_no: str = ""
    contact: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.document_no or self.contact)


@dataclass(frozen=True, kw_only=True)
class BeadData:
    """One specificity as the report writes it.

    mfi: None only if it is called without a number. called: "positive" if some line of the report calls it so without
    a number, beside whatever others measured; "negative" if that is all there is. "" without an MFI is positive.
    """

    written: str
    mfi: int | None
    called: str = ""


@dataclass(frozen=True, kw_only=True)
class SerumData:
    """One tested serum. none_found: the report says so, and `beads` is empty; neither goes without the other.

    classes: against which it was tested (SerumClasses); "": those of its beads.
    """

    sampled_on: datetime.date
    method: str
    tested_on: datetime.date | None = None
    laboratory: str = ""
    note: str = ""
    beads: tuple[BeadData, ...] = ()
    none_found: bool = False
    classes: str = ""
