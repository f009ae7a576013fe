"""The typing part of a patient's form: of all loci, with where it comes from and what looks wrong about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core import typing_form
from core.typing_form import Row
from core.typings import TypingInput, typing_digest
from hla.loci import LOCI
from hospitals.choices import BlankRule, TypingSource
from hospitals.forms import date_input
from hospitals.plausibility import SEARCH_NEEDS, Doubt, conflict_doubts, typing_doubts
from hospitals.services_confirmation import MAX_REASON_LENGTH, SampleData, sample_of
from hospitals.typing_rows import MAX_SAMPLE_LENGTH

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

    sampled_on = forms.DateField(label=_("Sample drawn on"), required=False, widget=date_input())
    sample = forms.CharField(
        label=_("Sample label"),
        max_length=MAX_SAMPLE_LENGTH,
        required=False,
        help_text=_(
            "As it stands on the tube. Before a unit is ordered a second sample must confirm the typing."
        ),
    )

    def given(self) -> TypingInput:
        data = self.cleaned_data
        return replace(
            super().given(), sampled_on=data.get("sampled_on"), sample=(data.get("sample") or "").strip()
        )

    def shown_rows(self) -> Iterator[Row]:
        return self.rows(SHOWN_LOCI)

    def folded_rows(self) -> list[Row]:
        return list(self.rows(FOLDED_LOCI))

    @property
    def folded_open(self) -> bool:
        """The further loci are unfolded when there is something in them."""
        return any(row.is_touched for row in self.folded_rows())

    @property
    def digest(self) -> str:
        """Of the typing as it was read; "" without one."""
        return typing_digest(self.interpretation.typing().gl()) if self.interpretation else ""

    def doubts(self) -> list[Doubt]:
        read = self.interpretation
        return [*typing_doubts(read.loci if read else ()), *conflict_doubts(read.conflicts() if read else ())]


class SecondTypingForm(TypingForm):
    """The report on a second sample; asks for the first sample too, where the typing in force does not state it."""

    may_be_empty = False

    first_sampled_on = forms.DateField(
        label=_("First sample drawn on"),
        required=False,
        widget=date_input(),
        help_text=_("The sample of the typing in force, as its report says. Stated once, it is not changed."),
    )
    first_sample = forms.CharField(
        label=_("Label of the first sample"), max_length=MAX_SAMPLE_LENGTH, required=False
    )

    def __init__(self, *args: Any, asks_first: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks_first = asks_first
        if not asks_first:
            del self.fields["first_sampled_on"], self.fields["first_sample"]

    def first(self) -> SampleData | None:
        """The sample of the typing in force, where it was asked for and stated."""
        data = self.cleaned_data
        return sample_of({"sampled_on": data.get("first_sampled_on"), "sample": data.get("first_sample", "")})


class SettleForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=MAX_REASON_LENGTH)


def typing_initial(loci: dict[str, list[str]], blank_rule: str, serology: str = "") -> dict[str, Any]:
    """Initial values of the form for a stored typing. serology: antigens reported beside DNA, as GL text."""
    initial: dict[str, Any] = {"blank_homozygous": blank_rule == BlankRule.HOMOZYGOUS, "gl": serology}
    for locus, pair in loci.items():
        initial[f"hla_{locus}_1"], initial[f"hla_{locus}_2"] = pair
    return initial
