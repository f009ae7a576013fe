"""The form of a tested serum: what the report says of it, and what was found: pasted, uploaded or typed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from bank.imports.errors import FileError
from bank.imports.files import decode
from core.errors import InvalidInput
from core.posting import show_error
from hospitals import choices
from hospitals.antibody_files import (
    MAX_CHARACTERS,
    BeadReading,
    read_bead_rows,
    read_bead_text,
)
from hospitals.antibody_remarks import Remark
from hospitals.antibody_tables import Row
from hospitals.data import BeadData, SerumData
from hospitals.forms import NOT_CHOSEN, date_input, uuid_or_none
from hospitals.services_antibodies import guard_serum, guard_serum_days, tested_classes

ROWS, MAX_ROWS = 8, 96  # lines typed by hand: at first, at most
ERRORS_SHOWN = 100
_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


def _row_label(text: str, number: int) -> str:
    return str(text) % {"number": number}


_lazy_label = lazy(_row_label, str)


@dataclass(frozen=True)
class HandRow:
    """One line of the part that is typed by hand."""

    number: int
    specificity: forms.BoundField
    mfi: forms.BoundField


class SerumForm(forms.Form):
    """Findings come by one way: text (also of a file), rows by hand, or the mark that none were found."""

    sampled_on = forms.DateField(label=_("Sampled on"), widget=date_input())
    tested_on = forms.DateField(label=_("Tested on"), widget=date_input(), required=False)
    method = forms.ChoiceField(
        label=_("Method"),
        choices=[*NOT_CHOSEN, *choices.AntibodyMethod.choices],
        initial=choices.AntibodyMethod.SINGLE_ANTIGEN,
    )
    classes = forms.ChoiceField(
        label=_("HLA classes tested"),
        choices=[("", _("read from the specificities")), *choices.SerumClasses.choices],
        required=False,
        help_text=_(
            "Class I and class II are separate tests. A class that was not tested clears no unit; choose also one "
            "in which nothing was found."
        ),
    )
    laboratory = forms.CharField(label=_("Laboratory"), max_length=120, required=False)
    note = forms.CharField(label=_("Note"), max_length=400, required=False)
    none_found = forms.BooleanField(
        label=_("No antibodies were found in this serum"),
        required=False,
        help_text=_("This is not the same as a patient who was never tested."),
    )
    text = forms.CharField(
        label=_("Paste the export, or a list"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, **_PLAIN}),
        help_text=_(
            "A table with its header, or a line for each: A24 12000 · DQA1*05:01, DQB1*02:01; 8000 · DR53 positive"
        ),
    )
    file = forms.FileField(
        label=_("Or choose the file"),
        required=False,
        allow_empty_file=True,
        help_text=_("CSV with comma, semicolon or tab; UTF-8 or GB18030; at most 1 MB."),
    )
    mfi_column = forms.CharField(
        label=_("Column with the MFI"),
        max_length=60,
        required=False,
        help_text=_("Only if there are several and another than the corrected one is meant."),
    )
    serum_id = forms.CharField(widget=forms.HiddenInput, initial=uuid4, required=False)
    rows = forms.CharField(widget=forms.HiddenInput, initial=ROWS, required=False)

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data, files, **kwargs)
        self.fields["sampled_on"].widget.attrs["max"] = timezone.localdate().isoformat()
        self.reading = BeadReading((), (), ())
        self.by_hand = False
        given = (data or kwargs.get("initial") or {}).get("rows", "")
        self.row_count = max(ROWS, min(int(given), MAX_ROWS)) if _is_small_number(given) else ROWS
        for number in range(1, self.row_count + 1):
            self.fields[f"specificity_{number}"] = self._row_field(_("Specificity %(number)s"), number, 200)
            self.fields[f"mfi_{number}"] = self._row_field(_("MFI %(number)s"), number, 40)

    def _row_field(self, label: Any, number: int, max_length: int) -> forms.CharField:
        return forms.CharField(
            label=_lazy_label(label, number),
            required=False,
            max_length=max_length,
            widget=forms.TextInput(attrs=dict(_PLAIN)),
        )

    def clean_serum_id(self) -> UUID | None:
        return uuid_or_none(self.cleaned_data["serum_id"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._take_file(data)
        rows = self._typed_rows(data)
        if not self.has_error("text") and not self.has_error("file"):
            self._read(data.get("text", ""), rows)
        if not self.errors and not self.reading.errors:
            _guarded(self, guard_serum, self.data_for_service())
            found = [bead.specificity for bead in self.reading.beads]
            _guarded(self, tested_classes, self.data_for_service(), found)
        elif "sampled_on" in data and "tested_on" in data:
            _guarded(self, guard_serum_days, self.data_for_service())
        return data

    def _take_file(self, data: dict[str, Any]) -> None:
        """The text of a file takes the place of the pasted one, so that it can be corrected where it is shown."""
        file = data.get("file")
        if file is None:
            return
        if data.get("text", "").strip():
            self.add_error(
                "file", forms.ValidationError(_("Paste a text or choose a file, not both."), code="both")
            )
        elif file.size > MAX_CHARACTERS:
            self.add_error(
                "file", forms.ValidationError(_("The file is larger than 1 MB."), code="too_large")
            )
        else:
            try:
                data["text"] = decode(file.read())
            except FileError as error:
                finding = error.finding
                self.add_error("file", forms.ValidationError(finding.text, code=finding.code))
                return
            self.data = {**self.data.dict(), "text": data["text"]}  # type: ignore[attr-defined]  # a QueryDict

    def _typed_rows(self, data: dict[str, Any]) -> list[Row]:
        numbers = range(1, self.row_count + 1)
        rows = [
            Row(n, data.get(f"specificity_{n}", "").strip(), data.get(f"mfi_{n}", "").strip())
            for n in numbers
        ]
        return [row for row in rows if row.written or row.mfi]

    def _read(self, text: str, rows: list[Row]) -> None:
        if text.strip() and rows:
            message = _("Give the findings as a text or by hand, not both.")
            self.add_error("text", forms.ValidationError(message, code="both"))
        elif text.strip():
            self.reading = read_bead_text(text, mfi_column=self.cleaned_data.get("mfi_column", ""))
        elif rows:
            self.by_hand = True
            self.reading = read_bead_rows(rows)
            for error in self.reading.errors:
                name = "mfi" if error.code.startswith("mfi_") else "specificity"
                field = f"{name}_{error.line}" if error.line else None
                self.add_error(field, forms.ValidationError(error.text, code=error.code))
            for row in rows:
                if not row.written:
                    message = _("Which specificity has this MFI?")
                    self.add_error(
                        f"specificity_{row.line}", forms.ValidationError(message, code="specificity_missing")
                    )

    @property
    def text_errors(self) -> list[Remark]:
        """What is wrong in the text, by lines; what was typed by hand has its errors beside it."""
        return [] if self.by_hand else list(self.reading.errors[:ERRORS_SHOWN])

    @property
    def more_text_errors(self) -> int:
        return 0 if self.by_hand else max(0, len(self.reading.errors) - ERRORS_SHOWN)

    def is_readable(self) -> bool:
        """Valid, and every line could be read."""
        return self.is_valid() and not self.reading.errors

    def hand_rows(self) -> Iterator[HandRow]:
        for number in range(1, self.row_count + 1):
            yield HandRow(number, self[f"specificity_{number}"], self[f"mfi_{number}"])

    @property
    def hand_open(self) -> bool:
        """The part for typing is unfolded when there is something in it, or when more rows were asked for."""
        return self.row_count > ROWS or any(
            row.specificity.value() or row.mfi.value() or row.mfi.errors for row in self.hand_rows()
        )

    def hidden(self) -> dict[str, str]:
        """What the preview sends once more, all but the text: read again it gives the same."""
        names = [name for name in self.fields if name not in ("text", "file")]
        return {name: self.data[name] for name in names if self.data.get(name)}

    def data_for_service(self) -> SerumData:
        names = ("sampled_on", "tested_on", "method", "classes", "laboratory", "note", "none_found")
        beads = tuple(
            BeadData(written=bead.written, mfi=bead.mfi, called=bead.called) for bead in self.reading.beads
        )
        given: dict[str, Any] = {name: self.cleaned_data.get(name) for name in names}
        given["classes"] = given["classes"] or ""
        return SerumData(**given, beads=beads)


class WithdrawForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=400)


def _is_small_number(text: Any) -> bool:
    return str(text).isascii() and str(text).isdecimal() and len(str(text)) < 6


def _guarded(form: forms.Form, guard: Any, *args: Any) -> None:
    try:
        guard(*args)
    except InvalidInput as error:
        show_error(form, error)
