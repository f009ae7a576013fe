from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _

from bank.choices_lots import LotKind, LotState, LotStep
from bank.querysets_lots import LotQuerySet, LotUseQuerySet


class Lot(models.Model):
    """One row is one lot of something used on units, or one instrument by its serial number.

    A number that somebody typed with a result is a lot without manufacturer until it is registered: then it gets one.
    merged_into: it was the same lot under another name; its uses are that one's, and its name leads there.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=LotKind)
    manufacturer = models.CharField(_("manufacturer"), max_length=80, blank=True, default="", db_default="")
    number = models.CharField(
        _("number"), max_length=80, help_text=_("of the lot; of an instrument its serial number")
    )
    expires_on = models.DateField(_("expires on"), null=True, blank=True, help_text=_("the last day of use"))
    received_on = models.DateField(_("received on"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=LotState, default=LotState.IN_USE, db_default=LotState.IN_USE
    )
    blocked_reason = models.TextField(_("why it is blocked"), blank=True, default="", db_default="")
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged", editable=False
    )
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = LotQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "number", "manufacturer"]
        constraints = [
            models.UniqueConstraint(Upper("number"), "kind", Upper("manufacturer"), name="lot_once"),
            models.CheckConstraint(condition=~Q(number=""), name="lot_numbered"),
            models.CheckConstraint(condition=Q(kind__in=LotKind.values), name="lot_kind_known"),
            models.CheckConstraint(
                condition=Q(state=LotState.IN_USE, blocked_reason="")
                | (Q(state=LotState.BLOCKED) & ~Q(blocked_reason="")),
                name="lot_blocked_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | (Q(state=LotState.IN_USE) & ~Q(merged_into=F("id"))),
                name="lot_merged_is_only_a_name",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.manufacturer, self.number)))

    @property
    def is_blocked(self) -> bool:
        return self.state == LotState.BLOCKED

    def has_expired(self, day: dt.date) -> bool:
        """The last day still counts."""
        return self.expires_on is not None and self.expires_on < day


class LotUse(models.Model):
    """One row is one lot used on one unit at one step of its life on one day.

    These rows say which lots touched a unit; the texts beside a result (kit_lot, bag_lot, instrument) are what was
    written down with it, and the service that writes them writes these too. written_as: the lot that it was noted with,
    where that was merged into another one.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey(
        "bank.CordBloodUnit", on_delete=models.PROTECT, related_name="lot_uses", db_index=False
    )
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="uses")
    step = models.CharField(_("step"), max_length=12, choices=LotStep)
    used_on = models.DateField(_("used on"), null=True, blank=True)
    written_as = models.ForeignKey(
        Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    deviation = models.TextField(
        _("why it was used all the same"),
        blank=True,
        default="",
        db_default="",
        help_text=_("expired or blocked"),
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now())

    objects = LotUseQuerySet.as_manager()

    class Meta:
        ordering = ["used_on", "entered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "lot", "step", "used_on"], name="lot_use_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(step__in=LotStep.values), name="lot_use_step_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_step_display()}: {self.lot}"
