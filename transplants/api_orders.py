"""API of orders: what the pages do. Signatures are given on the pages, by people with their passwords."""

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

from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from hospitals.choices import MAX_WEIGHT_KG, MIN_WEIGHT_KG
from transplants import presenters_orders as presenters
from transplants import services_orders as services
from transplants import services_signing
from transplants.checklist import checklist_of, permit_of
from transplants.choices_orders import IN_HOUSE, OrderState
from transplants.models import ExportPermit, Order, OrderSignature, Reservation
from transplants.prescription import LONGEST, Prescription
from transplants.querysets_orders import OrderQuerySet
from transplants.services_orders import LONGEST_AUTHORITY, LONGEST_PERMIT, OrderWish, Permit
from transplants.writing import LONGEST_REASON

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it"),
    403: OpenApiResponse(description="not this person's to do"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it; details name each check that is open"),
}


class OrderQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=OrderState.choices, required=False)


class PrescriptionInput(serializers.Serializer[Any]):
    weight_kg = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=MIN_WEIGHT_KG, max_value=MAX_WEIGHT_KG
    )
    conditioning = serializers.CharField(max_length=LONGEST["conditioning"], allow_blank=True, default="")
    conditioning_on = serializers.DateField()
    deliver_on = serializers.DateField(
        help_text="wanted at the hospital, best before the conditioning begins"
    )
    infusion_on = serializers.DateField()
    country = serializers.CharField(min_length=2, max_length=2, help_text="where the unit goes, two letters")
    ship_to = serializers.CharField(max_length=LONGEST["ship_to"])
    contact = serializers.CharField(max_length=LONGEST["contact"])
    contact_phone = serializers.CharField(max_length=LONGEST["contact_phone"])
    note = serializers.CharField(max_length=LONGEST["note"], allow_blank=True, default="")
    department = serializers.UUIDField(
        source="department_id",
        allow_null=True,
        default=None,
        help_text="of the patient's hospital, an active one",
    )


class OrderInput(PrescriptionInput):
    reservation = serializers.UUIDField()
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one order")


class OrderAmendInput(PrescriptionInput):
    version = serializers.IntegerField(help_text="of the prescription that you change")
    reason = serializers.CharField(
        max_length=LONGEST_REASON, allow_blank=True, default="", help_text="needed once it is approved"
    )


class OrderApproveInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(required=False, help_text="of the prescription that you read")


class OrderReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST_REASON)


class OrderPermitInput(serializers.Serializer[Any]):
    permit_no = serializers.CharField(max_length=LONGEST_PERMIT)
    authority = serializers.CharField(max_length=LONGEST_AUTHORITY)
    country = serializers.CharField(
        max_length=2, help_text="that it names; the order's, else it does not serve"
    )
    valid_until = serializers.DateField()


class OrderSerializer(serializers.ModelSerializer[Order]):
    """What a hospital ordered, and how far it has come."""

    unit_no = serializers.CharField(source="unit.public_no", read_only=True)
    patient_code = serializers.CharField(source="patient.code", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)

    class Meta:
        model = Order
        fields = (
            "id", "number", "reservation", "unit", "unit_no", "patient", "patient_code", "hospital", "hospital_code",
            "state", "version", "weight_kg", "conditioning", "conditioning_on", "deliver_on", "infusion_on", "country",
            "department", "ship_to", "contact", "contact_phone", "note", "asked_at", "approved_at", "released_at",
            "ended_at", "end_reason",
        )  # fmt: skip
        read_only_fields = fields


class OrderCheckSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    stage = serializers.CharField(
        help_text="approve, release or dispatch: the step that it keeps from going on"
    )
    outcome = serializers.CharField(help_text="passed, failed or open")
    says = serializers.CharField()


class OrderSignatureSerializer(serializers.ModelSerializer[OrderSignature]):
    class Meta:
        model = OrderSignature
        fields = ("meaning", "signer", "signed_at", "digest", "justification", "void_at", "void_reason")
        read_only_fields = fields


class ExportPermitSerializer(serializers.ModelSerializer[ExportPermit]):
    class Meta:
        model = ExportPermit
        fields = ("permit_no", "authority", "country", "valid_until", "recorded_at")
        read_only_fields = fields


