"""Documents of a unit: kept encrypted in the database, handed out as a file, withdrawn and never deleted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import DocumentKind
from bank.models import UnitDocument
from bank.writing import given_reason, guard_own, locked_unit, touch_unit
from core import audit
from core.audit import Actor
from core.crypto import decrypt_bytes, encrypt_bytes
from core.errors import Conflict, InvalidInput

MOST_BYTES = 10 * 1024 * 1024
# What a file is, by its first bytes: neither its name nor what the browser says of it counts.
_MAGIC = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
)


@dataclass(frozen=True)
class Opened:
    """A document as it came."""

    row: UnitDocument
    content: bytes

    @property
    def file_name(self) -> str:
        """Of the unit and the kind: what somebody called the file may be a name."""
        ending = next(end for _magic, name, end in _MAGIC if name == self.row.content_type)
        return f"{self.row.unit.unit_no}-{self.row.kind}-{self.row.added_at:%Y%m%d}.{ending}"


def content_type_of(data: bytes) -> str:
    """Raises InvalidInput `file_kind` for anything but PDF, PNG and JPEG."""
    for magic, name, _ending in _MAGIC:
        if data.startswith(magic):
            return name
    raise InvalidInput("file_kind", _("Only PDF, PNG and JPEG files are kept here."), field="file")


def extension_of(content_type: str) -> str:
    """Of a kind that `content_type_of` knows, without the dot."""
    return next(ending for _magic, name, ending in _MAGIC if name == content_type)


def guard_size(size: int) -> None:
    """Raises InvalidInput `file_missing`, `file_large`; before a large file is read into memory."""
    if not size:
        raise InvalidInput("file_missing", _("The file is empty."), field="file")
    if size > MOST_BYTES:
        text = _("The file is larger than %(most)d MB.")
        raise InvalidInput("file_large", text, field="file", params={"most": MOST_BYTES // 1024 // 1024})


@transaction.atomic
def document_add(*, unit_id: UUID, kind: str, title: str, data: bytes, actor: Actor) -> UnitDocument:
    """Keep a file. Raises InvalidInput: file_missing, file_large, file_kind; Conflict `document_exists`."""
    guard_size(len(data))
    content_type = content_type_of(data)
    unit = locked_unit(unit_id)
    guard_own(unit)
    digest = hashlib.sha256(data).hexdigest()
    if unit.documents.standing().filter(sha256=digest).exists():
        raise Conflict("document_exists", _("This file is kept here already."), field="file")
    row: UnitDocument = UnitDocument.objects.create(
        unit=unit,
        kind=DocumentKind(kind),
        title=title.strip()[:120] or str(DocumentKind(kind).label),
        content_type=content_type,
        size_bytes=len(data),
        sha256=digest,
        content=encrypt_bytes(data),
        added_by_id=actor.person_id,
    )
    after = {"document": str(row.pk), "kind": row.kind, "title": row.title, "sha256": digest}
    touch_unit(unit, actor=actor, action="unit.document", after=after)
    return row


@transaction.atomic
def document_open(*, document: UnitDocument, actor: Actor) -> Opened:
    """Its content; who took it away is on record. Raises Conflict `document_changed` where it is not what came."""
    row = UnitDocument.objects.select_related("unit").get(pk=document.pk)
    data = decrypt_bytes(bytes(row.content))
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise Conflict("document_changed", _("This document is not what it was when it was added."))
    after = {"document": str(row.pk), "kind": row.kind}
    audit.record(actor=actor, action="unit.document_open", target=row.unit, after=after)
    return Opened(row, data)


@transaction.atomic
def document_withdraw(*, document_id: UUID, actor: Actor, reason: str) -> UnitDocument:
    """Say that a document is wrong (another unit's, unreadable): it stays to be seen and counts no more."""
    found = UnitDocument.objects.light().filter(pk=document_id).first()
    if found is None:
        raise InvalidInput("document_unknown", _("There is no such document."))
    unit = locked_unit(found.unit_id)
    guard_own(unit)
    row: UnitDocument = UnitDocument.objects.light().get(pk=document_id)  # as it is under the lock
    if row.withdrawn_at is not None:
        raise Conflict("withdrawn_already", _("This document is withdrawn already."))
    reason = given_reason(reason)
    row.withdrawn_by_id, row.withdrawn_at, row.withdrawal_reason = actor.person_id, timezone.now(), reason
    row.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawal_reason"])
    before = {"document": str(row.pk), "kind": row.kind, "title": row.title}
    touch_unit(unit, actor=actor, action="unit.document_withdraw", before=before, reason=reason)
    return row
