"""What has to be so of typings and antibodies before a unit is ordered, each with its cure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank import typing_compared
from bank.models import CordBloodUnit, HlaTyping
from bank.typing_compared import Reported, loci_of
from core.errors import Conflict
from hospitals.antibodies import antibodies_of
from hospitals.confirmation import Standing, typing_confirmation
from hospitals.models import Patient
from matching.selection.policies import rules_of, shown_name
from transplants import match_held
from transplants.checks import Check, Outcome, Stage
from transplants.choices_orders import TypingState
from transplants.match_held import Fallen, policy_of
from transplants.models import ConfirmatoryTyping, Reservation

CLASSES = ("I", "II")
LABELS = {
    "unit_typing": gettext_lazy("Typing of the unit confirmed on an attached segment"),
    "patient_typing": gettext_lazy("Typing of the patient confirmed on a second sample"),
    "antibodies": gettext_lazy("Antibodies of the patient tested, and recently"),
}


class Ordered(Protocol):
    """An order, or whatever is about to become one."""

    unit: CordBloodUnit
    patient: Patient
    reservation: Reservation


@dataclass(frozen=True)
class UnitStanding:
    """Whether the unit's typing is confirmed, in a sentence. row: the confirmatory typing that it rests on.

    fall: what the match with the patient has lost by it.
    """

    outcome: Outcome
    says: str
    row: ConfirmatoryTyping | None = None
    fall: Fallen | None = None


def typing_checks(order: Ordered) -> list[Check]:
    """Three lines, in this order; each keeps an order from being approved."""
    return [
        _unit_check(order.reservation, order.unit),
        _patient_check(order.patient),
        _antibodies_check(order),
    ]


def checks_for(reservation: Reservation) -> list[Check]:
    """The same before there is an order."""

    @dataclass
    class Wanted:
        unit: CordBloodUnit
        patient: Patient
        reservation: Reservation

    return typing_checks(Wanted(reservation.unit, reservation.patient, reservation))


# --- the unit -------------------------------------------------------------------------------------


def unit_standing(unit: CordBloodUnit, hospital_id: object = None) -> UnitStanding:
    """hospital_id: whose eyes read it; the number of another hospital's typing is not told. None: the bank's."""
    if unit.typing_conflict:
        says = _(
            "Two typings of this unit contradict one another: quality assurance has to settle which is right."
        )
        return UnitStanding(Outcome.FAILED, says, _last(unit, TypingState.DISCREPANT))
    listed = typing_compared.in_force(unit.pk)
    if listed is None:
        return UnitStanding(
            Outcome.OPEN, _("The unit has no typing in force with which a result could be compared.")
        )
    row = ConfirmatoryTyping.objects.vouching(unit, listed)
    if row is not None:
        return UnitStanding(Outcome.PASSED, _confirmed(row, hospital_id), row)
    row = ConfirmatoryTyping.objects.open().filter(unit=unit).first()
    if row is not None:
        return _under_way(row, listed)
    if _last(unit, TypingState.CONFIRMED) or _last(unit, TypingState.DISCREPANT):
        says = _(
            "The typing in force is not the one that was confirmed: have the unit typed on a segment again."
        )
        return UnitStanding(Outcome.OPEN, says)
    return UnitStanding(Outcome.OPEN, _("Not typed anew yet: have the unit typed on an attached segment."))


def _last(unit: CordBloodUnit, state: TypingState) -> ConfirmatoryTyping | None:
    return ConfirmatoryTyping.objects.filter(unit=unit, state=state).order_by("-ended_at").first()


def _confirmed(row: ConfirmatoryTyping, hospital_id: object) -> str:
    day = f"{timezone.localtime(row.ended_at):%Y-%m-%d}" if row.ended_at else ""
    if hospital_id not in (None, row.hospital_id):
        return _("Confirmed on an attached segment on %(day)s.") % {"day": day}
    return _("Confirmed on an attached segment by %(number)s on %(day)s.") % {
        "number": row.number,
        "day": day,
    }


def _under_way(row: ConfirmatoryTyping, listed: HlaTyping) -> UnitStanding:
    if row.state == TypingState.ASKED:
        return UnitStanding(Outcome.OPEN, _("Asked for: the laboratory takes a segment."), row)
    if row.state == TypingState.SAMPLED:
        return UnitStanding(Outcome.OPEN, _("A segment is taken: its result is awaited."), row)
    if differ := differing_now(row, listed):
        loci = ", ".join(f"HLA-{locus}" for locus in differ)
        says = _("The result contradicts the listed typing at %(loci)s; a second person has to verify it.")
        return UnitStanding(Outcome.FAILED, says % {"loci": loci}, row)
    return UnitStanding(Outcome.OPEN, _("The result is entered: a second person has to verify it."), row)


def differing_now(row: ConfirmatoryTyping, listed: HlaTyping | None) -> list[str]:
    """Loci at which the result that waits for a second person contradicts the typing in force."""
    if row.state != TypingState.REPORTED or listed is None:
        return []
    found = Reported.from_json(row.reported)
    return typing_compared.differing(loci_of(listed.canonical_gl), loci_of(found.gl))


def _unit_check(reservation: Reservation, unit: CordBloodUnit) -> Check:
    found = unit_standing(unit, reservation.hospital_id)
    if found.outcome == Outcome.PASSED and found.row is not None:
        found = _of_patient(reservation, unit, found, found.row)
    return Check(
        "unit_typing",
        LABELS["unit_typing"],
        Stage.APPROVE,
        found.outcome,
        found.says,
        _cure(found, reservation),
    )


def _of_patient(
    reservation: Reservation, unit: CordBloodUnit, found: UnitStanding, row: ConfirmatoryTyping
) -> UnitStanding:
    """The same of one patient: whether the result says enough, and whether the unit still matches as it was chosen."""
    listed = typing_compared.in_force(unit.pk)
    if listed is None:
        return found
    try:
        policy = match_held.policy_of(reservation)
    except Conflict as refusal:
        return UnitStanding(Outcome.OPEN, refusal.message, row)
    if little := match_held.too_little(row, listed, policy):
        says = _("%(says)s It says too little at %(loci)s: have the unit typed by its alleles.")
        return UnitStanding(Outcome.OPEN, says % {"says": found.says, "loci": _loci(little)})
    fall = match_held.fallen(reservation, row, listed)
    if fall is None:
        return found
    loci = _loci([one.name for one in fall.change.loci])
    known = match_held.acknowledged(reservation, fall)
    if known is None:
        says = _(
            "%(says)s By its result the unit matches the patient less than listed, at %(loci)s: somebody of the"
            " hospital has to acknowledge that."
        )
        return UnitStanding(Outcome.OPEN, says % {"says": found.says, "loci": loci}, row, fall)
    says = _("%(says)s The match is less than listed at %(loci)s: acknowledged by %(name)s.")
    return UnitStanding(
        Outcome.PASSED, says % {"says": found.says, "loci": loci, "name": known.signer}, row, fall
    )


def _loci(names: list[str]) -> str:
    return ", ".join(f"HLA-{name}" for name in names)


def _cure(found: UnitStanding, reservation: Reservation) -> str:
    """What the match has become; the typing that is under way, where this hospital may see it; else where one is asked
    for."""
    if found.fall is not None:
        return reverse("transplants:reservation-match", args=[reservation.pk])
    if found.row is not None:
        own = found.row.hospital_id == reservation.hospital_id
        return reverse("transplants:typing-detail", args=[found.row.pk]) if own else ""
    return reverse("transplants:typing-create", args=[reservation.pk]) if reservation.is_active else ""


# --- the patient ----------------------------------------------------------------------------------


def _patient_check(patient: Patient) -> Check:
    found = typing_confirmation(patient)
    outcome = Outcome.PASSED if found.is_confirmed else Outcome.OPEN
    if found.standing == Standing.DISCREPANCY:
        outcome = Outcome.FAILED
    url = reverse("hospitals:patient-detail", args=[patient.pk])
    return Check("patient_typing", LABELS["patient_typing"], Stage.APPROVE, outcome, found.why, url)


def _antibodies_check(order: Ordered) -> Check:
    outcome, says = antibody_standing(order.patient, order.reservation, timezone.localdate())
    url = reverse("hospitals:patient-detail", args=[order.patient.pk])
    return Check("antibodies", LABELS["antibodies"], Stage.APPROVE, outcome, says, url)


def antibody_standing(patient: Patient, reservation: Reservation, today: dt.date) -> tuple[Outcome, str]:
    """By the policy of the match request, else the bank's default: its limit of the rule `serum_age`.

    Of the class whose newest serum is older; a class that was never tested is open. A policy that looks at no age
    still wants a test: nobody orders a unit against antibodies that nobody looked for.
    """
    days = dict(antibodies_of(patient).class_days)
    if not days:
        return Outcome.OPEN, _("No antibody test of the patient is recorded: enter the newest serum.")
    if untested := [one for one in CLASSES if one not in days]:
        says = _(
            "No antibody test for HLA class %(classes)s is recorded: enter the newest serum that was tested for it."
        )
        return Outcome.OPEN, says % {"classes": ", ".join(untested)}
    try:
        policy = policy_of(reservation)
        rule = rules_of(policy).settings["serum_age"]
    except Conflict as refusal:
        return Outcome.OPEN, refusal.message
    oldest = min(days.values())
    values: dict[str, Any] = {
        "day": f"{oldest:%Y-%m-%d}",
        "days": (today - oldest).days,
        "policy": shown_name(policy),
    }
    if rule.action == "off":
        return Outcome.PASSED, _("Newest serum of %(day)s; the policy %(policy)s sets no limit.") % values
    values["most"] = rule.values["most_days"]
    if values["days"] > values["most"]:
        says = _(
            "The newest serum is of %(day)s, %(days)d days ago; the policy %(policy)s allows %(most)d. Have a new one"
            " tested and enter it."
        )
        return Outcome.FAILED, says % values
    says = _("Newest serum of %(day)s, %(days)d days ago; the policy %(policy)s allows %(most)d.")
    return Outcome.PASSED, says % values
