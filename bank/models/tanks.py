from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import ReadingSource, TankQuantity
from bank.querysets_storage import TankAlarmQuerySet, TankReadingQuerySet

COLDEST_C, WARMEST_C = -273.15, 60.0


class TankLimits(models.Model):
    """One row is what one tank must keep: a reading beyond it opens an alarm. Without a row nothing does."""

    tank = models.OneToOneField(
        "bank.StorageNode", on_delete=models.PROTECT, primary_key=True, related_name="limits"
    )
    warm_above_c = models.FloatField(_("too warm above, °C"), null=True, blank=True)
    level_below_percent = models.FloatField(_("level too low below, %"), null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(warm_above_c__isnull=True) | Q(warm_above_c__range=(COLDEST_C, WARMEST_C)),
                name="tank_limit_warm_range",
            ),
            models.CheckConstraint(
                condition=Q(level_below_percent__isnull=True) | Q(level_below_percent__range=(0, 100)),
                name="tank_limit_level_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank.code}: ≤ {self.warm_above_c} °C, ≥ {self.level_below_percent} %"


class TankReading(models.Model):
    """One row is what was read of a tank at one moment: temperature, level of liquid nitrogen, or both."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tank = models.ForeignKey("bank.StorageNode", on_delete=models.PROTECT, related_name="readings")
    read_at = models.DateTimeField(_("read at"))
    temperature_c = models.FloatField(_("temperature, °C"), null=True, blank=True)
    level_percent = models.FloatField(_("level, %"), null=True, blank=True)
    source = models.CharField(max_length=5, choices=ReadingSource)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TankReadingQuerySet.as_manager()

    class Meta:
        ordering = ["-read_at"]
        constraints = [
            models.UniqueConstraint(fields=["tank", "read_at"], name="tank_reading_once_a_moment"),
            models.CheckConstraint(condition=Q(source__in=ReadingSource.values), name="tank_reading_source"),
            models.CheckConstraint(
                condition=Q(temperature_c__isnull=False) | Q(level_percent__isnull=False),
                name="tank_reading_says_something",
            ),
            models.CheckConstraint(
                condition=Q(temperature_c__isnull=True) | Q(temperature_c__range=(COLDEST_C, WARMEST_C)),
                name="tank_reading_temperature_range",
            ),
            models.CheckConstraint(
                condition=Q(level_percent__isnull=True) | Q(level_percent__range=(0, 100)),
                name="tank_reading_level_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank.code} {self.read_at:%Y-%m-%d %H:%M}"


class TankAlarm(models.Model):
    """One row is one excursion of a tank: opened by the first reading beyond a limit, closed by a person.

    While it is open, later readings beyond the limit belong to it: `value` is the worst, `readings` their number.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tank = models.ForeignKey("bank.StorageNode", on_delete=models.PROTECT, related_name="alarms")
    what = models.CharField(max_length=12, choices=TankQuantity)
    first_at = models.DateTimeField(_("first reading beyond the limit"))
    last_at = models.DateTimeField(_("last reading beyond the limit"))
    value = models.FloatField(_("worst value"))
    limit = models.FloatField(_("limit"))
    readings = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    remark = models.TextField(_("remark"), blank=True, default="", db_default="")

    objects = TankAlarmQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(condition=Q(what__in=TankQuantity.values), name="tank_alarm_what_known"),
            models.UniqueConstraint(
                fields=["tank", "what"],
                condition=Q(acknowledged_at__isnull=True),
                name="tank_alarm_open_once",
            ),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="tank_alarm_times_ordered"),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True, remark="")
                | (Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False) & ~Q(remark="")),
                name="tank_alarm_acknowledged_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank.code} · {self.get_what_display()} {self.value:g}"

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None

    @property
    def unit_sign(self) -> str:
        return "°C" if self.what == TankQuantity.TEMPERATURE else "%"
