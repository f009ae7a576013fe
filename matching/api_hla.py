"""API of the typing workbench: hla_explain and hla_compare over HTTP. Nothing is stored or recorded."""

from __future__ import annotations

from typing import Any, Final, get_args

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import has_permission
from core.roles import Permission
from hla.antigens import ANTIGEN_RULES
from hla.loci import LOCI
from hla.typing import Blank
from matching import reference
from matching.workbench import (
    MAX_CALL_CHARACTERS,
    MAX_GROUPS,
    MAX_PAIRS,
    MAX_TYPINGS,
    Workbench,
    compared,
    explained,
)

INTERPRET_KEYS: Final = """
One typing gives the object of `hla_explain`: `input, locus, kind, canonical, p_groups[], antigens{split[], broad[],
associated[]}, expressed, ambiguous, null_possible[], notes[], release`, and `values[]` of a text with several values;
one that cannot be read gives `input, error{locus, text, position, message, hint, code}`. Sentences are in the
language of the reader; `note_codes`, `note_params`, `code` and `params` stay the same in every language.
Several typings give `{count, invalid, release, mac, results[]}` in the order given; what is invalid carries its
error and the rest is computed. Together they may stand for 500,000 P groups: about 100 typings by whole families (XX)
or antigens at all loci.
"""
COMPARE_KEYS: Final = """
One pair gives the object of `hla_compare`: `id, loci{A: {matches_min, matches_max, antigen_matches{min, max}, gvh, hvg,
direction, positions[{patient, unit, grade, confidence, why{code, params, text}}]}, …}, classes{antigen6{min, max},
allele6, allele8, allele10}, directions, dpb1, b_leader{patient, unit}, conflicts[], release`; one that cannot be read
gives `id, error`. Several pairs give `{count, invalid, release, mac, results[]}`.
"""


class TypingInput(serializers.Serializer[Any]):
    """One typing; `locus` of a single value that does not name its own."""

    typing = serializers.CharField(trim_whitespace=False, allow_blank=True)
    locus = serializers.ChoiceField(choices=LOCI, required=False, allow_null=True)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object"}]})
class TypingField(serializers.Field[Any, Any, Any, Any]):
    """A text, or an object {typing, locus}."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        given = TypingInput(data={"typing": data} if isinstance(data, str) else data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def to_representation(self, value: Any) -> Any:
        return value


class RulesInput(serializers.Serializer[Any]):
    """What both calls may say. A batch as a whole must not be larger than a call may be."""

    blank = serializers.ChoiceField(
        choices=get_args(Blank),
        default="unknown",
        help_text="what one value alone means: unknown or homozygous",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        length = sum(characters(value) for value in attrs.values())
        if length > MAX_CALL_CHARACTERS:
            text = _("At most %(limit)s characters are read in one call, these are %(length)s.")
            raise serializers.ValidationError(text % {"limit": MAX_CALL_CHARACTERS, "length": length})
        return attrs

    def only_one_of(self, attrs: dict[str, Any], single: str, several: str) -> None:
        """Exactly one of the two ways to ask."""
        if (single in attrs) == (several in attrs):
            text = _("Give either “%(single)s” or “%(several)s”.")
            raise serializers.ValidationError(text % {"single": single, "several": several})


def characters(value: Any) -> int:
    """Length of all texts in a value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(characters, value.values()))
    return sum(map(characters, value)) if isinstance(value, list) else 0


