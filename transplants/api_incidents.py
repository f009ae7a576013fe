"""API of incidents and recalls: read, report, note. What is signed with the password is done by a person on a page."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
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
from hospitals.models import Hospital, Patient
from transplants import services_incidents as services
from transplants.choices_incidents import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    IncidentKind,
    IncidentState,
    Seriousness,
)
from transplants.models import Incident, IncidentNote, IncidentUnit, Order, Recall, RecallUnit
from transplants.querysets_incidents import IncidentQuerySet, RecallQuerySet
from transplants.services_incidents import Report

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="it is closed"),
}


class IncidentQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=IncidentState.choices, required=False)
    kind = serializers.ChoiceField(choices=IncidentKind.choices, required=False)
    patient = serializers.UUIDField(required=False)


class IncidentInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=IncidentKind.choices)
    title = serializers.CharField(max_length=LONGEST_TITLE)
    what = serializers.CharField(max_length=LONGEST_TEXT)
    happened_on = serializers.DateField()
    seriousness = serializers.ChoiceField(choices=Seriousness.choices, default=Seriousness.NOT_SERIOUS)
    hospital = serializers.UUIDField(required=False, allow_null=True)
    patient = serializers.UUIDField(required=False, allow_null=True)
    order = serializers.UUIDField(required=False, allow_null=True)
    units = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=1000)
    incident_id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one incident")


class IncidentNoteInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=LONGEST_TEXT)
    inner = serializers.BooleanField(default=False, help_text="for the bank only")
    id = serializers.UUIDField(required=False, help_text="of the note, yours: sent twice, it is one")


class IncidentNoteSerializer(serializers.ModelSerializer[IncidentNote]):
    written_by = serializers.CharField(source="written_by.full_name", read_only=True)

    class Meta:
        model = IncidentNote
        fields = ("id", "text", "inner", "written_by", "written_at")
        read_only_fields = fields


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    """One thing that went wrong, or may have."""

    units = serializers.SerializerMethodField()

    class Meta:
        model = Incident
        fields = (
            "id", "number", "kind", "state", "title", "what", "seriousness", "imputability", "rapid_alert",
            "hospital", "patient", "order", "units", "happened_on", "due_on", "reported_out_at", "opened_at", "cause",
            "measures", "closed_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_units(self, row: Incident) -> list[str]:
        return [one.unit.public_no for one in row.units.all()]


@extend_schema_view(
    list=extend_schema(
        summary="Incidents, the newest first",
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, description="in one state"),
            OpenApiParameter("kind", OpenApiTypes.STR, description="of one kind"),
            OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient"),
        ],
    ),
    retrieve=extend_schema(summary="One incident"),
)
class IncidentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Incident]):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = IncidentSerializer
    permission_classes = [has_permission(Permission.INCIDENT_VIEW, write=Permission.INCIDENT_REPORT)]
    queryset = Incident.objects.none()

    def get_queryset(self) -> IncidentQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Incident.objects.none()
        asked = IncidentQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return self._rows().filter(**asked.validated_data).order_by("-opened_at", "pk")

    def _rows(self) -> IncidentQuerySet:
        """With the units that the person may see named."""
        person = person_of(self.request)
        units = IncidentUnit.objects.visible_to(person).select_related("unit__bank")
        rows: IncidentQuerySet = Incident.objects.visible_to(person)
        return rows.prefetch_related(Prefetch("units", units))

    @extend_schema(
        summary="Report an incident", request=IncidentInput, responses={201: IncidentSerializer, **_ERRORS}
    )
    def create(self, request: Request) -> Response:
        given = IncidentInput(data=request.data)
        given.is_valid(raise_exception=True)
        data, person = given.validated_data, person_of(request)
        named = {"hospital": Hospital, "patient": Patient, "order": Order}
        keys = {
            f"{name}_id": get_visible_or_404(model, person, pk=data[name]).pk
            for name, model in named.items()
            if data.get(name)
        }
        units = data.get("units", [])
        for key in units:
            get_visible_or_404(CordBloodUnit.objects.with_kept(), person, pk=key)
        report = Report(
            **{name: data[name] for name in ("kind", "title", "what", "happened_on", "seriousness")},
            **keys,
            unit_ids=units,
            incident_id=data.get("incident_id"),
        )
        row = services.incident_report(report=report, user=person)
        shown = self._rows().get(pk=row.pk)
        return Response(self.get_serializer(shown).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Notes of an incident, or a new one",
        methods=["GET"],
        responses={200: IncidentNoteSerializer(many=True)},
    )
    @extend_schema(
        summary="Write a note",
        methods=["POST"],
        request=IncidentNoteInput,
        responses={201: IncidentNoteSerializer(many=True), **_ERRORS},
    )
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def notes(self, request: Request, pk: str | None = None) -> Response:
        person = person_of(request)
        row = get_visible_or_404(Incident, person, pk=pk)
        code: int = status.HTTP_200_OK
        if request.method == "POST":
            given = IncidentNoteInput(data=request.data)
            given.is_valid(raise_exception=True)
            data = given.validated_data
            services.incident_note(
                incident_id=row.pk,
                text=data["text"],
                inner=data["inner"],
                note_id=data.get("id"),
                user=person,
            )
            code = status.HTTP_201_CREATED
        found = IncidentNote.objects.visible_to(person).filter(incident=row).select_related("written_by")
        return Response(IncidentNoteSerializer(found, many=True).data, status=code)


class RecallUnitSerializer(serializers.ModelSerializer[RecallUnit]):
    number = serializers.CharField(source="unit.public_no", read_only=True)
    status = serializers.CharField(source="unit.status", read_only=True)

    class Meta:
        model = RecallUnit
        fields = ("unit", "number", "status_then", "status", "freed_at")
        read_only_fields = fields


class RecallSerializer(serializers.ModelSerializer[Recall]):
    """One recall: of units, or of all on which a lot was used."""

    incident_number = serializers.CharField(source="incident.number", read_only=True)
    units = serializers.IntegerField(source="unit_count", read_only=True)
    held = serializers.IntegerField(source="held_count", read_only=True)

    class Meta:
        model = Recall
        fields = (
            "id", "number", "incident", "incident_number", "lot", "reason", "started_at", "lifted_at", "lift_reason",
            "units", "held",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Recalls, the newest first"), retrieve=extend_schema(summary="One recall")
)
class RecallViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Recall]):
    """Of the bank. A recall is signed with the password: it is started and lifted on its page."""

    serializer_class = RecallSerializer
    permission_classes = [has_permission(Permission.RECALL_VIEW)]
    queryset = Recall.objects.none()

    def get_queryset(self) -> RecallQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Recall.objects.none()
        rows: RecallQuerySet = Recall.objects.visible_to(person_of(self.request))
        return rows.with_names().with_unit_counts().order_by("-started_at", "pk")

    @extend_schema(summary="Units of a recall", responses={200: RecallUnitSerializer(many=True)})
    @action(detail=True)
    def units(self, request: Request, pk: str | None = None) -> Response:
        row = get_visible_or_404(Recall, person_of(request), pk=pk)
        rows = row.units.select_related("unit__bank").order_by("unit__unit_no", "pk")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(RecallUnitSerializer(page, many=True).data)


def register(router: SimpleRouter) -> None:
    router.register("incidents", IncidentViewSet, basename="incident")
    router.register("recalls", RecallViewSet, basename="recall")
