"""Forms of infusions, of units that were not used and of transplants. Services check again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bank.choices import Analyte
from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices_orders import GraftPoint, GraftType, ReactionGrade, ThawMethod
from transplants.forms_shipments import ScanField
from transplants.graft_reports import COUNTED, Count, Report, unit_label
from transplants.models import Order, Transplant
from transplants.moments import MomentField, set_zone
from transplants.querysets_orders import TransplantQuerySet
from transplants.services_grafts import graft_proposed
from transplants.services_returns import NOT_USED_CAUSES
from transplants.transplant_rows import near
from transplants.writing import LONGEST_REASON

CHOOSE = ("", "—")
YES_NO = (CHOOSE, ("yes", _("yes")), ("no", _("no")))


def yes_no_field(label: Any, **more: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, choices=YES_NO, coerce=lambda text: text == "yes", **more)


class InfusionForm(forms.Form):
    """Everything of one report. It begins with what the order says; a double click is one report by its id."""

    infusion_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    scanned = ScanField()
    thaw_method = forms.ChoiceField(label=_("How it was thawed"), choices=[CHOOSE, *ThawMethod.choices])
    thawed_at = MomentField(label=_("Thaw began at"))
    began_at = MomentField(label=_("Infusion began at"))
    ended_at = MomentField(label=_("Infusion ended at"))
    volume_ml = forms.DecimalField(
        label=_("Volume infused"),
        max_digits=6,
        decimal_places=1,
        widget=forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
    )
    all_given = yes_no_field(_("All of the unit was given"))
    weight_kg = forms.DecimalField(
        label=_("Weight of the patient"),
        max_digits=5,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
        help_text=_("Of the day. In a transplant that is reported already, its weight counts."),
    )
    graft_type = forms.ChoiceField(label=_("Graft"), choices=GraftType.choices)
    reaction = forms.ChoiceField(
        label=_("Reaction of the patient"),
        choices=[CHOOSE, *ReactionGrade.choices],
        help_text=_("From moderate on the bank opens an incident at once."),
    )
    reaction_note = forms.CharField(
        label=_("What was seen"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Signs, when they began, what was done. No name of a patient."),
    )

    def __init__(self, *args: Any, order: Order, zone: dt.tzinfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_zone(self, zone)
        self.fields["weight_kg"].initial = order.weight_kg
        self.fields["graft_type"].initial = graft_proposed(order)
        if not self.is_bound:
            self.initial["infusion_id"] = uuid4()
        if begun := near(order):
            self.fields["join"] = _join_field(begun)
        if order.unit.blocks:
            self.fields["acknowledged"] = forms.BooleanField(
                label=_("The unit was given though it must not be used"), required=False
            )
        for point in GraftPoint:
            for analyte in COUNTED:
                self.fields[f"{point}_{analyte}"] = _count_field(analyte)
            self.fields[f"{point}_method"] = forms.CharField(label=_("Method"), required=False, max_length=80)

    def points(self) -> Iterator[dict[str, Any]]:
        """The counts for the page: of each point its fields, each with the unit it is in."""
        for point in GraftPoint:
            names = [(self[f"{point}_{analyte}"], unit_label(analyte)) for analyte in COUNTED]
            yield {"label": point.label, "fields": names, "method": self[f"{point}_method"]}

    def report(self, confirmed: frozenset[str]) -> Report:
        data = self.cleaned_data
        plain = {name: data[name] for name in _SAME}
        return Report(
            **plain,
            counts=tuple(self._counts()),
            join=data.get("join"),
            acknowledged=data.get("acknowledged", False),
            confirmed=confirmed,
        )

    def _counts(self) -> Iterator[Count]:
        for point in GraftPoint:
            for analyte in COUNTED:
                value = self.cleaned_data[f"{point}_{analyte}"]
                if value is not None:
                    yield Count(point, analyte, value, self.cleaned_data[f"{point}_method"])


_SAME = (
    "scanned",
    "thaw_method",
    "thawed_at",
    "began_at",
    "ended_at",
    "volume_ml",
    "all_given",
    "weight_kg",
    "graft_type",
    "reaction",
    "reaction_note",
    "infusion_id",
)


# So that ten of them stand beside one another on a telephone.
SHORT: dict[Analyte, Any] = {
    Analyte.TNC: "TNC",
    Analyte.VIABILITY: _("Viability (TNC)"),
    Analyte.CD34: "CD34+",
    Analyte.CD34_VIABILITY: _("Viability (CD34+)"),
    Analyte.CFU: "CFU",
}


def _count_field(analyte: Analyte) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
    return forms.FloatField(label=SHORT[analyte], required=False, min_value=0, widget=widget)


def _join_field(begun: list[Transplant]) -> forms.TypedChoiceField:
    texts = [(str(row.pk), f"{row.number} · {row.infused_on}") for row in begun]
    return forms.TypedChoiceField(
        label=_("Belongs to"),
        choices=[("", _("the transplant of this day")), *texts],
        coerce=lambda text: next(row.pk for row in begun if str(row.pk) == text),
        empty_value=None,
        required=False,
        help_text=_("A unit that is given some days after the first one is of the same transplant."),
    )


class NotUsedForm(forms.Form):
    cause = forms.ChoiceField(
        label=_("Why it was not used"), choices=[CHOOSE, *((one.value, one.label) for one in NOT_USED_CAUSES)]
    )
    thawed = yes_no_field(
        _("It was thawed"), help_text=_("A thawed unit can never be given to another patient.")
    )
    note = forms.CharField(
        label=_("What happened"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("And where the unit is now. No name of a patient."),
        error_messages={"required": _("Write what happened.")},
    )


class TransplantFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    q = forms.CharField(label=_("Number, unit or patient"), required=False, max_length=40)
    graft = forms.ChoiceField(label=_("Graft"), required=False, choices=[("", _("all")), *GraftType.choices])
    hospital = HospitalChoiceField(label=_("Hospital"), queryset=Hospital.objects.none(), required=False)
    since = forms.DateField(
        label=_("Day 0 from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(label=_("to"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_bank_staff and len(user.hospital_ids) < 2:
            del self.fields["hospital"]
            return
        hospitals = Hospital.objects.visible_to(user).order_by("code")
        self.fields["hospital"] = HospitalChoiceField(
            label=_("Hospital"), queryset=hospitals, required=False, empty_label=_("all")
        )

    def apply(self, rows: TransplantQuerySet) -> TransplantQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data: dict[str, Any] = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            din = text.replace(" ", "")
            unit = Q(units__unit_no__icontains=text) | Q(units__unit__din__icontains=din)
            wanted = (
                Q(number__icontains=text)
                | Q(patient__code__icontains=text)
                | Q(registry_code__icontains=text)
                | unit
            )
            rows = rows.filter(pk__in=rows.model.objects.filter(wanted).values("pk"))
        for name, lookup in _LOOKUPS.items():
            value: str | dt.date | Hospital | None = data.get(name)
            if value:
                rows = rows.filter(**{lookup: value})
        return rows


_LOOKUPS = {
    "graft": "graft_type",
    "hospital": "hospital",
    "since": "infused_on__gte",
    "until": "infused_on__lte",
}
