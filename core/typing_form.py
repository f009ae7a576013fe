"""The typing part of a form: two values per locus as one reads a report, or a pasted GL string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from core.hla_messages import Remark, remarks, typing_error_text
from core.typings import (
    EMPTY,
    MAX_GL_LENGTH,
    MAX_VALUE_LENGTH,
    TWICE,
    Interpretation,
    TypingInput,
    interpret,
)
from hla.loci import LOCI
from hla.typing import LocusTyping

READING_LENGTH = 60


@dataclass(frozen=True)
class Row:
    """One line of the grid: two fields, and what was understood of them."""

    locus: str
    first: forms.BoundField
    second: forms.BoundField
    read: LocusTyping | None
    required: bool  # marked as needed; the form is saved without it

    @property
    def reading(self) -> str:
        return reading_text(self.read) if self.read else ""

    @property
    def remarks(self) -> list[Remark]:
        return remarks(self.read.notes) if self.read else []

    @property
    def is_touched(self) -> bool:
        values = (self.first.value(), self.second.value(), self.first.errors, self.second.errors)
        return any(values)


def reading_text(reading: LocusTyping) -> str:
    """How a locus was read, in a line; long allele lists are cut, the stored typing is not."""
    if "|" in reading.first:
        return shortened(reading.gl(), 2 * READING_LENGTH)
    return " + ".join(shortened(text, READING_LENGTH) or "?" for text in (reading.first, reading.second))


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _value_label(locus: str, position: int) -> str:
    text = _("HLA-%(locus)s, first value") if position == 1 else _("HLA-%(locus)s, second value")
    return str(text) % {"locus": locus}


_lazy_label = lazy(_value_label, str)


def _value_field(locus: str, position: int) -> forms.CharField:
    attrs = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    return forms.CharField(
        label=_lazy_label(locus, position),
        required=False,
        max_length=MAX_VALUE_LENGTH,
        widget=forms.TextInput(attrs=attrs),
    )


class TypingForm(forms.Form):
    """Fields `hla_<locus>_<1|2>` of the loci in `grid`, `gl` for these and others, the blank rule and the report.

    Tab order runs through both values of a locus before the next one. What was typed is always kept.
    """

    grid: Sequence[str] = LOCI
    needed: frozenset[str] = frozenset()
    may_be_empty = False
    says_nothing = EMPTY

    gl = forms.CharField(
        label=_("Or paste a GL string"),
        required=False,
        max_length=MAX_GL_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_(
            "For example A*02:01+A*24:02^B*40:01+B*46:01. Antigens may stand beside the DNA typing of a locus: A2+A24."
        ),
    )
    blank_homozygous = forms.BooleanField(
        label=_("An empty second value means the same as the first (homozygous)"),
        required=False,
        help_text=_("Without this mark an empty second value is not known and may match anything."),
    )
    laboratory = forms.CharField(label=_("Laboratory"), max_length=120, required=False)
    typed_on = forms.DateField(
        label=_("Date of the report"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.interpretation: Interpretation | None = None
        for locus in self.grid:
            for position in (1, 2):
                self.fields[f"hla_{locus}_{position}"] = _value_field(locus, position)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        given = self.given()
        if given.is_empty and self.may_be_empty:
            return data
        self.interpretation = interpret(given)
        for problem in self.interpretation.problems:
            self._add(problem.field, typing_error_text(problem.error), problem.error.code)
        for locus in self.interpretation.twice:
            name = f"hla_{locus}_1" if locus in self.grid else "gl"
            self._add(name, TWICE % {"locus": locus}, "locus_twice")
        if not self.errors and not self.interpretation.loci:
            self._add(None, self.says_nothing, "typing_empty")
        return data

    def _add(self, name: str | None, text: Any, code: str) -> None:
        self.add_error(name, forms.ValidationError(text, code=code))

    def given(self) -> TypingInput:
        """What was typed, of the fields that could be read at all."""
        data = self.cleaned_data
        values = {
            locus: (data.get(f"hla_{locus}_1", ""), data.get(f"hla_{locus}_2", "")) for locus in self.grid
        }
        return TypingInput(
            values={locus: pair for locus, pair in values.items() if any(pair)},
            gl=data.get("gl", ""),
            blank="homozygous" if data.get("blank_homozygous") else "unknown",
            source=data.get("source", ""),
            laboratory=data.get("laboratory", ""),
            typed_on=data.get("typed_on"),
        )

    def rows(self, loci: Iterable[str] = ()) -> Iterator[Row]:
        """Lines of the grid; of all its loci, or of these."""
        read = self.interpretation.loci if self.interpretation else {}
        for locus in loci or self.grid:
            fields = (self[f"hla_{locus}_1"], self[f"hla_{locus}_2"])
            yield Row(locus, *fields, read.get(locus), locus in self.needed)
