"""What was found without anybody asking: units that came on offer after a request's last search."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets
from matching.choices import MatchClass


class NewUnitFinding(models.Model):
    """One row is one unit that came on offer after a request's last search and would stand in its list.

    class_name: the class that orders the lists of the request's policy; class_min, class_max: certain and possible
    matches in it. classes: class -> [min, max], all that were asked. probabilities: class size -> probability of no
    allele mismatch, where one can be said. Values of the unit are those at `ledger_number`, the change that made
    it new. `seen_at`: when a person of the hospital first opened the request after it was found.
    """

    request = models.ForeignKey(
        "matching.MatchRequest", on_delete=models.CASCADE, related_name="new_units", db_index=False
    )
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.CASCADE, related_name="new_for")
    class_name = models.CharField(max_length=10, choices=MatchClass)
    class_min = models.SmallIntegerField(_("certain matches"))
    class_max = models.SmallIntegerField(_("possible matches"))
    classes = models.JSONField()
    probabilities = models.JSONField(default=dict)
    tnc_e7 = models.FloatField(null=True)
    tnc_e7_per_kg = models.FloatField(null=True)
    ledger_number = models.BigIntegerField(_("change of the inventory"))
    found_at = models.DateTimeField(_("found"), default=timezone.now)
    seen_at = models.DateTimeField(null=True)

    objects = querysets.NewUnitFindingQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at", "pk"]
        verbose_name = _("new unit for a request")
        indexes = [models.Index(fields=["-found_at"], name="new_unit_found")]
        constraints = [
            models.UniqueConstraint(fields=["request", "unit"], name="new_unit_once"),
            models.CheckConstraint(
                condition=Q(class_name__in=MatchClass.values), name="new_unit_class_known"
            ),
            models.CheckConstraint(
                condition=Q(class_min__gte=0, class_max__gte=models.F("class_min"), class_max__lte=10),
                name="new_unit_class_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} for {self.request_id}"


class NewUnitCursor(models.Model):
    """The only row (id 1): up to which change of the ledger new units were compared with the open requests.

    Advanced in the transaction that writes what was found, so that a change is neither missed nor handled twice.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="new_unit_cursor_single")]

    def __str__(self) -> str:
        return str(self.number)
