"""Infusions and transplants in words: facts, doses, counts beside what was frozen, what happened, what one may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bank.choices import Analyte
from core.models import AuditEntry, User
from core.roles import Permission
from hospitals.choices import DIAGNOSIS, Stage
from hospitals.models import kg_text
from hospitals.querysets import open_in
from matching.choices import CLASS_SIZE, Direction, MatchClass
from transplants.choices_orders import GraftPoint, ReactionGrade
from transplants.graft_reports import COUNTED, unit_label
from transplants.models import FollowUp, Infusion, Order, Reservation, Transplant, TransplantUnit

REACTION_TONE = {
    ReactionGrade.NONE: "good",
    ReactionGrade.MILD: "warn",
    ReactionGrade.MODERATE: "bad",
    ReactionGrade.SEVERE: "bad",
    ReactionGrade.LIFE_THREATENING: "bad",
}


def figure(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def total(rows: Iterable[Infusion | TransplantUnit], name: str) -> float | None:
    """The dose of all units together; None where one of them is not known."""
    values = [getattr(row, name) for row in rows]
    return sum(values) if values and None not in values else None


def list_row(row: Transplant) -> dict[str, Any]:
    """row: with `with_units`."""
    infusions, units = list(row.infusions.all()), list(row.units.all())
    return {
        "row": row,
        "url": reverse("transplants:transplant-detail", args=[row.pk]),
        "units": [one.name for one in units],
        "tnc": figure(total(units, "tnc_e7_per_kg")),
        "cd34": figure(total(units, "cd34_e5_per_kg")),
        "reaction": reaction_tag(infusions),
    }


def worst(rows: Iterable[Infusion]) -> str:
    grades = ReactionGrade.values
    return max((row.reaction for row in rows), key=grades.index, default="")


def reaction_tag(rows: Iterable[Infusion]) -> dict[str, str]:
    grade = worst(rows)
    if not grade:
        return {}
    return {"text": str(ReactionGrade(grade).label), "tone": REACTION_TONE[ReactionGrade(grade)]}


def diagnosis_text(row: Transplant) -> str:
    entry = DIAGNOSIS.get(row.diagnosis)
    return " · ".join(filter(None, (str(entry.label) if entry else "", row.diagnosis_text)))


def facts(row: Transplant) -> list[dict[str, Any]]:
    stage = str(Stage(row.stage).label) if row.stage in Stage.values else row.stage
    return [
        {"label": _("Day 0"), "value": f"{row.infused_on}"},
        {"label": _("Which transplant of the patient"), "value": row.sequence},
        {"label": _("Graft"), "value": row.get_graft_type_display()},
        {"label": _("Hospital"), "value": f"{row.hospital.code} {row.hospital.display_name}"},
        {"label": _("Diagnosis"), "value": diagnosis_text(row)},
        {"label": _("Stage"), "value": stage},
        {"label": _("Weight"), "value": kg_text(row.weight_kg), "unit": "kg"},
        {"label": _("Conditioning"), "value": row.conditioning},
        {"label": _("Conditioning began on"), "value": row.conditioning_on},
        {"label": _("Intensity of conditioning"), "value": row.get_intensity_display()},
        {
            "label": _("Total body irradiation"),
            "value": kg_text(row.tbi_gy) if row.tbi_gy else "",
            "unit": "Gy",
        },
        {"label": _("Anti-thymocyte globulin"), "value": row.get_atg_display()},
        {"label": _("GVHD prophylaxis"), "value": row.get_prophylaxis_display()},
        {"label": _("Disease risk index"), "value": row.get_risk_index_display()},
        {"label": _("Symptoms before transplant"), "value": row.get_symptomatic_display()},
        {"label": _("Karnofsky or Lansky"), "value": row.karnofsky},
        {"label": _("Comorbidity index (HCT-CI)"), "value": row.hct_ci},
    ]


def dose_facts(rows: Sequence[Infusion | TransplantUnit]) -> list[dict[str, Any]]:
    """Of all units together, as frozen."""
    return [
        {"label": _("TNC per kg"), "value": figure(total(rows, "tnc_e7_per_kg")), "unit": "×10⁷/kg"},
        {"label": _("CD34 per kg"), "value": figure(total(rows, "cd34_e5_per_kg")), "unit": "×10⁵/kg"},
    ]


def unit_card(row: Infusion) -> dict[str, Any]:
    """One unit of a transplant. row: with unit, order and measurements."""
    return {
        "row": row,
        "facts": [
            {"label": _("TNC per kg"), "value": figure(row.tnc_e7_per_kg), "unit": "×10⁷/kg"},
            {"label": _("CD34 per kg"), "value": figure(row.cd34_e5_per_kg), "unit": "×10⁵/kg"},
            {"label": _("Match"), "value": match_text(row.match)},
            {"label": _("How it was thawed"), "value": row.get_thaw_method_display()},
            {"label": _("Thaw began at"), "value": _at(row.thawed_at)},
            {"label": _("Infusion"), "value": f"{_at(row.began_at)} – {_at(row.ended_at)}"},
            {"label": _("Volume infused"), "value": f"{row.volume_ml:f}", "unit": "mL", "note": _part(row)},
            {
                "label": _("Reaction"),
                "value": row.get_reaction_display(),
                "tone": REACTION_TONE[ReactionGrade(row.reaction)],
                "note": row.reaction_note,
            },
        ],
        "counts": count_rows(row),
    }


def _part(row: Infusion) -> str:
    return _("all of the unit") if row.all_given else _("not all of the unit")


def _at(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


def match_text(match: dict[str, Any]) -> str:
    """5–6/6 antigen · 7/8 allele · …, as the list said when the unit was given."""
    texts, classes = [], match.get("classes", {})
    for name in MatchClass.values:
        if name not in classes:
            continue
        low, high = classes[name]
        span = f"{high}" if low == high else f"{low}–{high}"
        kind = _("antigen") if name == MatchClass.ANTIGEN6 else _("allele")
        texts.append(f"{span}/{CLASS_SIZE[name]} {kind}")
    direction = match.get("direction", "")
    if texts and direction in Direction.values:
        texts.append(str(Direction(direction).label))
    return " · ".join(texts)


def count_rows(row: Infusion) -> list[dict[str, Any]]:
    """What was counted, beside what was frozen; only analytes of which there is a value after thaw."""
    found = {(one.point, one.analyte): one for one in row.measurements.all()}
    frozen = {Analyte.TNC: row.unit.tnc_e7, Analyte.CD34: row.unit.cd34_e6}
    shown = []
    for analyte in COUNTED:
        at = [found.get((point, analyte)) for point in GraftPoint]
        if not any(at):
            continue
        methods = dict.fromkeys(one.method for one in at if one and one.method)
        shown.append(
            {
                "label": analyte.label,
                "unit": unit_label(analyte),
                "frozen": _plain(frozen.get(analyte)),
                "at": [_plain(one.value if one else None) for one in at],
                "method": ", ".join(methods),
            }
        )
    return shown


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def still_kept(row: Transplant, user: User) -> list[dict[str, str]]:
    """What else is kept or ordered for the patient: it is let go of once he is inactive, or has to be seen to."""
    orders = Order.objects.visible_to(user).open().filter(patient=row.patient_id).with_names()
    kept = Reservation.objects.visible_to(user).open().filter(patient=row.patient_id).with_names()
    ordered = {one.unit_id for one in orders}
    return [
        *(
            {"number": one.number, "unit": one.unit.public_no, "state": one.get_state_display()}
            for one in orders
        ),
        *(
            {"number": one.number, "unit": one.unit.public_no, "state": one.get_state_display()}
            for one in kept
            if one.unit_id not in ordered
        ),
    ]


def may_deactivate(row: Transplant, user: User) -> bool:
    """Whether the page offers the next step."""
    patient = row.patient
    if patient is None or not patient.is_active:
        return False
    return open_in(user, Permission.PATIENT_EDIT, patient.hospital_id)


MOST_ENTRIES = 60
_NAMED = (Infusion._meta.label, FollowUp._meta.label)
WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "transplant.create": (lambda: _("Transplant recorded"), "good"),
    "transplant.join": (lambda: _("Another unit was given"), "good"),
    "transplant.sequence": (lambda: _("An earlier transplant was reported"), "warn"),
    "infusion.report": (lambda: _("Infusion reported"), "good"),
    "transplant.facts": (lambda: _("Disease and treatment changed"), ""),
    "counts.save": (lambda: _("Blood counts entered"), ""),
    "follow_up.save": (lambda: _("Draft of a form kept"), ""),
    "follow_up.hand_in": (lambda: _("Form of follow-up handed in"), "good"),
    "follow_up.correct": (lambda: _("Form of follow-up corrected"), "warn"),
}


def timeline(row: Transplant, infusions: list[Infusion]) -> list[dict[str, Any]]:
    """What happened, newest first, from the trails of the transplant and its units."""
    own = Q(target_type=row._meta.label, target_key=str(row.pk))
    units = Q(target_type=Infusion._meta.label, target_key__in=[str(one.pk) for one in infusions])
    keys = [str(key) for key in row.follow_ups.values_list("pk", flat=True)]
    forms = Q(target_type=FollowUp._meta.label, target_key__in=keys)
    entries = AuditEntry.objects.filter(own | units | forms).order_by("-at", "-pk")
    return [_entry(entry) for entry in entries[:MOST_ENTRIES]]


def _entry(entry: AuditEntry) -> dict[str, Any]:
    words, tone = WORDS.get(entry.action, (lambda: entry.action, ""))
    detail = entry.target_label if entry.target_type in _NAMED else ""
    return {"at": entry.at, "text": words(), "actor": entry.actor_label, "detail": detail, "tone": tone}


# --- before the infusion --------------------------------------------------------------------------


def order_facts(order: Order, arrived_at: Any) -> list[dict[str, Any]]:
    """What the unit is and for whom, above the form."""
    unit = order.unit
    return [
        {"label": pgettext("of a unit", "Order"), "value": order.number},
        {"label": _("Patient"), "value": order.patient.code},
        {"label": _("Unit number"), "value": unit.unit_no},
        {"label": _("Blood group"), "value": unit.blood_group},
        {"label": _("TNC before freezing"), "value": figure(unit.tnc_e7, 1), "unit": "×10⁷"},
        {"label": _("CD34 before freezing"), "value": figure(unit.cd34_e6), "unit": "×10⁶"},
        {"label": _("Arrived"), "value": _at(arrived_at) if arrived_at else ""},
        {"label": _("Planned infusion"), "value": f"{order.infusion_on}"},
    ]
