"""A partner is added: a bank or registry whose lists are read here."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bank import services_partners
from bank.forms_partners import PartnerForm
from core.access import permission_required
from core.audit import actor_of
from core.posting import carried_out, posted
from core.roles import Permission


@require_http_methods(["GET", "POST"])
@permission_required(Permission.INVENTORY_VIEW_ALL, Permission.PARTNER_EDIT)
def partner_create(request: HttpRequest) -> HttpResponse:
    form = PartnerForm(posted(request))
    done = carried_out(
        request,
        form,
        lambda: services_partners.partner_create(actor=actor_of(request), **form.cleaned_data),
    )
    if done.done:
        messages.success(request, _("The partner is there; import its list next."))
        return redirect("bank:bank-list")
    crumbs = [
        (reverse("bank:unit-list"), _("Inventory")),
        (reverse("bank:bank-list"), _("Banks")),
        ("", _("Add a partner")),
    ]
    return render(request, "bank/partner_form.html", {"form": form, "crumbs": crumbs}, status=done.status)