class OrderDetailSerializer(OrderSerializer):
    """With the checklist as it is now, while the bank has the unit, the signatures and the export permit."""

    checks = serializers.SerializerMethodField()
    signatures = OrderSignatureSerializer(many=True, read_only=True)
    permit = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = (*OrderSerializer.Meta.fields, "checks", "signatures", "permit")
        read_only_fields = fields

    @extend_schema_field(OrderCheckSerializer(many=True))
    def get_checks(self, row: Order) -> list[dict[str, str]]:
        if row.state not in IN_HOUSE:
            return []
        person = person_of(self.context["request"])
        return [presenters.told_check(one, person) for one in checklist_of(row).checks]

    @extend_schema_field(ExportPermitSerializer(allow_null=True))
    def get_permit(self, row: Order) -> Any:
        found = permit_of(row)
        return ExportPermitSerializer(found).data if found else None


def _given(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    found: dict[str, Any] = given.validated_data
    return found


@extend_schema_view(
    list=extend_schema(
        summary="Orders, newest first",
        parameters=[
            OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient"),
            OpenApiParameter("state", OpenApiTypes.STR, description="in one state"),
        ],
    ),
    retrieve=extend_schema(summary="One order with its checklist", responses={200: OrderDetailSerializer}),
)
class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Order]):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = OrderSerializer
    permission_classes = [has_permission(Permission.ORDER_VIEW)]
    queryset = Order.objects.none()

    def get_serializer_class(self) -> Any:
        return OrderDetailSerializer if self.action == "retrieve" else OrderSerializer

    def get_queryset(self) -> OrderQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        asked = OrderQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: OrderQuerySet = Order.objects.visible_to(person_of(self.request))
        return rows.filter(**asked.validated_data).with_names().order_by("-asked_at", "pk")

    @extend_schema(
        summary="Order the unit of a reservation",
        request=OrderInput,
        responses={201: OrderSerializer, **_ERRORS},
    )
    def create(self, request: Request) -> Response:
        given, person = _given(OrderInput, request), person_of(request)
        if not person.has_permission(Permission.ORDER_ASK):
            self.permission_denied(request)
        kept = get_visible_or_404(
            Reservation.objects.open_for(person, Permission.ORDER_ASK), person, pk=given.pop("reservation")
        )
        order_id = given.pop("id", None)
        wish = OrderWish(reservation_id=kept.pk, prescribed=Prescription(**given), order_id=order_id)
        row = services.order_ask(wish=wish, user=person)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change the prescription",
        request=OrderAmendInput,
        responses={200: OrderSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def amend(self, request: Request, pk: str | None = None) -> Response:
        given = _given(OrderAmendInput, request)
        apart = {name: given.pop(name) for name in ("version", "reason")}
        return self._act(request, pk, services.order_amend, {**apart, "prescribed": Prescription(**given)})

    @extend_schema(
        summary="The bank approves", request=OrderApproveInput, responses={200: OrderSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, services.order_approve, _given(OrderApproveInput, request))

    @extend_schema(
        summary="The bank declines", request=OrderReasonInput, responses={200: OrderSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, services.order_decline, _given(OrderReasonInput, request))

    @extend_schema(
        summary="Withdraw it", request=OrderReasonInput, responses={200: OrderSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, services.order_withdraw, _given(OrderReasonInput, request))

    @extend_schema(
        summary="Revoke the release", request=OrderReasonInput, responses={200: OrderSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str | None = None) -> Response:
        return self._act(
            request, pk, services_signing.order_release_revoke, _given(OrderReasonInput, request)
        )

    @extend_schema(
        summary="Record the export permit",
        request=OrderPermitInput,
        responses={200: ExportPermitSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def permit(self, request: Request, pk: str | None = None) -> Response:
        person = person_of(request)
        row = get_visible_or_404(Order, person, pk=pk)
        permit = Permit(**_given(OrderPermitInput, request))
        found = services.permit_record(order_id=row.pk, permit=permit, user=person)
        return Response(ExportPermitSerializer(found).data)

    def _act(
        self, request: Request, pk: str | None, service: Callable[..., Order], given: dict[str, Any]
    ) -> Response:
        person = person_of(request)
        row = get_visible_or_404(Order, person, pk=pk)
        found = service(order_id=row.pk, user=person, **given)
        return Response(self.get_serializer(found).data)


def register(router: SimpleRouter) -> None:
    router.register("orders", OrderViewSet, basename="order")
