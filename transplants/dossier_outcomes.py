"""What a dossier holds of the course after a unit was given: the derived outcome, in days; nothing of the patient."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Record, records_of
from bank.dossier.registry import Section, Subject, leave_out
from transplants.models import BloodCount, FollowUp, Outcome, OutcomeRules, TransplantUnit

OF_A_PATIENT = "of a patient: what follows from it for the unit stands in the outcome, in days since day 0"
# Of the forms that are asked for, not of what became of the unit.
OF_THE_DESK = ("due_visit", "due_from", "due_until", "reminded_for", "reminded_on", "bank_told_for")

DOSSIER_LABELS = {
    "position": gettext_lazy("Place in the graft"),
    "is_own": gettext_lazy("Of this bank"),
    "antigen6": gettext_lazy("Of 6, A and B by antigen"),
    "allele8": gettext_lazy("Of 8, by allele"),
    "days_followed": gettext_lazy("Followed (days)"),
    "is_dead": gettext_lazy("Died"),
    "is_lost": gettext_lazy("Lost to follow-up"),
    "days_to_neutrophils": gettext_lazy("Neutrophils recovered (days)"),
    "neutrophils_known": gettext_lazy("Recovery of neutrophils is known"),
    "days_to_platelets": gettext_lazy("Platelets recovered (days)"),
    "platelets_known": gettext_lazy("Recovery of platelets is known"),
    "days_to_graft_failure": gettext_lazy("Graft failure (days)"),
    "graft_failure_known": gettext_lazy("Graft failure is known"),
    "days_to_acute_2": gettext_lazy("Acute GVHD, grade II to IV (days)"),
    "days_to_acute_3": gettext_lazy("Acute GVHD, grade III or IV (days)"),
    "acute_known": gettext_lazy("Acute GVHD is known"),
    "days_to_chronic": gettext_lazy("Chronic GVHD (days)"),
    "days_to_chronic_systemic": gettext_lazy("Systemic treatment of chronic GVHD (days)"),
    "chronic_known": gettext_lazy("Chronic GVHD is known"),
    "days_to_relapse": gettext_lazy("Relapse or progression (days)"),
    "relapse_known": gettext_lazy("Relapse is known"),
    "days_to_second": gettext_lazy("Second transplant (days)"),
    "chimerism_percent": gettext_lazy("Donor chimerism (%)"),
    "enzyme_percent": gettext_lazy("Enzyme activity (% of normal)"),
    "derived_at": gettext_lazy("Derived at"),
    "due_visit": gettext_lazy("First form that is missing"),
    "due_from": gettext_lazy("May be handed in from"),
    "due_until": gettext_lazy("Window closes on"),
    "reminded_for": gettext_lazy("Hospital reminded of the form"),
    "reminded_on": gettext_lazy("Hospital reminded on"),
    "bank_told_for": gettext_lazy("Bank told of the form"),
    "symptomatic": gettext_lazy("Symptoms before transplant"),
    "sex": gettext_lazy("Sex"),
    "age_years": gettext_lazy("Age at transplant (years)"),
    "cmv": gettext_lazy("CMV antibodies"),
    "karnofsky": gettext_lazy("Karnofsky or Lansky"),
    "hct_ci": gettext_lazy("Comorbidity index (HCT-CI)"),
    "risk_index": gettext_lazy("Disease risk index"),
    "intensity": gettext_lazy("Intensity of conditioning"),
    "tbi_gy": gettext_lazy("Total body irradiation (Gy)"),
    "atg": gettext_lazy("Anti-thymocyte globulin"),
    "prophylaxis": gettext_lazy("GVHD prophylaxis"),
    "months_followed": gettext_lazy("Followed (months)"),
    "batch": gettext_lazy("List that it was taken over from"),
    "batch_line": gettext_lazy("Line of the list"),
}


def register() -> None:
    for name, label in DOSSIER_LABELS.items():
        LABELS.setdefault(name, label)
    leave_out(FollowUp._meta.label, OF_A_PATIENT)
    leave_out(BloodCount._meta.label, OF_A_PATIENT)
    leave_out(OutcomeRules._meta.label, "rules of the bank, not a record of a unit")
    registry.register_all(SECTIONS)


def given(subject: Subject) -> list[Record]:
    rows = TransplantUnit.objects.filter(unit=subject.unit).order_by("pk")
    return records_of(rows, skip=("unit", "infusion"))


def outcomes(subject: Subject) -> list[Record]:
    rows = Outcome.objects.filter(transplant__units__unit=subject.unit).order_by("pk")
    return records_of(rows, skip=OF_THE_DESK)


SECTIONS = (
    Section(
        "given",
        gettext_lazy("Place in a graft"),
        given,
        765,
        covers=(TransplantUnit._meta.label,),
        columns=("transplant", "position", "tnc_e7_per_kg", "cd34_e5_per_kg", "antigen6", "allele8"),
        trail=False,
    ),
    Section(
        "outcomes",
        gettext_lazy("Outcome of the transplant"),
        outcomes,
        768,
        covers=(Outcome._meta.label,),
        columns=(
            "transplant",
            "days_followed",
            "is_dead",
            "days_to_neutrophils",
            "days_to_platelets",
            "days_to_graft_failure",
        ),
        trail=False,  # of the patient: other units are in it
    ),
)
