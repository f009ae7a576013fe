"""Forms of follow-up: draft, hand in, correct with history. Lost and found again are forms like any other.

Each is one transaction: locks (patient, transplant), guards, change, the patient's record where he died, the outcome
derived anew, audit entry. Only the hospital writes; the bank reads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.choices import InactiveReason
from hospitals.models import Patient
from hospitals.querysets import open_in
from hospitals.services_deaths import patient_death_record, patient_death_withdraw
from transplants.choices_outcomes import Cause, Contact, FormState
from transplants.findings import checked_findings
from transplants.models import FollowUp, Transplant
from transplants.outcomes.answers import ANSWERS, Known, Other, Problem, derived_of, problems
from transplants.outcomes.engraftment import neutrophil_day
from transplants.outcomes.gvhd import child_weight
from transplants.outcomes.schedule import VISIT, Visit, visit_of
from transplants.services_counts import counts_of
from transplants.services_outcomes import outcomes_refresh
from transplants.visit_words import visit_title
from transplants.writing import given_reason, locked_patient

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """A transplant under its lock, with the patient's row where there is one."""

    row: Transplant
    patient: Patient | None


@transaction.atomic
def follow_up_save(*, transplant_id: UUID, visit: str, answers: Answers, seen: str, user: User) -> FollowUp:
    """Keeps a draft; nothing counts of it before it is handed in.

    seen: `stamp` of the draft that the person had before the eyes, "" where there was none. Raises NotAllowed,
    InvalidInput beside the field, Conflict `follow_up_stale`, `follow_up_handed_in`.
    """
    held = locked_transplant(transplant_id)
    _guard_hospital(held.row, user)
    row, values = _draft(held.row, _visit(visit), user), _values(answers)
    if known := _sent_before(row, values, seen, user):
        return known
    _guard_open(held.row, visit)
    _guard_seen(row, seen)
    _fill(row, values, user)
    _guard([one for one in problems(values, known_of(held, VISIT[visit])) if one.code in _EVEN_OF_DRAFTS])
    _write(row)
    _record(row, "follow_up.save", user)
    return row


@transaction.atomic
def follow_up_hand_in(
    *, transplant_id: UUID, visit: str, answers: Answers, seen: str, user: User
) -> FollowUp:
    """From now on the form counts. Everything that speaks against it is named at once (`details`).

    A form that says dead closes the record of the patient. Raises as `follow_up_save`, and InvalidInput
    `follow_up_not_in_order`.
    """
    held = locked_transplant(transplant_id)
    _guard_hospital(held.row, user)
    values = _values(answers)
    if known := _handed_in_before(held.row, visit, values, user):
        return known
    row = _draft(held.row, _visit(visit), user)
    _guard_open(held.row, visit)
    _guard_seen(row, seen)
    _finish(row, values, held, known_of(held, row_visit(row)), user)
    _write(row)
    _follow(row, held, None, user)
    _record(row, "follow_up.hand_in", user)
    return row


@transaction.atomic
def follow_up_correct(
    *, follow_up_id: UUID, answers: Answers, reason: str, seen: str, user: User
) -> FollowUp:
    """A new version of what was handed in; the old one stays as it was, marked as corrected.

    The result of an autopsy that was pending comes in so, too. Raises as `follow_up_hand_in`; Conflict
    `follow_up_replaced` where somebody corrected it meanwhile, `follow_up_unchanged`.
    """
    where = FollowUp.objects.values_list("transplant", flat=True).get(pk=follow_up_id)
    held = locked_transplant(where)
    _guard_hospital(held.row, user)
    old: FollowUp = FollowUp.objects.get(pk=follow_up_id)
    values, why = _values(answers), given_reason(reason)
    _guard_current(old, seen)
    before, after = audit.changes({name: getattr(old, name) for name in ANSWERS}, values)
    if not after:
        raise Conflict("follow_up_unchanged", _("Nothing is different from what was handed in."))
    row = FollowUp(transplant=held.row, visit=old.visit, version=old.version + 1, correction_reason=why)
    _finish(row, values, held, known_of(held, row_visit(old), replaced=old), user)
    FollowUp.objects.filter(pk=old.pk).update(state=FormState.CORRECTED)
    _write(row)
    _follow(row, held, old, user)
    _record(row, "follow_up.correct", user, before=before, after=after, reason=why)
    return row


@transaction.atomic
def follow_up_discard(*, follow_up_id: UUID, seen: str, user: User) -> None:
    """A draft is thrown away: it never counted. Raises NotAllowed, Conflict."""
    where = FollowUp.objects.values_list("transplant", flat=True).get(pk=follow_up_id)
    held = locked_transplant(where)
    _guard_hospital(held.row, user)
    row: FollowUp | None = FollowUp.objects.filter(pk=follow_up_id, state=FormState.DRAFT).first()
    if row is None:
        raise _handed_in()
    _guard_seen(row, seen)
    _record(row, "follow_up.discard", user)
    row.delete()


