"""Haplotype frequency sets: loaded as they are, versioned, put to use for their population or as a fallback."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.populations import CODE
from hla.frequencies.errors import FrequencyNote
from hla.frequencies.files import read_set
from hla.frequencies.sets import HaplotypeSet
from hla.frequencies.sources import MAX_BYTES
from matching import frequency_sets
from matching.fetch import Fetcher, Tell, is_address, plain_name
from matching.models import FrequencySet
from matching.services.reference import check_there, readable, renewed

STATE = ("is_active", "is_default", "is_global")
LONGEST = {"name": 70, "release": 80}  # as the model has them


def frequency_set_load(
    *,
    path: Path | str,
    name: str,
    population: str,
    actor: Actor,
    activate: bool = True,
    default: bool = False,
    as_global: bool = False,
    tell: Tell | None = None,
    **reading: Any,
) -> FrequencySet:
    """Read a set and keep it as the next version of its name. The same content gives the row that is there.

    path: a file, folder or zip, or the address of a file; reading: as hla.frequencies.files.read_set. default,
    as_global: also use it as this fallback. Raises InvalidInput for a set that cannot be used; then nothing
    has changed.
    """
    given = {"name": name.strip(), "population": population.strip().upper()}
    _check_given(given | {"release": reading.get("release", "")})
    if not activate and (default or as_global):
        raise _fallback_not_active()
    missing = _("%(path)s does not exist. Give the file, folder or zip of one frequency set.")
    check_there(path, "frequencies_file_missing", missing)
    with readable("frequencies_unreadable", path):
        found, notes = _read(path, tell, given | reading)
    return _keep(found, notes, plain_name(path), actor, activate, default, as_global)


def _check_given(given: dict[str, str]) -> None:
    if not re.fullmatch(CODE, given["population"]):
        raise InvalidInput(
            "frequencies_population",
            _("%(text)s is no code of a population: write 2 to 12 of the letters A–Z, digits, - and _."),
            field="population",
            params={"text": given["population"][:40] or "–"},
        )
    for field, limit in LONGEST.items():
        text = given[field]
        if (not text and field == "name") or len(text) > limit:
            raise InvalidInput(
                "frequencies_name",
                _("Give a %(field)s of 1 to %(limit)s characters."),
                field=field,
                params={"field": field, "limit": limit},
            )


def _read(
    path: Path | str, tell: Tell | None, reading: dict[str, Any]
) -> tuple[HaplotypeSet, tuple[FrequencyNote, ...]]:
    if not is_address(path):
        return read_set(Path(path), **reading)
    with Fetcher(str(path), MAX_BYTES, tell).file() as here:
        return read_set(here, **reading)


@transaction.atomic
def _keep(
    found: HaplotypeSet,
    notes: tuple[FrequencyNote, ...],
    origin: str,
    actor: Actor,
    activate: bool,
    default: bool,
    as_global: bool,
) -> FrequencySet:
    content = found.to_bytes()
    _lock()
    row = FrequencySet.objects.filter(checksum=found.checksum).first()
    created = row is None
    row = row or _created(found, notes, content, origin, actor)
    before = None if created else renewed(row, content, frequency_sets.forget)
    if created or before:
        after = {name: getattr(row, name) for name in before or ("version", "checksum", "entries", "notes")}
        action = "frequencies.load" if created else "frequencies.renew"
        audit.record(actor=actor, action=action, target=row, before=before, after=after)
    wanted = {"is_active": activate, "is_default": default, "is_global": as_global}
    _change(row, actor, {name: True for name, value in wanted.items() if value and not getattr(row, name)})
    return row


def _lock() -> None:
    """All rows, in one order: a set that comes to use takes something from others. There are few."""
    list(FrequencySet.objects.select_for_update().order_by("pk").values_list("pk"))


def _created(
    found: HaplotypeSet, notes: tuple[FrequencyNote, ...], content: bytes, origin: str, actor: Actor
) -> FrequencySet:
    newest = FrequencySet.objects.filter(name=found.name).order_by("-number").values_list("number", flat=True)
    number = (newest.first() or 0) + 1
    try:
        with transaction.atomic():
            return FrequencySet.objects.create(
                name=found.name,
                number=number,
                version=f"{found.name} v{number}",
                population=found.population,
                release=found.release,
                resolution=found.resolution,
                loci=list(found.loci),
                total=found.total,
                coverage=found.coverage,
                notes=[{"code": note.code, "params": note.params} for note in notes],
                entries=len(found),
                checksum=found.checksum,
                compiled=content,
                compiled_sha256=hashlib.sha256(content).hexdigest(),
                compiled_bytes=len(content),
                origin=origin[:200],
                loaded_by=actor.label[:200],
            )
    except IntegrityError as error:
        raise Conflict(
            "loaded_meanwhile", _("Somebody loaded another set this moment. Look, and load this one again.")
        ) from error


def frequency_set_activate(*, found: FrequencySet, actor: Actor) -> FrequencySet:
    """Use this set for its population from now on, in place of the one in use; it takes over as fallback too."""
    return _changed(found, actor, {"is_active": True})


def frequency_set_deactivate(*, found: FrequencySet, actor: Actor) -> FrequencySet:
    """Use it no longer, neither for its population nor as a fallback."""
    return _changed(found, actor, dict.fromkeys(STATE, False))


def frequency_set_make_default(*, found: FrequencySet, actor: Actor) -> FrequencySet:
    """Let it serve, from now on, whoever's population has no set in use or is not known."""
    return _changed(found, actor, {"is_default": True})


