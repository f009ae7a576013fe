"""API of shipments and shippers: what the pages do."""

from __future__ import annotations

import dataclasses
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
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from transplants import services_receipts as receipts
from transplants import services_shipments as services
from transplants.choices_orders import Acceptance, Answer, EventKind
from transplants.logger_files import guard_size, zone_of
from transplants.loggers.reading import SCALES, Asked
from transplants.loggers.times import DayOrder
from transplants.models import LoggerFile, Order, Receipt, Shipment, ShipmentEvent, Shipper
from transplants.querysets_orders import ShipmentQuerySet
from transplants.services_receipts import Happened, Received
from transplants.services_shipments import BANK_CAUSES, Packing
from transplants.services_shippers import MOST_HOLD_HOURS, ShipperGiven, shipper_save
from transplants.writing import LONGEST_REASON

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it; `field` names what is wrong"),
    403: OpenApiResponse(description="not this person's to do: a second person, another hospital"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or somebody was quicker"),
}
_SHOWN = "`updated_at` as you read it: refused if it has changed since"


class ShipmentQuery(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False, source="order__patient")
    order = serializers.UUIDField(required=False)


class ShownInput(serializers.Serializer[Any]):
    shown = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text=_SHOWN)


class CheckInput(ShownInput):
    scanned = serializers.CharField(max_length=200, help_text="what was read on the bag")


class PackInput(CheckInput):
    shipper = serializers.UUIDField()
    charge_weight_kg = serializers.DecimalField(max_digits=5, decimal_places=2)
    logger_serial = serializers.CharField(max_length=40)
    seals = serializers.CharField(max_length=120)
    courier = serializers.CharField(max_length=80)
    waybill = serializers.CharField(max_length=60)
    expected_at = serializers.DateTimeField()
    tracking_url = serializers.URLField(max_length=300, allow_blank=True, default="")

    def packing(self) -> Packing:
        data = dict(self.validated_data)
        names = {field.name for field in dataclasses.fields(Packing)} - {"shipper_id"}
        return Packing(shipper_id=data["shipper"], **{name: data[name] for name in names})


class ShipmentInput(PackInput):
    order = serializers.UUIDField()


class EventInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=EventKind.choices)
    at = serializers.DateTimeField()
    place = serializers.CharField(max_length=120, allow_blank=True, default="")
    handed_by = serializers.CharField(max_length=120, allow_blank=True, default="")
    taken_by = serializers.CharField(max_length=120, allow_blank=True, default="")
    note = serializers.CharField(max_length=400, allow_blank=True, default="")
    expected_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="of a delay: when it is expected now"
    )
    id = serializers.UUIDField(required=False, help_text="yours: sent twice, it is one event")

    def happened(self) -> Happened:
        data = dict(self.validated_data)
        return Happened(event_id=data.pop("id", None), **data)


class LoggerInput(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, help_text="CSV, at most 5 MB")
    zone = serializers.CharField(max_length=64, help_text="of times without one: Asia/Shanghai, UTC+08:00")
    day_order = serializers.ChoiceField(
        choices=[one.value for one in DayOrder], required=False, allow_blank=True, default=""
    )
    scale = serializers.ChoiceField(choices=list(SCALES), required=False, allow_blank=True, default="")
    column = serializers.CharField(
        max_length=120, allow_blank=True, default="", help_text="heading of the temperatures, if several"
    )

    def given(self) -> dict[str, Any]:
        data = dict(self.validated_data)
        guard_size(data["file"].size or 0)
        asked = Asked(zone_of(data["zone"]), data["day_order"], data["scale"], data["column"])
        return {"name": data["file"].name or "", "data": data["file"].read(), "asked": asked}


class ReceiptInput(serializers.Serializer[Any]):
    received_at = serializers.DateTimeField()
    scanned = serializers.CharField(max_length=200, help_text="what was read on the bag")
    seals_intact = serializers.ChoiceField(choices=Answer.choices)
    temperature_held = serializers.ChoiceField(choices=Answer.choices)
    bag_intact = serializers.ChoiceField(choices=Answer.choices)
    identity_right = serializers.ChoiceField(choices=Answer.choices)
    papers_complete = serializers.ChoiceField(choices=Answer.choices)
    acceptance = serializers.ChoiceField(choices=Acceptance.choices)
    deviation = serializers.CharField(max_length=400, allow_blank=True, default="")


class FailInput(serializers.Serializer[Any]):
    cause = serializers.ChoiceField(choices=[(one.value, one.label) for one in BANK_CAUSES])
    note = serializers.CharField(max_length=LONGEST_REASON)


