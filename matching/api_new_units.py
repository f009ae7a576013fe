"""API of new units for waiting patients: what the pages list."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from bank.choices import DonorType
from bank.models import CordBloodUnit
from core.access import has_permission, person_of
from core.roles import Permission
from matching.exports import status_of_unit
from matching.lists_new_units import best
from matching.models import NewUnitFinding
from matching.querysets import NewUnitFindingQuerySet
from matching.shares import of_finding


class NewUnitQuery(serializers.Serializer[Any]):
    request = serializers.UUIDField(required=False)
    unit = serializers.UUIDField(required=False)


class RequestBrief(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField()


class UnitBrief(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    unit_no = serializers.CharField()
    din = serializers.CharField()
    donor_type = serializers.ChoiceField(choices=DonorType.choices)
    grid = serializers.CharField(help_text="of an adult donor")
    status = serializers.SerializerMethodField(
        help_text="as of now; NOT_OFFERED where a hospital asks of a unit that is neither listed nor reserved"
    )

    @extend_schema_field(serializers.CharField())
    def get_status(self, unit: CordBloodUnit) -> str:
        return status_of_unit(unit, person_of(self.context["request"]))


class NewUnitSerializer(serializers.ModelSerializer[NewUnitFinding]):
    """One unit that came on offer since a request's last search and would stand in its list."""

    request = RequestBrief()
    unit = UnitBrief()
    classes = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="class -> [certain, possible] matches",
    )
    probabilities = serializers.SerializerMethodField(
        help_text="class size -> probability of no allele mismatch"
    )

    class Meta:
        model = NewUnitFinding
        fields = (
            "request", "unit", "classes", "probabilities", "tnc_e7", "tnc_e7_per_kg", "ledger_number", "found_at",
            "seen_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.DictField(child=serializers.FloatField()))
    def get_probabilities(self, row: NewUnitFinding) -> dict[str, float]:
        return of_finding(row)


_BY = (
    OpenApiParameter("request", OpenApiTypes.UUID, description="of one match request"),
    OpenApiParameter("unit", OpenApiTypes.UUID, description="of one unit: which patients is it for?"),
)


@extend_schema_view(
    list=extend_schema(
        summary="New units for waiting patients, best first, in no match list yet", parameters=[*_BY]
    )
)
class NewUnitViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[NewUnitFinding]):
    """Units that came on offer since the last searches; of the own hospitals, for bank staff of all."""

    serializer_class = NewUnitSerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW)]
    queryset = NewUnitFinding.objects.none()

    def get_queryset(self) -> NewUnitFindingQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return NewUnitFinding.objects.none()
        asked = NewUnitQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows: NewUnitFindingQuerySet = NewUnitFinding.objects.visible_to(person_of(self.request))
        return rows.filter(**asked.validated_data).since_search().with_names().order_by(*best(), "pk")
