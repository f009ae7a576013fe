"""What a confirmed typing makes of a match, in words: locus by locus, class by class."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from bank.typing_compared import loci_of
from core.typing_form import reading_text
from transplants.match_held import Fallen
from transplants.presenters_typings import class_words


def table(found: Fallen | None) -> list[dict[str, Any]]:
    """The loci at which the unit matches less, the patient beside both typings of the unit."""
    if found is None or found.row.result is None:
        return []
    mine, listed, anew = (
        loci_of(gl)
        for gl in (
            found.patient_typing.canonical_gl,
            found.listed.canonical_gl,
            found.row.result.canonical_gl,
        )
    )
    return [
        {
            "locus": fall.name,
            "patient": reading_text(mine[fall.name]),
            "listed": reading_text(listed[fall.name]),
            "found": reading_text(anew[fall.name]),
            "matches": _("at most %(after)d of 2, listed %(before)d")
            % {"after": fall.after, "before": fall.before},
            "antigen": fall.antigen,
        }
        for fall in found.change.loci
    ]


def classes(found: Fallen | None) -> list[str]:
    return [class_words(one) for one in found.change.classes] if found else []
