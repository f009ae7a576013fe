from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import HaemoglobinopathyValue, Scheme
from bank.models.records import Verified
from bank.querysets import AccreditationQuerySet, InForceQuerySet


class Accreditation(models.Model):
    """One row is one certificate or licence of a bank for a period; a renewal is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bank = models.ForeignKey("bank.Bank", on_delete=models.PROTECT, related_name="accreditations")
    scheme = models.CharField(_("scheme"), max_length=16, choices=Scheme)
    name = models.CharField(
        _("name"),
        max_length=120,
        blank=True,
        default="",
        help_text=_("who gave it; needed for another scheme"),
    )
    number = models.CharField(_("number"), max_length=60, blank=True, default="")
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("the last day; empty where it has no end")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AccreditationQuerySet.as_manager()

    class Meta:
        ordering = ["scheme", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["bank", "scheme", "name", "number", "valid_from"], name="accreditation_once"
            ),
            models.CheckConstraint(condition=Q(scheme__in=Scheme.values), name="accreditation_scheme_known"),
            models.CheckConstraint(
                condition=~Q(scheme="other") | ~Q(name=""), name="accreditation_other_is_named"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="accreditation_period",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.title, self.number)))

    @property
    def title(self) -> str:
        """What people call it: the name where one is given, else the scheme."""
        return self.name or str(self.get_scheme_display())

    def is_valid_on(self, day: dt.date) -> bool:
        """What `valid_on` says of rows."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class HaemoglobinopathyResult(Verified):
    """One row is one result of the haemoglobinopathy screen of a unit; one of a later test supersedes it.

    A row and no column of the unit: like every result it has a method, a day and two persons, and a pending or
    mistaken one must stay to be seen.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey(
        "bank.CordBloodUnit", on_delete=models.PROTECT, related_name="haemoglobinopathy_results"
    )
    result = models.CharField(_("result"), max_length=16, choices=HaemoglobinopathyValue)
    method = models.CharField(_("method"), max_length=80, blank=True, default="", db_default="")
    laboratory = models.CharField(_("laboratory"), max_length=120, blank=True, default="", db_default="")
    tested_on = models.DateField(_("tested on"), null=True, blank=True)
    superseded = models.BooleanField(default=False, db_default=False)

    objects = InForceQuerySet.as_manager()

    class Meta(Verified.Meta):
        ordering = ["superseded", "-entered_at"]
        constraints = [
            *Verified.Meta.constraints,
            models.CheckConstraint(
                condition=Q(result__in=HaemoglobinopathyValue.values), name="haemoglobinopathy_result_known"
            ),
            models.UniqueConstraint(
                fields=["unit"], condition=Q(superseded=False), name="haemoglobinopathy_one_in_force"
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_result_display())

    @property
    def told(self) -> str:
        """For whoever vouches for it."""
        return f"{_('Haemoglobinopathy')}: {self}"

    @property
    def day(self) -> dt.date | None:
        return self.tested_on
