"""What keeps a step of a confirmatory typing from being made, and what a person was shown who makes it."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import typing_compared
from bank.choices import UnitStatus
from bank.models import CordBloodUnit, HlaTyping
from bank.results import guard_past
from bank.typing_compared import half_typed
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from core.typings import Interpretation, TypingInput
from hospitals.querysets import hospitals_open_to
from transplants import match_held
from transplants.choices_typings import NEEDED, TypingMethod
from transplants.models import ConfirmatoryTyping, Reservation

# In these the unit lies in the store, and somebody counts on it.
ASKABLE: Final = frozenset({UnitStatus.RESERVED, UnitStatus.ORDERED})
IN_STORE: Final = frozenset({*ASKABLE, UnitStatus.LISTED, UnitStatus.ON_HOLD, UnitStatus.QUARANTINE})


def shown_of(row: ConfirmatoryTyping, listed: HlaTyping | None) -> str:
    """What a person vouches for: this result, beside this typing in force."""
    content = [
        str(row.pk),
        row.reported.get("gl", ""),
        str(row.reported_at),
        str(listed.pk if listed else ""),
    ]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


def not_allowed() -> NotAllowed:
    return NotAllowed("not_yours", _("You may not do this with this confirmatory typing."))


def is_bank(user: User, permission: Permission) -> bool:
    """By a role of the bank."""
    return hospitals_open_to(user, permission) is None


def guard_bank(user: User, permission: Permission) -> None:
    if not is_bank(user, permission):
        raise not_allowed()


def guard_in_store(unit: CordBloodUnit) -> None:
    if unit.status not in IN_STORE:
        raise Conflict(
            "unit_not_in_store",
            _("%(unit)s is “%(status)s”: no segment can be taken of it."),
            params={"unit": unit.public_no, "status": UnitStatus(unit.status).label},
        )


def guard_sample_day(row: ConfirmatoryTyping, day: dt.date) -> None:
    asked_on = timezone.localdate(row.asked_at)
    if day < asked_on:
        raise InvalidInput(
            "sampled_before_asked",
            _("It was asked for on %(day)s: the segment cannot be taken before."),
            field="used_on",
            params={"day": f"{asked_on:%Y-%m-%d}"},
        )


def guard_promised(row: Reservation, unit: CordBloodUnit) -> None:
    if not row.is_active:
        raise Conflict("not_reserved", _("%(number)s is not confirmed yet."), params={"number": row.number})
    if unit.status not in ASKABLE or unit.blocks:
        raise Conflict(
            "unit_not_ready",
            _("%(unit)s cannot be counted on now: it is not typed before the bank has freed it."),
            params={"unit": unit.public_no},
        )


def guard_typable(reservation: Reservation, unit: CordBloodUnit) -> None:
    """Segments are few: none is cut for nothing. A result that says too little for this patient is asked for again."""
    listed = listed_of(unit)
    if ConfirmatoryTyping.objects.open().filter(unit=unit).exists():
        raise Conflict(
            "typing_open",
            _("A confirmatory typing of %(unit)s is under way already; its result counts for every order."),
            params={"unit": unit.public_no},
        )
    if match_held.is_enough(reservation, unit, listed):
        raise Conflict(
            "confirmed_already",
            _("The typing of %(unit)s is confirmed already: no further segment is cut."),
            params={"unit": unit.public_no},
        )
    if not unit.segments:
        raise Conflict(
            "no_segment",
            _("No attached segment of %(unit)s is left: its typing cannot be confirmed."),
            params={"unit": unit.public_no},
        )


def listed_of(unit: CordBloodUnit) -> HlaTyping:
    found = typing_compared.in_force(unit.pk)
    if found is None:
        raise Conflict(
            "unit_untyped",
            _("%(unit)s has no typing in force with which a result could be compared."),
            params={"unit": unit.public_no},
        )
    return found


def guard_report(row: ConfirmatoryTyping, given: TypingInput, method: str) -> None:
    if method not in TypingMethod.values:
        raise InvalidInput("method_unknown", _("Choose how the segment was typed."), field="method")
    if not given.laboratory.strip():
        raise InvalidInput("laboratory_needed", _("Name the laboratory."), field="laboratory")
    if given.typed_on is None:
        raise InvalidInput("day_needed", _("Give the day of the report."), field="typed_on")
    guard_past(given.typed_on, "typed_on")
    if row.sampled_on is not None and given.typed_on < row.sampled_on:
        raise InvalidInput(
            "typed_before_sampled",
            _("The segment was taken on %(day)s: the report cannot be older."),
            field="typed_on",
            params={"day": f"{row.sampled_on:%Y-%m-%d}"},
        )


def guard_loci(read: Interpretation) -> None:
    """Half a locus would agree with anything; antigens that the DNA typing excludes are a slip of the pen."""
    if halves := half_typed(read.loci, NEEDED):
        raise InvalidInput(
            "loci_needed",
            _(
                "Both values of %(loci)s are needed: without them nothing is confirmed. A locus with one value alone is"
                " marked as homozygous."
            ),
            field=f"hla_{halves[0]}_1" if halves[0] not in read.loci else f"hla_{halves[0]}_2",
            params={"loci": ", ".join(f"HLA-{locus}" for locus in halves)},
        )
    if conflicts := [locus for locus, _note in read.conflicts()]:
        raise InvalidInput(
            "contradicts_itself",
            _("At %(loci)s the antigens contradict the DNA typing beside them: correct one of the two."),
            field=f"hla_{conflicts[0]}_1",
            params={"loci": ", ".join(f"HLA-{locus}" for locus in conflicts)},
        )


def guard_shown(row: ConfirmatoryTyping, shown: str) -> None:
    if shown != shown_of(row, typing_compared.in_force(row.unit_id)):
        raise Conflict(
            "typing_changed",
            _("The result or the typing in force is not what the page showed. Look at both again."),
        )
