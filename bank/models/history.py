from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import QuestionKind, YesNo
from bank.models.versions import ControlledVersion, TwoLanguages
from bank.querysets_consent import InterviewQuerySet, VersionQuerySet


class Questionnaire(ControlledVersion):
    """One row is one version of the questions about a mother's health and that of her family."""

    objects = VersionQuerySet.as_manager()

    class Meta(ControlledVersion.Meta):
        pass


class Question(TwoLanguages):
    """One row is one question; once its version is in force it never changes.

    defers_on: the answer of a yes-or-no question that speaks against the donor until somebody has judged it; "" none.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=QuestionKind, default=QuestionKind.YES_NO)
    defers_on = models.CharField(max_length=3, choices=YesNo, blank=True, default="")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=QuestionKind.values), name="question_kind_known"),
            models.CheckConstraint(
                condition=Q(defers_on="") | Q(defers_on__in=YesNo.values, kind="yes_no"),
                name="question_defers_on_answer",
            ),
            models.CheckConstraint(condition=~Q(text_en="") & ~Q(text_zh=""), name="question_both_languages"),
        ]

    def __str__(self) -> str:
        return self.text


class Interview(models.Model):
    """One row is one interview about the mother of a donation; the newest day counts, the others stay."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    donation = models.ForeignKey("bank.Donation", on_delete=models.PROTECT, related_name="interviews")
    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.PROTECT, related_name="interviews")
    interviewed_on = models.DateField(_("interviewed on"))
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now())

    objects = InterviewQuerySet.as_manager()

    class Meta:
        ordering = ["-interviewed_on", "-entered_at"]

    def __str__(self) -> str:
        return f"{self.questionnaire} · {self.interviewed_on}"


class Answer(models.Model):
    """One row is the answer to one question: yes, no, or a text; a remark where one was made."""

    id = models.BigAutoField(primary_key=True)
    interview = models.ForeignKey(Interview, on_delete=models.PROTECT, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")
    value = models.TextField(_("answer"), blank=True, default="")
    remark = models.TextField(_("remark"), blank=True, default="")
    defers = models.BooleanField(default=False, help_text="as the question says of this answer")

    class Meta:
        ordering = ["question__position"]
        constraints = [
            models.UniqueConstraint(fields=["interview", "question"], name="answer_once"),
        ]

    def __str__(self) -> str:
        return f"{self.question_id}: {self.value}"

    @property
    def told(self) -> str:
        """The answer in the reader's language, with its remark."""
        word = YesNo(self.value).label if self.value in YesNo.values else self.value
        return f"{word} · {self.remark}" if self.remark else str(word)
