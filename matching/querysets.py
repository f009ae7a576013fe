"""Every filtered read of requests, runs and results. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models.functions import Coalesce

from bank.choices import SEARCHABLE as SEARCHABLE_UNITS
from bank.querysets import not_blocked
from core.querysets import AppendOnlyQuerySet
from core.roles import Permission
from hospitals.choices import PatientState
from hospitals.querysets import OfHospital, hospitals_open_to
from matching.choices import OPEN, WAITING, RunOrigin

if TYPE_CHECKING:
    from bank.models import CordBloodUnit
    from core.models import User
    from hospitals.models import Hospital
    from matching.models import Evaluation, SearchRun, SelectionPolicy


class _OfRequests(OfHospital):
    """Members see what their hospitals asked; bank staff who may see requests all of them."""

    _view = Permission.REQUEST_VIEW


class MatchRequestQuerySet(_OfRequests):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def waiting(self) -> Self:
        """Submitted requests of active patients that look for a unit."""
        return self.filter(state__in=WAITING, patient__state=PatientState.ACTIVE)

    def with_patient(self) -> Self:
        """For lists: patient and hospital without a query per row."""
        return self.select_related("patient", "hospital", "policy")

    def with_latest_run(self) -> Self:
        """Adds latest_run_id, latest_run_at and latest_candidates of the last finished search."""
        from matching.models import SearchRun

        latest = SearchRun.objects.filter(request=models.OuterRef("pk")).finished().order_by("-run_no")
        return self.annotate(
            latest_run_id=models.Subquery(latest.values("pk")[:1]),
            latest_run_at=models.Subquery(latest.values("completed_at")[:1]),
            latest_candidates=models.Subquery(latest.values("candidates")[:1]),
        )

    def with_covered_number(self) -> Self:
        """Adds covered_number: the change of the inventory up to which the newest list holds; 0 where there is none."""
        return self.annotate(covered_number=covered_number("pk"))

    def with_newest_list(self) -> Self:
        """`newest_list` without a query per row, and without the figures of the run."""
        from matching.models import SearchRun

        newest = SearchRun.objects.newest().without_figures()
        return self.prefetch_related(models.Prefetch("runs", queryset=newest, to_attr="newest_lists"))

    def with_latest_job(self) -> Self:
        """Adds latest_job_state: how the last search stands, finished or not; None before the first."""
        from matching.models import SearchRun

        latest = SearchRun.objects.filter(request=models.OuterRef("pk")).shown().order_by("-run_no")
        return self.annotate(latest_job_state=models.Subquery(latest.values("job__state")[:1]))


def covered_number(request: str) -> Coalesce:
    """Up to which change of the inventory the newest list of a request holds; 0 where there is none."""
    from matching.models import SearchRun

    newest = SearchRun.objects.filter(request=models.OuterRef(request)).finished().order_by("-run_no")
    number = Coalesce("checked_ledger_number", "ledger_number")
    return Coalesce(models.Subquery(newest.values_list(number)[:1]), 0)


FIGURES = (
    "counts",
    "funnel",
    "timings",
    "prediction",
    "patient_gl",
    "reach",
)  # large, and only for who reads the list


class SearchRunQuerySet(_OfRequests):
    _hospital = "request__hospital"

    def without_figures(self) -> Self:
        return self.defer(*FIGURES)

    def finished(self) -> Self:
        return self.filter(completed_at__isnull=False)

    def unfinished(self) -> Self:
        """Runs whose job still waits or works."""
        return self.filter(completed_at__isnull=True, job__state__in=["queued", "running"])

    def with_request(self) -> Self:
        return self.select_related("request__patient", "request__hospital", "job", "policy")

    def shown(self) -> Self:
        """Without searches of the night that wait, work or were given up: they end as a list or without a trace."""
        idle = ["queued", "running", "cancelled"]
        return self.exclude(origin=RunOrigin.NIGHT, completed_at__isnull=True, job__state__in=idle)

    def newest(self) -> Self:
        """Of each request the newest finished search."""
        newest = self.model._default_manager.filter(request=models.OuterRef("request")).finished()
        return self.finished().filter(pk=newest.order_by("-run_no").values("pk")[:1])

    def unseen_news(self) -> Self:
        """Newest lists that the night made, with units worth a look, which nobody of the hospital has opened."""
        return self.newest().filter(origin=RunOrigin.NIGHT, seen_at__isnull=True).filter(changes__news__gt=0)


class SearchResultQuerySet(_OfRequests):
    _hospital = "run__request__hospital"

    def with_unit(self) -> Self:
        """The unit as it stands now (a shown result always reads today's status)."""
        return self.select_related("unit__bank")

    def of_waiting(self, unit: CordBloodUnit) -> Self:
        """A unit in the newest lists of the requests that wait, by these, however many old lists hold it."""
        from matching.models import MatchRequest

        newest = MatchRequest.objects.waiting().with_latest_run().values("latest_run_id")
        return (
            self.filter(unit=unit, run_id__in=newest)
            .select_related("run__policy", "run__request__patient", "run__request__hospital")
            .defer("evidence", "prediction", *(f"run__{name}" for name in FIGURES))
        )

    def judged_by(self, evaluation: Evaluation) -> Self:
        """Adds `judged`: what the evaluation found of each unit, for filters and orders."""
        of_it = models.Q(evaluated__evaluation=evaluation)
        return self.annotate(judged=models.FilteredRelation("evaluated", condition=of_it))


class EvaluationQuerySet(_OfRequests):
    _hospital = "run__request__hospital"

    def in_force(self, run: SearchRun, policy: SelectionPolicy) -> Evaluation | None:
        found: Evaluation | None = self.filter(run=run, policy=policy, superseded_at__isnull=True).first()
        return found


class EvaluatedUnitQuerySet(_OfRequests):
    _hospital = "evaluation__run__request__hospital"


class NewUnitFindingQuerySet(_OfRequests):
    _hospital = "request__hospital"

    def current(self) -> Self:
        """Of requests that still wait, and units that are still on offer."""
        return self.filter(
            not_blocked("unit__"),
            unit__status__in=SEARCHABLE_UNITS,
            request__state__in=WAITING,
            request__patient__state=PatientState.ACTIVE,
        )

    def with_list(self) -> Self:
        """Adds covered_number: the change of the inventory up to which the newest list of the request holds."""
        return self.annotate(covered_number=covered_number("request"))

    def since_search(self) -> Self:
        """Current ones that no list of their request holds yet."""
        return self.current().with_list().filter(ledger_number__gt=models.F("covered_number"))

    def with_names(self) -> Self:
        return self.select_related("unit__bank", "request__patient", "request__hospital")


class SearchReplayQuerySet(_OfRequests):
    """As visible as the search."""

    _hospital = "run__request__hospital"

    def finished(self) -> Self:
        return self.filter(completed_at__isnull=False)

    def unfinished(self) -> Self:
        """Those whose job still waits or works."""
        return self.filter(completed_at__isnull=True, job__state__in=["queued", "running"])

    def with_run(self) -> Self:
        return self.select_related("run__request__patient", "run__request__hospital", "run__policy", "job")


class _KeptOfRequests(_OfRequests):
    """Of a request's hospital, and never changed."""

    update = AppendOnlyQuerySet.update
    delete = AppendOnlyQuerySet.delete


class MatchReportQuerySet(_KeptOfRequests):
    """As visible as the search."""

    _hospital = "run__request__hospital"

    def without_file(self) -> Self:
        return self.defer("pdf")

    def with_run(self) -> Self:
        return self.select_related("run__request__patient", "run__request__hospital")


class ReportSignatureQuerySet(_KeptOfRequests):
    """As visible as the report."""

    _hospital = "report__run__request__hospital"


class SelectionPolicyQuerySet(models.QuerySet[Any]):
    def for_hospital(self, hospital: Hospital) -> Self:
        """The bank's policies and the hospital's own."""
        return self.filter(models.Q(hospital__isnull=True) | models.Q(hospital=hospital))

    def offered(self) -> Self:
        """Those that may be chosen for new requests: a later version retires the one before."""
        return self.filter(retired_at__isnull=True)

    def versions_of(self, policy: SelectionPolicy) -> Self:
        """All versions under one name, the newest first."""
        return self.filter(hospital=policy.hospital_id, name=policy.name).order_by("-version")

    def visible_to(self, user: User) -> Self:
        """The bank's policies are everybody's who may see requests or reference data; a hospital's own are its own."""
        may = user.is_authenticated and (
            user.has_permission(Permission.REQUEST_VIEW) or user.has_permission(Permission.REFERENCE_VIEW)
        )
        if not may:
            return self.none()
        allowed = hospitals_open_to(user, Permission.REQUEST_VIEW)
        if allowed is None:
            return self
        return self.filter(models.Q(hospital__isnull=True) | models.Q(hospital__in=allowed))


class ReferenceQuerySet(models.QuerySet[Any]):
    """Loaded reference data. The compiled bytes are tens of megabytes: lists leave them out."""

    def visible_to(self, user: User) -> Self:
        if not user.is_authenticated or not user.has_permission(Permission.REFERENCE_VIEW):
            return self.none()
        return self.defer("compiled")

    def active(self) -> Self:
        return self.filter(is_active=True)


class RereadingQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        may = user.is_authenticated and user.has_permission(Permission.REFERENCE_VIEW)
        return self if may else self.none()

    def with_data(self) -> Self:
        """The versions compared and how the work stands, without the compiled bytes."""
        sides = [f"{kind}_{side}" for kind in ("release", "mac") for side in ("before", "after")]
        return self.select_related("job", *sides).defer(*(f"{side}__compiled" for side in sides))

    def with_changes_for(self, user: User) -> Self:
        """Adds shows_changes: whether the list of a comparison holds anything for this person."""
        from matching.models import TypingChange

        rows = TypingChange.objects.visible_to(user).filter(rereading=models.OuterRef("pk")).order_by()
        return self.annotate(shows_changes=models.Exists(rows))


class TypingChangeQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Who may see reference data; the typings that only patients have for those who see all requests."""
        if not user.is_authenticated or not user.has_permission(Permission.REFERENCE_VIEW):
            return self.none()
        return self if may_see_requests_touched(user) else self.filter(units__gt=0)


class PredictionCheckQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User) -> Self:
        """The bank's staff and auditors who may see reference data: the rows name searches of all hospitals."""
        needed = (Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)
        may = user.is_authenticated and all(user.has_permission(one) for one in needed)
        return self if may else self.none()

    def one_per_unit(self) -> Self:
        """Of each unit, set and bank the check of the newest search: all of a unit hang on one typing."""
        place = ("unit_set_checksum", "bank_id", "result__unit_id")
        return self.order_by(*place, "-result__run__completed_at", "-pk").distinct(*place)


class PlanningRunQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """The bank's staff and auditors who may see reference data; hospitals see no figures of the whole inventory."""
        needed = (Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)
        may = user.is_authenticated and all(user.has_permission(one) for one in needed)
        return self.defer("worths") if may else self.none()

    def finished(self) -> Self:
        return self.filter(completed_at__isnull=False)

    def unfinished(self) -> Self:
        """Those whose job still waits or works."""
        return self.filter(completed_at__isnull=True, job__state__in=["queued", "running"])

    def of_basis(self, basis: str) -> Self:
        """Those that have, or will have, the same figures."""
        rows = self.filter(basis=basis)
        return rows.finished() | rows.unfinished()


def may_see_requests_touched(user: User) -> bool:
    """Who sees the patients and requests of all hospitals anyhow: anyone else would learn of those of others.

    For the rest a list of changes neither shows, counts nor sorts by what comes from requests.
    """
    needed = (Permission.REQUEST_VIEW, Permission.PATIENT_VIEW)
    return all(hospitals_open_to(user, permission) is None for permission in needed)
