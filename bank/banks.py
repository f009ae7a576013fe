"""What the pages of banks and of their recovery show. No rules of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bank import recovery
from bank.choices import Analyte
from bank.forms_quality import AccreditationEndForm, AccreditationForm
from bank.models import Accreditation, Bank
from bank.recovery import Recovery
from core.models import User
from core.roles import Permission


def context(user: User, today: dt.date, sent: Mapping[UUID, Any]) -> dict[str, Any]:
    """Banks with their accreditations; forms for whoever may record. sent: forms that were not accepted."""
    may = user.has_permission(Permission.UNIT_CONFIRM)
    banks = Bank.objects.visible_to(user).prefetch_related("accreditations")
    return {"banks": [_bank(bank, today, sent, may=may) for bank in banks]}


def _bank(bank: Bank, today: dt.date, sent: Mapping[UUID, Any], *, may: bool) -> dict[str, Any]:
    form = sent.get(bank.pk) or AccreditationForm(auto_id=f"record_{bank.pk}_%s")
    rows = [_accreditation(row, today, sent, may=may) for row in bank.accreditations.all()]
    return {"bank": bank, "rows": rows, "form": form if may else None, "open": bank.pk in sent}


def _accreditation(
    row: Accreditation, today: dt.date, sent: Mapping[UUID, Any], *, may: bool
) -> dict[str, Any]:
    text, tone = state_of(row, today)
    form = sent.get(row.pk) or AccreditationEndForm(auto_id=f"end_{row.pk}_%s")
    return {"row": row, "state": text, "tone": tone, "form": form if may else None, "open": row.pk in sent}


def state_of(row: Accreditation, today: dt.date) -> tuple[str, str]:
    """The word for where its period stands, and its tone."""
    if row.is_valid_on(today):
        return _("valid"), "good"
    return (_("not yet valid"), "info") if row.valid_from > today else (_("ended"), "warn")


def recovery_groups() -> list[dict[str, Any]]:
    """A group for each bank and method, with a line for each analyte."""
    names = dict(Bank.objects.values_list("code", "name"))
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for row in recovery.recoveries():
        key = (row.bank_code, row.method)
        label = _("All banks together") if not row.bank_code else names.get(row.bank_code, row.bank_code)
        group = groups.setdefault(key, {"label": label, "method": row.method, "basis": row.basis, "rows": []})
        group["rows"].append(_recovery_row(row))
    return list(groups.values())


def _recovery_row(row: Recovery) -> dict[str, Any]:
    """Shares as whole percents; of too few units only their number."""
    shares = {"p5": row.p5, "q1": row.q1, "median": row.median, "q3": row.q3, "p95": row.p95}
    enough = row.n >= recovery.AT_LEAST
    return {
        "analyte": Analyte(row.analyte).label,
        "n": row.n,
        "enough": enough,
        **{name: f"{share * 100:.0f}" if enough else "–" for name, share in shares.items()},
    }
