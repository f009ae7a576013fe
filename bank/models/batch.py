from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import FileKind
from bank.querysets import ImportBatchQuerySet


class ImportBatch(models.Model):
    """One row is one file of units that was taken in: where from, by whom, what came of it.

    imported: units that it brought; of a partner's list `changed` rows altered a unit that an earlier list brought.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="import_batches")
    kind = models.CharField(max_length=8, choices=FileKind)
    file_name = models.CharField(max_length=200)
    file_bytes = models.PositiveBigIntegerField()
    file_sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    imported = models.PositiveIntegerField()
    unchanged = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    held = models.PositiveIntegerField(help_text=_("imported, waiting for confirmation of values"))
    undeclared = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("said LISTED, and entered the quarantine")
    )
    declaration = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text=_("why units may enter as listed: they were released before Qidai"),
    )
    # Of a partner's list only.
    full_list = models.BooleanField(default=False, db_default=False)
    changed = models.PositiveIntegerField(default=0, db_default=0, help_text=_("rows that changed a unit"))
    gone = models.PositiveIntegerField(default=0, db_default=0, help_text=_("units named no more"))
    rows_sha256 = models.CharField(max_length=64, help_text=_("digest over the digests of the rows written"))
    invented_counts_seed = models.IntegerField(null=True, blank=True)
    nomenclature = models.CharField(max_length=40)
    mac_version = models.CharField(max_length=80, blank=True)
    actor = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    written_at = models.DateTimeField(null=True, help_text=_("after its last row, by the database's clock"))

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=FileKind.values), name="batch_kind_known"),
            models.CheckConstraint(
                condition=Q(rows=F("imported") + F("unchanged") + F("changed") + F("failed")),
                name="batch_rows_add_up",
            ),
            models.CheckConstraint(
                condition=Q(declaration="") | Q(undeclared=0), name="batch_declared_or_quarantined"
            ),
            models.CheckConstraint(condition=Q(held__lte=F("imported")), name="batch_held_within_imported"),
        ]

    def __str__(self) -> str:
        return self.file_name


class PlausibilityLimits(models.Model):
    """The only row (id 1): outside these bounds a unit's counts wait for a person to confirm them."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    tnc_e7_min = models.FloatField(_("TNC at least, ×10⁷"), default=20)
    tnc_e7_max = models.FloatField(_("TNC at most, ×10⁷"), default=500)
    cd34_percent_min = models.FloatField(_("CD34 of TNC at least, %"), default=0.02)
    cd34_percent_max = models.FloatField(_("CD34 of TNC at most, %"), default=3)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="limits_one_row"),
            models.CheckConstraint(
                condition=Q(tnc_e7_min__gt=0, tnc_e7_max__gt=F("tnc_e7_min")), name="limits_tnc_ordered"
            ),
            models.CheckConstraint(
                condition=Q(cd34_percent_min__gt=0, cd34_percent_max__gt=F("cd34_percent_min")),
                name="limits_cd34_ordered",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Plausibility limits"))

    @classmethod
    def load(cls) -> PlausibilityLimits:
        """The row, or the defaults where nobody has saved one yet."""
        return cls.objects.filter(pk=1).first() or cls()
