"""API of the papers of an order: which there are, and each as a PDF."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import get_visible_or_404, has_permission, person_of
from core.roles import Permission
from transplants.choices_papers import PaperKind, PaperLanguage
from transplants.models import Order, OrderPaper
from transplants.views_papers import paper_response

_ORDER = OpenApiParameter("order_pk", OpenApiTypes.UUID, OpenApiParameter.PATH, description="the order")


class AnyAccepted(DefaultContentNegotiation):
    """The answer is a PDF, an error JSON: whoever asks for `application/pdf` gets both."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class OrderPaperSerializer(serializers.ModelSerializer[OrderPaper]):
    """A paper that was handed out. digest: of what it says, at the foot of its pages; pdf_sha256: of the file."""

    class Meta:
        model = OrderPaper
        fields = ("id", "kind", "version", "language", "digest", "pdf_sha256", "made_at", "made_by")
        read_only_fields = fields


class OrderPaperViewSet(viewsets.GenericViewSet[OrderPaper]):
    """Of the orders of the own hospitals, for bank staff of all."""

    serializer_class = OrderPaperSerializer
    permission_classes = [has_permission(Permission.ORDER_VIEW)]
    content_negotiation_class = AnyAccepted
    queryset = OrderPaper.objects.none()
    lookup_field = "kind"
    lookup_value_regex = "|".join(PaperKind.values)

    @extend_schema(
        summary="Papers of an order that were handed out, newest first",
        parameters=[_ORDER],
        responses={200: OrderPaperSerializer(many=True)},
    )
    def list(self, request: Request, order_pk: str) -> Response:
        order = get_visible_or_404(Order, person_of(request), pk=order_pk)
        rows = OrderPaper.objects.filter(order=order).without_file().newest_first()
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="A paper of an order as it is now, as a PDF",
        parameters=[
            _ORDER,
            OpenApiParameter(
                "kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=PaperKind.values
            ),
            OpenApiParameter(
                "lang", OpenApiTypes.STR, description="of the paper; English without it",
                enum=PaperLanguage.values,
            ),
        ],
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            400: OpenApiResponse(description="no such language"),
            404: OpenApiResponse(description="no such order, or another hospital's"),
            409: OpenApiResponse(description="the order is not approved, or nothing is packed yet"),
        },
    )  # fmt: skip
    def retrieve(self, request: Request, order_pk: str, kind: str) -> HttpResponse:
        language = request.query_params.get("lang") or PaperLanguage.EN
        return paper_response(person_of(request), order_pk, kind, language)


def register(router: SimpleRouter) -> None:
    router.register(r"orders/(?P<order_pk>[0-9a-f-]{36})/papers", OrderPaperViewSet, basename="order-paper")
