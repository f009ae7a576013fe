"""Forms of enquiries. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.services_documents import guard_size
from core.errors import InvalidInput
from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices_enquiries import (
    LONGEST_MESSAGE,
    LONGEST_SUBJECT,
    MOST_DAYS,
    MOST_FILES,
    OF_UNIT,
    DeclineReason,
    EnquiryKind,
    EnquiryState,
    Side,
)
from transplants.querysets_enquiries import EnquiryQuerySet
from transplants.services_enquiries import Written


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files of a message; each is looked at by the service."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = [data] if isinstance(data, UploadedFile) else list(data or [])
        if len(given) > MOST_FILES:
            raise forms.ValidationError(_("At most %(n)d files with a message."), params={"n": MOST_FILES})
        for one in given:
            try:
                guard_size(one.size or 0)  # before anything large is read into memory
            except InvalidInput as error:
                raise forms.ValidationError(error.message) from None
        return given


class MessageForm(forms.Form):
    message_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("Message"),
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("No name of a patient: the code says who it is."),
        error_messages={"required": _("Write something first.")},
    )
    attached = FilesField(
        label=_("Attachments"), required=False, help_text=_("PDF, PNG or JPEG, at most 10 MB each")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial["message_id"] = uuid4()

    def written(self) -> Written:
        data = self.cleaned_data
        return Written(data["text"], [one.read() for one in data["attached"]], data["message_id"])


class AskForm(MessageForm):
    """A new enquiry. Without a unit only what can be asked of a patient is offered."""

    enquiry_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("What you ask for"))
    subject = forms.CharField(
        label=_("Subject"),
        max_length=LONGEST_SUBJECT,
        error_messages={"required": _("Say in a few words what it is about.")},
    )
    field_order = ("enquiry_id", "message_id", "kind", "subject", "text", "attached")

    def __init__(self, *args: Any, has_unit: bool, side: Side, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [kind for kind in EnquiryKind if has_unit or kind not in OF_UNIT]
        if side == Side.BANK:
            offered = [EnquiryKind.MESSAGE]
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(kind.value, kind.label) for kind in offered]
        if not self.is_bound:
            self.initial["enquiry_id"] = uuid4()


class DeclineForm(MessageForm):
    cause = forms.ChoiceField(label=_("Why"), choices=[("", _("choose")), *DeclineReason.choices])
    field_order = ("message_id", "cause", "text", "attached")


class TakeForm(forms.Form):
    due = forms.DateField(
        label=_("Answered until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: the day stays as it is."),
    )


class DeadlinesForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Write why.")},
    )

    def __init__(self, *args: Any, days: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in EnquiryKind:
            self.fields[kind.value] = forms.IntegerField(
                label=kind.label, min_value=1, max_value=MOST_DAYS, initial=days[kind]
            )
        self.order_fields([*EnquiryKind.values, "reason"])

    def days(self) -> dict[str, int]:
        return {kind: self.cleaned_data[kind] for kind in EnquiryKind.values}


class EnquiryFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", pgettext_lazy("state", "open")),
        ("mine", _("my turn")),
        ("overdue", _("overdue")),
        *(one for one in EnquiryState.choices if one[0] != EnquiryState.OPEN),
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, subject, unit or patient"), required=False, max_length=60)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("all")), *EnquiryKind.choices])
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)  # from the patient's page

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["hospital"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Hospital.objects.visible_to(user).order_by("code")
        field.empty_label = _("all")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(self, rows: EnquiryQuerySet, *, today: dt.date, side: Side) -> EnquiryQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            unit = Q(unit__unit_no__icontains=text) | Q(unit__din__icontains=text.replace(" ", ""))
            words = Q(number__icontains=text) | Q(subject__icontains=text) | Q(patient__code__icontains=text)
            rows = rows.filter(words | unit)
        for name in ("hospital", "patient", "kind"):
            if data.get(name):
                rows = rows.filter(**{name: data[name]})
        state = data.get("state", "")
        if state == "mine":
            return rows.waiting_for(side)
        if state == "overdue":
            return rows.overdue(today)
        if state == "all":
            return rows
        return rows.filter(state=state) if state else rows.open()
