"""Hospitals compared and the forest plot: pages and files."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.access import permission_required, person_of
from core.exports import csv_response
from core.roles import Permission
from transplants import filters_figures as filters
from transplants import presenters_compared as presenter
from transplants.cohorts.cached import checked, result
from transplants.cohorts.definition import Cohort
from transplants.cohorts.disclosure import EVERYTHING, scope_of
from transplants.cohorts.forest import Forest, forest
from transplants.cohorts.hospitals import Comparison, comparison, seen_by
from transplants.views_figures import choices_markup, cohort_asked

_VIEW = Permission.OUTCOME_VIEW


def _comparison(request: HttpRequest) -> tuple[Cohort, Comparison]:
    """One hospital is compared with all: a cohort of one hospital is none here, nor is a split."""
    cohort = replace(cohort_asked(request), hospital=None, split="")
    scope = scope_of(person_of(request))
    if not scope.is_full:
        cohort = replace(
            cohort, combined=False
        )  # a hospital with the switch on, less the same with it off, is a cell
    checked(cohort, scope)
    # one fit for each hospital takes a second: made once for all readers, then cut down to what each may see
    return cohort, seen_by(scope, result("hospitals", comparison, cohort, EVERYTHING))


@require_GET
@permission_required(_VIEW)
def outcome_hospitals(request: HttpRequest) -> HttpResponse:
    cohort, found = _comparison(request)
    person = person_of(request)
    context = {
        "tabs": filters.tabs("outcome-hospitals", cohort),
        "choices": choices_markup(cohort, person, "outcome-hospitals"),
        **presenter.compared(found, cohort, person),
    }
    return render(request, "transplants/outcome_hospitals.html", context)


@require_GET
@permission_required(_VIEW)
def outcome_hospitals_csv(request: HttpRequest) -> HttpResponseBase:
    _cohort, found = _comparison(request)
    return csv_response("qidai-hospitals.csv", presenter.HOSPITAL_CSV, presenter.hospital_rows(found))


def _forest(request: HttpRequest) -> tuple[Cohort, Forest]:
    cohort = replace(cohort_asked(request), split="")
    return cohort, result("forest", forest, cohort, scope_of(person_of(request)))


@require_GET
@permission_required(_VIEW)
def outcome_forest(request: HttpRequest) -> HttpResponse:
    cohort, found = _forest(request)
    person = person_of(request)
    context = {
        "tabs": filters.tabs("outcome-forest", cohort),
        "choices": choices_markup(cohort, person, "outcome-forest"),
        **presenter.forest_page(found, cohort),
    }
    return render(request, "transplants/outcome_forest.html", context)


@require_GET
@permission_required(_VIEW)
def outcome_forest_csv(request: HttpRequest) -> HttpResponseBase:
    _cohort, found = _forest(request)
    return csv_response("qidai-forest.csv", presenter.FOREST_CSV, presenter.forest_rows(found))
