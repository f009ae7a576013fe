"""People who may sign in: listed, added, given roles, closed. The administrator's pages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import services
from core.access import get_visible_or_404, permission_required, person_of
from core.audit import actor_of
from core.errors import DomainError
from core.forms import UserCreateForm, UserFilterForm, UserRolesForm
from core.models import User
from core.pages import Column, paginate
from core.roles import Permission


@require_GET
@permission_required(Permission.USER_ADMIN)
def user_list(request: HttpRequest) -> HttpResponse:
    form = UserFilterForm(request.GET or None)
    rows = form.apply(User.objects.visible_to(person_of(request)).prefetch_related("role_grants"))
    labels = (_("Name"), _("E-mail address"), _("Roles"), _("Account"))
    context = {"page": paginate(request, rows), "form": form, "columns": [Column(label) for label in labels]}
    return render(request, "core/user_list.html", context)


@never_cache
@sensitive_variables("password")
@require_http_methods(["GET", "POST"])
@permission_required(Permission.USER_ADMIN)
def user_create(request: HttpRequest) -> HttpResponse:
    form = UserCreateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = services.password_proposal()
        try:
            user = services.user_create(**form.cleaned_data, password=password, by=actor_of(request))
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            return _show_password(request, user, password)
    return render(request, "core/user_create.html", {"form": form})


@require_http_methods(["GET", "POST"])
@permission_required(Permission.USER_ADMIN)
def user_edit(request: HttpRequest, pk: Any) -> HttpResponse:
    shown = get_visible_or_404(User, person_of(request), pk=pk)
    form = UserRolesForm(request.POST or None, initial={"roles": sorted(shown.roles)})
    if request.method == "POST" and form.is_valid():
        try:
            services.user_set_roles(user_id=shown.pk, roles=form.cleaned_data["roles"], by=person_of(request))
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("The roles were saved."))
            return redirect("core:user-edit", pk=shown.pk)
    return render(request, "core/user_edit.html", {"form": form, "shown": shown})


@require_POST
@permission_required(Permission.USER_ADMIN)
def user_active(request: HttpRequest, pk: Any) -> HttpResponse:
    shown = get_visible_or_404(User, person_of(request), pk=pk)
    active = request.POST.get("active") == "yes"
    services.user_set_active(user_id=shown.pk, active=active, by=person_of(request))
    messages.success(request, _("The account is open.") if active else _("The account is closed."))
    return redirect("core:user-edit", pk=shown.pk)


@never_cache
@sensitive_variables("password")
@require_POST
@permission_required(Permission.USER_ADMIN)
def user_password(request: HttpRequest, pk: Any) -> HttpResponse:
    shown = get_visible_or_404(User, person_of(request), pk=pk)
    password = services.user_reset_password(user_id=shown.pk, by=person_of(request))
    return _show_password(request, shown, password)


def _show_password(request: HttpRequest, user: User, password: str) -> HttpResponse:
    """Shown on this one answer and nowhere kept."""
    return render(request, "core/user_password.html", {"shown": user, "password": password})
