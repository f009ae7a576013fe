"""Input about the storage: what lies where, what it is made of, what was read of its tanks."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.choices import NodeKind
from bank.forms import ReasonForm
from bank.models import Bank, Slot, StorageNode
from bank.services_storage import ABOVE_OF, Shape

OTHER = "other"  # the choice of a place that is not on the page
_EXAMPLE = {"placeholder": "T1-R3-C2-07", "autocapitalize": "characters", "autocomplete": "off"}


class MoveForm(forms.Form):
    """A unit of a canister into another slot of it, or into any other place. Its two groups are drawn as the map."""

    unit = forms.UUIDField(error_messages={"required": _("Choose the unit to move.")})
    slot = forms.CharField(required=False, max_length=40)
    place = forms.CharField(
        label=_("another place"), required=False, max_length=60, widget=forms.TextInput(attrs=_EXAMPLE)
    )

    @property
    def wants_other(self) -> bool:
        """The place is written, not chosen on the page."""
        given = self.cleaned_data
        return given["slot"] == OTHER or bool(given["place"] and not given["slot"])

    def clean_slot(self) -> UUID | str | None:
        text = self.cleaned_data["slot"]
        if text in ("", OTHER):
            return str(text)
        try:
            return UUID(text)
        except ValueError:
            raise ValidationError(_("There is no such place."), code="slot_unknown") from None

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("slot") == "" and not given.get("place"):
            self.add_error(None, ValidationError(_("Choose the place to move it to."), code="place_needed"))
        if given.get("slot") == OTHER and not given.get("place"):
            self.add_error("place", ValidationError(_("Write the place."), code="place_needed"))


def _choose_from(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field: Any = form.fields[name]
    field.choices = choices


class SlotForm(forms.Form):
    """A form about one slot of a canister."""

    slot = forms.TypedChoiceField(label=pgettext_lazy("storage", "Place"), coerce=UUID)

    def __init__(self, *args: Any, slots: list[Slot], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose_from(self, "slot", [(str(slot.pk), slot.place) for slot in slots])
        self.can_be_sent = bool(slots)


class PutForm(SlotForm):
    """A unit from elsewhere into a free slot of this canister."""

    number = forms.CharField(
        label=_("Unit"),
        max_length=60,
        widget=forms.TextInput(attrs={"placeholder": _("Unit number, DIN or scan"), "autocomplete": "off"}),
    )
    field_order = ["number", "slot"]


class SlotReasonForm(SlotForm):
    """A slot and why: blocked, or used again."""

    reason = ReasonForm.base_fields["reason"]


class TakeOutForm(forms.Form):
    """Which unit is taken out, and why. It names the unit, not its slot: another one may lie there by now."""

    unit = forms.TypedChoiceField(label=_("Unit"), coerce=UUID)
    reason = ReasonForm.base_fields["reason"]

    def __init__(self, *args: Any, slots: list[Slot], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = [(str(slot.unit_id), f"{slot.place} · {slot.unit.public_no}") for slot in slots if slot.unit]
        _choose_from(self, "unit", units)
        self.can_be_sent = bool(slots)


class NodeForm(forms.Form):
    """A new site, tank, rack or canister, with all that it holds."""

    kind = forms.ChoiceField(label=pgettext_lazy("storage", "What"), choices=NodeKind.choices)
    parent = forms.ChoiceField(
        label=_("Where"), required=False, help_text=_("a tank stands in a site, a rack in a tank")
    )
    code = forms.CharField(label=_("Code"), max_length=20, help_text=_("letters and digits: T3"))
    racks = forms.IntegerField(label=_("Racks in it"), required=False, min_value=1, widget=forms.TextInput)
    canisters = forms.IntegerField(
        label=_("Canisters in each rack"), required=False, min_value=1, widget=forms.TextInput
    )
    slots = forms.IntegerField(
        label=_("Places in each canister"), required=False, min_value=1, widget=forms.TextInput
    )
    quarantine = forms.BooleanField(label=_("Quarantine area"), required=False)
    for_samples = forms.BooleanField(
        label=_("For samples"),
        required=False,
        help_text=_("reference samples, and never a unit; it cannot be changed later"),
    )

    def __init__(self, *args: Any, banks: list[Bank], nodes: list[StorageNode], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.banks, self.nodes = banks, {str(node.pk): node for node in nodes}
        several = len(banks) > 1
        top = [(f"bank:{bank.pk}", _("new site of %(bank)s") % {"bank": bank.code}) for bank in banks]
        inner = [
            (key, f"{node.bank.code} · {node}  {node.path}" if several else f"{node}  ({node.path})")
            for key, node in self.nodes.items()
        ]
        _choose_from(self, "parent", [*inner, *top])

    def given(self) -> dict[str, Any]:
        """What nodes_create wants."""
        data = self.cleaned_data
        parent = self.nodes.get(data["parent"])
        bank_id = parent.bank_id if parent else UUID(data["parent"].removeprefix("bank:"))
        numbers = {name: data[name] or 0 for name in ("racks", "canisters", "slots")}
        return {
            "bank_id": bank_id,
            "parent_id": parent.pk if parent else None,
            "kind": data["kind"],
            "code": data["code"],
            "quarantine": data["quarantine"],
            "for_samples": data["for_samples"],
            "shape": Shape(**numbers),
        }

    def clean(self) -> None:
        data = self.cleaned_data
        if "kind" not in data or "parent" not in data:
            return
        if not data["parent"]:
            self.add_error("parent", ValidationError(_("Say where it stands."), code="required"))
            return
        wanted = ABOVE_OF.get(NodeKind(data["kind"]))
        parent = self.nodes.get(data["parent"])
        if (parent.kind if parent else None) != wanted:
            text = _("A tank stands in a site, a rack in a tank, a canister in a rack.")
            self.add_error("parent", ValidationError(text, code="parent_kind"))


class QuarantineForm(ReasonForm):
    """Whether a tank is a quarantine area."""

    quarantine = forms.BooleanField(label=_("Quarantine area"), required=False)
    field_order = ["quarantine", "reason"]


def _now() -> dt.datetime:
    return timezone.localtime().replace(second=0, microsecond=0)


class ReadingForm(forms.Form):
    """What was read of a tank."""

    read_at = forms.DateTimeField(
        label=_("Read at"),
        initial=_now,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    temperature_c = forms.FloatField(label=_("Temperature, °C"), required=False, widget=forms.TextInput)
    level_percent = forms.FloatField(label=_("Level, %"), required=False, widget=forms.TextInput)


class TankLimitsForm(ReasonForm):
    """What a tank must keep."""

    warm_above_c = forms.FloatField(label=_("Too warm above, °C"), required=False, widget=forms.TextInput)
    level_below_percent = forms.FloatField(
        label=_("Level too low below, %"), required=False, widget=forms.TextInput
    )
    field_order = ["warm_above_c", "level_below_percent", "reason"]


class AlarmForm(forms.Form):
    """What was found and done about an alarm."""

    remark = forms.CharField(
        label=_("What was found and done"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )


class FileForm(forms.Form):
    """A CSV of places or readings."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the reader says so in its own words
        help_text=_("CSV (UTF-8 or GB18030), at most 5 MB"),
    )
