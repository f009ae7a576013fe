"""What the page of a patient shows, gathered from the patient's own rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.hla_messages import Remark, stored_remarks
from core.models import AuditEntry, User
from core.populations import shown_populations
from core.roles import Permission
from hla.loci import LOCI
from hospitals.antibody_page import antibody_context
from hospitals.choices import Urgency
from hospitals.confirmation import typing_confirmation
from hospitals.doses import doses_needed
from hospitals.duplicates import duplicates_of
from hospitals.models import Patient, PatientHlaTyping
from hospitals.querysets import open_in

TIMELINE_LENGTH = 30
_SHOWN_ALWAYS = ("A", "B", "C", "DRB1", "DQB1")

ACTIONS = {
    "patient.created": gettext_lazy("Patient entered"),
    "patient.updated": gettext_lazy("Data changed"),
    "patient.weight_recorded": gettext_lazy("Weight recorded"),
    "patient.typing_recorded": gettext_lazy("HLA typing recorded"),
    "patient.typing_second": gettext_lazy("Typing of a second sample recorded"),
    "patient.typing_settled": gettext_lazy("Discrepancy of typings settled"),
    "patient.serum_recorded": gettext_lazy("Serum tested for antibodies recorded"),
    "patient.serum_withdrawn": gettext_lazy("Serum withdrawn"),
    "patient.deactivated": gettext_lazy("Made inactive"),
    "patient.died": gettext_lazy("Died, by a form of follow-up"),
    "patient.death_withdrawn": gettext_lazy("The death was reported by mistake"),
    "patient.merged": gettext_lazy("Merged into another record"),
    "patient.merge_kept": gettext_lazy("Another record was merged into this one"),
    "patient.unmerged": gettext_lazy("Merge undone"),
    "patient.unmerge_kept": gettext_lazy("Merge of another record undone"),
    "patient.enzyme_recorded": gettext_lazy("Enzyme level recorded"),
    "patient.reactivated": gettext_lazy("Reactivated"),
    "patient.identity_viewed": gettext_lazy("Identity looked at"),
    "patient.identity_updated": gettext_lazy("Identity changed"),
}


@dataclass(frozen=True)
class TypedLocus:
    """One locus for _components/typed.html."""

    locus: str
    first: str = ""
    second: str = ""


def patient_context(patient: Patient, user: User) -> dict[str, Any]:
    typing = patient.current_typing
    typings = list(patient.typings.select_related("entered_by", "set_aside_by"))
    return {
        "patient": patient,
        "may_edit_patient": open_in(user, Permission.PATIENT_EDIT, patient.hospital_id),
        "may_identify": open_in(user, Permission.PATIENT_IDENTITY, patient.hospital_id),
        "summary": summary(patient),
        "facts": facts(patient),
        "typing": typing,
        "typed_loci": typed_loci(typing),
        "typing_remarks": typing_remarks(typing),
        "typing_conflicts": conflict_texts(typing),
        "typing_history": typings[:10],
        "confirmation": typing_confirmation(patient, typings[::-1]),
        "alike": duplicates_of(patient),
        "merges": patient.merges.in_force().with_names(),
        "enzyme_levels": patient.enzyme_levels.select_related("recorded_by")[:10]
        if patient.is_metabolic
        else None,
        "weights": patient.weights.select_related("recorded_by")[:10],
        "doses": doses_needed(patient, user),
        **antibody_context(patient),
        "timeline": timeline(patient),
        "requests_url": matching_url("matching:request-list", patient, user, Permission.REQUEST_VIEW),
        "prognosis_url": prognosis_url(patient, user),
        "shortlist_url": reverse("matching:shortlist", args=[patient.pk])
        if open_in(user, Permission.REQUEST_VIEW, patient.hospital_id)
        else "",
        "request_url": matching_url("matching:request-create", patient, user, Permission.REQUEST_SUBMIT),
    }


def summary(patient: Patient) -> str:
    """Sex, age, weight in a line: what a physician says first."""
    parts = [patient.get_sex_display(), age_text(patient)]
    if patient.weight_kg is not None:
        parts.append(f"{patient.kg_text} kg")
    return ", ".join(parts)


def age_text(patient: Patient) -> str:
    days = (timezone.localdate() - patient.birth_date).days
    if days < 0:
        return _("unborn, expected %(date)s") % {"date": patient.birth_date.isoformat()}
    if days < 60:
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if days < 730:
        months = int(days / 30.4375)
        return ngettext("%(n)d month", "%(n)d months", months) % {"n": months}
    years = int(days / 365.25)
    return ngettext("%(n)d year", "%(n)d years", years) % {"n": years}


def facts(patient: Patient) -> list[dict[str, Any]]:
    urgent = patient.urgency == Urgency.URGENT
    return [
        {"label": _("Hospital"), "value": patient.hospital.display_name, "note": patient.hospital.code},
        {"label": _("Date of birth"), "value": patient.birth_date.isoformat()},
        {"label": _("Diagnosis"), "value": diagnosis_text(patient), "note": patient.icd10},
        {
            "label": _("Symptoms") if patient.is_metabolic else _("Stage"),
            "value": patient.get_stage_display(),
        },
        {"label": _("Urgency"), "value": patient.get_urgency_display(), "tone": "warn" if urgent else ""},
        {"label": _("Blood group"), "value": blood_group(patient)},
        {"label": _("CMV antibodies"), "value": patient.get_cmv_display()},
        {"label": _("Population"), "value": shown_populations(patient.populations)},
    ]


def blood_group(patient: Patient) -> str:
    return f"{patient.abo} {patient.get_rh_display()}".strip()


def diagnosis_text(patient: Patient) -> str:
    named = str(patient.get_diagnosis_display()) if patient.diagnosis not in ("", "other") else ""
    return " · ".join(text for text in (named, patient.diagnosis_text) if text)


def typed_loci(typing: PatientHlaTyping | None) -> list[TypedLocus]:
    """The loci that every search looks at, typed or not, and whatever else was typed."""
    stored = typing.canonical if typing else {}
    shown = [locus for locus in LOCI if locus in stored or locus in _SHOWN_ALWAYS]
    return [TypedLocus(locus, *stored.get(locus, ())) for locus in shown]


def typing_remarks(typing: PatientHlaTyping | None) -> list[Remark]:
    """What the parser remarked, the gravest first; conflicts stand at the head of the page."""
    found = stored_remarks(typing.notes if typing else [])
    return [remark for remark in found if not remark.is_conflict]


def conflict_texts(typing: PatientHlaTyping | None) -> list[str]:
    """A sentence for each locus whose serology contradicts the DNA typing."""
    found = stored_remarks(typing.notes if typing else [])
    return [remark.text for remark in found if remark.is_conflict]


def timeline(patient: Patient) -> list[dict[str, Any]]:
    entries = AuditEntry.objects.filter(target_type=Patient._meta.label, target_key=str(patient.pk))
    return [
        {
            "at": timezone.localtime(entry.at),
            "actor": entry.actor_label,
            "text": ACTIONS.get(entry.action, entry.action),
            "detail": entry.reason,
            "tone": "warn" if entry.action == "patient.identity_viewed" else "",
        }
        for entry in entries.order_by("-at")[:TIMELINE_LENGTH]
    ]


def matching_url(name: str, patient: Patient, user: User, permission: Permission) -> str:
    """A page of `matching` by its name, which this app may not import."""
    return f"{reverse(name)}?patient={patient.pk}" if open_in(user, permission, patient.hospital_id) else ""


def prognosis_url(patient: Patient, user: User) -> str:
    """What the inventory holds for the patient; "" where nobody could say or may know."""
    may = patient.current_typing is not None and open_in(user, Permission.REQUEST_VIEW, patient.hospital_id)
    return reverse("matching:prognosis", args=[patient.pk]) if may else ""
