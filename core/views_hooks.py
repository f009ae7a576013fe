"""Pages of web-hooks: registered, changed, tried, disabled; what was posted and what not. The administrator's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import hook_sending, hooks, kinds
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.forms_notices import HookForm
from core.models import HookDelivery, WebHook
from core.pages import Column, paginate
from core.posting import carried_out, posted
from core.roles import Permission

TONES = {"waiting": "info", "sending": "maybe", "sent": "good", "failed": "bad"}
_ADMIN = permission_required(Permission.HOOK_EDIT)


@require_GET
@_ADMIN
def hook_list(request: HttpRequest) -> HttpResponse:
    page = paginate(request, WebHook.objects.visible_to(person_of(request)))
    labels = (_("Name"), _("Address"), _("State"), _("Kinds"), _("Last posted"))
    context = {
        "page": page,
        "rows": [(hook, _state(hook)) for hook in page],
        "columns": [Column(label, num=index == 3) for index, label in enumerate(labels)],
        "crumbs": [(reverse("core:job-list"), _("Jobs")), ("", _("Web-hooks"))],
    }
    return render(request, "core/hook_list.html", context)


def _state(hook: WebHook) -> dict[str, str]:
    if hook.disabled_at is not None:
        return {"text": _("disabled"), "tone": "bad" if hook.failures else ""}
    if hook.failures:
        return {"text": _("does not answer"), "tone": "warn"}
    return {"text": _("enabled"), "tone": "good"}


@never_cache
@sensitive_post_parameters("url")
@sensitive_variables("secret", "form")
@require_http_methods(["GET", "POST"])
@_ADMIN
def hook_create(request: HttpRequest) -> HttpResponse:
    form = HookForm(posted(request), initial={"language": request.LANGUAGE_CODE})
    outcome = carried_out(
        request, form, lambda: hooks.hook_create(**form.cleaned_data, actor=actor_of(request))
    )
    if outcome.done:
        hook, secret = outcome.value
        return _show_secret(request, hook, secret)
    return _form_page(request, form, _("New web-hook"), outcome.status)


@never_cache
@sensitive_post_parameters("url")
@sensitive_variables("form", "initial")
@require_http_methods(["GET", "POST"])
@_ADMIN
def hook_change(request: HttpRequest, pk: Any) -> HttpResponse:
    hook = get_visible_or_404(WebHook, person_of(request), pk=pk)
    initial = {"name": hook.name, "url": hook.url, "language": hook.language, "codes": hook.kinds}
    form = HookForm(posted(request), initial=initial)
    outcome = carried_out(
        request,
        form,
        lambda: hooks.hook_change(hook_id=hook.pk, **form.cleaned_data, actor=actor_of(request)),
    )
    if outcome.done:
        messages.success(request, _("The web-hook was saved."))
        return redirect("core:hook-detail", pk=hook.pk)
    return _form_page(request, form, hook.name, outcome.status)


def _form_page(request: HttpRequest, form: HookForm, title: str, status: int) -> HttpResponse:
    crumbs = [(reverse("core:hook-list"), _("Web-hooks")), ("", title)]
    return render(
        request, "core/hook_form.html", {"form": form, "title": title, "crumbs": crumbs}, status=status
    )


@require_GET
@_ADMIN
def hook_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """How it stands, and what was posted to it, the newest first; `?state=failed` what was given up."""
    hook = get_visible_or_404(WebHook, person_of(request), pk=pk)
    rows = HookDelivery.objects.visible_to(person_of(request)).filter(hook=hook)
    has_failed = rows.filter(state=HookDelivery.State.FAILED).exists()
    state = request.GET.get("state", "")
    if state in HookDelivery.State.values:
        rows = rows.filter(state=state)
    page = paginate(request, rows)
    labels = (_("Written"), _("Kind"), _("State"), _("Attempts"), _("Posted"), _("Answer"))
    context = {
        "hook": hook,
        "state": _state(hook),
        "facts": _facts(hook),
        "page": page,
        "rows": [(row, _kind_name(row.code)) for row in page],
        "tabs": [
            {"url": f"?state={value}" if value else "?", "label": label, "active": value == state}
            for value, label in [("", _("All")), *HookDelivery.State.choices]
        ],
        "columns": [Column(label, num=index == 3) for index, label in enumerate(labels)],
        "tones": TONES,
        "has_failed": has_failed,
        "crumbs": [(reverse("core:hook-list"), _("Web-hooks")), ("", hook.name)],
    }
    return render(request, "core/hook_detail.html", context)


def _kind_name(code: str) -> str:
    if code == hooks.TEST:
        return _("Test")
    kind = kinds.get(code)
    return kind.name if kind else code


def _facts(hook: WebHook) -> list[dict[str, Any]]:
    state = _state(hook)
    facts = [
        {"label": _("State"), "value": state["text"], "tone": state["tone"]},
        {"label": _("Address"), "value": hook.shown_url},
        {"label": _("Language"), "value": hook.get_language_display()},
        {"label": _("Kinds"), "value": " · ".join(map(_kind_name, hook.kinds))},
        {"label": _("Last posted"), "value": _moment(hook.posted_at)},
        {
            "label": _("Failed attempts in a row"),
            "value": _("%(n)s; disabled at %(most)s")
            % {"n": hook.failures, "most": hook_sending.DISABLE_AFTER},
        },
    ]
    if hook.disabled_at is not None:
        facts.append({"label": _("Disabled by"), "value": f"{hook.disabled_by}, {_moment(hook.disabled_at)}"})
    return facts


def _moment(at: Any) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else "—"


@never_cache
@sensitive_variables("secret")
@require_POST
@_ADMIN
def hook_secret(request: HttpRequest, pk: Any) -> HttpResponse:
    hook = get_visible_or_404(WebHook, person_of(request), pk=pk)
    secret = hooks.hook_new_secret(hook_id=hook.pk, actor=actor_of(request))
    return _show_secret(request, hook, secret)


def _show_secret(request: HttpRequest, hook: WebHook, secret: str) -> HttpResponse:
    """Shown on this one answer and never again."""
    crumbs = [(reverse("core:hook-list"), _("Web-hooks")), ("", hook.name)]
    return render(request, "core/hook_secret.html", {"hook": hook, "secret": secret, "crumbs": crumbs})


@require_POST
@_ADMIN
def hook_active(request: HttpRequest, pk: Any) -> HttpResponse:
    if request.POST.get("active") == "yes":
        return _done(request, pk, hooks.hook_enable, _("The web-hook is enabled."))
    return _done(request, pk, hooks.hook_disable, _("The web-hook is disabled."))


@require_POST
@_ADMIN
def hook_test(request: HttpRequest, pk: Any) -> HttpResponse:
    return _done(request, pk, hooks.hook_test, _("A test is posted; its row below says how it went."))


@require_POST
@_ADMIN
def hook_retry(request: HttpRequest, pk: Any) -> HttpResponse:
    """All that was given up, or one (`delivery`)."""
    wanted = request.POST.get("delivery", "")
    rows = HookDelivery.objects.filter(hook=pk)
    more = {"delivery_id": get_visible_or_404(rows, person_of(request), pk=wanted).pk} if wanted else {}
    return _done(request, pk, hooks.deliveries_retry, _("It is posted again."), **more)


def _done(request: HttpRequest, pk: Any, service: Any, words: str, **more: Any) -> HttpResponse:
    hook = get_visible_or_404(WebHook, person_of(request), pk=pk)
    try:
        service(hook_id=hook.pk, actor=actor_of(request), **more)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return redirect("core:hook-detail", pk=hook.pk)
