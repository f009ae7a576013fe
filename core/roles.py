"""Roles and what they may do, readable as policy. A role is a set of permissions, nothing else."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    COLLECTION = "collection", _("Collection staff")
    LAB = "lab", _("Laboratory")
    QA = "qa", _("Quality assurance")
    MEDICAL_DIRECTOR = "medical_director", _("Medical director")
    SEARCH_COORDINATOR = "search_coordinator", _("Search coordinator")
    SHIPPING = "shipping", _("Shipping")
    HOSPITAL_COORDINATOR = "hospital_coordinator", _("Hospital coordinator")
    HOSPITAL_PHYSICIAN = "hospital_physician", _("Hospital physician")
    DIRECTOR = "director", _("Director")
    ADMIN = "admin", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


class Permission(StrEnum):
    INVENTORY_VIEW = "inventory.view"  # listed units, what a hospital needs to choose
    INVENTORY_VIEW_ALL = "inventory.view_all"  # every state, location, donation
    INVENTORY_IMPORT = "inventory.import"
    INVENTORY_PLAN = "inventory.plan"  # simulate what the inventory is worth
    UNIT_CONFIRM = "unit.confirm"  # confirm implausible values held back at import
    UNIT_HOLD = "unit.hold"  # put on hold, lift the hold
    UNIT_DISCARD = "unit.discard"
    HOSPITAL_VIEW = "hospital.view"
    HOSPITAL_EDIT = "hospital.edit"
    PATIENT_VIEW = "patient.view"
    PATIENT_EDIT = "patient.edit"
    PATIENT_IDENTITY = "patient.identity"
    REQUEST_VIEW = "request.view"
    REQUEST_SUBMIT = "request.submit"
    GRAFT_CHOOSE = "graft.choose"  # shortlist units for a patient, write notes about them
    SUCCESS_VIEW = "success.view"  # how often a search finds a unit: shares of patients, never a patient
    POLICY_EDIT = "policy.edit"  # rules of choosing: of the bank by its own people, of a hospital by its own
    REPORT_SIGN = "report.sign"  # a match report, with the password
    REFERENCE_VIEW = "reference.view"
    REFERENCE_LOAD = "reference.load"
    JOB_VIEW = "job.view"
    JOB_VIEW_ALL = "job.view_all"
    JOB_CANCEL_ALL = "job.cancel_all"  # without it: only what one started oneself
    AUDIT_VIEW = "audit.view"
    USER_ADMIN = "user.admin"


P = Permission
_INVENTORY_STAFF = frozenset({P.INVENTORY_VIEW, P.INVENTORY_VIEW_ALL, P.REFERENCE_VIEW, P.JOB_VIEW})
_HOSPITAL_READ = frozenset(
    {P.INVENTORY_VIEW, P.HOSPITAL_VIEW, P.PATIENT_VIEW, P.REQUEST_VIEW, P.REFERENCE_VIEW, P.SUCCESS_VIEW}
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.COLLECTION: frozenset({P.INVENTORY_VIEW, P.INVENTORY_VIEW_ALL}),
    Role.LAB: _INVENTORY_STAFF | {P.INVENTORY_IMPORT},
    Role.QA: _INVENTORY_STAFF
    | {P.INVENTORY_IMPORT, P.INVENTORY_PLAN, P.UNIT_CONFIRM, P.UNIT_HOLD, P.UNIT_DISCARD, P.AUDIT_VIEW},
    Role.MEDICAL_DIRECTOR: _INVENTORY_STAFF
    | {
        P.INVENTORY_PLAN,
        P.UNIT_CONFIRM,
        P.UNIT_HOLD,
        P.UNIT_DISCARD,
        P.HOSPITAL_VIEW,
        P.PATIENT_VIEW,
        P.REQUEST_VIEW,
        P.GRAFT_CHOOSE,
        P.SUCCESS_VIEW,
        P.POLICY_EDIT,
        P.REPORT_SIGN,
        P.AUDIT_VIEW,
    },
    Role.SEARCH_COORDINATOR: _INVENTORY_STAFF
    | {
        P.INVENTORY_IMPORT,
        P.INVENTORY_PLAN,
        P.HOSPITAL_VIEW,
        P.PATIENT_VIEW,
        P.REQUEST_VIEW,
        P.REQUEST_SUBMIT,
        P.GRAFT_CHOOSE,
        P.SUCCESS_VIEW,
    },
    Role.SHIPPING: frozenset({P.INVENTORY_VIEW, P.INVENTORY_VIEW_ALL, P.HOSPITAL_VIEW}),
    Role.HOSPITAL_COORDINATOR: _HOSPITAL_READ
    | {P.PATIENT_EDIT, P.PATIENT_IDENTITY, P.REQUEST_SUBMIT, P.GRAFT_CHOOSE, P.JOB_VIEW},
    Role.HOSPITAL_PHYSICIAN: _HOSPITAL_READ
    | {P.PATIENT_IDENTITY, P.GRAFT_CHOOSE, P.POLICY_EDIT, P.JOB_VIEW, P.REPORT_SIGN},
    Role.DIRECTOR: frozenset(
        {
            P.INVENTORY_VIEW,
            P.INVENTORY_VIEW_ALL,
            P.INVENTORY_PLAN,
            P.HOSPITAL_VIEW,
            P.REFERENCE_VIEW,
            P.SUCCESS_VIEW,
        }
    ),
    Role.ADMIN: frozenset(
        {
            P.INVENTORY_VIEW,
            P.INVENTORY_VIEW_ALL,
            P.HOSPITAL_VIEW,
            P.HOSPITAL_EDIT,
            P.REFERENCE_VIEW,
            P.REFERENCE_LOAD,
            P.JOB_VIEW,
            P.JOB_VIEW_ALL,
            P.JOB_CANCEL_ALL,
            P.AUDIT_VIEW,
            P.USER_ADMIN,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            P.INVENTORY_VIEW,
            P.INVENTORY_VIEW_ALL,
            P.HOSPITAL_VIEW,
            P.JOB_VIEW,
            P.JOB_VIEW_ALL,
            P.AUDIT_VIEW,
            P.REFERENCE_VIEW,
        }
    ),
}

HOSPITAL_ROLES = frozenset({Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN})
BANK_ROLES = frozenset(Role) - HOSPITAL_ROLES


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """All that the roles together allow."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
