"""The page on which a hospital reads what a confirmed typing makes of the match, and acknowledges it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.access import get_visible_or_404, permission_required, person_of
from core.posting import carried_out, posted
from core.roles import Permission
from transplants import match_held, presenters_match
from transplants.forms_typings import MatchForm
from transplants.models import Reservation
from transplants.services_match import match_acknowledge, may_acknowledge


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RESERVATION_VIEW, Permission.PATIENT_VIEW)
def reservation_match(request: HttpRequest, pk: Any) -> HttpResponse:
    person = person_of(request)
    rows = Reservation.objects.with_names().open_for(person, Permission.PATIENT_VIEW)
    row: Reservation = get_visible_or_404(rows, person, pk=pk)
    found = match_held.now_fallen(row)
    digest = found.digest if found else ""
    form = MatchForm(posted(request), initial={"shown": digest})
    outcome = carried_out(
        request,
        form,
        lambda: match_acknowledge(reservation_id=row.pk, user=person, **form.cleaned_data),
    )
    own_url = reverse("transplants:reservation-detail", args=[row.pk])
    if outcome.done:
        messages.success(request, _("It is kept with the reservation: the order can go on."))
        return redirect(own_url)
    known = match_held.acknowledged(row, found) if found else None
    context = {
        "row": row,
        "form": form,
        "table": presenters_match.table(found),
        "classes": presenters_match.classes(found),
        "known": known,
        "may": found is not None
        and known is None
        and row.is_open
        and may_acknowledge(person, row.hospital_id),
        "crumbs": [
            (reverse("transplants:reservation-list"), _("Reservations")),
            (own_url, row.number),
            ("", _("Match by the confirmed typing")),
        ],
    }
    return render(request, "transplants/reservation_match.html", context, status=outcome.status)
