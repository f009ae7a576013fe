"""API of confirmatory typings: what the pages do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from bank.typing_compared import Agreement
from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from core.typings import MAX_GL_LENGTH, TypingInput
from transplants import presenters_typings as presenters
from transplants import services_typings as services
from transplants.choices_orders import TypingState
from transplants.choices_typings import TypingMethod
from transplants.models import ConfirmatoryTyping, Reservation
from transplants.querysets_orders import ConfirmatoryTypingQuerySet
from transplants.writing import LONGEST_REASON

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or what was shown has changed"),
}


class ConfirmatoryTypingQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)
    unit = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=TypingState.choices, required=False)


class ConfirmatoryTypingInput(serializers.Serializer[Any]):
    reservation = serializers.UUIDField()
    note = serializers.CharField(max_length=400, allow_blank=True, default="")
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one wish")


class ConfirmatorySampleInput(serializers.Serializer[Any]):
    used_on = serializers.DateField(required=False, allow_null=True, help_text="today where it is missing")


class ConfirmatoryReportInput(serializers.Serializer[Any]):
    gl = serializers.CharField(max_length=MAX_GL_LENGTH, help_text="the typing as a GL string")
    laboratory = serializers.CharField(max_length=120)
    method = serializers.ChoiceField(choices=TypingMethod.choices)
    typed_on = serializers.DateField()

    def values(self) -> dict[str, Any]:
        data = self.validated_data
        given = TypingInput(gl=data["gl"], laboratory=data["laboratory"], typed_on=data["typed_on"])
        return {"given": given, "method": data["method"]}


class ConfirmatoryVerifyInput(serializers.Serializer[Any]):
    shown = serializers.CharField(max_length=16, help_text="as the typing was read: what is vouched for")


class ConfirmatoryReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST_REASON)


class ConfirmatoryTakeBackInput(ConfirmatoryVerifyInput, ConfirmatoryReasonInput):
    """Of a result that was entered wrongly."""


class LocusComparedSerializer(serializers.Serializer[Any]):
    locus = serializers.CharField()
    listed = serializers.CharField(help_text="GL text; empty where it is not listed")
    found = serializers.CharField(help_text="GL text; empty where it was not typed")
    agreement = serializers.ChoiceField(choices=[one.value for one in Agreement])


class ConfirmatoryTypingSerializer(serializers.ModelSerializer[ConfirmatoryTyping]):
    """A typing of a reserved unit anew, and what came of it."""

    reservation_number = serializers.CharField(source="reservation.number", read_only=True)
    unit_no = serializers.CharField(source="unit.public_no", read_only=True)
    patient_code = serializers.CharField(source="patient.code", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)

    class Meta:
        model = ConfirmatoryTyping
        fields: tuple[str, ...] = (
            "id", "number", "reservation", "reservation_number", "unit", "unit_no", "patient", "patient_code",
            "hospital", "hospital_code", "state", "note", "asked_at", "sampled_on", "method", "reported_at",
            "differing", "ended_at", "end_reason", "settled_at",
        )  # fmt: skip
        read_only_fields = fields


class ConfirmatoryTypingDetailSerializer(ConfirmatoryTypingSerializer):
    comparison = serializers.SerializerMethodField(
        help_text="locus by locus; empty before a result is entered"
    )
    shown = serializers.SerializerMethodField(help_text="to be sent back by whoever verifies this")

    class Meta(ConfirmatoryTypingSerializer.Meta):
        fields = (*ConfirmatoryTypingSerializer.Meta.fields, "comparison", "shown")
        read_only_fields = fields

    @extend_schema_field(LocusComparedSerializer(many=True))
    def get_comparison(self, row: ConfirmatoryTyping) -> list[dict[str, str]]:
        return [
            {
                "locus": one.locus,
                "listed": one.listed.gl() if one.listed else "",
                "found": one.found.gl() if one.found else "",
                "agreement": one.agreement.value,
            }
            for one in presenters.compared(row)
        ]

    @extend_schema_field(OpenApiTypes.STR)
    def get_shown(self, row: ConfirmatoryTyping) -> str:
        return presenters.shown(row)


def _given(serializer: type[serializers.Serializer[Any]], request: Request) -> Any:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return given


_DETAIL = {200: ConfirmatoryTypingDetailSerializer, **_ERRORS}


@extend_schema_view(
    list=extend_schema(
        summary="Confirmatory typings, newest first",
        parameters=[
            OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient"),
            OpenApiParameter("unit", OpenApiTypes.UUID, description="of one unit"),
            OpenApiParameter("state", OpenApiTypes.STR, description="in one state"),
        ],
    ),
    retrieve=extend_schema(
        summary="One confirmatory typing, locus by locus", responses=ConfirmatoryTypingDetailSerializer
    ),
)
class ConfirmatoryTypingViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ConfirmatoryTyping]
):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = ConfirmatoryTypingSerializer
    permission_classes = [has_permission(Permission.TYPING_VIEW)]
    queryset = ConfirmatoryTyping.objects.none()

    def get_serializer_class(self) -> type[ConfirmatoryTypingSerializer]:
        return ConfirmatoryTypingSerializer if self.action == "list" else ConfirmatoryTypingDetailSerializer

    def get_queryset(self) -> ConfirmatoryTypingQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return ConfirmatoryTyping.objects.none()
        asked = ConfirmatoryTypingQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: ConfirmatoryTypingQuerySet = ConfirmatoryTyping.objects.visible_to(person_of(self.request))
        return rows.filter(**asked.validated_data).with_names().order_by("-asked_at", "pk")

    @extend_schema(
        summary="Ask that the unit of a reservation be typed anew",
        request=ConfirmatoryTypingInput,
        responses={201: ConfirmatoryTypingDetailSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given, person = _given(ConfirmatoryTypingInput, request).validated_data, person_of(request)
        if not person.has_permission(Permission.ORDER_ASK):
            self.permission_denied(request)
        rows = Reservation.objects.open_for(person, Permission.TYPING_VIEW, Permission.ORDER_ASK)
        reservation = get_visible_or_404(rows, person, pk=given["reservation"])
        row = services.typing_ask(
            reservation_id=reservation.pk, user=person, note=given["note"], typing_id=given.get("id")
        )
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Take one segment", request=ConfirmatorySampleInput, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def sample(self, request: Request, pk: str | None = None) -> Response:
        values = _given(ConfirmatorySampleInput, request).validated_data
        return self._act(request, pk, services.typing_sample, values)

    @extend_schema(summary="Enter the result", request=ConfirmatoryReportInput, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def report(self, request: Request, pk: str | None = None) -> Response:
        return self._act(
            request, pk, services.typing_report, _given(ConfirmatoryReportInput, request).values()
        )

    @extend_schema(
        summary="Verify it as the second person", request=ConfirmatoryVerifyInput, responses=_DETAIL
    )
    @action(detail=True, methods=["post"])
    def verify(self, request: Request, pk: str | None = None) -> Response:
        values = _given(ConfirmatoryVerifyInput, request).validated_data
        return self._act(request, pk, services.typing_verify, values)

    @extend_schema(
        summary="Take back a result that was entered wrongly",
        request=ConfirmatoryTakeBackInput,
        responses=_DETAIL,
    )
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str | None = None) -> Response:
        values = _given(ConfirmatoryTakeBackInput, request).validated_data
        return self._act(request, pk, services.typing_take_back, values)

    @extend_schema(summary="It is not needed any more", request=ConfirmatoryReasonInput, responses=_DETAIL)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        values = _given(ConfirmatoryReasonInput, request).validated_data
        return self._act(request, pk, services.typing_cancel, values)

    def _act(
        self,
        request: Request,
        pk: str | None,
        service: Callable[..., ConfirmatoryTyping],
        values: dict[str, Any],
    ) -> Response:
        person = person_of(request)
        row = get_visible_or_404(ConfirmatoryTyping, person, pk=pk)
        found = service(typing_id=row.pk, user=person, **values)
        return Response(self.get_serializer(found).data)


def register(router: SimpleRouter) -> None:
    router.register("confirmatory-typings", ConfirmatoryTypingViewSet, basename="confirmatory-typing")
