"""Signatures of an order as rows: written, found, made void. Inside the transaction of the service that signs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.utils import timezone

from core.audit import Actor
from core.models import User
from core.roles import ROLE_PERMISSIONS, Permission, Role
from transplants import prescription
from transplants.choices_orders import Meaning
from transplants.models import Order, OrderSignature

RELEASES: Final = (Meaning.RELEASE, Meaning.RELEASE_SECOND)
_BY: Final = {
    Meaning.PRESCRIPTION: Permission.ORDER_PRESCRIBE,
    Meaning.RELEASE: Permission.ORDER_RELEASE,
    Meaning.RELEASE_SECOND: Permission.ORDER_RELEASE,
}
SEPARATOR: Final = " · "


def standing(order: Order, *meanings: Meaning) -> list[OrderSignature]:
    """Those that nobody made void, in the order in which they were given."""
    rows = [row for row in order.signatures.all() if row.void_at is None and row.meaning in meanings]
    return sorted(rows, key=lambda row: (row.signed_at, row.pk))


def prescription_signature(order: Order) -> OrderSignature | None:
    """The signature under the prescription as it is now; None where it is missing, or of another version."""
    found = standing(order, Meaning.PRESCRIPTION)
    return found[0] if found and found[0].digest == prescription.digest(order) else None


def write(
    order: Order, meaning: Meaning, user: User, digest: str, *, justification: str = ""
) -> OrderSignature:
    row: OrderSignature = OrderSignature.objects.create(
        order=order,
        meaning=meaning,
        signed_by=user,
        signer=f"{Actor.user(user).label}{SEPARATOR}{signing_role(user, meaning)}"[:200],
        digest=digest,
        justification=justification,
    )
    return row


def signing_role(user: User, meaning: Meaning) -> str:
    """Code of the role by which a person signs so."""
    return next((str(role) for role in sorted(user.roles) if _BY[meaning] in ROLE_PERMISSIONS[role]), "")


def signer_words(text: str) -> str:
    """Name and role as they were, the role in the reader's language."""
    name, sep, role = text.rpartition(SEPARATOR)
    if sep and not role:
        return name
    return f"{name}, {Role(role).label}" if sep and role in Role.values else text


def make_void(rows: Iterable[OrderSignature], reason: str) -> None:
    keys = [row.pk for row in rows]
    OrderSignature.objects.filter(pk__in=keys, void_at=None).update(
        void_at=timezone.now(), void_reason=reason[:400]
    )
