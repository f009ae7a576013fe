"""The rules by which units are classed and ordered, version by version."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hla.antigens import AntigenRule
from matching import querysets
from matching.choices import Indication, ProposedFor
from matching.engine.policy import Policy


class SelectionPolicy(models.Model):
    """One row is one version of a set of rules by which units are classed, judged and ordered; never changed later.

    `rules`: what matching.engine.policy reads, and under "selection" what matching.engine.selection.rules does.
    `hospital` is empty for the bank's own policies. A retired one is offered no more; what was made by it keeps it.
    A later version of the same name retires the one before; a retired one without a later version was given up.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(_("name"), max_length=80)
    version = models.PositiveIntegerField(_("version"), default=1)
    hospital = models.ForeignKey(
        "hospitals.Hospital", on_delete=models.PROTECT, null=True, blank=True, related_name="policies"
    )
    indication = models.CharField(
        _("indication"), max_length=40, choices=Indication, blank=True, default="", db_default=""
    )
    proposed_for = models.CharField(
        _("proposed for"), max_length=40, choices=ProposedFor, blank=True, default="", db_default=""
    )
    population = models.CharField(
        _("population of use"), max_length=200, blank=True, default="", db_default=""
    )
    author = models.CharField(_("author"), max_length=120, blank=True, default="", db_default="")
    copied_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="copies", editable=False
    )
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_by = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    retire_reason = models.CharField(max_length=400, blank=True, default="", db_default="", editable=False)
    rules = models.JSONField()
    references = models.TextField(_("references"), blank=True, default="")
    is_default = models.BooleanField(_("default"), default=False)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.SelectionPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-version"]
        verbose_name = _("selection policy")
        constraints = [
            models.UniqueConstraint(
                fields=["hospital", "name", "version"], name="policy_version_once", nulls_distinct=False
            ),
            models.UniqueConstraint(
                "hospital", Lower("name"), "version", name="policy_name_once", nulls_distinct=False
            ),
            models.UniqueConstraint(
                fields=["hospital", "name"],
                condition=Q(retired_at__isnull=True),
                name="policy_one_version_offered",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="policy_one_default"
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(hospital__isnull=True), name="policy_default_is_the_banks"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="policy_version_from_1"),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(retired_at__isnull=True), name="policy_default_not_retired"
            ),
            models.CheckConstraint(
                condition=Q(indication__in=["", *Indication.values]), name="policy_indication_known"
            ),
            models.CheckConstraint(
                condition=Q(proposed_for__in=["", *ProposedFor.values]), name="policy_proposed_for_known"
            ),
            models.UniqueConstraint(
                fields=["hospital", "proposed_for"],
                condition=Q(retired_at__isnull=True) & ~Q(proposed_for=""),
                name="policy_one_proposed",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_offered(self) -> bool:
        return self.retired_at is None

    @property
    def antigen_rule(self) -> AntigenRule:
        """Whether two splits of one broad antigen match."""
        found: AntigenRule = self.rules.get("antigen_rule", Policy.antigen_rule)
        return found

    @property
    def primary(self) -> str:
        """The class that orders the lists."""
        return str(self.rules.get("primary", Policy.primary))
