"""Why a policy cannot be, in words that say the cure; the place goes along as the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from matching.engine.selection.rules import BadRules

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TEXTS: dict[str, StrPromise] = {
    "unknown_part": _("This program knows no such part of a policy: %(names)s."),
    "unknown_rule": _("This program knows no such rule: %(names)s."),
    "unknown_threshold": _("This rule has no such threshold: %(names)s."),
    "unknown_action": _("Choose what the rule does: exclude, warn, order, show, or off."),
    "action_fixed": _("This rule always excludes: leave its action as it is."),
    "no_number": _("Write a number, such as 2.5."),
    "ambiguous_comma": _("A comma before three digits can be read in two ways. Write 1000, or 1.0."),
    "not_whole": _("Write a whole number."),
    "out_of_range": _("Write a number from %(least)s to %(most)s."),
    "least_above_most": _("The lower limit stands above the upper one. Change one of them."),
    "bad_choice": _("Choose at least one of: %(options)s."),
    "no_sort": _("Choose at least one key: the list needs an order."),
    "unknown_sort": _("The list cannot be ordered by: %(names)s."),
    "sort_twice": _("This key stands there twice. Take one of them away."),
}


def refusal(error: BadRules) -> InvalidInput:
    return InvalidInput(error.code, TEXTS[error.code], field=error.place or None, params=error.params)
