"""API of selection policies, for reading: which there are, and every rule of one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from core.access import has_permission, person_of
from core.roles import Permission
from matching.models import SelectionPolicy
from matching.querysets import SelectionPolicyQuerySet


class PolicySerializer(serializers.ModelSerializer[SelectionPolicy]):
    """One version of a policy. It never changes; `retired_at` says that it is offered no more."""

    hospital = serializers.CharField(
        source="hospital.code", default="", help_text="code of the hospital that owns it; empty: the bank"
    )
    copied_from = serializers.UUIDField(source="copied_from_id", allow_null=True)
    rules = serializers.JSONField(
        help_text="what searches use, and under `selection` of each rule its action and thresholds, the order, pairs"
    )

    class Meta:
        model = SelectionPolicy
        fields = (
            "id", "name", "version", "hospital", "indication", "proposed_for", "population", "author", "is_default",
            "copied_from", "rules", "references", "created_at", "created_by", "retired_at", "retired_by",
            "retire_reason",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(
        summary="Policies of the bank and of the own hospitals that are offered",
        parameters=[OpenApiParameter("retired", bool, description="with those offered no more")],
    ),
    retrieve=extend_schema(summary="One version of a policy, offered or not"),
)
class PolicyViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SelectionPolicy]
):
    """Selection policies: by which rules units are excluded, warned of and ordered."""

    serializer_class = PolicySerializer
    permission_classes = [has_permission(Permission.REFERENCE_VIEW)]
    queryset = SelectionPolicy.objects.none()

    def get_queryset(self) -> SelectionPolicyQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return SelectionPolicy.objects.none()
        rows: SelectionPolicyQuerySet = SelectionPolicy.objects.visible_to(person_of(self.request))
        wanted: Any = self.request.query_params.get("retired", "")
        if self.action == "list" and wanted.lower() not in ("true", "1", "yes", "on"):
            rows = rows.offered()
        return rows.select_related("hospital").order_by("hospital", "name", "-version", "pk")
