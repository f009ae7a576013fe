"""Reads of consent, health history and documents. `visible_to` is the only way in for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from bank.choices_consent import PERSONAL_KINDS
from core.roles import Permission

if TYPE_CHECKING:
    from core.models import User


class StaffQuerySet(models.QuerySet[Any]):
    """What is the bank's own affair."""

    def visible_to(self, user: User) -> Self:
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()


class VersionQuerySet(StaffQuerySet):
    """Versions of a text, of which one is in force."""

    def in_force(self) -> Any:
        return self.filter(is_current=True).first()

    def drafts(self) -> Self:
        return self.filter(approved_at=None)


class AnswerQuerySet(models.QuerySet[Any]):
    """What mothers answered, each answer until the next one."""

    def in_force(self) -> Self:
        return self.filter(superseded=False)


class WithdrawalQuerySet(StaffQuerySet):
    """Withdrawals; one that was entered by mistake stands no more."""

    def standing(self) -> Self:
        return self.filter(corrected_at=None)


class DeclarationQuerySet(StaffQuerySet):
    def in_force(self) -> Self:
        return self.filter(approved_at__isnull=False, ended_at=None)


class InterviewQuerySet(models.QuerySet[Any]):
    def newest_first(self) -> Self:
        return self.order_by("-interviewed_on", "-entered_at")

    def with_answers(self) -> Self:
        """For a page: all that is said, in a fixed number of queries."""
        people = self.select_related("questionnaire", "entered_by")
        return people.prefetch_related("answers__question")


class DocumentQuerySet(models.QuerySet[Any]):
    """Documents without their content, which only a download reads."""

    def visible_to(self, user: User) -> Self:
        """The bank's staff; what bears the mother's name only whoever may see how she is reached."""
        if not user.has_permission(Permission.INVENTORY_VIEW_ALL):
            return self.none()
        personal = Q(kind__in=PERSONAL_KINDS)
        return (
            self.light() if user.has_permission(Permission.DONOR_CONTACT) else self.light().exclude(personal)
        )

    def light(self) -> Self:
        return self.defer("content")

    def standing(self) -> Self:
        return self.filter(withdrawn_at=None)
