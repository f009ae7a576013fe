"""A recall of a lot that is on reaches further units: a use was noted late, or two lots turned out to be one.

Not a service of its own: called by `bank.lot_reach` inside the transaction of what found it, which has locked units and
lot. Locks: the incident, the recall; people are told last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from bank.models import CordBloodUnit, Lot
from core import audit, notifications
from core.audit import Actor
from core.notifications import Notice
from transplants import notices_incidents as notices
from transplants.affected import OUTSIDE, Affected, affected_by
from transplants.incidents import due_day
from transplants.models import Incident, Recall
from transplants.recalled import batch_of, hold_back
from transplants.writing_incidents import record, save


def extend(lot: Lot, units: Sequence[CordBloodUnit], actor: Actor) -> None:
    """Units of the lot that a running recall of it does not know: recalled with it, and their hospitals told.

    One that was taken out of the recall stays out: two people looked at it.
    """
    told: list[Notice] = []
    for key, incident_id in Recall.objects.on().of_lot(lot).order_by("pk").values_list("pk", "incident"):
        incident = Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
        row = Recall.objects.on().select_for_update(no_key=True).filter(pk=key).first()
        if row is not None:  # not lifted while we waited
            row.incident = incident
            told += _grown(row, lot, units, actor)
    if told:
        notifications.notifications_create(notices=told)


def _grown(row: Recall, lot: Lot, units: Sequence[CordBloodUnit], actor: Actor) -> list[Notice]:
    known = set(row.units.values_list("unit", flat=True))
    new = [unit for unit in units if unit.pk not in known]
    if not new:
        return []
    hold_back(row, new, actor)
    found = affected_by([unit.pk for unit in new])
    _alert(row.incident, found, actor)
    after: dict[str, Any] = {
        "lot": str(lot),
        "outside": len(found.outside),
        "hospitals": [hospital.code for hospital in found.hospitals],
    }
    target = (row._meta.label, str(row.pk), row.number)
    audit.record(actor=actor, action="recall.grow", target=target, after=after, batch=batch_of(new))
    return notices.recall_grown(row, found.stakes)


def _alert(incident: Incident, found: Affected, actor: Actor) -> None:
    """What has left the bank makes a rapid alert, as at the start of a recall."""
    if incident.rapid_alert or not any(unit.status in OUTSIDE for unit in found.units):
        return
    due = due_day(incident.seriousness, True, timezone.localdate())
    due_on = min(filter(None, (incident.due_on, due)))
    before = {"rapid_alert": False, "due_on": incident.due_on}
    save(incident, {"rapid_alert": True, "due_on": due_on})
    after = {"rapid_alert": True, "due_on": due_on}
    record(incident, "incident.rapid_alert", actor, before=before, after=after)
