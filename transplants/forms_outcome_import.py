"""Forms of lists of earlier transplants: the file, what its columns mean, and that it is to be written."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bank.imports.errors import MESSAGES
from bank.imports.headings import Table
from bank.imports.mapping import LEFT_OUT
from bank.imports.raw import MAX_FILE_BYTES, MEGABYTE
from transplants.importing.columns import NAMES, NEEDED


class ListFileForm(forms.Form):
    """A list, and what is true of all its rows."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the reader says so in its own words
        help_text=_(
            "CSV (UTF-8 or GB18030) or XLSX, one transplant a line, gzip too; at most 50 MB and 100,000 rows"
        ),
    )
    name = forms.CharField(
        label=_("Name of the list"),
        required=False,
        max_length=120,
        help_text=_("such as the register that it comes from; shown with what was taken over"),
    )
    hospital = forms.ChoiceField(label=_("Hospital"), required=False)
    own = forms.ChoiceField(
        label=_("The units are"),
        required=False,
        choices=[
            ("", _("as each row says")),
            ("yes", _("all of this bank")),
            ("no", _("all of other banks")),
        ],
    )

    def __init__(self, *args: Any, hospitals: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["hospital"]
        field.choices = [("", _("as each row says")), *hospitals]

    def clean_file(self) -> Any:
        """Too large is refused before a byte of it is read."""
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE_BYTES:
            params = {"limit": MAX_FILE_BYTES // MEGABYTE}
            raise ValidationError(str(MESSAGES["file_too_large"]), code="file_too_large", params=params)
        return file


class ListColumnsForm(forms.Form):
    """What each column of a file means: a field for each heading, `column_0`, `column_1`, …"""

    def __init__(self, *args: Any, table: Table, chosen: list[str], **kwargs: Any) -> None:
        """chosen: a column for each heading of the table, to begin with."""
        super().__init__(*args, **kwargs)
        self.table = table
        choices = [(LEFT_OUT, _("leave out")), *((name, name) for name in NAMES)]
        for place, heading in enumerate(table.headings):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=heading or "–", choices=choices, required=False, initial=chosen[place]
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        chosen = [column for column in self._columns(given) if column != LEFT_OUT]
        twice = sorted({column for column in chosen if chosen.count(column) > 1})
        if twice:
            raise ValidationError(_("Two columns of the file mean “%(name)s”."), params={"name": twice[0]})
        missing = [name for name in NEEDED if name not in chosen]
        if missing:
            names = ", ".join(missing)
            raise ValidationError(
                _("Say which column is %(names)s: no row is read without."), params={"names": names}
            )
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


class ListConfirmForm(forms.Form):
    """Write a checked list. skip_bad: its rows with errors are left out."""

    skip_bad = forms.BooleanField(
        label=_("Leave out the rows with errors"),
        required=False,
        help_text=_("better: correct the file and choose it again, for every figure will miss them"),
    )

    def __init__(self, *args: Any, has_errors: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_errors:
            del self.fields["skip_bad"]

    @property
    def skips(self) -> bool:
        return bool(self.cleaned_data.get("skip_bad"))
