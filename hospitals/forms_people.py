"""Forms of departments and of the people of a hospital."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import User
from hospitals.data import DepartmentData
from hospitals.models import Department, Hospital, Membership


class DepartmentChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """By its name in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)


class PlaceForm(forms.Form):
    """Where a person works in the hospital."""

    title = forms.CharField(label=_("Position"), max_length=80, required=False)
    department = DepartmentChoiceField(
        label=_("Department"), queryset=Department.objects.none(), required=False, empty_label="–"
    )

    def department_id(self) -> Any:
        chosen = self.cleaned_data["department"]
        return chosen.pk if chosen else None


class MembershipForm(PlaceForm):
    """A person is added, by the address of the account."""

    email = forms.EmailField(label=_("E-mail address"), help_text=_("The person needs an account first."))
    field_order = ("email", "title", "department")

    def __init__(self, *args: Any, hospital: Hospital, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments: Any = self.fields["department"]
        departments.queryset = Department.objects.filter(hospital=hospital).active()

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        found = User.objects.filter(email=email, is_active=True).first()
        if found is None:
            raise forms.ValidationError(_("Nobody with this address has an account."), code="unknown_user")
        self.person = found
        return email


class MembershipEditForm(PlaceForm):
    """shown: what the page showed, so that another person's change is not overwritten."""

    shown = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any, *, membership: Membership) -> None:
        now = {"title": membership.title, "department": membership.department_id}
        super().__init__(data, initial={**now, "shown": membership.as_shown})
        of_hospital = Department.objects.filter(hospital=membership.hospital_id)
        chosen = Q(pk=membership.department_id)  # also one that is not active any more: it is no change
        departments: Any = self.fields["department"]
        departments.queryset = of_hospital.filter(Q(active=True) | chosen)


class DepartmentForm(forms.Form):
    name = forms.CharField(label=Department._meta.get_field("name").verbose_name, max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    shipping_contact = forms.CharField(
        label=_("Contact for shipments"),
        max_length=120,
        required=False,
        help_text=_("Where it differs from that of the hospital."),
    )
    shipping_phone = forms.CharField(label=_("Telephone for shipments"), max_length=40, required=False)
    active = forms.BooleanField(
        label=Department._meta.get_field("active").verbose_name,
        required=False,
        initial=True,
        help_text=_("An inactive department stays with its people, and is offered no more."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def data_for_service(self) -> DepartmentData:
        names = DepartmentData.__dataclass_fields__
        return DepartmentData(**{name: self.cleaned_data[name] for name in names})


def department_initial(row: Department) -> dict[str, Any]:
    names = (*DepartmentData.__dataclass_fields__, "version")
    return {name: getattr(row, name) for name in names}
