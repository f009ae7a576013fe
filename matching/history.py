"""The inventory as it was at a number of the ledger: today's rows with what came later taken back.

The ledger names every unit that changed, with the values that it had before; a batch stands for units that were not
there before it. Of each column the first entry after the number says what it was at the number, and where there is
none the row still does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from bank.models import CordBloodUnit
from bank.querysets import ALL_DONORS, OFFERED_BY, is_offered
from core import audit
from core.errors import Conflict
from hla.resolve import Resolver
from matching import inventory
from matching.engine.columns import UnitRow
from matching.engine.snapshot import Snapshot
from matching.inventory import BATCH, Tell
from matching.unit_rows import COLUMNS, row_of

CHUNK: Final = 5_000
CREATES: Final = "units.import"  # the action of a batch: its units were not there before
# Of a unit: what decides whether it is offered, and what a snapshot knows of it.
CREATED: Final = "unit.kit_issue"  # before it the unit was not there
WATCHED: Final = tuple(dict.fromkeys((*COLUMNS, *OFFERED_BY)))

_FIELDS: Final = {field.name: field for field in CordBloodUnit._meta.concrete_fields}

Values = dict[str, Any]


@dataclass
class Past:
    """What was otherwise at a number of the ledger.

    before: unit -> values that its row no longer has, or may not have. created: units that did not exist.
    head: the newest number that is taken back; `number` itself where nothing changed.
    """

    number: int
    head: int
    before: dict[UUID, Values] = field(default_factory=dict)
    batches: set[str] = field(default_factory=set)
    created: set[UUID] = field(default_factory=set)

    @classmethod
    def at(cls, number: int) -> Past:
        """Read the ledger from `number` on. Raises Conflict for a number or a change that cannot be taken back."""
        if number > audit.ledger_head():
            raise Conflict(
                "ledger_behind",
                _(
                    "The inventory cannot be restored: the ledger ends before entry %(number)s. "
                    "Was the database restored from an older backup?"
                ),
                params={"number": number},
            )
        found = cls(number, number)
        found.read_on()
        return found

    def read_on(self) -> None:
        """What the ledger has added."""
        while entries := audit.ledger_since(
            self.head, target_types=inventory.CHANGES, limit=inventory.LEDGER_PAGE
        ):
            for entry in entries:
                if entry.target_type == BATCH:
                    self._batch(entry)
                else:
                    self._unit(entry)
            self.head = entries[-1].number

    def _batch(self, entry: audit.LedgerRow) -> None:
        if entry.action != CREATES:
            raise _not_told(entry)
        self.batches.add(entry.target_key)
        rows = CordBloodUnit.objects.filter(import_batch_id=UUID(entry.target_key)).values_list(
            "pk", flat=True
        )
        self.created.update(rows.iterator(chunk_size=CHUNK))

    def _unit(self, entry: audit.LedgerRow) -> None:
        before, after = entry.data["before"] or {}, entry.data["after"] or {}
        if entry.action == CREATED:
            self.created.add(UUID(entry.target_key))
            return
        if any(name in WATCHED and name not in before for name in after):
            raise _not_told(entry)
        known = self.before.setdefault(UUID(entry.target_key), {})
        for name, value in before.items():
            if name in WATCHED:
                known.setdefault(name, _value(name, value))

    def rows(self) -> Iterator[Values]:
        """Of each unit touched that existed, all of WATCHED as it was."""
        units = [pk for pk in self.before if pk not in self.created]
        for start in range(0, len(units), CHUNK):
            chunk = CordBloodUnit.objects.filter(pk__in=units[start : start + CHUNK])
            for now in chunk.values(*WATCHED):
                yield {**now, **self.before[now["pk"]]}


def _value(name: str, value: Any) -> Any:
    """As the column holds it: the ledger keeps JSON."""
    return _FIELDS[name].to_python(value)


def _not_told(entry: audit.LedgerRow) -> Conflict:
    return Conflict(
        "history_incomplete",
        _(
            "The inventory cannot be restored: entry %(number)s of the ledger does not say what was there before."
        ),
        params={"number": entry.number},
    )


def inventory_at(past: Past, resolver: Resolver, *, tell: Tell | None = None) -> Snapshot:
    """The inventory at `past.number`, read with `resolver`, from the database and its ledger alone.

    No snapshot that this host or process keeps takes part, so that a row changed behind the ledger's back is noticed.
    The present rows are read first and the ledger after them, until it has nothing further: whatever commits
    meanwhile is taken back as well, whether the rows that were read show it or not. Costs a reading of the inventory.
    """
    present = inventory.build(resolver, tell=tell)
    while True:
        rows = list(past.rows())
        head = past.head
        past.read_on()
        if past.head == head:
            break
    changed = [row_of(values) for values in rows if is_offered(values, ALL_DONORS)]
    return present.apply(
        changed=changed,
        withdrawn=_withdrawn(past, changed),
        ledger_number=past.number,
        ledger_mark=inventory.mark(past.number),
    )


def _withdrawn(past: Past, changed: list[UnitRow]) -> Iterator[bytes]:
    """Units touched since that a search was not offered then."""
    offered = {row.unit_id for row in changed}
    for pk in past.before.keys() | past.created:
        if pk.bytes not in offered:
            yield pk.bytes
