"""What the pages show of a patient's antibodies."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import reference
from hla.antibodies import Specificity
from hla.carriers import carries
from hla.typing import Typing, read_gl
from hospitals import choices
from hospitals.antibodies import Bead, antibodies_of
from hospitals.choices import SerumClasses
from hospitals.models import AntibodySerum, Patient

# The class that is missing where one was tested.
UNTESTED: dict[str, Any] = {
    SerumClasses.CLASS_I: SerumClasses.CLASS_II.label,
    SerumClasses.CLASS_II: SerumClasses.CLASS_I.label,
}
STRONGEST = 10  # specificities that the page of a patient shows before it is asked for all


@dataclass(frozen=True)
class Locus:
    """The beads of one locus, the strongest first; a molecule of two chains stands by itself."""

    name: str
    beads: Sequence[Bead]


def antibody_context(patient: Patient) -> dict[str, Any]:
    known = antibodies_of(patient)
    strongest = sorted(known.beads, key=strength, reverse=True)[:STRONGEST]
    return {
        "antibodies": known,
        "untested_class": UNTESTED.get(known.classes, ""),
        "antibody_tag": tag(known.known_since),
        "strongest_antibodies": by_locus(strongest),
        "all_antibodies": by_locus(known.beads) if len(known.beads) > STRONGEST else [],
        "sera": patient.sera.select_related("entered_by").with_bead_count(),
    }


def strength(bead: Bead) -> int:
    """By the highest MFI ever; positive without a number counts as strong, since nothing says that it is weak."""
    if bead.unquantified_peak:
        return choices.MAX_MFI + 1
    return -1 if bead.mfi_peak is None else bead.mfi_peak


def by_locus(beads: Iterable[Bead]) -> list[Locus]:
    """Beads by locus, in the order of loci, each with its strongest first."""
    ordered = sorted(beads, key=lambda bead: (bead.specificity.sort_key[0], bead.specificity.loci))
    return [
        Locus(locus_name(loci), sorted(found, key=strength, reverse=True))
        for loci, found in groupby(ordered, key=lambda bead: bead.specificity.loci)
    ]


def locus_name(loci: Sequence[str]) -> str:
    return "HLA-" + " + ".join(loci)


def tag(known_since: datetime.date | None) -> dict[str, str]:
    """Whether there is anything to go by: never tested, an old serum, or nothing to say."""
    if known_since is None:
        return {"text": _("not tested"), "tone": "warn"}
    days = (timezone.localdate() - known_since).days
    if days <= choices.SERUM_OLD_DAYS:
        return {}
    text = ngettext("last serum %(n)d day old", "last serum %(n)d days old", days) % {"n": days}
    return {"text": text, "tone": "warn"}


def serum_facts(serum: AntibodySerum, *, read: bool = False) -> list[dict[str, Any]]:
    """read: nobody said which classes were tested, and they are those of what was found."""
    return [
        {"label": _("Sampled on"), "value": serum.sampled_on.isoformat()},
        {"label": _("Tested on"), "value": serum.tested_on.isoformat() if serum.tested_on else ""},
        {"label": _("Method"), "value": serum.get_method_display()},
        {
            "label": _("HLA classes tested"),
            "value": serum.get_classes_display(),
            "note": _("read from the specificities") if read else "",
        },
        {"label": _("Laboratory"), "value": serum.laboratory},
        {"label": _("Note"), "value": serum.note},
    ]


def own_antigens(patient: Patient, found: Iterable[tuple[Specificity, int | None, str]]) -> list[str]:
    """Specificities of some strength that the patient's own typing certainly has: whose serum is it?"""
    row = patient.current_typing
    resolver = reference.resolver()
    typing = read_gl(row.canonical_gl, resolver).typing if row else Typing({})
    return [
        specificity.text
        for specificity, mfi, call in found
        if (call == choices.BeadCall.POSITIVE or (mfi is not None and mfi >= choices.OWN_ANTIGEN_MFI))
        and carries(specificity, typing, resolver).answer == "yes"
    ]
