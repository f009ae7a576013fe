"""Policies as rows: their rules for choosing, their names, who writes them, which one is proposed for a patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from core.access import get_visible_or_404
from core.errors import Conflict
from core.models import User
from core.roles import BANK_ROLES, HOSPITAL_ROLES, ROLE_PERMISSIONS, Permission
from hospitals.choices import DIAGNOSIS, DiagnosisGroup
from hospitals.models import Patient
from matching.choices import ProposedFor
from matching.engine.selection.checks import years_before
from matching.engine.selection.rules import BadRules, SelectionRules, parse
from matching.models import SearchRun, SelectionPolicy
from matching.selection.refusals import refusal

ADULT_YEARS = 18
FEWEST_MATCHES = 3  # the lowest floor that forms offer

# Names of the shipped policies, as stored.
SHIPPED = (
    gettext_noop("Malignant disease, single unit"),
    gettext_noop("Non-malignant disease, single unit"),
    gettext_noop("Two units"),
    gettext_noop("Children"),
    gettext_noop("Qidai default, single unit"),
)


def rules_of(policy: SelectionPolicy) -> SelectionRules:
    """What a policy says about choosing; one of before these rules has the catalogue's defaults.

    Raises Conflict for a policy with a part that this program does not know: it judges nothing rather than less.
    """
    try:
        return parse(policy.rules.get("selection", {}))
    except BadRules as error:
        raise Conflict(
            "policy_unreadable",
            _("The policy %(policy)s cannot be read by this program: %(why)s"),
            params={"policy": str(policy), "why": refusal(error).message},
        ) from error


def shown_name(policy: SelectionPolicy) -> str:
    """The bank's own in the reader's language, a hospital's as it wrote it, with the version."""
    return f"{plain_name(policy)} v{policy.version}"


def shown_label(label: str) -> str:
    """The same of a name with its version as it was stored beside what was made by the policy."""
    name, _v, version = label.rpartition(" v")
    return f"{gettext(name)} v{version}" if name in SHIPPED else label


def plain_name(policy: SelectionPolicy) -> str:
    """The same without the version."""
    return gettext(policy.name) if policy.hospital_id is None and policy.name in SHIPPED else policy.name


def judging_policy(query: Mapping[str, str], run: SearchRun, user: User) -> SelectionPolicy:
    """The policy that `?policy=` names, else the request's. 404 for one that the person may not see, or that is none.

    Another hospital's own policy is not seen, a colleague's of the reader's other hospital judges no list of this, and
    a version that is offered no more only the lists that were searched by it.
    """
    asked = query.get("policy", "")
    if not asked:
        return run.policy
    policies = SelectionPolicy.objects.for_hospital(run.request.hospital).filter(
        Q(retired_at__isnull=True) | Q(pk=run.policy_id)
    )
    found: SelectionPolicy = get_visible_or_404(policies, user, pk=asked)
    return found


@dataclass(frozen=True)
class Writes:
    """Whose policies a person writes: the bank's, and those of which hospitals."""

    of_bank: bool
    hospital_ids: frozenset[UUID]

    def may(self, policy: SelectionPolicy) -> bool:
        return self.of_bank if policy.hospital_id is None else policy.hospital_id in self.hospital_ids

    @property
    def any(self) -> bool:
        return self.of_bank or bool(self.hospital_ids)


def writes_of(user: User) -> Writes:
    """The bank's by a role of the bank, a hospital's by a role in that hospital: nobody writes the other's."""
    by = {role for role in user.roles if Permission.POLICY_EDIT in ROLE_PERMISSIONS[role]}
    hospitals = user.hospital_ids if by & HOSPITAL_ROLES else frozenset[UUID]()
    return Writes(bool(by & BANK_ROLES), hospitals)


def proposed(policies: Iterable[SelectionPolicy], patient: Patient, today: date) -> SelectionPolicy | None:
    """Of the offered ones that which says of itself that it is for such patients, else the bank's default.

    A hospital's own goes before the bank's; one for children before one for all ages.
    """
    offered = sorted(policies, key=lambda one: one.hospital_id is None)
    for patients in _patients_like(patient, today):
        for policy in offered:
            if policy.proposed_for == patients:
                return policy
    return next((policy for policy in offered if policy.is_default), None)


def policy_for(patient: Patient, today: date) -> SelectionPolicy | None:
    """The policy with which a new request of this patient starts; None where the bank has no default."""
    offered = SelectionPolicy.objects.for_hospital(patient.hospital).offered()
    return proposed(offered.order_by("hospital", "name", "pk"), patient, today)


def bank_default() -> SelectionPolicy:
    """The policy that serves where no other is proposed. Raises Conflict where the bank has none."""
    return set_up(SelectionPolicy.objects.filter(is_default=True, hospital__isnull=True).first())


def set_up(policy: SelectionPolicy | None) -> SelectionPolicy:
    """The policy that was found for a patient or the bank. Raises Conflict where there is none to work by."""
    if policy is None:
        raise Conflict("policy_missing", _("No selection policy is set up. Tell the administrator."))
    return policy


def _patients_like(patient: Patient, today: date) -> list[str]:
    diagnosis = DIAGNOSIS.get(patient.diagnosis)
    if diagnosis is None or diagnosis.group == DiagnosisGroup.OTHER:
        return []
    if diagnosis.group != DiagnosisGroup.MALIGNANT:
        return [ProposedFor.NON_MALIGNANT]
    is_child = patient.birth_date > years_before(today, ADULT_YEARS)
    return [ProposedFor.CHILDREN, ProposedFor.MALIGNANT] if is_child else [ProposedFor.MALIGNANT]


def usual_tnc_e7_per_kg(policy: SelectionPolicy) -> Decimal | None:
    """The dose that a request proposes as its filter: the smaller of the policy's of one unit and of each of two.

    So units too small alone are listed as excluded with their rule, and can be paired. None where no dose excludes.
    """
    rules = rules_of(policy)
    rule = rules.settings["tnc_dose"]
    least: Decimal = min(rule.values["least"], rules.pairs.tnc_e7_each)
    return least if rule.action == "exclude" and least > 0 else None


def usual_floor(policy: SelectionPolicy, name: str) -> int:
    """The floor of a class that a request proposes, 0 for none: the policy's, or one step below its rule of the class.

    So units just below the class are listed as excluded with their rule.
    """
    held = int(policy.rules.get("floors", {}).get(name) or 0)
    rule = rules_of(policy).settings.get(f"class_{name}")
    if not held or rule is None or rule.action != "exclude":
        return held
    least: int = rule.values["least"]
    return min(held, max(least - 1, FEWEST_MATCHES))
