"""Loading of nomenclature releases and MAC tables: compiled once, kept with version and checksum, never altered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from hla.mac import MacTable
from hla.nomenclature import NomenclatureError
from hla.release import compile_release
from matching import reference
from matching.engine.snapshot import mac_checksum
from matching.models import LoadedReference, MacTableVersion, NomenclatureRelease

Row = TypeVar("Row", bound=LoadedReference)


def release_load(*, path: Path, actor: Actor, activate: bool = True) -> NomenclatureRelease:
    """Compile an IPD-IMGT/HLA release folder and keep it. The same content gives the row that is there.

    Raises InvalidInput for a folder that is missing, incomplete or altered.
    """
    if not path.is_dir():
        raise InvalidInput(
            "release_folder_missing",
            _("%(path)s is no folder. Give the folder of one IPD-IMGT/HLA release, such as …/imgt/3580."),
            field="path",
            params={"path": path},
        )
    try:
        compiled = compile_release(path)
    except NomenclatureError as error:
        raise _unreadable("release_unreadable", error) from error
    return _keep(
        NomenclatureRelease,
        version=compiled.release,
        checksum=compiled.checksum,
        content=compiled.to_bytes(),
        entries=compiled.size,
        origin=path.name,
        actor=actor,
        activate=activate,
    )


def mac_load(*, path: Path, actor: Actor, activate: bool = True) -> MacTableVersion:
    """Read a table of multiple allele codes in NMDP's layout and keep it; as `release_load`."""
    if not path.is_file():
        raise InvalidInput(
            "mac_file_missing",
            _("%(path)s is no file. Give the table of multiple allele codes (numer.v3.txt)."),
            field="path",
            params={"path": path},
        )
    try:
        table = MacTable.from_file(path)
    except (NomenclatureError, ValueError) as error:
        raise _unreadable("mac_unreadable", error) from error
    content = table.to_bytes()
    return _keep(
        MacTableVersion,
        version=table.version,
        checksum=mac_checksum(table),
        content=content,
        entries=len(table),
        origin=path.name,
        actor=actor,
        activate=activate,
    )


def _unreadable(code: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        code, _("The reference data cannot be read: %(why)s"), field="path", params={"why": error}
    )


@transaction.atomic
def _keep(
    model: type[Row],
    *,
    version: str,
    checksum: str,
    content: bytes,
    entries: int,
    origin: str,
    actor: Actor,
    activate: bool,
) -> Row:
    rows: models.Manager[Any] = model._default_manager
    row: Row
    row, created = rows.get_or_create(
        checksum=checksum,
        defaults={
            "version": version,
            "compiled": content,
            "compiled_sha256": hashlib.sha256(content).hexdigest(),
            "compiled_bytes": len(content),
            "entries": entries,
            "origin": origin[:200],
            "loaded_by": actor.label[:200],
        },
    )
    changed = activate and _activate(row)
    if created or changed:
        audit.record(
            actor=actor,
            action="reference.load" if created else "reference.activate",
            target=row,
            after={"version": version, "checksum": checksum, "entries": entries, "is_active": row.is_active},
        )
    return row


def release_activate(*, release: NomenclatureRelease, actor: Actor) -> NomenclatureRelease:
    """Use this release from now on; results keep naming the one that they were made by."""
    return _activated(release, actor)


def mac_activate(*, table: MacTableVersion, actor: Actor) -> MacTableVersion:
    """Use this table of multiple allele codes from now on."""
    return _activated(table, actor)


@transaction.atomic
def _activated(row: Row, actor: Actor) -> Row:
    if not _activate(row):
        raise Conflict("already_active", _("%(version)s is already in use."), params={"version": row.version})
    audit.record(actor=actor, action="reference.activate", target=row, after={"is_active": True})
    return row


def _activate(row: Row) -> bool:
    """Make it the one in use; False if it is. Two at once: the constraint lets one through."""
    rows = type(row)._default_manager
    if rows.filter(pk=row.pk, is_active=True).exists():
        row.is_active = True
        return False
    try:
        with transaction.atomic():
            rows.filter(is_active=True).update(is_active=False)
            rows.filter(pk=row.pk).update(is_active=True)
    except IntegrityError as error:
        raise Conflict(
            "activated_meanwhile", _("Somebody put another version to use this moment. Look again.")
        ) from error
    row.is_active = True
    transaction.on_commit(reference.forget)
    return True
