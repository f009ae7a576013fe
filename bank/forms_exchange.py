"""Forms about files that go in and out: what columns mean, in what counts are given, which inventory file to make."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bank.choices import CountUnit, UpdateMode
from bank.imports.columns import HLA_COLUMNS, MOTHER_COLUMNS, SEROLOGY_COLUMNS, VALUE_COLUMNS
from bank.imports.counts import SCALED
from bank.imports.headings import Table
from bank.imports.mapping import LEFT_OUT
from bank.models import Bank, InventoryExport

_VALUES = tuple(column.name for column in VALUE_COLUMNS)
TARGET_CHOICES: list[Any] = [
    (LEFT_OUT, _("leave out")),
    (_("Values"), [(name, name) for name in (*_VALUES, *SCALED)]),
    ("HLA", [(name, name) for name in HLA_COLUMNS]),
    (_("Serology"), [(name, name) for name in SEROLOGY_COLUMNS]),
    (_("Mother"), [(name, name) for name in MOTHER_COLUMNS]),
]


class CountsForm(forms.Form):
    """In what the counts of a file are given; nobody guesses."""

    counts = forms.ChoiceField(label=_("Cell counts in the file are given in"), choices=CountUnit.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counts: Any = self.fields["counts"]
        counts.choices = [("", "–"), *CountUnit.choices]


class ColumnsForm(forms.Form):
    """What each column of a file means: a field for each heading, `column_0`, `column_1`, …"""

    keep_as = forms.CharField(
        label=_("Keep these columns as"),
        required=False,
        max_length=60,
        help_text=_("a name under which they can be chosen for the next file of this bank"),
    )

    def __init__(self, *args: Any, table: Table, chosen: list[str], **kwargs: Any) -> None:
        """chosen: a column for each heading of the table, to begin with."""
        super().__init__(*args, **kwargs)
        self.table = table
        for place, heading in enumerate(table.headings):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=heading or "–", choices=TARGET_CHOICES, required=False, initial=chosen[place]
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        chosen = [column for column in self._columns(given) if column != LEFT_OUT]
        twice = sorted({column for column in chosen if chosen.count(column) > 1})
        if twice:
            raise ValidationError(_("Two columns of the file mean “%(name)s”."), params={"name": twice[0]})
        if "unit_no" not in chosen:
            raise ValidationError(_("Say which column is unit_no, the number of the unit."))
        return given

    def _columns(self, given: dict[str, Any]) -> list[str]:
        return [given.get(f"column_{place}", LEFT_OUT) for place in range(len(self.table.headings))]

    @property
    def mapping(self) -> dict[str, str]:
        """Heading -> column, of a valid form."""
        return dict(zip(self.table.headings, self._columns(self.cleaned_data), strict=True))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """For the page: the field of each heading with values from the file."""
        return [
            {"field": self[f"column_{place}"], "heading": heading, "samples": self.table.samples[place]}
            for place, heading in enumerate(self.table.headings)
        ]


class ExportForm(forms.Form):
    """Which file of the inventory to make."""

    bank = forms.ModelChoiceField(label=_("Bank"), queryset=Bank.objects.none(), empty_label=None)
    issuing_organisation = forms.IntegerField(
        label=_("Issuing organisation number"),
        min_value=1000,
        max_value=9999,
        required=False,
        help_text=_("WMDA, 1000–9999; kept for the bank"),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    since = forms.ModelChoiceField(
        label=_("Content"),
        queryset=InventoryExport.objects.none(),
        required=False,
        empty_label=_("FULL: every unit on offer"),
    )
    counts = forms.ChoiceField(
        label=_("Cell counts are written in"),
        required=False,
        help_text=_("as the receiver wants them; a DIFF is written as the file that it follows"),
    )

    def __init__(self, *args: Any, banks: Any, earlier: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["bank"].queryset = banks
        fields["since"].queryset = earlier
        fields["since"].label_from_instance = _since_label
        fields["counts"].choices = [("", "–"), *CountUnit.choices]
        if all(bank.issuing_organisation for bank in banks):
            del self.fields["issuing_organisation"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("counts") and not given.get("since") and "since" not in self.errors:
            self.add_error("counts", _("Choose in what the counts are to be written."))
        return given

    @property
    def mode(self) -> UpdateMode:
        return UpdateMode.DIFF if self.cleaned_data.get("since") else UpdateMode.FULL


def _since_label(export: InventoryExport) -> str:
    moment = f"{export.snapshot_time:%Y-%m-%d %H:%M}" if export.snapshot_time else ""
    return str(_("DIFF: changes since %(mode)s of %(moment)s (UTC), %(bank)s")) % {
        "mode": export.mode,
        "moment": moment,
        "bank": export.bank.code,
    }
