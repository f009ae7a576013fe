"""API of follow-up: forms (draft, hand in, correct), blood counts, facts of a transplant, what is due."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from transplants import services_counts, services_facts
from transplants import services_follow_up as services
from transplants.choices_outcomes import Cause, CountSource
from transplants.findings import ACUTE_ANSWERS, ACUTE_NUMBERS, CHRONIC_SCORES, FEV1
from transplants.models import BloodCount, FollowUp, Outcome, Transplant
from transplants.outcomes.answers import ANSWERS
from transplants.outcomes.engraftment import Count
from transplants.outcomes.schedule import VISIT
from transplants.querysets_outcomes import FollowUpQuerySet, OutcomeQuerySet
from transplants.services_counts import Given
from transplants.services_facts import FACTS
from transplants.writing import LONGEST_REASON

_VIEW, _EDIT = Permission.TRANSPLANT_VIEW, Permission.FOLLOW_UP_EDIT
_ERRORS = {
    400: OpenApiResponse(description="it cannot be so: each finding with field and reason in `details`"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="somebody was quicker: look at what is there now"),
}
_VISITS = [(code, code) for code in VISIT]


class AcuteFindings(serializers.Serializer[Any]):
    """At their worst, as measured. What nobody looked at is left out."""

    skin_percent = serializers.DecimalField(max_digits=5, decimal_places=2, required=False)
    bullae = serializers.ChoiceField(choices=ACUTE_ANSWERS["bullae"], required=False)
    bilirubin = serializers.DecimalField(max_digits=6, decimal_places=2, required=False)
    bilirubin_unit = serializers.ChoiceField(choices=ACUTE_ANSWERS["bilirubin_unit"], required=False)
    stool_ml = serializers.DecimalField(max_digits=7, decimal_places=1, required=False)
    stool_episodes = serializers.IntegerField(
        min_value=0, max_value=ACUTE_NUMBERS["stool_episodes"][1], required=False
    )
    gut_severe = serializers.ChoiceField(choices=ACUTE_ANSWERS["gut_severe"], required=False)
    upper_gut = serializers.ChoiceField(choices=ACUTE_ANSWERS["upper_gut"], required=False)


class ChronicFindings(serializers.Serializer[Any]):
    """NIH scores 0 to 3 by site at their worst; of the lung FEV1 in per cent of the predicted value."""

    fev1_percent = serializers.DecimalField(
        max_digits=4, decimal_places=1, min_value=FEV1[0], max_value=FEV1[1], required=False
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        scores = {
            name: serializers.IntegerField(min_value=0, max_value=3, required=False)
            for name in CHRONIC_SCORES
            if name != "lung"
        }
        return {**super().get_fields(), **scores}


class FollowUpInput(serializers.ModelSerializer[FollowUp]):
    """Answers of a form; what is left out is missing, which is not "no"."""

    seen = serializers.CharField(
        max_length=80, allow_blank=True, default="", help_text="`stamp` of the form that you read, or empty"
    )
    acute_organs = AcuteFindings(required=False)
    chronic_sites = ChronicFindings(required=False)
    contributing = serializers.ListField(child=serializers.ChoiceField(choices=Cause.choices), required=False)

    class Meta:
        model = FollowUp
        fields = ("seen", *ANSWERS)
        extra_kwargs = {name: {"required": False} for name in ANSWERS}


class DraftInput(FollowUpInput):
    transplant = serializers.UUIDField()
    visit = serializers.ChoiceField(choices=_VISITS)
    hand_in = serializers.BooleanField(default=False, help_text="hand it in; else it is kept as a draft")

    class Meta(FollowUpInput.Meta):
        fields = ("transplant", "visit", "hand_in", *FollowUpInput.Meta.fields)


class CorrectionInput(FollowUpInput):
    reason = serializers.CharField(max_length=LONGEST_REASON)

    class Meta(FollowUpInput.Meta):
        fields = ("reason", *FollowUpInput.Meta.fields)


class FollowUpSerializer(serializers.ModelSerializer[FollowUp]):
    """One version of a form. acute_grade, chronic_severity: derived from the findings."""

    transplant_number = serializers.CharField(source="transplant.number", read_only=True)
    patient_code = serializers.CharField(source="transplant.who", read_only=True)
    stamp = serializers.SerializerMethodField(help_text="give it back as `seen`")
    acute_organs = AcuteFindings(read_only=True)
    chronic_sites = ChronicFindings(read_only=True)
    contributing = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = FollowUp
        fields = (
            "id", "transplant", "transplant_number", "patient_code", "visit", "version", "state", "stamp", *ANSWERS,
            "acute_grade", "chronic_severity", "correction_reason", "handed_in_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_stamp(self, row: FollowUp) -> str:
        return services.stamp(row)


class FollowUpQuery(serializers.Serializer[Any]):
    transplant = serializers.UUIDField(required=False)
    visit = serializers.ChoiceField(choices=_VISITS, required=False)


def _given(serializer: type[serializers.BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    found: dict[str, Any] = dict(given.validated_data)
    return found


def _answers(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ANSWERS if name in given}


@extend_schema_view(
    list=extend_schema(
        summary="Forms of follow-up, all versions, newest first",
        parameters=[
            OpenApiParameter("transplant", OpenApiTypes.UUID, description="of one transplant"),
            OpenApiParameter("visit", OpenApiTypes.STR, description="d100, m6, y1, …", enum=list(VISIT)),
        ],
    ),
    retrieve=extend_schema(summary="One version of a form"),
)
class FollowUpViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[FollowUp]):
    """Of the own hospitals, for bank staff of all; the hospital of a transplant writes."""

    serializer_class = FollowUpSerializer
    permission_classes = [has_permission(_VIEW, write=_EDIT)]
    queryset = FollowUp.objects.none()

    def get_queryset(self) -> FollowUpQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return FollowUp.objects.none()
        asked = FollowUpQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: FollowUpQuerySet = FollowUp.objects.visible_to(person_of(self.request)).with_names()
        return rows.filter(**asked.validated_data).order_by("-updated_at", "pk")

    @extend_schema(
        summary="Keep a draft of a form, or hand it in",
        request=DraftInput,
        responses={200: FollowUpSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given, person = _given(DraftInput, request), person_of(request)
        row = transplant_of(request, given["transplant"])
        service = services.follow_up_hand_in if given["hand_in"] else services.follow_up_save
        form = service(
            transplant_id=row.pk,
            visit=given["visit"],
            answers=_answers(given),
            seen=given["seen"],
            user=person,
        )
        return Response(self.get_serializer(form).data)

    @extend_schema(
        summary="Correct a form that was handed in",
        request=CorrectionInput,
        responses={200: FollowUpSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def correct(self, request: Request, pk: str | None = None) -> Response:
        person = person_of(request)
        row = get_visible_or_404(FollowUp.objects.open_for(person, _EDIT), person, pk=pk)
        given = _given(CorrectionInput, request)
        form = services.follow_up_correct(
            follow_up_id=row.pk,
            answers=_answers(given),
            reason=given["reason"],
            seen=given["seen"],
            user=person,
        )
        return Response(self.get_serializer(form).data)


def transplant_of(request: Request, key: Any) -> Transplant:
    """Of a hospital for which this person fills in forms; another one's is 404."""
    person = person_of(request)
    found: Transplant = get_visible_or_404(Transplant.objects.open_for(person, _EDIT), person, pk=key)
    return found