class ShipmentEventSerializer(serializers.ModelSerializer[ShipmentEvent]):
    class Meta:
        model = ShipmentEvent
        fields = ("id", "kind", "at", "place", "handed_by", "taken_by", "note", "entered_at")
        read_only_fields = fields


class LoggerFileSerializer(serializers.ModelSerializer[LoggerFile]):
    """A temperature record, judged; its readings come as CSV from the page."""

    class Meta:
        model = LoggerFile
        fields = (
            "id", "name", "sha256", "form", "first_at", "last_at", "min_c", "max_c", "minutes_above", "limit_c",
            "verdict", "uploaded_at",
        )  # fmt: skip
        read_only_fields = fields


class ReceiptSerializer(serializers.ModelSerializer[Receipt]):
    class Meta:
        model = Receipt
        fields = ("received_at", *receipts.ANSWERS, "acceptance", "deviation", "entered_at")
        read_only_fields = fields


class ShipmentSerializer(serializers.ModelSerializer[Shipment]):
    """The way of one released unit to its hospital."""

    order_number = serializers.CharField(source="order.number", read_only=True)
    unit = serializers.UUIDField(source="order.unit_id", read_only=True)
    unit_no = serializers.CharField(source="order.unit.public_no", read_only=True)
    patient_code = serializers.CharField(source="order.patient.code", read_only=True)
    hospital_code = serializers.CharField(source="hospital.code", read_only=True)
    shipper_serial = serializers.CharField(source="shipper.serial", read_only=True)

    class Meta:
        model = Shipment
        fields = (
            "id", "number", "order", "order_number", "unit", "unit_no", "patient_code", "hospital", "hospital_code",
            "shipper", "shipper_serial", "validated_on", "hold_hours", "charge_weight_kg", "logger_serial", "seals",
            "courier", "waybill", "tracking_url", "packed_at", "checked_at", "dispatched_at", "expected_at",
            "delivered_at", "failed_at", "failure", "failure_note", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ShipmentWholeSerializer(ShipmentSerializer):
    """The same, with all that happened, its temperature records and its receipt."""

    events = ShipmentEventSerializer(many=True, read_only=True)
    logger_files = serializers.SerializerMethodField()
    receipt = serializers.SerializerMethodField()

    class Meta(ShipmentSerializer.Meta):
        fields = (*ShipmentSerializer.Meta.fields, "events", "logger_files", "receipt")  # type: ignore[assignment]
        read_only_fields = fields

    @extend_schema_field(LoggerFileSerializer(many=True))
    def get_logger_files(self, row: Shipment) -> Any:
        return LoggerFileSerializer(row.logger_files.light(), many=True).data

    @extend_schema_field(ReceiptSerializer(allow_null=True))
    def get_receipt(self, row: Shipment) -> Any:
        found = Receipt.objects.filter(shipment=row).first()
        return ReceiptSerializer(found).data if found else None


@extend_schema_view(
    list=extend_schema(
        summary="Shipments, the last packed first",
        parameters=[
            OpenApiParameter("patient", OpenApiTypes.UUID, description="of one patient"),
            OpenApiParameter("order", OpenApiTypes.UUID, description="of one order"),
        ],
    ),
    retrieve=extend_schema(
        summary="One shipment with its way and its receipt", responses=ShipmentWholeSerializer
    ),
)
class ShipmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Shipment]):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = ShipmentSerializer
    permission_classes = [has_permission(Permission.SHIPMENT_VIEW)]
    queryset = Shipment.objects.none()

    def get_queryset(self) -> ShipmentQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Shipment.objects.none()
        asked = ShipmentQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: ShipmentQuerySet = Shipment.objects.visible_to(person_of(self.request))
        return rows.filter(**asked.validated_data).with_names().order_by("-packed_at", "pk")

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(ShipmentWholeSerializer(self.get_object()).data)

    @extend_schema(
        summary="Pack a released unit", request=ShipmentInput, responses={201: ShipmentSerializer, **_ERRORS}
    )
    def create(self, request: Request) -> Response:
        self._needs(request, Permission.SHIPMENT_WORK)
        given = _valid(ShipmentInput(data=request.data))
        order = get_visible_or_404(Order, person_of(request), pk=given.validated_data["order"])
        row = services.shipment_pack(order_id=order.pk, packing=given.packing(), user=person_of(request))
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Pack it again, or change what is written of it",
        request=PackInput,
        responses={200: ShipmentSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def pack(self, request: Request, pk: str | None = None) -> Response:
        given = PackInput(data=request.data)
        return self._act(
            request,
            pk,
            given,
            services.shipment_repack,
            lambda: {"packing": given.packing(), "shown": given.validated_data["shown"]},
        )

    @extend_schema(
        summary="Look at the unit's identity as the second person",
        request=CheckInput,
        responses={200: ShipmentSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, CheckInput(data=request.data), services.shipment_check)

    @extend_schema(
        summary="It leaves the house", request=ShownInput, responses={200: ShipmentSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"], url_path="dispatch")
    def leave(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, ShownInput(data=request.data), services.shipment_dispatch)

    @extend_schema(
        summary="Write down what happened on the way",
        request=EventInput,
        responses={200: ShipmentWholeSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def events(self, request: Request, pk: str | None = None) -> Response:
        given = EventInput(data=request.data)
        return self._act(
            request, pk, given, receipts.event_add, lambda: {"happened": given.happened()}, whole=True
        )

    @extend_schema(
        summary="Add the file of a temperature logger",
        request={"multipart/form-data": LoggerInput},
        responses={200: ShipmentWholeSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    def logger(self, request: Request, pk: str | None = None) -> Response:
        given = LoggerInput(data=request.data)
        return self._act(request, pk, given, receipts.logger_add, given.given, whole=True)

    @extend_schema(
        summary="The hospital says what arrived",
        request=ReceiptInput,
        responses={200: ShipmentWholeSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def receive(self, request: Request, pk: str | None = None) -> Response:
        given = ReceiptInput(data=request.data)
        return self._act(
            request,
            pk,
            given,
            receipts.shipment_receive,
            lambda: {"received": Received(**given.validated_data)},
            whole=True,
        )

    @extend_schema(
        summary="It does not arrive", request=FailInput, responses={200: ShipmentSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def fail(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, FailInput(data=request.data), services.shipment_fail)

    def _needs(self, request: Request, permission: Permission) -> None:
        if not person_of(request).has_permission(permission):
            self.permission_denied(request)

    def _act(
        self,
        request: Request,
        pk: str | None,
        given: serializers.Serializer[Any],
        service: Callable[..., Any],
        values: Callable[[], dict[str, Any]] | None = None,
        *,
        whole: bool = False,
    ) -> Response:
        """One service; the shipment as it is then."""
        person = person_of(request)
        row = get_visible_or_404(Shipment, person, pk=pk)
        _valid(given)
        service(shipment_id=row.pk, user=person, **(values() if values else given.validated_data))
        fresh = Shipment.objects.with_names().get(pk=row.pk)
        of = ShipmentWholeSerializer if whole else ShipmentSerializer
        return Response(of(fresh).data)


def _valid(given: Any) -> Any:
    given.is_valid(raise_exception=True)
    return given


class ShipperSerializer(serializers.ModelSerializer[Shipper]):
    """A dry shipper; `updated_at`, as it was read, is sent with a change."""

    class Meta:
        model = Shipper
        fields = (
            "id",
            "serial",
            "model",
            "validated_on",
            "valid_until",
            "hold_hours",
            "active",
            "updated_at",
        )
        read_only_fields = fields


class ShipperInput(ShownInput):
    serial = serializers.CharField(max_length=40)
    model = serializers.CharField(max_length=80, allow_blank=True, default="")
    validated_on = serializers.DateField()
    valid_until = serializers.DateField()
    hold_hours = serializers.IntegerField(min_value=1, max_value=MOST_HOLD_HOURS)
    active = serializers.BooleanField(default=True)

    def given(self) -> ShipperGiven:
        return ShipperGiven(**{name: value for name, value in self.validated_data.items() if name != "shown"})


@extend_schema_view(list=extend_schema(summary="Shippers"), retrieve=extend_schema(summary="One shipper"))
class ShipperViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Shipper]):
    """Of the bank, for who packs."""

    serializer_class = ShipperSerializer
    permission_classes = [has_permission(Permission.SHIPMENT_WORK)]
    queryset = Shipper.objects.order_by("serial")

    @extend_schema(
        summary="Register a shipper", request=ShipperInput, responses={201: ShipperSerializer, **_ERRORS}
    )
    def create(self, request: Request) -> Response:
        given = _valid(ShipperInput(data=request.data))
        row = shipper_save(given=given.given(), user=person_of(request))
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Write what its new validation found",
        request=ShipperInput,
        responses={200: ShipperSerializer, **_ERRORS},
    )
    def update(self, request: Request, pk: str | None = None) -> Response:
        given = _valid(ShipperInput(data=request.data))
        row = shipper_save(
            given=given.given(),
            user=person_of(request),
            shipper_id=self.get_object().pk,
            shown=given.validated_data["shown"],
        )
        return Response(self.get_serializer(row).data)


def register(router: SimpleRouter) -> None:
    router.register("shipments", ShipmentViewSet, basename="shipment")
    router.register("shippers", ShipperViewSet, basename="shipper")
