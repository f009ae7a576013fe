"""Fees: what the bank asks for what, from which day, and what each hospital owes."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets_fees as querysets
from transplants.choices_incidents import CURRENCIES, FeeKind

_USER = settings.AUTH_USER_MODEL


class Price(models.Model):
    """One row is the price of one kind of fee from a day on, until a later row. Never changed; 0 ends the fee.

    Withdrawn, that is deleted, only before it begins: nothing was charged by it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(_("Fee"), max_length=16, choices=FeeKind)
    valid_from = models.DateField(_("Valid from"))
    amount = models.DecimalField(_("Amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("Currency"), max_length=3, choices=[(c, c) for c in CURRENCIES])
    entered_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PriceQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-valid_from"]
        verbose_name = _("price")
        constraints = [
            models.UniqueConstraint(fields=["kind", "valid_from"], name="price_once_a_day"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_not_negative"),
            models.CheckConstraint(condition=Q(kind__in=FeeKind.values), name="price_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"


class Charge(models.Model):
    """One row is one fee that a hospital owes, for one thing done: `reference`, such as RS-2026-0001.

    Voided with a reason, never deleted; nothing else of it ever changes, the database refuses.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="charges")
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="charges")
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="charges")
    kind = models.CharField(_("Fee"), max_length=16, choices=FeeKind)
    reference = models.CharField(_("For"), max_length=24)
    on = models.DateField(_("Day"))
    amount = models.DecimalField(_("Amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("Currency"), max_length=3)
    entered_at = models.DateTimeField(default=timezone.now, editable=False)
    void_at = models.DateTimeField(null=True, blank=True)
    void_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    void_reason = models.CharField(max_length=400, blank=True, default="")

    objects = querysets.ChargeQuerySet.as_manager()

    class Meta:
        ordering = ["on", "entered_at", "pk"]
        verbose_name = _("charge")
        indexes = [models.Index(fields=["hospital", "on"], name="charge_of_hospital")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="charge_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="charge_not_negative"),
            models.CheckConstraint(
                condition=Q(void_at__isnull=True, void_by__isnull=True, void_reason="")
                | (Q(void_at__isnull=False, void_by__isnull=False) & ~Q(void_reason="")),
                name="charge_void_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.kind}"
