"""Orders: what a hospital prescribes, what the bank releases, and the confirmatory typing that comes before."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from transplants import querysets_orders as querysets
from transplants.choices_orders import OPEN_ORDERS, OPEN_TYPINGS, Meaning, OrderState, TypingState
from transplants.choices_typings import TypingMethod

_USER = settings.AUTH_USER_MODEL


class Order(models.Model):
    """One row is one order of a reserved unit: the prescription, where it goes, and how far it has come.

    `country`: where the unit goes, not whose child is treated; it decides on the export permit. department: of the same
    hospital; the database sees to it. Ended, never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    reservation = models.ForeignKey(
        "transplants.Reservation", on_delete=models.PROTECT, related_name="orders"
    )
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="orders")
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="orders")
    hospital = models.ForeignKey("hospitals.Hospital", on_delete=models.PROTECT, related_name="orders")
    state = models.CharField(
        _("state"), max_length=10, choices=OrderState, default=OrderState.ASKED, editable=False
    )
    weight_kg = models.DecimalField(_("Weight (kg)"), max_digits=5, decimal_places=2)
    conditioning = models.CharField(_("Conditioning"), max_length=200, blank=True, default="")
    conditioning_on = models.DateField(_("Conditioning begins on"))
    infusion_on = models.DateField(_("Planned infusion"))
    deliver_on = models.DateField(_("Wanted at the hospital on"))
    country = models.CharField(
        _("Country of delivery (two letters)"), max_length=2, validators=[RegexValidator(r"^[A-Z]{2}$")]
    )
    department = models.ForeignKey(
        "hospitals.Department",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("Department"),
    )
    ship_to = models.TextField(_("Address of delivery"), max_length=400)
    contact = models.CharField(_("Who receives it"), max_length=120)
    contact_phone = models.CharField(_("Telephone"), max_length=40)
    note = models.CharField(_("note"), max_length=400, blank=True, default="")
    asked_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    approved_by = models.CharField(max_length=200, blank=True, default="")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by_user = models.ForeignKey(
        _USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)
    release_checks = models.JSONField(default=list, blank=True, help_text="the checklist as it was signed")
    ended_by = models.CharField(max_length=200, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(_("reason"), max_length=400, blank=True, default="")
    version = models.PositiveIntegerField(default=1, help_text="of the prescription: a signature names it")
    held_told_at = models.DateTimeField(
        null=True, blank=True, help_text="when both sides were told that it cannot go on"
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.OrderQuerySet.as_manager()

    # added by `with_signed`
    is_signed: bool

    class Meta:
        ordering = ["-asked_at", "pk"]
        verbose_name = _("order")
        indexes = [
            models.Index(fields=["hospital", "state", "-asked_at"], name="order_of_hospital"),
            models.Index(fields=["infusion_on"], name="order_by_infusion"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=Q(state__in=sorted(OPEN_ORDERS)), name="order_one_open"
            ),
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="order_state_known"),
            models.CheckConstraint(
                condition=Q(weight_kg__gte=MIN_WEIGHT_KG, weight_kg__lte=MAX_WEIGHT_KG),
                name="order_weight_range",
            ),
            models.CheckConstraint(
                condition=Q(infusion_on__gte=models.F("conditioning_on"))
                & Q(infusion_on__gte=models.F("deliver_on")),
                name="order_days_in_order",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN_ORDERS), ended_at__isnull=True, ended_by="")
                | (~Q(state__in=sorted(OPEN_ORDERS)) & Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="order_ended_paired",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by="")
                | (Q(approved_at__isnull=False) & ~Q(approved_by="")),
                name="order_approved_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["released", "shipped", "delivered", "infused", "not_used", "failed"])
                | Q(released_at__isnull=False, approved_at__isnull=False),
                name="order_released_first",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_ORDERS


class OrderSignature(models.Model):
    """One row is one signature of an order, by password. Void, never deleted, once what was signed has changed.

    digest: of the prescription or the checklist as it was signed.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="signatures")
    meaning = models.CharField(max_length=16, choices=Meaning)
    signed_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    signer = models.CharField(max_length=200, help_text="name and role as they were")
    signed_at = models.DateTimeField(default=timezone.now, editable=False)
    digest = models.CharField(max_length=64)
    justification = models.CharField(
        max_length=400, blank=True, default="", help_text="why it is released though something is open"
    )
    void_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=400, blank=True, default="")

    objects = querysets.OfOrder.as_manager()

    class Meta:
        ordering = ["signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "meaning"], condition=Q(void_at=None), name="order_signed_once"
            ),
            # two people release, never one twice
            models.UniqueConstraint(
                fields=["order", "signed_by"],
                condition=Q(void_at=None, meaning__in=["release", "release_second"]),
                name="order_released_by_two",
            ),
            models.CheckConstraint(
                condition=Q(meaning__in=Meaning.values), name="order_signature_meaning_known"
            ),
            models.CheckConstraint(
                condition=Q(void_at__isnull=True, void_reason="")
                | (Q(void_at__isnull=False) & ~Q(void_reason="")),
                name="order_signature_void_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.meaning}"


class ExportPermit(models.Model):
    """One row is the permit by which a unit may leave the country, as the authority gave it.

    country: to which it may go by it; of another one it says nothing.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="permit")
    permit_no = models.CharField(_("Permit number"), max_length=60)
    authority = models.CharField(_("Authority"), max_length=120)
    country = models.CharField(_("Country that it names (two letters)"), max_length=2)
    valid_until = models.DateField(_("Valid until"))
    recorded_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.OfOrder.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(permit_no=""), name="permit_numbered"),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="permit_of_country"),
        ]

    def __str__(self) -> str:
        return self.permit_no


