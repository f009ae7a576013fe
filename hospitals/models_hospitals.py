"""Partner hospitals, their departments, and the people who work for them."""

from __future__ import annotations

import datetime as dt
import uuid
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hospitals import querysets
from hospitals.choices import Qualification


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def validate_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("There is no time zone of this name."), code="zone_unknown")


class Hospital(models.Model):
    """One row is one partner hospital (or transplant centre) that may ask for units.

    qualified_from, qualified_until: of the qualification that is recorded now; former ones stand in the audit trail.
    time_zone: by whose clock its people write moments, a name of the time zone database; empty: the bank's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(
        _("Code"), max_length=16, unique=True, validators=[RegexValidator(r"^[A-Z0-9][A-Z0-9-]{1,15}$")]
    )
    name = models.CharField(pgettext_lazy("hospital", "Name"), max_length=160)
    name_zh = models.CharField(_("Chinese name"), max_length=160, blank=True)
    city = models.CharField(_("City"), max_length=80)
    province = models.CharField(_("Province or state"), max_length=80, blank=True)
    country = models.CharField(
        _("Country (two letters)"), max_length=2, default="CN", validators=[RegexValidator(r"^[A-Z]{2}$")]
    )
    active = models.BooleanField(_("May submit requests"), default=True)
    qualification_no = models.CharField(_("Qualification number"), max_length=60, blank=True)
    qualification_authority = models.CharField(
        _("Qualified by"), max_length=120, blank=True, default="", db_default=""
    )
    qualified_from = models.DateField(_("Qualified from"), null=True, blank=True)
    qualified_until = models.DateField(_("Qualified until"), null=True, blank=True)
    self_service_reservation = models.BooleanField(_("May reserve without a coordinator"), default=False)
    time_zone = models.CharField(
        _("Time zone"), max_length=40, blank=True, default="", db_default="", validators=[validate_zone]
    )
    shipping_contact = models.CharField(_("Contact for shipments"), max_length=120, blank=True)
    shipping_phone = models.CharField(_("Telephone for shipments"), max_length=40, blank=True)
    shipping_address = models.TextField(_("Address for shipments"), max_length=400, blank=True)
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = querysets.HospitalQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        verbose_name = _("hospital")
        verbose_name_plural = _("hospitals")
        constraints = [
            models.CheckConstraint(
                condition=Q(qualified_from__isnull=True)
                | Q(qualified_until__isnull=True)
                | Q(qualified_from__lte=F("qualified_until")),
                name="hospitals_qualified_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def display_name(self) -> str:
        """The name in the reader's language, where there is one."""
        return self.name_zh if in_chinese() and self.name_zh else self.name

    @property
    def zone(self) -> ZoneInfo:
        """Its clock."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)

    def qualification(self, day: dt.date) -> Qualification:
        """Where the recorded qualification stands on a day; as HospitalQuerySet.by_qualification finds them."""
        if self.qualified_until is None:
            return Qualification.NONE
        if self.qualified_until < day:
            return Qualification.ENDED
        if self.qualified_from is not None and self.qualified_from > day:
            return Qualification.TO_COME
        soon = self.qualified_until <= day + querysets.QUALIFICATION_WARN
        return Qualification.SOON if soon else Qualification.VALID

    @property
    def is_qualified(self) -> bool:
        """Whether the qualification is recorded and valid today."""
        return self.qualification(timezone.localdate()) in (Qualification.VALID, Qualification.SOON)


class Department(models.Model):
    """One row is one department of one hospital. Made inactive, never deleted: people stay linked to it.

    shipping_contact, shipping_phone: whom to call about a shipment to it; where empty, the hospital's hold.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="departments")
    name = models.CharField(pgettext_lazy("department", "Name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True, default="")
    active = models.BooleanField(pgettext_lazy("department", "Active"), default=True)
    shipping_contact = models.CharField(_("Contact for shipments"), max_length=120, blank=True, default="")
    shipping_phone = models.CharField(_("Telephone for shipments"), max_length=40, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.DepartmentQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("department")
        constraints = [
            models.UniqueConstraint("hospital", Lower("name"), name="hospitals_department_once"),
            models.CheckConstraint(condition=~Q(name=""), name="hospitals_department_named"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def display_name(self) -> str:
        """The name in the reader's language, where there is one."""
        return self.name_zh if in_chinese() and self.name_zh else self.name


class Membership(models.Model):
    """One row says that one user works for one hospital; the same user may belong to several.

    department: of the same hospital; the database sees to it (migration 0005).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="memberships")
    title = models.CharField(_("Position"), max_length=80, blank=True)
    department = models.ForeignKey(
        Department,
        verbose_name=_("Department"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="members",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "hospital"], name="hospitals_membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.hospital.code}"

    @property
    def as_shown(self) -> str:
        """What a form of this row showed: another text means that somebody changed it meanwhile."""
        return f"{self.department_id or ''}|{self.title}"
