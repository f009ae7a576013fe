"""Where rows of units come from: what all of a batch have in common. Needs no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from bank.models import ImportBatch


@dataclass(frozen=True)
class Origin:
    """Plain values of a batch and its bank: they go to other processes too."""

    bank_id: UUID
    batch_id: UUID
    nomenclature: str
    mac_version: str
    user_id: UUID | None = None
    synthetic: bool = False
    source: str = "own"  # as the bank's: what comes from a partner is the partner's
    donor_type: str = "cord"  # as the bank's
    verified_by_id: UUID | None = None  # of a demonstration: who vouched for its results

    @classmethod
    def of(cls, batch: ImportBatch, *, synthetic: bool = False) -> Origin:
        return cls(
            batch.bank_id, batch.pk, batch.nomenclature, batch.mac_version, batch.user_id, synthetic, batch.bank.source,
            batch.bank.holds,
        )  # fmt: skip
