"""API of outcomes: the numbers of the pages, for the same cohort and as the same reader may see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from core.access import has_permission, person_of
from core.roles import Permission
from transplants.cohorts.cached import result
from transplants.cohorts.definition import HORIZONS, Cohort
from transplants.cohorts.dimensions import ALL_GROUPS, DIMENSIONS, FILTERS, GROUPS
from transplants.cohorts.disclosure import Scope, scope_of
from transplants.cohorts.figures import Line, Survival, SurvivalFigure, Test, survival
from transplants.cohorts.frame import Frame
from transplants.cohorts.incidences import IncidenceFigure, Incidences, incidences


class OutcomePoint(serializers.Serializer[Any]):
    """Null: not shown, because too few are at risk or could have been followed so far, or to protect few patients."""

    day = serializers.FloatField()
    value = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField(allow_null=True, help_text="95 %, log-log")
    upper = serializers.FloatField(allow_null=True)
    at_risk = serializers.IntegerField(allow_null=True)


class OutcomeLine(serializers.Serializer[Any]):
    """One curve. `key`: of the stratum, empty without a split; `nrm` after a bar: its non-relapse mortality."""

    key = serializers.CharField(allow_blank=True)
    n = serializers.IntegerField(allow_null=True)
    events = serializers.IntegerField(allow_null=True)
    missing = serializers.IntegerField(allow_null=True, help_text="without an answer, left out")
    few = serializers.BooleanField(help_text="under 20 patients: nothing is to be ranked by it")
    until = serializers.FloatField(help_text="last day that is shown")
    points = OutcomePoint(many=True)
    days = serializers.ListField(child=serializers.FloatField(), help_text="of the steps")
    values = serializers.ListField(child=serializers.FloatField())
    lower = serializers.ListField(child=serializers.FloatField())
    upper = serializers.ListField(child=serializers.FloatField())


class OutcomeTest(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=["logrank", "gray"])
    event = serializers.CharField(allow_blank=True)
    statistic = serializers.FloatField()
    df = serializers.IntegerField()
    p = serializers.FloatField()


class OutcomeFigure(serializers.Serializer[Any]):
    """`hidden`: strata that are not shown to this reader."""

    endpoint = serializers.CharField()
    lines = OutcomeLine(many=True)
    hidden = serializers.ListField(child=serializers.CharField())
    tests = OutcomeTest(many=True)


class OutcomeCause(serializers.Serializer[Any]):
    cause = serializers.CharField(allow_blank=True, help_text="group of causes; empty: not reported")
    deaths = serializers.IntegerField(allow_null=True)


class OutcomeExclusion(serializers.Serializer[Any]):
    reason = serializers.CharField()
    count = serializers.IntegerField(allow_null=True)


class OutcomeFigures(serializers.Serializer[Any]):
    """Figures of a cohort, and what it is."""

    n = serializers.IntegerField(allow_null=True)
    hospitals = serializers.IntegerField(allow_null=True)
    followed_years = serializers.FloatField(allow_null=True, help_text="median, reverse Kaplan–Meier")
    completeness = serializers.FloatField(allow_null=True, help_text="Clark's C")
    cut = serializers.DateField()
    version = serializers.IntegerField(help_text="of the data")
    exclusions = OutcomeExclusion(many=True, help_text="in the order in which they were applied")
    figures = OutcomeFigure(many=True)
    causes = OutcomeCause(many=True)


def plain(found: Survival | Incidences) -> dict[str, Any]:
    """The values as they are shown, nothing more."""
    head = asdict(found.summary)
    head["exclusions"] = [{"reason": reason, "count": count} for reason, count in found.summary.exclusions]
    causes = [asdict(cause) for cause in found.causes] if isinstance(found, Incidences) else []
    figures = [*found.figures, *([found.deaths] if isinstance(found, Incidences) and found.deaths else [])]
    return {**head, "causes": causes, "figures": [_figure(figure) for figure in figures]}


def _figure(figure: SurvivalFigure | IncidenceFigure) -> dict[str, Any]:
    if isinstance(figure, SurvivalFigure):
        lines = [*figure.lines, *([figure.whole] if figure.whole else [])]
        tests = [("", figure.test)] if figure.test else []
    else:
        lines, tests = figure.lines, figure.tests
    return {
        "endpoint": figure.endpoint,
        "lines": [_line(line) for line in lines],
        "hidden": figure.hidden,
        "tests": [_test(event, test) for event, test in tests],
    }


def _line(line: Line) -> dict[str, Any]:
    until = line.until if line.until != float("inf") else line.points[-1].day
    return {**asdict(line), "until": until}


def _test(event: str, test: Test) -> dict[str, Any]:
    return {**asdict(test), "event": event}


_CHOICES = [
    OpenApiParameter("group", enum=[*GROUPS, ALL_GROUPS], description="diseases; blood cancers if not given"),
    OpenApiParameter("dx", OpenApiTypes.STR, many=True, description="diagnoses, codes"),
    OpenApiParameter("combined", enum=["0", "1"], description="combined and supportive grafts count too"),
    OpenApiParameter("from", OpenApiTypes.INT, description="first year of transplant"),
    OpenApiParameter("to", OpenApiTypes.INT, description="last year of transplant"),
    *(OpenApiParameter(key, OpenApiTypes.STR, many=True, enum=DIMENSIONS[key].keys) for key in FILTERS),
    OpenApiParameter("hospital", OpenApiTypes.UUID),
    OpenApiParameter("list", OpenApiTypes.UUID, description="a list that was taken over"),
    OpenApiParameter("split", enum=list(DIMENSIONS)),
    OpenApiParameter("years", enum=[str(years) for years in HORIZONS], description="shown; 10 if not given"),
]
_ERRORS = {
    400: OpenApiResponse(description="a value that does not exist"),
    404: OpenApiResponse(description="a choice that this reader does not have"),
}


class OutcomeViewSet(viewsets.GenericViewSet[Any]):
    """Survival and competing events of a cohort of first transplants."""

    serializer_class = OutcomeFigures
    pagination_class = None
    permission_classes = [has_permission(Permission.OUTCOME_VIEW)]

    @extend_schema(
        summary="Survival of a cohort", parameters=_CHOICES, responses={200: OutcomeFigures, **_ERRORS}
    )
    @action(detail=False, methods=["get"])
    def survival(self, request: Request) -> Response:
        return _answer(request, "survival", survival)

    @extend_schema(
        summary="Competing events of a cohort",
        parameters=_CHOICES,
        responses={200: OutcomeFigures, **_ERRORS},
    )
    @action(detail=False, methods=["get"])
    def events(self, request: Request) -> Response:
        return _answer(request, "incidences", incidences)


def _answer(
    request: Request, kind: str, compute: Callable[[Frame, Cohort, Scope], Survival | Incidences]
) -> Response:
    cohort = Cohort.from_query(request.query_params)
    found = result(kind, compute, cohort, scope_of(person_of(request)))
    return Response(OutcomeFigures(plain(found)).data)


def register(router: SimpleRouter) -> None:
    router.register("outcomes", OutcomeViewSet, basename="outcome")
