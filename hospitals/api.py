"""API of hospitals and patients: explicit serializers, services for every write."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.audit import actor_of
from core.hla_messages import stored_note_text
from core.populations import HELP, MAX_INPUT
from core.roles import Permission
from hla.loci import LOCI
from hospitals import api_antibodies, api_typings, choices, services
from hospitals.api_fields import ConfirmationSerializer, TypingInputSerializer, typing_of
from hospitals.confirmation import typing_confirmation
from hospitals.data import PatientData, WeightData
from hospitals.duplicates import MOST_ALIKE
from hospitals.models import Department, Hospital, Patient, PatientEnzymeLevel, PatientHlaTyping
from hospitals.querysets import HospitalQuerySet, PatientQuerySet


class DepartmentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Department
        fields = ["id", "name", "name_zh", "active", "shipping_contact", "shipping_phone"]
        read_only_fields = fields


class HospitalSerializer(serializers.ModelSerializer):
    departments = DepartmentSerializer(many=True, read_only=True)

    class Meta:
        model = Hospital
        fields = [
            *("id", "code", "name", "name_zh", "city", "province", "country", "active", "qualification_no"),
            *("qualification_authority", "qualified_from", "qualified_until", "time_zone", "departments"),
        ]
        read_only_fields = fields


class TypingSerializer(serializers.Serializer):
    """The typing in force, as the parser of `release` read it."""

    gl = serializers.CharField(source="canonical_gl", read_only=True)
    loci = serializers.DictField(
        source="canonical", child=serializers.ListField(child=serializers.CharField()), read_only=True
    )
    release = serializers.CharField(source="nomenclature", read_only=True)
    blank_rule = serializers.CharField(read_only=True)
    source = serializers.CharField(read_only=True)  # type: ignore[assignment]  # a field of this name
    typed_on = serializers.DateField(read_only=True)
    sampled_on = serializers.DateField(read_only=True)
    sample = serializers.CharField(read_only=True)
    conflicts = serializers.SerializerMethodField(help_text="loci whose serology the DNA typing excludes")

    def get_conflicts(self, typing: PatientHlaTyping) -> list[dict[str, str]]:
        return [
            {"locus": locus, "text": stored_note_text("typing_conflict", params)}
            for locus, params in typing.conflicts
        ]


class PatientSerializer(serializers.ModelSerializer):
    hospital = serializers.UUIDField(source="hospital_id", read_only=True)
    typing = TypingSerializer(source="current_typing", read_only=True, allow_null=True)

    class Meta:
        model = Patient
        fields = [
            "id",
            "code",
            "hospital",
            "state",
            "sex",
            "birth_date",
            "weight_kg",
            "abo",
            "rh",
            "cmv",
            "populations",
            "diagnosis",
            "diagnosis_text",
            "icd10",
            "stage",
            "urgency",
            "symptomatic",
            "inactive_reason",
            "ended_on",
            "merged_into",
            "typing",
            "typing_discrepancy",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    icd10 = serializers.CharField(read_only=True)
    symptomatic = serializers.BooleanField(
        source="is_symptomatic",
        read_only=True,
        allow_null=True,
        help_text="of an inherited metabolic disorder; null where it is not stated or not asked",
    )
    merged_into = serializers.UUIDField(
        source="merged_into_id",
        read_only=True,
        allow_null=True,
        help_text="the record that is kept of the same person",
    )


class EnzymeSerializer(serializers.ModelSerializer):
    class Meta:
        model = PatientEnzymeLevel
        fields = ["enzyme", "value", "unit", "lower_limit", "measured_on"]
        read_only_fields = fields


class PatientDetailSerializer(PatientSerializer):
    """One patient, with what is asked only of one."""

    class Meta(PatientSerializer.Meta):
        fields = [*PatientSerializer.Meta.fields, "confirmation", "enzyme_levels"]
        read_only_fields = fields

    confirmation = serializers.SerializerMethodField()
    enzyme_levels = EnzymeSerializer(many=True, read_only=True)

    @extend_schema_field(ConfirmationSerializer)
    def get_confirmation(self, patient: Patient) -> dict[str, Any]:
        return dict(ConfirmationSerializer(typing_confirmation(patient)).data)


class PatientInputSerializer(serializers.Serializer):
    """A new patient. The code is given by Qidai; identities are entered in the browser only."""

    hospital = serializers.UUIDField()
    sex = serializers.ChoiceField(choices=choices.Sex.choices)
    birth_date = serializers.DateField()
    weight_kg = serializers.DecimalField(max_digits=7, decimal_places=2, required=False, allow_null=True)
    measured_on = serializers.DateField(required=False, allow_null=True)
    abo = serializers.ChoiceField(choices=choices.Abo.choices, required=False, allow_blank=True)
    rh = serializers.ChoiceField(choices=choices.Rh.choices, required=False, allow_blank=True)
    cmv = serializers.ChoiceField(choices=choices.Cmv.choices, required=False, allow_blank=True)
    populations = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_INPUT, help_text=HELP
    )
    diagnosis = serializers.ChoiceField(choices=choices.DIAGNOSIS_CHOICES, required=False, allow_blank=True)
    diagnosis_text = serializers.CharField(required=False, allow_blank=True, max_length=200)
    stage = serializers.ChoiceField(choices=choices.Stage.choices, required=False, allow_blank=True)
    urgency = serializers.ChoiceField(choices=choices.Urgency.choices, required=False)
    typing = TypingInputSerializer(required=False, allow_null=True)
    confirmed = serializers.ListField(
        required=False,
        child=serializers.CharField(max_length=60),
        max_length=len(LOCI) + MOST_ALIKE,
        help_text="codes of the doubts that a person looked at, from `details` of an answer 409",
    )


@extend_schema_view(list=extend_schema(summary="Hospitals"), retrieve=extend_schema(summary="One hospital"))
class HospitalViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    serializer_class = HospitalSerializer
    permission_classes = [has_permission(Permission.HOSPITAL_VIEW)]
    queryset = Hospital.objects.none()

    def get_queryset(self) -> HospitalQuerySet:
        rows = Hospital.objects.visible_to(person_of(self.request))
        return rows.prefetch_related("departments").order_by("code")


_CONFLICT = (
    "the hospital is not active; or the DNA typing excludes the antigens reported beside it (code"
    " `typing_conflict_unconfirmed`, `details` name each conflict with code and text): nothing was saved, send the"
    " same again with these codes in `confirmed` once a person has looked at them; so for other patients of the"
    " hospital that may be the same person (code `possible_duplicate_unconfirmed`)"
)


@extend_schema_view(
    list=extend_schema(
        summary="Patients",
        parameters=[
            OpenApiParameter("state", str, enum=choices.PatientState.values),
            OpenApiParameter("q", str, description="a patient code or a part of one"),
        ],
    ),
    retrieve=extend_schema(summary="One patient with the typing in force"),
)
class PatientViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    serializer_class = PatientSerializer
    permission_classes = [has_permission(Permission.PATIENT_VIEW, write=Permission.PATIENT_EDIT)]
    queryset = Patient.objects.none()

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return PatientDetailSerializer if self.action == "retrieve" else PatientSerializer

    def get_queryset(self) -> PatientQuerySet:
        rows = (
            Patient.objects.visible_to(person_of(self.request))
            .with_current_typing()
            .order_by("-updated_at", "pk")
        )
        state, text = self.request.query_params.get("state"), self.request.query_params.get("q", "")
        if state in choices.PatientState.values:
            rows = rows.filter(state=state)
        return rows.matching(text) if text and "\0" not in text else rows

    @extend_schema(
        summary="Enter a patient",
        request=PatientInputSerializer,
        responses={
            201: PatientSerializer,
            400: OpenApiResponse(description="some fields cannot be taken as they are"),
            404: OpenApiResponse(description="no such hospital, or another's"),
            409: OpenApiResponse(description=_CONFLICT),
        },
    )
    def create(self, request: Request) -> Response:
        given = PatientInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        patient = _create(request, given.validated_data)
        return Response(PatientSerializer(patient).data, status=status.HTTP_201_CREATED)


def _create(request: Request, given: dict[str, Any]) -> Patient:
    rows = Hospital.objects.open_for(person_of(request), Permission.PATIENT_VIEW, Permission.PATIENT_EDIT)
    hospital = get_visible_or_404(rows, person_of(request), pk=given["hospital"])
    names = PatientData.__dataclass_fields__
    return services.patient_create(
        hospital_id=hospital.pk,
        data=PatientData(**{name: given[name] for name in names if name in given}),
        weight=_weight(given),
        typing=typing_of(given["typing"]) if given.get("typing") else None,
        confirmed=frozenset(given.get("confirmed", ())),
        by=actor_of(request),
    )


def _weight(given: dict[str, Any]) -> WeightData | None:
    if given.get("weight_kg") is None:
        return None
    return WeightData(
        weight_kg=given["weight_kg"], measured_on=given.get("measured_on") or timezone.localdate()
    )


def register(router: SimpleRouter) -> None:
    router.register("hospitals", HospitalViewSet, basename="hospital")
    router.register("patients", PatientViewSet, basename="patient")
    api_antibodies.register(router)
    api_typings.register(router)
