"""The typing of a unit: put in force by the laboratory; what contradicts the former one keeps the unit off offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import settling
from bank.choices import Subject, TypingSource
from bank.imports.typings import TypingReader
from bank.models import HLA_COLUMNS, LISTED_LOCI, CordBloodUnit, HlaTyping
from bank.results import guard_listed
from bank.typing_compared import Reported, differing, left_open, loci_of
from bank.writing import given_reason, guard_own, locked_unit, write_unit
from core import reference
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.typings import Interpretation, TypingInput, guard_typing, interpret
from hla.loci import LOCI
from hla.resolve import Resolver
from hla.typing import LocusTyping, Typing


@transaction.atomic
def unit_typing_record(
    *, unit_id: UUID, given: TypingInput, actor: Actor, source: str = TypingSource.LAB
) -> HlaTyping:
    """Enter a typing of the unit itself. Where it contradicts the one in force at a locus, or its own antigens, both
    stay and the unit gets the flag `typing_conflict`: no search offers it before somebody has settled it.

    Otherwise it takes the place of the former; loci that it does not name are kept from that one, and so is a locus at
    which the former says more. A unit on offer is
    put on hold first (Conflict `listed_unit`). Raises InvalidInput for a typing that cannot be read or says nothing.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    guard_listed(unit)
    if unit.consent_withdrawn:
        raise Conflict(
            "consent_withdrawn", _("The consent for this unit is withdrawn: it is not typed again.")
        )
    read = interpret(given)
    guard_typing(read)
    former = unit.typings.filter(subject=Subject.UNIT, is_current=True).first()
    known = _loci(former)
    resolver = reference.resolver()
    differ = differing(known, read.loci, resolver)
    conflicts = [locus for locus, _note in read.conflicts()]
    contradicts = bool(differ or conflicts)
    loci = dict(read.loci) if contradicts else _together(known, read.loci, resolver)
    row = _row(unit, given, read, loci, source, actor)
    row.is_current = former is None or not contradicts
    if former is not None and row.is_current:
        HlaTyping.objects.filter(pk=former.pk).update(is_current=False)
    row.save(force_insert=True)
    new: dict[str, Any] = {"typing_conflict": unit.typing_conflict or contradicts}
    if row.is_current:
        new |= columns_of(loci)
    reason = ", ".join(f"HLA-{locus}" for locus in [*differ, *conflicts])
    write_unit(unit, new, {}, actor=actor, action="unit.typing", reason=reason)
    return row


@transaction.atomic
def unit_typing_settle(*, unit_id: UUID, typing_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Say which of the unit's typings is right: it comes into force, and the conflict is settled.

    By a person who entered none of those in question.
    """
    unit = locked_unit(unit_id)
    guard_own(unit)
    reason = given_reason(reason)
    if not unit.typing_conflict:
        raise Conflict("no_conflict", _("No conflict of typings is open."))
    rows = unit.typings.filter(subject=Subject.UNIT)
    chosen = rows.filter(pk=typing_id).first()
    if chosen is None:
        raise InvalidInput("typing_unknown", _("There is no such typing of this unit."))
    person = actor.person_id
    if person is None or rows.filter(entered_by_id=person).exists():
        raise NotAllowed(
            "second_person", _("You entered one of these typings. Somebody else must settle it.")
        )
    rows.exclude(pk=chosen.pk).filter(is_current=True).update(is_current=False)
    chosen.is_current = True
    chosen.save(update_fields=["is_current"])
    new = {"typing_conflict": False, **columns_of(_loci(chosen))}
    write_unit(unit, new, {}, actor=actor, action="unit.typing_settle", reason=reason)
    settling.tell(unit, actor)
    return unit


def typing_confirm_row(
    unit: CordBloodUnit, found: Reported, *, differ: list[str], entered_by_id: UUID, actor: Actor
) -> HlaTyping:
    """What a confirmatory typing found of the locked unit, vouched for by the actor, in the caller's transaction.

    It never comes into force here, whatever it says: a search reads what it read before. differ: loci at which it
    contradicts the typing in force; then the unit gets the flag `typing_conflict`, on offer or promised.
    """
    row = HlaTyping(
        unit=unit,
        subject=Subject.UNIT,
        is_current=False,
        loci=found.loci,
        canonical_gl=found.gl,
        notes=found.notes,
        nomenclature=found.nomenclature,
        mac_version=found.mac_version,
        source=TypingSource.CONFIRMATORY,
        laboratory=found.laboratory,
        typed_on=found.day,
        entered_by_id=entered_by_id,
        verified_by_id=actor.person_id,
        verified_at=timezone.now(),
    )
    row.save(force_insert=True)
    new = {"typing_conflict": unit.typing_conflict or bool(differ)}
    reason = ", ".join(f"HLA-{locus}" for locus in differ)
    write_unit(unit, new, {}, actor=actor, action="unit.typing_confirm", reason=reason)
    return row


def columns_of(loci: dict[str, LocusTyping]) -> dict[str, Any]:
    """The typing as it stands on the unit: HLA_COLUMNS and the tags of the list's filter."""
    pairs = [loci.get(locus) for locus in LISTED_LOCI]
    texts = [text for pair in pairs for text in ((pair.first, pair.second) if pair else ("", ""))]
    reader = TypingReader(reference.resolver())
    tags = {
        tag
        for locus in loci.values()
        for text in (locus.first, locus.second)
        if text
        for tag in reader.tags(locus.locus, text)
    }
    return {**dict(zip(HLA_COLUMNS, texts, strict=True)), "hla_tags": sorted(tags)}


def _loci(row: HlaTyping | None) -> dict[str, LocusTyping]:
    return loci_of(row.canonical_gl) if row is not None else {}


def _together(
    former: Mapping[str, LocusTyping], latter: Mapping[str, LocusTyping], resolver: Resolver
) -> dict[str, LocusTyping]:
    """Of each locus the typing that leaves less open, the later one if both leave the same."""
    found = {**former, **latter}
    for locus in former.keys() & latter.keys():
        if left_open(former[locus], resolver) < left_open(latter[locus], resolver):
            found[locus] = former[locus]
    return {locus: found[locus] for locus in LOCI if locus in found}


def _row(
    unit: CordBloodUnit,
    given: TypingInput,
    read: Interpretation,
    loci: dict[str, LocusTyping],
    source: str,
    actor: Actor,
) -> HlaTyping:
    return HlaTyping(
        unit=unit,
        subject=Subject.UNIT,
        loci={locus: list(pair) for locus, pair in read.typed.items()},
        canonical_gl=Typing.of(loci.values()).gl(),
        notes=read.notes(),
        nomenclature=read.release,
        mac_version=read.mac_version,
        source=TypingSource(source),
        laboratory=given.laboratory,
        typed_on=given.typed_on,
        entered_by_id=actor.person_id,
    )
