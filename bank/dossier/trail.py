"""What the audit trail says of a unit: all entries in order, and parts of it that have a section of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from bank import action_words
from bank.dossier.records import Field, Record, made, plain
from bank.dossier.registry import Subject
from bank.labels.formats import LabelKind
from bank.presenters_lots import ACTIONS as LOT_ACTIONS
from bank.stays import UNIT
from core.audit import SYSTEM
from core.models import AuditEntry, RoleGrant
from core.roles import Role

ENTRY = AuditEntry._meta.label


def nothing(subject: Subject) -> list[Record]:
    """The trail is of all records of the other sections: bank.dossier.build asks `entries` for it."""
    return []


def entries(subject: Subject, targets: Mapping[str, set[str]]) -> list[Record]:
    """Every entry about the unit and about `targets` (model label -> keys), oldest first, with the people's roles."""
    wanted = Q(target_type=UNIT, target_key=str(subject.unit.pk))
    for model, keys in sorted(targets.items()):
        wanted |= Q(target_type=model, target_key__in=sorted(keys))
    rows = list(AuditEntry.objects.filter(wanted).order_by("at", "pk"))
    roles = _roles({row.actor_id for row in rows})
    return [Record(ENTRY, str(row.pk), tuple(_fields(row, roles.get(row.actor_id, [])))) for row in rows]


def _roles(actor_ids: Iterable[str]) -> dict[str, list[str]]:
    """Of each person the roles that they have today: the trail keeps names, not roles."""
    people = [UUID(key) for key in actor_ids if not key.startswith(SYSTEM)]
    found: dict[str, list[str]] = {}
    for person, role in (
        RoleGrant.objects.filter(user__in=people).order_by("role").values_list("user_id", "role")
    ):
        found.setdefault(str(person), []).append(role)
    return found


def _fields(row: AuditEntry, roles: list[str]) -> Iterable[Field]:
    labels = ", ".join(str(Role(role).label) for role in roles)
    yield made("at", row.at)
    actor = {"id": row.actor_id, "name": row.actor_label, "roles_today": roles}
    yield Field("actor", actor, f"{row.actor_label} ({labels})" if labels else row.actor_label)
    yield Field("action", row.action, action_text(row.action))
    yield made("reason", row.reason)
    yield Field(
        "target", {"type": row.target_type, "id": row.target_key, "name": row.target_label}, _target(row)
    )
    yield made("before", row.before)
    yield made("after", row.after)
    yield made("batch_rows", row.batch_rows)
    yield made("batch_sha256", row.batch_sha256)
    yield made("request_id", row.request_id)


def action_text(action: str) -> str:
    """In words where there are some, with the name that the trail keeps behind it."""
    words = action_words.ACTIONS.get(action) or LOT_ACTIONS.get(action)
    return f"{words()} ({action})" if words else action


def _target(row: AuditEntry) -> str:
    """Nothing where it is the unit itself."""
    return "" if row.target_type == UNIT else row.target_label


# --- parts of it ----------------------------------------------------------------------------------


def labels(subject: Subject) -> list[Record]:
    def printed(row: AuditEntry) -> Iterable[Field]:
        told: Mapping[str, Any] = row.after or {}
        kind = told.get("kind", "")
        yield Field("kind", kind, str(LabelKind(kind).label) if kind in LabelKind.values else kind)
        yield made("count", told.get("count"))

    return [_part(row, printed(row)) for row in _entries(subject, "unit.label")]


def holds(subject: Subject) -> list[Record]:
    def status(row: AuditEntry) -> Iterable[Field]:
        yield Field("action", row.action, action_text(row.action))
        yield made("reason", row.reason)
        yield Field("status", plain((row.after or {}).get("status")), "")

    return [_part(row, status(row)) for row in _entries(subject, "unit.hold", "unit.unhold")]


def _entries(subject: Subject, *actions: str) -> Iterable[AuditEntry]:
    rows = AuditEntry.objects.filter(target_type=UNIT, target_key=str(subject.unit.pk), action__in=actions)
    return rows.order_by("at", "pk")


def _part(row: AuditEntry, fields: Iterable[Field]) -> Record:
    actor = Field("actor", {"id": row.actor_id, "name": row.actor_label}, row.actor_label)
    return Record(row.action, str(row.pk), (made("at", row.at), actor, *fields))
