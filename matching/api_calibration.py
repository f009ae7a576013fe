"""API of calibration: the figures of its page."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import has_permission, person_of
from core.roles import Permission
from hla.prediction.calibration import Reliability
from matching.api_fields import FigureField
from matching.calibration import Calibration, calibrations
from matching.choices import Quantity

BIN_NAMES = ("low", "high", "n", "predicted", "observed", "lower", "upper")


class CalibrationQuery(serializers.Serializer[Any]):
    quantity = serializers.ChoiceField(choices=Quantity.choices, default=Quantity.OF8)
    set = serializers.CharField(required=False, default="", max_length=64)


class ReliabilityBin(serializers.Serializer[Any]):
    """Predictions from `low` to `high`: their mean, and the share that came true with its 95 % interval (Wilson)."""

    low = FigureField()
    high = FigureField()
    n = serializers.IntegerField()
    predicted = FigureField()
    observed = FigureField()
    lower = FigureField()
    upper = FigureField()


class DriftAlarm(serializers.Serializer[Any]):
    """At most the share `false_alarms` of looks at right predictions is an alarm. Null where not judged."""

    verdict = serializers.ChoiceField(choices=["too_few", "in_control", "alarm"])
    reasons = serializers.ListField(child=serializers.ChoiceField(choices=["total", "spread", "drift"]))
    z_total = FigureField(allow_null=True, help_text="observed less expected, in standard deviations")
    z_spread = FigureField(allow_null=True, help_text="Spiegelhalter's z")
    drift_p = FigureField(allow_null=True, help_text="of the CUSUM over the newest `window` units")
    window = serializers.IntegerField()
    false_alarms = FigureField()
    judged_from = serializers.IntegerField(help_text="units; fewer are not judged")


class CalibrationSerializer(serializers.Serializer[Any]):
    """Predictions of no mismatch by one frequency set for the units of one bank; each unit counts once."""

    frequency_set = serializers.CharField()
    checksum = serializers.CharField()
    bank = serializers.CharField(help_text="code")
    quantity = serializers.ChoiceField(choices=Quantity.choices)
    predictions = serializers.IntegerField(help_text="checked, all searches counted")
    n = serializers.IntegerField(help_text="units")
    expected = FigureField(help_text="sum of the probabilities")
    observed = serializers.IntegerField(help_text="units without a mismatch")
    difference = FigureField(help_text="observed share less mean probability")
    difference_lower = FigureField(help_text="95 %")
    difference_upper = FigureField()
    city_block = FigureField(help_text="distance of the curve from the diagonal, weighted by n")
    curve = ReliabilityBin(many=True)
    alarm = DriftAlarm()


def plain(one: Calibration, quantity: str) -> dict[str, Any]:
    totals, alarm = one.totals, one.alarm
    return {
        "frequency_set": one.set_version,
        "checksum": one.set_checksum,
        "bank": one.bank_code,
        "quantity": quantity,
        "predictions": one.predictions,
        "n": totals.n,
        "expected": totals.expected,
        "observed": totals.observed,
        "difference": totals.difference,
        "difference_lower": totals.lower,
        "difference_upper": totals.upper,
        "city_block": one.curve.city_block,
        "curve": _bins(one.curve),
        "alarm": {
            "verdict": alarm.verdict,
            "reasons": list(alarm.reasons),
            "z_total": _or_none(alarm.z_total),
            "z_spread": _or_none(alarm.z_spread),
            "drift_p": _or_none(alarm.drift),
            "window": alarm.window,
            "false_alarms": alarm.false_alarms,
            "judged_from": alarm.judged_from,
        },
    }


def _bins(curve: Reliability) -> list[dict[str, Any]]:
    columns = (getattr(curve, name).tolist() for name in BIN_NAMES)
    return [dict(zip(BIN_NAMES, row, strict=True)) for row in zip(*columns, strict=True)]


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


class CalibrationViewSet(viewsets.GenericViewSet[Any]):
    """How match probabilities turned out where units were typed again."""

    serializer_class = CalibrationSerializer
    pagination_class = None
    permission_classes = [has_permission(Permission.REFERENCE_VIEW, Permission.INVENTORY_VIEW_ALL)]

    @extend_schema(
        summary="Calibration per frequency set and bank",
        parameters=[
            OpenApiParameter(
                "quantity", enum=Quantity.values, description="class of n or locus; 8 if not given"
            ),
            OpenApiParameter("set", description="checksum of one frequency set"),
        ],
        responses=CalibrationSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        asked = CalibrationQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        quantity, checksum = asked.validated_data["quantity"], asked.validated_data["set"]
        found = [plain(one, quantity) for one in calibrations(person_of(request), quantity, checksum)]
        return Response(CalibrationSerializer(found, many=True).data)
