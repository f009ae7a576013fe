"""Roles and what they may do, readable as policy. A role is a set of permissions, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
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
    INVENTORY_EXPORT = "inventory.export"  # files of everything on offer, for registries abroad
    PARTNER_EDIT = "partner.edit"  # add banks and registries whose lists are taken in
    INVENTORY_PLAN = "inventory.plan"  # simulate what the inventory is worth
    UNIT_COLLECT = "unit.collect"  # give out kits, record collections
    UNIT_PROCESS = "unit.process"  # receive, process and freeze
    RESULT_VERIFY = "result.verify"  # as the second person: what another one entered
    UNIT_CONFIRM = "unit.confirm"  # confirm implausible values held back at import, retract results
    UNIT_DECLARE = "unit.declare"  # that units of a file were released before: they enter as listed
    UNIT_RELEASE = "unit.release"  # decide, with the password, that a unit may be listed
    UNIT_RELEASE_EXCEPTION = "unit.release_exception"  # though something of the specification is not met
    SPECIFICATION_EDIT = "specification.edit"  # write versions of the release specification
    SPECIFICATION_APPROVE = "specification.approve"  # put one in force that somebody else wrote
    UNIT_HOLD = "unit.hold"  # put on hold, lift the hold
    UNIT_DISCARD = "unit.discard"  # sign, as the second person, that a unit leaves the inventory
    SAMPLE_USE = "sample.use"  # take segments and reference samples out of the stock
    STORAGE_EDIT = "storage.edit"  # place, move, take out units; readings and alarms of tanks
    CONSENT_RECORD = "consent.record"  # answers and withdrawals of mothers, their health history
    DONOR_CONTACT = (
        "donor.contact"  # how a mother is reached, documents that bear her name; every look is recorded
    )
    DOCUMENT_EDIT = "document.edit"  # add documents of units, withdraw wrong ones
    LOT_EDIT = "lot.edit"  # register lots of kits, reagents and instruments
    LOT_BLOCK = "lot.block"  # keep one from use, with the password
    UNIT_DOSSIER = "unit.dossier"  # fetch all that ever happened to a unit, as a file
    GENETIC_VIEW = "genetic.view"  # which files with HLA typings were taken and asked for, by whom
    GENETIC_APPROVE = "genetic.approve"  # sign, as the second person, that one goes to a foreign account
    LABEL_PRINT = "label.print"  # of units, samples and places
    HOSPITAL_VIEW = "hospital.view"
    HOSPITAL_EDIT = "hospital.edit"
    PATIENT_VIEW = "patient.view"
    PATIENT_EDIT = "patient.edit"
    PATIENT_IDENTITY = "patient.identity"
    PATIENT_MERGE = "patient.merge"  # records that may be of one person: told of them, merge, undo
    REQUEST_VIEW = "request.view"
    REQUEST_SUBMIT = "request.submit"
    RESERVATION_VIEW = "reservation.view"
    RESERVATION_ASK = "reservation.ask"  # for a patient, extend, cancel
    RESERVATION_DECIDE = "reservation.decide"  # what hospitals ask for: confirm, decline
    RESERVATION_RULES = "reservation.rules"  # for how long, how often extended, how many for a patient
    ENQUIRY_VIEW = "enquiry.view"  # what hospital and bank ask of one another
    ENQUIRY_ASK = "enquiry.ask"
    ENQUIRY_ANSWER = "enquiry.answer"  # for the bank: take on, decline, set deadlines
    TYPING_VIEW = "typing.view"  # confirmatory typings of units
    TYPING_WORK = "typing.work"  # take the sample, enter the result
    ORDER_VIEW = "order.view"
    ORDER_ASK = "order.ask"  # order a reserved unit, have it typed anew, withdraw
    ORDER_PRESCRIBE = "order.prescribe"  # sign the prescription, with the password
    ORDER_APPROVE = "order.approve"  # what hospitals order: approve, decline; record export permits
    ORDER_RELEASE = "order.release"  # sign, as one of two, that the unit may leave
    SHIPMENT_VIEW = "shipment.view"
    SHIPMENT_WORK = "shipment.work"  # shippers, packing, identity check, dispatch, what happens on the way
    SHIPMENT_RECEIVE = "shipment.receive"  # what a hospital found at arrival, thaw and infusion, not used
    TRANSPLANT_VIEW = "transplant.view"
    FOLLOW_UP_EDIT = "follow_up.edit"  # what a transplant was given for and how, counts, forms of follow-up
    FOLLOW_UP_RULES = "follow_up.rules"  # how often hospitals are reminded of forms
    OUTCOME_IMPORT = "outcome.import"  # take over lists of earlier transplants, of all hospitals
    OUTCOME_VIEW = "outcome.view"  # figures of what became of patients; rows only with transplant.view
    RETURN_DECIDE = "return.decide"  # what becomes of a unit that came back, as one of two
    INCIDENT_VIEW = "incident.view"
    INCIDENT_REPORT = "incident.report"
    INCIDENT_WORK = "incident.work"  # investigate, close with the password
    RECALL_VIEW = "recall.view"  # which units are recalled, and whom that concerns
    RECALL_START = "recall.start"  # recall units or a lot; lift it as the second person
    FEE_VIEW = "fee.view"  # what a hospital owes
    FEE_EDIT = "fee.edit"  # the price list; void a charge
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
    HOOK_EDIT = "hook.edit"  # other systems that are told what people are told


P = Permission
_INVENTORY_STAFF = frozenset({P.INVENTORY_VIEW, P.INVENTORY_VIEW_ALL, P.REFERENCE_VIEW, P.JOB_VIEW})
_DONOR_DESK = frozenset({P.CONSENT_RECORD, P.DONOR_CONTACT, P.DOCUMENT_EDIT})
_HOSPITAL_READ = frozenset(
    {
        P.INVENTORY_VIEW,
        P.HOSPITAL_VIEW,
        P.PATIENT_VIEW,
        P.REQUEST_VIEW,
        P.RESERVATION_VIEW,
        P.ENQUIRY_VIEW,
        P.ENQUIRY_ASK,
        P.TYPING_VIEW,
        P.ORDER_VIEW,
        P.ORDER_ASK,
        P.SHIPMENT_VIEW,
        P.SHIPMENT_RECEIVE,
        P.TRANSPLANT_VIEW,
        P.FOLLOW_UP_EDIT,
        P.OUTCOME_VIEW,
        P.INCIDENT_VIEW,
        P.INCIDENT_REPORT,
        P.REFERENCE_VIEW,
        P.SUCCESS_VIEW,
    }
)
# Of the way of an ordered unit: who works on one part of it sees all of it.
_WAY = frozenset({P.TYPING_VIEW, P.ORDER_VIEW, P.SHIPMENT_VIEW, P.INCIDENT_VIEW, P.INCIDENT_REPORT})

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.COLLECTION: _DONOR_DESK | {P.INVENTORY_VIEW, P.INVENTORY_VIEW_ALL, P.UNIT_COLLECT, P.LABEL_PRINT},
    Role.LAB: _INVENTORY_STAFF
    | {
        P.TYPING_VIEW,
        P.TYPING_WORK,
        P.INCIDENT_VIEW,
        P.INCIDENT_REPORT,
        P.INVENTORY_IMPORT,
        P.UNIT_COLLECT,
        P.UNIT_PROCESS,
        P.CONSENT_RECORD,
        P.DOCUMENT_EDIT,
        P.RESULT_VERIFY,
        P.SAMPLE_USE,
        P.STORAGE_EDIT,
        P.LOT_EDIT,
        P.LABEL_PRINT,
    },
    Role.QA: _INVENTORY_STAFF
    | _DONOR_DESK
    | _WAY
    | {
        P.ORDER_RELEASE,
        P.TRANSPLANT_VIEW,
        P.FOLLOW_UP_RULES,
        P.OUTCOME_IMPORT,
        P.OUTCOME_VIEW,
        P.RETURN_DECIDE,
        P.INCIDENT_WORK,
        P.RECALL_VIEW,
        P.RECALL_START,
        P.INVENTORY_IMPORT,
        P.INVENTORY_EXPORT,
        P.PARTNER_EDIT,
        P.INVENTORY_PLAN,
        P.RESULT_VERIFY,
        P.UNIT_CONFIRM,
        P.UNIT_DECLARE,
        P.UNIT_RELEASE,
        P.SPECIFICATION_EDIT,
        P.UNIT_HOLD,
        P.UNIT_DISCARD,
        P.SAMPLE_USE,
        P.STORAGE_EDIT,
        P.LOT_EDIT,
        P.LOT_BLOCK,
        P.GENETIC_VIEW,
        P.GENETIC_APPROVE,
        P.UNIT_DOSSIER,
        P.LABEL_PRINT,
        P.AUDIT_VIEW,
    },
    Role.MEDICAL_DIRECTOR: _INVENTORY_STAFF
    | _DONOR_DESK
    | _WAY
    | {
        P.ORDER_APPROVE,
        P.ORDER_RELEASE,
        P.TRANSPLANT_VIEW,
        P.FOLLOW_UP_RULES,
        P.OUTCOME_IMPORT,
        P.OUTCOME_VIEW,
        P.RETURN_DECIDE,
        P.INCIDENT_WORK,
        P.RECALL_VIEW,
        P.RECALL_START,
        P.INVENTORY_PLAN,
        P.RESULT_VERIFY,
        P.UNIT_CONFIRM,
        P.UNIT_RELEASE,
        P.UNIT_RELEASE_EXCEPTION,
        P.SPECIFICATION_EDIT,
        P.SPECIFICATION_APPROVE,
        P.UNIT_HOLD,
        P.UNIT_DISCARD,
        P.LOT_BLOCK,
        P.GENETIC_VIEW,
        P.GENETIC_APPROVE,
        P.UNIT_DOSSIER,
        P.HOSPITAL_VIEW,
        P.PATIENT_VIEW,
        P.REQUEST_VIEW,
        P.RESERVATION_VIEW,
        P.RESERVATION_DECIDE,
        P.RESERVATION_RULES,
        P.ENQUIRY_VIEW,
        P.ENQUIRY_ASK,
        P.ENQUIRY_ANSWER,
        P.GRAFT_CHOOSE,
        P.SUCCESS_VIEW,
        P.POLICY_EDIT,
        P.REPORT_SIGN,
        P.AUDIT_VIEW,
    },
    Role.SEARCH_COORDINATOR: _INVENTORY_STAFF
    | _WAY
    | {
        P.ORDER_ASK,
        P.ORDER_APPROVE,
        P.TRANSPLANT_VIEW,
        P.OUTCOME_VIEW,
        P.RECALL_VIEW,
        P.FEE_VIEW,
        P.INVENTORY_IMPORT,
        P.INVENTORY_EXPORT,
        P.PARTNER_EDIT,
        P.INVENTORY_PLAN,
        P.HOSPITAL_VIEW,
        P.PATIENT_VIEW,
        P.PATIENT_MERGE,
        P.REQUEST_VIEW,
        P.REQUEST_SUBMIT,
        P.RESERVATION_VIEW,
        P.RESERVATION_ASK,
        P.RESERVATION_DECIDE,
        P.ENQUIRY_VIEW,
        P.ENQUIRY_ASK,
        P.ENQUIRY_ANSWER,
        P.GRAFT_CHOOSE,
        P.SUCCESS_VIEW,
    },
    Role.SHIPPING: _WAY
    | {
        P.INVENTORY_VIEW,
        P.INVENTORY_VIEW_ALL,
        P.STORAGE_EDIT,
        P.LABEL_PRINT,
        P.HOSPITAL_VIEW,
        P.SHIPMENT_WORK,
    },
    Role.HOSPITAL_COORDINATOR: _HOSPITAL_READ
    | {
        P.PATIENT_EDIT,
        P.PATIENT_IDENTITY,
        P.REQUEST_SUBMIT,
        P.RESERVATION_ASK,
        P.GRAFT_CHOOSE,
        P.FEE_VIEW,
        P.JOB_VIEW,
    },
    Role.HOSPITAL_PHYSICIAN: _HOSPITAL_READ
    | {P.PATIENT_IDENTITY, P.ORDER_PRESCRIBE, P.GRAFT_CHOOSE, P.POLICY_EDIT, P.JOB_VIEW, P.REPORT_SIGN},
    Role.DIRECTOR: frozenset(
        {
            P.INVENTORY_VIEW,
            P.INVENTORY_VIEW_ALL,
            P.INVENTORY_PLAN,
            P.GENETIC_VIEW,
            P.GENETIC_APPROVE,
            P.HOSPITAL_VIEW,
            P.FEE_VIEW,
            P.FEE_EDIT,
            P.OUTCOME_VIEW,
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
            P.OUTCOME_IMPORT,
            P.PATIENT_MERGE,
            P.REFERENCE_VIEW,
            P.REFERENCE_LOAD,
            P.JOB_VIEW,
            P.JOB_VIEW_ALL,
            P.JOB_CANCEL_ALL,
            P.AUDIT_VIEW,
            P.USER_ADMIN,
            P.HOOK_EDIT,
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
            P.GENETIC_VIEW,
            P.UNIT_DOSSIER,
            P.OUTCOME_VIEW,
            P.REFERENCE_VIEW,
        }
    ),
}

HOSPITAL_ROLES = frozenset({Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN})
BANK_ROLES = frozenset(Role) - HOSPITAL_ROLES


def roles_with(permission: Permission, *, among: Iterable[Role] = Role) -> list[Role]:
    """The roles that carry a permission."""
    return [role for role in among if permission in ROLE_PERMISSIONS[role]]


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """All that the roles together allow."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
