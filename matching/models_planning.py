"""Simulations of what the inventory is worth to a population."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets


class PlanningRun(models.Model):
    """One row is one simulation of patients against the inventory, and its figures; never changed once it is done.

    parameters: what was asked, as matching.planning writes it. basis: digest of parameters, inventory and reference
    data: what has the same basis has the same figures. result: the figures, empty until it is done; worths: packed
    shares of each unit (matching.planning). ledger_number: last change of the inventory that is in it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, related_name="planning_run")
    parameters = models.JSONField(_("parameters"))
    basis = models.CharField(max_length=64, db_index=True)
    set_version = models.CharField(_("frequency set"), max_length=80)
    set_checksum = models.CharField(max_length=64)
    coverage = models.FloatField(_("coverage of the set"), default=1.0)
    population = models.CharField(_("population"), max_length=12)
    policy_label = models.CharField(_("policy"), max_length=120)
    antigen_rule = models.CharField(_("antigen rule"), max_length=20)
    release = models.CharField(max_length=40, blank=True, default="")
    nomenclature_checksum = models.CharField(max_length=64, blank=True, default="")
    mac_version = models.CharField(max_length=80, blank=True, default="")
    ledger_number = models.BigIntegerField(null=True)
    snapshot_checksum = models.CharField(max_length=64, blank=True, default="")
    engine_version = models.CharField(max_length=20, blank=True, default="")
    result = models.JSONField(default=dict)
    worths = models.BinaryField(default=bytes)
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = querysets.PlanningRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("inventory planning")
        constraints = [
            models.CheckConstraint(
                condition=Q(completed_at__isnull=True, result={}, ledger_number__isnull=True)
                | Q(completed_at__isnull=False, ledger_number__isnull=False) & ~Q(result={}),
                name="planning_complete_or_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.set_version} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_finished(self) -> bool:
        return self.completed_at is not None
