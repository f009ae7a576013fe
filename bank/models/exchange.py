"""What goes in and out by files: how a stranger's columns are read, and which inventory files were made."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import CountUnit, UpdateMode
from bank.querysets import InventoryExportQuerySet


class ImportMapping(models.Model):
    """One row is one kept way to read a bank's columns: {heading of the file: column of ours, "" to leave it out}."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="import_mappings")
    name = models.CharField(_("name"), max_length=60)
    columns = models.JSONField(help_text=_("heading of the file → column"))
    made_by = models.CharField(max_length=200)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["bank", "name"]
        constraints = [
            models.UniqueConstraint(fields=["bank", "name"], name="mapping_name_once_per_bank"),
            models.CheckConstraint(condition=~Q(name=""), name="mapping_named"),
        ]

    def __str__(self) -> str:
        return self.name


class InventoryExport(models.Model):
    """One row is one WMDA-style file of the own inventory; never changed once it is made.

    since: the file from which a DIFF tells the differences. digests: which units were on offer and may go abroad, each
    with the digest of what was written of it (bank.exports.digests), for the next DIFF. written: units in the file with
    their values; removed: units told to be gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, related_name="inventory_export")
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="exports")
    mode = models.CharField(_("kind"), max_length=4, choices=UpdateMode)
    since = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="later")
    counts = models.CharField(_("cell counts"), max_length=5, choices=CountUnit)
    schema_version = models.CharField(max_length=8)
    snapshot_time = models.DateTimeField(null=True)
    units = models.PositiveIntegerField(default=0, help_text=_("on offer at that moment"))
    written = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    kept_back = models.PositiveIntegerField(default=0, help_text=_("on offer, but may not go abroad"))
    digests = models.BinaryField(default=bytes)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    size_bytes = models.PositiveBigIntegerField(default=0)
    made_by = models.CharField(max_length=200, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = InventoryExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=UpdateMode.values), name="export_mode_known"),
            models.CheckConstraint(condition=Q(counts__in=CountUnit.values), name="export_counts_known"),
            models.CheckConstraint(
                condition=Q(mode="FULL", since__isnull=True) | Q(mode="DIFF", since__isnull=False),
                name="export_diff_since",
            ),
            models.CheckConstraint(
                condition=Q(snapshot_time__isnull=True, sha256="", written=0, removed=0)
                | Q(snapshot_time__isnull=False) & ~Q(sha256=""),
                name="export_complete_or_empty",
            ),
            models.CheckConstraint(condition=Q(written__lte=F("units")), name="export_written_within_units"),
            models.CheckConstraint(condition=~Q(mode="FULL") | Q(removed=0), name="export_full_removes_none"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"

    @property
    def is_finished(self) -> bool:
        return self.snapshot_time is not None

    @property
    def file_name(self) -> str:
        moment = f"{self.snapshot_time:%Y%m%dT%H%M%SZ}" if self.snapshot_time else ""
        return f"inventory-{self.bank.code}-{self.mode}-{moment}.xml"
