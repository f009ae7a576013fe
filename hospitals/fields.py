"""Fields that name hospitals and their departments."""

from __future__ import annotations

from typing import Any

from django import forms


class HospitalChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A hospital by its code and its name in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.code} {obj.display_name}"


class DepartmentChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A department by its name in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)
