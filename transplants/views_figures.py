"""Pages of outcomes: survival, competing events, and the files of their figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_GET

from core.access import permission_required, person_of
from core.errors import InvalidInput
from core.exports import csv_response
from core.models import User
from core.roles import Permission
from transplants import filters_figures as filters
from transplants import presenters_figures as presenter
from transplants.cohorts.cached import rendered, result
from transplants.cohorts.definition import Cohort
from transplants.cohorts.disclosure import Scope, scope_of
from transplants.cohorts.figures import Survival, SurvivalFigure, survival
from transplants.cohorts.frame import Frame
from transplants.cohorts.incidences import IncidenceFigure, Incidences, incidences

_VIEW = Permission.OUTCOME_VIEW
R = TypeVar("R")


def cohort_asked(request: HttpRequest) -> Cohort:
    """The cohort of the address; what does not exist is a page that does not exist."""
    try:
        return Cohort.from_query(request.GET)
    except InvalidInput as error:
        raise Http404 from error


def _found(request: HttpRequest, kind: str, compute: Callable[[Frame, Cohort, Scope], R]) -> tuple[Cohort, R]:
    cohort = cohort_asked(request)
    return cohort, result(kind, compute, cohort, scope_of(person_of(request)))


@require_GET
@permission_required(_VIEW)
def outcome_survival(request: HttpRequest) -> HttpResponse:
    cohort, found = _found(request, "survival", survival)
    context = {
        **_frame_of_page(request, cohort, found, "outcome-survival"),
        "sentence": presenter.sentence(found.summary, found.figures[0], cohort),
        "cards": _cards(request, "survival", cohort, found.figures),
    }
    return render(request, "transplants/outcome_survival.html", context)


@require_GET
@permission_required(_VIEW)
def outcome_incidence(request: HttpRequest) -> HttpResponse:
    cohort, found = _found(request, "incidences", incidences)
    figures = [*found.figures, *([found.deaths] if found.deaths else [])]
    context = {
        **_frame_of_page(request, cohort, found, "outcome-incidence"),
        "cards": _cards(request, "incidences", cohort, figures),
        "causes": presenter.cause_rows(found.causes),
    }
    return render(request, "transplants/outcome_incidence.html", context)


def _cards(
    request: HttpRequest,
    kind: str,
    cohort: Cohort,
    figures: Sequence[SurvivalFigure | IncidenceFigure],
) -> SafeString:
    """The cards of a page, kept with the results that they show."""

    def render_cards() -> str:
        pages = [presenter.figure_page(figure, cohort) for figure in figures]
        return render_to_string("transplants/_outcome_cards.html", {"figures": pages})

    # made by our own template, which escapes what it shows
    return mark_safe(rendered(kind, cohort, scope_of(person_of(request)), render_cards))  # noqa: S308


def choices_markup(cohort: Cohort, person: User, name: str) -> SafeString:
    """The form of a page, kept likewise: a reader of all rows has some seventy boxes in it."""
    scope = scope_of(person)

    def render_choices() -> str:
        context = filters.context(cohort, person, name)
        return render_to_string("transplants/_outcome_choices.html", context)

    return mark_safe(rendered(f"choices|{name}", cohort, scope, render_choices))  # noqa: S308


def _frame_of_page(
    request: HttpRequest, cohort: Cohort, found: Survival | Incidences, name: str
) -> dict[str, Any]:
    person = person_of(request)
    return {
        "cohort": cohort,
        "summary": found.summary,
        "definition": presenter.definition(found.summary, cohort),
        "tabs": filters.tabs(name, cohort),
        "choices": choices_markup(cohort, person, name),
    }


def _figure(found: Survival | Incidences, key: str) -> SurvivalFigure | IncidenceFigure:
    figures: list[SurvivalFigure | IncidenceFigure] = [*found.figures]
    if isinstance(found, Incidences) and found.deaths:
        figures.append(found.deaths)
    for figure in figures:
        if figure.endpoint == key and presenter.shown_lines(figure):
            return figure
    raise Http404


def _file(figure: SurvivalFigure | IncidenceFigure, cohort: Cohort, suffix: str) -> HttpResponseBase:
    name = f"qidai-{figure.endpoint}.{suffix}"
    if suffix == "csv":
        return csv_response(name, presenter.CSV_HEAD, presenter.csv_rows(figure, cohort))
    drawn = presenter.drawing(figure, cohort)
    title = str(presenter.ENDPOINTS[figure.endpoint].label)
    if suffix == "svg":
        from transplants.charts.png import STROKES

        strokes = [(n, colour, " ".join(f"{d:g}" for d in dash) or "none") for n, colour, dash in STROKES]
        values = {"chart": drawn, "title": title, "strokes": strokes}
        svg = render_to_string("transplants/outcome_figure.svg", values)
        response = HttpResponse(svg, content_type="image/svg+xml")
    else:
        from transplants.charts.png import png

        response = HttpResponse(png(drawn, title), content_type="image/png")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@permission_required(_VIEW)
def outcome_survival_file(request: HttpRequest, endpoint: str, suffix: str) -> HttpResponseBase:
    cohort, found = _found(request, "survival", survival)
    return _file(_figure(found, endpoint), cohort, suffix)


@require_GET
@permission_required(_VIEW)
def outcome_incidence_file(request: HttpRequest, endpoint: str, suffix: str) -> HttpResponseBase:
    cohort, found = _found(request, "incidences", incidences)
    return _file(_figure(found, endpoint), cohort, suffix)
