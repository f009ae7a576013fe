"""A partner's list against what its earlier lists brought: what is new, what says something else, what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from bank.choices import UnitStatus
from bank.imports.against import Sorted, Taken, without_doubles
from bank.imports.columns import GONE
from bank.imports.rows import UnitRow
from bank.models import Bank, CordBloodUnit

# In these states nobody here has done anything with a partner's unit: only then a list says what it is.
OF_THE_LIST = frozenset({UnitStatus.LISTED.value, UnitStatus.QUARANTINE.value, UnitStatus.VOID.value})


class Known(NamedTuple):
    """What is kept of a unit of the partner."""

    unit_no: str
    pk: UUID
    digest: str
    status: str
    is_gone: bool


def sort_partner(rows: Sequence[UnitRow], bank: Bank, *, full: bool, complete: bool) -> Sorted:
    """full: the list names all units, so that one it does not name is gone; but not while anything of it is wrong.

    complete: no row was left out before.
    """
    unique, findings = without_doubles(rows)
    found = Sorted(findings=findings)
    known = {one.unit_no: one for one in _known(bank)}
    taken = Taken(unique)
    for row in unique:
        there = known.get(row.unit_no)
        if row.wanted_status == GONE:
            _sort_gone(row, there, found)
        elif finding := taken.by_another(row, there.pk if there else None):
            found.findings.append(finding)
        elif there is None:
            found.new.append(row)
        elif _is_same(row, there):
            found.unchanged.append(row)
        else:
            found.changed.append((row, there.pk))
    if full and complete and not found.findings:
        named = {row.unit_no for row in unique}
        found.gone += [one.pk for one in known.values() if one.unit_no not in named and _may_go(one)]
    return found


def _known(bank: Bank) -> list[Known]:
    rows = CordBloodUnit.objects.filter(bank_id=bank.pk)
    values = rows.values_list("unit_no", "pk", "import_digest", "status", "gone_at")
    return [Known(*row[:4], row[4] is not None) for row in values.iterator(chunk_size=5_000)]


def _sort_gone(row: UnitRow, there: Known | None, found: Sorted) -> None:
    if there is None or not _may_go(there):
        found.unchanged.append(row)
    else:
        found.told_gone.append(row)
        found.gone.append(there.pk)


def _may_go(there: Known) -> bool:
    return not there.is_gone and there.status in OF_THE_LIST


def _is_same(row: UnitRow, there: Known) -> bool:
    if there.status not in OF_THE_LIST:
        return True
    return not there.is_gone and row.digest == there.digest and row.status == there.status
