"""Recomputed searches, as the API answers them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from bank.choices import UnitStatus
from core.access import has_permission, person_of
from core.roles import Permission
from matching.api_progress import ProgressSerializer
from matching.choices import CLASS_SIZE, Verdict
from matching.models import SearchReplay
from matching.querysets import SearchReplayQuerySet
from matching.replays import REMARKS
from matching.replays_today import told


class ReplayReason(serializers.Serializer[Any]):
    """Why something could not be computed."""

    code = serializers.CharField()
    text = serializers.CharField()


class ReplayDifference(serializers.Serializer[Any]):
    """One value that is not what is stored."""

    part = serializers.ChoiceField(choices=["figures", "rows", "ledger"])
    rank = serializers.IntegerField(allow_null=True, help_text="of a row")
    column = serializers.CharField(help_text="with the way inside it: evidence.A.positions.0.verdict")
    stored = serializers.JSONField(allow_null=True)
    recomputed = serializers.JSONField(allow_null=True, help_text="of part ledger: what the ledger says")


class UnitThen(serializers.Serializer[Any]):
    """A unit as one of the two lists has it."""

    rank = serializers.IntegerField()
    status = serializers.ChoiceField(choices=UnitStatus.choices)
    classes = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text=f"{', '.join(CLASS_SIZE)} -> [certain, possible] matches",
    )
    p0_of6 = serializers.FloatField(required=False)
    p0_of8 = serializers.FloatField(required=False)
    p0_of10 = serializers.FloatField(required=False)

    def to_representation(self, instance: Any) -> Any:
        return super().to_representation(told(instance))


class UnitChange(serializers.Serializer[Any]):
    """A unit that is not the same in both lists."""

    unit = serializers.UUIDField()
    changes = serializers.ListField(
        child=serializers.ChoiceField(choices=["new", "gone", "status", "class", "probability", "rank"])
    )
    then = UnitThen(allow_null=True, help_text="as stored; null for a new unit")
    now = UnitThen(allow_null=True, help_text="with today's data; null for a unit that is gone")


class ReplayToday(serializers.Serializer[Any]):
    """What the same patient, criteria and policy would give with today's data."""

    reason = ReplayReason(required=False, help_text="why it cannot be said; then nothing else is here")
    release = serializers.CharField(required=False)
    mac_version = serializers.CharField(required=False)
    ledger_number = serializers.IntegerField(required=False, help_text="inventory as of this change")
    sets = serializers.ListField(child=serializers.CharField(), required=False, help_text="frequency sets")
    units = serializers.IntegerField(required=False)
    candidates = serializers.IntegerField(required=False)
    kept = serializers.IntegerField(required=False)
    new = serializers.IntegerField(required=False, help_text="units")
    gone = serializers.IntegerField(required=False)
    changed = serializers.IntegerField(required=False)
    shifted = serializers.IntegerField(required=False, help_text="only moved because others came or went")
    same = serializers.IntegerField(required=False)
    by_change = serializers.DictField(child=serializers.IntegerField(), required=False)
    listed = UnitChange(many=True, required=False, help_text="the first hundred, what matters most first")


class ReplayBriefSerializer(serializers.ModelSerializer[SearchReplay]):
    """One recomputation of a search. `verdict` is empty until it is done, and for ever if it failed."""

    run = serializers.UUIDField(source="run_id")
    progress = ProgressSerializer(source="job")
    verdict = serializers.ChoiceField(
        choices=[("", ""), *Verdict.choices],
        help_text="identical only where every figure, row and column was compared",
    )
    reason = serializers.SerializerMethodField(help_text="of `impossible`")
    compared = serializers.DictField(child=serializers.IntegerField(), help_text="figures, rows, columns")
    remarks = serializers.ListField(child=serializers.ChoiceField(choices=REMARKS))

    class Meta:
        model = SearchReplay
        fields: tuple[str, ...] = (
            "id", "run", "progress", "verdict", "reason", "compared", "difference_count", "remarks",
            "engine_version", "created_at", "completed_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ReplayReason(allow_null=True))
    def get_reason(self, replay: SearchReplay) -> dict[str, Any] | None:
        return dict(ReplayReason(replay.reason).data) if replay.reason else None


class ReplaySerializer(ReplayBriefSerializer):
    """The same with what differs, and what today's data would give."""

    differences = ReplayDifference(many=True, help_text="the first hundred of difference_count")
    today = serializers.SerializerMethodField(help_text="null until it is done")

    class Meta(ReplayBriefSerializer.Meta):
        fields = (*ReplayBriefSerializer.Meta.fields, "differences", "today")
        read_only_fields = fields

    @extend_schema_field(ReplayToday(allow_null=True))
    def get_today(self, replay: SearchReplay) -> dict[str, Any] | None:
        return dict(ReplayToday(replay.today).data) if replay.today else None


REPLAY_ERRORS = {
    404: OpenApiResponse(description="no such search, or another hospital's"),
    409: OpenApiResponse(description="the search has not finished, or two are being recomputed already"),
}


@extend_schema_view(
    retrieve=extend_schema(summary="One recomputation of a search: how it stands, and what it proved"),
)
class ReplayViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[SearchReplay]):
    """Recomputed searches; `POST runs/{id}/replay` starts one."""

    serializer_class = ReplaySerializer
    permission_classes = [has_permission(Permission.REQUEST_VIEW)]
    queryset = SearchReplay.objects.none()

    def get_queryset(self) -> SearchReplayQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return SearchReplay.objects.none()
        rows: SearchReplayQuerySet = SearchReplay.objects.visible_to(person_of(self.request))
        return rows.select_related("job")
