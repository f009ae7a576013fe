"""A lot used on a unit: found by its number or made, noted, and questioned where it is expired or blocked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_lots import LotKind, LotStep
from bank.lot_locks import lock_lots
from bank.models import CordBloodUnit, Lot, LotUse
from core import audit
from core.audit import Actor
from core.errors import Conflict

MAX_NUMBER = 80
EXPIRED, BLOCKED = "expired", "blocked"
WHY = {EXPIRED: _("%(lot)s: expired on %(day)s"), BLOCKED: _("%(lot)s: blocked (%(reason)s)")}


@dataclass(frozen=True)
class LotGiven:
    """A lot as typed or scanned: its number, or manufacturer and number. field: of the form that it came from."""

    kind: LotKind
    text: str
    step: LotStep
    field: str = "kit_lot"

    @property
    def number(self) -> str:
        return plain_number(self.text)


def plain_number(text: str) -> str:
    return " ".join(text.replace("\0", "").split())[:MAX_NUMBER]


def use_lots(
    unit: CordBloodUnit, given: Iterable[LotGiven], *, on: dt.date | None, actor: Actor, reason: str = ""
) -> list[Lot]:
    """Note which lots a step used on the locked unit. Empty numbers are left out; the same again writes nothing.

    A lot that nobody registered is made, without a manufacturer. Conflict `lot_deviation` where a lot had expired on
    that day or is blocked and `reason` is empty; with one, the use and an audit entry of its own say it. Conflict
    `lot_ambiguous` where two manufacturers have the number.
    """
    wanted = [one for one in given if one.number]
    if not wanted:
        return []
    lots = lock_lots({lot.pk for lot in _found(wanted)})
    uses = [
        LotUse(unit=unit, lot=lots[key], step=one.step, used_on=on, entered_by_id=actor.person_id)
        for one, key in zip(wanted, _keys(wanted, lots.values()), strict=True)
    ]
    doubtful = [(use, why) for use in uses if (why := doubt(use.lot, on))]
    if doubtful and not reason.strip():
        raise Conflict(
            "lot_deviation",
            _("Say why it is used all the same: %(what)s"),
            field="lot_reason",
            params={"what": "; ".join(why_text(use.lot, why) for use, why in doubtful)},
        )
    LotUse.objects.bulk_create(uses, ignore_conflicts=True)
    for use, why in doubtful:
        _deviate(unit, use, why, reason.strip()[:2000], actor)
    return [use.lot for use in uses]


def doubt(lot: Lot, on: dt.date | None) -> str:
    """Why a lot should not be used on that day: EXPIRED, BLOCKED or ""."""
    if lot.is_blocked:
        return BLOCKED
    return EXPIRED if lot.has_expired(on or timezone.localdate()) else ""


def why_text(lot: Lot, why: str) -> str:
    return str(WHY[why]) % {"lot": lot, "day": lot.expires_on, "reason": lot.blocked_reason}


def _deviate(unit: CordBloodUnit, use: LotUse, why: str, reason: str, actor: Actor) -> None:
    rows = LotUse.objects.filter(unit=unit, lot=use.lot, step=use.step, used_on=use.used_on)
    rows.filter(deviation="").update(deviation=reason)
    after = {"lot": str(use.lot), "kind": use.lot.kind, "step": str(use.step), "why": why}
    audit.record(actor=actor, action="unit.lot_deviation", target=unit, after=after, reason=reason)


# --- which lot ------------------------------------------------------------------------------------


def make_missing(given: Iterable[LotGiven]) -> None:
    """Make and lock what many steps of one transaction will use before the first of them: in one order."""
    lock_lots({lot.pk for lot in _found([one for one in given if one.number])})


def _found(wanted: Sequence[LotGiven]) -> list[Lot]:
    """The lots of the texts; those that do not exist yet are made, in one order, so that two people never wait for
    one another."""
    rows = _rows(wanted)
    missing = {(one.kind, one.number.upper()): one for one in wanted if not _matching(one, rows)}
    if not missing:
        return rows
    made = [Lot(kind=missing[key].kind, number=missing[key].number) for key in sorted(missing)]
    Lot.objects.bulk_create(made, ignore_conflicts=True)
    return _rows(wanted)


def _rows(wanted: Sequence[LotGiven]) -> list[Lot]:
    kinds = {one.kind for one in wanted}
    return list(Lot.objects.filter(kind__in=kinds).named({one.number for one in wanted}))


def _matching(one: LotGiven, rows: Iterable[Lot]) -> list[Lot]:
    """By its number; where none has it, by manufacturer and number."""
    text = one.number.upper()
    of_kind = [lot for lot in rows if lot.kind == one.kind]
    exact = [lot for lot in of_kind if lot.number.upper() == text]
    return exact or [lot for lot in of_kind if str(lot).upper() == text]


def _keys(wanted: Sequence[LotGiven], lots: Iterable[Lot]) -> list[UUID]:
    rows, found = list(lots), []
    for one in wanted:
        matching = _matching(one, rows)
        kept = {lot.merged_into_id or lot.pk for lot in matching}
        if len(kept) > 1:
            text = _("Several lots have the number %(number)s (%(lots)s). Write manufacturer and number.")
            params: dict[str, Any] = {"number": one.number, "lots": ", ".join(map(str, matching))}
            raise Conflict("lot_ambiguous", text, params=params, field=one.field)
        found.append(kept.pop())
    return found
