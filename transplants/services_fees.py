"""The price list and the correction of charges. What becomes due by itself stands in `charges`.

Each is one transaction: guards, change, audit entry. Nobody is told: a hospital reads its statement.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.querysets import hospitals_open_to
from transplants.choices_incidents import CURRENCIES, WHOLE_CURRENCIES, FeeKind
from transplants.models import Charge, Price
from transplants.writing import given_reason

MOST_AMOUNT: Final = Decimal("9999999999.99")
MOST_DAYS_AHEAD: Final = 1_100  # three years: a later day is a slip of the finger


@transaction.atomic
def price_set(*, kind: str, amount: Decimal, currency: str, valid_from: dt.date, user: User) -> Price:
    """What the bank asks from a day on, until a later price. 0 ends the fee.

    Never for a day that has charges already: the first price of a kind may begin today, another tomorrow at the
    earliest. The same sent twice is one price. Raises NotAllowed, InvalidInput, Conflict.
    """
    _guard_editor(user)
    _guard_money(kind, amount, currency)
    _guard_day(kind, valid_from)
    try:
        with transaction.atomic():
            row: Price = Price.objects.create(
                kind=kind, amount=amount, currency=currency, valid_from=valid_from, entered_by=user
            )
    except IntegrityError:
        return _there_already(kind, amount, currency, valid_from, user)
    audit.record(
        actor=Actor.user(user),
        action="price.set",
        target=_target(row),
        after={"kind": kind, "amount": str(amount), "currency": currency, "valid_from": valid_from},
    )
    return row


@transaction.atomic
def price_withdraw(*, price_id: UUID, reason: str, user: User) -> None:
    """A price that has not begun is taken back. Raises NotAllowed, InvalidInput, Conflict."""
    _guard_editor(user)
    reason = given_reason(reason)
    row: Price | None = Price.objects.filter(pk=price_id).first()
    rows = Price.objects.filter(pk=price_id).to_come(timezone.localdate())
    if row is None or not rows.delete()[0]:
        raise Conflict(
            "price_not_open",
            _("This price has begun or was withdrawn already. Set a new one from tomorrow on."),
        )
    audit.record(
        actor=Actor.user(user),
        action="price.withdraw",
        target=_target(row),
        before={"amount": str(row.amount), "currency": row.currency, "valid_from": row.valid_from},
        reason=reason,
    )


@transaction.atomic
def charge_void(*, charge_id: UUID, reason: str, user: User) -> Charge:
    """The hospital does not owe it. It stays to be seen, and the same thing is not charged again.

    Raises NotAllowed, InvalidInput, Conflict for one that is void already.
    """
    _guard_editor(user)
    reason = given_reason(reason)
    rows = Charge.objects.select_related("unit__bank", "patient").select_for_update(no_key=True, of=("self",))
    row: Charge = rows.get(pk=charge_id)
    if row.void_at is not None:
        raise Conflict(
            "charge_void",
            _("This charge was voided already on %(day)s: %(reason)s"),
            params={"day": f"{timezone.localtime(row.void_at):%Y-%m-%d}", "reason": row.void_reason},
        )
    row.void_at, row.void_by, row.void_reason = timezone.now(), user, reason
    row.save(update_fields=["void_at", "void_by", "void_reason"])
    audit.record(
        actor=Actor.user(user),
        action="charge.void",
        target=(row._meta.label, str(row.pk), f"{row.reference} · {row.unit.public_no} · {row.patient.code}"),
        before={"amount": str(row.amount), "currency": row.currency},
        reason=reason,
        hospital_id=row.hospital_id,
    )
    return row


def may_edit(user: User) -> bool:
    """Whether the person keeps the price list, by a role of the bank."""
    return hospitals_open_to(user, Permission.FEE_EDIT) is None


def earliest_day(kind: str) -> dt.date:
    """The first day from which a new price of a kind may hold."""
    today = timezone.localdate()
    return today + dt.timedelta(days=1) if Price.objects.in_force(kind, today) else today


# --- guards ---------------------------------------------------------------------------------------


def _guard_editor(user: User) -> None:
    if not may_edit(user):
        raise NotAllowed("not_yours", _("Only the bank's direction keeps prices and charges."))


def _guard_money(kind: str, amount: Decimal, currency: str) -> None:
    if kind not in FeeKind.values:
        raise InvalidInput("fee_unknown", _("Choose what the price is for."), field="kind")
    if currency not in CURRENCIES:
        raise InvalidInput("currency_unknown", _("Choose a currency of the list."), field="currency")
    if not amount.is_finite() or not 0 <= amount <= MOST_AMOUNT:
        text = _("Give an amount from 0 to %(most)s.")
        raise InvalidInput(
            "amount_out_of_range", text, field="amount", params={"most": f"{MOST_AMOUNT:,.2f}"}
        )
    smallest = Decimal(1) if currency in WHOLE_CURRENCIES else Decimal("0.01")
    if amount % smallest:
        text = _("The smallest amount of %(currency)s is %(smallest)s. Round the price to it.")
        params = {"currency": currency, "smallest": str(smallest)}
        raise InvalidInput("amount_too_fine", text, field="amount", params=params)


def _guard_day(kind: str, valid_from: dt.date) -> None:
    first = earliest_day(kind)
    last = timezone.localdate() + dt.timedelta(days=MOST_DAYS_AHEAD)
    if valid_from < first:
        text = _("Choose %(first)s or later: what was charged before stays as it was charged.")
        raise InvalidInput("day_too_early", text, field="valid_from", params={"first": f"{first:%Y-%m-%d}"})
    if valid_from > last:
        text = _("Choose a day until %(last)s.")
        raise InvalidInput("day_too_late", text, field="valid_from", params={"last": f"{last:%Y-%m-%d}"})


def _there_already(kind: str, amount: Decimal, currency: str, valid_from: dt.date, user: User) -> Price:
    """The price of that day, if it is the very one that was sent before."""
    row: Price | None = Price.objects.filter(kind=kind, valid_from=valid_from).first()
    if row and (row.amount, row.currency, row.entered_by_id) == (amount, currency, user.pk):
        return row
    raise Conflict(
        "price_there",
        _("From %(day)s on there is a price already. Withdraw it first, or choose another day."),
        field="valid_from",
        params={"day": f"{valid_from:%Y-%m-%d}"},
    )


def _target(row: Price) -> tuple[str, str, str]:
    return row._meta.label, str(row.pk), f"{row.kind} {row.amount} {row.currency} · {row.valid_from}"
