"""Words of matching: directions and the reasons of the kernel's evidence, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# Short words for the list; hla.matching.UnitDirection.
UNIT_DIRECTION: Mapping[str, StrPromise | str] = {
    "matched": "–",
    "gvh-only": _("GvH only"),
    "hvg-only": _("HvG only"),
    "bidirectional": pgettext_lazy("direction", "both"),
    "unknown": _("cannot tell"),
}
# Of one locus; hla.matching.Direction.
LOCUS_DIRECTION: Mapping[str, StrPromise | str] = {
    "none": "",
    "gvh": _("GvH only"),
    "hvg": _("HvG only"),
    "bidirectional": pgettext_lazy("direction", "both"),
    "unknown": _("cannot tell"),
}
# Who can see the difference, as the end of a sentence about a mismatch.
WHO_SEES: Mapping[str, StrPromise | str] = {
    "none": "",
    "gvh": _("Only the graft can see it (GvH)."),
    "hvg": _("Only the patient can see it (HvG)."),
    "bidirectional": _("Both sides can see it."),
    "unknown": _("Which side can see it depends on the open typing."),
}

# Same codes and parameters as matching.engine.evidence.REASONS, held together by a test.
REASONS: Mapping[str, StrPromise] = {
    "same_p_group": _("Both are {p_groups}."),
    "shared_p_groups": _("Both may be {p_groups} ({count} in common)."),
    "untyped": _("Not typed on at least one side: any type is possible."),
    "one_type": _("There is only one expressed type, and it cannot match both."),
    "nothing_expressed": _("Nothing is expressed here on one side."),
    "antigen_equal": _("Different alleles of the antigen {patient_antigen}."),
    "antigen_broad": _("{patient_antigen} is the broad antigen of {unit_antigen}."),
    "antigen_split": _("{patient_antigen} is a split of {unit_antigen}."),
    "antigen_associated": _("{patient_antigen} and {unit_antigen} are associated antigens."),
    "antigen_siblings": _("{patient_antigen} and {unit_antigen} are associated with one antigen."),
    "antigen_same_broad": _(
        "{patient_antigen} and {unit_antigen} are splits of one broad antigen, "
        "which this bank counts as a match."
    ),
    "antigen_whichever": _(
        "Different alleles; {patient_antigens} and {unit_antigens} match whichever they are."
    ),
    "antigen_possible": _("May match at antigen level: possible are {patient_antigens} and {unit_antigens}."),
    "mismatch_same_broad": _(
        "{patient_antigen} and {unit_antigen} are different splits of one broad antigen."
    ),
    "mismatch_different": _("{patient_antigen} and {unit_antigen} are different antigens."),
    "mismatch_whichever": _("{patient_antigens} and {unit_antigens} differ whichever they are."),
    "mismatch_allele": _("No P group in common."),
    "other_orientation": _(
        "Compared the other way round, {count} of 2 positions may match at antigen level."
    ),
    "one_genotype": _("Compared as {patient} with {unit}: the best of {count} combinations of genotypes."),
    "serology_equal": _("Both have the antigen {patient_antigen}."),
    "null_counts_as": _("{text} is a null allele and counts as the value beside it."),
    "null_possible": _("{text} could also be a null allele ({names})."),
    "unreadable": _("The nomenclature in use cannot read {text}: any type is possible."),
    "questionable": _("The expression of {text} is questionable (Q)."),
}

# Grade and confidence of a position (hla.grades), as "P group · possible".
GRADE: Mapping[str, StrPromise | str] = {
    "gDNA": _("same to the fourth field (gDNA)"),
    "cDNA": _("same to the third field (cDNA)"),
    "protein": _("same protein (two fields)"),
    "G": pgettext_lazy("grade", "G group"),
    "P": pgettext_lazy("grade", "P group"),
    "associated": _("associated antigen"),
    "split": _("split antigen"),
    "broad": _("broad antigen"),
    "expressed-versus-null": _("expressed versus null"),
    "mismatch": _("mismatch"),
}
CONFIDENCE: Mapping[str, StrPromise | str] = {
    "definite": pgettext_lazy("confidence", "certain, complete names"),
    "exact": pgettext_lazy("confidence", "certain"),
    "potential": pgettext_lazy("confidence", "possible"),
    "mismatch": _("allele mismatch"),
}


def grade_text(position: Mapping[str, Any]) -> str:
    """Grade and confidence of a position, "" for one that an older engine stored without."""
    grade, confidence = position.get("grade"), position.get("confidence")
    if not grade or not confidence:
        return ""
    if grade == confidence == "mismatch":
        return str(GRADE[grade])
    return f"{GRADE.get(grade, grade)} · {CONFIDENCE.get(confidence, confidence)}"


def reason_text(reason: Mapping[str, Any]) -> str:
    """A stored reason {code, params} as a sentence; an unknown code (a newer engine's) as it is."""
    template = REASONS.get(reason["code"])
    return str(template).format(**reason["params"]) if template else str(reason["code"])


def span(low: int, high: int) -> str:
    """2, or 1–2."""
    return str(low) if low == high else f"{low}–{high}"


def mark(position: Mapping[str, Any]) -> str:
    """The mark of a position: a match of antigens that only some resolutions give is marked as possible only."""
    if position["why"]["code"] == "antigen_possible":
        return "antigen-possible"
    return str(position["verdict"])
