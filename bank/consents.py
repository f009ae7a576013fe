"""What mothers consented to: the one place that is asked before something is done with a unit or its data.

A purpose is permitted where the mother's answer in force is yes and was not withdrawn. Where no answer is kept:
donations of before items were kept stand by the day of their consent, for what no kit was ever given out without;
keeping samples, research and sending abroad by a declaration of the bank (ConsentDeclaration); nothing else is
permitted. Whoever withdrew the donation permits nothing any more (ADR 28).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from bank.choices import Source
from bank.choices_consent import DECLARABLE, REQUIRED, ConsentPurpose
from bank.models import (
    ConsentDeclaration,
    ConsentForm,
    ConsentGiven,
    ConsentItem,
    ConsentWithdrawal,
    CordBloodUnit,
)
from core.errors import Conflict

Answers = dict[tuple[UUID, str], ConsentGiven]
Withdrawn = dict[tuple[UUID, str, UUID | None], ConsentWithdrawal]


def form_in_force() -> ConsentForm | None:
    form: ConsentForm | None = ConsentForm.objects.in_force()
    return form


def permits(unit: CordBloodUnit, purpose: ConsentPurpose) -> bool:
    """Whether this may be done with one unit."""
    return unit.pk in permitting([unit.pk], [purpose])


def permitting(unit_ids: Collection[UUID], purposes: Collection[str]) -> set[UUID]:
    """Those of these units whose mothers permit all of these purposes; in four queries at most, however many."""
    units = list(
        CordBloodUnit.objects.filter(pk__in=unit_ids)
        .select_related("donation")
        .only("bank_id", "source", "consent_withdrawn", "collected_on", "donation__consented_on")
    )
    return Known.of(units, purposes).permitting(units, purposes)


@dataclass(frozen=True)
class Known:
    """What is recorded of some units, for these purposes."""

    answers: Answers
    withdrawn: Withdrawn
    declared: Collection[ConsentDeclaration]

    @classmethod
    def of(cls, units: Collection[CordBloodUnit], purposes: Collection[str]) -> Known:
        donations = [unit.donation_id for unit in units if unit.donation_id]
        answers = ConsentGiven.objects.in_force().filter(donation__in=donations, purpose__in=purposes)
        withdrawn = ConsentWithdrawal.objects.standing().filter(donation__in=donations)
        declared: list[ConsentDeclaration] = []
        if set(purposes) & set(DECLARABLE):
            banks = {unit.bank_id for unit in units}
            declared = list(
                ConsentDeclaration.objects.in_force().filter(bank__in=banks, purpose__in=purposes)
            )
        return cls(
            {
                (row.donation_id, row.purpose): row
                for row in answers.select_related("item__form", "recorded_by")
            },
            {(row.donation_id, row.purpose, row.consent_id): row for row in withdrawn},
            declared,
        )

    def answer(self, unit: CordBloodUnit, purpose: str) -> ConsentGiven | None:
        return self.answers.get((unit.donation_id, purpose)) if unit.donation_id else None

    def withdrawal(self, unit: CordBloodUnit, purpose: str) -> ConsentWithdrawal | None:
        """The one that stands against the answer in force; of a donation against any."""
        if unit.donation_id is None:
            return None
        if purpose == ConsentPurpose.DONATION:
            keys = (key for key in self.withdrawn if key[:2] == (unit.donation_id, purpose))
            return next((self.withdrawn[key] for key in keys), None)
        answer = self.answer(unit, purpose)
        return self.withdrawn.get((unit.donation_id, purpose, answer.pk if answer else None))

    def permitting(self, units: Collection[CordBloodUnit], purposes: Collection[str]) -> set[UUID]:
        return {unit.pk for unit in units if all(self.permits(unit, purpose) for purpose in purposes)}

    def permits(self, unit: CordBloodUnit, purpose: str) -> bool:
        if unit.source != Source.OWN or unit.consent_withdrawn:
            return False
        if self.withdrawal(unit, ConsentPurpose.DONATION) or self.withdrawal(unit, purpose):
            return False
        if (answer := self.answer(unit, purpose)) is not None:
            return answer.given
        if purpose in REQUIRED:
            return unit.donation is not None and unit.donation.consented_on is not None
        return any(_covers(one, unit, purpose) for one in self.declared)


def _covers(one: ConsentDeclaration, unit: CordBloodUnit, purpose: str) -> bool:
    day = unit.collected_on
    is_of_it = one.purpose == purpose and one.bank_id == unit.bank_id
    return is_of_it and day is not None and one.collected_from <= day <= one.collected_until


# --- for the page of one donation ---------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """One purpose of one donation. answer, withdrawal: those in force, if any; basis: why without an answer."""

    purpose: ConsentPurpose
    permitted: bool
    answer: ConsentGiven | None = None
    withdrawal: ConsentWithdrawal | None = None
    basis: str = ""  # "before": consent of before items were kept; "declared": by the bank's declaration

    @property
    def may_be_withdrawn(self) -> bool:
        """Whatever is not refused or withdrawn already: what no paper says the mother may still forbid."""
        return self.withdrawal is None and (self.answer is None or self.answer.given)


def standings(unit: CordBloodUnit) -> list[Standing]:
    """Every purpose, in the order of the form."""
    known = Known.of([unit], ConsentPurpose.values)
    found = []
    for purpose in ConsentPurpose:
        answer, permitted = known.answer(unit, purpose), known.permits(unit, purpose)
        basis = "" if answer or not permitted else "before" if purpose in REQUIRED else "declared"
        found.append(Standing(purpose, permitted, answer, known.withdrawal(unit, purpose), basis))
    return found


def items_in_force() -> list[ConsentItem]:
    """What mothers are asked for now; [] where no form is in force."""
    form = form_in_force()
    return list(form.items.all()) if form else []


def guard_mother_testing(unit: CordBloodUnit, day: dt.date) -> None:
    """Raises Conflict where the mother's blood was taken after she withdrew her consent to its testing."""
    if unit.donation_id is None:
        return
    known = Known.of([unit], [ConsentPurpose.TESTING])
    row = known.withdrawal(unit, ConsentPurpose.TESTING) or known.withdrawal(unit, ConsentPurpose.DONATION)
    if row is not None and day > row.withdrawn_on:
        raise Conflict(
            "testing_withdrawn",
            _(
                "The mother withdrew her consent to the testing of her blood on %(day)s: nothing of it is tested."
            ),
            params={"day": row.withdrawn_on},
        )
