"""What of the storage gets labels: a canister with its slots, or the canisters of a rack or tank."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bank.choices import NodeKind
from bank.models import Slot, StorageNode
from core.errors import InvalidInput


@dataclass(frozen=True)
class Labelled:
    """What the labels of a place are of: a canister and its slots, or the canisters of a rack or tank."""

    node: StorageNode
    places: list[StorageNode | Slot]


def labelled(code: str) -> Labelled:
    """Raises InvalidInput: place_unknown."""
    node = StorageNode.objects.numbered(code)
    if node is None:
        text = _("There is no tank, rack or canister “%(code)s”. Write it as T1-R3-C2.")
        raise InvalidInput("place_unknown", text, field="place", params={"code": code[:40]})
    if node.kind == NodeKind.CANISTER:
        slots = Slot.objects.with_place().filter(canister=node).order_by("position")
        return Labelled(node, [node, *slots])
    below = Q(parent=node) | Q(parent__parent=node)
    canisters = StorageNode.objects.of_kind(NodeKind.CANISTER).with_parents().filter(below)
    return Labelled(node, list(canisters.order_by("parent__position", "position")))
