"""API of reservations: what the pages do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from bank.models import CordBloodUnit
from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from hospitals.models import Patient
from transplants import (
    api_enquiries,
    api_fees,
    api_figures,
    api_follow_up,
    api_grafts,
    api_incidents,
    api_orders,
    api_papers,
    api_shipments,
    api_typings,
    services,
)
from transplants.choices import Purpose, ReservationState
from transplants.models import Reservation
from transplants.querysets import ReservationQuerySet
from transplants.services import Wish
from transplants.writing import LONGEST_REASON

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it: reserved for another, ended, too many"),
}


class ReservationQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=ReservationState.choices, required=False)


class ReservationInput(serializers.Serializer[Any]):
    unit = serializers.UUIDField()
    patient = serializers.UUIDField()
    purpose = serializers.ChoiceField(choices=Purpose.choices, default=Purpose.GRAFT)
    note = serializers.CharField(max_length=400, allow_blank=True, default="")
    request = serializers.UUIDField(required=False, allow_null=True, help_text="the match request it is for")
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one wish")


class ReservationReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST_REASON)


class ReservationUntilInput(serializers.Serializer[Any]):
    until = serializers.DateField(
        required=False,
        allow_null=True,
        help_text="the last day; by the rules of the bank where it is missing",
    )


class ReservationConfirmInput(ReservationUntilInput):
    reason = serializers.CharField(
        max_length=LONGEST_REASON,
        required=False,
        help_text="why this patient goes first, if others asked before",
    )
    earlier = serializers.BooleanField(
        default=False, help_text="the promise with which the unit came into the system was for this patient"
    )


class ReservationExtendInput(ReservationUntilInput, ReservationReasonInput):
    """until: of the bank only."""


class ReservationSerializer(serializers.ModelSerializer[Reservation]):
    """A wish that a unit be kept for a patient, and what came of it."""

    unit_no = serializers.CharField(source="unit.public_no", read_only=True)
    patient_code = serializers.CharField(source="patient.code", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)

    class Meta:
        model = Reservation
        fields = (
            "id", "number", "unit", "unit_no", "patient", "patient_code", "hospital", "hospital_code", "request",
            "purpose", "state", "note", "asked_at", "confirmed_at", "until", "extensions", "ended_at", "end_cause",
            "end_reason",
        )  # fmt: skip
        read_only_fields = fields


def _given(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    found: dict[str, Any] = given.validated_data
    return found


@extend_schema_view(
    list=extend_schema(
        summary="Reservations, newest first",
        parameters=[
            OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient"),
            OpenApiParameter("state", OpenApiTypes.STR, description="in one state"),
        ],
    ),
    retrieve=extend_schema(summary="One reservation"),
)
class ReservationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Reservation]
):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = ReservationSerializer
    permission_classes = [has_permission(Permission.RESERVATION_VIEW)]
    queryset = Reservation.objects.none()

    def get_queryset(self) -> ReservationQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Reservation.objects.none()
        asked = ReservationQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: ReservationQuerySet = Reservation.objects.visible_to(person_of(self.request))
        return rows.filter(**asked.validated_data).with_names().order_by("-asked_at", "pk")

    @extend_schema(
        summary="Ask for a unit for a patient",
        request=ReservationInput,
        responses={201: ReservationSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given, person = _given(ReservationInput, request), person_of(request)
        if not person.has_permission(Permission.RESERVATION_ASK):
            self.permission_denied(request)
        patients = Patient.objects.open_for(person, Permission.RESERVATION_VIEW, Permission.RESERVATION_ASK)
        patient = get_visible_or_404(patients, person, pk=given["patient"])
        unit = get_visible_or_404(CordBloodUnit.objects.askable(), person, pk=given["unit"])
        wish = Wish(
            unit_id=unit.pk,
            patient_id=patient.pk,
            purpose=given["purpose"],
            note=given["note"],
            request_id=given.get("request"),
            reservation_id=given.get("id"),
        )
        row = services.reservation_ask(wish=wish, user=person)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="The bank keeps it",
        request=ReservationConfirmInput,
        responses={200: ReservationSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, ReservationConfirmInput, services.reservation_confirm)

    @extend_schema(
        summary="The bank does not keep it",
        request=ReservationReasonInput,
        responses={200: ReservationSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, ReservationReasonInput, services.reservation_decline)

    @extend_schema(
        summary="Keep it longer",
        request=ReservationExtendInput,
        responses={200: ReservationSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, ReservationExtendInput, services.reservation_extend)

    @extend_schema(
        summary="Let go of it",
        request=ReservationReasonInput,
        responses={200: ReservationSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, ReservationReasonInput, services.reservation_cancel)

    def _act(
        self,
        request: Request,
        pk: str | None,
        given: type[serializers.Serializer[Any]],
        service: Callable[..., Reservation],
    ) -> Response:
        person = person_of(request)
        row = get_visible_or_404(Reservation, person, pk=pk)
        found = service(reservation_id=row.pk, user=person, **_given(given, request))
        return Response(self.get_serializer(found).data)


def register(router: SimpleRouter) -> None:
    for part in (
        api_enquiries,
        api_typings,
        api_orders,
        api_shipments,
        api_grafts,
        api_follow_up,
        api_incidents,
        api_fees,
        api_figures,
        api_papers,
    ):
        part.register(router)
    router.register("reservations", ReservationViewSet, basename="reservation")
