"""Papers of an order in words: which there are, in which version, what has changed since, what was handed out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.errors import Conflict
from core.models import User
from core.roles import Permission
from transplants.choices_papers import PaperKind, PaperLanguage, TextKind
from transplants.models import Order, OrderPaper, PaperText
from transplants.papers.defaults import PROPOSALS
from transplants.papers.given import Given
from transplants.papers.printed import SHOWN_DIGEST, digest_of
from transplants.services_papers import guard_paper, is_packed


def rows(order: Order, kept: Iterable[OrderPaper]) -> list[dict[str, Any]]:
    """Each paper with its files, or why it is not there; `changed` where what was handed out says something else."""
    given = Given(order)
    newest = {row.kind: row for row in sorted(kept, key=lambda one: one.version)}
    return [_row(given, kind, newest.get(kind)) for kind in PaperKind]


def kept_of(order: Order) -> list[OrderPaper]:
    """All that was handed out of it, newest first, without the files."""
    return list(OrderPaper.objects.filter(order=order).without_file().newest_first())


def _row(given: Given, kind: PaperKind, latest: OrderPaper | None) -> dict[str, Any]:
    why = _refusal(given, kind)
    changed = not why and latest is not None and latest.digest != digest_of(given, kind)
    return {
        "kind": kind.value,
        "label": kind.label,
        "why": why,
        "files": [] if why else _files(given.order, kind),
        "latest": latest,
        "state": _state(why, latest, changed=changed),
    }


def _refusal(given: Given, kind: PaperKind) -> str:
    try:
        guard_paper(given.order, kind, packed=is_packed(given))
    except Conflict as error:
        return error.message
    return ""


def _state(why: str, latest: OrderPaper | None, *, changed: bool) -> dict[str, str]:
    if changed:
        return {"text": _("changed since it was handed out"), "tone": "warn"}
    if latest is not None:
        return {"text": _("version %(n)d") % {"n": latest.version}, "tone": "good"}
    if why:
        return {"text": _("not yet"), "tone": ""}
    return {"text": _("not handed out yet"), "tone": "info"}


def _files(order: Order, kind: PaperKind) -> list[dict[str, str]]:
    """In the reader's language first."""
    url = reverse("transplants:order-paper", args=[order.pk, kind.value])
    own = own_language()
    languages = sorted(PaperLanguage, key=lambda one: one != own)
    return [
        {
            "url": f"{url}?{urlencode({'lang': one.value})}",
            "label": str(one.label),
            "tag": "zh-Hans" if one == PaperLanguage.ZH else "",
        }
        for one in languages
    ]


def own_language() -> PaperLanguage:
    """That of the reader."""
    return PaperLanguage.ZH if (get_language() or "").startswith("zh") else PaperLanguage.EN


def issued(kept: Iterable[OrderPaper]) -> list[dict[str, Any]]:
    """Who holds a paper finds its version and digest here."""
    return [{"row": row, "digest": row.digest[:SHOWN_DIGEST]} for row in kept]


# --- texts of the bank ----------------------------------------------------------------------------


def texts(user: User) -> list[dict[str, Any]]:
    """Each text with its versions, newest first."""
    found: dict[str, list[PaperText]] = {kind: [] for kind in TextKind}
    people = PaperText.objects.visible_to(user).select_related("created_by", "approved_by")
    for row in people.order_by("-version"):
        found[row.kind].append(row)
    return [
        {
            "kind": kind.value,
            "label": kind.label,
            "versions": [{"row": row, **text_state(row)} for row in found[kind]],
            "in_force": any(row.is_current for row in found[kind]),
            "has_proposal": any(PROPOSALS[kind]),
        }
        for kind in TextKind
    ]


def text_state(row: PaperText) -> dict[str, str]:
    if row.approved_at is None:
        return {"text": _("draft, not approved"), "tone": "warn"}
    if row.is_current:
        return {"text": _("in force"), "tone": "good"}
    return {"text": _("replaced"), "tone": ""}


def may_edit(user: User) -> bool:
    return user.has_permission(Permission.SPECIFICATION_EDIT)
