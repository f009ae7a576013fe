"""Printing labels: who may have one, and that it was printed. A unit that must not be used gets none."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bank.choices import LEFT, Source
from bank.labels.formats import LabelKind
from bank.labels.selection import MOST
from bank.models import CordBloodUnit, StorageNode
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput

# Why a unit gets no label; the first that holds is told.
REFUSALS = {
    "recalled": _("%(unit)s is recalled: no label is printed until the recall is lifted."),
    "consent_withdrawn": _("The consent for %(unit)s is withdrawn: nothing of it is labelled any more."),
    "not_own": _("%(unit)s belongs to a partner; only the partner labels it."),
    "left": _("%(unit)s has left the inventory: it gets no label any more."),
}


def refusal(unit: CordBloodUnit) -> str:
    """The key of REFUSALS that holds for a unit, "" if it may have labels."""
    if unit.source != Source.OWN:
        return "not_own"
    if unit.status in LEFT:
        return "left"
    return next((flag for flag in ("recalled", "consent_withdrawn") if getattr(unit, flag)), "")


def refusal_text(unit: CordBloodUnit) -> str:
    """Its sentence; "" if there is none."""
    code = refusal(unit)
    return str(REFUSALS[code]) % {"unit": unit.public_no} if code else ""


@transaction.atomic
def labels_printed(
    *, unit_ids: Sequence[UUID], kind: LabelKind, count: int, actor: Actor
) -> list[CordBloodUnit]:
    """Note that `count` labels of this kind are printed for each unit, and give the units in the order asked for.

    All or none: the rows are locked while it is judged, so that none is printed after a withdrawal or recall.
    Raises InvalidInput: units_needed, too_many_labels; Conflict: unit_gone, and a key of REFUSALS.
    """
    wanted = list(dict.fromkeys(unit_ids))
    if not wanted:
        raise InvalidInput("units_needed", _("Name at least one unit."), field="units")
    if count < 1 or len(wanted) * count > MOST:
        text = _("At most %(most)s labels at once.")
        raise InvalidInput("too_many_labels", text, field="count", params={"most": MOST})
    rows = CordBloodUnit.objects.select_for_update(no_key=True, of=("self",)).select_related("bank")
    found = {unit.pk: unit for unit in rows.filter(pk__in=wanted).order_by("pk")}
    if len(found) < len(wanted):
        raise Conflict("unit_gone", _("There is no such unit."))
    units = [found[key] for key in wanted]
    for unit in units:
        if code := refusal(unit):
            raise Conflict(code, REFUSALS[code], params={"unit": unit.public_no}, field="units")
    for unit in units:
        after = {"kind": kind.value, "count": count}
        audit.record(actor=actor, action="unit.label", target=unit, after=after)
    return units


@transaction.atomic
def place_labels_printed(*, node: StorageNode, count: int, actor: Actor) -> None:
    """Note that `count` labels of places in a node are printed. Raises InvalidInput: too_many_labels, no_places."""
    if not count:
        raise InvalidInput("no_places", _("Nothing below this place has a label."), field="place")
    if count > MOST:
        text = _("At most %(most)s labels at once.")
        raise InvalidInput("too_many_labels", text, field="place", params={"most": MOST})
    audit.record(actor=actor, action="place.label", target=node, after={"count": count})
