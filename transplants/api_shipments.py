"""API of shipments and shippers: what the pages do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
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
from transplants import services_loggers
from transplants import services_receipts as receipts
from transplants import services_shipments as services
from transplants.api_shipment_rows import (
    CheckInput,
    EventInput,
    FailInput,
    LoggerInput,
    PackInput,
    ReceiptInput,
    ShipmentInput,
    ShipmentQuery,
    ShipmentSerializer,
    ShipmentWholeSerializer,
    ShipperInput,
    ShipperSerializer,
    ShownInput,
)
from transplants.models import Order, Shipment, Shipper
from transplants.querysets_orders import ShipmentQuerySet
from transplants.services_receipts import Received
from transplants.services_shippers import shipper_save

_ERRORS = {
    400: OpenApiResponse(description="the input does not allow it; `field` names what is wrong"),
    403: OpenApiResponse(description="not this person's to do: a second person, another hospital"),
    404: OpenApiResponse(description="no such row, or another hospital's"),
    409: OpenApiResponse(description="the state does not permit it, or somebody was quicker"),
}


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
        return self._act(
            request,
            pk,
            PackInput,
            services.shipment_repack,
            lambda given: {"packing": given.packing(), "shown": given.validated_data["shown"]},
        )

    @extend_schema(
        summary="Look at the unit's identity as the second person",
        request=CheckInput,
        responses={200: ShipmentSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, CheckInput, services.shipment_check)

    @extend_schema(
        summary="It leaves the house", request=ShownInput, responses={200: ShipmentSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"], url_path="dispatch")
    def leave(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, ShownInput, services.shipment_dispatch)

    @extend_schema(
        summary="Write down what happened on the way",
        request=EventInput,
        responses={200: ShipmentWholeSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def events(self, request: Request, pk: str | None = None) -> Response:
        return self._act(
            request,
            pk,
            EventInput,
            receipts.event_add,
            lambda given: {"happened": given.happened()},
            ShipmentWholeSerializer,
        )

    @extend_schema(
        summary="Add the file of a temperature logger",
        request={"multipart/form-data": LoggerInput},
        responses={200: ShipmentWholeSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    def logger(self, request: Request, pk: str | None = None) -> Response:
        return self._act(
            request,
            pk,
            LoggerInput,
            services_loggers.logger_add,
            lambda given: given.given(),
            ShipmentWholeSerializer,
        )

    @extend_schema(
        summary="The hospital says what arrived",
        request=ReceiptInput,
        responses={200: ShipmentWholeSerializer, **_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def receive(self, request: Request, pk: str | None = None) -> Response:
        return self._act(
            request,
            pk,
            ReceiptInput,
            receipts.shipment_receive,
            lambda given: {"received": Received(**given.validated_data)},
            ShipmentWholeSerializer,
        )

    @extend_schema(
        summary="It does not arrive", request=FailInput, responses={200: ShipmentSerializer, **_ERRORS}
    )
    @action(detail=True, methods=["post"])
    def fail(self, request: Request, pk: str | None = None) -> Response:
        return self._act(request, pk, FailInput, services.shipment_fail)

    def _needs(self, request: Request, permission: Permission) -> None:
        if not person_of(request).has_permission(permission):
            self.permission_denied(request)

    def _act(
        self,
        request: Request,
        pk: str | None,
        of: type[serializers.Serializer[Any]],
        service: Callable[..., Any],
        values: Callable[[Any], dict[str, Any]] = lambda given: given.validated_data,
        answer: type[ShipmentSerializer] = ShipmentSerializer,
    ) -> Response:
        """One service; the shipment as it is then. First whether the person may see it, then what was sent."""
        person = person_of(request)
        row = get_visible_or_404(Shipment, person, pk=pk)
        given = _valid(of(data=request.data))
        service(shipment_id=row.pk, user=person, **values(given))
        return Response(answer(Shipment.objects.with_names().get(pk=row.pk)).data)


def _valid(given: Any) -> Any:
    given.is_valid(raise_exception=True)
    return given


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
