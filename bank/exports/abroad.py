"""Which units may be told of to registries abroad: one question, asked in one place."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from bank.choices_consent import ConsentPurpose
from bank.consents import permitting


def may_go_abroad(unit_ids: Collection[UUID]) -> set[UUID]:
    """Those of these units whose data may be sent abroad.

    Their mothers said yes to that purpose by itself and did not withdraw it; of units collected before answers were
    kept the bank declares it, signed (ConsentDeclaration). Neither is a no.
    """
    return permitting(unit_ids, [ConsentPurpose.ABROAD])
