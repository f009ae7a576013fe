"""What an incident is about, as the page says that one came from: an order, a patient, a unit, a lot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from bank.models import CordBloodUnit, Lot
from core.access import get_visible_or_404, person_of
from hospitals.models import Patient
from transplants.models import Order
from transplants.services_incidents import Report


@dataclass(frozen=True)
class About:
    order: Order | None = None
    patient: Patient | None = None
    unit: CordBloodUnit | None = None
    lot: Lot | None = None

    @property
    def is_of_patient(self) -> bool:
        """Patient and hospital are known, and not asked again."""
        return self.order is not None or self.patient is not None

    @property
    def unit_numbers(self) -> str:
        """The unit of an order goes with the order."""
        return self.unit.unit_no if self.unit else ""

    def report(self, data: Mapping[str, Any]) -> Report:
        """With what the form holds."""
        hospital, patient = data.get("hospital"), self.patient.pk if self.patient else data.get("patient")
        return Report(
            kind=data["kind"],
            title=data["title"],
            what=data["what"],
            happened_on=data["happened_on"],
            seriousness=data["seriousness"],
            hospital_id=hospital.pk if hospital else None,
            patient_id=patient,
            order_id=self.order.pk if self.order else None,
            lot_id=self.lot.pk if self.lot else None,
            unit_ids=data["units"],
            incident_id=data.get("incident_id"),
        )


def about(request: HttpRequest) -> About:
    """404 for what the person may not see."""
    units = CordBloodUnit.objects.select_related("bank").with_kept()
    return About(
        order=_named(request, "order", Order.objects.with_names()),
        patient=_named(request, "patient", Patient.objects.select_related("hospital")),
        unit=_named(request, "unit", units),
        lot=_named(request, "lot", Lot.objects.all()),
    )


def _named(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    key = key_of(request, name)
    return get_visible_or_404(rows, person_of(request), pk=key) if key else None


def key_of(request: HttpRequest, name: str) -> Any:
    """A key of the address; None where there is none, or it is no key."""
    try:
        return forms.UUIDField(required=False).clean(request.GET.get(name))
    except forms.ValidationError:
        return None