def frequency_set_make_global(*, found: FrequencySet, actor: Actor) -> FrequencySet:
    """Let it serve, from now on, whom the bank's default does not serve either."""
    return _changed(found, actor, {"is_global": True})


@transaction.atomic
def _changed(found: FrequencySet, actor: Actor, wanted: dict[str, bool]) -> FrequencySet:
    _lock()
    row: FrequencySet = FrequencySet.objects.defer("compiled").get(pk=found.pk)
    changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not changes:
        raise Conflict(
            "already_so", _("%(version)s is so already. Look again."), params={"version": row.version}
        )
    _change(row, actor, changes)
    return row


def _change(row: FrequencySet, actor: Actor, changes: dict[str, bool]) -> None:
    """Write the new state, and take from others what only one may have. All rows are locked."""
    if not changes:
        return
    active = changes.get("is_active", row.is_active)
    if not active and (changes.get("is_default") or changes.get("is_global")):
        raise _fallback_not_active()
    if changes.get("is_active"):
        _take_over(row, actor, changes)
    for flag in ("is_default", "is_global"):
        if changes.get(flag):
            _take_away(FrequencySet.objects.filter(**{flag: True}), actor, flag)
    FrequencySet.objects.filter(pk=row.pk).update(**changes)
    before = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    action = "frequencies.activate" if any(changes.values()) else "frequencies.deactivate"
    audit.record(actor=actor, action=action, target=row, before=before, after=changes)
    transaction.on_commit(frequency_sets.forget)


def _take_over(row: FrequencySet, actor: Actor, changes: dict[str, bool]) -> None:
    """The set of the same population in use until now; the next one is what it was, a fallback too."""
    old = FrequencySet.objects.defer("compiled").filter(is_active=True, population=row.population)
    for other in old:
        changes |= {flag: True for flag in ("is_default", "is_global") if getattr(other, flag)}
        before = {name: getattr(other, name) for name in STATE if getattr(other, name)}
        FrequencySet.objects.filter(pk=other.pk).update(**dict.fromkeys(STATE, False))
        after = dict.fromkeys(before, False)
        audit.record(actor=actor, action="frequencies.deactivate", target=other, before=before, after=after)


def _take_away(rows: Any, actor: Actor, flag: str) -> None:
    for other in rows.defer("compiled"):
        FrequencySet.objects.filter(pk=other.pk).update(**{flag: False})
        audit.record(
            actor=actor,
            action="frequencies.deactivate",
            target=other,
            before={flag: True},
            after={flag: False},
        )


def _fallback_not_active() -> Conflict:
    return Conflict(
        "fallback_not_active", _("A set that is not in use cannot be a fallback. Put it to use as well.")
    )
