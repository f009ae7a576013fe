"""A field in which units are named by their numbers, typed or scanned, one or thousands; forms that are shown anew."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices import Source
from bank.models import CordBloodUnit

MOST_CHARACTERS = 400_000  # some ten thousand units
_NAMED = 5  # of the numbers that are not known


class UnitNumbersField(forms.CharField):
    """Cleans to the keys of own units, each once. Whether the person may name them is the service's to say."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3}))
        kwargs.setdefault(
            "help_text", _("unit numbers or DINs, typed or scanned, one a line or separated by commas")
        )
        super().__init__(
            max_length=MOST_CHARACTERS, error_messages={"required": _("Name at least one unit.")}, **kwargs
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value).replace("\0", "")
        parts = [part.strip() for part in re.split(r"[\n,;]", text)]
        numbers = list(dict.fromkeys(part for part in parts if part))
        rows = CordBloodUnit.objects.filter(source=Source.OWN)
        found = {number: _one(rows, number, keys) for number, keys in rows.keys_by_number(numbers).items()}
        if unknown := [number for number in numbers if found[number] is None]:
            raise forms.ValidationError(
                _("No unit is sure to be meant by: %(numbers)s. Check them, or scan the label."),
                params={"numbers": ", ".join(unknown[:_NAMED]) + (" …" if len(unknown) > _NAMED else "")},
            )
        return list(dict.fromkeys(found[number] for number in numbers))


def _one(rows: Any, number: str, keys: list[UUID]) -> UUID | None:
    """What a file could say, else what a scanner reads: other codes of the label."""
    if keys:
        return keys[0] if len(keys) == 1 else None
    unit = rows.by_number(number)
    return unit.pk if unit else None


def rebound(data: Any, **values: str) -> Any:
    """What was sent, with other hidden values: the page shows something newer, and the next try is of that."""
    found = data.copy()
    for name, value in values.items():
        found[name] = value
    return found
