"""Double units of a search, as the API answers them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from matching.engine import abo
from matching.engine.pairs import VERDICTS
from matching.exports_pairs import dose, number
from matching.models import SearchRun
from matching.presenters.pairs import Side, listed_results, sides
from matching.selection.pairs import RunPairs, places_of

PASSED = OpenApiParameter("passed", bool, description="only pairs that pass for certain")
_VERDICT = [(name, name) for name in VERDICTS]
_TO_PATIENT = [(name, name) for name in abo.TO_RECIPIENT]
_BETWEEN = [(name, name) for name in abo.BETWEEN]


def _span(help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text=help_text
    )


class PairRulesSerializer(serializers.Serializer[Any]):
    """What the policy asks of two units; doses per kg; unit_unit_least null: not asked."""

    tnc_e7_each = serializers.DecimalField(6, 2, help_text="at least")
    cd34_e5_each = serializers.DecimalField(6, 2, help_text="at least")
    tnc_e7_total_above = serializers.DecimalField(6, 2, help_text="both together, above")
    unit_unit_least = serializers.IntegerField(allow_null=True, help_text="with each other by antigen6")


class PairCountsSerializer(serializers.Serializer[Any]):
    """Where every pair went: pairs = passed + cannot_tell + failed; the listed ones are kept, cut are not."""

    units = serializers.IntegerField(help_text="that were paired")
    units_cut = serializers.IntegerField(help_text="listed units that were not")
    units_failing = serializers.IntegerField(help_text="listed units that fail a rule by themselves")
    pairs = serializers.IntegerField()
    passed = serializers.IntegerField()
    cannot_tell = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_by = serializers.DictField(child=serializers.IntegerField(), help_text="rule -> pairs")
    failed_only_by = serializers.DictField(child=serializers.IntegerField(), help_text="by no other rule")
    open_by = serializers.DictField(child=serializers.IntegerField(), help_text="rule -> cannot be told")
    kept = serializers.IntegerField()
    cut = serializers.IntegerField()


class PairUnitSerializer(serializers.Serializer[Any]):
    """One of two units; doses per kg of today's weight, null: unknown."""

    id = serializers.UUIDField()
    unit_no = serializers.CharField()
    rank = serializers.IntegerField()
    classes = serializers.DictField(child=_span("certain and possible matches"))
    tnc_e7_per_kg = serializers.FloatField(allow_null=True)
    cd34_e5_per_kg = serializers.FloatField(allow_null=True)
    abo = serializers.CharField(allow_blank=True)
    abo_to_patient = serializers.ChoiceField(choices=_TO_PATIENT)


class PairSerializer(serializers.Serializer[Any]):
    """Two units, the one of the better rank first."""

    place = serializers.IntegerField()
    verdict = serializers.ChoiceField(choices=_VERDICT)
    rules = serializers.DictField(
        child=serializers.ChoiceField(choices=_VERDICT), help_text="rule -> verdict"
    )
    tnc_e7_per_kg = serializers.FloatField(allow_null=True, help_text="both together; null: of one unknown")
    cd34_e5_per_kg = serializers.FloatField(allow_null=True, help_text="both together")
    unit_unit = serializers.DictField(child=_span("certain and possible matches with each other"))
    abo_between = serializers.ChoiceField(choices=_BETWEEN)
    units = PairUnitSerializer(many=True)


class RunPairsSerializer(serializers.Serializer[Any]):
    """The best pairs of a finished search by its policy, with patient and units as they are now."""

    policy = serializers.CharField()
    weight_kg = serializers.DecimalField(5, 2, allow_null=True, help_text="null: no dose can be told")
    rules = PairRulesSerializer()
    counts = PairCountsSerializer()
    pairs = PairSerializer(many=True, help_text="best first; failed pairs are only counted")

    @classmethod
    def of(cls, run: SearchRun, found: RunPairs, *, only_passed: bool) -> dict[str, Any]:
        places = places_of(found, only_passed=only_passed)
        listed = listed_results(run, found, places)
        values = {
            "policy": found.evaluation.policy_label,
            "weight_kg": found.evaluation.weight_kg,
            "rules": found.rules,
            "counts": found.found.counts,
            "pairs": [_pair(found, at, sides(found, at, listed)) for at in places],
        }
        return dict(cls(values).data)


def _pair(found: RunPairs, at: int, both: tuple[Side, Side]) -> dict[str, Any]:
    pairs = found.found
    return {
        "place": at + 1,
        "verdict": VERDICTS[pairs.verdicts[at]],
        "rules": {code: VERDICTS[verdicts[at]] for code, verdicts in pairs.rules.items()},
        "tnc_e7_per_kg": number(pairs.tnc_e7_per_kg[at]),
        "cd34_e5_per_kg": number(pairs.cd34_e5_per_kg[at]),
        "unit_unit": {name: spans[at].tolist() for name, spans in pairs.unit_unit.items()},
        "abo_between": abo.BETWEEN[pairs.abo[at]],
        "units": [_unit(side) for side in both],
    }


def _unit(side: Side) -> dict[str, Any]:
    result = side.result
    return {
        "id": result.unit_id,
        "unit_no": result.unit.unit_no,
        "rank": result.rank,
        "classes": {name: list(span) for name, span in result.classes.items()},
        "tnc_e7_per_kg": dose(side.tnc_e7_per_kg),
        "cd34_e5_per_kg": dose(side.cd34_e5_per_kg),
        "abo": result.unit.abo,
        "abo_to_patient": side.abo_to_patient,
    }
