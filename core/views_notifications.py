"""Pages of notifications: what a person was told, how he wants it, and for the administrator the outbox."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import kinds, mails, notifications, preferences
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.forms_notices import PreferencesForm
from core.models import Notification, OutgoingMail
from core.pages import Column, paginate
from core.posting import carried_out, posted
from core.roles import Permission

MAIL_TONES = {"waiting": "info", "sending": "maybe", "sent": "good", "failed": "bad", "dropped": ""}


@require_GET
def notification_list(request: HttpRequest) -> HttpResponse:
    """Of everybody the own ones, the newest first; `?show=unread` those not read."""
    rows = Notification.objects.visible_to(person_of(request)).select_related("mail")
    unread = request.GET.get("show") == "unread"
    page = paginate(request, rows.unread() if unread else rows)
    context = {
        "page": page,
        "rows": [_shown(row) for row in page],
        "unread": rows.unread().count(),
        "tabs": [
            {"url": "?", "label": _("All"), "active": not unread},
            {"url": "?show=unread", "label": _("Not read"), "active": unread},
        ],
        "is_mail_sent": notifications.is_mail_sent(),
    }
    return render(request, "core/notification_list.html", context)


def _shown(row: Notification) -> dict[str, Any]:
    return {
        "pk": row.pk,
        "text": kinds.text_of(row),
        "url": reverse("core:notification-open", args=[row.pk]) if kinds.url_of(row) else "",
        "at": row.created_at,
        "unread": row.read_at is None,
        "mail": _mail_text(row.mail) if row.mail else None,
    }


def _mail_text(mail: OutgoingMail) -> dict[str, str]:
    """What became of the e-mail, in two words."""
    texts = {
        OutgoingMail.State.WAITING: _("e-mail to come"),
        OutgoingMail.State.SENDING: _("e-mail to come"),
        OutgoingMail.State.SENT: _("e-mail sent"),
        OutgoingMail.State.FAILED: _("e-mail could not be sent"),
        OutgoingMail.State.DROPPED: "",
    }
    tone = "bad" if mail.state == OutgoingMail.State.FAILED else ""
    return {"text": texts[OutgoingMail.State(mail.state)], "tone": tone}


@require_GET
def notification_open(request: HttpRequest, pk: Any) -> HttpResponse:
    """The link of list and e-mail: it is read now, and leads to what it is about.

    With matching.services.run_see one of the few GETs that change something: a mark of the reader's own, needed so that
    the plain link of an e-mail sets it. It drops the e-mail that waits, so a browser that only fetches ahead sets none.
    """
    row = get_visible_or_404(Notification, person_of(request), pk=pk)
    if "prefetch" not in request.headers.get("Sec-Purpose", ""):
        notifications.notifications_read(user=person_of(request), ids=[row.pk])
    return redirect(kinds.url_of(row) or "core:notification-list")


@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    """One (`id`) or all; what is not the person's own is not touched."""
    ids = (
        None
        if "all" in request.POST
        else [found for text in request.POST.getlist("id") if (found := _uuid(text))]
    )
    notifications.notifications_read(user=person_of(request), ids=ids)
    return redirect("core:notification-list")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_http_methods(["GET", "POST"])
def notice_preferences(request: HttpRequest) -> HttpResponse:
    """By group of kinds how one is told, and the quiet hours; every person's own."""
    person = person_of(request)
    wishes = preferences.wishes_of_one(person)
    form = PreferencesForm(posted(request), person=person, wishes=wishes)
    outcome = carried_out(
        request, form, lambda: preferences.preferences_set(user=person, **form.preferences())
    )
    if outcome.done:
        messages.success(request, _("Your choice was saved."))
        return redirect("core:notice-preferences")
    context = {
        "form": form,
        "always": [
            kind.name for kind in kinds.known() if kind.weight and person.has_permission(kind.permission)
        ],
        "is_mail_sent": notifications.is_mail_sent(),
        "zone": settings.TIME_ZONE,
        "crumbs": [(reverse("core:profile"), _("Profile")), ("", _("What I am told"))],
    }
    return render(request, "core/notice_preferences.html", context, status=outcome.status)


@require_GET
@permission_required(Permission.JOB_VIEW_ALL)
def mail_list(request: HttpRequest) -> HttpResponse:
    """The outbox: to whom, how it stands, why not. What an e-mail says is not shown."""
    rows = OutgoingMail.objects.visible_to(person_of(request)).select_related("user")
    state = request.GET.get("state", "")
    if state in OutgoingMail.State.values:
        rows = rows.filter(state=state)
    labels = (_("To"), _("State"), _("Due"), _("Attempts"), _("Sent"), _("Error"))
    context = {
        "page": paginate(request, rows),
        "tabs": [
            {"url": f"?state={value}" if value else "?", "label": label, "active": value == state}
            for value, label in [("", _("All")), *OutgoingMail.State.choices]
        ],
        "columns": [Column(label, num=index == 3) for index, label in enumerate(labels)],
        "tones": MAIL_TONES,
        "is_mail_sent": notifications.is_mail_sent(),
        "may_retry": person_of(request).has_permission(Permission.JOB_CANCEL_ALL),
        "crumbs": [(reverse("core:job-list"), _("Jobs")), ("", _("E-mails"))],
    }
    return render(request, "core/mail_list.html", context)


@require_POST
@permission_required(Permission.JOB_VIEW_ALL, Permission.JOB_CANCEL_ALL)
def mail_retry(request: HttpRequest, pk: Any) -> HttpResponse:
    mail = get_visible_or_404(OutgoingMail, person_of(request), pk=pk)
    try:
        mails.mail_retry(mail_id=mail.pk, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The e-mail is tried again."))
    return redirect("core:mail-list")
