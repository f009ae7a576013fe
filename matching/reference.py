"""Nomenclature, MAC table and CIWD table in use: rows of the database, files of this host, objects of this process.

The row is the truth. Its bytes are put into a file once per host, because tens of megabytes should not cross
the connection for every worker; the object is kept, and at most every few seconds one small query asks
whether another row is in use by now.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import reference as core_reference
from core.errors import Conflict
from hla import cache
from hla.ciwd import CiwdTable
from hla.mac import EMPTY_MAC, MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from matching.engine.snapshot import Origin, mac_checksum
from matching.models import CiwdTableVersion, LoadedReference, MacTableVersion, NomenclatureRelease

RECHECK_SECONDS = 3.0


Kind = TypeVar("Kind")


@dataclass
class _Held(Generic[Kind]):
    """What this process holds of one kind of reference data."""

    model: type[LoadedReference]
    sort: str  # what hla.cache calls it
    decode: Callable[[bytes], Kind]
    checked_at: float = float("-inf")
    sha256: str = ""
    held: Kind | None = None

    def active(self) -> Kind | None:
        """The object in use, None where nothing was loaded."""
        if time.monotonic() - self.checked_at > RECHECK_SECONDS:
            self._check()
            self.checked_at = time.monotonic()
        return self.held

    def _check(self) -> None:
        row = self._row()
        if row is None:
            self.held, self.sha256 = None, ""
        elif self.sha256 != row[2]:
            self.held, self.sha256 = decoded(row[1], self.decode, self._content(*row)), row[2]
            with suppress(OSError):
                cache.note_active(folder(), self.sort, self._name(*row[1:]))

    def _row(self) -> tuple[UUID, str, str] | None:
        return self.model.objects.active().values_list("pk", "version", "compiled_sha256").first()

    def note(self) -> None:
        """Put the file of what is in use in its place, and tell programs without a database which it is."""
        row = self._row()
        if row is not None:
            self._content(*row)
        cache.note_active(folder(), self.sort, None if row is None else self._name(*row[1:]))

    def _name(self, version: str, sha256: str) -> str:
        return cache.file_name(self.model.__name__.lower(), version, sha256)

    def _content(self, pk: UUID, version: str, sha256: str) -> bytes:
        return content_of(self.model, pk, self._name(version, sha256), sha256)


def content_of(model: type[LoadedReference], pk: UUID, name: str, sha256: str) -> bytes:
    """From this host's file; where that is missing, cut short or altered, from the row, and written anew."""
    path = folder() / name
    if path.is_file():
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    content = bytes(model.objects.values_list("compiled", flat=True).get(pk=pk))
    cache.write_file(path, content)
    return content


def decoded(version: str, decode: Callable[[bytes], Kind], content: bytes) -> Kind:
    """What stored bytes say. Raises Conflict if they are damaged or of another format."""
    try:
        return decode(content)
    except (ValueError, KeyError, TypeError) as error:
        raise outdated(version) from error


def outdated(version: str) -> Conflict:
    """Never another nomenclature in its place without a word: somebody has to load it again."""
    return Conflict(
        "reference_outdated",
        _(
            "The stored reference data %(version)s were compiled by another version of Qidai. Load them again: "
            "manage.py load_hla_release, load_mac, load_ciwd or load_frequencies."
        ),
        params={"version": version},
    )


def folder() -> Path:
    return Path(settings.VAR_DIR) / "hla"


_nomenclature = _Held(NomenclatureRelease, cache.NOMENCLATURE.entry, Nomenclature.from_bytes)
_mac = _Held(MacTableVersion, cache.MAC.entry, MacTable.from_bytes)
_ciwd = _Held(CiwdTableVersion, cache.CIWD.entry, CiwdTable.from_bytes)


def active_nomenclature() -> Nomenclature | None:
    return _nomenclature.active()


def active_mac() -> MacTable | None:
    return _mac.active()


def active_ciwd() -> CiwdTable | None:
    return _ciwd.active()


def resolver(*, look: bool = False) -> Resolver:
    """As core.reference.resolver.

    `look`: ask the database now, not only every few seconds (a search names what it was made by).
    """
    if look:
        for held in (_nomenclature, _mac, _ciwd):
            held.checked_at = float("-inf")
    return core_reference.resolver()


def resolver_of(*, nomenclature: str, mac: str, release: str, mac_version: str) -> Resolver:
    """Reads typings by reference data that were in use once, named by their checksums; those in use where they are.

    release, mac_version: their names, for people. Raises Conflict for data that are not loaded or cannot be read.
    """
    now = resolver(look=True)
    if Origin.of(now, ledger_number=0).same_reference(Origin(release, nomenclature, mac_version, mac, 0)):
        return now
    builtin = core_reference.builtin_nomenclature()
    return Resolver(
        builtin
        if nomenclature == builtin.checksum
        else _kept(_nomenclature, nomenclature, release, lambda found: found.checksum),
        EMPTY_MAC if mac == mac_checksum(EMPTY_MAC) else _kept(_mac, mac, mac_version, mac_checksum),
    )


def _kept(held: _Held[Kind], checksum: str, version: str, checksum_of: Callable[[Kind], str]) -> Kind:
    """What was loaded under a checksum, in use or not."""
    row = held.model.objects.filter(checksum=checksum).values_list("version", "compiled").first()
    if row is None:
        raise Conflict(
            "reference_not_loaded",
            _("%(version)s (checksum %(checksum)s) is not loaded any more."),
            params={"version": version, "checksum": checksum[:12]},
        )
    found = decoded(row[0], held.decode, bytes(row[1]))
    if checksum_of(found) != checksum:
        raise outdated(row[0])
    return found


def in_use() -> Origin:
    """What results made now would name, by two small queries and without reading the data."""
    release, mac = (
        model.objects.active().values_list("version", "checksum").first()
        for model in (NomenclatureRelease, MacTableVersion)
    )
    if release is None:
        builtin = core_reference.builtin_nomenclature()
        release = (builtin.release, builtin.checksum)
    mac = mac or (EMPTY_MAC.version, mac_checksum(EMPTY_MAC))
    (name, nomenclature), (version, checksum) = release, mac
    return Origin(name, nomenclature, version, checksum, ledger_number=0)


def changed() -> None:
    """Another version was put to use: this process looks anew, and the commands without a database see it."""
    forget()
    with suppress(OSError):  # a folder that cannot be written keeps no service from its work
        for held in (_nomenclature, _mac, _ciwd):
            held.note()


def forget() -> None:
    """Hold nothing: another version was put to use in this process, or another test begins."""
    for held in (_nomenclature, _mac, _ciwd):
        held.checked_at, held.sha256, held.held = float("-inf"), "", None
