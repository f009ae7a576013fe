"""Loading of reference data (releases, codes, common alleles): compiled once, kept with version, never altered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from hla.ciwd import CiwdTable
from hla.mac import MacTable
from hla.nomenclature import Nomenclature, NomenclatureError
from hla.release import compile_files, compile_release
from hla.release_source import MAX_BYTES as MAX_FILE
from hla.release_source import gather
from matching import reference
from matching.engine.snapshot import mac_checksum
from matching.fetch import Fetcher, Tell, is_address, plain_name
from matching.models import CiwdTableVersion, LoadedReference, MacTableVersion, NomenclatureRelease
from matching.services.rereading import rereading_start

Row = TypeVar("Row", bound=LoadedReference)
Table = TypeVar("Table")

MAX_ZIP = 2 << 30  # the zip of the whole repository of IPD-IMGT/HLA is some hundred MB
MAX_TABLE = 512 << 20


def release_load(
    *, path: Path | str, actor: Actor, activate: bool = True, tell: Tell | None = None
) -> NomenclatureRelease:
    """Compile an IPD-IMGT/HLA release and keep it. The same content gives the row that is there.

    path: its folder or zip, or the address of one; `tell` hears the bytes that an address gave so far. Raises
    InvalidInput for a release that is missing, incomplete or altered; then nothing has changed.
    """
    missing = _("%(path)s does not exist. Give the folder or zip of one IPD-IMGT/HLA release.")
    check_there(path, "release_folder_missing", missing)
    with readable("release_unreadable", path):
        compiled = _compiled(path, tell)
    return _keep(
        NomenclatureRelease,
        version=compiled.release,
        checksum=compiled.checksum,
        content=compiled.to_bytes(),
        entries=compiled.size,
        origin=plain_name(path),
        actor=actor,
        activate=activate,
    )


def _compiled(path: Path | str, tell: Tell | None) -> Nomenclature:
    """From a folder or zip of this computer or of an address; an address that ends in .zip is a zip."""
    if not is_address(path):
        return compile_release(Path(path))
    fetcher = Fetcher(str(path), MAX_ZIP, tell)
    if fetcher.is_local() or urlsplit(str(path)).path.lower().endswith(".zip"):
        with fetcher.file() as here:
            return compile_release(here)
    return compile_files(gather(Fetcher(str(path), MAX_FILE, tell).below))


def mac_load(
    *, path: Path | str, actor: Actor, activate: bool = True, tell: Tell | None = None
) -> MacTableVersion:
    """Read a table of multiple allele codes in NMDP's layout (plain, .gz, .zip) and keep it; as `release_load`."""
    missing = _("%(path)s does not exist. Give the table of multiple allele codes (numer.v3.txt or its zip).")
    check_there(path, "mac_file_missing", missing)
    table = _table(path, MacTable.from_file, "mac_unreadable", tell)
    return _keep(
        MacTableVersion,
        version=table.version,
        checksum=mac_checksum(table),
        content=table.to_bytes(),
        entries=len(table),
        origin=plain_name(path),
        actor=actor,
        activate=activate,
    )


def ciwd_load(
    *, path: Path | str, actor: Actor, activate: bool = True, tell: Tell | None = None
) -> CiwdTableVersion:
    """Read a table of common and well-documented alleles (ciwd.3.0.0.csv) and keep it; as `release_load`."""
    missing = _("%(path)s does not exist. Give the table of common alleles (ciwd.3.0.0.csv).")
    check_there(path, "ciwd_file_missing", missing)
    table = _table(path, CiwdTable.from_file, "ciwd_unreadable", tell)
    return _keep(
        CiwdTableVersion,
        version=table.version,
        checksum=table.checksum,
        content=table.to_bytes(),
        entries=len(table),
        origin=plain_name(path),
        actor=actor,
        activate=activate,
    )


def _table(path: Path | str, read: Callable[[Path], Table], code: str, tell: Tell | None) -> Table:
    with readable(code, path):
        if not is_address(path):
            return read(Path(path))
        with Fetcher(str(path), MAX_TABLE, tell).file() as here:
            return read(here)


def check_there(path: Path | str, code: str, message: Any) -> None:
    if not is_address(path) and not Path(path).exists():
        raise InvalidInput(code, message, field="path", params={"path": path})


@contextmanager
def readable(code: str, path: Path | str) -> Iterator[None]:
    try:
        yield
    except (NomenclatureError, OSError, ValueError) as error:
        why = f"{plain_name(path)}: {error}" if is_address(path) else error
        raise InvalidInput(
            code, _("The reference data cannot be read: %(why)s"), field="path", params={"why": why}
        ) from error


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
    """The row, and with it all of the data: what fails before leaves what is in use as it is."""
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
    before = None if created else renewed(row, content)
    changed = activate and _activate(row, actor)
    if created or before or changed:
        after = {"version": version, "checksum": checksum, "entries": entries, "is_active": row.is_active}
        if before:
            after |= {name: getattr(row, name) for name in before}
        audit.record(
            actor=actor,
            action="reference.load" if created else "reference.renew" if before else "reference.activate",
            target=row,
            before=before,
            after=after,
        )
    return row


def renewed(
    row: LoadedReference, content: bytes, changed: Callable[[], None] = reference.changed
) -> dict[str, Any] | None:
    """Bytes compiled now in the place of others that say, or ought to say, the same; what was there before.

    Stored ones that are damaged or of an older format cannot be read; loading the data again is the cure.
    """
    stored, sha256 = bytes(row.compiled), hashlib.sha256(content).hexdigest()
    if (stored, row.compiled_sha256, row.compiled_bytes) == (content, sha256, len(content)):
        return None
    row.compiled, row.compiled_sha256, row.compiled_bytes = content, sha256, len(content)
    row.save(update_fields=["compiled", "compiled_sha256", "compiled_bytes"])
    transaction.on_commit(changed)
    return {"compiled_sha256": hashlib.sha256(stored).hexdigest(), "compiled_bytes": len(stored)}


def release_activate(*, release: NomenclatureRelease, actor: Actor) -> NomenclatureRelease:
    """Use this release from now on; results keep naming the one that they were made by."""
    return _activated(release, actor)


def mac_activate(*, table: MacTableVersion, actor: Actor) -> MacTableVersion:
    """Use this table of multiple allele codes from now on."""
    return _activated(table, actor)


def ciwd_activate(*, table: CiwdTableVersion, actor: Actor) -> CiwdTableVersion:
    """Warn by this table of common alleles from now on."""
    return _activated(table, actor)


@transaction.atomic
def _activated(row: Row, actor: Actor) -> Row:
    if not _activate(row, actor):
        raise Conflict("already_active", _("%(version)s is already in use."), params={"version": row.version})
    audit.record(actor=actor, action="reference.activate", target=row, after={"is_active": True})
    return row


def _activate(row: Row, actor: Actor) -> bool:
    """Make it the one in use; False if it is. Two at once: the constraint lets one through.

    What typings mean by it is read anew by a job; the table of common alleles changes no meaning.
    """
    rows = type(row)._default_manager
    before = rows.filter(is_active=True).defer("compiled").first()
    if before == row:
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
    transaction.on_commit(reference.changed)
    if not isinstance(row, CiwdTableVersion):
        rereading_start(before=before, after=row, actor=actor)
    return True
