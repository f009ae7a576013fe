"""API of match requests: created, submitted, watched and read by the same services as the pages."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from bank.choices import SEARCHABLE as SEARCHABLE_UNITS
from bank.choices import UnitStatus
from core import jobs
from core.access import get_visible_or_404, has_permission
from core.audit import actor_of
from core.roles import Permission
from hospitals.models import Patient
from matching import services
from matching.api_calibration import CalibrationViewSet
from matching.api_new_units import NewUnitViewSet
from matching.api_pairs import PASSED, RunPairsSerializer
from matching.api_planning import PlanningViewSet
from matching.api_policies import PolicyViewSet
from matching.api_predictions import (
    ResultPredictionSerializer,
    RunPredictionSerializer,
    result_prediction,
    run_prediction,
)
from matching.api_progress import ProgressSerializer
from matching.api_replays import REPLAY_ERRORS, ReplayBriefSerializer, ReplaySerializer, ReplayViewSet
from matching.api_shortlist import GraftNoteViewSet, ShortlistViewSet
from matching.choices import CLASS_SIZE, Kept, LociSet, Urgency
from matching.match_list import ALL, ELIGIBLE, EXCLUDED, MatchList
from matching.models import EvaluatedUnit, MatchRequest, SearchResult, SearchRun
from matching.presenters import findings
from matching.querysets import MatchRequestQuerySet, SearchRunQuerySet
from matching.selection.pairs import run_pairs
from matching.selection.policies import judging_policy
from matching.services import RequestData

_ACTING = (Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
REQUEST_EXAMPLE = {
    "patient": "0f8c2a1e-6c0f-4a53-9f0e-9c7f4f1d2b11",
    "loci": "A,B,C,DRB1,DQB1",
    "floors": {"antigen6": 4, "allele8": 5},
    "min_tnc_e7_per_kg": "2.50",
    "statuses": ["LISTED"],
    "urgency": "routine",
    "notes": "",
}


class FloorsField(serializers.DictField):
    """Class -> smallest possible number of matches."""

    child = serializers.IntegerField(min_value=0, max_value=10)

    def to_internal_value(self, data: Any) -> dict[str, int]:
        floors: dict[str, int] = super().to_internal_value(data)
        unknown = sorted(set(floors) - set(CLASS_SIZE))
        if unknown:
            raise serializers.ValidationError(f"unknown classes: {', '.join(unknown)}")
        return floors


class RequestInput(serializers.Serializer):
    """What is asked. `floors`: of a class left out the policy's floor holds, 0 is none; the answer says all."""

    patient = serializers.UUIDField(help_text="id of an active patient of the own hospital")
    loci = serializers.ChoiceField(choices=LociSet.choices, default=LociSet.FIVE)
    floors = FloorsField(required=False, help_text="class (antigen6, allele6, allele8, allele10) -> floor")
    min_tnc_e7_per_kg = serializers.DecimalField(
        max_digits=6, decimal_places=2, required=False, allow_null=True, help_text="×10⁷ per kg"
    )
    statuses = serializers.ListField(
        child=serializers.ChoiceField(choices=[(s.value, s.label) for s in SEARCHABLE_UNITS]),
        default=[UnitStatus.LISTED.value],
        allow_empty=False,
    )
    kept_at_most = serializers.ChoiceField(
        choices=Kept.choices,
        default=Kept.THOUSAND.value,
        help_text="units listed, at most; all candidates are counted",
    )
    urgency = serializers.ChoiceField(choices=Urgency.choices, default=Urgency.ROUTINE)
    policy = serializers.UUIDField(
        required=False,
        help_text="id of a policy offered to the hospital (policies/); left out, the bank's default",
    )
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True)

    def data_for_service(self) -> RequestData:
        data = dict(self.validated_data)
        del data["patient"]
        policy_id = data.pop("policy", None)
        return RequestData(**{**data, "statuses": tuple(data["statuses"]), "policy_id": policy_id})


class PatientBrief(serializers.Serializer):
    id = serializers.UUIDField()
    code = serializers.CharField()


