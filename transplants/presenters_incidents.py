"""Incidents in words: state, clock, facts, units, notes, what happened, what a person may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bank.choices import STATUS_TONE
from bank.models import CordBloodUnit
from core.models import AuditEntry, User
from core.roles import Permission
from hospitals.querysets import hospitals_open_to, open_in
from transplants.choices_incidents import STATE_TONE, Seriousness
from transplants.models import Incident, IncidentNote, IncidentUnit, Recall
from transplants.querysets_incidents import IncidentUnitQuerySet
from transplants.received import at_stake_of
from transplants.services_incidents import closing_refusal, is_of_bank

MOST_UNITS = 100  # of an incident on its page; those of a recalled lot stand with the recall


def state_tag(row: Incident) -> dict[str, str]:
    return {"text": str(row.get_state_display()), "tone": STATE_TONE.get(row.state, "good")}


def serious_tag(row: Incident) -> dict[str, str]:
    """{} for one that is not serious."""
    if not row.is_serious:
        return {}
    grave = row.seriousness in (Seriousness.LIFE_THREATENING, Seriousness.FATAL)
    return {"text": str(row.get_seriousness_display()), "tone": "bad" if grave else "warn"}


def due_tag(row: Incident, today: dt.date) -> dict[str, str]:
    """The clock until others have to know; {} where there is none."""
    if row.reported_out_at is not None:
        return {"text": _("reported outside"), "tone": "good"}
    if row.due_on is None or not row.is_open:
        return {}
    days = (row.due_on - today).days
    if days < 0:
        text = ngettext("overdue since %(n)d day", "overdue since %(n)d days", -days) % {"n": -days}
        return {"text": text, "tone": "bad"}
    if days == 0:
        return {"text": _("due today"), "tone": "warn"}
    return {"text": ngettext("due in %(n)d day", "due in %(n)d days", days) % {"n": days}, "tone": ""}


def lot_of(row: Incident, *, of_bank: bool) -> str:
    """Which lot it is about is the bank's own affair: other hospitals have units of it."""
    return str(row.lot) if of_bank and row.lot else ""


def concerns(row: Incident, *, of_bank: bool) -> list[str]:
    """Hospital, patient, order and lot, by their codes."""
    parts = (
        row.hospital.code if row.hospital else "",
        row.patient.code if row.patient else "",
        row.order.number if row.order else "",
        lot_of(row, of_bank=of_bank),
    )
    return [part for part in parts if part]


def list_row(row: Incident, today: dt.date, user: User) -> dict[str, Any]:
    return {
        "row": row,
        "url": reverse("transplants:incident-detail", args=[row.pk]),
        "state": state_tag(row),
        "serious": serious_tag(row),
        "due": due_tag(row, today),
        "concerns": concerns(row, of_bank=is_of_bank(user)),
    }


def facts(row: Incident, *, of_bank: bool) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [
        {"label": _("Kind"), "value": row.kind_name},
        {"label": _("Seriousness"), "value": row.get_seriousness_display()},
        {"label": _("Imputability"), "value": row.get_imputability_display()},
        {"label": _("Rapid alert"), "value": _("yes") if row.rapid_alert else _("no")},
        {"label": _("Happened on"), "value": f"{row.happened_on:%Y-%m-%d}"},
        {"label": _("Opened"), "value": f"{moment(row.opened_at)}, {row.opened_by}"},
        {"label": _("To be reported until"), "value": f"{row.due_on:%Y-%m-%d}" if row.due_on else ""},
        {"label": _("Reported outside at"), "value": moment(row.reported_out_at), "note": row.reported_to},
        {
            "label": _("Hospital"),
            "value": f"{row.hospital.code} {row.hospital.display_name}" if row.hospital else "",
        },
        {"label": _("Patient"), "value": row.patient.code if row.patient else ""},
        {"label": pgettext("transplant", "Order"), "value": row.order.number if row.order else ""},
    ]
    if of_bank:
        items += [
            {"label": _("Lot"), "value": lot_of(row, of_bank=of_bank)},
            {"label": _("Looked after by"), "value": str(row.owner.full_name) if row.owner else ""},
        ]
    return items


