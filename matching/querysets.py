"""Every filtered read of requests, runs and results. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

from core.querysets import AppendOnlyQuerySet
from core.roles import Permission
from hospitals.querysets import OfHospital, hospitals_open_to
from matching.choices import OPEN

if TYPE_CHECKING:
    from core.models import User
    from hospitals.models import Hospital


class _OfRequests(OfHospital):
    """Members see what their hospitals asked; bank staff who may see requests all of them."""

    _view = Permission.REQUEST_VIEW


class MatchRequestQuerySet(_OfRequests):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

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

    def with_latest_job(self) -> Self:
        """Adds latest_job_state: how the last search stands, finished or not; None before the first."""
        from matching.models import SearchRun

        latest = SearchRun.objects.filter(request=models.OuterRef("pk")).order_by("-run_no")
        return self.annotate(latest_job_state=models.Subquery(latest.values("job__state")[:1]))


class SearchRunQuerySet(_OfRequests):
    _hospital = "request__hospital"

    def finished(self) -> Self:
        return self.filter(completed_at__isnull=False)

    def unfinished(self) -> Self:
        """Runs whose job still waits or works."""
        return self.filter(completed_at__isnull=True, job__state__in=["queued", "running"])

    def with_request(self) -> Self:
        return self.select_related("request__patient", "request__hospital", "job", "policy")


class SearchResultQuerySet(_OfRequests):
    _hospital = "run__request__hospital"

    def with_unit(self) -> Self:
        """The unit as it stands now (a shown result always reads today's status)."""
        return self.select_related("unit")


class SelectionPolicyQuerySet(models.QuerySet[Any]):
    def for_hospital(self, hospital: Hospital) -> Self:
        """The bank's policies and the hospital's own."""
        return self.filter(models.Q(hospital__isnull=True) | models.Q(hospital=hospital))

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

    def with_rereading(self) -> Self:
        return self.select_related("rereading")


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


def may_see_requests_touched(user: User) -> bool:
    """Who sees the patients and requests of all hospitals anyhow: anyone else would learn of those of others.

    For the rest a list of changes neither shows, counts nor sorts by what comes from requests.
    """
    needed = (Permission.REQUEST_VIEW, Permission.PATIENT_VIEW)
    return all(hospitals_open_to(user, permission) is None for permission in needed)
