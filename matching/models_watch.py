"""Who wants to be told when a better unit comes on offer for a patient."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets_watch
from matching.choices import WatchFor


class PatientWatch(models.Model):
    """One row: one person, or everybody of the hospital who may see its requests, watches a patient by a request.

    `counts`: what of the order of a list counts as better (matching.standing). Ended, never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.ForeignKey("matching.MatchRequest", on_delete=models.PROTECT, related_name="watches")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="watches"
    )
    counts = models.CharField(_("counts as better"), max_length=6, choices=WatchFor, default=WatchFor.BAND)
    since = models.DateTimeField(default=timezone.now, editable=False)
    started_by = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True, default="")

    objects = querysets_watch.PatientWatchQuerySet.as_manager()

    class Meta:
        ordering = ["-since", "pk"]
        verbose_name = _("watched patient")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,  # one of the whole hospital
                name="watch_once",
            ),
            models.CheckConstraint(condition=Q(counts__in=WatchFor.values), name="watch_counts_known"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="watch_ended_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} by {self.user_id or 'the hospital'}"

    @property
    def of_hospital(self) -> bool:
        return self.user_id is None
