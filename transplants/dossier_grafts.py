"""What a unit's dossier holds of its infusion, its transplant and its way back; of patients their codes only."""

from __future__ import annotations

from django.utils.translation import gettext_lazy, pgettext_lazy

from bank.dossier import registry
from bank.dossier.labels import LABELS
from bank.dossier.records import Record, made, records_of
from bank.dossier.registry import Section, Subject
from transplants.models import GraftMeasurement, Infusion, Transplant, UnitReturn

# Of the patient, not of the unit: it stands with him.
OF_THE_PATIENT = (
    "diagnosis", "diagnosis_text", "stage", "weight_kg", "conditioning", "conditioning_on", "symptomatic", "sex",
    "age_years", "cmv", "karnofsky", "hct_ci", "risk_index", "intensity", "tbi_gy", "atg", "prophylaxis",
    "months_followed", "batch", "batch_line",
)  # fmt: skip

DOSSIER_LABELS = {
    "order": pgettext_lazy("of a unit", "Order"),
    "transplant": gettext_lazy("Transplant"),
    "infusion": gettext_lazy("Infusion"),
    "registry_code": gettext_lazy("Code of the patient"),
    "infused_on": gettext_lazy("Day 0"),
    "sequence": gettext_lazy("Which transplant of the patient"),
    "diagnosis": gettext_lazy("Diagnosis"),
    "diagnosis_text": gettext_lazy("Diagnosis in words"),
    "stage": gettext_lazy("Stage"),
    "weight_kg": gettext_lazy("Weight (kg)"),
    "conditioning": gettext_lazy("Conditioning"),
    "conditioning_on": gettext_lazy("Conditioning began on"),
    "created_by": gettext_lazy("Recorded by"),
    "graft_type": gettext_lazy("Graft"),
    "thaw_method": gettext_lazy("How it was thawed"),
    "thawed_at": gettext_lazy("Thaw began at"),
    "began_at": gettext_lazy("Infusion began at"),
    "all_given": gettext_lazy("All of the unit was given"),
    "reaction": gettext_lazy("Reaction"),
    "reaction_note": gettext_lazy("What was seen"),
    "tnc_e7_per_kg": gettext_lazy("TNC per kg (×10⁷)"),
    "cd34_e5_per_kg": gettext_lazy("CD34 per kg (×10⁵)"),
    "match": gettext_lazy("Match"),
    "reported_by": gettext_lazy("Reported by"),
    "reported_at": gettext_lazy("Reported at"),
    "point": gettext_lazy("Time point"),
    "cause": gettext_lazy("Cause"),
    "what_happened": gettext_lazy("What happened"),
    "thawed": gettext_lazy("It was thawed"),
    "returned_at": gettext_lazy("Back in the bank"),
    "returned_by": gettext_lazy("Taken back by"),
    "bag_intact": gettext_lazy("Bag intact"),
    "decision": gettext_lazy("Decision"),
    "decision_reason": gettext_lazy("Reason of the decision"),
    "decided_by": gettext_lazy("First signature"),
    "seconded_by": gettext_lazy("Second signature"),
    "seconded_at": gettext_lazy("Second signature at"),
}


def register() -> None:
    for name, label in DOSSIER_LABELS.items():
        LABELS.setdefault(name, label)
    registry.register_all(SECTIONS)


def infusions(subject: Subject) -> list[Record]:
    rows = Infusion.objects.filter(unit=subject.unit).order_by("began_at", "pk")
    return records_of(rows, skip=("unit",))


def counts(subject: Subject) -> list[Record]:
    rows = GraftMeasurement.objects.filter(infusion__unit=subject.unit).order_by("point", "analyte")
    return records_of(
        rows,
        skip=("unit",),
        more=lambda row: [made("measure_unit", row.unit, str(row.get_unit_display()))],
    )


def transplants(subject: Subject) -> list[Record]:
    rows = Transplant.objects.filter(units__unit=subject.unit).order_by("infused_on", "pk")
    return records_of(rows, skip=OF_THE_PATIENT)


def returns(subject: Subject) -> list[Record]:
    rows = UnitReturn.objects.filter(unit=subject.unit).order_by("reported_at", "pk")
    return records_of(rows, skip=("unit", "note"), more=lambda row: [made("what_happened", row.note)])


SECTIONS = (
    Section(
        "infusions",
        gettext_lazy("Thaw and infusion"),
        infusions,
        760,
        covers=(Infusion._meta.label,),
        columns=("transplant", "order", "hospital", "began_at", "volume_ml", "reaction"),
    ),
    Section(
        "graft_measurements",
        gettext_lazy("Counts of the thawed unit"),
        counts,
        762,
        covers=(GraftMeasurement._meta.label,),
        columns=("point", "analyte", "value", "measure_unit", "method"),
        trail=False,
    ),
    Section(
        "transplants",
        gettext_lazy("Transplants"),
        transplants,
        764,
        covers=(Transplant._meta.label,),
        columns=("number", "patient", "hospital", "infused_on", "graft_type"),
        trail=False,  # of the patient: other units are in it
    ),
    Section(
        "returns",
        gettext_lazy("Came back"),
        returns,
        766,
        covers=(UnitReturn._meta.label,),
        columns=("order", "hospital", "cause", "returned_at", "decision", "seconded_at"),
    ),
)
