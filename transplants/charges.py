"""A fee becomes due. Not a service of its own: called inside the transaction of what is charged for."""

from __future__ import annotations

import datetime as dt

from bank.models import CordBloodUnit
from core import audit
from core.audit import Actor
from hospitals.models import Patient
from transplants.choices_incidents import FeeKind
from transplants.models import Charge, Price


def charge(
    *, kind: FeeKind, reference: str, patient: Patient, unit: CordBloodUnit, on: dt.date, actor: Actor
) -> Charge | None:
    """What the patient's hospital owes for it by the price of that day; None where there is no price, or it is 0.

    reference: the number of what is charged for. The same thing is charged once: a second call changes nothing, also
    where the charge was voided since.
    """
    price = Price.objects.in_force(kind, on)
    if price is None or not price.amount:
        return None
    row, is_new = Charge.objects.get_or_create(
        kind=kind,
        reference=reference,
        defaults={
            "hospital_id": patient.hospital_id,
            "patient": patient,
            "unit": unit,
            "on": on,
            "amount": price.amount,
            "currency": price.currency,
        },
    )
    if is_new:
        audit.record(
            actor=actor,
            action="charge.create",
            target=(row._meta.label, str(row.pk), f"{reference} · {unit.public_no} · {patient.code}"),
            after={"kind": str(kind), "amount": str(row.amount), "currency": row.currency},
            hospital_id=row.hospital_id,
        )
    return row
