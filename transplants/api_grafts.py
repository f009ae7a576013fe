"""API of infusions, transplants and returned units: what the pages do. Decisions with a password are for people."""

from __future__ import annotations

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

from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from hospitals.querysets import hospitals_open_to
from transplants import api_follow_up, services_grafts, services_returns
from transplants.choices_orders import Answer, GraftPoint, GraftType, ReactionGrade, ThawMethod
from transplants.graft_reports import COUNTED, Count, Report
from transplants.models import (
    GraftMeasurement,
    Infusion,
    Order,
    Outcome,
    Transplant,
    TransplantUnit,
    UnitReturn,
)
from transplants.querysets_orders import TransplantQuerySet, UnitReturnQuerySet
from transplants.services_facts import FACTS
from transplants.services_returns import NOT_USED_CAUSES
from transplants.writing import LONGEST_REASON

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or something is to be confirmed first"),
}


class GraftMeasurementSerializer(serializers.ModelSerializer[GraftMeasurement]):
    class Meta:
        model = GraftMeasurement
        fields = ("point", "analyte", "value", "unit", "method")
        read_only_fields = fields


class InfusionSerializer(serializers.ModelSerializer[Infusion]):
    """How one unit was thawed and given. match: as the list said; doses: frozen, by the weight of the day."""

    unit_no = serializers.CharField(source="unit.public_no", read_only=True)
    order_number = serializers.CharField(source="order.number", read_only=True)
    measurements = GraftMeasurementSerializer(many=True, read_only=True)

    class Meta:
        model = Infusion
        fields = (
            "id", "transplant", "order", "order_number", "unit", "unit_no", "thaw_method", "thawed_at", "began_at",
            "ended_at", "volume_ml", "all_given", "reaction", "reaction_note", "tnc_e7_per_kg", "cd34_e5_per_kg",
            "match", "measurements", "reported_at",
        )  # fmt: skip
        read_only_fields = fields


class GivenUnitSerializer(serializers.ModelSerializer[TransplantUnit]):
    """One unit of a transplant, as it was on day 0."""

    name = serializers.CharField(read_only=True)

    class Meta:
        model = TransplantUnit
        fields = (
            "position",
            "unit",
            "name",
            "is_own",
            "tnc_e7_per_kg",
            "cd34_e5_per_kg",
            "antigen6",
            "allele8",
        )
        read_only_fields = fields


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    """What became of it, in days since day 0; derived from forms and counts."""

    class Meta:
        model = Outcome
        fields = (
            "days_followed", "is_dead", "is_lost", "cause", "days_to_neutrophils", "neutrophils_known",
            "days_to_platelets", "platelets_known", "days_to_graft_failure", "graft_failure_known", "days_to_acute_2",
            "days_to_acute_3", "acute_known", "days_to_chronic", "days_to_chronic_systemic", "chronic_known",
            "days_to_relapse", "relapse_known", "days_to_second", "chimerism_percent", "enzyme_percent", "due_visit",
            "due_from", "due_until",
        )  # fmt: skip
        read_only_fields = fields


class TransplantSerializer(serializers.ModelSerializer[Transplant]):
    """Everything infused on one day 0. patient: null where it was taken over from a list."""

    patient_code = serializers.CharField(source="who", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)
    infusions = InfusionSerializer(many=True, read_only=True)
    units = GivenUnitSerializer(many=True, read_only=True)
    outcome = serializers.SerializerMethodField(help_text="null: nothing is derived yet")

    class Meta:
        model = Transplant
        fields = (
            "id", "number", "patient", "patient_code", "hospital", "hospital_code", "infused_on", "sequence",
            "graft_type", "source", "weight_kg", "age_years", *FACTS, "infusions", "units", "outcome", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OutcomeSerializer(allow_null=True))
    def get_outcome(self, row: Transplant) -> Any:
        found = getattr(row, "outcome", None)
        return OutcomeSerializer(found).data if found else None


class TransplantQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)


class CountInput(serializers.Serializer[Any]):
    point = serializers.ChoiceField(choices=GraftPoint.choices)
    analyte = serializers.ChoiceField(choices=[(one.value, one.label) for one in COUNTED])
    value = serializers.FloatField(
        min_value=0, help_text="in the unit of the analyte: TNC ×10⁷, CD34 ×10⁶, …"
    )
    method = serializers.CharField(max_length=80, allow_blank=True, default="")


class InfusionInput(serializers.Serializer[Any]):
    order = serializers.UUIDField()
    scanned = serializers.CharField(max_length=200, help_text="the code of the bag, as scanned or typed")
    thaw_method = serializers.ChoiceField(choices=ThawMethod.choices)
    thawed_at = serializers.DateTimeField()
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    volume_ml = serializers.DecimalField(max_digits=6, decimal_places=1)
    all_given = serializers.BooleanField()
    weight_kg = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=MIN_WEIGHT_KG, max_value=MAX_WEIGHT_KG
    )
    graft_type = serializers.ChoiceField(choices=GraftType.choices)
    reaction = serializers.ChoiceField(choices=ReactionGrade.choices)
    reaction_note = serializers.CharField(max_length=400, allow_blank=True, default="")
    counts = CountInput(many=True, required=False)
    transplant = serializers.UUIDField(
        required=False, allow_null=True, help_text="that it belongs to, where that began on another day"
    )
    confirmed = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text="codes of the doubts that a person looked at, from `details` of an answer 409",
    )
    acknowledged = serializers.BooleanField(
        default=False, help_text="the unit is recalled or blocked and was given all the same"
    )
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one report")


class ReturnInput(serializers.Serializer[Any]):
    order = serializers.UUIDField()
    cause = serializers.ChoiceField(choices=[(one.value, one.label) for one in NOT_USED_CAUSES])
    thawed = serializers.BooleanField(help_text="a thawed unit can never be given to another patient")
    note = serializers.CharField(max_length=LONGEST_REASON)


class ArrivalInput(serializers.Serializer[Any]):
    scanned = serializers.CharField(max_length=200, help_text="the code of the bag, as scanned or typed")
    returned_at = serializers.DateTimeField()
    bag_intact = serializers.ChoiceField(choices=Answer.choices)


