"""Input of consents, withdrawals, contact data, health history and documents, and of what mothers are asked by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import (
    DECLARABLE,
    ConsentMedium,
    ConsentPurpose,
    DocumentKind,
    QuestionKind,
    ReportedBy,
    YesNo,
)
from bank.consents import Standing
from bank.forms import ReasonForm
from bank.forms_quality import NEEDED, date_field
from bank.models import Bank, ConsentItem, Questionnaire
from bank.services_consent import Answers, Withdrawal
from bank.services_interview import QUESTIONNAIRE_CHANGED
from core.signing import SignatureForm

MAX_REMARK = 500
BLANK_LINES = 3


def _text(label: Any, most: int, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=False, **more)


class SignedReasonForm(SignatureForm, ReasonForm):
    """A reason and the password that signs it."""

    field_order = ["reason", "password"]


def consent_fields(items: Sequence[ConsentItem]) -> dict[str, forms.Field]:
    """A pair of yes and no for each purpose, under the text that the mother reads."""
    return {
        f"consent_{item.purpose}": forms.ChoiceField(
            label=item.get_purpose_display(),
            help_text=item.text,
            choices=YesNo.choices,
            widget=forms.RadioSelect,
            required=False,
        )
        for item in items
    }


def answers_in(data: Mapping[str, Any]) -> dict[str, bool]:
    """Purpose -> yes or no, of those that were answered."""
    given = {purpose.value: data.get(f"consent_{purpose}") for purpose in ConsentPurpose}
    return {purpose: answer == YesNo.YES for purpose, answer in given.items() if answer}


class AnswersForm(forms.Form):
    """What a mother answered."""

    given_on = date_field(_("Answered on"))
    medium = forms.ChoiceField(label=_("How she answered"), choices=ConsentMedium.choices)
    witness = _text(_("Witness"), 40, help_text=_("staff number, never a name"))
    form_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, items: Sequence[ConsentItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= consent_fields(items)
        if items:
            self.fields["form_id"].initial = items[0].form_id

    def answers(self) -> Answers:
        data = self.cleaned_data
        return Answers(
            given_on=data["given_on"],
            medium=data["medium"],
            witness=data["witness"],
            answers=answers_in(data),
            form_id=data["form_id"],
        )


class WithdrawalForm(ReasonForm):
    """A consent that is withdrawn."""

    purpose = forms.ChoiceField(label=_("Purpose"))
    withdrawn_on = date_field(_("Withdrawn on"))
    reported_by = forms.ChoiceField(label=_("Reported by"), choices=[NEEDED, *ReportedBy.choices])
    field_order = ["purpose", "withdrawn_on", "reported_by", "reason"]

    def __init__(self, *args: Any, standings: Sequence[Standing], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["purpose"]
        assert isinstance(field, forms.ChoiceField)
        found = [(one.purpose.value, one.purpose.label) for one in standings if one.may_be_withdrawn]
        field.choices = [NEEDED, *found]

    def withdrawal(self) -> Withdrawal:
        return Withdrawal(**self.cleaned_data)


class ContactForm(forms.Form):
    """How a mother is reached; as little as will do."""

    name = _text(_("Name"), 120)
    phone = _text(_("Telephone"), 40)
    other = _text(_("Other way to reach her"), 200)


class InterviewForm(forms.Form):
    """The questions of one version: fields answer_<id> and remark_<id>."""

    interviewed_on = date_field(_("Interviewed on"))
    questionnaire = forms.CharField(max_length=36, widget=forms.HiddenInput)

    def __init__(self, *args: Any, questionnaire: Questionnaire, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["questionnaire"].initial = str(questionnaire.pk)
        self.in_force = questionnaire
        self.questions = list(questionnaire.questions.all())
        for one in self.questions:
            if one.kind == QuestionKind.YES_NO:
                self.fields[f"answer_{one.pk}"] = forms.ChoiceField(
                    label=one.text,
                    choices=YesNo.choices,
                    widget=forms.RadioSelect,
                    error_messages={"required": _("Answer every question with yes or no.")},
                )
                self.fields[f"remark_{one.pk}"] = _text(_("Remark"), MAX_REMARK)
            else:
                self.fields[f"answer_{one.pk}"] = _text(
                    one.text, 2000, widget=forms.Textarea(attrs={"rows": 2})
                )

    def clean_questionnaire(self) -> UUID:
        """Raises ValidationError where the questions are not those that the person was shown."""
        if self.cleaned_data["questionnaire"] != str(self.in_force.pk):
            raise forms.ValidationError(QUESTIONNAIRE_CHANGED)
        return self.in_force.pk

    def rows(self) -> list[dict[str, Any]]:
        """Of the page: each question with its fields."""
        return [
            {
                "answer": self[f"answer_{one.pk}"],
                "remark": self[f"remark_{one.pk}"] if f"remark_{one.pk}" in self.fields else None,
            }
            for one in self.questions
        ]

    def answers(self) -> dict[UUID, tuple[str, str]]:
        data = self.cleaned_data
        return {
            one.pk: (data[f"answer_{one.pk}"], data.get(f"remark_{one.pk}", "")) for one in self.questions
        }


class DocumentForm(forms.Form):
    """A file and what it is."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[NEEDED, *DocumentKind.choices])
    title = _text(_("Title"), 120, help_text=_("no name of a person"))
    file = forms.FileField(label=_("File"), help_text=_("PDF, PNG or JPEG, at most 10 MB"))


