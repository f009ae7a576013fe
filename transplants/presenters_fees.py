"""Prices and charges in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.models import User
from core.roles import Permission
from hospitals.querysets import open_in
from transplants.choices_incidents import FeeKind
from transplants.models import Charge, Price
from transplants.querysets_fees import next_month
from transplants.services_fees import may_edit
from transplants.statements import Statement, money, totals_in


def price_list(today: dt.date) -> list[dict[str, Any]]:
    """Each kind of fee with the price that holds, what comes and what was. One query."""
    rows = list(Price.objects.select_related("entered_by").order_by("-valid_from"))
    return [_of_kind(FeeKind(kind), [row for row in rows if row.kind == kind], today) for kind in FeeKind]


def _of_kind(kind: FeeKind, rows: list[Price], today: dt.date) -> dict[str, Any]:
    begun = [row for row in rows if row.valid_from <= today]
    return {
        "label": kind.label,
        "now": _shown(begun[0]) if begun else None,
        "to_come": [_shown(row) for row in reversed(rows) if row.valid_from > today],
        "before": [_shown(row) for row in begun[1:]],
    }


def _shown(row: Price) -> dict[str, Any]:
    text = money(row.amount, row.currency) if row.amount else _("no fee")
    return {"row": row, "text": text, "by": row.entered_by.full_name}


def price_now(kind: FeeKind) -> str:
    """What the bank asks today, for the page on which somebody is about to owe it; "" for nothing."""
    row = Price.objects.in_force(kind, timezone.localdate())
    return money(row.amount, row.currency) if row and row.amount else ""


def statement_context(found: Statement, user: User) -> dict[str, Any]:
    """The page of one hospital and month."""
    month, hospital = found.month, found.hospital
    before, after = (month - dt.timedelta(days=1)).replace(day=1), next_month(month)
    return {
        "found": found,
        "lines": [line_of(row) for row in found.lines],
        "may_void": may_edit(user),
        "links_patients": open_in(user, Permission.PATIENT_VIEW, hospital.pk),
        "is_running": month <= timezone.localdate() < after,
        "before": month_link(hospital.pk, before),
        "after": month_link(hospital.pk, after) if after <= timezone.localdate() else None,
        "crumbs": [
            (reverse("transplants:statement-list"), _("Fees")),
            (reverse("hospitals:hospital-detail", args=[hospital.pk]), hospital.code),
            ("", f"{month:%Y-%m}"),
        ],
    }


def line_of(row: Charge) -> dict[str, Any]:
    return {
        "row": row,
        "amount": money(row.amount, row.currency),
        "voided_by": row.void_by.full_name if row.void_by else "",
    }


def statement_url(hospital_id: Any, month: dt.date) -> str:
    return reverse("transplants:statement-detail", args=[hospital_id, month.year, month.month])


def month_link(hospital_id: Any, month: dt.date) -> dict[str, str]:
    return {"url": statement_url(hospital_id, month), "label": f"{month:%Y-%m}"}


def of_hospital(hospital: Any) -> dict[str, Any]:
    """For the hospital's page: what this month has come to so far."""
    month = timezone.localdate().replace(day=1)
    charges = Charge.objects.filter(hospital=hospital).of_month(month)
    return {
        "month": f"{month:%Y-%m}",
        "url": statement_url(hospital.pk, month),
        "all_url": f"{reverse('transplants:statement-list')}?hospital={hospital.pk}",
        "totals": totals_in(charges),
    }