def moment(at: dt.datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


def units_of(row: Incident, user: User) -> IncidentUnitQuerySet:
    """Those of its units that the person may see named, in the order of their numbers."""
    rows: IncidentUnitQuerySet = IncidentUnit.objects.visible_to(user).filter(incident=row)
    return rows.select_related("unit__bank").order_by("unit__unit_no", "pk")


def unit_rows(row: Incident, user: User) -> list[dict[str, Any]]:
    """The first MOST_UNITS; a link where the person may open the unit."""
    shown = list(units_of(row, user)[:MOST_UNITS])
    keys = [one.unit_id for one in shown]
    units = CordBloodUnit.objects.with_kept().visible_to(user).filter(pk__in=keys)
    visible, told = set(units.values_list("pk", flat=True)), states_told(keys, user)
    return [
        {
            **(unit_tags(one.unit) if one.unit_id in told else {"no": one.unit.public_no}),
            "url": reverse("bank:unit-detail", args=[one.unit_id]) if one.unit_id in visible else "",
        }
        for one in shown
    ]


def none_named(user: User) -> str:
    return _("No unit is named.") if is_of_bank(user) else _("No unit of yours is named.")


def states_told(unit_ids: Collection[UUID], user: User) -> set[UUID]:
    """Of which the person may know where they stand now: a hospital while it has something at stake in them."""
    opened = hospitals_open_to(user, Permission.INCIDENT_VIEW)
    if opened is None:
        return set(unit_ids)
    return set(at_stake_of(opened).filter(pk__in=unit_ids).values_list("pk", flat=True))


def unit_tags(unit: CordBloodUnit) -> dict[str, Any]:
    return {
        "no": unit.public_no,
        "status": unit.get_status_display(),
        "tone": "" if unit.blocks else STATUS_TONE.get(unit.status, ""),
        "blocks": unit.block_labels,
    }


def thread(row: Incident, user: User) -> list[IncidentNote]:
    """What the person may read of its notes, as they were written."""
    notes = IncidentNote.objects.visible_to(user).filter(incident=row)
    return list(notes.select_related("written_by").order_by("written_at", "pk"))


def recall_rows(row: Incident, user: User) -> list[Recall]:
    rows = Recall.objects.visible_to(user).filter(incident=row)
    return list(rows.with_unit_counts().order_by("-started_at"))


def may(row: Incident, user: User) -> dict[str, bool]:
    """What the page offers; the services decide."""
    works = user.has_permission(Permission.INCIDENT_WORK)
    writes = user.has_permission(Permission.INCIDENT_REPORT) and (
        is_of_bank(user)
        or (row.hospital_id is not None and open_in(user, Permission.INCIDENT_REPORT, row.hospital_id))
    )
    return {
        "note": row.is_open and writes,
        "assess": row.is_open and works,
        "reported_out": row.is_open and works,
        "close": row.is_open and works,
        "reopen": not row.is_open and works,
        "recall": row.is_open and user.has_permission(Permission.RECALL_START),
    }


def first_of(row: Incident, user: User) -> str:
    """What keeps this person from closing it: stands above the form, so that nobody types in vain."""
    refusal = closing_refusal(row, user)
    return refusal.message if refusal else ""


# --- what happened --------------------------------------------------------------------------------

WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "incident.open": (lambda: _("Opened"), "warn"),
    "incident.note": (lambda: _("Note written"), ""),
    "incident.assess": (lambda: _("Assessed"), ""),
    "incident.rapid_alert": (lambda: _("Rapid alert"), "bad"),
    "incident.report_out": (lambda: _("Reported outside"), "good"),
    "incident.close": (lambda: _("Closed"), "good"),
    "incident.reopen": (lambda: _("Opened again"), "warn"),
    "incident.remind": (lambda: _("Reminded: overdue"), "bad"),
    "incident.sign_refused": (lambda: _("Signature refused"), "bad"),
    "recall.start": (lambda: _("Recall started"), "bad"),
    "recall.grow": (lambda: _("Reaches further units"), "bad"),
    "recall.free": (lambda: _("Units taken out of the recall"), "good"),
    "recall.lift": (lambda: _("Recall lifted"), "good"),
    "recall.sign_refused": (lambda: _("Signature refused"), "bad"),
}
MOST_ENTRIES = 50


def history(row: Incident | Recall) -> list[dict[str, Any]]:
    """What was done with it, newest first: for the bank's people."""
    rows = AuditEntry.objects.filter(target_type=row._meta.label, target_key=str(row.pk))
    return [_entry(entry) for entry in rows.order_by("-at", "-pk")[:MOST_ENTRIES]]


def _entry(entry: AuditEntry) -> dict[str, Any]:
    words, tone = WORDS.get(entry.action, (lambda: entry.action, ""))
    return {
        "at": entry.at,
        "text": words(),
        "actor": _("automatically") if entry.actor_id.startswith("system:") else entry.actor_label,
        "detail": entry.reason,
        "tone": tone,
    }
