"""Consents, withdrawals and health history in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

from bank import notices
from bank.choices_consent import ERASED, KEPT, ConsentPurpose
from bank.consents import Standing
from bank.models import ConsentGiven, ConsentWithdrawal, CordBloodUnit
from core.models import User
from core.roles import Permission


def rows(found: Iterable[Standing]) -> list[dict[str, Any]]:
    """Every purpose: what holds now, on which day it was said, by which form."""
    standings = list(found)
    ended = any(one.purpose == ConsentPurpose.DONATION and one.withdrawal for one in standings)
    return [_row(one, ended=ended) for one in standings]


def _row(one: Standing, *, ended: bool) -> dict[str, Any]:
    text, tone = _state(one, ended=ended)
    answer = one.answer
    return {
        "purpose": one.purpose.label,
        "text": text,
        "tone": tone,
        "asked": answer.item.text if answer else "",
        "form": str(answer.item.form) if answer else "",
        "day": answer.given_on if answer else None,
        "how": answer.get_medium_display() if answer else _BASIS[one.basis](),
        "by": answer.recorded_by if answer else None,
        "witness": answer.witness if answer else "",
    }


_BASIS: dict[str, Callable[[], str]] = {
    "": lambda: "",
    "before": lambda: _("consent of before answers were kept by purpose"),
    "declared": lambda: _("by a declaration of the bank"),
}


def _state(one: Standing, *, ended: bool) -> tuple[str, str]:
    """ended: the donation as a whole is withdrawn."""
    if one.withdrawal is not None:
        return _("withdrawn"), "bad"
    if one.permitted:
        return _("permitted"), "good"
    if one.answer is not None and not one.answer.given:
        return _("refused"), "warn"
    if ended:
        return _("stopped with the donation"), "bad"
    return _("not recorded"), ""


def withdrawals(unit: CordBloodUnit, user: User) -> list[dict[str, Any]]:
    """All of them, newest first, with what was erased and kept."""
    if unit.donation is None:
        return []
    may = user.has_permission(Permission.UNIT_CONFIRM)
    found = unit.donation.withdrawals.select_related("erasure", "recorded_by", "corrected_by")
    return [
        {
            "row": one,
            "effect": notices.effect(one.purpose, one.unit_status, held=one.held),
            "erased": [ERASED[code] for code in one.erasure.erased],
            "kept": [KEPT[code] for code in one.erasure.kept],
            "may_correct": may and one.corrected_at is None,
        }
        for one in found
    ]


def told(one: ConsentWithdrawal) -> str:
    """What is said after a withdrawal was recorded."""
    what = _("The withdrawal is recorded: %(purpose)s.") % {"purpose": ConsentPurpose(one.purpose).label}
    erased = _("Her contact data are erased.") if one.erasure.erased else ""
    return " ".join(filter(None, (what, notices.effect(one.purpose, one.unit_status, held=one.held), erased)))


def history(unit: CordBloodUnit) -> list[ConsentGiven]:
    """Answers that are not in force any more."""
    if unit.donation is None:
        return []
    return list(unit.donation.consents.filter(superseded=True).select_related("item__form", "recorded_by"))


def siblings(unit: CordBloodUnit) -> list[CordBloodUnit]:
    """Units of other donations of the same mother: a withdrawal may be meant for them too."""
    if unit.donation is None:
        return []
    same = {"bank": unit.bank_id, "donation__mother_code": unit.donation.mother_code}
    return list(CordBloodUnit.objects.filter(**same).exclude(pk=unit.pk).order_by("unit_no")[:10])
