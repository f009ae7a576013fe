"""API of a patient's antibodies: what is known over all sera, each serum, and a new one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.audit import actor_of
from core.roles import Permission
from hospitals import choices, services_antibodies
from hospitals.antibodies import Bead, antibodies_of
from hospitals.data import BeadData, SerumData
from hospitals.models import AntibodyBead, AntibodySerum, Patient


class BeadSerializer(serializers.ModelSerializer[AntibodyBead]):
    specificity = serializers.CharField(source="text", read_only=True)

    class Meta:
        model = AntibodyBead
        fields = ["specificity", "loci", "level", "mfi", "called", "written"]
        read_only_fields = fields


class SerumSerializer(serializers.ModelSerializer[AntibodySerum]):
    """One tested serum. No beads: none were found. A withdrawn one no longer counts."""

    beads = BeadSerializer(many=True, read_only=True)

    class Meta:
        model = AntibodySerum
        fields = [
            "id",
            "sampled_on",
            "tested_on",
            "method",
            "classes",
            "laboratory",
            "note",
            "nomenclature",
            "created_at",
            "withdrawn_at",
            "withdrawn_reason",
            "beads",
        ]
        read_only_fields = fields


class AntibodySerializer(serializers.Serializer[Bead]):
    """One specificity over all sera in force; an MFI is null where there is no number, `unquantified` where a
    report calls it positive without one: it counts as positive whatever other numbers there are."""

    specificity = serializers.CharField(source="text", read_only=True)
    loci = serializers.ListField(child=serializers.CharField(), source="specificity.loci", read_only=True)
    level = serializers.ChoiceField(
        choices.SpecificityLevel.choices, source="specificity.level", read_only=True
    )
    mfi_newest = serializers.IntegerField(allow_null=True, read_only=True)
    mfi_peak = serializers.IntegerField(allow_null=True, read_only=True)
    unquantified_newest = serializers.BooleanField(read_only=True)
    unquantified_peak = serializers.BooleanField(read_only=True)
    sampled_on = serializers.DateField(read_only=True)


class PatientAntibodiesSerializer(serializers.Serializer[Any]):
    """`tested` without `antibodies` means that none were found; not tested means that nothing is known."""

    tested = serializers.BooleanField(read_only=True)
    newest_on = serializers.DateField(read_only=True, allow_null=True)
    antibodies = AntibodySerializer(source="beads", many=True, read_only=True)
    sera = SerumSerializer(many=True, read_only=True)


class BeadInputSerializer(serializers.Serializer[Any]):
    specificity = serializers.CharField(
        max_length=choices.MAX_SPECIFICITY_LENGTH,
        help_text="an allele, an antigen or both chains: A*24:02, A24, DQA1*05:01~DQB1*02:01",
    )
    mfi = serializers.IntegerField(
        min_value=0,
        max_value=choices.MAX_MFI,
        allow_null=True,
        help_text="null only where the report gives no number",
    )
    called = serializers.ChoiceField(
        choices=choices.BeadCall.choices,
        required=False,
        help_text="without a number: positive unless it says negative",
    )


class SerumInputSerializer(serializers.Serializer[Any]):
    """A tested serum: its `beads`, or `none_found`. A specificity given twice keeps its highest MFI.

    `id` is yours: sent again with the same serum it is saved once.
    """

    id = serializers.UUIDField(required=False)
    sampled_on = serializers.DateField()
    tested_on = serializers.DateField(required=False, allow_null=True)
    method = serializers.ChoiceField(choices=choices.AntibodyMethod.choices)
    classes = serializers.ChoiceField(
        choices=choices.SerumClasses.choices,
        required=False,
        help_text="tested HLA classes; left out: those of the beads; needed with `none_found`",
    )
    laboratory = serializers.CharField(required=False, allow_blank=True, max_length=120)
    note = serializers.CharField(required=False, allow_blank=True, max_length=400)
    beads = BeadInputSerializer(many=True, required=False)
    none_found = serializers.BooleanField(required=False)

    def validate_beads(self, beads: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(beads) > choices.MAX_BEADS:
            text = _("A serum may have at most %(limit)s specificities.")
            raise serializers.ValidationError(text % {"limit": choices.MAX_BEADS})
        return beads


class PatientAntibodiesViewSet(viewsets.ViewSet):
    permission_classes = [has_permission(Permission.PATIENT_VIEW, write=Permission.PATIENT_EDIT)]

    @extend_schema(
        summary="Antibodies of a patient",
        responses=forced_singular_serializer(PatientAntibodiesSerializer),  # type: ignore[no-untyped-call]
    )
    def list(self, request: Request, pk: Any) -> Response:
        patient = get_visible_or_404(Patient, person_of(request), pk=pk)
        known = antibodies_of(patient)
        sera = patient.sera.prefetch_related("beads")
        content = {
            "tested": known.tested,
            "newest_on": known.newest_on,
            "beads": known.beads,
            "sera": sera,
        }
        return Response(PatientAntibodiesSerializer(content).data)

    @extend_schema(
        summary="Enter a tested serum",
        request=SerumInputSerializer,
        responses={
            201: SerumSerializer,
            400: OpenApiResponse(
                description="some fields or beads cannot be taken; `details` name each bead"
            ),
            404: OpenApiResponse(description="no such patient, or another hospital's"),
            409: OpenApiResponse(
                description="the patient is inactive, or `id` is taken (`serum_exists`: as sent)"
            ),
        },
    )
    def create(self, request: Request, pk: Any) -> Response:
        rows = Patient.objects.open_for(person_of(request), Permission.PATIENT_EDIT)
        patient = get_visible_or_404(rows, person_of(request), pk=pk)
        given = SerumInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        serum_id = given.validated_data.pop("id", None)
        serum = services_antibodies.serum_record(
            patient_id=patient.pk,
            serum=_serum(given.validated_data),
            serum_id=serum_id,
            by=actor_of(request),
        )
        return Response(SerumSerializer(serum).data, status=status.HTTP_201_CREATED)


def register(router: SimpleRouter) -> None:
    prefix = r"patients/(?P<pk>[0-9a-f-]{36})/antibodies"
    router.register(prefix, PatientAntibodiesViewSet, basename="patient-antibodies")


def _serum(given: dict[str, Any]) -> SerumData:
    beads = tuple(
        BeadData(written=bead["specificity"], mfi=bead["mfi"], called=bead.get("called", ""))
        for bead in given.pop("beads", ())
    )
    return SerumData(**given, beads=beads)
