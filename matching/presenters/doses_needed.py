"""What one unit, or each of two, must hold for a patient's weight by the policy in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from core.models import User
from hospitals.doses import DoseNeeded, DosesNeeded
from hospitals.models import Patient
from matching.choices import OPEN
from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, cells_needed
from matching.engine.numbers import plain_number
from matching.engine.selection.rules import SelectionRules
from matching.models import MatchRequest, SelectionPolicy
from matching.presenters.people import weight_text
from matching.selection.policies import policy_for, rules_of, shown_name

STEPS = 1000  # of a count in 10⁷ or 10⁶: cells are compared in 10⁴ and 10³


def of_patient(patient: Patient, user: User) -> DosesNeeded | None:
    """For the page of a patient: by the policy of the newest open request, else the one that new requests get."""
    policies = SelectionPolicy.objects.for_hospital(patient.hospital).visible_to(user)
    asked = MatchRequest.objects.filter(patient=patient, state__in=OPEN).order_by("-created_at")
    newest = asked.values("policy")[:1]
    policy = policies.filter(pk__in=newest).first() or policy_for(patient, timezone.localdate())
    return None if policy is None else by_policy(policy, patient.weight_kg)


def by_policy(policy: SelectionPolicy, weight_kg: Decimal | None) -> DosesNeeded:
    rows = [] if weight_kg is None else list(_rows(rules_of(policy), weight_kg))
    return DosesNeeded(shown_name(policy), weight_text(weight_kg), rows)


def _rows(rules: SelectionRules, weight_kg: Decimal) -> Iterator[DoseNeeded]:
    """Rules that are off ask nothing. What must be above its line, not on it, as the total of two, has a ">"."""
    tnc, cd34 = (_asked(rules, code) for code in ("tnc_dose", "cd34_dose"))
    pairs = rules.pairs
    if tnc or cd34:
        row = _row(_("one unit"), tnc, cd34, weight_kg)
        above = rules.settings["tnc_dose"].values["bound"] == "above"
        yield _above(row, tnc * weight_kg) if tnc and above else row
    yield _row(_("each of two"), pairs.tnc_e7_each, pairs.cd34_e5_each, weight_kg)
    total = pairs.tnc_e7_total_above
    yield DoseNeeded(
        _("two together"), f"> {plain_number(total * weight_kg)}", "", f"> {plain_number(total)}", ""
    )


def _above(row: DoseNeeded, tnc_e7: Decimal) -> DoseNeeded:
    """The same where the policy asks for more than its dose of TNC."""
    return replace(row, tnc_e7=f"> {plain_number(tnc_e7)}", tnc_e7_per_kg=f"> {row.tnc_e7_per_kg}")


def _asked(rules: SelectionRules, code: str) -> Decimal | None:
    setting = rules.settings[code]
    return None if setting.action == "off" else setting.values["least"]


def _row(label: str, tnc: Decimal | None, cd34: Decimal | None, weight_kg: Decimal) -> DoseNeeded:
    return DoseNeeded(
        label,
        _cells(tnc, weight_kg, TNC_E4_PER_E7),
        _cells(cd34, weight_kg, CD34_E3_PER_E5),
        _per_kg(tnc),
        _per_kg(cd34),
    )


def _cells(least: Decimal | None, weight_kg: Decimal, step: int) -> str:
    """Whole cells, rounded up: 137.5 (×10⁷), 8.25 (×10⁶)."""
    return "" if least is None else plain_number(Decimal(cells_needed(least, weight_kg, step)) / STEPS)


def _per_kg(least: Decimal | None) -> str:
    return "" if least is None else plain_number(least)
