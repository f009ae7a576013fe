"""API of a patient's second sample: its typing, compared with the one in force."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.audit import actor_of
from core.roles import Permission
from hospitals import services_confirmation
from hospitals.api_fields import ConfirmationSerializer, TypingInputSerializer, typing_of
from hospitals.confirmation import typing_confirmation
from hospitals.duplicates import MOST_ALIKE
from hospitals.models import Patient
from hospitals.services_confirmation import sample_of
from hospitals.typing_rows import MAX_SAMPLE_LENGTH


class SampleSerializer(serializers.Serializer[Any]):
    sampled_on = serializers.DateField(required=False, allow_null=True)
    sample = serializers.CharField(required=False, allow_blank=True, max_length=MAX_SAMPLE_LENGTH)


class SecondTypingSerializer(serializers.Serializer[Any]):
    """The typing of another sample; `first`: the sample of the typing in force, where it is not stated yet."""

    typing = TypingInputSerializer()
    first = SampleSerializer(required=False, allow_null=True)
    confirmed = serializers.ListField(
        required=False,
        child=serializers.CharField(max_length=60),
        max_length=MOST_ALIKE,
        help_text="codes of the typing conflicts that a person looked at, from `details` of an answer 409",
    )


class PatientConfirmationViewSet(viewsets.ViewSet):
    permission_classes = [has_permission(Permission.PATIENT_VIEW, write=Permission.PATIENT_EDIT)]

    @extend_schema(
        summary="Enter the typing of a second sample",
        request=SecondTypingSerializer,
        responses={
            201: ConfirmationSerializer,
            400: OpenApiResponse(description="the typing or a sample cannot be taken as it is"),
            404: OpenApiResponse(description="no such patient, or another hospital's"),
            409: OpenApiResponse(
                description="the patient is inactive or not typed, or doubts are unconfirmed"
            ),
        },
    )
    def create(self, request: Request, pk: Any) -> Response:
        rows = Patient.objects.open_for(person_of(request), Permission.PATIENT_EDIT)
        patient = get_visible_or_404(rows, person_of(request), pk=pk)
        given = SecondTypingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        services_confirmation.patient_typing_confirm(
            patient_id=patient.pk,
            typing=typing_of(values["typing"]),
            first=sample_of(values.get("first") or {}),
            confirmed=frozenset(values.get("confirmed", ())),
            by=actor_of(request),
        )
        found = ConfirmationSerializer(typing_confirmation(patient)).data
        return Response(found, status=status.HTTP_201_CREATED)


def register(router: SimpleRouter) -> None:
    prefix = r"patients/(?P<pk>[0-9a-f-]{36})/second-samples"
    router.register(prefix, PatientConfirmationViewSet, basename="patient-second-samples")