class RequestSerializer(serializers.ModelSerializer):
    patient = PatientBrief()
    hospital = serializers.CharField(source="hospital.code", help_text="code of the hospital")
    policy = serializers.CharField(source="policy.__str__")
    policy_id = serializers.UUIDField()
    floors = serializers.DictField(child=serializers.IntegerField())
    latest_run = serializers.UUIDField(
        source="latest_run_id", allow_null=True, help_text="the last finished search"
    )

    class Meta:
        model = MatchRequest
        fields = (
            "id", "number", "state", "patient", "hospital", "policy", "policy_id", "loci", "floors",
            "min_tnc_e7_per_kg", "statuses", "kept_at_most", "urgency", "notes", "created_at", "submitted_at",
            "cancelled_at", "latest_run",
        )  # fmt: skip
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer):
    """One search: how it stands, what went in, and once it is done what came out in numbers."""

    request = serializers.UUIDField(source="request_id")
    progress = ProgressSerializer(source="job")
    criteria = serializers.JSONField()
    counts = serializers.DictField(
        child=serializers.ListField(child=serializers.ListField(child=serializers.IntegerField())),
        help_text="class -> [[value, possible, certain], …], best first",
    )
    funnel = serializers.DictField(help_text="where every unit of the inventory went")
    prediction = serializers.SerializerMethodField()
    changes = serializers.DictField(
        help_text="of a nightly search: new, gone, better, worse units against the list known before"
    )

    class Meta:
        model = SearchRun
        fields = (
            "id", "request", "run_no", "progress", "criteria", "patient_gl", "patient_weight_kg", "policy_label",
            "release", "mac_version", "ledger_number", "engine_version", "counts", "funnel", "candidates", "kept",
            "cut", "prediction", "created_at", "completed_at", "origin", "changes", "checked_at",
            "checked_ledger_number",
        )  # fmt: skip
        read_only_fields = fields

    @run_prediction
    def get_prediction(self, run: SearchRun) -> dict[str, Any] | None:
        return RunPredictionSerializer.of(run)


class ResultUnit(serializers.Serializer):
    id = serializers.UUIDField()
    unit_no = serializers.CharField()
    din = serializers.CharField()
    abo = serializers.CharField()
    rh = serializers.CharField()
    collected_on = serializers.DateField(allow_null=True)


class ResultSerializer(serializers.ModelSerializer):
    """One unit at its rank. Classes are [certain, possible] matches; evidence is per locus and position."""

    unit = ResultUnit()
    classes = serializers.SerializerMethodField()
    status = serializers.CharField(help_text="at the search")
    on_offer = serializers.SerializerMethodField(
        help_text="whether the unit stands today as the search found it"
    )
    evidence = serializers.DictField(
        help_text="per locus: counts [min, max], direction, positions with verdict"
    )
    prediction = serializers.SerializerMethodField()
    tnc_e7_per_kg = serializers.SerializerMethodField(help_text="by the patient's weight as it is now")
    cd34_e5_per_kg = serializers.SerializerMethodField(help_text="by the patient's weight as it is now")
    judged = serializers.SerializerMethodField(
        help_text="rules that exclude the unit or warn of it, and of each rule [outcome, value, [what is missing]]"
    )

    class Meta:
        model = SearchResult
        fields = (
            "rank", "unit", "classes", "direction", "tnc_e7", "cd34_e6", "tnc_e7_per_kg", "cd34_e5_per_kg",
            "status", "on_offer", "evidence", "prediction", "judged",
        )  # fmt: skip
        read_only_fields = fields

    def _row(self, result: SearchResult) -> EvaluatedUnit:
        row: EvaluatedUnit = self.context["judged"][result.pk]
        return row

    def get_tnc_e7_per_kg(self, result: SearchResult) -> float | None:
        return self._row(result).tnc_e7_per_kg

    def get_cd34_e5_per_kg(self, result: SearchResult) -> float | None:
        return self._row(result).cd34_e5_per_kg

    def get_judged(self, result: SearchResult) -> dict[str, Any]:
        row = self._row(result)
        return {
            "excluded_by": row.excluded_by,
            "warnings": row.warnings,
            "quality": {"failed": row.quality_failed, "unknown": row.quality_unknown},
            "rules": findings.open_to(self.context["user"], row.findings),
        }

    def get_classes(self, result: SearchResult) -> dict[str, list[int]]:
        return {name: list(span) for name, span in result.classes.items()}

    @result_prediction
    def get_prediction(self, result: SearchResult) -> dict[str, Any] | None:
        return ResultPredictionSerializer.of(result)

    def get_on_offer(self, result: SearchResult) -> bool:
        unit = result.unit
        return bool(unit.status == result.status and not unit.blocks)


