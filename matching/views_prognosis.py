"""The prognosis of a patient, before any search."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.access import get_visible_or_404, permission_required, person_of
from core.errors import DomainError
from core.roles import Permission
from hospitals.models import Patient
from hospitals.querysets import open_in
from matching.presenters import crumbs, people
from matching.views_runs import HtmxRequest

log = logging.getLogger("qidai.prognosis")


@never_cache
@require_GET
@permission_required(Permission.PATIENT_VIEW, Permission.REQUEST_VIEW)
def patient_prognosis(request: HtmxRequest, pk: Any) -> HttpResponse:
    """For htmx only the answer. Where it cannot be told, why; nothing is stored."""
    person = person_of(request)
    rows = (
        Patient.objects.select_related("hospital")
        .with_current_typing()
        .open_for(person, Permission.REQUEST_VIEW)
    )
    patient: Patient = get_visible_or_404(rows, person, pk=pk)
    context = {"patient": patient, **_answer(patient)}
    if request.htmx:
        return render(request, "matching/_prognosis.html", context)
    may_ask = open_in(person, Permission.REQUEST_SUBMIT, patient.hospital_id) and patient.is_active
    context |= {
        "line": people.patient_line(patient, patient.weight_kg, people.today()),
        "request_url": f"{reverse('matching:request-create')}?patient={patient.pk}" if may_ask else "",
        "crumbs": crumbs.of_patient(patient, crumbs.here(_("Prognosis"))),
    }
    return render(request, "matching/prognosis.html", context)


def _answer(patient: Patient) -> dict[str, Any]:
    from matching.presenters import prognosis as words  # compiled loops: only where something is counted
    from matching.prognosis import prognosis_of

    try:
        return {"prognosis": words.context(prognosis_of(patient))}
    except DomainError as error:
        return {"why_not": error.message}
    except Exception:  # a search does not need it
        log.exception("no prognosis of patient %s", patient.pk)
        return {
            "why_not": _("The prognosis failed for a reason inside the program. A search does not need it.")
        }
