"""Audit by explicit call: one entry per service call, in its transaction, as its last write.

A deferred trigger (migration 0002) numbers and chains the entries at commit; `ledger_since` reads them
in the order in which they became visible, so nothing that commits late is ever skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.http import HttpRequest

from core.models import AuditEntry, Job, Ledger, User

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")

SYSTEM: Final = "system:"  # an actor's id begins so where no person acts


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, or the system by the name of its routine."""

    id: str
    label: str

    @property
    def person_id(self) -> UUID | None:
        """The key of the person's account; None for the system."""
        return None if self.id.startswith(SYSTEM) else UUID(self.id)

    @classmethod
    def user(cls, user: User) -> Actor:
        return cls(id=str(user.pk), label=user.full_name or user.email)

    @classmethod
    def job(cls, job: Job) -> Actor:
        """Who started it."""
        return cls(id=job.actor_id, label=job.actor_label)

    @classmethod
    def system(cls, routine: str) -> Actor:
        return cls(id=f"{SYSTEM}{routine}", label=f"system: {routine}")


@dataclass(frozen=True)
class Batch:
    """A bulk load: how many rows, and the SHA-256 of their canonical text (hex)."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class LedgerRow:
    number: int
    at: datetime
    action: str
    target_type: str
    target_key: str
    data: dict[str, Any]


Target = models.Model | tuple[str, str, str]


def actor_of(request: HttpRequest) -> Actor:
    user = request.user
    if not isinstance(user, User):
        raise TypeError("An anonymous visitor acts on nothing.")
    return Actor.user(user)


def target_of(target: Target) -> tuple[str, str, str]:
    """(type, key, label) of a row, or the three texts as given."""
    if isinstance(target, models.Model):
        return target._meta.label, str(target.pk), str(target)
    return target


def _in_transaction() -> bool:
    return connection.in_atomic_block


def record(
    *,
    actor: Actor,
    action: str,
    target: Target,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    batch: Batch | None = None,
    hospital_id: UUID | None = None,
) -> AuditEntry:
    """Write what was done. Of a change only the changed fields go into `before` and `after`.

    Raises TransactionManagementError outside a transaction: an entry without its change, or a change
    without its entry, must be impossible.
    """
    _guard_transaction()
    entry = _entry(actor, action, target, before, after, reason)
    entry.hospital_id = hospital_id
    entry.batch_rows, entry.batch_sha256 = (batch.rows, batch.sha256) if batch else (None, "")
    entry.save(force_insert=True)
    return entry


@dataclass(frozen=True)
class Entry:
    """One of many rows that one action changed."""

    target: models.Model
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def record_each(*, actor: Actor, action: str, entries: Iterable[Entry], reason: str = "") -> None:
    """As `record`, an entry for each of many rows that one action changed."""
    _guard_transaction()
    rows = [_entry(actor, action, one.target, one.before, one.after, reason) for one in entries]
    AuditEntry.objects.bulk_create(rows, batch_size=1_000)


def _guard_transaction() -> None:
    if not _in_transaction():
        raise transaction.TransactionManagementError("an audit entry needs the transaction of its service")


def _entry(
    actor: Actor,
    action: str,
    target: Target,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str,
) -> AuditEntry:
    target_type, target_key, target_label = target_of(target)
    return AuditEntry(
        actor_id=actor.id,
        actor_label=actor.label[:200],
        request_id=current_request_id.get(),
        action=action,
        target_type=target_type,
        target_key=target_key,
        target_label=target_label[:200],
        reason=reason.replace("\0", ""),
        before=_plain(before),
        after=_plain(after),
    )


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """JSON types only: dates, decimals and UUIDs as text."""
    if values is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(dict(values), cls=DjangoJSONEncoder))
    return plain


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two sides of a change, reduced to the fields that differ."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def ledger_head() -> int:
    """The newest number; 0 for an empty ledger."""
    return Ledger.objects.order_by("-number").values_list("number", flat=True).first() or 0


def ledger_since(
    number: int, *, target_types: Iterable[str] | None = None, limit: int = 10_000
) -> list[LedgerRow]:
    """Entries with a greater number, in commit order. With `target_types` only those kinds."""
    rows = Ledger.objects.after(number)
    if target_types is not None:
        rows = rows.filter(target_type__in=list(target_types))
    return [_ledger_row(row) for row in rows[:limit]]


def ledger_last(target_types: Iterable[str]) -> int:
    """The newest number of an entry about one of these kinds; 0 if there is none."""
    newest = (
        Ledger.objects.filter(target_type=kind).aggregate(last=models.Max("number"))["last"]
        for kind in target_types
    )
    return max((number or 0 for number in newest), default=0)


def _ledger_row(row: Ledger) -> LedgerRow:
    data: dict[str, Any] = json.loads(row.row)
    return LedgerRow(row.number, row.at, data["action"], row.target_type, row.target_key, data)
