"""API of fees: prices, charges, and the statement of a hospital and month as CSV. Nothing is written here."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.exports import csv_response
from core.roles import Permission
from hospitals.models import Hospital
from transplants import statements
from transplants.choices_incidents import FeeKind
from transplants.models import Charge, Price
from transplants.querysets_fees import ChargeQuerySet, PriceQuerySet

_MONTH = OpenApiParameter("month", OpenApiTypes.STR, description="2026-11, by the bank's calendar")


class MonthSerializerField(serializers.DateField):
    """2026-11, as its first day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m"], **kwargs)


class ChargeQuery(serializers.Serializer[Any]):
    hospital = serializers.UUIDField(required=False)
    month = MonthSerializerField(required=False)
    kind = serializers.ChoiceField(choices=FeeKind.choices, required=False)


class StatementQuery(serializers.Serializer[Any]):
    hospital = serializers.UUIDField()
    month = MonthSerializerField()


class PriceSerializer(serializers.ModelSerializer[Price]):
    """A price from a day on, until the next of its kind."""

    class Meta:
        model = Price
        fields = ("id", "kind", "valid_from", "amount", "currency")
        read_only_fields = fields


class ChargeSerializer(serializers.ModelSerializer[Charge]):
    """One fee that a hospital owes; with `void_at` it is owed no more."""

    hospital_code = serializers.CharField(source="hospital.code", read_only=True)
    patient_code = serializers.CharField(source="patient.code", read_only=True)
    unit_no = serializers.CharField(source="unit.public_no", read_only=True)

    class Meta:
        model = Charge
        fields = (
            "id", "kind", "reference", "on", "amount", "currency", "hospital", "hospital_code", "patient",
            "patient_code", "unit", "unit_no", "void_at", "void_reason",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="The price list, with what was and what comes"),
    retrieve=extend_schema(summary="One price"),
)
class PriceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Price]):
    serializer_class = PriceSerializer
    permission_classes = [has_permission(Permission.FEE_VIEW)]
    queryset = Price.objects.none()

    def get_queryset(self) -> PriceQuerySet:
        rows: PriceQuerySet = Price.objects.order_by("kind", "-valid_from")
        return rows


@extend_schema_view(
    list=extend_schema(
        summary="Charges, newest first",
        parameters=[
            OpenApiParameter("hospital", OpenApiTypes.UUID, description="of one hospital"),
            _MONTH,
            OpenApiParameter("kind", OpenApiTypes.STR, enum=FeeKind.values),
        ],
    ),
    retrieve=extend_schema(summary="One charge"),
)
class ChargeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Charge]):
    """Of the own hospitals, for bank staff of all."""

    serializer_class = ChargeSerializer
    permission_classes = [has_permission(Permission.FEE_VIEW)]
    queryset = Charge.objects.none()

    def get_queryset(self) -> ChargeQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Charge.objects.none()
        asked = ChargeQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        where = dict(asked.validated_data)
        month = where.pop("month", None)
        rows: ChargeQuerySet = Charge.objects.visible_to(person_of(self.request)).filter(**where)
        rows = rows.of_month(month) if month else rows
        return rows.with_names().order_by("-on", "-entered_at", "pk")

    @extend_schema(
        summary="The statement of a hospital and month, as CSV",
        parameters=[OpenApiParameter("hospital", OpenApiTypes.UUID, required=True), _MONTH],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            400: OpenApiResponse(description="hospital or month is missing or cannot be read"),
            404: OpenApiResponse(description="no such hospital, or another's"),
        },
    )
    @action(detail=False, methods=["get"])
    def statement(self, request: Request) -> HttpResponseBase:
        asked = StatementQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        person = person_of(request)
        rows = Hospital.objects.open_for(person, Permission.FEE_VIEW)
        hospital = get_visible_or_404(rows, person, pk=asked.validated_data["hospital"])
        found = statements.statement(hospital, asked.validated_data["month"])
        return csv_response(
            statements.file_name(found), statements.STATEMENT_CSV, statements.statement_rows(found)
        )


def register(router: SimpleRouter) -> None:
    router.register("prices", PriceViewSet, basename="price")
    router.register("charges", ChargeViewSet, basename="charge")
