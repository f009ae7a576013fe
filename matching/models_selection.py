"""What the rules of a policy found of the units of a list."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching import querysets


class Evaluation(models.Model):
    """One row is one judgement of all listed units of a search by one policy, with the patient as on that day.

    Of a search and a policy one is in force, the others are superseded; some time later their rows of units are pruned,
    since they can be computed again. inputs: the patient's facts, as JSON; digest: SHA-256 of them with policy,
    reference data and the state of the units (matching.selection.inputs).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    run = models.ForeignKey("matching.SearchRun", on_delete=models.PROTECT, related_name="evaluations")
    policy = models.ForeignKey(
        "matching.SelectionPolicy", on_delete=models.PROTECT, related_name="evaluations"
    )
    policy_label = models.CharField(max_length=100)
    inputs = models.JSONField()
    digest = models.CharField(max_length=64)
    weight_kg = models.DecimalField(_("weight"), max_digits=5, decimal_places=2, null=True)
    units = models.PositiveIntegerField()
    excluded = models.PositiveIntegerField()
    most_lost = models.FloatField(
        default=0, help_text="the most by which a probability of the list may be too low"
    )
    excluded_by = models.JSONField(
        default=dict, help_text="rule -> units that it excludes, alone or with others"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    superseded_at = models.DateTimeField(null=True, editable=False)
    pruned_at = models.DateTimeField(null=True, editable=False)

    objects = querysets.EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("evaluation")
        constraints = [
            models.UniqueConstraint(
                fields=["run", "policy"],
                condition=Q(superseded_at__isnull=True),
                name="evaluation_one_in_force",
            ),
            models.CheckConstraint(
                condition=Q(excluded__lte=models.F("units")), name="evaluation_excluded_of_units"
            ),
            models.CheckConstraint(
                condition=Q(pruned_at__isnull=True) | Q(superseded_at__isnull=False),
                name="evaluation_in_force_has_its_rows",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_label} {self.created_at:%Y-%m-%d %H:%M}"


class EvaluatedUnit(models.Model):
    """One row is one listed unit judged: which rules exclude it, what it warns of, what orders the list.

    findings: rule -> [outcome, value, [what is missing]] (matching.engine.selection.checks.Found). abo_order,
    direction_order: less is better. nima: mismatches that are non-inherited maternal, empty where it cannot be told.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="rows", db_index=False)
    result = models.ForeignKey("matching.SearchResult", on_delete=models.PROTECT, related_name="evaluated")
    is_excluded = models.BooleanField()
    excluded_by = ArrayField(models.CharField(max_length=24))
    warnings = ArrayField(models.CharField(max_length=24))
    quality_failed = models.PositiveSmallIntegerField()
    quality_unknown = models.PositiveSmallIntegerField()
    abo_order = models.PositiveSmallIntegerField()
    direction_order = models.PositiveSmallIntegerField()
    nima = models.PositiveSmallIntegerField(null=True)
    tnc_e7_per_kg = models.FloatField(null=True)
    cd34_e5_per_kg = models.FloatField(null=True)
    findings = models.JSONField()

    objects = querysets.EvaluatedUnitQuerySet.as_manager()

    class Meta:
        ordering = ["evaluation", "result"]
        verbose_name = _("evaluated unit")
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "result"], name="evaluated_unit_once"),
            models.CheckConstraint(
                condition=Q(is_excluded=True) & ~Q(excluded_by=[]) | Q(is_excluded=False, excluded_by=[]),
                name="evaluated_excluded_by_a_rule",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.evaluation_id} · {self.result_id}"
