"""Policies, match requests, searches and what they found; beside it the other models_…."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import DonorType
from bank.querysets import CORD_ONLY
from matching import querysets
from matching.choices import (
    Direction,
    Kept,
    LociSet,
    MatchClass,
    RequestState,
    RunOrigin,
    Urgency,
    cord_only,
)
from matching.model_checks import class_columns_paired, probabilities_in_range
from matching.models_batch import NewUnitCursor, NewUnitFinding
from matching.models_calibration import PredictionCheck
from matching.models_planning import PlanningRun
from matching.models_policy import SelectionPolicy
from matching.models_reference import (
    CiwdTableVersion,
    FrequencySet,
    InventoryImputation,
    LoadedReference,
    MacTableVersion,
    NomenclatureRelease,
    Rereading,
    TypingChange,
)
from matching.models_replay import SearchReplay
from matching.models_reports import MatchReport, ReportSignature
from matching.models_selection import EvaluatedUnit, Evaluation
from matching.models_shortlist import GraftNote, ShortlistEntry
from matching.models_watch import PatientWatch

__all__ = [
    "CiwdTableVersion",
    "EvaluatedUnit",
    "Evaluation",
    "FrequencySet",
    "GraftNote",
    "InventoryImputation",
    "LoadedReference",
    "MacTableVersion",
    "MatchReport",
    "MatchRequest",
    "NewUnitCursor",
    "NewUnitFinding",
    "NomenclatureRelease",
    "PatientWatch",
    "PlanningRun",
    "PredictionCheck",
    "ReportSignature",
    "RequestCounter",
    "Rereading",
    "SearchReplay",
    "SearchResult",
    "SearchRun",
    "SelectionPolicy",
    "ShortlistEntry",
    "TypingChange",
]


class RequestCounter(models.Model):
    """One row a year: the last number given to a match request of that year."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    last = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class MatchRequest(models.Model):
    """One row is one wish of a hospital: find cord blood units for this patient by these criteria."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    patient = models.ForeignKey("hospitals.Patient", on_delete=models.PROTECT, related_name="match_requests")
    hospital = models.ForeignKey(
        "hospitals.Hospital", on_delete=models.PROTECT, related_name="match_requests"
    )
    state = models.CharField(
        _("state"), max_length=16, choices=RequestState, default=RequestState.DRAFT, editable=False
    )
    policy = models.ForeignKey(SelectionPolicy, on_delete=models.PROTECT, related_name="requests")
    loci = models.CharField(_("loci"), max_length=20, choices=LociSet, default=LociSet.FIVE)
    floors = models.JSONField(_("floors"), help_text=_("class -> smallest possible number of matches"))
    min_tnc_e7_per_kg = models.DecimalField(
        _("TNC at least, ×10⁷/kg"), max_digits=6, decimal_places=2, null=True, blank=True
    )
    statuses = ArrayField(models.CharField(max_length=16), verbose_name=_("states of units"))
    donor_types = ArrayField(
        models.CharField(max_length=8),
        verbose_name=_("donors searched"),
        default=cord_only,
        db_default=list(CORD_ONLY),
    )
    kept_at_most = models.PositiveSmallIntegerField(
        _("units listed, at most"), choices=Kept, default=Kept.THOUSAND, db_default=Kept.THOUSAND
    )
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency, default=Urgency.ROUTINE)
    notes = models.TextField(_("notes"), max_length=2000, blank=True, default="")
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancelled_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancel_reason = models.CharField(_("reason"), max_length=400, blank=True, default="", editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = querysets.MatchRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("match request")
        indexes = [
            models.Index(fields=["hospital", "-created_at"], name="request_of_hospital"),
            models.Index(fields=["state", "-created_at"], name="request_by_state"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RequestState.values), name="request_state_known"),
            models.CheckConstraint(condition=Q(loci__in=LociSet.values), name="request_loci_known"),
            models.CheckConstraint(condition=~Q(statuses=[]), name="request_statuses_given"),
            models.CheckConstraint(
                condition=~Q(donor_types=[]) & Q(donor_types__contained_by=DonorType.values),
                name="request_donor_types_known",
            ),
            models.CheckConstraint(condition=Q(kept_at_most__in=Kept.values), name="request_kept_known"),
            models.CheckConstraint(
                condition=Q(min_tnc_e7_per_kg__isnull=True)
                | Q(min_tnc_e7_per_kg__gt=0, min_tnc_e7_per_kg__lte=100),
                name="request_dose_range",
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True, submitted_by="")
                | (Q(submitted_at__isnull=False) & ~Q(submitted_by="")),
                name="request_submitted_paired",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[RequestState.DRAFT, RequestState.CANCELLED])
                | Q(submitted_at__isnull=False),
                name="request_beyond_draft_submitted",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state=RequestState.CANCELLED, cancelled_at__isnull=False)
                    & ~Q(cancelled_by="")
                    & ~Q(cancel_reason="")
                )
                | (
                    ~Q(state=RequestState.CANCELLED)
                    & Q(cancelled_at__isnull=True, cancelled_by="", cancel_reason="")
                ),
                name="request_cancelled_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    newest_lists: list[SearchRun]  # of `with_newest_list`

    @property
    def newest_list(self) -> SearchRun | None:
        """The newest finished search, of a row read `with_newest_list`."""
        return self.newest_lists[0] if self.newest_lists else None

    @property
    def donors_named(self) -> dict[str, list[str]]:
        """As stored with what was asked: cord blood alone goes without saying, as it did before there was a choice."""
        return {} if self.donor_types == list(CORD_ONLY) else {"donor_types": list(self.donor_types)}

    @property
    def locus_list(self) -> tuple[str, ...]:
        return tuple(self.loci.split(","))

    @property
    def is_draft(self) -> bool:
        return self.state == RequestState.DRAFT


class SearchRun(models.Model):
    """One row is one search for a request: what went in, by which data and rules, what came out in numbers.

    Everything that decides the result is written down here, so that it can be recomputed: patient's typing and
    weight as they were, criteria, policy, nomenclature, MAC table, inventory (ledger number and checksum).
    `counts`: class -> [[value, possible, certain], …], best first. `funnel`: where every unit went.
    `basis`: digest of all that decided the list beside the inventory, as it was when the search was asked for
    (matching.waiting). `checked_…`: when and up to which change of the inventory a later search of the night
    last found the same list. `changes`, of a list of the night: what differs from the one known before.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.ForeignKey(MatchRequest, on_delete=models.PROTECT, related_name="runs", db_index=False)
    run_no = models.PositiveIntegerField(_("search"))
    job = models.OneToOneField("core.Job", on_delete=models.PROTECT, related_name="search_run")
    patient_typing = models.JSONField(help_text='canonical texts: {"A": ["A*02:01", "A*24:02"], …}')
    patient_gl = models.TextField()
    patient_weight_kg = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    patient_populations = models.CharField(max_length=80, blank=True, default="")
    criteria = models.JSONField()
    policy = models.ForeignKey(SelectionPolicy, on_delete=models.PROTECT, related_name="runs")
    policy_label = models.CharField(max_length=100)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    release = models.CharField(_("nomenclature"), max_length=40, blank=True, default="")
    nomenclature_checksum = models.CharField(max_length=64, blank=True, default="")
    mac_version = models.CharField(max_length=80, blank=True, default="")
    mac_checksum = models.CharField(max_length=64, blank=True, default="")
    ledger_number = models.BigIntegerField(_("inventory as of change"), null=True)
    snapshot_checksum = models.CharField(max_length=64, blank=True, default="")
    engine_version = models.CharField(max_length=20, blank=True, default="")
    counts = models.JSONField(default=dict)
    funnel = models.JSONField(default=dict)
    timings = models.JSONField(default=dict, help_text="seconds per stage")
    prediction = models.JSONField(
        default=dict,
        help_text="frequency sets, patient's genotypes, units by basis, value of the next typing",
    )
    units_considered = models.PositiveIntegerField(null=True)
    units_unsearchable = models.PositiveIntegerField(null=True)
    candidates = models.PositiveIntegerField(null=True)
    kept = models.PositiveIntegerField(null=True)
    cut = models.PositiveIntegerField(null=True)
    completed_at = models.DateTimeField(null=True, editable=False)
    reach = models.JSONField(null=True, help_text="largest dose by antigen class (matching.reach)")

    origin = models.CharField(
        _("made by"),
        max_length=8,
        choices=RunOrigin,
        default=RunOrigin.PERSON,
        db_default=RunOrigin.PERSON.value,
        editable=False,
    )
    basis = models.CharField(max_length=64, blank=True, default="", db_default="")
    checked_at = models.DateTimeField(null=True, editable=False)
    checked_ledger_number = models.BigIntegerField(null=True)
    changes = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    seen_at = models.DateTimeField(null=True, editable=False)
    seen_by = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)

    objects = querysets.SearchRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("search")
        constraints = [
            models.UniqueConstraint(fields=["request", "run_no"], name="run_number_once"),
            models.CheckConstraint(condition=Q(run_no__gte=1), name="run_number_from_1"),
            models.CheckConstraint(
                condition=Q(
                    completed_at__isnull=True,
                    units_considered__isnull=True,
                    units_unsearchable__isnull=True,
                    candidates__isnull=True,
                    kept__isnull=True,
                    cut__isnull=True,
                )
                | (
                    Q(
                        completed_at__isnull=False,
                        units_considered__isnull=False,
                        units_unsearchable__isnull=False,
                        ledger_number__isnull=False,
                        candidates__isnull=False,
                        kept__isnull=False,
                        cut__isnull=False,
                        candidates=F("kept") + F("cut"),
                    )
                    & ~Q(engine_version="")
                    & ~Q(release="")
                    & ~Q(snapshot_checksum="")
                ),
                name="run_complete_or_empty",
            ),
            models.CheckConstraint(condition=Q(origin__in=RunOrigin.values), name="run_origin_known"),
            models.CheckConstraint(
                condition=Q(checked_at__isnull=True, checked_ledger_number__isnull=True)
                | Q(
                    checked_at__isnull=False, checked_ledger_number__isnull=False, completed_at__isnull=False
                ),
                name="run_checked_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}/{self.run_no}"

    @property
    def label(self) -> str:
        """What people and the trail call it: MR-2026-0001 / 2."""
        return f"{self.request.number} / {self.run_no}"

    @property
    def file_stem(self) -> str:
        """The beginning of the names of its files; nothing of the patient."""
        return f"{self.request.number}-search-{self.run_no}"

    @property
    def is_finished(self) -> bool:
        return self.completed_at is not None

    @property
    def of_the_night(self) -> bool:
        return self.origin == RunOrigin.NIGHT

    @property
    def covered_number(self) -> int:
        """The last change of the inventory that this list is known to hold for; 0 before the search is done."""
        return self.checked_ledger_number or self.ledger_number or 0


class SearchResult(models.Model):
    """One row is one unit kept by one search, at its rank, with the evidence for its class.

    Class columns are matches, possible (max) and certain (min); empty where the class was not asked.
    p0_of6, p0_of8, p0_of10: probability of no allele mismatch, empty where nothing can be said; `prediction` has the
    rest (matching.results). `evidence`: per locus what matching.engine.evidence wrote. Unit values are those of the
    search's inventory.
    """

    run = models.ForeignKey(SearchRun, on_delete=models.PROTECT, related_name="results", db_index=False)
    rank = models.PositiveIntegerField(_("rank"))
    unit = models.ForeignKey("bank.CordBloodUnit", on_delete=models.PROTECT, related_name="search_results")
    antigen6_min = models.SmallIntegerField(null=True)
    antigen6_max = models.SmallIntegerField(null=True)
    allele6_min = models.SmallIntegerField(null=True)
    allele6_max = models.SmallIntegerField(null=True)
    allele8_min = models.SmallIntegerField(null=True)
    allele8_max = models.SmallIntegerField(null=True)
    allele10_min = models.SmallIntegerField(null=True)
    allele10_max = models.SmallIntegerField(null=True)
    p0_of6 = models.FloatField(_("P(6/6)"), null=True)
    p0_of8 = models.FloatField(_("P(8/8)"), null=True)
    p0_of10 = models.FloatField(_("P(10/10)"), null=True)
    prediction = models.JSONField(default=dict)
    direction = models.CharField(max_length=16, choices=Direction)
    tnc_e7 = models.FloatField(null=True)
    cd34_e6 = models.FloatField(null=True)
    tnc_e7_per_kg = models.FloatField(null=True)
    cd34_e5_per_kg = models.FloatField(null=True)
    status = models.CharField(max_length=16)
    evidence = models.JSONField()

    objects = querysets.SearchResultQuerySet.as_manager()

    class Meta:
        ordering = ["run", "rank"]
        verbose_name = _("search result")
        constraints = [
            models.UniqueConstraint(fields=["run", "rank"], name="result_rank_once"),
            models.UniqueConstraint(fields=["run", "unit"], name="result_unit_once"),
            models.CheckConstraint(condition=Q(rank__gte=1), name="result_rank_from_1"),
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values), name="result_direction_known"
            ),
            models.CheckConstraint(condition=class_columns_paired(), name="result_classes_in_range"),
            models.CheckConstraint(condition=probabilities_in_range(), name="result_probabilities_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} #{self.rank}"

    def class_range(self, name: str) -> tuple[int, int] | None:
        """(min, max) matches of a class; None where it was not asked."""
        low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
        return None if high is None else (low, high)

    @property
    def classes(self) -> dict[str, tuple[int, int]]:
        found: dict[str, Any] = {name: self.class_range(name) for name in MatchClass.values}
        return {name: span for name, span in found.items() if span is not None}
