"""The typing part of a patient's form: of all loci, with where it comes from and what looks wrong about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core import typing_form
from core.typing_form import Row
from hla.loci import LOCI
from hospitals.choices import BlankRule, TypingSource
from hospitals.plausibility import SEARCH_NEEDS, Doubt, conflict_doubts, typing_doubts

SHOWN_LOCI = ("A", "B", "C", "DRB1", "DQB1", "DPB1")
FOLDED_LOCI = tuple(locus for locus in LOCI if locus not in SHOWN_LOCI)


class TypingForm(typing_form.TypingForm):
    """A patient may be saved without a typing, and without the loci that a search needs."""

    needed = frozenset(SEARCH_NEEDS)
    may_be_empty = True
    says_nothing = _("The typing says nothing: type at least one locus, or leave it empty.")

    source = forms.ChoiceField(
        label=_("Source of the typing"),
        choices=TypingSource.choices,
        required=False,
        initial=TypingSource.REPORT,
    )

    def shown_rows(self) -> Iterator[Row]:
        return self.rows(SHOWN_LOCI)

    def folded_rows(self) -> list[Row]:
        return list(self.rows(FOLDED_LOCI))

    @property
    def folded_open(self) -> bool:
        """The further loci are unfolded when there is something in them."""
        return any(row.is_touched for row in self.folded_rows())

    def doubts(self) -> list[Doubt]:
        read = self.interpretation
        return [*typing_doubts(read.loci if read else ()), *conflict_doubts(read.conflicts() if read else ())]


def typing_initial(loci: dict[str, list[str]], blank_rule: str, serology: str = "") -> dict[str, Any]:
    """Initial values of the form for a stored typing. serology: antigens reported beside DNA, as GL text."""
    initial: dict[str, Any] = {"blank_homozygous": blank_rule == BlankRule.HOMOZYGOUS, "gl": serology}
    for locus, pair in loci.items():
        initial[f"hla_{locus}_1"], initial[f"hla_{locus}_2"] = pair
    return initial