# --- what is due ----------------------------------------------------------------------------------


class DueSerializer(serializers.ModelSerializer[Outcome]):
    """A transplant of which a form is missing; due_visit: the first one, a later one tells the same and more."""

    transplant = serializers.UUIDField(source="pk", read_only=True)
    transplant_number = serializers.CharField(source="transplant.number", read_only=True)
    patient_code = serializers.CharField(source="transplant.who", read_only=True)
    hospital_code = serializers.CharField(source="transplant.hospital.code", read_only=True)
    is_overdue = serializers.SerializerMethodField()

    class Meta:
        model = Outcome
        fields = (
            "transplant", "transplant_number", "patient_code", "hospital_code", "due_visit", "due_from", "due_until",
            "is_overdue", "days_followed", "is_dead",
        )  # fmt: skip
        read_only_fields = fields

    def get_is_overdue(self, row: Outcome) -> bool:
        return row.due_until is not None and row.due_until < timezone.localdate()


@extend_schema_view(list=extend_schema(summary="Forms that are due or overdue, the longest first"))
class DueFormViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Outcome]):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = DueSerializer
    permission_classes = [has_permission(_VIEW)]
    queryset = Outcome.objects.none()

    def get_queryset(self) -> OutcomeQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Outcome.objects.none()
        rows: OutcomeQuerySet = Outcome.objects.visible_to(person_of(self.request))
        return rows.asked(timezone.localdate()).with_names().order_by("due_until", "pk")


