"""Coded lists of hospitals and patients: states, stages, diagnoses with their ICD-10 codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.choices import Abo, Rh
from core.typing_choices import BlankRule

__all__ = ["Abo", "BlankRule", "Rh"]  # one list for units and patients

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class Qualification(TextChoices):
    """Where the qualification of a hospital stands on a day."""

    VALID = "valid", pgettext_lazy("qualification", "Valid")
    SOON = "soon", pgettext_lazy("qualification", "Ends soon")
    ENDED = "expired", pgettext_lazy("qualification", "Ended")
    TO_COME = "to_come", pgettext_lazy("qualification", "Not valid yet")
    NONE = "none", _("Not recorded")


DUE = "due"  # ended, or ends soon


class PatientState(TextChoices):
    ACTIVE = "active", _("Active")
    INACTIVE = "inactive", _("Inactive")


class InactiveReason(TextChoices):
    """Why a patient needs no unit any more, or not now."""

    TRANSPLANTED = "transplanted", _("Transplanted")
    OTHER_TREATMENT = "other_treatment", _("Treated otherwise")
    MOVED = "moved", _("Moved to another hospital")
    DIED = "died", _("Died")
    NO_LONGER_SOUGHT = "no_longer_sought", _("A unit is no longer sought")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")
    MERGED = "merged", _("Merged into another record")


MERGED = InactiveReason.MERGED.value  # only by a merge, never chosen
# Events of a day, which is asked for; the others are decisions.
REASONS_WITH_DAY = frozenset({InactiveReason.TRANSPLANTED, InactiveReason.MOVED, InactiveReason.DIED})
CHOSEN_REASONS = [
    (reason.value, reason.label) for reason in InactiveReason if reason != InactiveReason.MERGED
]


class Sex(TextChoices):
    FEMALE = "F", _("Female")
    MALE = "M", _("Male")
    UNKNOWN = "U", _("Not known")


class Cmv(TextChoices):
    POSITIVE = "P", _("Positive")
    NEGATIVE = "N", _("Negative")


class Urgency(TextChoices):
    """A label for people; it changes no order of work by itself."""

    ROUTINE = "routine", _("Not urgent")
    URGENT = "urgent", _("Urgent")


class Stage(TextChoices):
    CR1 = "cr1", _("First complete remission")
    CR2 = "cr2", _("Second complete remission")
    CR3 = "cr3", _("Third or later complete remission")
    NO_REMISSION = "no_remission", _("Not in remission")
    CHRONIC_PHASE = "chronic_phase", _("Chronic phase")
    ACCELERATED_PHASE = "accelerated_phase", _("Accelerated phase")
    BLAST_PHASE = "blast_phase", _("Blast phase")
    PRESYMPTOMATIC = "presymptomatic", _("Presymptomatic")
    SYMPTOMATIC = "symptomatic", _("Symptomatic")


class DiagnosisGroup(TextChoices):
    MALIGNANT = "malignant", _("Blood cancer")
    MARROW_FAILURE = "marrow_failure", _("Bone marrow failure")
    HAEMOGLOBIN = "haemoglobin", _("Haemoglobin disorder")
    IMMUNE = "immune", _("Immune deficiency or histiocytic disorder")
    METABOLIC = "metabolic", _("Inherited metabolic disorder")
    OTHER = "other", _("Other")


class TypingSource(TextChoices):
    REPORT = "report", _("Laboratory report")
    OWN_LAB = "own_lab", _("Hospital's own laboratory")
    CONFIRMATORY = "confirmatory", _("Confirmatory typing")
    TRANSFER = "transfer", _("Taken over from another system")


class AntibodyMethod(TextChoices):
    """How a serum was tested for HLA antibodies."""

    SINGLE_ANTIGEN = "single_antigen", _("Single-antigen beads")
    PANEL = "panel", _("Phenotype panel")
    OTHER = "other", _("Other")


class SerumClasses(TextChoices):
    """The HLA classes against which a serum was tested: they are tested with kits of their own."""

    CLASS_I = "I", _("Class I (A, B, C)")
    CLASS_II = "II", _("Class II (DR, DQ, DP)")
    BOTH = "both", _("Class I and class II")


class BeadCall(TextChoices):
    """What a report calls a specificity for which it gives no number."""

    NONE = "", _("by its MFI")
    POSITIVE = "positive", _("positive")
    NEGATIVE = "negative", _("negative")


class SpecificityLevel(TextChoices):
    """What an antibody is known to be against; the values are those of hla.antibodies."""

    ALLELE = "allele", _("Allele")
    ANTIGEN = "antigen", _("Antigen")
    HETERODIMER = "heterodimer", _("Alpha and beta chain")


@dataclass(frozen=True)
class Diagnosis:
    """One entry of the diagnosis list: stored code, name for people, ICD-10 code, group."""

    code: str
    label: StrPromise
    icd10: str
    group: DiagnosisGroup


_M, _F, _H = DiagnosisGroup.MALIGNANT, DiagnosisGroup.MARROW_FAILURE, DiagnosisGroup.HAEMOGLOBIN
_I, _E, _O = DiagnosisGroup.IMMUNE, DiagnosisGroup.METABOLIC, DiagnosisGroup.OTHER

# Disease list of the outcome registries (docs/domain.md); the ICD-10 code is the WHO's heading for it.
DIAGNOSES: tuple[Diagnosis, ...] = (
    Diagnosis("aml", _("Acute myeloid leukaemia"), "C92.0", _M),
    Diagnosis("all", _("Acute lymphoblastic leukaemia"), "C91.0", _M),
    Diagnosis("mds", _("Myelodysplastic syndrome"), "D46.9", _M),
    Diagnosis("mpn", _("Myeloproliferative neoplasm"), "D47.1", _M),
    Diagnosis("jmml", _("Juvenile myelomonocytic leukaemia"), "C93.3", _M),
    Diagnosis("cml", _("Chronic myeloid leukaemia"), "C92.1", _M),
    Diagnosis("cll", _("Chronic lymphocytic leukaemia"), "C91.1", _M),
    Diagnosis("nhl", _("Non-Hodgkin lymphoma"), "C85.9", _M),
    Diagnosis("hl", _("Hodgkin lymphoma"), "C81.9", _M),
    Diagnosis("myeloma", _("Multiple myeloma"), "C90.0", _M),
    Diagnosis("leukaemia_other", _("Other leukaemia"), "C95.9", _M),
    Diagnosis("saa", _("Severe aplastic anaemia"), "D61.9", _F),
    Diagnosis("fanconi", _("Fanconi anaemia"), "D61.0", _F),
    Diagnosis("marrow_failure_other", _("Other inherited marrow failure"), "D61.0", _F),
    Diagnosis("thalassaemia", _("Beta thalassaemia"), "D56.1", _H),
    Diagnosis("sickle_cell", _("Sickle cell disease"), "D57.1", _H),
    Diagnosis("scid", _("Severe combined immunodeficiency"), "D81.9", _I),
    Diagnosis("wiskott_aldrich", _("Wiskott-Aldrich syndrome"), "D82.0", _I),
    Diagnosis("cgd", _("Chronic granulomatous disease"), "D71", _I),
    Diagnosis("immune_other", _("Other immune deficiency"), "D84.9", _I),
    Diagnosis("hlh", _("Haemophagocytic lymphohistiocytosis"), "D76.1", _I),
    Diagnosis("histiocytic_other", _("Other histiocytic disorder"), "D76.3", _I),
    Diagnosis("mps1", _("Hurler syndrome (MPS I)"), "E76.0", _E),
    Diagnosis("mps2", _("Hunter syndrome (MPS II)"), "E76.1", _E),
    Diagnosis("mps6", _("Maroteaux-Lamy syndrome (MPS VI)"), "E76.2", _E),
    Diagnosis("mps7", _("Sly syndrome (MPS VII)"), "E76.2", _E),
    Diagnosis("ald", _("Cerebral X-linked adrenoleukodystrophy"), "E71.3", _E),
    Diagnosis("krabbe", _("Krabbe disease"), "E75.2", _E),
    Diagnosis("mld", _("Metachromatic leukodystrophy"), "E75.2", _E),
    Diagnosis("gaucher", _("Gaucher disease"), "E75.2", _E),
    Diagnosis("fucosidosis", _("Fucosidosis"), "E77.1", _E),
    Diagnosis("mannosidosis", _("Alpha-mannosidosis"), "E77.1", _E),
    Diagnosis("aspartylglucosaminuria", _("Aspartylglucosaminuria"), "E77.1", _E),
    Diagnosis("mucolipidosis2", _("Mucolipidosis II"), "E77.0", _E),
    Diagnosis("wolman", _("Wolman disease"), "E75.5", _E),
    Diagnosis("osteopetrosis", _("Osteopetrosis"), "Q78.2", _E),
    Diagnosis("metabolic_other", _("Other inherited metabolic disorder"), "E88.9", _E),
    Diagnosis("other", _("Other (describe it)"), "", _O),
)
DIAGNOSIS: dict[str, Diagnosis] = {entry.code: entry for entry in DIAGNOSES}
DIAGNOSIS_CHOICES = [(entry.code, entry.label) for entry in DIAGNOSES]


def diagnosis_groups() -> list[tuple[StrPromise, list[tuple[str, str]]]]:
    """Choices of a select element, grouped, each name with its ICD-10 code."""
    groups: list[tuple[StrPromise, list[tuple[str, str]]]] = []
    for group in DiagnosisGroup:
        entries = [d for d in DIAGNOSES if d.group == group]
        groups.append((group.label, [(d.code, f"{d.label} {d.icd10}".strip()) for d in entries]))
    return groups


# Limits against slips of the pen: a very small newborn to the heaviest adult (issue 2).
MIN_WEIGHT_KG = 1
MAX_WEIGHT_KG = 250
# An unborn patient may be entered: the expected date of birth lies at most this far ahead.
MAX_MONTHS_UNBORN = 10

# Of a bead: what no instrument exceeds, what a serum can hold, how long a name is.
MAX_MFI = 100_000
FIRST_SERUM_YEAR = 1980  # no sera from before are tested
MAX_BEADS = 1_000
MAX_SPECIFICITY_LENGTH = 200
# Information on pages only; what a search asks of a serum stands in its selection policy. Both unconfirmed ([M] in
# the domain notes): how old a serum may be, and from which MFI an antibody against the patient's own HLA astonishes.
SERUM_OLD_DAYS = 180
OWN_ANTIGEN_MFI = 1_000
