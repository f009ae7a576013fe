"""Form of the bank's texts on papers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from transplants.choices_papers import TextKind
from transplants.services_papers import LONGEST_TEXT

_HELP = _("A line that begins with “# ” is a heading, with “- ” a step, with “! ” a warning.")
_SENDER_HELP = _(
    "A line each: department, street, town, country, then the telephone that is answered at any hour."
)


class PaperTextForm(forms.Form):
    """Both languages side by side. base: the version that the writer began with."""

    base = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text_en = forms.CharField(label=_("English"), max_length=LONGEST_TEXT, strip=False)
    text_zh = forms.CharField(label=_("Chinese"), max_length=LONGEST_TEXT, strip=False)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_sender = kind == TextKind.SENDER
        for name, tag in (("text_en", "en"), ("text_zh", "zh-Hans")):
            field = self.fields[name]
            field.widget = forms.Textarea(attrs={"rows": 8 if is_sender else 22, "lang": tag})
            field.help_text = _SENDER_HELP if is_sender else _HELP
            field.error_messages["required"] = _("Give the text in both languages.")