class PermitFile(models.Model):
    """One row is one document of a permit. content: encrypted (core.crypto); sha256 of the file as it came.

    permit_no: of the permit to which it belongs: a newer one has its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="permit_files")
    permit_no = models.CharField(_("Permit number"), max_length=60)
    content_type = models.CharField(max_length=40)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    added_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.PermitFileQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(size_bytes__gt=0), name="permit_file_not_empty"),
            models.UniqueConstraint(fields=["order", "permit_no", "sha256"], name="permit_file_once"),
        ]

    def __str__(self) -> str:
        return f"{self.permit_no} {self.sha256[:8]}"


class ConfirmatoryTyping(models.Model):
    """One row is one typing of a reserved unit anew, on an attached segment, to be compared with what is listed.

    reported: what the laboratory entered (bank.typing_compared.Reported), until a second person has seen it; then
    `result` is the bank's row of it, `compared_with` the typing in force with which it was compared. withdrawn: results
    that were entered wrongly, each with who took it back, when and why. settled_at: somebody has said since which of
    the unit's typings is right, and this one vouches for nothing any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    reservation = models.ForeignKey(
        "transplants.Reservation", on_delete=models.PROTECT, related_name="confirmatory_typings"
    )
    unit = models.ForeignKey(
        "bank.CordBloodUnit", on_delete=models.PROTECT, related_name="confirmatory_typings"
    )
    patient = models.ForeignKey(
        "hospitals.Patient", on_delete=models.PROTECT, related_name="confirmatory_typings"
    )
    hospital = models.ForeignKey(
        "hospitals.Hospital", on_delete=models.PROTECT, related_name="confirmatory_typings"
    )
    state = models.CharField(max_length=10, choices=TypingState, default=TypingState.ASKED)
    note = models.CharField(_("note"), max_length=400, blank=True, default="")
    asked_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    asked_by_bank = models.BooleanField(
        default=False, db_default=False, help_text="the hospital did not order it, and pays no fee"
    )
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    sample_use = models.OneToOneField(
        "bank.SampleUse", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sampled_on = models.DateField(null=True, blank=True)
    reported = models.JSONField(default=dict, blank=True)
    method = models.CharField(_("Method"), max_length=8, choices=TypingMethod, blank=True, default="")
    reported_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reported_at = models.DateTimeField(null=True, blank=True)
    withdrawn = models.JSONField(default=list, blank=True)
    verified_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    result = models.OneToOneField(
        "bank.HlaTyping", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    compared_with = models.ForeignKey(
        "bank.HlaTyping", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    differing = models.JSONField(default=list, blank=True, help_text="loci at which both cannot be true")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=400, blank=True, default="")
    settled_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.ConfirmatoryTypingQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "pk"]
        verbose_name = _("confirmatory typing")
        indexes = [
            models.Index(fields=["hospital", "state", "-asked_at"], name="ct_of_hospital"),
            models.Index(fields=["state", "asked_at"], name="ct_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=Q(state__in=sorted(OPEN_TYPINGS)), name="ct_one_open"
            ),
            models.CheckConstraint(condition=Q(state__in=TypingState.values), name="ct_state_known"),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=models.F("reported_by")),
                name="ct_verified_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sampled", "reported", "confirmed", "discrepant"])
                | Q(sample_use__isnull=False, sampled_on__isnull=False),
                name="ct_sampled_first",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["reported", "confirmed", "discrepant"])
                | Q(reported_by__isnull=False, reported_at__isnull=False),
                name="ct_reported_first",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "discrepant"])
                | Q(result__isnull=False, verified_by__isnull=False, compared_with__isnull=False),
                name="ct_ended_with_result",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN_TYPINGS), ended_at__isnull=True)
                | (~Q(state__in=sorted(OPEN_TYPINGS)) & Q(ended_at__isnull=False)),
                name="ct_ended_paired",
            ),
            # the outcome is what the comparison found, never somebody's choice
            models.CheckConstraint(
                condition=(~Q(state="discrepant") & Q(differing=[]))
                | (Q(state="discrepant") & ~Q(differing=[])),
                name="ct_discrepant_differs",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_TYPINGS
