from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bank.choices import NodeKind
from bank.places import CODE_PATTERN, canister_code, place_code
from bank.querysets_storage import SlotQuerySet, StorageNodeQuerySet


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
    # said when it is made, of all within, and never changed: a place of samples never becomes one of units
    for_samples = models.BooleanField(_("for samples"), default=False, db_default=False, editable=False)

    objects = StorageNodeQuerySet.as_manager()

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["bank", "parent", "code"], name="node_code_once", nulls_distinct=False
            ),
            # The number of a place begins with its tank: with this one it names one slot in the whole house.
            models.UniqueConstraint(fields=["code"], condition=Q(kind="tank"), name="node_tank_code_once"),
            models.CheckConstraint(condition=Q(kind__in=NodeKind.values), name="node_kind_known"),
            models.CheckConstraint(condition=Q(code__regex=f"^{CODE_PATTERN}$"), name="node_code_form"),
            models.CheckConstraint(
                condition=Q(kind="site", parent__isnull=True) | (~Q(kind="site") & Q(parent__isnull=False)),
                name="node_only_sites_are_roots",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}"

    @property
    def path(self) -> str:
        """The number of this node, as its label has it: `T1-R3-C2`; of a site its own code."""
        return canister_code(self)


class Slot(models.Model):
    """One row is one place for one unit; at most one unit lies in it, and a unit lies in one at most.

    for_samples: as its canister. Such a place takes no unit, but the reference samples of one kind of one unit.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    canister = models.ForeignKey(StorageNode, on_delete=models.PROTECT, related_name="slots")
    position = models.PositiveSmallIntegerField()
    unit = models.OneToOneField(
        "bank.CordBloodUnit", on_delete=models.PROTECT, null=True, blank=True, related_name="slot"
    )
    for_samples = models.BooleanField(default=False, db_default=False, editable=False)
    sample = models.OneToOneField(
        "bank.UnitSample", on_delete=models.PROTECT, null=True, blank=True, related_name="slot"
    )
    blocked = models.BooleanField(default=False)
    blocked_reason = models.TextField(blank=True, default="", db_default="")

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        indexes = [
            # Where is room? At a million slots nearly all are taken.
            models.Index(
                fields=["canister", "position"],
                condition=Q(unit__isnull=True, sample__isnull=True, blocked=False),
                name="slot_free",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["canister", "position"], name="slot_position_once"),
            models.CheckConstraint(
                condition=Q(blocked=False) | Q(unit__isnull=True, sample__isnull=True),
                name="slot_blocked_is_empty",
            ),
            models.CheckConstraint(
                condition=Q(for_samples=True, unit__isnull=True) | Q(for_samples=False, sample__isnull=True),
                name="slot_units_or_samples",
            ),
            models.CheckConstraint(
                condition=Q(blocked=True) | Q(blocked_reason=""), name="slot_reason_of_blocked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.canister.code}-{self.position}"

    @property
    def place(self) -> str:
        """The number of the place: `T1-R3-C2-07`. Needs the canister with its parents."""
        return place_code(self)

    @property
    def is_free(self) -> bool:
        return self.unit_id is None and self.sample_id is None and not self.blocked
