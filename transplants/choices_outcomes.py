"""Words and codes of outcomes: what a transplant was given for and how, and what became of the patient.

Sources: CIBMTR forms 2006, 2100, 2400, 2450 and 2900; MAGIC (10.1016/j.bbmt.2015.09.001); NIH 2014 (domain notes,
workflow 4). Missing is not "no": an answer that nobody gave is the empty text.
"""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Source(TextChoices):
    """Where the row of a transplant comes from."""

    SHIPMENT = "shipment", _("Reported with the infusion of a unit of this bank")
    IMPORT = "import", _("Taken over from a list of earlier transplants")
    SYNTHETIC = "synthetic", _("Synthetic: made up for demonstration")


class YesNo(TextChoices):
    YES = "yes", _("yes")
    NO = "no", _("no")
    UNKNOWN = "unknown", _("not known")


class Recovery(TextChoices):
    """Of neutrophils and platelets. Never below the limit is no missing value (CIBMTR q12-14)."""

    YES = "yes", _("yes")
    NO = "no", _("no")
    NEVER_BELOW = "never_below", _("was never below")
    UNKNOWN = "unknown", _("not known")


class Intensity(TextChoices):
    """Of the conditioning."""

    MAC = "mac", _("Myeloablative")
    RIC = "ric", _("Reduced intensity")
    NMA = "nma", _("Non-myeloablative")


class Prophylaxis(TextChoices):
    """Against graft-versus-host disease; the first that fits."""

    CNI_MMF = "cni_mmf", _("Calcineurin inhibitor and mycophenolate")
    CNI_MTX = "cni_mtx", _("Calcineurin inhibitor and methotrexate")
    CNI_STEROID = "cni_steroid", _("Calcineurin inhibitor and steroids")
    CNI = "cni", _("Calcineurin inhibitor alone")
    PTCY = "ptcy", _("Cyclophosphamide after transplant")
    OTHER = "other", pgettext_lazy("prophylaxis", "Other")


class RiskIndex(TextChoices):
    """Refined Disease Risk Index (10.1182/blood-2014-01-552984), as the hospital gives it."""

    LOW = "low", pgettext_lazy("risk", "Low")
    INTERMEDIATE = "intermediate", pgettext_lazy("risk", "Intermediate")
    HIGH = "high", pgettext_lazy("risk", "High")
    VERY_HIGH = "very_high", pgettext_lazy("risk", "Very high")


class FormState(TextChoices):
    DRAFT = "draft", _("Draft")
    FINAL = "final", _("Handed in")
    CORRECTED = "corrected", _("Replaced by a correction")


class Contact(TextChoices):
    """How the patient was on the day of contact. Lost can be undone when more is learnt (CIBMTR 2900)."""

    ALIVE = "alive", _("Alive")
    DEAD = "dead", _("Dead")
    LOST = "lost", _("Lost to follow-up")


class GraftFailure(TextChoices):
    NO = "no", _("no")
    PRIMARY = "primary", _("Primary: never engrafted")
    SECONDARY = "secondary", _("Secondary: lost after engraftment")
    UNKNOWN = "unknown", _("not known")


class CauseGroup(TextChoices):
    """For figures: relapse counts apart from all that is not relapse."""

    RELAPSE = "relapse", _("Relapse or progression")
    GVHD = "gvhd", _("Graft-versus-host disease")
    GRAFT = "graft", _("Graft failure")
    INFECTION = "infection", _("Infection")
    ORGAN = "organ", _("Organ failure or toxicity")
    MALIGNANCY = "malignancy", _("Second malignancy")
    OTHER = "other", pgettext_lazy("cause", "Other")


