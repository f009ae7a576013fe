"""By whose clock a moment is written and shown: a hospital's people by their hospital's, the bank by its own."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.models import User
from hospitals.models import Hospital


def bank_zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def zone_for(user: User, hospital: Hospital) -> ZoneInfo:
    """The clock that hangs where this person works with something of this hospital."""
    is_member = not user.is_bank_staff and hospital.pk in user.hospital_ids
    return hospital.zone if is_member else bank_zone()


def zone_of(user: User) -> ZoneInfo:
    """For what is of several hospitals: theirs, where all of them have one."""
    if user.is_bank_staff:
        return bank_zone()
    zones = {hospital.zone for hospital in Hospital.objects.filter(pk__in=user.hospital_ids)}
    return zones.pop() if len(zones) == 1 else bank_zone()


class MomentField(forms.DateTimeField):
    """Day and time of day, by a clock that is named beside the field: the bank's, where none is set."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.said = self.help_text
        self.set_zone(bank_zone())

    def set_zone(self, zone: dt.tzinfo) -> None:
        self.zone = zone
        by = format_lazy(_("By the clock of {zone}."), zone=str(zone))
        self.help_text = format_lazy("{said} {by}", said=self.said, by=by) if self.said else by

    def to_python(self, value: Any) -> dt.datetime | None:
        with timezone.override(self.zone):
            return super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        with timezone.override(self.zone):
            return super().prepare_value(value)


def set_zone(form: forms.Form, zone: dt.tzinfo) -> None:
    """All moments of this form are written by that clock."""
    for field in form.fields.values():
        if isinstance(field, MomentField):
            field.set_zone(zone)
