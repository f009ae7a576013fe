"""API: units for reading. No logic: the list's filters, the list's visibility."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.routers import SimpleRouter

from bank import lists
from bank.choices_genetic import GeneticKind
from bank.genetic import Asked
from bank.genetic_pages import guard_api, guard_api_page
from bank.graft_facts import GraftFacts, graft_facts
from bank.models import CordBloodUnit
from bank.querysets import CordBloodUnitQuerySet
from bank.unit_pages import own_unit
from bank.views_dossier import file_response
from core.access import has_permission
from core.api import Pagination
from core.roles import Permission


class UnitPagination(Pagination):
    django_paginator_class = lists.CappedPaginator


class UnitSerializer(serializers.ModelSerializer):
    """A unit as listed: counts in 10⁷ and 10⁶, volume in mL, canonical typing by locus."""

    bank = serializers.CharField(source="bank.code")
    public_no = serializers.CharField()
    status = serializers.CharField(
        source="plain_status", help_text="of a unit that a flag keeps back, the flag: RECALLED, …"
    )
    blocks = serializers.ListField(
        child=serializers.CharField(),
        help_text="flags that keep the unit from every search; bank staff only see such",
    )
    din_check = serializers.CharField()
    cbu_id = serializers.CharField(help_text="EMDIS hub and unit number, at most 17 characters")
    hla = serializers.SerializerMethodField()
    quality = serializers.SerializerMethodField(
        help_text="potency, viability, screen; each value with its time point and standing (verified, unverified,"
        " invented), null where not recorded;"
        " bank staff also read the mother's typing"
    )

    class Meta:
        model = CordBloodUnit
        fields = (
            "id", "public_no", "unit_no", "din", "din_check", "cbu_id", "grid", "product_code", "bank", "source",
            "donor_type", "status", "blocks",
            "collected_on", "sex", "abo", "rh", "populations", "volume_ml", "tnc_e7", "cd34_e6", "segments",
            "red_cells", "processing_method", "counts_invented", "synthetic", "hla", "quality",
        )  # fmt: skip
        read_only_fields = fields

    def get_quality(self, unit: CordBloodUnit) -> dict[str, Any]:
        facts = self._facts()[unit.pk]
        user = self.context["request"].user
        return quality(facts) | (mother(facts) if user.has_permission(Permission.INVENTORY_VIEW_ALL) else {})

    def _facts(self) -> dict[UUID, GraftFacts]:
        """Of all units that are shown, read at once."""
        shown = self.parent.instance if self.parent is not None else [self.instance]
        if "facts" not in self.context:
            self.context["facts"] = graft_facts([unit.pk for unit in shown])
        return self.context["facts"]

    def get_hla(self, unit: CordBloodUnit) -> dict[str, list[str]]:
        return {locus: [first, second] for locus, first, second in unit.typing_pairs if first}


QUALITY = (
    "cfu_e5", "cfu_time_point", "cfu_standing", "viability_percent", "viability_time_point", "viability_standing",
    "cd34_viability_percent", "cd34_viability_time_point", "cd34_viability_standing", "haematocrit_percent",
    "haematocrit_time_point", "haematocrit_standing", "haemoglobinopathy", "haemoglobinopathy_verified",
    "accreditations", "accreditations_ended",
)  # fmt: skip


def quality(facts: GraftFacts) -> dict[str, Any]:
    """Those of the facts that the unit's own fields do not say."""
    return {name: getattr(facts, name) for name in QUALITY}


def mother(facts: GraftFacts) -> dict[str, Any]:
    """Of a third person: for the bank's staff only."""
    typed = {locus: list(pair) for locus, pair in facts.mother_typing.items()}
    return {"mother_hla": typed, "mother_differs": facts.mother_differs}


def _parameter(name: str, kind: Any, text: str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=text)


_FILTERS = [
    _parameter("q", OpenApiTypes.STR, "beginning of a unit number, or a DIN typed or scanned"),
    _parameter("status", OpenApiTypes.STR, "state (bank staff only)"),
    _parameter("hla", OpenApiTypes.STR, "alleles, first fields or antigens that the typing names, by spaces"),
    _parameter("loci", OpenApiTypes.STR, "3: A,B,DRB1 typed; 4: and C; 5: and DQB1"),
    _parameter("abo", OpenApiTypes.STR, "A, B, AB, O"),
    _parameter("rh", OpenApiTypes.STR, "+ or -"),
    _parameter("tnc", OpenApiTypes.FLOAT, "TNC at least, ×10⁷"),
    _parameter("cd34", OpenApiTypes.FLOAT, "CD34 at least, ×10⁶"),
    _parameter("year", OpenApiTypes.INT, "year of collection"),
    _parameter("sort", OpenApiTypes.STR, "no, tnc, cd34, collected; with - descending"),
]


DOSSIER = (
    "Everything recorded of one own unit (docs/dossier.md). Each call is a download and stands in the audit trail; the "
    "digest of the answer is its header X-Content-SHA256."
)


class UnitViewSet(viewsets.ReadOnlyModelViewSet):
    """Units that the caller may see: hospitals the listed ones, the bank's staff all."""

    serializer_class = UnitSerializer
    pagination_class = UnitPagination
    permission_classes = [has_permission(Permission.INVENTORY_VIEW)]
    queryset = CordBloodUnit.objects.none()

    def get_queryset(self) -> CordBloodUnitQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return CordBloodUnit.objects.none()
        if self.action == "retrieve":
            return CordBloodUnit.objects.with_kept().visible_to(self.request.user).select_related("bank")
        units, form, _sort = lists.unit_selection(self.request, self.request.user)
        if form.errors:
            raise serializers.ValidationError(form.errors)
        return units.select_related("bank")

    @extend_schema(responses={200: OpenApiTypes.OBJECT}, description=DOSSIER)
    @action(
        detail=True,
        permission_classes=[has_permission(Permission.INVENTORY_VIEW_ALL, Permission.UNIT_DOSSIER)],
    )
    def dossier(self, request: Any, pk: Any = None) -> Any:
        return file_response(request, own_unit(request, pk), "json", settings.LANGUAGE_CODE)

    @extend_schema(parameters=_FILTERS)
    def list(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().list(request, *args, **kwargs)
        guard_api_page(request, self.paginator.page, GeneticKind.UNIT_API, title="units")
        return response

    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """A unit by itself counts as well: all of them, one by one, are the inventory."""
        response = super().retrieve(request, *args, **kwargs)
        guard_api(request, Asked(GeneticKind.UNIT_API, request.path, "unit", 1, list, 1))
        return response


def register(router: SimpleRouter) -> None:
    router.register("units", UnitViewSet, basename="unit")
