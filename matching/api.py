"""API of match requests: created, submitted, watched and read by the same services as the pages."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from bank.choices import SEARCHABLE as SEARCHABLE_UNITS
from bank.choices import DonorType, UnitStatus
from bank.querysets import CORD_ONLY
from core.access import get_visible_or_404, has_permission
from core.audit import actor_of
from core.roles import Permission
from hospitals.models import Patient
from matching import services
from matching.api_calibration import CalibrationViewSet
from matching.api_new_units import NewUnitViewSet
from matching.api_planning import PlanningViewSet
from matching.api_policies import PolicyViewSet
from matching.api_replays import ReplayViewSet
from matching.api_runs import ACTING, ERRORS, RunSerializer, SearchRunViewSet
from matching.api_shortlist import GraftNoteViewSet, ShortlistViewSet
from matching.choices import CLASS_SIZE, Kept, LociSet, Urgency
from matching.models import MatchRequest
from matching.querysets import MatchRequestQuerySet
from matching.services import RequestData

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
    donor_types = serializers.ListField(
        child=serializers.ChoiceField(choices=DonorType.choices),
        default=list(CORD_ONLY),
        allow_empty=False,
        help_text="searched together: cord blood units, adult donors of registries, or both",
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
        lists = {name: tuple(data[name]) for name in ("statuses", "donor_types")}
        return RequestData(**{**data, **lists, "policy_id": policy_id})


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
            "min_tnc_e7_per_kg", "statuses", "donor_types", "kept_at_most", "urgency", "notes", "created_at",
            "submitted_at", "cancelled_at", "latest_run",
        )  # fmt: skip
        read_only_fields = fields


def _changeable(request: Request, pk: str | None) -> MatchRequest:
    """A request of a hospital for which the person may submit, not only look."""
    rows = MatchRequest.objects.open_for(request.user, *ACTING)
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
        responses={201: RequestSerializer, **ERRORS},
        examples=[OpenApiExample("A 4/6 search with a dose", value=REQUEST_EXAMPLE, request_only=True)],
    )
    def create(self, request: Request) -> Response:
        given = RequestInput(data=request.data)
        given.is_valid(raise_exception=True)
        patients = Patient.objects.select_related("hospital").open_for(request.user, *ACTING)
        patient = get_visible_or_404(patients, request.user, pk=given.validated_data["patient"])
        made = services.request_create(
            patient=patient, data=given.data_for_service(), actor=actor_of(request)
        )
        shown = self.get_queryset().get(pk=made.pk)
        return Response(RequestSerializer(shown).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Submit a draft: starts the first search",
        request=None,
        responses={202: RunSerializer, **ERRORS},
    )
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, pk: str | None = None) -> Response:
        found = _changeable(request, pk)
        run = services.request_submit(request_id=found.pk, actor=actor_of(request))
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Search again, with patient and inventory as they are now",
        request=None,
        responses={202: RunSerializer, **ERRORS},
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
