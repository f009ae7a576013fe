"""Follow-up in words: the course of a transplant, its forms, what is due, engraftment with its definition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from core.models import AuditEntry, User
from transplants.choices_outcomes import Cause, FormState
from transplants.forms_follow_up import SECTIONS, SITES, UNITS, FollowUpForm, initial_of
from transplants.lists_follow_up import form_to_fill
from transplants.models import FollowUp, Outcome, Transplant
from transplants.outcomes import gvhd
from transplants.outcomes.answers import is_to_complete, prefilled
from transplants.outcomes.engraftment import (
    ANC_E9_PER_L,
    PLATELETS_E9_PER_L,
    Count,
    neutrophil_day,
    platelet_day,
)
from transplants.outcomes.schedule import VISIT, State, Visit, states
from transplants.services_counts import counts_of
from transplants.services_follow_up import may_edit
from transplants.services_outcomes import followed_of
from transplants.visit_words import visit_title

STATE_WORDS: Final[Mapping[State, tuple[Any, str]]] = {
    State.DONE: (gettext_lazy("handed in"), "good"),
    State.PASSED: (gettext_lazy("told by a later form"), ""),
    State.ENDED: (gettext_lazy("not asked"), ""),
    State.LOST: (gettext_lazy("lost to follow-up"), "warn"),
    State.OVERDUE: (gettext_lazy("overdue"), "bad"),
    State.DUE: (gettext_lazy("due"), "warn"),
    State.TO_COME: (gettext_lazy("to come"), ""),
}
GRADES: Final = ("0", "I", "II", "III", "IV")
ORGANS: Final[Mapping[str, Any]] = {
    "skin": gettext_lazy("Skin"),
    "liver": pgettext_lazy("organ", "Liver"),
    "lower_gut": gettext_lazy("Lower gut"),
    "upper_gut": gettext_lazy("Upper gut"),
}


# --- the panel on the page of a transplant --------------------------------------------------------


def panel(row: Transplant, user: User, today: dt.date) -> dict[str, Any]:
    """The course so far and the timeline of forms. row: with its outcome."""
    outcome: Outcome | None = Outcome.objects.filter(pk=row.pk).first()
    forms = list(row.follow_ups.current().order_by("visit", "version"))
    counts = counts_of(row)
    may = may_edit(row, user)
    return {
        "row": row,
        "may_edit": may,
        "outcome": outcome_facts(outcome) if outcome else [],
        "visits": _visits(row, outcome, forms, may, today) if outcome else [],
        "engraftment": engraftment(counts),
        "counts": len(counts),
    }


def _visits(
    row: Transplant, outcome: Outcome, forms: Sequence[FollowUp], may: bool, today: dt.date
) -> list[dict[str, Any]]:
    """Forms that were touched, asked, or are the next to come; the far future is left out."""
    final = {form.visit: form for form in forms if form.state == FormState.FINAL}
    drafts = {form.visit: form for form in forms if form.state == FormState.DRAFT}
    values = {"days_followed": outcome.days_followed, "is_dead": outcome.is_dead, "is_lost": outcome.is_lost}
    later = Transplant.objects.filter(infused_on__gt=row.infused_on)
    of_list = Q(registry_code=row.registry_code, hospital=row.hospital_id)
    person = Q(patient=row.patient_id) if row.patient_id else of_list
    day_of_next = later.filter(person).order_by("infused_on").values_list("infused_on", flat=True).first()
    shown, to_come = [], 0
    for visit, state in states(followed_of(row, final.values(), values, day_of_next), today):
        touched = visit.code in final or visit.code in drafts
        to_come += state == State.TO_COME
        if not touched and (to_come > 1 or state in (State.ENDED, State.LOST)):
            continue
        shown.append(_visit(row, visit, state, final.get(visit.code), drafts.get(visit.code), may))
    listed = [form for form in final.values() if form.visit not in {one["code"] for one in shown}]
    return [_listed(form) for form in listed] + shown


def _listed(form: FollowUp) -> dict[str, Any]:
    return {
        "code": form.visit,
        "title": visit_title(form.visit),
        "form": form,
        "contact": contact_text(form),
        "tag": tag(State.DONE),
        "url": reverse("transplants:follow-up-detail", args=[form.pk]),
    }


def _visit(
    row: Transplant, visit: Visit, state: State, form: FollowUp | None, draft: FollowUp | None, may: bool
) -> dict[str, Any]:
    edit = reverse("transplants:follow-up-edit", args=[row.pk, visit.code])
    open_now = state in (State.DUE, State.OVERDUE, State.PASSED, State.LOST) or draft is not None
    return {
        "code": visit.code,
        "title": visit_title(visit.code),
        "opens_on": row.infused_on + dt.timedelta(days=visit.opens),
        "closes_on": row.infused_on + dt.timedelta(days=visit.closes),
        "form": form,
        "draft": draft,
        "contact": contact_text(form) if form else "",
        "to_complete": form is not None and is_to_complete(form),
        "tag": tag(state),
        "url": reverse("transplants:follow-up-detail", args=[form.pk]) if form else "",
        "edit_url": edit if may and form is None and (open_now or state == State.TO_COME) else "",
        "is_asked": state in (State.DUE, State.OVERDUE),
    }


def tag(state: State) -> dict[str, str]:
    words, tone = STATE_WORDS[state]
    return {"text": str(words), "tone": tone}


def contact_text(form: FollowUp) -> str:
    return f"{form.get_contact_display()} · {form.contact_on}" if form.contact_on else ""


def outcome_facts(outcome: Outcome) -> list[dict[str, Any]]:
    """What is known; not known and not happened are told apart."""
    if outcome.is_dead:
        now = _("died on day %(days)s") % {"days": _day(outcome.days_followed)}
    elif outcome.is_lost:
        now = _("lost to follow-up, last seen on day %(days)s") % {"days": _day(outcome.days_followed)}
    else:
        now = _("alive on day %(days)s") % {"days": _day(outcome.days_followed)}
    acute = outcome.days_to_acute_2
    return [
        {"label": _("The patient"), "value": now},
        *([{"label": _("Cause of death"), "value": outcome.get_cause_display()}] if outcome.is_dead else []),
        _event(_("Neutrophils recovered"), outcome.days_to_neutrophils, outcome.neutrophils_known),
        _event(_("Platelets recovered"), outcome.days_to_platelets, outcome.platelets_known),
        _event(_("Graft failure"), outcome.days_to_graft_failure, outcome.graft_failure_known),
        _event(_("Acute GVHD, grade II to IV"), acute, outcome.acute_known),
        _event(_("Chronic GVHD"), outcome.days_to_chronic, outcome.chronic_known),
        _event(_("Relapse or progression"), outcome.days_to_relapse, outcome.relapse_known),
    ]


def _event(label: str, days: float | None, known: bool) -> dict[str, Any]:
    if days is not None:
        return {"label": label, "value": _("day %(days)s") % {"days": _day(days)}}
    return {"label": label, "value": _("no") if known else ""}


def _day(days: float) -> str:
    return f"{days:.0f}"


def engraftment(counts: Sequence[Count]) -> list[dict[str, Any]]:
    """Both days with their definition; never below is said apart from not recovered."""
    if not counts:
        return []
    anc = [one.anc_e9_per_l for one in counts if one.anc_e9_per_l is not None]
    platelets = [one.platelets_e9_per_l for one in counts if one.platelets_e9_per_l is not None]
    given = any(one.transfused for one in counts)
    return [
        {
            "label": _("Neutrophils"),
            "value": _recovery(neutrophil_day(counts), bool(anc), bool(anc) and min(anc) >= ANC_E9_PER_L),
            "note": _(
                "first of three consecutive values of at least 0.5 × 10⁹/L on different days, after the nadir"
            ),
        },
        {
            "label": _("Platelets"),
            "value": _recovery(
                platelet_day(counts),
                bool(platelets),
                bool(platelets) and min(platelets) >= PLATELETS_E9_PER_L and not given,
            ),
            "note": _(
                "first of three consecutive values of at least 20 × 10⁹/L, seven days without a transfusion"
            ),
        },
    ]


def _recovery(day: dt.date | None, counted: bool, never_below: bool) -> str:
    if day is not None:
        return f"{day}"
    if not counted:
        return ""
    return _("never below: not applicable") if never_below else _("not yet")


# --- one form -------------------------------------------------------------------------------------


def begun(row: Transplant, visit: Visit) -> dict[str, Any]:
    """What a new form begins with: the forms before it, and what counts show."""
    final = row.follow_ups.filter(state=FormState.FINAL)
    limit = row.infused_on + dt.timedelta(days=visit.opens)
    earlier = [form for form in final if form.contact_on is not None and form.contact_on < limit]
    counts = counts_of(row)
    return prefilled(earlier, {"neutrophils": neutrophil_day(counts), "platelets": platelet_day(counts)})


def window_text(row: Transplant, visit: str) -> str:
    """When the contact of a form is to be."""
    if visit not in VISIT:
        return ""
    opens, closes = (
        row.infused_on + dt.timedelta(days=days) for days in (VISIT[visit].opens, VISIT[visit].closes)
    )
    return _("Contact from %(opens)s to %(closes)s (day %(first)d to %(last)d)") % {
        "opens": opens,
        "closes": closes,
        "first": VISIT[visit].opens,
        "last": VISIT[visit].closes,
    }


def form_sections(form: FollowUp) -> list[dict[str, Any]]:
    """What a form says, by the sections of its page; questions without an answer are left out but counted."""
    labels = FollowUpForm()
    shown = []
    for key, title, _help, names in SECTIONS:
        facts = [
            {"label": labels[name].label, "value": text, "unit": UNITS.get(name, "")}
            for name in names
            if (text := _answer(form, name)) not in ("", None)
        ]
        facts += _derived(form, key)
        if facts:
            shown.append({"title": title, "facts": facts})
    return shown


def _answer(form: FollowUp, name: str) -> Any:
    if name == "contributing":
        return ", ".join(str(Cause(one).label) for one in form.contributing)
    if name in SITES or name == "fev1_percent":
        return form.chronic_sites.get(name, "")
    if name in form.acute_organs:
        return _finding(name, form.acute_organs[name])
    if not hasattr(form, name):
        return ""
    display = getattr(form, f"get_{name}_display", None)
    value = display() if display else getattr(form, name)
    return value.isoformat() if isinstance(value, dt.date) else value


def _finding(name: str, value: str) -> str:
    words = {"yes": _("yes"), "no": _("no"), "mg_per_dl": "mg/dL", "umol_per_l": "µmol/L"}
    return words.get(value, value)


def _derived(form: FollowUp, section: str) -> list[dict[str, Any]]:
    """Grade with the stages behind it, severity."""
    if section == "acute" and form.acute == "yes":
        row = form.transplant
        child_kg = gvhd.child_weight(row.age_years, row.weight_kg)
        stages = gvhd.acute_stages(form.acute_organs, child_kg)
        text = " · ".join(
            f"{ORGANS[organ]} {'?' if stage is None else stage}" for organ, stage in stages.items()
        )
        return [
            {"label": _("Stages"), "value": text if form.acute_organs else ""},
            {"label": _("Grade"), "value": grade_text(form.acute_grade)},
        ]
    if section == "chronic" and form.chronic == "yes":
        severity = form.get_chronic_severity_display() or _("not known: findings are missing")
        return [{"label": _("Severity"), "value": severity}]
    return []


def grade_text(grade: int | None) -> str:
    return _("not known: findings are missing") if grade is None else GRADES[grade]


def versions(form: FollowUp) -> list[dict[str, Any]]:
    """All versions of a form, newest first, each with who handed it in and why it was corrected."""
    rows = FollowUp.objects.filter(transplant=form.transplant_id, visit=form.visit).exclude(
        state=FormState.DRAFT
    )
    return [
        {
            "row": one,
            "is_shown": one.pk == form.pk,
            "url": reverse("transplants:follow-up-detail", args=[one.pk]),
            "by": one.handed_in_by.full_name if one.handed_in_by else _("taken over"),
        }
        for one in rows.select_related("handed_in_by").order_by("-version")
    ]


def corrections(form: FollowUp) -> list[dict[str, Any]]:
    """What the correction that made this version changed."""
    entry = AuditEntry.objects.filter(
        action="follow_up.correct", target_type=form._meta.label, target_key=str(form.pk)
    ).first()
    if entry is None:
        return []
    labels, before, after = FollowUpForm(), initial_of(entry.before), initial_of(entry.after)
    names = [name for name in labels.fields if before.get(name) != after.get(name)]
    return [
        {
            "label": labels[name].label,
            "before": _changed_text(labels, name, before.get(name)),
            "after": _changed_text(labels, name, after.get(name)),
        }
        for name in names
    ]


def _changed_text(labels: FollowUpForm, name: str, value: Any) -> str:
    """An answer as its form says it."""
    words = {str(code): str(text) for code, text in getattr(labels.fields[name], "choices", ())}
    many = value if isinstance(value, list) else ["" if value is None else value]
    return ", ".join(words.get(str(one), str(one)) if one != "" else "" for one in many)


# --- lists ----------------------------------------------------------------------------------------


def list_row(row: Outcome, user: User, today: dt.date) -> dict[str, Any]:
    """row: with names, has_draft."""
    code, missing = form_to_fill(row, today)
    late = (today - row.due_until).days if row.due_until else 0
    to_come = row.due_from is not None and row.due_from > today
    state = State.OVERDUE if late > 0 else State.TO_COME if to_come else State.DUE
    found = tag(state)
    if late > 0:
        found["text"] = ngettext("overdue for %(n)d day", "overdue for %(n)d days", late) % {"n": late}
    more = ngettext("%(n)d form is missing", "%(n)d forms are missing", missing) % {"n": missing}
    edit = reverse("transplants:follow-up-edit", args=[row.transplant_id, code])
    return {
        "row": row,
        "title": visit_title(code),
        "more": more if missing > 1 else "",
        "tag": found,
        "draft": getattr(row, "has_draft", False),
        "url": reverse("transplants:transplant-detail", args=[row.transplant_id]),
        "edit_url": edit if may_edit(row.transplant, user) else "",
        "died": row.is_dead,
    }