class UnitReturnSerializer(serializers.ModelSerializer[UnitReturn]):
    """A unit that left the bank and was not infused. decision: in force once it is seconded.

    A hospital reads of a decision once it is in force, and of the unit's status until then: whose it is afterwards is
    told to nobody.
    """

    unit_no = serializers.CharField(source="unit.public_no", read_only=True)
    unit_status = serializers.CharField(source="unit.status", read_only=True)
    order_number = serializers.CharField(source="order.number", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)

    class Meta:
        model = UnitReturn
        fields = (
            "order", "order_number", "unit", "unit_no", "unit_status", "hospital", "hospital_code", "cause", "note",
            "thawed", "reported_at", "returned_at", "bag_intact", "decision", "decided_at", "seconded_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: UnitReturn) -> dict[str, Any]:
        found = super().to_representation(instance)
        if hospitals_open_to(person_of(self.context["request"]), Permission.ORDER_VIEW) is None:
            return found
        if instance.seconded_at is None:
            return {**found, "decision": "", "decided_at": None}
        return {**found, "unit_status": ""}


def _given(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    found: dict[str, Any] = given.validated_data
    return found


def _order_of(request: Request, key: Any) -> Order:
    """Of a hospital for which this person reports; another one's is 404."""
    person = person_of(request)
    rows = Order.objects.open_for(person, Permission.ORDER_VIEW, Permission.SHIPMENT_RECEIVE)
    found: Order = get_visible_or_404(rows, person, pk=key)
    return found


@extend_schema_view(
    list=extend_schema(
        summary="Transplants, newest first",
        parameters=[OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient")],
    ),
    retrieve=extend_schema(summary="One transplant with its units"),
)
class TransplantViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Transplant]
):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = TransplantSerializer
    permission_classes = [has_permission(Permission.TRANSPLANT_VIEW, write=Permission.FOLLOW_UP_EDIT)]
    queryset = Transplant.objects.none()

    def get_queryset(self) -> TransplantQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Transplant.objects.none()
        asked = TransplantQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: TransplantQuerySet = Transplant.objects.visible_to(person_of(self.request))
        found = rows.filter(**asked.validated_data).with_names().order_by("-infused_on", "pk")
        return found.select_related("outcome").prefetch_related(
            "infusions__unit", "infusions__order", "infusions__measurements", "units__unit"
        )

    @extend_schema(
        summary="Complete what it was given for and how",
        request=api_follow_up.FactsInput,
        responses={200: TransplantSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def facts(self, request: Request, pk: str | None = None) -> Response:
        row = api_follow_up.transplant_of(request, pk)
        api_follow_up.facts_saved(request, row)
        return Response(self.get_serializer(self.get_queryset().get(pk=row.pk)).data)


class InfusionViewSet(viewsets.GenericViewSet[Infusion]):
    """Reports of the hospital; what was reported stands in its transplant."""

    serializer_class = InfusionSerializer
    permission_classes = [has_permission(Permission.ORDER_VIEW, write=Permission.SHIPMENT_RECEIVE)]
    queryset = Infusion.objects.none()

    @extend_schema(
        summary="Report how a delivered unit was thawed and given",
        request=InfusionInput,
        responses={201: InfusionSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given = _given(InfusionInput, request)
        order = _order_of(request, given.pop("order"))
        counts = tuple(Count(**one) for one in given.pop("counts", ()))
        report = Report(
            counts=counts,
            join=given.pop("transplant", None),
            infusion_id=given.pop("id", None),
            confirmed=frozenset(given.pop("confirmed", ())),
            **given,
        )
        row = services_grafts.infusion_report(order_id=order.pk, report=report, user=person_of(request))
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    list=extend_schema(summary="Units that came back or are to come back, newest first"),
    retrieve=extend_schema(summary="One of them, by its order"),
)
class UnitReturnViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[UnitReturn]
):
    """Of the own hospitals, for bank staff of all. What becomes of one is signed on its page, by two people."""

    serializer_class = UnitReturnSerializer
    permission_classes = [has_permission(Permission.ORDER_VIEW)]
    queryset = UnitReturn.objects.none()

    def get_queryset(self) -> UnitReturnQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return UnitReturn.objects.none()
        rows: UnitReturnQuerySet = UnitReturn.objects.visible_to(person_of(self.request))
        return rows.with_names().order_by("-reported_at", "pk")

    @extend_schema(
        summary="A delivered unit was not used",
        request=ReturnInput,
        responses={201: UnitReturnSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        person = person_of(request)
        if not person.has_permission(Permission.SHIPMENT_RECEIVE):
            self.permission_denied(request)
        given = _given(ReturnInput, request)
        order = _order_of(request, given.pop("order"))
        row = services_returns.graft_not_used(order_id=order.pk, user=person, **given)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="The unit is back in the bank",
        request=ArrivalInput,
        responses={200: UnitReturnSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def arrive(self, request: Request, pk: str | None = None) -> Response:
        person = person_of(request)
        row = get_visible_or_404(UnitReturn, person, pk=pk)
        found = services_returns.unit_returned(order_id=row.pk, user=person, **_given(ArrivalInput, request))
        return Response(self.get_serializer(found).data)


def register(router: SimpleRouter) -> None:
    router.register("transplants", TransplantViewSet, basename="transplant")
    router.register("infusions", InfusionViewSet, basename="infusion")
    router.register("returns", UnitReturnViewSet, basename="return")
