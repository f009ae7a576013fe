"""Coded lists of hospitals and patients: states, stages, diagnoses with their ICD-10 codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class PatientState(TextChoices):
    ACTIVE = "active", _("active")
    INACTIVE = "inactive", _("inactive")


class InactiveReason(TextChoices):
    """Why a patient needs no unit any more, or not now."""

    TRANSPLANTED = "transplanted", _("transplanted")
    OTHER_TREATMENT = "other_treatment", _("treated otherwise")
    MOVED = "moved", _("moved to another hospital")
    DIED = "died", _("died")
    NO_LONGER_SOUGHT = "no_longer_sought", _("a unit is no longer sought")
    ENTERED_IN_ERROR = "entered_in_error", _("entered in error")


class Sex(TextChoices):
    FEMALE = "F", _("female")
    MALE = "M", _("male")
    UNKNOWN = "U", _("not known")


class Abo(TextChoices):
    O = "O", "O"  # noqa: E741 (the blood group is called O)
    A = "A", "A"
    B = "B", "B"
    AB = "AB", "AB"


class Rh(TextChoices):
    POSITIVE = "+", _("positive")
    NEGATIVE = "-", _("negative")


class Cmv(TextChoices):
    POSITIVE = "P", _("positive")
    NEGATIVE = "N", _("negative")


class Urgency(TextChoices):
    """A label for people; it changes no order of work by itself."""

    ROUTINE = "routine", _("not urgent")
    URGENT = "urgent", _("urgent")


class Stage(TextChoices):
    CR1 = "cr1", _("first complete remission")
    CR2 = "cr2", _("second complete remission")
    CR3 = "cr3", _("third or later complete remission")
    NO_REMISSION = "no_remission", _("not in remission")
    CHRONIC_PHASE = "chronic_phase", _("chronic phase")
    ACCELERATED_PHASE = "accelerated_phase", _("accelerated phase")
    BLAST_PHASE = "blast_phase", _("blast phase")
    PRESYMPTOMATIC = "presymptomatic", _("presymptomatic")
    SYMPTOMATIC = "symptomatic", _("symptomatic")


class DiagnosisGroup(TextChoices):
    MALIGNANT = "malignant", _("blood cancer")
    MARROW_FAILURE = "marrow_failure", _("bone marrow failure")
    HAEMOGLOBIN = "haemoglobin", _("haemoglobin disorder")
    IMMUNE = "immune", _("immune deficiency or histiocytic disorder")
    METABOLIC = "metabolic", _("inherited metabolic disorder")
    OTHER = "other", _("other")


class BlankRule(TextChoices):
    """What an empty second value of a locus means; the names are those of `hla.typing.parse_pair`."""

    UNKNOWN = "unknown", _("not known")
    HOMOZYGOUS = "homozygous", _("the same as the first (homozygous)")


class TypingSource(TextChoices):
    REPORT = "report", _("laboratory report")
    OWN_LAB = "own_lab", _("hospital's own laboratory")
    CONFIRMATORY = "confirmatory", _("confirmatory typing")
    TRANSFER = "transfer", _("taken over from another system")


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
    Diagnosis("aml", _("acute myeloid leukaemia"), "C92.0", _M),
    Diagnosis("all", _("acute lymphoblastic leukaemia"), "C91.0", _M),
    Diagnosis("mds", _("myelodysplastic syndrome"), "D46.9", _M),
    Diagnosis("mpn", _("myeloproliferative neoplasm"), "D47.1", _M),
    Diagnosis("jmml", _("juvenile myelomonocytic leukaemia"), "C93.3", _M),
    Diagnosis("cml", _("chronic myeloid leukaemia"), "C92.1", _M),
    Diagnosis("cll", _("chronic lymphocytic leukaemia"), "C91.1", _M),
    Diagnosis("nhl", _("non-Hodgkin lymphoma"), "C85.9", _M),
    Diagnosis("hl", _("Hodgkin lymphoma"), "C81.9", _M),
    Diagnosis("myeloma", _("multiple myeloma"), "C90.0", _M),
    Diagnosis("leukaemia_other", _("other leukaemia"), "C95.9", _M),
    Diagnosis("saa", _("severe aplastic anaemia"), "D61.9", _F),
    Diagnosis("fanconi", _("Fanconi anaemia"), "D61.0", _F),
    Diagnosis("marrow_failure_other", _("other inherited marrow failure"), "D61.0", _F),
    Diagnosis("thalassaemia", _("beta thalassaemia"), "D56.1", _H),
    Diagnosis("sickle_cell", _("sickle cell disease"), "D57.1", _H),
    Diagnosis("scid", _("severe combined immunodeficiency"), "D81.9", _I),
    Diagnosis("wiskott_aldrich", _("Wiskott-Aldrich syndrome"), "D82.0", _I),
    Diagnosis("cgd", _("chronic granulomatous disease"), "D71", _I),
    Diagnosis("immune_other", _("other immune deficiency"), "D84.9", _I),
    Diagnosis("hlh", _("haemophagocytic lymphohistiocytosis"), "D76.1", _I),
    Diagnosis("histiocytic_other", _("other histiocytic disorder"), "D76.3", _I),
    Diagnosis("mps1", _("Hurler syndrome (MPS I)"), "E76.0", _E),
    Diagnosis("mps2", _("Hunter syndrome (MPS II)"), "E76.1", _E),
    Diagnosis("mps6", _("Maroteaux-Lamy syndrome (MPS VI)"), "E76.2", _E),
    Diagnosis("mps7", _("Sly syndrome (MPS VII)"), "E76.2", _E),
    Diagnosis("ald", _("cerebral X-linked adrenoleukodystrophy"), "E71.3", _E),
    Diagnosis("krabbe", _("Krabbe disease"), "E75.2", _E),
    Diagnosis("mld", _("metachromatic leukodystrophy"), "E75.2", _E),
    Diagnosis("gaucher", _("Gaucher disease"), "E75.2", _E),
    Diagnosis("fucosidosis", _("fucosidosis"), "E77.1", _E),
    Diagnosis("mannosidosis", _("alpha-mannosidosis"), "E77.1", _E),
    Diagnosis("aspartylglucosaminuria", _("aspartylglucosaminuria"), "E77.1", _E),
    Diagnosis("mucolipidosis2", _("mucolipidosis II"), "E77.0", _E),
    Diagnosis("wolman", _("Wolman disease"), "E75.5", _E),
    Diagnosis("osteopetrosis", _("osteopetrosis"), "Q78.2", _E),
    Diagnosis("metabolic_other", _("other inherited metabolic disorder"), "E88.9", _E),
    Diagnosis("other", _("other (describe it)"), "", _O),
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
