"""API of inventory planning: the figures of its page, and the worth of units."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import has_permission, person_of
from core.roles import Permission
from matching import planning
from matching.api_fields import FigureField
from matching.api_progress import ProgressSerializer
from matching.models import PlanningRun
from matching.querysets import PlanningRunQuerySet

Names = tuple[str, ...]


class RateSerializer(serializers.Serializer[Any]):
    """Of n simulated patients those with at least one unit of `floor` matches in a class and with a dose."""

    floor = serializers.IntegerField()
    dose = serializers.CharField(help_text="TNC in 10⁷/kg, at least; 0: no dose filter")
    n = serializers.IntegerField()
    possible = serializers.IntegerField(help_text="patients with a unit whose typing allows the class")
    certain = serializers.IntegerField(help_text="patients with a unit whose typing leaves no doubt of it")
    low = FigureField(help_text="of possible / n, 95 % (Wilson)")
    high = FigureField()
    units = serializers.ListField(
        child=serializers.IntegerField(), help_text="quartiles over patients of the number of units"
    )
    units_certain = serializers.ListField(child=serializers.IntegerField())

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"class": serializers.CharField(), **super().get_fields()}  # a word of Python


class SeriesSerializer(serializers.Serializer[Any]):
    floor = serializers.IntegerField()
    dose = serializers.CharField()
    hits = serializers.ListField(child=serializers.IntegerField(), help_text="patients served at each size")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"class": serializers.CharField(), **super().get_fields()}


class CurveSerializer(serializers.Serializer[Any]):
    """Units beyond `inventory` are simulated."""

    sizes = serializers.ListField(child=serializers.IntegerField())
    inventory = serializers.IntegerField()
    series = SeriesSerializer(many=True)


class GainSerializer(serializers.Serializer[Any]):
    """Share of patients newly served by one more unit with the haplotype; "": with any."""

    haplotype = serializers.CharField(allow_blank=True)
    frequency = FigureField()
    gain = FigureField()
    low = FigureField()
    high = FigureField()


class GainsSerializer(serializers.Serializer[Any]):
    patients = serializers.IntegerField()
    unserved = serializers.IntegerField()
    anybody = GainSerializer()
    best = GainSerializer(many=True)


class WorthSerializer(serializers.Serializer[Any]):
    patients = serializers.IntegerField()
    searches = serializers.IntegerField(help_text="in ten years")
    unserved = FigureField()
    never = serializers.IntegerField(help_text="units that headed no list")
    useless = serializers.IntegerField(help_text="units that no simulated patient could have had")
    expected = FigureField(help_text="units expected to be a best choice at least once")
    unseen_at_most = FigureField(help_text="worth that a unit of `never` may still have, 95 %")


class FiguresSerializer(serializers.Serializer[Any]):
    units = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="on offer, but untyped at A, B or DRB1")
    cells_unknown = serializers.IntegerField()
    unread_share = FigureField(help_text="of the set: haplotypes that the release cannot read")
    rates = RateSerializer(many=True)
    curve = CurveSerializer()
    gains = GainsSerializer()
    worth = WorthSerializer()


class PlanningBriefSerializer(serializers.ModelSerializer[PlanningRun]):
    """One simulation of patients of a population against the inventory."""

    progress = ProgressSerializer(source="job")
    parameters = serializers.DictField()

    class Meta:
        model = PlanningRun
        fields: Names = (
            "id", "progress", "parameters", "set_version", "set_checksum", "coverage", "population", "policy_label",
            "antigen_rule", "release", "mac_version", "ledger_number", "snapshot_checksum", "engine_version",
            "created_by", "created_at", "completed_at",
        )  # fmt: skip
        read_only_fields = fields


class PlanningSerializer(PlanningBriefSerializer):
    figures = serializers.SerializerMethodField(help_text="null until it is done")

    class Meta(PlanningBriefSerializer.Meta):
        fields = (*PlanningBriefSerializer.Meta.fields, "figures")
        read_only_fields = fields

    @extend_schema_field(FiguresSerializer(allow_null=True))
    def get_figures(self, run: PlanningRun) -> dict[str, Any] | None:
        return dict(FiguresSerializer(run.result).data) if run.is_finished else None


class UnitWorthSerializer(serializers.Serializer[Any]):
    """`ever`: probability of being the best choice at least once in ten years of searches; see `unseen_at_most`."""

    unit = serializers.UUIDField(source="unit_id")
    tnc_e7 = serializers.FloatField(allow_null=True)
    best = FigureField(help_text="share of patients whose list it heads; equal units share")
    useful = FigureField(help_text="share of patients who could have it")
    ever = FigureField()


@extend_schema_view(
    list=extend_schema(summary="Simulations of the inventory, newest first"),
    retrieve=extend_schema(summary="One simulation: how it stands, and its figures"),
)
class PlanningViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PlanningRun]):
    """What the inventory is worth to a population, simulated. The page starts a simulation; the API reads."""

    permission_classes = [has_permission(Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)]
    queryset = PlanningRun.objects.none()

    def get_queryset(self) -> PlanningRunQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return PlanningRun.objects.none()
        rows: PlanningRunQuerySet = PlanningRun.objects.visible_to(person_of(self.request))
        return rows.select_related("job")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[PlanningRun]]:
        return PlanningBriefSerializer if self.action == "list" else PlanningSerializer

    @extend_schema(
        summary="Worth of each unit, the least first, by pages; none before it is done",
        parameters=[OpenApiParameter("order", enum=["least", "most"], description="least if not given")],
        responses=UnitWorthSerializer(many=True),
    )
    @action(detail=True, methods=["get"])
    def units(self, request: Request, pk: str | None = None) -> Response:
        run = self.get_object()
        order: Any = []
        if run.is_finished:
            worth = planning.worths_of(run)
            order = planning.order_of(worth, least_first=request.query_params.get("order") != "most")
        page = self.paginate_queryset(order) or []
        found = planning.units_at(worth, page) if run.is_finished else []
        return self.get_paginated_response(UnitWorthSerializer(found, many=True).data)
