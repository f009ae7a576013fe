"""Before a released unit is dispatched: whether the papers that go with it were made, as it was released and packed."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import AuditEntry
from transplants.checks import Check, Outcome, Stage
from transplants.choices_orders import OrderState
from transplants.choices_papers import OF_SHIPMENT, PaperKind
from transplants.models import Order, OrderPaper, Shipment
from transplants.prescription import is_abroad


def needed(order: Order) -> tuple[PaperKind, ...]:
    """Summary of records and thaw instruction with every unit; a declaration where it leaves the country."""
    always = (PaperKind.SUMMARY, PaperKind.THAW)
    return (*always, PaperKind.CUSTOMS) if is_abroad(order) else always


def papers_check(order: Order) -> list[Check]:
    """Of a released order only: the papers name who released it, and what it was packed in."""
    if order.state != OrderState.RELEASED or order.released_at is None:
        return []
    missing = [kind for kind in needed(order) if not _is_made(order, kind)]
    names = ", ".join(str(kind.label) for kind in missing or needed(order))
    said = (
        _("Fetch and enclose, since it was released and packed: %(names)s") % {"names": names}
        if missing
        else names
    )
    return [
        Check(
            "papers",
            gettext_lazy("Papers that go with the unit"),
            Stage.DISPATCH,
            Outcome.OPEN if missing else Outcome.PASSED,
            said,
            f"{reverse('transplants:order-detail', args=[order.pk])}#papers",
        )
    ]


def _is_made(order: Order, kind: PaperKind) -> bool:
    """Whether the newest version was handed out since: the trail tells of each time, the row of the first only."""
    latest = OrderPaper.objects.latest_of(order.pk, kind)
    if latest is None:
        return False
    rows = OrderPaper.objects.filter(order=order.pk, kind=kind, version=latest.version)
    keys = [str(key) for key in rows.values_list("pk", flat=True)]
    issued = AuditEntry.objects.filter(
        action="paper.issue", target_type=OrderPaper._meta.label, target_key__in=keys
    )
    return issued.filter(at__gte=_since(order, kind)).exists()


def _since(order: Order, kind: PaperKind) -> dt.datetime:
    shipment: Shipment | None = getattr(order, "shipment", None)
    assert order.released_at is not None  # looked at by the caller
    if kind in OF_SHIPMENT and shipment is not None:
        return max(order.released_at, shipment.packed_at)
    return order.released_at