class InterpretInput(RulesInput):
    """One typing, or up to 1,000."""

    typing = serializers.CharField(trim_whitespace=False, allow_blank=True, required=False)
    locus = serializers.ChoiceField(choices=LOCI, required=False, allow_null=True)
    typings = serializers.ListField(
        child=TypingField(),
        required=False,
        allow_empty=False,
        max_length=MAX_TYPINGS,
        help_text="texts, or objects {typing, locus}",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.only_one_of(attrs, "typing", "typings")
        return super().validate(attrs)


class PairInput(serializers.Serializer[Any]):
    """A patient and a unit as GL strings."""

    id = serializers.CharField(required=False, allow_null=True, max_length=200)
    patient = serializers.CharField(trim_whitespace=False, allow_blank=True)
    unit = serializers.CharField(trim_whitespace=False, allow_blank=True)


class CompareInput(RulesInput):
    """One pair, or up to 200."""

    id = serializers.CharField(required=False, allow_null=True, max_length=200)
    patient = serializers.CharField(trim_whitespace=False, allow_blank=True, required=False)
    unit = serializers.CharField(trim_whitespace=False, allow_blank=True, required=False)
    pairs = serializers.ListField(child=PairInput(), required=False, allow_empty=False, max_length=MAX_PAIRS)
    antigen_rule = serializers.ChoiceField(
        choices=ANTIGEN_RULES, default="split", help_text="split: two splits of one broad antigen differ"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.only_one_of(attrs, "patient", "pairs")
        if "patient" in attrs and "unit" not in attrs:
            raise serializers.ValidationError({"unit": _("This value is needed.")})
        return super().validate(attrs)


def parameter(name: str, text: str, *, required: bool = False, enum: Any = None) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=text, required=required, enum=enum)


_BLANK = parameter("blank", "what one value alone means", enum=get_args(Blank))
_ERRORS = {400: OpenApiResponse(description="the call itself is malformed or too large")}


class HlaView(APIView):
    """Every signed-in role may ask: all of them may look at the inventory."""

    permission_classes = [has_permission(Permission.INVENTORY_VIEW)]


class InterpretView(HlaView):
    """What typings denote."""

    @extend_schema(
        summary="Interpret one HLA typing",
        description=INTERPRET_KEYS,
        parameters=[
            parameter("typing", "a value, two values or a GL string", required=True),
            parameter("locus", "of a single value that does not name its own", enum=LOCI),
            _BLANK,
        ],
        responses={200: OpenApiTypes.OBJECT, **_ERRORS},
    )
    def get(self, request: Request) -> Response:
        return self.answer(request.query_params.dict())

    @extend_schema(
        summary="Interpret HLA typings, up to 1,000 in a call",
        description=INTERPRET_KEYS,
        request=InterpretInput,
        responses={200: OpenApiTypes.OBJECT, **_ERRORS},
        examples=[
            OpenApiExample("one", {"typing": "A*02:01+A*24:02^B60+B46"}, request_only=True),
            OpenApiExample(
                "several",
                {
                    "typings": ["A*02:01/02:06", "B60", {"typing": "09:01", "locus": "DRB1"}],
                    "blank": "unknown",
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        return self.answer(request.data)

    def answer(self, data: Any) -> Response:
        given = InterpretInput(data=data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        bench = Workbench(reference.resolver(), blank=asked["blank"])
        items = asked.get("typings") or [{"typing": asked["typing"], "locus": asked.get("locus")}]
        self.check_size(bench, items)
        results = [explained(bench.explain(item["typing"], locus=item.get("locus"))) for item in items]
        return Response(batch(bench, results) if "typings" in asked else results[0])

    def check_size(self, bench: Workbench, items: list[dict[str, Any]]) -> None:
        """Refuse what would become an answer of a hundred megabytes, before any of it is built."""
        count = sum(bench.groups(item["typing"], locus=item.get("locus")) for item in items)
        if count > MAX_GROUPS:
            text = _(
                "The typings of one call may stand for at most %(limit)s P groups in all, these stand for %(count)s. "
                "Ask for fewer typings at once."
            )
            raise serializers.ValidationError({"typings": [text % {"limit": MAX_GROUPS, "count": count}]})


class CompareView(HlaView):
    """How units match patients, and why."""

    @extend_schema(
        summary="Compare two HLA typings",
        description=COMPARE_KEYS,
        parameters=[
            parameter("patient", "GL string", required=True),
            parameter("unit", "GL string", required=True),
            parameter("id", "is given back"),
            parameter("antigen_rule", "whether two splits of one broad antigen differ", enum=ANTIGEN_RULES),
            _BLANK,
        ],
        responses={200: OpenApiTypes.OBJECT, **_ERRORS},
    )
    def get(self, request: Request) -> Response:
        return self.answer(request.query_params.dict())

    @extend_schema(
        summary="Compare pairs of HLA typings, up to 200 in a call",
        description=COMPARE_KEYS,
        request=CompareInput,
        responses={200: OpenApiTypes.OBJECT, **_ERRORS},
        examples=[
            OpenApiExample(
                "one", {"patient": "A*02:01+A*24:02", "unit": "A*02:06+A*24:02"}, request_only=True
            ),
            OpenApiExample(
                "several",
                {
                    "pairs": [{"id": "1", "patient": "A2+A24", "unit": "A*02:01+A*24:02"}],
                    "antigen_rule": "split",
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        return self.answer(request.data)

    def answer(self, data: Any) -> Response:
        given = CompareInput(data=data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        bench = Workbench(reference.resolver(), blank=asked["blank"], antigen_rule=asked["antigen_rule"])
        pairs = asked.get("pairs") or [asked]
        results = [
            compared(bench.compare(pair["patient"], pair["unit"], identifier=pair.get("id")))
            for pair in pairs
        ]
        return Response(batch(bench, results) if "pairs" in asked else results[0])


def batch(bench: Workbench, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Answers in the order asked, and what they were made by."""
    return {
        "count": len(results),
        "invalid": sum("error" in result for result in results),
        "release": bench.resolver.nomenclature.release,
        "mac": bench.resolver.mac.version,
        "results": results,
    }
