from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bank.choices import DiscardReason, UnitStatus
from bank.choices_stocks import WAY_LABELS, WAYS_OUT, ProposalState
from bank.querysets_stocks import ProposalQuerySet


class DiscardProposal(models.Model):
    """One row is one person's proposal that a unit leave for good, and what another person decided on it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="discard_proposals")
    to = models.CharField(_("what becomes of it"), max_length=16, choices=UnitStatus)
    code = models.CharField(_("reason code"), max_length=16, choices=DiscardReason)
    reason = models.TextField(_("reason"))
    # that of the unit, as before a hold: once it has left, the unit itself says no more how far it came
    status_then = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=12, choices=ProposalState, default=ProposalState.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True, default="")
    signed_by = models.CharField(max_length=200, blank=True, default="", editable=False)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-proposed_at"]
        indexes = [
            models.Index(fields=["proposed_at"], condition=Q(state="open"), name="discard_proposal_open")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=Q(state="open"), name="discard_proposal_one_open"
            ),
            models.CheckConstraint(
                condition=Q(to__in=[one.value for one in WAYS_OUT]), name="discard_proposal_way_known"
            ),
            models.CheckConstraint(
                condition=Q(code__in=DiscardReason.values) & ~Q(reason=""), name="discard_proposal_reasoned"
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by__isnull=True, decided_at__isnull=True, signed_by="")
                | Q(
                    state__in=["withdrawn", "refused", "carried_out"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="discard_proposal_decided_paired",
            ),
            # Nobody decides on his own proposal, and nobody takes back another one's.
            models.CheckConstraint(
                condition=Q(state="open")
                | Q(state="withdrawn", decided_by=F("proposed_by"))
                | (
                    Q(state__in=["refused", "carried_out"])
                    & ~Q(decided_by=F("proposed_by"))
                    & ~Q(signed_by="")
                ),
                name="discard_proposal_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["withdrawn", "refused"]) | ~Q(decision_reason=""),
                name="discard_proposal_no_reasoned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} → {self.get_to_display()}"

    @property
    def way(self) -> Any:
        """What is proposed, as something that is still to be done."""
        return WAY_LABELS[self.to]

    @property
    def is_open(self) -> bool:
        return self.state == ProposalState.OPEN
