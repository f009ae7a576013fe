"""Records that may be of one person, and records that were found to be and put together."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hospitals import querysets

AT_ENTRY = "at_entry"  # in place of a reason: confirmed as another person by who entered the typing


class PossibleDuplicate(models.Model):
    """One row is two patients with the same sex, day of birth and typing, and what people say of that.

    Found by a sweep, in one hospital or across two; a hospital reads no row of this table. dismissed_…: somebody says
    why they are not the same person. The two stand in the order of their ids, so that a pair is one row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField(default=timezone.now, editable=False)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismiss_reason = models.CharField(_("Reason"), max_length=400, blank=True, default="")

    objects = querysets.PossibleDuplicateQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at", "pk"]
        verbose_name = _("possible duplicate")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="hospitals_duplicate_pair_once"),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="hospitals_duplicate_pair_in_order"
            ),
            models.CheckConstraint(
                condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True, dismiss_reason="")
                | (Q(dismissed_at__isnull=False) & ~Q(dismiss_reason="")),
                name="hospitals_duplicate_dismissed_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} / {self.second_id}"

    @property
    def reason_text(self) -> str:
        if self.dismiss_reason == AT_ENTRY:
            return str(_("Confirmed as another person when the typing was entered."))
        return self.dismiss_reason

    @property
    def is_across(self) -> bool:
        """Whether they are patients of two hospitals, of which neither may learn."""
        return bool(self.first.hospital_id != self.second.hospital_id)


class PatientMerge(models.Model):
    """One row says that a record is of the same person as another, which is kept; undone, it says until when.

    former_…: what the record was before, so that undoing gives it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kept = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="merges")
    merged = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="merged_by_rows")
    reason = models.CharField(_("Reason"), max_length=400)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    former_state = models.CharField(max_length=10)
    former_reason = models.CharField(max_length=20, blank=True, default="")
    former_deactivated_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undo_reason = models.CharField(_("Reason"), max_length=400, blank=True, default="")

    objects = querysets.PatientMergeQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "pk"]
        verbose_name = _("merged patient")
        constraints = [
            models.UniqueConstraint(
                fields=["merged"], condition=Q(undone_at__isnull=True), name="hospitals_merge_one_in_force"
            ),
            models.CheckConstraint(condition=~Q(kept=F("merged")), name="hospitals_merge_of_two"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by__isnull=True, undo_reason="")
                | (Q(undone_at__isnull=False) & ~Q(undo_reason="")),
                name="hospitals_merge_undone_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.kept_id}"
