"""What papers tell core and the bank: the panel of an order, what waits for approval, the dossier."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bank.dossier.labels import LABELS
from bank.dossier.records import Record, records_of
from bank.dossier.registry import Section, Subject, leave_out
from bank.dossier.registry import register as register_section
from core import panels, work
from core.models import User
from core.panels import Panel, Place
from core.roles import Permission
from core.work import WorkItem
from transplants import presenters_papers
from transplants.choices_papers import NO_PAPERS
from transplants.models import Order, OrderPaper, PaperText


def register() -> None:
    panels.register(Place.ORDER, order_panel)
    work.register(work_items)
    LABELS.update(
        {
            "digest": gettext_lazy("Digest of what it says (SHA-256)"),
            "pdf_sha256": gettext_lazy("Digest of the file (SHA-256)"),
            "made_at": gettext_lazy("Made at"),
            "language": gettext_lazy("Language"),
            "order": pgettext_lazy("of a unit", "Order"),
            "version": gettext_lazy("Version"),
            "pdf": gettext_lazy("File"),
        }
    )
    register_section(
        Section(
            "papers",
            gettext_lazy("Papers handed out"),
            dossier,
            760,
            covers=(OrderPaper._meta.label,),
            columns=("order", "kind", "version", "language", "made_at", "made_by"),
        )
    )
    leave_out(
        PaperText._meta.label,
        "what the bank says on every paper, not of one unit; each kept paper has the words as they were",
    )


def dossier(subject: Subject) -> list[Record]:
    """Each paper of its orders, by its digests; the files are fetched from the page of the order."""
    rows = OrderPaper.objects.filter(order__unit=subject.unit).without_file()
    return records_of(rows.order_by("made_at", "pk"), skip=("pdf",))


def order_panel(user: User, order: Order) -> Panel | None:
    """What can be fetched, and what was. An order that is not approved has none: it says nothing of papers."""
    if not user.has_permission(Permission.ORDER_VIEW) or order.state in NO_PAPERS:
        return None
    by_bank = user.has_permission(Permission.INVENTORY_VIEW_ALL)
    kept = presenters_papers.kept_of(order)
    values: dict[str, Any] = {
        "rows": presenters_papers.rows(order, kept),
        "issued": presenters_papers.issued(kept),
        "texts_url": reverse("transplants:paper-text-list") if by_bank else "",
    }
    return Panel("transplants/_papers_panel.html", values)


def work_items(user: User) -> list[WorkItem]:
    """For whoever approves: drafts that somebody else wrote."""
    if not user.has_permission(Permission.SPECIFICATION_APPROVE):
        return []
    rows = PaperText.objects.visible_to(user).drafts().exclude(created_by=user)
    return [
        WorkItem(
            title=_("Approve the text: %(text)s") % {"text": row},
            url=reverse("transplants:paper-text-detail", args=[row.pk]),
            detail=_("It stands on papers of orders once you have signed it."),
            since=row.created_at,
            kind="paper_text",
        )
        for row in rows.order_by("created_at")
    ]
