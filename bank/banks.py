"""What the pages of banks and of their recovery show. No rules of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from bank import recovery
from bank.choices import Analyte, Source
from bank.forms_codes import BankCodesForm
from bank.forms_quality import AccreditationEndForm, AccreditationForm
from bank.models import Accreditation, Bank
from bank.recovery import Recovery
from core.models import User
from core.roles import Permission


def codes_key(bank: Bank) -> str:
    """Under which the form of its codes is found among those that were sent."""
    return f"codes {bank.pk}"


def context(user: User, today: dt.date, sent: Mapping[Any, Any]) -> dict[str, Any]:
    """Banks with their accreditations; forms for whoever may record. sent: forms that were not accepted."""
    may = user.has_permission(Permission.UNIT_CONFIRM)
    banks = Bank.objects.visible_to(user).prefetch_related("accreditations")
    return {"banks": [_bank(bank, today, sent, may=may) for bank in banks]}


def _bank(bank: Bank, today: dt.date, sent: Mapping[Any, Any], *, may: bool) -> dict[str, Any]:
    form = sent.get(bank.pk) or AccreditationForm(auto_id=f"record_{bank.pk}_%s")
    rows = [_accreditation(row, today, sent, may=may) for row in bank.accreditations.all()]
    codes = sent.get(codes_key(bank)) or BankCodesForm(auto_id=f"codes_{bank.pk}_%s", initial=bank.__dict__)
    return {
        "bank": bank,
        "origin": origin(bank),
        "rows": rows,
        "form": form if may else None,
        "open": bank.pk in sent,
        "codes_form": codes if may else None,
        "codes_open": codes_key(bank) in sent,
        "codes": _codes(bank),
    }


def origin(bank: Bank) -> str:
    """Whose list it is, and of what."""
    if bank.source == Source.OWN:
        return str(bank.get_source_display())
    return f"{bank.get_source_display()} · {bank.get_holds_display()}"


def _codes(bank: Bank) -> list[dict[str, Any]]:
    """Those that are known."""
    rows: list[dict[str, Any]] = [
        {"label": _("Country"), "value": bank.country},
        {"label": _("Issuing organisation number"), "value": bank.issuing_organisation},
        {"label": _("EMDIS hub"), "value": bank.emdis_hub},
        {"label": _("Tissue establishment code"), "value": bank.tissue_establishment_code},
    ]
    return [row for row in rows if row["value"]]


def _accreditation(
    row: Accreditation, today: dt.date, sent: Mapping[Any, Any], *, may: bool
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
