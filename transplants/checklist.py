"""The checklist of an order: all that has to be so before it is approved, and before the unit may leave."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import Subject
from bank.exports.abroad import may_go_abroad
from bank.models import HlaTyping
from hospitals.models import PatientHlaTyping, PatientWeight, kg_text
from transplants import prescription
from transplants.checks import Check, Outcome, Stage
from transplants.checks_papers import papers_check
from transplants.checks_typing import typing_checks
from transplants.checks_unit import unit_checks
from transplants.choices_orders import OrderState
from transplants.models import ExportPermit, Order, PermitFile, ReservationRules
from transplants.order_signatures import prescription_signature, signer_words


@dataclass(frozen=True)
class Checklist:
    """excepted: codes of what is open and may be gone over by a medical director who says why.

    evidence: on what the checks rest, in keys and digests that no language changes. performers: ids of who entered
    results of the unit or froze it.
    """

    checks: Sequence[Check]
    excepted: frozenset[str] = frozenset()
    evidence: tuple[str, ...] = ()
    performers: frozenset[str] = frozenset()

    @property
    def open(self) -> list[Check]:
        return [one for one in self.checks if not one.is_passed]

    @property
    def may_be_excepted(self) -> bool:
        """Whether an exceptional release could go over all that is open."""
        return all(one.code in self.excepted for one in self.open)

    def of_stage(self, stage: Stage) -> list[Check]:
        return [one for one in self.checks if one.stage == stage]


def checks_of(order: Order) -> list[Check]:
    return list(checklist_of(order).checks)


def checklist_of(order: Order) -> Checklist:
    """In the order in which people work on it: the promise, the prescription, the patient, the unit, the way."""
    of_unit, weight = unit_checks(order), _newest_weight(order)
    checks = [
        _reservation(order),
        _prescribed(order),
        _days(order),
        _hospital(order),
        _patient(order),
        _weight(order, weight),
        _dose(order),
        *typing_checks(order),
        *of_unit.checks,
        *_abroad(order),
        *papers_check(order),
    ]
    evidence = (of_unit.evidence, *_evidence(order, weight))
    return Checklist(checks, of_unit.excepted, evidence, of_unit.performers)


def permit_of(order: Order) -> ExportPermit | None:
    return getattr(order, "permit", None)


def permit_file_of(permit: ExportPermit | None) -> PermitFile | None:
    """The newest document of the permit that is recorded now, without its content."""
    if permit is None:
        return None
    return PermitFile.objects.newest_of(permit.order_id, permit.permit_no).first()


def expected_on(order: Order) -> dt.date:
    """When the unit arrives: by its shipment once it is packed, else when the hospital wants it."""
    shipment = getattr(order, "shipment", None)
    if shipment is None or order.state != OrderState.RELEASED:
        return order.deliver_on
    return max(timezone.localdate(shipment.expected_at), order.deliver_on)


def _evidence(order: Order, weight: PatientWeight | None) -> tuple[str, ...]:
    """The typings in force, the newest weighing, the permit as it is recorded."""
    typings = (
        HlaTyping.objects.filter(unit=order.unit_id, subject=Subject.UNIT, is_current=True),
        PatientHlaTyping.objects.filter(patient=order.patient_id, is_current=True),
    )
    keys = [str(key) for rows in typings for key in rows.order_by("pk").values_list("pk", flat=True)]
    permit = permit_of(order)
    said = [permit.permit_no, permit.authority, permit.country, str(permit.valid_until)] if permit else []
    return (*keys, str(weight.pk) if weight else "", *said)


def digest_of(order: Order, found: Checklist) -> str:
    """Of checklist and prescription: what a release signs, in whatever language it was read."""
    told = [
        prescription.digest(order),
        [[one.code, str(one.outcome), one.code in found.excepted, *one.found] for one in found.checks],
        found.evidence,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def in_english(order: Order) -> Checklist:
    """As it is signed and kept: one record for all readers."""
    with translation.override("en"):
        return checklist_of(order)


def kept(found: Checklist) -> list[dict[str, Any]]:
    """The checklist of `in_english` as it is kept with a release. found: what was gone over where it is excepted."""
    with translation.override("en"):
        return [
            {
                "code": one.code,
                "label": str(one.label),
                "outcome": str(one.outcome),
                "says": str(one.says),
                "excepted": "yes" if one.code in found.excepted else "",
                "found": list(one.found),
            }
            for one in found.checks
        ]


# Once the unit is packed it lies in no place any more; all else must still be so.
NOT_AFTER_RELEASE: Final = frozenset({"slot"})


def open_since_release(order: Order, found: Checklist | None = None) -> list[Check]:
    """Of a released order: what is not so any more. Before the unit leaves the house this must be empty.

    What the release went over is excused as it was then; whatever has come since, or is of another value, is not.
    """
    gone_over = {
        row["code"]: frozenset(row.get("found", ()))
        for row in order.release_checks
        if row.get("excepted") and row["outcome"] != Outcome.PASSED
    }
    now = found or checklist_of(order)
    return [one for one in now.open if one.code not in NOT_AFTER_RELEASE and not _is_excused(one, gone_over)]


def _is_excused(one: Check, gone_over: Mapping[str, frozenset[str]]) -> bool:
    """Only what names what it found, and all of that was gone over."""
    return bool(one.found) and set(one.found) <= gone_over.get(one.code, frozenset())


def _outcome(*, passed: bool, failed: bool = False) -> Outcome:
    return Outcome.PASSED if passed else Outcome.FAILED if failed else Outcome.OPEN


def _reservation(order: Order) -> Check:
    """The promise holds; once the unit is ordered it holds as long as the order."""
    row, today = order.reservation, timezone.localdate()
    is_over = order.state == OrderState.ASKED and row.until is not None and row.until < today
    holds = row.is_active and not is_over
    said = (
        _("%(number)s, until %(date)s") % {"number": row.number, "date": f"{row.until:%Y-%m-%d}"}
        if row.until
        else f"{row.number}: {row.get_state_display()}"
    )
    if not holds:
        said = _("%(number)s does not hold any more: reserve the unit again.") % {"number": row.number}
    return Check(
        "reservation",
        gettext_lazy("Kept for the patient"),
        Stage.APPROVE,
        _outcome(passed=holds, failed=True),
        said,
        reverse("transplants:reservation-detail", args=[row.pk]),
    )


def _prescribed(order: Order) -> Check:
    found = prescription_signature(order)
    said = (
        _("%(name)s, %(at)s")
        % {"name": signer_words(found.signer), "at": f"{timezone.localtime(found.signed_at):%Y-%m-%d %H:%M}"}
        if found
        else _("A physician of the hospital signs it here, with the password.")
    )
    return Check(
        "prescription",
        gettext_lazy("Prescription signed"),
        Stage.APPROVE,
        _outcome(passed=found is not None),
        said,
        f"{reverse('transplants:order-detail', args=[order.pk])}#sign",
    )


def _days(order: Order) -> Check:
    """A day that has passed was missed: nothing is sent for it."""
    today = timezone.localdate()
    missed = order.deliver_on < today or order.infusion_on < today
    said = _("wanted on %(deliver)s, infusion on %(infusion)s") % {
        "deliver": f"{order.deliver_on:%Y-%m-%d}",
        "infusion": f"{order.infusion_on:%Y-%m-%d}",
    }
    if missed:
        said = _("%(said)s: that has passed. Change the prescription.") % {"said": said}
    return Check(
        "days",
        gettext_lazy("Days of delivery and infusion"),
        Stage.APPROVE,
        _outcome(passed=not missed, failed=True),
        said,
        reverse("transplants:order-amend", args=[order.pk]),
    )


def _hospital(order: Order) -> Check:
    hospital = order.hospital
    since, until = hospital.qualified_from, hospital.qualified_until
    begins_late = since is not None and since > order.infusion_on
    qualified = until is not None and until >= order.infusion_on and not begins_late
    if not hospital.active:
        said = _("The hospital is not active.")
    elif until is None:
        said = _("No qualification is recorded: an administrator enters it.")
    elif begins_late:
        said = _("Its qualification begins on %(date)s, after the infusion.") % {"date": f"{since:%Y-%m-%d}"}
    elif not qualified:
        said = _("Its qualification ends on %(date)s, before the infusion.") % {"date": f"{until:%Y-%m-%d}"}
    else:
        said = _("qualified until %(date)s") % {"date": f"{until:%Y-%m-%d}"}
    return Check(
        "hospital",
        gettext_lazy("Qualification of the hospital"),
        Stage.APPROVE,
        _outcome(passed=hospital.active and qualified, failed=not hospital.active or until is not None),
        said,
        reverse("hospitals:hospital-detail", args=[hospital.pk]),
    )


def _patient(order: Order) -> Check:
    is_active = order.patient.is_active
    return Check(
        "patient",
        gettext_lazy("The patient waits for a transplant"),
        Stage.APPROVE,
        _outcome(passed=is_active, failed=True),
        _("active") if is_active else _("The patient's record is inactive: withdraw the order, or ask why."),
        _patient_url(order),
    )


def _patient_url(order: Order) -> str:
    return reverse("hospitals:patient-detail", args=[order.patient_id])


def _weight(order: Order, newest: PatientWeight | None) -> Check:
    """The dose stands on it: the newest weighing must be recent, and agree with the order."""
    rules = ReservationRules.load()

    def check(outcome: Outcome, said: str) -> Check:
        return Check("weight", gettext_lazy("Weight"), Stage.APPROVE, outcome, said, _patient_url(order))

    if newest is None:
        return check(Outcome.OPEN, _("No weighing of the patient is recorded: record one."))
    params = {
        "kg": kg_text(newest.weight_kg),
        "date": f"{newest.measured_on:%Y-%m-%d}",
        "ordered": kg_text(order.weight_kg),
    }
    if _differs(order.weight_kg, newest.weight_kg, rules.weight_percent):
        text = _(
            "Ordered by %(ordered)s kg, weighed %(kg)s kg on %(date)s. Change the prescription, or weigh again."
        )
        return check(Outcome.FAILED, text % params)
    if newest.measured_on < timezone.localdate() - dt.timedelta(days=rules.weight_days):
        text = _("Weighed on %(date)s: older than the bank's rules allow. Weigh again and record it.")
        return check(Outcome.OPEN, text % params)
    return check(Outcome.PASSED, _("%(ordered)s kg; weighed %(kg)s kg on %(date)s") % params)


def _newest_weight(order: Order) -> PatientWeight | None:
    rows = PatientWeight.objects.filter(patient=order.patient_id)
    found: PatientWeight | None = rows.order_by("-measured_on", "-recorded_at").first()
    return found


def _differs(ordered: Decimal, weighed: Decimal, percent: int) -> bool:
    """By more than so many percent of what was weighed."""
    return abs(ordered - weighed) * 100 > weighed * percent


def _dose(order: Order) -> Check:
    """By the weight of the order. Whether it suffices is the physician's word: the signature."""
    unit, kg = order.unit, float(order.weight_kg)
    said = []
    if unit.tnc_e7:
        said.append(f"TNC {unit.tnc_e7 / kg:.2f} ×10⁷/kg")
    if unit.cd34_e6:
        said.append(f"CD34 {unit.cd34_e6 * 10 / kg:.2f} ×10⁵/kg")
    return Check(
        "dose",
        gettext_lazy("Dose by this weight, before freezing"),
        Stage.APPROVE,
        _outcome(passed=bool(unit.tnc_e7)),
        " · ".join(said) if unit.tnc_e7 else _("The unit's TNC is not known: the bank enters it."),
        reverse("bank:unit-detail", args=[unit.pk]),
    )


