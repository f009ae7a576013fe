"""Forms about files that are checked and then taken in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bank.imports.errors import MESSAGES
from bank.imports.raw import MEGABYTE
from bank.imports.tables import MAX_BYTES
from core.models import User
from core.roles import Permission


class ResultsFileForm(forms.Form):
    """A laboratory's file."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the reader says so in its own words
        help_text=_("CSV (UTF-8 or GB18030) or XLSX, one result a line; at most 5 MB and 5,000 rows"),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            params = {"limit": MAX_BYTES // MEGABYTE}
            raise ValidationError(str(MESSAGES["file_too_large"]), code="file_too_large", params=params)
        return file


class ConfirmForm(forms.Form):
    """Write a checked file. Whoever may declares that its listed units were released before."""

    skip_bad = forms.BooleanField(required=False, widget=forms.HiddenInput)
    declared = forms.BooleanField(
        label=_("These units were released by this bank before Qidai: list them"),
        required=False,
        help_text=_("without it they enter the quarantine, and the release desk decides on each"),
    )
    declaration = forms.CharField(
        label=_("On what ground"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("such as the former system and the date of its release records; kept with the import"),
    )

    def __init__(self, *args: Any, user: User, report: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["skip_bad"].initial = bool(report.get("errors"))
        if not report.get("wants_listed") or not user.has_permission(Permission.UNIT_DECLARE):
            del self.fields["declared"], self.fields["declaration"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        declared, ground = given.pop("declared", False), given.get("declaration", "")
        if declared and not ground:
            self.add_error("declaration", ValidationError(_("Say on what ground.")))
        if ground and not declared:
            self.add_error("declared", ValidationError(_("Tick it, or leave the ground empty.")))
        return given
