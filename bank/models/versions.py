from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class ControlledVersion(models.Model):
    """One version of a text that people are asked by: one person writes it, another puts it in force, none changes it.

    One at most is in force. A draft has no `approved_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    version = models.PositiveSmallIntegerField(unique=True)
    title = models.CharField(_("title"), max_length=120)
    is_current = models.BooleanField(default=False, db_default=False)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        ordering = ["-version"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True, valid_from__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False, valid_from__isnull=False),
                name="%(class)s_approved_paired",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(created_by__isnull=True)
                | ~Q(approved_by=F("created_by")),
                name="%(class)s_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(is_current=False) | Q(approved_at__isnull=False, valid_until__isnull=True),
                name="%(class)s_current_approved",
            ),
            models.UniqueConstraint(
                fields=["is_current"], condition=Q(is_current=True), name="%(class)s_one_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class TwoLanguages(models.Model):
    """A text in both languages of the house."""

    text_en = models.TextField(_("English"))
    text_zh = models.TextField(_("Chinese"))

    class Meta:
        abstract = True

    @property
    def text(self) -> str:
        """In the reader's language."""
        return self.text_zh if (get_language() or "").startswith("zh") else self.text_en
