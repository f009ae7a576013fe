"""Input of lots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_lots import LotKind, LotState, LotStep
from bank.forms import ANY, ReasonForm
from bank.forms_quality import NEEDED, date_field, lot_reason_field
from bank.lot_use import MAX_NUMBER
from bank.models import CordBloodUnit
from bank.querysets_lots import LotQuerySet
from core.signing import SignatureForm

EXPIRED = "expired"
MOST_CHOSEN = 200  # units that a form lists to be ticked; of more all or none are held
ALL, CHOSEN, NONE = "all", "chosen", "none"


class LotFilterForm(forms.Form):
    """The filters of the list of lots."""

    q = forms.CharField(
        label=_("Number"),
        required=False,
        max_length=80,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": _("Lot, serial number or manufacturer")}
        ),
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[ANY, *LotKind.choices])
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[ANY, *LotState.choices, (EXPIRED, _("Expired"))]
    )

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"]).replace("\0", "")

    def apply(self, rows: LotQuerySet) -> LotQuerySet:
        """What the valid fields ask for."""
        self.is_valid()
        given = self.cleaned_data
        rows = rows.numbered(given.get("q") or "")
        if given.get("kind"):
            rows = rows.filter(kind=given["kind"])
        if given.get("state") == EXPIRED:
            return rows.expired(timezone.localdate())
        return rows.filter(state=given["state"]) if given.get("state") else rows


def _number(label: Any, *, required: bool = True, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, required=required, max_length=MAX_NUMBER, **more)


class LotForm(forms.Form):
    """A lot before it is used."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[NEEDED, *LotKind.choices])
    manufacturer = _number(_("Manufacturer"))
    number = _number(_("Number"), help_text=_("of the lot; of an instrument its serial number"))
    expires_on = date_field(_("Expires on"), required=False, help_text=_("the last day of use"))
    received_on = date_field(_("Received on"), required=False)


class LotCorrectForm(ReasonForm):
    """What was wrong or not known of a lot."""

    manufacturer = _number(_("Manufacturer"), required=False)
    expires_on = date_field(_("Expires on"), required=False, help_text=_("the last day of use"))
    received_on = date_field(_("Received on"), required=False)
    field_order = ["manufacturer", "expires_on", "received_on", "reason"]

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


class LotUseForm(forms.Form):
    """A lot that was used on a unit."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[NEEDED, *LotKind.choices])
    number = _number(_("Number"), help_text=_("scanned or typed; of an instrument its serial number"))
    step = forms.ChoiceField(label=_("Step"), choices=[NEEDED, *LotStep.choices])
    used_on = date_field(_("Used on"), required=False)
    lot_reason = lot_reason_field()


class LotUnblockForm(SignatureForm, ReasonForm):
    """Why a lot may be used again."""

    field_order = ["reason", "password"]


class _Ticked(forms.MultipleChoiceField):
    """Units by their keys. One that has moved on meanwhile is the service's to refuse: it knows why."""

    def valid_value(self, value: Any) -> bool:
        try:
            return bool(UUID(str(value)))
        except ValueError:
            return False


class LotMergeForm(SignatureForm, ReasonForm):
    """Which lot is given up as one of its own, and why."""

    other = _number(
        _("The other lot"), help_text=_("its number, or manufacturer and number: it stays a name of this one")
    )
    carry_block = forms.BooleanField(
        label=_("One of them is blocked: the block is of both"),
        required=False,
        help_text=_("the units of the other lot are put on hold afterwards, on the page of this one"),
    )
    same_anyway = forms.BooleanField(
        label=_("They are the same lot in spite of that"),
        required=False,
        help_text=_("where manufacturers or last days are registered that differ"),
    )
    field_order = ["other", "carry_block", "same_anyway", "reason", "password"]


class LotBlockForm(SignatureForm, ReasonForm):
    """Why a lot is kept from use, and which of its units are put on hold with it."""

    hold = forms.ChoiceField(label=_("Units to put on hold"), widget=forms.RadioSelect, initial=ALL)
    units = _Ticked(label=_("Units"), required=False, widget=forms.CheckboxSelectMultiple)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    field_order = ["reason", "hold", "units", "password"]

    def __init__(self, *args: Any, holdable: Sequence[CordBloodUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.holdable = holdable
        few = 0 < len(holdable) <= MOST_CHOSEN
        ways = [(ALL, _("all that can be held"))] + ([(CHOSEN, _("only those ticked below"))] if few else [])
        hold, units = self.fields["hold"], self.fields["units"]
        assert isinstance(hold, forms.ChoiceField)
        assert isinstance(units, forms.MultipleChoiceField)
        hold.choices = [*ways, (NONE, _("none"))]
        units.choices = [(str(unit.pk), unit.public_no) for unit in holdable] if few else []
        if not holdable:
            del self.fields["hold"]
        if not few:
            del self.fields["units"]

    def chosen(self) -> list[UUID]:
        """The units that are to be held."""
        way = self.cleaned_data.get("hold", NONE)
        if way == ALL:
            return [unit.pk for unit in self.holdable]
        return [UUID(key) for key in self.cleaned_data.get("units", [])] if way == CHOSEN else []

    def show(self, digest: str) -> None:
        """What the page shows now is what the next signature is about."""
        if isinstance(self.data, QueryDict) and self.is_bound:
            data = self.data.copy()
            data["seen"] = digest
            self.data = data
        else:
            self.initial = {**self.initial, "seen": digest}