JUDGED_BY = OpenApiParameter(
    "policy", OpenApiTypes.UUID, description="judge by this policy, not the request's"
)
_ERRORS = {
    400: OpenApiResponse(description="the input or the patient's typing or weight does not allow it"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or a search still runs"),
}


def _changeable(request: Request, pk: str | None) -> MatchRequest:
    """A request of a hospital for which the person may submit, not only look."""
    rows = MatchRequest.objects.open_for(request.user, *_ACTING)
    found: MatchRequest = get_visible_or_404(rows, request.user, pk=pk)
    return found


@extend_schema_view(
    list=extend_schema(summary="Match requests of the own hospitals; bank staff see all"),
    retrieve=extend_schema(summary="One match request"),
)
class MatchRequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Match requests. A created request is a draft; `submit` starts its first search, `repeat` a further one."""

    serializer_class = RequestSerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW, write=Permission.REQUEST_SUBMIT)]
    queryset = MatchRequest.objects.none()

    def get_queryset(self) -> MatchRequestQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return MatchRequest.objects.none()
        rows: MatchRequestQuerySet = MatchRequest.objects.visible_to(self.request.user)
        return rows.with_patient().with_latest_run().order_by("-created_at", "pk")

    @extend_schema(
        summary="Create a draft",
        request=RequestInput,
        responses={201: RequestSerializer, **_ERRORS},
        examples=[OpenApiExample("A 4/6 search with a dose", value=REQUEST_EXAMPLE, request_only=True)],
    )
    def create(self, request: Request) -> Response:
        given = RequestInput(data=request.data)
        given.is_valid(raise_exception=True)
        patients = Patient.objects.select_related("hospital").open_for(request.user, *_ACTING)
        patient = get_visible_or_404(patients, request.user, pk=given.validated_data["patient"])
        made = services.request_create(
            patient=patient, data=given.data_for_service(), actor=actor_of(request)
        )
        shown = self.get_queryset().get(pk=made.pk)
        return Response(RequestSerializer(shown).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Submit a draft: starts the first search",
        request=None,
        responses={202: RunSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, pk: str | None = None) -> Response:
        found = _changeable(request, pk)
        run = services.request_submit(request_id=found.pk, actor=actor_of(request))
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Search again, with patient and inventory as they are now",
        request=None,
        responses={202: RunSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def repeat(self, request: Request, pk: str | None = None) -> Response:
        found = _changeable(request, pk)
        run = services.run_repeat(request_id=found.pk, actor=actor_of(request))
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Searches of this request, newest first", responses=RunSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def runs(self, request: Request, pk: str | None = None) -> Response:
        found = get_visible_or_404(MatchRequest, request.user, pk=pk)
        rows = found.runs.shown().select_related("job").order_by("-run_no")
        return Response(RunSerializer(rows, many=True).data)


@extend_schema_view(
    retrieve=extend_schema(summary="One search: how it stands, and its figures"),
)
class SearchRunViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Searches and their results."""

    serializer_class = RunSerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW, write=Permission.REQUEST_SUBMIT)]
    queryset = SearchRun.objects.none()

    def get_queryset(self) -> SearchRunQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return SearchRun.objects.none()
        rows: SearchRunQuerySet = SearchRun.objects.visible_to(self.request.user)
        return rows.with_request()

    @extend_schema(
        summary="Results by pages, judged by a policy: in the order of its keys, or of `sort`, excluded units last",
        parameters=[
            OpenApiParameter(
                "sort", str, description="keys in a row, as class,probability,tnc; rank: as searched"
            ),
            OpenApiParameter(
                "show", str, enum=[ALL, ELIGIBLE, EXCLUDED], description="which units; all by default"
            ),
            JUDGED_BY,
        ],
        responses=ResultSerializer(many=True),
    )
    @action(detail=True, methods=["get"], serializer_class=ResultSerializer)
    def results(self, request: Request, pk: str | None = None) -> Response:
        run = get_visible_or_404(SearchRun.objects.with_request(), request.user, pk=pk)
        if not run.is_finished:
            return self.get_paginated_response(self.paginate_queryset(run.results.none()))
        evaluation = services.evaluation_of(
            run=run, policy=judging_policy(request.query_params, run, request.user)
        )
        rows = MatchList(request.query_params, run, evaluation, usual=ALL).rows()
        page = self.paginate_queryset(rows) or []
        context = {"judged": findings.of_page(evaluation, page), "user": request.user}
        return self.get_paginated_response(ResultSerializer(page, many=True, context=context).data)

    @extend_schema(
        summary="Double units: the best pairs of the list, with a verdict per rule",
        parameters=[PASSED, JUDGED_BY],
        responses={200: RunPairsSerializer, 404: _ERRORS[404], 409: _ERRORS[409]},
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def pairs(self, request: Request, pk: str | None = None) -> Response:
        rows = SearchRun.objects.with_request()
        run = get_visible_or_404(rows, request.user, pk=pk)
        only_passed = request.query_params.get("passed", "").lower() in ("1", "true")
        found = run_pairs(run, judging_policy(request.query_params, run, request.user))
        return Response(RunPairsSerializer.of(run, found, only_passed=only_passed))

    @extend_schema(
        summary="Stop a search that waits or works", request=None, responses={200: RunSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        rows = SearchRun.objects.select_related("job").open_for(request.user, *_ACTING)
        run = get_visible_or_404(rows, request.user, pk=pk)
        run.job = jobs.job_cancel(job=run.job, actor=actor_of(request))
        return Response(RunSerializer(run).data)

    @extend_schema(
        summary="Recompute a finished search from what it was made of",
        request=None,
        responses={202: ReplaySerializer, **REPLAY_ERRORS},
    )
    @action(detail=True, methods=["post"], permission_classes=[has_permission(Permission.REQUEST_VIEW)])
    def replay(self, request: Request, pk: str | None = None) -> Response:
        run = get_visible_or_404(SearchRun, request.user, pk=pk)
        made = services.replay_start(run_id=run.pk, actor=actor_of(request))
        return Response(ReplaySerializer(made).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Recomputations of this search, newest first, by pages; `replays/{id}` has the differences",
        responses=ReplayBriefSerializer(many=True),
    )
    @action(detail=True, methods=["get"], serializer_class=ReplayBriefSerializer)
    def replays(self, request: Request, pk: str | None = None) -> Response:
        run = get_visible_or_404(SearchRun, request.user, pk=pk)
        rows = run.replays.select_related("job").defer("differences", "today").order_by("-created_at", "pk")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ReplayBriefSerializer(page, many=True).data)


def register(router: SimpleRouter) -> None:
    router.register("match-requests", MatchRequestViewSet, basename="match-request")
    router.register("new-units", NewUnitViewSet, basename="new-unit")
    router.register("policies", PolicyViewSet, basename="policy")
    router.register("runs", SearchRunViewSet, basename="run")
    router.register("replays", ReplayViewSet, basename="replay")
    router.register("planning", PlanningViewSet, basename="planning")
    router.register("calibration", CalibrationViewSet, basename="calibration")
    router.register("shortlist", ShortlistViewSet, basename="shortlist")
    router.register("graft-notes", GraftNoteViewSet, basename="graft-note")
