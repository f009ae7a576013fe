from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from bank.choices import Subject, TypingSource
from bank.querysets import TypingQuerySet


class HlaTyping(models.Model):
    """One row is one HLA typing of a unit or of its mother, as reported; the newest accepted is current.

    Rows are never changed but for `is_current`: a correction is a new row, so the history stays.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="typings")
    subject = models.CharField(max_length=8, choices=Subject, default=Subject.UNIT, db_default=Subject.UNIT)
    is_current = models.BooleanField(default=True, db_default=True)
    loci = models.JSONField(help_text='as reported: {"A": ["A*02:01", "A*24:02"], …}')
    canonical_gl = models.TextField(help_text="canonical GL String of the same typing")
    notes = models.JSONField(default=list, blank=True, help_text="how it was read: [[locus, note], …]")
    nomenclature = models.CharField(max_length=40, help_text="release against which it was read")
    mac_version = models.CharField(max_length=80, blank=True, default="", db_default="")
    source = models.CharField(max_length=16, choices=TypingSource)
    laboratory = models.CharField(max_length=120, blank=True, default="", db_default="")
    typed_on = models.DateField(null=True, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TypingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "subject"], condition=Q(is_current=True), name="typing_one_current"
            ),
            models.CheckConstraint(condition=Q(subject__in=Subject.values), name="typing_subject_known"),
            models.CheckConstraint(condition=Q(source__in=TypingSource.values), name="typing_source_known"),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True, verified_at__isnull=True)
                | Q(verified_by__isnull=False, verified_at__isnull=False),
                name="typing_verified_paired",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True)
                | Q(entered_by__isnull=True)
                | ~Q(verified_by=F("entered_by")),
                name="typing_verified_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.canonical_gl

    @property
    def told(self) -> str:
        """For whoever vouches for it."""
        return f"HLA: {self.canonical_gl}"

    @property
    def method(self) -> str:
        """As the other results that wait for a second person."""
        return self.laboratory

    @property
    def day(self) -> dt.date | None:
        return self.typed_on