# --- locks and guards -----------------------------------------------------------------------------


def locked_transplant(transplant_id: UUID) -> Held:
    """Patient first, then the transplant: the order of every service."""
    where: UUID | None = Transplant.objects.values_list("patient", flat=True).get(pk=transplant_id)
    patient = locked_patient(where) if where is not None else None
    rows = Transplant.objects.select_related("hospital").select_for_update(no_key=True, of=("self",))
    return Held(rows.get(pk=transplant_id), patient)


def may_edit(row: Transplant, user: User) -> bool:
    return open_in(user, Permission.FOLLOW_UP_EDIT, row.hospital_id)


def _guard_hospital(row: Transplant, user: User) -> None:
    if not may_edit(row, user):
        raise NotAllowed("not_yours", _("Follow-up is reported by the hospital of the transplant."))


def _visit(code: str) -> Visit:
    visit = VISIT.get(code)
    if visit is None:
        raise InvalidInput("visit_unknown", _("There is no such form."), field="visit")
    return visit


def row_visit(row: FollowUp) -> Visit:
    """The period that a form tells of; of a list that was taken over the one in which its contact lies."""
    if row.visit in VISIT:
        return VISIT[row.visit]
    days = (row.contact_on - row.transplant.infused_on).days if row.contact_on else 0
    return visit_of(days) or next(iter(VISIT.values()))


def stamp(row: FollowUp | None) -> str:
    """What an open page compares: another one means that somebody wrote meanwhile."""
    return "" if row is None or row._state.adding else f"{row.version}:{row.updated_at.isoformat()}"


def _guard_seen(row: FollowUp, seen: str) -> None:
    if stamp(row) != seen:
        raise Conflict(
            "follow_up_stale",
            _(
                "Somebody saved this form while you had it open. Look at what is there now, then enter your changes."
            ),
        )


def _guard_open(row: Transplant, visit: str) -> None:
    if FollowUp.objects.filter(transplant=row, visit=visit, state=FormState.FINAL).exists():
        raise _handed_in()


def _handed_in() -> Conflict:
    return Conflict("follow_up_handed_in", _("This form was handed in already: correct it, with a reason."))


def _guard_current(old: FollowUp, seen: str) -> None:
    if old.state != FormState.FINAL:
        raise Conflict(
            "follow_up_replaced", _("Somebody corrected this form meanwhile: look at the new version.")
        )
    _guard_seen(old, seen)


_EVEN_OF_DRAFTS = frozenset({"cause_of_the_living"})


def _guard(found: Sequence[Problem]) -> None:
    if found:
        raise InvalidInput(
            "follow_up_not_in_order",
            found[0].text,
            field=found[0].field,
            details=[{"field": one.field, "code": one.code, "text": one.text} for one in found],
        )


def known_of(held: Held, visit: Visit, replaced: FollowUp | None = None) -> Known:
    """What answers are held against. replaced: the version that a correction replaces, which says nothing any more."""
    row = held.row
    forms = FollowUp.objects.filter(transplant=row, state=FormState.FINAL)
    if replaced is not None:
        forms = forms.exclude(pk=replaced.pk)
    died_on = _died_on(held)
    if replaced is not None and replaced.contact == Contact.DEAD and replaced.contact_on == died_on:
        died_on = None  # the record says so because this form did
    counts = counts_of(row)
    return Known(
        day_0=row.infused_on,
        today=timezone.localdate(),
        visit=visit,
        others=[_other(form) for form in forms],
        died_on=died_on,
        counted_on=max((count.day for count in counts), default=None),
        recovered_on=neutrophil_day(counts),
    )


def _other(form: FollowUp) -> Other:
    assert form.contact_on is not None  # follow_up_final_has_contact
    return Other(
        title=visit_title(form.visit),
        order=VISIT[form.visit].order if form.visit in VISIT else -1,
        contact=form.contact,
        contact_on=form.contact_on,
        answers={name: getattr(form, name) for name in ANSWERS},
    )


def _died_on(held: Held) -> dt.date | None:
    """By the patient's record; where there is none here, by a form of another transplant of the same person."""
    patient, row = held.patient, held.row
    if patient is not None:
        found: dt.date | None = patient.ended_on
        return found if patient.inactive_reason == InactiveReason.DIED else None
    others = FollowUp.objects.filter(
        transplant__registry_code=row.registry_code,
        transplant__hospital=row.hospital_id,
        state=FormState.FINAL,
        contact=Contact.DEAD,
    )
    told: dt.date | None = (
        others.exclude(transplant=row).values_list("contact_on", flat=True).order_by("contact_on").first()
    )
    return told


# --- parts ----------------------------------------------------------------------------------------