def _abroad(order: Order) -> list[Check]:
    """Nothing where the unit stays in the country."""
    if not prescription.is_abroad(order):
        return []
    return [_consent_abroad(order), _permit(order)]


def _consent_abroad(order: Order) -> Check:
    may = order.unit_id in may_go_abroad([order.unit_id])
    return Check(
        "consent_abroad",
        gettext_lazy("Consent of the mother to sending abroad"),
        Stage.APPROVE,
        _outcome(passed=may, failed=True),
        _("given, not withdrawn")
        if may
        else _("The unit goes to %(country)s, and its mother did not consent to sending abroad.")
        % {"country": order.country},
        reverse("bank:unit-detail", args=[order.unit_id]),
    )


def _permit(order: Order) -> Check:
    found = permit_of(order)
    url = f"{reverse('transplants:order-detail', args=[order.pk])}#permit"
    label = gettext_lazy("Export permit")
    if found is None:
        said = _("The unit goes to %(country)s: record the permit of the authority.") % {
            "country": order.country
        }
        return Check("permit", label, Stage.RELEASE, Outcome.OPEN, said, url)
    params = {
        "no": found.permit_no,
        "date": f"{found.valid_until:%Y-%m-%d}",
        "named": found.country,
        "country": order.country,
    }
    if found.country != order.country:
        said = (
            _("%(no)s is for %(named)s, and the unit goes to %(country)s: record the permit for it.") % params
        )
        return Check("permit", label, Stage.RELEASE, Outcome.FAILED, said, url)
    if found.valid_until < expected_on(order):
        said = _("%(no)s ends on %(date)s, before the expected arrival: record a newer one.") % params
        return Check("permit", label, Stage.RELEASE, Outcome.FAILED, said, url)
    said = _("%(no)s for %(named)s, valid until %(date)s") % params
    if permit_file_of(found) is None:
        said = _("%(said)s; its document is not attached") % {"said": said}
    return Check("permit", label, Stage.RELEASE, Outcome.PASSED, said, url)
