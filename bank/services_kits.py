"""A kit is given out: the donation, what the mother consented to, the planned unit (domain notes, workflow 1.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from bank import code_messages
from bank.choices import Source, UnitStatus
from bank.choices_consent import ConsentMedium
from bank.codes import din as din_codes
from bank.codes.errors import CodeError
from bank.models import Bank, CordBloodUnit, Donation
from bank.services_consent import Answers, guard_required, kit_answers_write, new_mother_code
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What is known when a kit is given out. din, unit_no: one of them at least; mother_code "": a new one.

    answers, medium, witness, form_id: what the mother consented to on that day (services_consent.Answers).
    """

    bag_id: str
    consented_on: dt.date | None
    answers: Mapping[str, bool] = field(default_factory=dict)
    medium: str = ConsentMedium.PAPER.value
    witness: str = ""
    form_id: UUID | None = None
    din: str = ""
    unit_no: str = ""
    mother_code: str = ""
    infant_no: int = 1

    @property
    def consents(self) -> Answers:
        return Answers(
            given_on=self.consented_on,
            answers=self.answers,
            medium=self.medium,
            witness=self.witness,
            form_id=self.form_id,
        )


@transaction.atomic
def kit_issue(*, bank_id: UUID, kit: Kit, actor: Actor) -> CordBloodUnit:
    """Give out a collection kit for a birth: donation, what the mother consented to by purpose, and planned unit."""
    bank = Bank.objects.filter(pk=bank_id, source=Source.OWN).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("There is no such bank."))
    guard_required(kit.consents)
    if not kit.bag_id.strip():
        raise InvalidInput("bag_missing", _("Scan or type the number of the bag."), field="bag_id")
    din = _din(kit.din)
    unit_no = kit.unit_no.strip().upper() or din
    if not unit_no:
        raise InvalidInput("number_missing", _("Give a DIN or a unit number."), field="din")
    try:
        with transaction.atomic():
            unit = _planned(bank, kit, din, unit_no, actor)
    except IntegrityError as error:
        if (refused := _taken(error, kit)) is None:
            raise
        raise refused from error
    after: dict[str, Any] = {
        "status": unit.status,
        "unit_no": unit_no,
        "din": din,
        "bag_id": kit.bag_id.strip(),
    }
    after |= {"consents": dict(kit.answers), "consented_on": kit.consented_on}
    audit.record(actor=actor, action="unit.kit_issue", target=unit, after=after)
    return unit


def _planned(bank: Bank, kit: Kit, din: str, unit_no: str, actor: Actor) -> CordBloodUnit:
    donation = Donation.objects.create(
        bank=bank,
        mother_code=kit.mother_code.strip() or new_mother_code(),
        infant_no=kit.infant_no,
        bag_id=kit.bag_id.strip(),
        consented_on=kit.consented_on,
    )
    kit_answers_write(donation, kit.consents, actor)
    unit: CordBloodUnit = CordBloodUnit.objects.create(
        bank=bank,
        unit_no=unit_no,
        din=din,
        donation=donation,
        status=UnitStatus.PLANNED,
    )
    return unit


# Constraints that two kits may run into: code, field, and what is said.
_TAKEN: dict[str, tuple[str, str, Any]] = {
    "unit_din_once": ("din_taken", "din", _("Another unit has this DIN already.")),
    "unit_number_once_per_bank": ("number_taken", "unit_no", _("Another unit has this number already.")),
    "donation_bag_once": ("bag_taken", "bag_id", _("Another kit has this bag already.")),
    "donation_once_per_infant": (
        "infant_taken",
        "infant_no",
        _("This infant of this mother has a kit already. Of a second twin the infant is 2."),
    ),
}


def _taken(error: IntegrityError, kit: Kit) -> Conflict | None:
    """What of a kit another one has; without an own number the DIN is the number."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
    if name == "unit_number_once_per_bank" and not kit.unit_no.strip():
        name = "unit_din_once"
    if name not in _TAKEN:
        return None
    code, field, text = _TAKEN[name]
    return Conflict(code, text, field=field)


def _din(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return din_codes.parse(text).code
    except CodeError as error:
        raise InvalidInput(error.code, code_messages.told(error), field="din") from error