def _values(answers: Answers) -> dict[str, Any]:
    """All answers, blank where none was given. Raises InvalidInput for what is no answer of a form."""
    unknown = sorted(set(answers) - set(ANSWERS))
    if unknown:
        raise InvalidInput("answer_unknown", _("The form does not ask this."), field=unknown[0])
    blank = FollowUp()
    values = {name: getattr(blank, name) if answers.get(name) is None else answers[name] for name in ANSWERS}
    values = {name: _plain(value) if isinstance(value, str) else value for name, value in values.items()}
    values["contributing"] = sorted(set(values["contributing"]))
    if not set(values["contributing"]) <= set(Cause.values):
        raise InvalidInput("not_in_list", _("Choose a value of the list."), field="contributing")
    _guard_bounds(values)
    acute, chronic = checked_findings(values["acute_organs"], values["chronic_sites"])
    return {**values, "acute_organs": acute, "chronic_sites": chronic}


# What the columns hold: least, most, step.
_BOUNDS: dict[str, tuple[int, int, int]] = {
    "karnofsky": (0, 100, 10),
    "donor_chimerism_percent": (0, 100, 0),
    "enzyme_percent": (0, 99_999, 0),
}


def _guard_bounds(values: Mapping[str, Any]) -> None:
    for name, (least, most, step) in _BOUNDS.items():
        value = values[name]
        if value is not None and (not least <= value <= most or (step and value % step)):
            raise InvalidInput(
                "out_of_range",
                _("Give a number from %(least)d to %(most)d."),
                field=name,
                params={"least": least, "most": most},
            )


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()


def _draft(transplant: Transplant, visit: Visit, user: User) -> FollowUp:
    """The draft that is there, or a new one."""
    rows = FollowUp.objects.filter(transplant=transplant, visit=visit.code)
    found: FollowUp | None = rows.filter(state=FormState.DRAFT).first()
    return found or FollowUp(transplant=transplant, visit=visit.code, entered_by=user)


def _same(row: FollowUp, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


def _sent_before(row: FollowUp, values: Mapping[str, Any], seen: str, user: User) -> FollowUp | None:
    """A double click: the draft holds just this, of this person."""
    if row._state.adding or stamp(row) == seen or row.entered_by_id != user.pk:
        return None
    return row if _same(row, values) else None


def _handed_in_before(
    transplant: Transplant, visit: str, values: Mapping[str, Any], user: User
) -> FollowUp | None:
    rows = FollowUp.objects.filter(
        transplant=transplant, visit=visit, state=FormState.FINAL, handed_in_by=user
    )
    found: FollowUp | None = rows.first()
    return found if found is not None and _same(found, values) else None


def _fill(row: FollowUp, values: Mapping[str, Any], user: User) -> None:
    """The answers, and what follows from them by code."""
    transplant = row.transplant
    child_kg = child_weight(transplant.age_years, transplant.weight_kg)
    for name, value in {**values, **derived_of(values, child_kg=child_kg)}.items():
        setattr(row, name, value)
    row.entered_by, row.updated_at = user, timezone.now()


def _finish(row: FollowUp, values: Mapping[str, Any], held: Held, known: Known, user: User) -> None:
    _fill(row, values, user)
    _guard(problems({**values, "acute_grade": row.acute_grade}, known))
    row.state, row.handed_in_by, row.handed_in_at = FormState.FINAL, user, timezone.now()


def _write(row: FollowUp) -> None:
    """Raises InvalidInput for what a column does not take: choices, bounds, digits."""
    try:
        row.clean_fields(exclude=["transplant", "entered_by", "handed_in_by"])
    except ValidationError as error:
        found = [Problem(name, "not_taken", " ".join(texts)) for name, texts in error.message_dict.items()]
        _guard(found)
    row.save()


def _follow(row: FollowUp, held: Held, old: FollowUp | None, user: User) -> None:
    """What a form changes beyond itself: the patient's record, and the outcome."""
    actor, patient, note = Actor.user(user), held.patient, held.row.number
    withdrawn = old is not None and old.contact == Contact.DEAD and row.contact != Contact.DEAD
    if patient is not None and withdrawn and old is not None and old.contact_on is not None:
        patient_death_withdraw(
            patient_id=patient.pk,
            on=old.contact_on,
            transplanted_on=held.row.infused_on,
            note=note,
            by=actor,
        )
    if patient is not None and row.contact == Contact.DEAD and row.contact_on is not None:
        patient_death_record(patient_id=patient.pk, on=row.contact_on, note=note, by=actor)
    outcomes_refresh(transplant_ids=[held.row.pk])


def _record(row: FollowUp, action: str, user: User, **more: Any) -> None:
    after = more.pop("after", None) or {"contact": row.contact, "contact_on": row.contact_on}
    audit.record(
        actor=Actor.user(user),
        action=action,
        target=(row._meta.label, str(row.pk), f"{row.transplant.number} · {row.visit}.{row.version}"),
        after={"visit": row.visit, "version": row.version, **after},
        hospital_id=row.transplant.hospital_id,
        **more,
    )
