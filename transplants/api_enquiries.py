"""API of enquiries: what the pages do, but for files, which come and go through pages."""

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
from transplants import services_enquiries as services
from transplants.choices_enquiries import (
    LONGEST_MESSAGE,
    LONGEST_SUBJECT,
    DeclineReason,
    EnquiryKind,
    EnquiryState,
)
from transplants.models_enquiries import Enquiry, EnquiryMessage
from transplants.querysets_enquiries import EnquiryQuerySet
from transplants.services_enquiries import Written

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="it has ended, or the patient is inactive"),
}


class EnquiryQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=EnquiryState.choices, required=False)


class EnquiryTextInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONGEST_MESSAGE)
    id = serializers.UUIDField(required=False, help_text="of the message, yours: sent twice, it is one")

    def written(self) -> Written:
        return Written(self.validated_data["text"], (), self.validated_data.get("id"))


class EnquiryInput(EnquiryTextInput):
    kind = serializers.ChoiceField(choices=EnquiryKind.choices)
    subject = serializers.CharField(max_length=LONGEST_SUBJECT)
    patient = serializers.UUIDField()
    unit = serializers.UUIDField(required=False, allow_null=True)
    enquiry_id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one enquiry")


class EnquiryDeclineInput(EnquiryTextInput):
    cause = serializers.ChoiceField(choices=DeclineReason.choices)


class EnquiryMessageSerializer(serializers.ModelSerializer[EnquiryMessage]):
    class Meta:
        model = EnquiryMessage
        fields = ("id", "side", "text", "written_at")
        read_only_fields = fields


class EnquirySerializer(serializers.ModelSerializer[Enquiry]):
    """One thing that hospital or bank asks of the other."""

    patient_code = serializers.CharField(source="patient.code", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)
    messages = EnquiryMessageSerializer(many=True, read_only=True)

    class Meta:
        model = Enquiry
        fields = (
            "id", "number", "kind", "subject", "patient", "patient_code", "hospital", "hospital_code", "unit",
            "asked_from", "asked_at", "state", "waits_for", "due_on", "declined_for", "ended_at", "messages",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(
        summary="Enquiries, the newest message first",
        parameters=[
            OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient"),
            OpenApiParameter("state", OpenApiTypes.STR, description="in one state"),
        ],
    ),
    retrieve=extend_schema(summary="One enquiry with its messages"),
)
class EnquiryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Enquiry]):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = EnquirySerializer
    permission_classes = [has_permission(Permission.ENQUIRY_VIEW, write=Permission.ENQUIRY_ASK)]
    queryset = Enquiry.objects.none()

    def get_queryset(self) -> EnquiryQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Enquiry.objects.none()
        asked = EnquiryQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: EnquiryQuerySet = Enquiry.objects.visible_to(person_of(self.request))
        rows = rows.filter(**asked.validated_data).with_names().prefetch_related("messages")
        return rows.order_by("-last_at", "pk")

    @extend_schema(
        summary="Ask the other side", request=EnquiryInput, responses={201: EnquirySerializer, **_ERRORS}
    )
    def create(self, request: Request) -> Response:
        given = EnquiryInput(data=request.data)
        given.is_valid(raise_exception=True)
        data, person = given.validated_data, person_of(request)
        patients = Patient.objects.open_for(person, Permission.ENQUIRY_VIEW, Permission.ENQUIRY_ASK)
        patient = get_visible_or_404(patients, person, pk=data["patient"])
        unit = data.get("unit")
        if unit is not None:
            unit = get_visible_or_404(CordBloodUnit.objects.askable(), person, pk=unit).pk
        row = services.enquiry_open(
            patient_id=patient.pk,
            kind=data["kind"],
            subject=data["subject"],
            written=given.written(),
            user=person,
            unit_id=unit,
            enquiry_id=data.get("enquiry_id"),
        )
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Write a message", request=EnquiryTextInput, responses={200: EnquirySerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def reply(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, EnquiryTextInput(data=request.data), services.enquiry_reply)

    @extend_schema(summary="Answer", request=EnquiryTextInput, responses={200: EnquirySerializer, **_ERRORS})
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, EnquiryTextInput(data=request.data), services.enquiry_answer)

    @extend_schema(
        summary="Withdraw", request=EnquiryTextInput, responses={200: EnquirySerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, EnquiryTextInput(data=request.data), services.enquiry_cancel)

    @extend_schema(
        summary="Decline", request=EnquiryDeclineInput, responses={200: EnquirySerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str | None = None) -> Response:
        given = EnquiryDeclineInput(data=request.data)
        return self._act(request, pk, given, services.enquiry_decline, "cause")

    def _act(
        self,
        request: Request,
        pk: str | None,
        given: EnquiryTextInput,
        service: Callable[..., Enquiry],
        *more: str,
    ) -> Response:
        given.is_valid(raise_exception=True)
        person = person_of(request)
        row = get_visible_or_404(Enquiry, person, pk=pk)
        extra = {name: given.validated_data[name] for name in more}
        found = service(enquiry_id=row.pk, written=given.written(), user=person, **extra)
        return Response(self.get_serializer(found).data)


def register(router: SimpleRouter) -> None:
    router.register("enquiries", EnquiryViewSet, basename="enquiry")
