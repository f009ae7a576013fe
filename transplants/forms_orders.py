"""Forms of orders. They check as one types and say what to do; services check again."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.services_documents import guard_size
from core.errors import InvalidInput
from core.models import User
from core.signing import SignatureForm
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from hospitals.fields import DepartmentChoiceField, HospitalChoiceField
from hospitals.models import Department, Hospital
from transplants.choices_orders import OrderState
from transplants.models import Order
from transplants.prescription import FIELDS, LONGEST, Prescription
from transplants.querysets_orders import OrderQuerySet
from transplants.services_orders import LONGEST_AUTHORITY, LONGEST_PERMIT, Permit
from transplants.writing import LONGEST_REASON


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label, help_text=help_text, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class PrescriptionForm(forms.Form):
    """What is ordered, for when, and where it goes. order_id makes of a double click one order."""

    order_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    weight_kg = forms.DecimalField(
        label=_("Weight (kg)"),
        min_value=MIN_WEIGHT_KG,
        max_value=MAX_WEIGHT_KG,
        max_digits=5,
        decimal_places=2,
        help_text=_("Of the patient today. The dose is computed by it."),
    )
    conditioning = forms.CharField(
        label=_("Conditioning"),
        required=False,
        max_length=LONGEST["conditioning"],
        help_text=_("The regimen, such as Bu/Cy/ATG."),
    )
    conditioning_on = _day(_("Conditioning begins on"))
    deliver_on = _day(
        _("Wanted at the hospital on"),
        _("Best before the conditioning begins: nothing is lost if it is late."),
    )
    infusion_on = _day(_("Planned infusion"))
    department = DepartmentChoiceField(
        label=_("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=pgettext_lazy("department", "none named"),
        help_text=_("Who takes the unit in the hospital; papers and label name it."),
    )
    ship_to = forms.CharField(
        label=_("Address of delivery"),
        max_length=LONGEST["ship_to"],
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    country = forms.CharField(
        label=_("Country of delivery (two letters)"),
        min_length=2,
        max_length=2,
        help_text=_("Where the unit goes. It decides whether an export permit is needed."),
    )
    contact = forms.CharField(label=_("Who receives it"), max_length=LONGEST["contact"])
    contact_phone = forms.CharField(label=_("Telephone"), max_length=LONGEST["contact_phone"])
    note = forms.CharField(
        label=_("Note to the bank"),
        required=False,
        max_length=LONGEST["note"],
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("No name of a patient."),
    )

    def __init__(self, *args: Any, hospital_id: UUID, known: UUID | None = None, **kwargs: Any) -> None:
        """known: the department that an order names already; it may have been closed."""
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial.setdefault("order_id", uuid4())
        self.initial["department"] = self.initial.pop("department_id", None)
        field: Any = self.fields["department"]
        of_hospital = Department.objects.filter(hospital=hospital_id)
        field.queryset = of_hospital.filter(Q(active=True) | Q(pk=known)).order_by("name", "pk")

    def prescribed(self) -> Prescription:
        data = self.cleaned_data
        department = data["department"]
        given = {name: data[name] for name in FIELDS if name != "department_id"}
        return Prescription(**given, department_id=department.pk if department else None)


class AmendForm(PrescriptionForm):
    """Of an approved order a reason is asked for."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The bank has approved it already: say why it changes."),
        error_messages={"required": _("Write why.")},
    )

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        shown = {name: getattr(order, name) for name in FIELDS} | {"version": order.version}
        super().__init__(
            *args, initial=shown, hospital_id=order.hospital_id, known=order.department_id, **kwargs
        )
        del self.fields["order_id"]
        if order.state != OrderState.APPROVED:
            del self.fields["reason"]


class SignForm(SignatureForm):
    """version: of the prescription that was shown."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class ApproveForm(forms.Form):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class ReleaseForm(SignatureForm):
    """seen: digest of the checklist that was shown. justification: where something may be excepted."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    justification = forms.CharField(
        label=_("Why it is released all the same"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The hospital reads it."),
    )
    field_order = ("seen", "justification", "password")

    def __init__(self, *args: Any, asks_why: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_why:
            del self.fields["justification"]


class PermitForm(forms.Form):
    permit_no = forms.CharField(label=_("Permit number"), max_length=LONGEST_PERMIT)
    authority = forms.CharField(label=_("Authority"), max_length=LONGEST_AUTHORITY)
    country = forms.CharField(
        label=_("Country that it names (two letters)"),
        min_length=2,
        max_length=2,
        help_text=_("As it stands on the permit."),
    )
    valid_until = _day(_("Valid until"), _("At least until the expected arrival."))
    document = forms.FileField(
        label=_("Document of the permit"), required=False, help_text=_("PDF, PNG or JPEG, at most 10 MB")
    )

    def clean_document(self) -> bytes:
        """Its bytes. Too large a file is not read into memory."""
        given = self.cleaned_data["document"]
        if not given:
            return b""
        try:
            guard_size(given.size or 0)
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from None
        found: bytes = given.read()
        return found

    def permit(self) -> Permit:
        return Permit(**self.cleaned_data)


class OrderFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", pgettext_lazy("state", "open")),
        ("sign", _("to sign")),
        ("approve", _("to approve")),
        ("release", _("to release")),
        *OrderState.choices,
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, unit or patient"), required=False, max_length=40)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)  # from the patient's page

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hospital: Any = self.fields["hospital"]
        hospital.queryset = Hospital.objects.visible_to(user).order_by("code")
        hospital.empty_label = _("all")
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]

    def apply(self, rows: OrderQuerySet) -> OrderQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            unit = Q(unit__unit_no__icontains=text) | Q(unit__din__icontains=text.replace(" ", ""))
            rows = rows.filter(Q(number__icontains=text) | Q(patient__code__icontains=text) | unit)
        for name in ("hospital", "patient"):
            if data.get(name):
                rows = rows.filter(**{name: data[name]})
        return of_state(rows, data.get("state", ""))


def of_state(rows: OrderQuerySet, state: str) -> OrderQuerySet:
    if state == "sign":
        return rows.unsigned()
    if state == "approve":
        return rows.to_approve()
    if state == "release":
        return rows.filter(state=OrderState.APPROVED)
    if state == "all":
        return rows
    return rows.filter(state=state) if state else rows.open()
