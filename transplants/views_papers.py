"""Papers of an order as files, and the pages of the bank's texts that stand on them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.access import get_visible_or_404, permission_required, person_of
from core.audit import Actor, actor_of
from core.models import User
from core.posting import carried_out, posted
from core.roles import Permission
from core.signing import SignatureForm, signing
from transplants import presenters_papers, services_papers
from transplants.choices_papers import PaperKind, TextKind
from transplants.forms_papers import PaperTextForm
from transplants.models import Order, OrderPaper, PaperText
from transplants.papers import texts
from transplants.papers.defaults import PROPOSALS
from transplants.papers.printed import file_name

_BANK = (Permission.ORDER_VIEW, Permission.INVENTORY_VIEW_ALL)


@never_cache
@require_GET
@permission_required(Permission.ORDER_VIEW)
def order_paper(request: HttpRequest, pk: Any, kind: str) -> HttpResponse:
    """`?lang=en`, `zh-hans` or `both`; without it the language of the page. That it was fetched is audited."""
    if kind not in PaperKind.values:
        raise Http404
    language = request.GET.get("lang") or presenters_papers.own_language()
    return paper_response(person_of(request), pk, kind, language)


def paper_response(person: User, order_pk: Any, kind: str, language: str) -> HttpResponse:
    """The file of an order that the person may see, as a download."""
    order = get_visible_or_404(Order, person, pk=order_pk)
    paper = services_papers.paper_issue(
        order_id=order.pk, kind=kind, language=language, actor=Actor.user(person)
    )
    response = HttpResponse(bytes(paper.pdf), content_type="application/pdf")
    name = file_name(paper.kind, order.number, paper.language)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-SHA256"] = paper.pdf_sha256
    response["X-Paper-Version"] = str(paper.version)
    return response


@never_cache
@require_GET
@permission_required(Permission.ORDER_VIEW)
def paper_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """An earlier version, bit for bit as it was handed out; who fetches it is audited as well."""
    rows = OrderPaper.objects.select_related("order")
    paper: OrderPaper = get_visible_or_404(rows, person_of(request), pk=pk)
    services_papers.paper_fetch_again(paper=paper, actor=actor_of(request))
    response = HttpResponse(bytes(paper.pdf), content_type="application/pdf")
    stem = file_name(paper.kind, paper.order.number, paper.language).removesuffix(".pdf")
    response["Content-Disposition"] = f'attachment; filename="{stem}-v{paper.version}.pdf"'
    response["X-Content-SHA256"] = paper.pdf_sha256
    return response


# --- texts of the bank ----------------------------------------------------------------------------


@require_GET
@permission_required(*_BANK)
def text_list(request: HttpRequest) -> HttpResponse:
    """Each text with its versions."""
    person = person_of(request)
    context = {
        "texts": presenters_papers.texts(person),
        "may_edit": presenters_papers.may_edit(person),
        "crumbs": _crumbs(),
    }
    return render(request, "transplants/paper_text_list.html", context)


def _crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    here = reverse("transplants:paper-text-list") if more else ""
    return [(reverse("bank:unit-list"), _("Inventory")), (here, _("Texts of papers")), *more]


@require_GET
@permission_required(*_BANK)
def text_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    return _text_page(request, _text(request, pk), SignatureForm(), 200)


@require_POST
@sensitive_post_parameters("password")
@permission_required(*_BANK, Permission.SPECIFICATION_APPROVE)
def text_approve(request: HttpRequest, pk: Any) -> HttpResponse:
    """Put a version in force, with the password."""
    row = _text(request, pk)
    form = SignatureForm(request.POST)
    outcome = carried_out(request, form, lambda: _approve(request, row, form))
    if outcome.done:
        messages.success(request, _("The text is in force from today; it stands on every paper from now on."))
        return redirect("transplants:paper-text-detail", pk=row.pk)
    return _text_page(request, row, form, outcome.status)


def _approve(request: HttpRequest, row: PaperText, form: SignatureForm) -> None:
    password = form.cleaned_data["password"]
    with signing(request, target=row, action="paper_text.sign_refused") as user:
        services_papers.text_approve(text_id=row.pk, user=user, password=password)


def _text(request: HttpRequest, pk: Any) -> PaperText:
    rows = PaperText.objects.select_related("created_by", "approved_by")
    row: PaperText = get_visible_or_404(rows, person_of(request), pk=pk)
    return row


def _text_page(request: HttpRequest, row: PaperText, form: SignatureForm, status: int) -> HttpResponse:
    person = person_of(request)
    may_approve = row.approved_at is None and person.has_permission(Permission.SPECIFICATION_APPROVE)
    context = {
        "row": row,
        "state": presenters_papers.text_state(row),
        "languages": (
            {"label": _("English"), "tag": "en", "lines": texts.shown_lines(row.text_en)},
            {"label": _("Chinese"), "tag": "zh-Hans", "lines": texts.shown_lines(row.text_zh)},
        ),
        "form": form if may_approve else None,
        "own": row.created_by_id == person.pk,
        "may_edit": presenters_papers.may_edit(person),
        "crumbs": _crumbs(("", str(row))),
    }
    return render(request, "transplants/paper_text_detail.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required(*_BANK, Permission.SPECIFICATION_EDIT)
def text_edit(request: HttpRequest, kind: str) -> HttpResponse:
    """Another version: from the newest one, or from the shipped proposal."""
    if kind not in TextKind.values:
        raise Http404
    newest = PaperText.objects.filter(kind=kind).order_by("-version").first()
    english, chinese = (newest.text_en, newest.text_zh) if newest else PROPOSALS[kind]
    initial = {"text_en": english, "text_zh": chinese, "base": newest.pk if newest else None}
    form = PaperTextForm(posted(request), kind=kind, initial=initial)
    outcome = carried_out(
        request,
        form,
        lambda: services_papers.text_draft(kind=kind, actor=actor_of(request), **form.cleaned_data),
    )
    if outcome.done:
        messages.success(request, _("The draft is kept; another person approves it."))
        return redirect("transplants:paper-text-detail", pk=outcome.value.pk)
    context = {
        "form": form,
        "title": TextKind(kind).label,
        "crumbs": _crumbs(("", _("New version"))),
    }
    return render(request, "transplants/paper_text_edit.html", context, status=outcome.status)
