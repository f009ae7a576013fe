"""Every filtered read of papers and of the bank's texts on them. `visible_to` is the only way for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from bank.querysets_consent import VersionQuerySet
from core.roles import BANK_ROLES, ROLE_PERMISSIONS, Permission
from transplants.querysets_orders import OfOrder

if TYPE_CHECKING:
    from core.models import User


class PaperTextQuerySet(VersionQuerySet):
    """Versions of the bank's texts: read by its own people who see orders."""

    def visible_to(self, user: User) -> Self:
        by_bank = any(Permission.ORDER_VIEW in ROLE_PERMISSIONS[role] for role in user.roles & BANK_ROLES)
        return self.all() if by_bank else self.none()

    def current(self) -> dict[str, Any]:
        """Kind of text -> the version in force; of one that was never approved nothing."""
        return {row.kind: row for row in self.filter(is_current=True)}


class OrderPaperQuerySet(OfOrder):
    """As visible as their order."""

    def without_file(self) -> Self:
        return self.defer("pdf")

    def newest_first(self) -> Self:
        return self.order_by("-made_at", "-version", "language")

    def latest_of(self, order_id: Any, kind: str) -> Any:
        """The newest version of one paper of an order, in whatever language; None where none was made."""
        return self.filter(order=order_id, kind=kind).without_file().order_by("-version").first()
