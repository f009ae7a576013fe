"""Whether the match on which a unit was chosen holds by the typing of its segment, and whether that says enough."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from bank import typing_compared
from bank.models import CordBloodUnit, HlaTyping
from bank.typing_compared import Agreement
from core import reference
from hospitals.models import PatientHlaTyping
from matching.confirmed_match import Change, alleles_count, is_allele_level, match_change
from matching.models import SelectionPolicy
from matching.selection.policies import bank_default
from transplants.models import ConfirmatoryTyping, MatchAcknowledgement, Reservation

# By its alleles a unit is matched at this locus, whatever the policy (hla.matching.CLASSES).
BY_ALLELE: Final = "DRB1"
COUNTED: Final = ("A", "B", BY_ALLELE)


def policy_of(reservation: Reservation) -> SelectionPolicy:
    """Of the match request by which the unit was chosen, else the bank's own."""
    request = reservation.request
    return request.policy if request is not None else bank_default()


def too_little(row: ConfirmatoryTyping, listed: HlaTyping, policy: SelectionPolicy) -> list[str]:
    """Loci at which a result agrees with the listed typing and proves nothing: it says too little.

    DRB1 at less than one allele each; what the policy counts by alleles, at less than is listed.
    """
    assert row.result is not None  # of a confirmed one, by constraint
    known = typing_compared.loci_of(listed.canonical_gl)
    found = typing_compared.loci_of(row.result.canonical_gl)
    agreement = {one.locus: one.agreement for one in typing_compared.compared(known, found)}
    resolver = reference.resolver()
    counted = alleles_count(policy.primary)
    return [
        locus
        for locus in COUNTED
        if (locus == BY_ALLELE and not is_allele_level(found.get(locus), resolver))
        or (locus in counted and agreement.get(locus) == Agreement.LESS)
    ]


def is_enough(reservation: Reservation, unit: CordBloodUnit, listed: HlaTyping) -> bool:
    """Whether the unit's typing is confirmed so that it need not be typed again for this patient."""
    row = ConfirmatoryTyping.objects.vouching(unit, listed)
    return row is not None and not too_little(row, listed, policy_of(reservation))


@dataclass(frozen=True)
class Fallen:
    """The unit matches the patient less than it was chosen by. digest: of the three typings and of what fell."""

    row: ConfirmatoryTyping
    listed: HlaTyping
    patient_typing: PatientHlaTyping
    change: Change

    @property
    def digest(self) -> str:
        told = [
            str(self.row.result_id),
            str(self.listed.pk),
            str(self.patient_typing.pk),
            self.change.as_json(),
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def fallen(reservation: Reservation, row: ConfirmatoryTyping, listed: HlaTyping) -> Fallen | None:
    """None where the match holds, or the patient has no typing with which it could be compared."""
    rows = PatientHlaTyping.objects.filter(patient=reservation.patient_id, is_current=True)
    mine: PatientHlaTyping | None = rows.first()
    if mine is None or row.result is None:
        return None
    rule = policy_of(reservation).antigen_rule
    change = match_change(mine.canonical_gl, listed.canonical_gl, row.result.canonical_gl, rule)
    return Fallen(row, listed, mine, change) if change else None


def acknowledged(reservation: Reservation, found: Fallen) -> MatchAcknowledgement | None:
    """Who said of this patient that the unit is wanted all the same, knowing just this."""
    rows = MatchAcknowledgement.objects.filter(reservation=reservation.pk, digest=found.digest)
    known: MatchAcknowledgement | None = rows.first()
    return known


def now_fallen(reservation: Reservation) -> Fallen | None:
    """By the typings in force now."""
    listed = typing_compared.in_force(reservation.unit_id)
    if listed is None or reservation.unit.typing_conflict:
        return None
    row = ConfirmatoryTyping.objects.vouching(reservation.unit, listed)
    return fallen(reservation, row, listed) if row is not None else None
