"""Parts of the API that several addresses share: a typing as it is given, and whether one is confirmed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from core.typings import MAX_GL_LENGTH, MAX_VALUE_LENGTH, TypingInput
from hla.loci import LOCI
from hospitals import choices
from hospitals.confirmation import Standing
from hospitals.typing_rows import MAX_SAMPLE_LENGTH


class ConfirmationSerializer(serializers.Serializer[Any]):
    """Whether a second, independently drawn sample confirms the typing in force; `why` says what is missing."""

    standing = serializers.ChoiceField(choices=[standing.value for standing in Standing], read_only=True)
    confirmed = serializers.BooleanField(source="is_confirmed", read_only=True)
    why = serializers.CharField(read_only=True)
    loci = serializers.ListField(child=serializers.CharField(), read_only=True)


class TypingInputSerializer(serializers.Serializer[Any]):
    """Either `gl`, or `loci` such as {"A": ["A*02:01", "A*24:02"]}; both may be given for different loci."""

    gl = serializers.CharField(required=False, allow_blank=True, max_length=MAX_GL_LENGTH)
    loci = serializers.DictField(
        required=False,
        child=serializers.ListField(
            child=serializers.CharField(allow_blank=True, max_length=MAX_VALUE_LENGTH),
            min_length=1,
            max_length=2,
        ),
    )
    blank_rule = serializers.ChoiceField(choices=choices.BlankRule.choices, required=False)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=choices.TypingSource.choices, required=False
    )
    laboratory = serializers.CharField(required=False, allow_blank=True, max_length=120)
    typed_on = serializers.DateField(required=False, allow_null=True)
    sampled_on = serializers.DateField(
        required=False, allow_null=True, help_text="day on which the sample was drawn"
    )
    sample = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_SAMPLE_LENGTH, help_text="label of the sample"
    )

    def validate_loci(self, value: dict[str, list[str]]) -> dict[str, list[str]]:
        unknown = sorted(set(value) - set(LOCI))
        if unknown:
            text = _("Unknown locus %(names)s. Known are %(loci)s.")
            raise serializers.ValidationError(
                text % {"names": ", ".join(unknown)[:100], "loci": ", ".join(LOCI)}
            )
        return value


def typing_of(given: dict[str, Any]) -> TypingInput:
    """What the validated values of TypingInputSerializer say."""
    pairs = {
        locus: (values[0], values[1] if len(values) > 1 else "")
        for locus, values in given.get("loci", {}).items()
    }
    return TypingInput(
        values=pairs,
        gl=given.get("gl", ""),
        blank=given.get("blank_rule", choices.BlankRule.UNKNOWN),
        source=given.get("source", choices.TypingSource.TRANSFER),
        laboratory=given.get("laboratory", ""),
        typed_on=given.get("typed_on"),
        sampled_on=given.get("sampled_on"),
        sample=given.get("sample", ""),
    )