class DeclarationForm(ReasonForm):
    """The bank's word on older units."""

    bank = forms.ChoiceField(label=_("Bank"))
    purpose = forms.ChoiceField(
        label=_("Purpose"), choices=[NEEDED, *((one.value, one.label) for one in DECLARABLE)]
    )
    collected_from = date_field(_("Collected from"))
    collected_until = date_field(_("Collected until"))
    field_order = ["bank", "purpose", "collected_from", "collected_until", "reason"]

    def __init__(self, *args: Any, banks: Sequence[Bank], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["bank"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(one.pk), one.name) for one in banks]
        self.fields["reason"].help_text = _(
            "on which papers it rests: form and version, where they are archived, who looked at them"
        )


class VersionForm(forms.Form):
    """A new version of the consent form or of the questionnaire: title, and a line for each thing that is asked.

    Fields en_<n> and zh_<n>; of questions also kind_<n> and defers_<n>. A line that is empty in both is left out.
    """

    title = forms.CharField(label=_("Title"), max_length=120)
    base = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: str, parts: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        blank: dict[str, Any] = {"text_en": "", "text_zh": "", "kind": QuestionKind.YES_NO.value}
        self.parts = [*parts, *([blank] * BLANK_LINES if kind == "questions" else [])]
        for place, part in enumerate(self.parts):
            area = forms.Textarea(attrs={"rows": 3})
            self.fields[f"en_{place}"] = _text(_("English"), 1000, initial=part["text_en"], widget=area)
            area = forms.Textarea(attrs={"rows": 3})
            self.fields[f"zh_{place}"] = _text(_("Chinese"), 1000, initial=part["text_zh"], widget=area)
            if kind == "questions":
                self.fields[f"kind_{place}"] = forms.ChoiceField(
                    label=_("Kind"), choices=QuestionKind.choices, initial=part["kind"]
                )
                self.fields[f"defers_{place}"] = forms.ChoiceField(
                    label=_("Speaks against the donor"),
                    required=False,
                    choices=[("", _("no answer")), *YesNo.choices],
                    initial=part.get("defers_on", ""),
                )

    def lines(self) -> list[dict[str, Any]]:
        names = {"en": "en", "zh": "zh", "kind_field": "kind", "defers": "defers"}
        return [
            {
                "number": place + 1,
                "name": ConsentPurpose(part["purpose"]).label if "purpose" in part else "",
                **{
                    key: self[f"{name}_{place}"]
                    for key, name in names.items()
                    if f"{name}_{place}" in self.fields
                },
            }
            for place, part in enumerate(self.parts)
        ]

    def given(self) -> list[dict[str, Any]]:
        """The parts as the service takes them."""
        data, found = self.cleaned_data, []
        for place, part in enumerate(self.parts):
            texts = {"text_en": data[f"en_{place}"].strip(), "text_zh": data[f"zh_{place}"].strip()}
            if not any(texts.values()):
                continue
            more = {"purpose": part["purpose"]} if "purpose" in part else self._question(place)
            found.append(texts | more)
        return found

    def _question(self, place: int) -> dict[str, Any]:
        kind = self.cleaned_data[f"kind_{place}"]
        defers = self.cleaned_data[f"defers_{place}"] if kind == QuestionKind.YES_NO else ""
        return {"kind": kind, "defers_on": defers}