class Cause(TextChoices):
    """Cause of death: exactly one primary, any number of contributing ones (CIBMTR 2900)."""

    RELAPSE = "relapse", _("Relapse, persistence or progression of the disease")
    ACUTE_GVHD = "acute_gvhd", _("Acute graft-versus-host disease")
    CHRONIC_GVHD = "chronic_gvhd", _("Chronic graft-versus-host disease")
    GRAFT_FAILURE = "graft_failure", _("Graft rejection or failure")
    CYTOKINES = "cytokines", _("Cytokine release syndrome")
    BACTERIAL = "bacterial", _("Bacterial infection")
    VIRAL = "viral", _("Viral infection")
    FUNGAL = "fungal", _("Fungal infection")
    PROTOZOAL = "protozoal", _("Protozoal infection")
    INFECTION = "infection", _("Infection, organism not known")
    PNEUMONITIS = "pneumonitis", _("Idiopathic pneumonia")
    ARDS = "ards", _("Acute respiratory distress syndrome")
    VOD = "vod", _("Liver failure by veno-occlusive disease")
    LIVER = "liver", _("Other liver failure")
    CARDIAC = "cardiac", _("Heart failure")
    RENAL = "renal", _("Kidney failure")
    CNS = "cns", _("Failure of the central nervous system")
    GUT = "gut", _("Gastrointestinal failure")
    MULTI_ORGAN = "multi_organ", _("Multi-organ failure")
    MALIGNANCY = "malignancy", _("Second malignancy")
    HAEMORRHAGE = "haemorrhage", _("Haemorrhage")
    VASCULAR = "vascular", _("Vascular event")
    ACCIDENT = "accident", _("Accident or suicide")
    OTHER = "other", pgettext_lazy("cause", "Other")
    UNKNOWN = "unknown", _("not known")


GROUP_OF_CAUSE: Final[dict[str, CauseGroup]] = {
    Cause.RELAPSE: CauseGroup.RELAPSE,
    Cause.ACUTE_GVHD: CauseGroup.GVHD,
    Cause.CHRONIC_GVHD: CauseGroup.GVHD,
    Cause.GRAFT_FAILURE: CauseGroup.GRAFT,
    Cause.BACTERIAL: CauseGroup.INFECTION,
    Cause.VIRAL: CauseGroup.INFECTION,
    Cause.FUNGAL: CauseGroup.INFECTION,
    Cause.PROTOZOAL: CauseGroup.INFECTION,
    Cause.INFECTION: CauseGroup.INFECTION,
    **dict.fromkeys(
        (
            Cause.CYTOKINES,
            Cause.PNEUMONITIS,
            Cause.ARDS,
            Cause.VOD,
            Cause.LIVER,
            Cause.CARDIAC,
            Cause.RENAL,
            Cause.CNS,
            Cause.GUT,
            Cause.MULTI_ORGAN,
            Cause.HAEMORRHAGE,
            Cause.VASCULAR,
        ),
        CauseGroup.ORGAN,
    ),
    Cause.MALIGNANCY: CauseGroup.MALIGNANCY,
    Cause.ACCIDENT: CauseGroup.OTHER,
    Cause.OTHER: CauseGroup.OTHER,
    Cause.UNKNOWN: CauseGroup.OTHER,
}


class Autopsy(TextChoices):
    """Pending keeps the form open (CIBMTR 2900)."""

    YES = "yes", _("yes")
    NO = "no", _("no")
    PENDING = "pending", _("pending")


class Severity(TextChoices):
    """Chronic graft-versus-host disease, NIH 2014; derived from the scores of the organs."""

    MILD = "mild", pgettext_lazy("chronic", "Mild")
    MODERATE = "moderate", pgettext_lazy("chronic", "Moderate")
    SEVERE = "severe", pgettext_lazy("chronic", "Severe")


class CountSource(TextChoices):
    TYPED = "typed", _("Typed in")
    FILE = "file", _("From a file")


# The eight sites of chronic graft-versus-host disease that NIH 2014 scores 0 to 3.
CHRONIC_SITES: Final = ("skin", "mouth", "eyes", "gut", "liver", "lung", "joints", "genital")
# Bounds against slips of the pen.
MOST_AGE_YEARS: Final = 100
MOST_ANC_E9_PER_L: Final = 200
MOST_PLATELETS_E9_PER_L: Final = 3000
MOST_TBI_GY: Final = 20
MOST_HCT_CI: Final = 29
FIRST_TRANSPLANT_YEAR: Final = 1988  # the first cord blood transplant, Paris
