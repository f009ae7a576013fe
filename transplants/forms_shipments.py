"""Forms of shipments. They check as one types and say what to do; services check again."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.errors import InvalidInput
from core.models import User
from hospitals.fields import HospitalChoiceField
from hospitals.models import Hospital
from transplants.choices_orders import Acceptance, Answer, EventKind, ShipperPlace
from transplants.logger_files import guard_size, zone_of, zones
from transplants.loggers.reading import Asked
from transplants.loggers.times import DayOrder
from transplants.models import Receipt, Shipment, Shipper, ShippingRules
from transplants.moments import MomentField, set_zone
from transplants.querysets_orders import ShipmentQuerySet
from transplants.services_receipts import ANSWERS, Happened, Received
from transplants.services_shipments import BANK_CAUSES, Packing
from transplants.services_shippers import BOUNDS, MOST_HOLD_HOURS, ShipperGiven
from transplants.writing import LONGEST_REASON

_NOTE = {"rows": 2}


def _now() -> dt.datetime:
    return timezone.localtime().replace(second=0, microsecond=0)


def _verbose(model: Any, name: str) -> Any:
    return model._meta.get_field(name).verbose_name


class ScanField(forms.CharField):
    """What is read on the bag, by a scanner or by hand."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        )
        super().__init__(
            label=_("Code on the bag"),
            max_length=200,
            widget=widget,
            help_text=_(
                "Scan it, or type the number or DIN that stands on the bag. Do not copy it from a page."
            ),
            error_messages={"required": _("Scan the code on the bag.")},
            **kwargs,
        )


class ShownForm(forms.Form):
    """Carries when the row had changed last, as the person saw it: a stale page is refused."""

    shown = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if row is not None:
            self.initial["shown"] = row.updated_at.isoformat()


class ShipperField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    def label_from_instance(self, obj: Any) -> str:
        text = _("%(serial)s · holds %(hours)d h · valid until %(day)s")
        return str(
            text % {"serial": obj.serial, "hours": obj.hold_hours, "day": f"{obj.valid_until:%Y-%m-%d}"}
        )


