"""Reads of the storage: nodes, slots, readings and alarms. `visible_to` is the only way in for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Q

from bank.choices import NodeKind
from bank.places import PlaceText, code_of
from core.roles import Permission

if TYPE_CHECKING:
    from bank.models import Slot, StorageNode, TankAlarm, TankReading  # noqa: F401 - named in bases below
    from core.models import User

ABOVE = "parent__parent__parent"  # of a canister: rack, tank, site
IN_ORDER = (
    "canister__parent__parent__parent__position",
    "canister__parent__parent__parent__code",
    "canister__parent__parent__position",
    "canister__parent__parent__code",
    "canister__parent__position",
    "canister__parent__code",
    "canister__position",
    "canister__code",
    "position",
)


_KINDS = (NodeKind.TANK, NodeKind.RACK, NodeKind.CANISTER)  # by how many codes their number has


def _quarantine(path: str = "") -> Q:
    """Condition that a canister lies in a quarantine area; `path` leads to the canister ("canister__")."""
    found = Q()
    for depth in range(4):
        found |= Q(**{f"{path}{'parent__' * depth}quarantine": True})
    return found


class StorageNodeQuerySet(models.QuerySet["StorageNode"]):
    def visible_to(self, user: User) -> StorageNodeQuerySet:
        """Where units lie is the bank's own affair."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def of_kind(self, kind: NodeKind) -> StorageNodeQuerySet:
        return self.filter(kind=kind)

    def with_parents(self) -> StorageNodeQuerySet:
        return self.select_related(ABOVE)

    def numbered(self, text: str) -> StorageNode | None:
        """The tank, rack or canister whose number this is: `T1`, `T1-R3`, `T1-R3-C2`."""
        codes = [code_of(part) for part in text.split("-")]
        if not all(codes) or len(codes) > len(_KINDS):
            return None
        wanted = {"parent__" * up + "code": code for up, code in enumerate(reversed(codes))}
        return self.with_parents().filter(kind=_KINDS[len(codes) - 1], **wanted).first()

    def canister(self, place: PlaceText) -> StorageNode | None:
        """The canister that a place names."""
        return (
            self.with_parents()
            .filter(
                kind=NodeKind.CANISTER,
                code=place.canister,
                parent__code=place.rack,
                parent__parent__code=place.tank,
                parent__parent__kind=NodeKind.TANK,
            )
            .first()
        )


class SlotQuerySet(models.QuerySet["Slot"]):
    def visible_to(self, user: User) -> SlotQuerySet:
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def with_place(self) -> SlotQuerySet:
        """With all that the number of the place is made of."""
        return self.select_related(f"canister__{ABOVE}")

    def in_order(self) -> SlotQuerySet:
        """As one walks: site, tank, rack, canister, slot."""
        return self.order_by(*IN_ORDER)

    def at(self, place: PlaceText) -> SlotQuerySet:
        """The slot that a place names: one row, or none."""
        return self.filter(
            position=place.position or 0,  # a canister alone names no slot
            canister__kind=NodeKind.CANISTER,
            canister__code=place.canister,
            canister__parent__code=place.rack,
            canister__parent__parent__code=place.tank,
            canister__parent__parent__kind=NodeKind.TANK,
        )

    def free(self) -> SlotQuerySet:
        """For units: a place of samples is none for them, whether something lies in it or not."""
        return self.filter(unit__isnull=True, sample__isnull=True, blocked=False, for_samples=False)

    def in_quarantine(self, inside: bool = True) -> SlotQuerySet:
        return self.filter(_quarantine("canister__")) if inside else self.exclude(_quarantine("canister__"))

    def counted(self, by: str) -> dict[object, dict[str, int]]:
        """Slots, units, samples and blocked slots by a node above, e.g. `canister__parent__parent` for tanks."""
        rows = (
            self.order_by()
            .values(by)
            .annotate(
                slots=Count("id"),
                units=Count("unit"),
                samples=Count("sample"),
                blocked=Count("id", filter=Q(blocked=True)),
            )
        )
        return {row.pop(by): row for row in rows}


class TankReadingQuerySet(models.QuerySet["TankReading"]):
    def visible_to(self, user: User) -> TankReadingQuerySet:
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def newest_of_each(self) -> TankReadingQuerySet:
        """The last reading of each tank."""
        return self.order_by("tank_id", "-read_at").distinct("tank_id")


class TankAlarmQuerySet(models.QuerySet["TankAlarm"]):
    def visible_to(self, user: User) -> TankAlarmQuerySet:
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def open(self) -> Self:
        """Those that nobody has acknowledged."""
        return self.filter(acknowledged_at=None)
