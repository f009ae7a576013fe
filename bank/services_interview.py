"""The mother's health history: one interview, all answers of one version of the questionnaire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import QuestionKind, YesNo
from bank.holds import hold_and_tell
from bank.models import Answer, Donation, Interview, Question, Questionnaire
from bank.results import guard_past
from bank.services_consent import donation_of
from bank.writing import guard_own, locked_unit, touch_unit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

MOST = 2_000
# Names no answer: a hold is told to many.
_HELD = _("A health history recorded later speaks against the donor.")
QUESTIONNAIRE_CHANGED = _(
    "Another version of the questionnaire is in force since you opened this page. Open it again."
)


@transaction.atomic
def interview_record(
    *,
    unit_id: UUID,
    questionnaire_id: UUID,
    interviewed_on: dt.date,
    answers: Mapping[UUID, tuple[str, str]],
    actor: Actor,
) -> Interview:
    """Keep what the mother of a unit said. answers: question -> answer ("yes", "no" or a text) and remark.

    Every yes-or-no question is answered. None takes the place of an earlier interview: it stays, the newest counts.
    Answers against the donor hold a unit on offer at once; lifted, it goes by way of the quarantine.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    form = Questionnaire.objects.in_force()
    if form is None or form.pk != questionnaire_id:
        raise Conflict("questionnaire_changed", QUESTIONNAIRE_CHANGED)
    guard_past(interviewed_on, "interviewed_on")
    row = Interview(
        donation=donation_of(unit),
        questionnaire=form,
        interviewed_on=interviewed_on,
        entered_by_id=actor.person_id,
    )
    made = [_answer(row, question, answers.get(question.pk, ("", ""))) for question in form.questions.all()]
    deferring = sum(1 for one in made if one.defers)
    if deferring:
        hold_and_tell(unit, actor=actor, reason=str(_HELD))
    row.entered_at = timezone.now()  # after the hold, by the same clock: bank.results.changed_since sees it
    row.save(force_insert=True)
    Answer.objects.bulk_create(made)
    after = {"version": form.version, "interviewed_on": interviewed_on, "deferring": deferring}
    touch_unit(unit, actor=actor, action="unit.interview", after=after)
    return row


def _answer(row: Interview, question: Question, given: tuple[str, str]) -> Answer:
    value, remark = (text.replace("\0", "").strip()[:MOST] for text in given)
    if question.kind == QuestionKind.YES_NO and value not in YesNo.values:
        text = _("Answer every question with yes or no.")
        raise InvalidInput("answer_missing", text, field=f"answer_{question.pk}")
    defers = bool(question.defers_on) and value == question.defers_on
    return Answer(interview=row, question=question, value=value, remark=remark, defers=defers)


def newest_interview(donation: Donation | None) -> Interview | None:
    if donation is None:
        return None
    rows = donation.interviews.newest_first().select_related("questionnaire", "entered_by")
    found: Interview | None = rows.first()
    return found


def deferring_answers(donation: Donation | None) -> list[Answer]:
    """Of the newest interview those that speak against the donor, until somebody has judged them."""
    interview = newest_interview(donation)
    return deferring_of(interview) if interview else []


def deferring_of(interview: Interview) -> list[Answer]:
    return list(interview.answers.filter(defers=True).select_related("question"))


def deferring_counts(donations: Collection[UUID]) -> dict[UUID, int]:
    """Donation -> how many answers of its newest interview speak against the donor; in one query."""
    newest: dict[UUID, UUID] = {}
    counts: dict[UUID, int] = {}
    rows = Answer.objects.filter(interview__donation__in=donations).order_by(
        "-interview__interviewed_on", "-interview__entered_at"
    )
    for donation, interview, defers in rows.values_list("interview__donation", "interview", "defers"):
        if newest.setdefault(donation, interview) == interview:
            counts[donation] = counts.get(donation, 0) + defers
    return counts
