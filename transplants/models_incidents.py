"""Incidents (S(P)EAR) and recalls: what went wrong, whom it may concern, and which units must not move on."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transplants import querysets_incidents as querysets
from transplants.choices_incidents import (
    MOST_DAYS,
    SERIOUS,
    SERIOUS_KINDS,
    Imputability,
    IncidentKind,
    IncidentState,
    Seriousness,
)
from transplants.models_orders import Order

_USER = settings.AUTH_USER_MODEL


class IncidentRules(models.Model):
    """The only row (id 1): within how many days a serious incident is reported outside, and whom hospitals call.

    The days are unconfirmed (domain notes, workflow 1.1): each bank sets those of its authority.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    serious_days = models.PositiveSmallIntegerField(
        _("Days in which a serious incident is reported outside"), default=7
    )
    rapid_days = models.PositiveSmallIntegerField(
        _("Days in which a rapid alert is reported outside"), default=1
    )
    hotline = models.CharField(
        _("Telephone that hospitals call on a recall"), max_length=40, blank=True, default=""
    )
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="incident_rules_one_row"),
            models.CheckConstraint(
                condition=Q(rapid_days__lte=models.F("serious_days"), serious_days__lte=MOST_DAYS),
                name="incident_rules_days",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Rules of incidents"))

    @classmethod
    def load(cls) -> IncidentRules:
        """The row, or the defaults where nobody has saved one yet."""
        return cls.objects.filter(pk=1).first() or cls()


class Incident(models.Model):
    """One row is one thing that went wrong, or may have. `hospital` empty: of the bank only.

    due_on: until when it has to be reported outside. Closed with a cause and a measure, never deleted.
    reminded_on, reminders: of one that is overdue people are reminded once a day, louder from the second time on.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=IncidentKind)
    state = models.CharField(max_length=14, choices=IncidentState, default=IncidentState.OPEN)
    title = models.CharField(_("title"), max_length=160)
    what = models.TextField(_("What happened"), max_length=4000)
    seriousness = models.CharField(
        _("seriousness"), max_length=16, choices=Seriousness, default=Seriousness.NOT_SERIOUS
    )
    imputability = models.CharField(
        _("imputability"), max_length=2, choices=Imputability, default=Imputability.NOT_ASSESSED
    )
    rapid_alert = models.BooleanField(_("Rapid alert"), default=False)
    hospital = models.ForeignKey(
        "hospitals.Hospital", on_delete=models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    patient = models.ForeignKey(
        "hospitals.Patient", on_delete=models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    lot = models.ForeignKey(
        "bank.Lot", on_delete=models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    happened_on = models.DateField(_("Happened on"))
    due_on = models.DateField(_("To be reported until"), null=True, blank=True)
    reported_out_at = models.DateTimeField(_("Reported outside at"), null=True, blank=True)
    reported_to = models.CharField(_("Reported to"), max_length=200, blank=True, default="")
    reminded_on = models.DateField(null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    owner = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    opened_by = models.CharField(max_length=200)
    opened_by_user = models.ForeignKey(
        _USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    cause = models.TextField(_("Cause"), max_length=4000, blank=True, default="")
    measures = models.TextField(_("Measures"), max_length=4000, blank=True, default="")
    closed_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "pk"]
        verbose_name = _("incident")
        indexes = [
            models.Index(
                fields=["due_on"],
                name="incident_due",
                condition=Q(reported_out_at__isnull=True) & ~Q(state="closed"),
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=IncidentKind.values), name="incident_kind_known"),
            models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="incident_state_known"),
            models.CheckConstraint(
                condition=(
                    Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                    & ~Q(cause="")
                    & ~Q(measures="")
                )
                | (~Q(state="closed") & Q(closed_at__isnull=True, closed_by__isnull=True)),
                name="incident_closed_whole",
            ),
            models.CheckConstraint(
                condition=Q(reported_out_at__isnull=True, reported_to="")
                | (Q(reported_out_at__isnull=False) & ~Q(reported_to="")),
                name="incident_reported_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state != IncidentState.CLOSED

    @property
    def is_serious(self) -> bool:
        return self.seriousness in SERIOUS

    @property
    def kind_name(self) -> str:
        """Its kind in words: an adverse reaction is a serious one (SAR) where it is assessed so."""
        found = SERIOUS_KINDS.get(self.kind) if self.is_serious else None
        return str(found or self.get_kind_display())


class IncidentUnit(models.Model):
    """One row says that an incident is about a unit."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="units")
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="incidents")
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.IncidentUnitQuerySet.as_manager()

    class Meta:
        ordering = ["added_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["incident", "unit"], name="incident_unit_once")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.unit_id}"


class IncidentNote(models.Model):
    """One row is what one person wrote of an incident while it was investigated. Never changed.

    inner: for the bank only.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField(_("note"), max_length=4000)
    inner = models.BooleanField(_("For the bank only"), default=True)
    written_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.IncidentNoteQuerySet.as_manager()

    class Meta:
        ordering = ["written_at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="incident_note_not_empty")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.written_at:%Y-%m-%d}"


class Recall(models.Model):
    """One row is one recall: of a unit, or of all on which a lot was used. Lifted by another person, with a reason."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="recalls")
    lot = models.ForeignKey(
        "bank.Lot", on_delete=models.PROTECT, null=True, blank=True, related_name="recalls"
    )
    reason = models.CharField(_("reason"), max_length=400)
    started_by = models.ForeignKey(_USER, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    lifted_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_reason = models.CharField(max_length=400, blank=True, default="")

    objects = querysets.RecallQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "pk"]
        verbose_name = _("recall")
        constraints = [
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lift_reason="")
                | (
                    Q(lifted_at__isnull=False, lifted_by__isnull=False)
                    & ~Q(lift_reason="")
                    & ~Q(lifted_by=models.F("started_by"))
                ),
                name="recall_lifted_by_another",
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_on(self) -> bool:
        return self.lifted_at is None


class RecallUnit(models.Model):
    """One row is one unit of a recall, in the state in which it was found. freed_at: taken out, alone or with all."""

    recall = models.ForeignKey(Recall, on_delete=models.PROTECT, related_name="units")
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="recalls")
    status_then = models.CharField(max_length=16)
    freed_at = models.DateTimeField(null=True, blank=True)
    freed_by = models.ForeignKey(_USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    free_reason = models.CharField(max_length=400, blank=True, default="")

    objects = querysets.RecallUnitQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["recall", "unit"], name="recall_unit_once"),
            models.CheckConstraint(
                condition=Q(freed_at__isnull=True, freed_by__isnull=True, free_reason="")
                | (Q(freed_at__isnull=False, freed_by__isnull=False) & ~Q(free_reason="")),
                name="recall_unit_freed_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recall_id} {self.unit_id}"
