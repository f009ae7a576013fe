from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bank.choices import NodeKind


class StorageNode(models.Model):
    """One row is one site, tank, rack or canister; together they are a tree whose leaves hold slots."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="storage_nodes")
    kind = models.CharField(max_length=10, choices=NodeKind)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    code = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField(_("position in its parent"), default=0)
    quarantine = models.BooleanField(_("quarantine area"), default=False)

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["bank", "parent", "code"], name="node_code_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(kind__in=NodeKind.values), name="node_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="site", parent__isnull=True) | (~Q(kind="site") & Q(parent__isnull=False)),
                name="node_only_sites_are_roots",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}"


class Slot(models.Model):
    """One row is one place for one unit; at most one unit lies in it, and a unit lies in one at most."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    canister = models.ForeignKey(StorageNode, on_delete=models.PROTECT, related_name="slots")
    position = models.PositiveSmallIntegerField()
    unit = models.OneToOneField(
        "bank.CordBloodUnit", on_delete=models.PROTECT, null=True, blank=True, related_name="slot"
    )
    blocked = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["canister", "position"], name="slot_position_once"),
            models.CheckConstraint(
                condition=Q(blocked=False) | Q(unit__isnull=True), name="slot_blocked_is_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.canister.code}-{self.position}"
