"""API of shortlists and notes: what the page of a patient's shortlist does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import get_visible_or_404, has_permission, person_of
from core.audit import actor_of
from core.roles import Permission
from hospitals.models import Patient
from matching import services
from matching.api_new_units import UnitBrief
from matching.choices import LONGEST_NOTE, MOST_SHORTLISTED
from matching.models import GraftNote, SearchRun, ShortlistEntry
from matching.querysets_shortlist import GraftNoteQuerySet, ShortlistEntryQuerySet

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or the shortlist is full"),
}
_PATIENT = OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient")


class PatientQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)


class EntryInput(serializers.Serializer[Any]):
    run = serializers.UUIDField(help_text="the search in whose list the unit stands")
    unit = serializers.UUIDField()


class PlaceInput(serializers.Serializer[Any]):
    place = serializers.IntegerField(
        min_value=1,
        max_value=MOST_SHORTLISTED,
        allow_null=True,
        help_text="1 first choice, 2 second, above that backups; null undecided",
    )


class ReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=400)


class NoteInput(serializers.Serializer[Any]):
    patient = serializers.UUIDField()
    unit = serializers.UUIDField(required=False, allow_null=True, help_text="one that is or was shortlisted")
    text = serializers.CharField(max_length=LONGEST_NOTE)
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one note")


class EntrySerializer(serializers.ModelSerializer[ShortlistEntry]):
    """A unit on the shortlist of a patient, or one that was on it."""

    unit = UnitBrief()

    class Meta:
        model = ShortlistEntry
        fields = (
            "id", "patient", "unit", "run", "state", "place", "added_by", "added_at", "removed_by", "removed_at",
            "remove_reason",
        )  # fmt: skip
        read_only_fields = fields


class NoteSerializer(serializers.ModelSerializer[GraftNote]):
    class Meta:
        model = GraftNote
        fields = (
            "id", "patient", "unit", "text", "written_by", "written_at", "struck_by", "struck_at", "strike_reason",
        )  # fmt: skip
        read_only_fields = fields


def _asked(request: Request) -> dict[str, Any]:
    asked = PatientQuery(data=request.query_params)
    asked.is_valid(raise_exception=True)
    found: dict[str, Any] = asked.validated_data
    return found


def _given(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    found: dict[str, Any] = given.validated_data
    return found


@extend_schema_view(
    list=extend_schema(summary="Shortlisted units, by patient and choice", parameters=[_PATIENT])
)
class ShortlistViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[ShortlistEntry]):
    """Units picked for patients; of the own hospitals, for bank staff of all."""

    serializer_class = EntrySerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW, write=Permission.GRAFT_CHOOSE)]
    queryset = ShortlistEntry.objects.none()

    def get_queryset(self) -> ShortlistEntryQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return ShortlistEntry.objects.none()
        rows: ShortlistEntryQuerySet = ShortlistEntry.objects.visible_to(person_of(self.request))
        rows = rows.filter(**_asked(self.request)).active().with_names()
        return rows.in_order("patient")

    @extend_schema(
        summary="Pick a unit of a match list", request=EntryInput, responses={201: EntrySerializer, **_ERRORS}
    )
    def create(self, request: Request) -> Response:
        given = _given(EntryInput, request)
        person = person_of(request)
        rows = SearchRun.objects.select_related("request").open_for(person, Permission.GRAFT_CHOOSE)
        run = get_visible_or_404(rows, person, pk=given["run"])
        entry = services.shortlist_add(run=run, unit_id=given["unit"], actor=actor_of(request))
        return Response(self.get_serializer(entry).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Say which choice a unit is", request=PlaceInput, responses={200: EntrySerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def place(self, request: Request, pk: str | None = None) -> Response:
        entry, given = self._entry(request, pk), _given(PlaceInput, request)
        found = services.shortlist_place(entry_id=entry.pk, place=given["place"], actor=actor_of(request))
        return Response(self.get_serializer(found).data)

    @extend_schema(
        summary="Remove a unit, with the reason",
        request=ReasonInput,
        responses={200: EntrySerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str | None = None) -> Response:
        entry, given = self._entry(request, pk), _given(ReasonInput, request)
        found = services.shortlist_remove(entry_id=entry.pk, reason=given["reason"], actor=actor_of(request))
        return Response(self.get_serializer(found).data)

    def _entry(self, request: Request, pk: str | None) -> ShortlistEntry:
        person = person_of(request)
        rows = ShortlistEntry.objects.open_for(person, Permission.GRAFT_CHOOSE)
        found: ShortlistEntry = get_visible_or_404(rows, person, pk=pk)
        return found


@extend_schema_view(list=extend_schema(summary="Notes about grafts, newest first", parameters=[_PATIENT]))
class GraftNoteViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[GraftNote]):
    """Notes of the own hospitals' patients, for bank staff of all. Never edited, struck with a reason."""

    serializer_class = NoteSerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW, write=Permission.GRAFT_CHOOSE)]
    queryset = GraftNote.objects.none()

    def get_queryset(self) -> GraftNoteQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return GraftNote.objects.none()
        rows: GraftNoteQuerySet = GraftNote.objects.visible_to(person_of(self.request))
        return rows.filter(**_asked(self.request)).order_by("-written_at", "pk")

    @extend_schema(
        summary="Write a note, about the patient or one unit",
        request=NoteInput,
        responses={201: NoteSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given, person = _given(NoteInput, request), person_of(request)
        rows = Patient.objects.open_for(person, Permission.REQUEST_VIEW, Permission.GRAFT_CHOOSE)
        patient = get_visible_or_404(rows, person, pk=given["patient"])
        note = services.note_add(
            patient=patient,
            text=given["text"],
            unit_id=given.get("unit"),
            note_id=given.get("id"),
            actor=actor_of(request),
        )
        return Response(NoteSerializer(note).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Strike a note out, with the reason",
        request=ReasonInput,
        responses={200: NoteSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def strike(self, request: Request, pk: str | None = None) -> Response:
        person, given = person_of(request), _given(ReasonInput, request)
        rows = GraftNote.objects.open_for(person, Permission.GRAFT_CHOOSE)
        note = get_visible_or_404(rows, person, pk=pk)
        found = services.note_strike(note_id=note.pk, reason=given["reason"], actor=actor_of(request))
        return Response(NoteSerializer(found).data)