class PackForm(ShownForm):
    shipper = ShipperField(
        label=_("Shipper"),
        queryset=Shipper.objects.none(),
        empty_label=_("choose"),
        error_messages={"required": _("Choose the shipper.")},
    )
    scanned = ScanField()
    charged_at = MomentField(
        label=_("Shipper charged at"),
        initial=_now,
        help_text=_("When it was filled with nitrogen: its hold time counts from then."),
    )
    loaded_at = MomentField(
        label=_("Unit put into the shipper at"),
        initial=_now,
        help_text=_("The temperature is judged from then on."),
    )
    charge_weight_kg = forms.DecimalField(
        label=_("Weight when charged (kg)"), max_digits=5, decimal_places=2, widget=forms.TextInput
    )
    logger_serial = forms.CharField(label=_("Serial number of the logger"), max_length=40)
    seals = forms.CharField(
        label=_("Seal numbers"), max_length=120, help_text=_("All of them, separated by commas.")
    )
    courier = forms.CharField(label=_("Courier"), max_length=80)
    waybill = forms.CharField(label=_("Waybill number"), max_length=60)
    expected_at = MomentField(label=_("Expected at the hospital"))
    late_confirmed = forms.BooleanField(
        label=_("The hospital knows that it arrives later than its order says"), required=False
    )
    tracking_url = forms.URLField(
        label=_("Tracking address"),
        required=False,
        max_length=300,
        assume_scheme="https",
        help_text=_("Of the courier's page, if it has one."),
    )
    field_order = ("shown", "shipper", "scanned")

    def __init__(self, *args: Any, row: Shipment | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        chosen = Q(active=True, valid_until__gte=timezone.localdate(), place=ShipperPlace.READY)
        if row is not None:
            chosen |= Q(pk=row.shipper_id)
            names = set(self.fields) - {"shown", "scanned", "late_confirmed"}
            self.initial.update({name: getattr(row, name) for name in names})
        field = self.fields["shipper"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Shipper.objects.filter(chosen)

    def packing(self) -> Packing:
        data = self.cleaned_data
        names = set(data) - {"shown", "shipper"}
        return Packing(shipper_id=data["shipper"].pk, **{name: data[name] for name in names})


class CheckForm(ShownForm):
    scanned = ScanField()


class EventForm(forms.Form):
    """What happened on the way; which kinds are offered depends on how far it is."""

    event_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("What happened"))
    at = MomentField(label=_("When"), initial=_now)
    place = forms.CharField(label=_("Where"), required=False, max_length=120)
    handed_by = forms.CharField(
        label=_("Handed over by"), required=False, max_length=120, help_text=_("Of a handover.")
    )
    taken_by = forms.CharField(
        label=_("Taken over by"), required=False, max_length=120, help_text=_("Of a handover.")
    )
    expected_at = MomentField(
        label=_("Expected now at"),
        required=False,
        help_text=_("Of a delay. Empty: the arrival stays as it is."),
    )
    late_confirmed = forms.BooleanField(
        label=_("The hospital knows that it arrives later than its order says"), required=False
    )
    note = forms.CharField(
        label=_("What to know of it"), required=False, max_length=400, widget=forms.Textarea(attrs=_NOTE)
    )

    def __init__(self, *args: Any, kinds: tuple[EventKind, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("choose")), *((kind.value, kind.label) for kind in kinds)]
        if EventKind.DELAYED not in kinds:
            del self.fields["expected_at"]
        if not self.is_bound:
            self.initial["event_id"] = uuid4()
        if EventKind.DELAYED not in kinds or not self.is_bound:
            del self.fields["late_confirmed"]  # asked where it is so

    def happened(self) -> Happened:
        return Happened(**self.cleaned_data)


class FailForm(forms.Form):
    cause = forms.ChoiceField(
        label=_("Cause"), choices=[("", _("choose")), *((one.value, one.label) for one in BANK_CAUSES)]
    )
    note = forms.CharField(
        label=_("What happened"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs=_NOTE),
        error_messages={"required": _("Write what happened.")},
    )


class LoggerForm(forms.Form):
    """A logger's file, and what the file itself may not say. zone: of who brings it, proposed for the logger."""

    file = forms.FileField(
        label=_("File of the logger"),
        allow_empty_file=True,  # the reader says so in its own words
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        help_text=_("CSV as the logger's program exports it, at most 5 MB"),
        error_messages={"required": _("Choose the file.")},
    )
    zone = forms.ChoiceField(
        label=_("Time zone of the logger"), help_text=_("Used where the file does not name one.")
    )
    day_order = forms.ChoiceField(
        label=_("Order of day and month"),
        required=False,
        choices=[
            ("", _("as in the file")),
            (DayOrder.DAY_FIRST.value, _("day first: 31/12/2026")),
            (DayOrder.MONTH_FIRST.value, _("month first: 12/31/2026")),
        ],
    )
    scale = forms.ChoiceField(
        label=_("Temperatures in"),
        required=False,
        choices=[("", _("as in the file")), ("C", "°C"), ("F", "°F"), ("K", "K")],
    )
    column = forms.CharField(
        label=_("Column of the temperatures"),
        required=False,
        max_length=120,
        help_text=_("Its heading, where the file has several."),
    )
    reason = forms.CharField(
        label=_("Why it is read anew"),
        required=False,
        max_length=LONGEST_REASON,
        help_text=_("Only where the same file was read before in another zone, scale or column."),
    )

    def __init__(self, *args: Any, zone: dt.tzinfo | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = str(zone or settings.TIME_ZONE)
        field = self.fields["zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in dict.fromkeys((own, *zones()))]
        field.initial = own

    def clean_file(self) -> Any:
        given = self.cleaned_data["file"]
        try:
            guard_size(given.size or 0)  # before anything large is read into memory
        except InvalidInput as error:
            raise forms.ValidationError(error.message, code=error.code) from None
        return given

    def given(self) -> dict[str, Any]:
        data = self.cleaned_data
        asked = Asked(
            zone=zone_of(data["zone"]),
            day_order=data["day_order"],
            scale=data["scale"],
            column=data["column"].replace("\0", ""),
        )
        return {
            "name": data["file"].name or "",
            "data": data["file"].read(),
            "asked": asked,
            "reason": data["reason"],
        }


class ReceiptForm(forms.Form):
    """The checklist of a hospital: on a phone, beside the open shipper."""

    received_at = MomentField(label=_("Received at"), initial=_now)
    scanned = ScanField()

    def __init__(self, *args: Any, row: Shipment, zone: dt.tzinfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_zone(self, zone)
        for name in ANSWERS:
            self.fields[name] = forms.ChoiceField(
                label=_verbose(Receipt, name),
                choices=Answer.choices,
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose an answer.")},
            )
        self.fields["acceptance"] = forms.ChoiceField(
            label=_("Decision"),
            choices=Acceptance.choices,
            widget=forms.RadioSelect,
            error_messages={"required": _("Choose a decision.")},
        )
        self.fields["deviation"] = forms.CharField(
            label=_("What is not as it should be"),
            required=False,
            max_length=400,
            widget=forms.Textarea(attrs=_NOTE),
            help_text=_("Needed for a deviation or a refusal; the bank is told at once."),
        )
        if row.order.unit.blocks:
            self.fields["acknowledged"] = forms.BooleanField(
                label=_("I know that this unit must not be used; it is kept and not given"), required=False
            )

    def received(self) -> Received:
        return Received(**self.cleaned_data)


class ShipperForm(ShownForm):
    serial = forms.CharField(label=_("Serial number"), max_length=40)
    model = forms.CharField(label=_("Model"), required=False, max_length=80)
    validated_on = forms.DateField(label=_("Validated on"), widget=forms.DateInput(attrs={"type": "date"}))
    valid_until = forms.DateField(
        label=_("Validation holds until"), widget=forms.DateInput(attrs={"type": "date"})
    )
    hold_hours = forms.IntegerField(
        label=_("Hold time (hours)"),
        min_value=1,
        max_value=MOST_HOLD_HOURS,
        help_text=_("As its validation found: so long it stays cold enough after it is charged."),
    )
    active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, row: Shipper | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        if row is not None:
            self.initial.update({name: getattr(row, name) for name in set(self.fields) - {"shown"}})
            for name in ("validated_on", "valid_until"):
                self.initial[name] = f"{self.initial[name]:%Y-%m-%d}"

    def given(self) -> ShipperGiven:
        data = self.cleaned_data
        return ShipperGiven(**{name: data[name] for name in set(data) - {"shown"}})


class ShippingRulesForm(forms.Form):
    """Each number with its bounds; the reason stands in the trail."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs=_NOTE),
        error_messages={"required": _("Write why.")},
    )

    def __init__(self, *args: Any, rules: ShippingRules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most) in BOUNDS.items():
            of: Any = forms.FloatField if name == "limit_c" else forms.IntegerField
            self.fields[name] = of(
                label=_verbose(rules, name),
                min_value=least,
                max_value=most,
                initial=getattr(rules, name),
                widget=forms.TextInput,
            )
        self.order_fields([*BOUNDS, "reason"])

    def values(self) -> dict[str, float]:
        return {name: self.cleaned_data[name] for name in BOUNDS}


class ShipmentFilterForm(forms.Form):
    """Filters of the list; what they say stays in the URL."""

    STATES = (
        ("", pgettext_lazy("state", "open")),
        ("packed", _("in the house")),
        ("under_way", _("under way")),
        ("overdue", _("overdue")),
        ("delivered", pgettext_lazy("shipment", "delivered")),
        ("failed", pgettext_lazy("shipment", "Failed")),
        ("all", _("all")),
    )

    q = forms.CharField(label=_("Number, waybill, unit or patient"), required=False, max_length=60)
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
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

    def apply(self, rows: ShipmentQuerySet, now: dt.datetime) -> ShipmentQuerySet:
        """The rows that the valid fields ask for; an invalid field filters nothing and shows its error."""
        self.full_clean()
        data = self.cleaned_data if self.is_bound else {}
        if text := data.get("q", "").replace("\0", "").strip():
            rows = rows.matching(text)
        if data.get("hospital"):
            rows = rows.filter(hospital=data["hospital"])
        if data.get("patient"):
            rows = rows.filter(order__patient=data["patient"])
        return rows.in_state(data.get("state", ""), now)
