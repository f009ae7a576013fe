"""API of searches: how one stands, its results, pairs and proofs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bank.choices import DonorType
from bank.choices_genetic import GeneticKind
from bank.genetic_pages import guard_api_page
from bank.models import CordBloodUnit
from bank.querysets import ALL_DONORS
from core import jobs
from core.access import get_visible_or_404, has_permission, person_of
from core.audit import actor_of
from core.roles import Permission
from matching import services
from matching.api_pairs import PASSED, RunPairsSerializer
from matching.api_predictions import (
    ResultPredictionSerializer,
    RunPredictionSerializer,
    result_prediction,
    run_prediction,
)
from matching.api_progress import ProgressSerializer
from matching.api_replays import REPLAY_ERRORS, ReplayBriefSerializer, ReplaySerializer
from matching.match_list import ALL, ELIGIBLE, EXCLUDED, MatchList
from matching.models import EvaluatedUnit, Evaluation, SearchResult, SearchRun
from matching.presenters import findings
from matching.querysets import SearchRunQuerySet
from matching.selection.pairs import run_pairs
from matching.selection.policies import judging_policy

ACTING = (Permission.REQUEST_VIEW, Permission.REQUEST_SUBMIT)
JUDGED_BY = OpenApiParameter(
    "policy", OpenApiTypes.UUID, description="judge by this policy, not the request's"
)
ERRORS = {
    400: OpenApiResponse(description="the input or the patient's typing or weight does not allow it"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or a search still runs"),
}


class RunSerializer(serializers.ModelSerializer[SearchRun]):
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


class ResultUnit(serializers.Serializer[CordBloodUnit]):
    id = serializers.UUIDField()
    unit_no = serializers.CharField()
    din = serializers.CharField()
    donor_type = serializers.ChoiceField(choices=DonorType.choices)
    grid = serializers.CharField(
        help_text="of an adult donor, for whom one asks the registry; nothing is reserved"
    )
    origin = serializers.CharField(source="source", help_text="own or partner")
    bank = serializers.CharField(source="bank.code", help_text="code of the bank or registry")
    abo = serializers.CharField()
    rh = serializers.CharField()
    collected_on = serializers.DateField(allow_null=True)


class ResultSerializer(serializers.ModelSerializer[SearchResult]):
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
        help_text="rules that exclude the unit or warn of it, and of each rule [outcome, value, [what is missing]]; "
        "of an adult donor the rules of cord blood are not_applicable"
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


def _evaluation(request: Request, run: SearchRun) -> Evaluation:
    """The list judged by the policy that the address names."""
    return services.evaluation_of(
        run=run, policy=judging_policy(request.query_params, run, person_of(request))
    )


@extend_schema_view(
    retrieve=extend_schema(summary="One search: how it stands, and its figures"),
)
class SearchRunViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[SearchRun]):
    """Searches and their results."""

    serializer_class = RunSerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW, write=Permission.REQUEST_SUBMIT)]
    queryset = SearchRun.objects.none()

    def get_queryset(self) -> SearchRunQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return SearchRun.objects.none()
        rows: SearchRunQuerySet = SearchRun.objects.visible_to(person_of(self.request))
        return rows.with_request()

    @extend_schema(
        summary="Results by pages, judged by a policy: in the order of its keys, or of `sort`, excluded units last",
        parameters=[
            OpenApiParameter(
                "sort", str, description="keys in a row, as class,probability,tnc; rank: as searched"
            ),
            OpenApiParameter(
                "donor", str, enum=list(ALL_DONORS), description="only these, of a list of both"
            ),
            OpenApiParameter("bank", str, description="only units of this bank or registry (code)"),
            OpenApiParameter(
                "show", str, enum=[ALL, ELIGIBLE, EXCLUDED], description="which units; all by default"
            ),
            JUDGED_BY,
        ],
        responses=ResultSerializer(many=True),
    )
    @action(detail=True, methods=["get"], serializer_class=ResultSerializer)
    def results(self, request: Request, pk: str | None = None) -> Response:
        run = get_visible_or_404(SearchRun.objects.with_request(), person_of(request), pk=pk)
        if not run.is_finished:
            return self.get_paginated_response(self.paginate_queryset(run.results.none()))
        evaluation = _evaluation(request, run)
        rows = MatchList(request.query_params, run, evaluation, usual=ALL).rows()
        page = self.paginate_queryset(rows) or []
        paginator: Any = self.paginator
        patient = run.request.patient_id
        guard_api_page(request, paginator.page, GeneticKind.MATCH_API, title=run.label, patient=patient)
        context = {"judged": findings.of_page(evaluation, page), "user": person_of(request)}
        return self.get_paginated_response(ResultSerializer(page, many=True, context=context).data)

    @extend_schema(
        summary="Double units: the best pairs of the list, with a verdict per rule",
        parameters=[PASSED, JUDGED_BY],
        responses={200: RunPairsSerializer, 404: ERRORS[404], 409: ERRORS[409]},
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def pairs(self, request: Request, pk: str | None = None) -> Response:
        rows = SearchRun.objects.with_request()
        run = get_visible_or_404(rows, person_of(request), pk=pk)
        only_passed = request.query_params.get("passed", "").lower() in ("1", "true")
        found = run_pairs(run, _evaluation(request, run))
        return Response(RunPairsSerializer.of(run, found, only_passed=only_passed))

    @extend_schema(
        summary="Stop a search that waits or works", request=None, responses={200: RunSerializer, **ERRORS}
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        rows = SearchRun.objects.select_related("job").open_for(person_of(request), *ACTING)
        run = get_visible_or_404(rows, person_of(request), pk=pk)
        run.job = jobs.job_cancel(job=run.job, actor=actor_of(request))
        return Response(RunSerializer(run).data)

    @extend_schema(
        summary="Recompute a finished search from what it was made of",
        request=None,
        responses={202: ReplaySerializer, **REPLAY_ERRORS},
    )
    @action(detail=True, methods=["post"], permission_classes=[has_permission(Permission.REQUEST_VIEW)])
    def replay(self, request: Request, pk: str | None = None) -> Response:
        run = get_visible_or_404(SearchRun, person_of(request), pk=pk)
        made = services.replay_start(run_id=run.pk, actor=actor_of(request))
        return Response(ReplaySerializer(made).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Recomputations of this search, newest first, by pages; `replays/{id}` has the differences",
        responses=ReplayBriefSerializer(many=True),
    )
    @action(detail=True, methods=["get"], serializer_class=ReplayBriefSerializer)
    def replays(self, request: Request, pk: str | None = None) -> Response:
        run = get_visible_or_404(SearchRun, person_of(request), pk=pk)
        rows = run.replays.select_related("job").defer("differences", "today").order_by("-created_at", "pk")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ReplayBriefSerializer(page, many=True).data)
