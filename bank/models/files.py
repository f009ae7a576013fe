"""Files that somebody chose in the browser: checked and written by jobs, each once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bank.choices_files import FilePurpose, FileTask
from bank.querysets_files import ImportFileQuerySet
from core.models import Job


class ImportFile(models.Model):
    """One row is one file that somebody chose: what is said of it, what the check found, what became of it.

    The file itself lies outside the database until it is written (bank.uploads). job: the newest, which does `task`.
    report: what the job told, for pages. choices: as bank.uploads.Choices.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    purpose = models.CharField(max_length=8, choices=FilePurpose)
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, related_name="import_file")
    task = models.CharField(max_length=8, choices=FileTask, default=FileTask.CHECK)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200)
    file_bytes = models.PositiveBigIntegerField()
    file_sha256 = models.CharField(max_length=64)
    choices = models.JSONField(default=dict)
    skip_bad = models.BooleanField(default=False)
    declaration = models.TextField(blank=True, default="")
    report = models.JSONField(default=dict)
    batch = models.ForeignKey("bank.ImportBatch", on_delete=models.PROTECT, null=True, related_name="files")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ImportFileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"], name="import_file_of_user")]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=FilePurpose.values), name="import_file_purpose"),
            models.CheckConstraint(condition=Q(task__in=FileTask.values), name="import_file_task"),
            models.CheckConstraint(
                condition=Q(batch__isnull=True) | Q(purpose="units", task="write"), name="import_file_batch"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_checked(self) -> bool:
        """Looked at to the end and not taken in; also where the writing found errors that the check had not."""
        return bool(self.job.state == Job.State.DONE and not self.is_written)

    @property
    def is_written(self) -> bool:
        return bool(
            self.task == FileTask.WRITE and self.job.state == Job.State.DONE and self.report.get("written")
        )

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report.get("findings", [])
        return found