# --- counts ---------------------------------------------------------------------------------------


class BloodCountSerializer(serializers.ModelSerializer[BloodCount]):
    """One day of one transplant. null: not measured."""

    class Meta:
        model = BloodCount
        fields = (
            "transplant",
            "counted_on",
            "anc_e9_per_l",
            "platelets_e9_per_l",
            "transfused",
            "entered_at",
        )
        read_only_fields = fields


class DayInput(serializers.Serializer[Any]):
    counted_on = serializers.DateField()
    anc_e9_per_l = serializers.DecimalField(max_digits=9, decimal_places=3, required=False, allow_null=True)
    platelets_e9_per_l = serializers.DecimalField(
        max_digits=9, decimal_places=1, required=False, allow_null=True
    )
    transfused = serializers.BooleanField(default=False, help_text="platelets, on that day")


class CountsInput(serializers.Serializer[Any]):
    transplant = serializers.UUIDField()
    days = DayInput(many=True, required=False)
    remove = serializers.ListField(child=serializers.DateField(), required=False)


class CountsSaved(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="days that changed")


class CountQuery(serializers.Serializer[Any]):
    transplant = serializers.UUIDField()


@extend_schema_view(
    list=extend_schema(
        summary="Blood counts of a transplant, by day",
        parameters=[OpenApiParameter("transplant", OpenApiTypes.UUID, required=True)],
    )
)
class BloodCountViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[BloodCount]):
    """Engraftment is derived from them; the hospital of the transplant writes."""

    serializer_class = BloodCountSerializer
    permission_classes = [has_permission(_VIEW, write=_EDIT)]
    queryset = BloodCount.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return BloodCount.objects.none()
        asked = CountQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows = BloodCount.objects.visible_to(person_of(self.request))
        return rows.filter(**asked.validated_data).order_by("counted_on")

    @extend_schema(
        summary="Add or replace days, take days out",
        request=CountsInput,
        responses={200: CountsSaved, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given = _given(CountsInput, request)
        row = transplant_of(request, given["transplant"])
        days = [
            Given(
                line,
                Count(
                    one["counted_on"],
                    one.get("anc_e9_per_l"),
                    one.get("platelets_e9_per_l"),
                    one["transfused"],
                ),
            )
            for line, one in enumerate(given.get("days", ()), start=1)
        ]
        changed = services_counts.counts_save(
            transplant_id=row.pk,
            given=days,
            remove=given.get("remove", ()),
            user=person_of(request),
            source=CountSource.TYPED,
        )
        return Response({"changed": changed}, status=status.HTTP_200_OK)


# --- facts ----------------------------------------------------------------------------------------


class FactsInput(serializers.ModelSerializer[Transplant]):
    """What a transplant was given for and how; what is left out stays."""

    seen = serializers.DateTimeField(help_text="`updated_at` of the transplant that you read")

    class Meta:
        model = Transplant
        fields = ("seen", *FACTS)
        extra_kwargs = {name: {"required": False} for name in FACTS}


def facts_saved(request: Request, row: Transplant) -> Transplant:
    given = _given(FactsInput, request)
    seen = given.pop("seen").astimezone(dt.UTC).isoformat()
    return services_facts.transplant_facts_update(
        transplant_id=row.pk, values=given, seen=seen, user=person_of(request)
    )


def register(router: SimpleRouter) -> None:
    router.register("follow-ups", FollowUpViewSet, basename="follow-up")
    router.register("follow-ups-due", DueFormViewSet, basename="follow-up-due")
    router.register("blood-counts", BloodCountViewSet, basename="blood-count")
