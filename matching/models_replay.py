"""Searches that were recomputed, and what that proved."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets
from matching.choices import Verdict


class SearchReplay(models.Model):
    """One row is one recomputation of a finished search from what it was made of, and its outcome; never edited.

    verdict: empty until it is done. reason: why it could not be recomputed (code, params, text). compared: how many
    figures, rows and columns; differences: the first of them, difference_count all. remarks: codes of what a reader
    must know beside. today: what a search with today's data would give instead, as matching.replays wrote it;
    ledger_number: that of today's inventory. engine_version: what it was recomputed with.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    run = models.ForeignKey("matching.SearchRun", on_delete=models.PROTECT, related_name="replays")
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, related_name="search_replay")
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    verdict = models.CharField(_("outcome"), max_length=12, choices=Verdict, blank=True, default="")
    reason = models.JSONField(default=dict)
    compared = models.JSONField(default=dict)
    difference_count = models.PositiveIntegerField(_("differences"), null=True)
    differences = models.JSONField(default=list)
    remarks = models.JSONField(default=list)
    today = models.JSONField(default=dict)
    ledger_number = models.BigIntegerField(null=True)
    engine_version = models.CharField(max_length=20, blank=True, default="")
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = querysets.SearchReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("recomputed search")
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="", completed_at__isnull=True)
                | Q(verdict__in=Verdict.values, completed_at__isnull=False),
                name="replay_complete_or_empty",
            ),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.IDENTICAL, difference_count__isnull=False, difference_count=0)
                | Q(verdict=Verdict.DIFFERENT, difference_count__isnull=False, difference_count__gt=0)
                | Q(verdict__in=["", Verdict.IMPOSSIBLE], difference_count__isnull=True),
                name="replay_verdict_counted",
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.IMPOSSIBLE) | ~Q(reason={}), name="replay_impossible_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_finished(self) -> bool:
        return self.completed_at is not None
