"""What a hospital owes for a month: one reading for the page, the file and the API.

A month is by the bank's calendar. A statement says as of when it was read: a charge that is voided later stays in the
month in which it became due, struck, with the reason, and no longer counts.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from hospitals.models import Hospital
from matching.lists import moment
from transplants.choices_incidents import WHOLE_CURRENCIES
from transplants.models import Charge
from transplants.querysets_fees import ChargeQuerySet, next_month


@dataclass(frozen=True)
class Total:
    """Of one currency; amounts of several are never added up."""

    currency: str
    amount: Decimal
    charges: int

    @property
    def text(self) -> str:
        return money(self.amount, self.currency)


@dataclass(frozen=True)
class Statement:
    """lines: all charges of the month, voided ones too. totals: of those that count, by currency."""

    hospital: Hospital
    month: dt.date
    lines: list[Charge]
    totals: list[Total]
    as_of: dt.datetime

    @property
    def voided(self) -> int:
        return sum(line.void_at is not None for line in self.lines)


@dataclass(frozen=True)
class MonthRow:
    """A statement as a line of the list."""

    month: dt.date
    hospital: Hospital
    charges: int
    voided: int
    totals: list[Total]


def money(amount: Decimal, currency: str) -> str:
    """CNY 12,345.00; JPY 12,345: with the digits that the currency has."""
    return f"{currency} {amount:,.{0 if currency in WHOLE_CURRENCIES else 2}f}"


def statement(hospital: Hospital, month: dt.date) -> Statement:
    """month: its first day."""
    as_of = timezone.now()
    rows = Charge.objects.filter(hospital=hospital).of_month(month).with_names()
    lines = list(rows.order_by("on", "entered_at", "pk"))
    return Statement(hospital, month, lines, totals_of(lines), as_of)


def totals_of(lines: Iterable[Charge]) -> list[Total]:
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    counts: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.void_at is None:
            amounts[line.currency] += line.amount
            counts[line.currency] += 1
    return [Total(currency, amounts[currency], counts[currency]) for currency in sorted(amounts)]


def totals_in(rows: ChargeQuerySet) -> list[Total]:
    """The same over many charges, added up by the database."""
    return [Total(row["currency"], row["amount"], row["charges"]) for row in rows.totals()]


def month_rows(groups: Iterable[dict[str, Any]], charges: ChargeQuerySet) -> list[MonthRow]:
    """groups: rows of `by_month`, those of one page; charges: what they were counted of. Two queries."""
    found = list(groups)
    if not found:
        return []
    months = [group["month"] for group in found]
    hospitals = Hospital.objects.in_bulk({group["hospital"] for group in found})
    of_page = charges.filter(
        hospital__in=hospitals, on__gte=min(months), on__lt=next_month(max(months))
    ).sums()
    totals: dict[tuple[dt.date, UUID], list[Total]] = defaultdict(list)
    for row in of_page.order_by("currency"):
        totals[row["month"], row["hospital"]].append(Total(row["currency"], row["amount"], row["charges"]))
    return [
        MonthRow(
            month=group["month"],
            hospital=hospitals[group["hospital"]],
            charges=group["charges"],
            voided=group["voided"],
            totals=totals[group["month"], group["hospital"]],
        )
        for group in found
    ]


STATEMENT_CSV = (
    *("line", "hospital", "month", "day", "fee", "reference", "unit", "patient", "amount", "currency"),
    *("voided_at", "void_reason", "as_of"),
)


def statement_rows(found: Statement) -> Iterator[list[Any]]:
    """Each charge, `void` where it does not count, then a `total` of each currency."""
    code, month = found.hospital.code, f"{found.month:%Y-%m}"
    as_of = moment(found.as_of)
    for line in found.lines:
        yield [
            "void" if line.void_at else "charge",
            code,
            month,
            line.on,
            line.kind,
            line.reference,
            line.unit.public_no,
            line.patient.code,
            line.amount,
            line.currency,
            moment(line.void_at),
            line.void_reason,
            as_of,
        ]
    for total in found.totals:
        yield ["total", code, month, *[""] * 5, total.amount, total.currency, "", "", as_of]


def file_name(found: Statement) -> str:
    return f"qidai-statement-{found.hospital.code}-{found.month:%Y-%m}.csv"
