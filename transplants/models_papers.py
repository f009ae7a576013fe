"""Papers that travel with a unit: each as it was made, and the bank's own texts that stand on them."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from bank.models.versions import TwoLanguages
from transplants import querysets_papers as querysets
from transplants.choices_papers import PaperKind, PaperLanguage, TextKind
from transplants.models_orders import Order

_USER = settings.AUTH_USER_MODEL


class PaperText(TwoLanguages):
    """One row is one version of a text of the bank: one person writes it, another puts it in force, none changes it.

    A draft has no `approved_at` and stands on no paper. One version of a kind at most is in force.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=TextKind)
    version = models.PositiveSmallIntegerField()
    is_current = models.BooleanField(default=False)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    created_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    approved_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.PaperTextQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="papertext_version_once"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(is_current=True), name="papertext_one_in_force"
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(approved_at=None), name="papertext_one_draft"
            ),
            models.CheckConstraint(condition=Q(kind__in=TextKind.values), name="papertext_kind_known"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True, valid_from__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False, valid_from__isnull=False),
                name="papertext_approved_paired",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(created_by__isnull=True)
                | ~Q(approved_by=F("created_by")),
                name="papertext_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(is_current=False) | Q(approved_at__isnull=False, valid_until__isnull=True),
                name="papertext_current_approved",
            ),
            models.CheckConstraint(
                condition=~Q(text_en="") & ~Q(text_zh=""), name="papertext_both_languages"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} v{self.version}"


class OrderPaper(models.Model):
    """One row is one paper of an order as it was first handed out, with its file; never changed, never deleted.

    version: of what it says, the same in every language; it rises when order, unit, shipment or a text of the bank has
    changed. digest: SHA-256 of what it says, printed at the foot of each page; pdf_sha256: of the file.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="papers")
    kind = models.CharField(max_length=10, choices=PaperKind)
    version = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=10, choices=PaperLanguage)
    digest = models.CharField(max_length=64)
    pdf = models.BinaryField()
    pdf_sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    made_by = models.CharField(max_length=200, editable=False)

    objects = querysets.OrderPaperQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "kind", "version", "language"], name="orderpaper_version_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=PaperKind.values, language__in=PaperLanguage.values),
                name="orderpaper_codes_known",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex="^[0-9a-f]{64}$", pdf_sha256__regex="^[0-9a-f]{64}$"),
                name="orderpaper_digests_hex",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="orderpaper_version_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} v{self.version}"
