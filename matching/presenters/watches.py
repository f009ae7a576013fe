"""Watched patients in words: what a notification says, the card of a request, the list of what one watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.kinds import Group, Kind
from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from matching.choices import CLASS_SIZE, WAITING
from matching.forms_watch import WatchForm
from matching.models import MatchRequest, PatientWatch
from matching.presenters.requests import class_word
from matching.services.watches import CODE


def better_text(params: Mapping[str, Any]) -> str:
    """Goes into e-mails: the patient's code, and nothing else of him."""
    text = ngettext(
        "%(n)d unit beats the best that was on offer for patient %(patient)s.",
        "%(n)d units beat the best that was on offer for patient %(patient)s.",
        params["n"],
    )
    return text % {"n": params["n"], "patient": params["patient"]}


def better_url(params: Mapping[str, Any]) -> str:
    """New units stand on the page of the request, those of a new list on the page of what it changed."""
    if params["run"]:
        return f"{reverse('matching:run-changes', args=[params['run']])}?show=new"
    return f"{reverse('matching:request-detail', args=[params['request']])}#new-units"


def better_subject(params: Mapping[str, Any]) -> str:
    return _("Qidai: better units for patient %(patient)s") % {"patient": params["patient"]}


BETTER = Kind(
    CODE,
    better_text,
    better_url,
    better_subject,
    Permission.REQUEST_VIEW,
    Group("watches", gettext_lazy("Watched patients")),
    label=gettext_lazy("Better units for a watched patient"),
    shared=("patient", "n", "request", "run"),
)


def card(request: MatchRequest, user: User) -> dict[str, Any]:
    """Context of matching/_watch.html."""
    watches = PatientWatch.objects.visible_to(user).active().filter(request=request)
    for_hospital = open_in(user, Permission.REQUEST_SUBMIT, request.hospital_id)
    return {
        "rows": [_row(watch, user) for watch in watches],
        "form": WatchForm(for_hospital=for_hospital),
        "waits": request.state in WAITING and request.patient.is_active,
        "order": order_text(request.policy.primary),
    }


def _row(watch: PatientWatch, user: User) -> dict[str, Any]:
    return {
        "pk": watch.pk,
        "who": _("everybody of the hospital") if watch.of_hospital else _("you"),
        "counts": watch.get_counts_display(),
        "since": watch.since,
        "by": watch.started_by,
        "may_end": may_end(watch, user),
    }


def may_end(watch: PatientWatch, user: User) -> bool:
    """One's own; that of the hospital whoever may start one."""
    if not watch.of_hospital:
        return watch.user_id == user.pk
    return open_in(user, Permission.REQUEST_SUBMIT, watch.request.hospital_id)


def order_text(primary: str) -> str:
    """The definition, as it stands on the page."""
    size = CLASS_SIZE[primary]
    values = {"size": f"{size}/{size}", "word": class_word(primary)}
    return (
        _(
            "Order: possible matches in the class of %(size)s (%(word)s), then the probability of no mismatch in "
            "steps of 10 %%, then certain matches, then nucleated cells."
        )
        % values
    )


def listed(watch: PatientWatch, user: User) -> dict[str, Any]:
    """One row of the list of what a person is told of."""
    request = watch.request
    return {
        **_row(watch, user),
        "request": request,
        "url": f"{reverse('matching:request-detail', args=[request.pk])}#watch",
        "waits": request.state in WAITING and request.patient.is_active,
    }
