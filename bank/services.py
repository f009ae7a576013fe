"""Every write of the bank beyond one plain row: one transaction, row lock, guard, change, audit entry."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import SWITCHED_ON, TRANSITIONS, DiscardReason, HoldReason, UnitStatus
from bank.imports.against import Sorted, sort_rows
from bank.imports.errors import FileError, Finding
from bank.imports.files import MAX_ROWS, RawFile, read
from bank.imports.report import ImportReport
from bank.imports.rows import Checked, RowChecker, UnitRow
from bank.imports.typings import TypingReader
from bank.imports.write import write_units
from bank.limits import Limits
from bank.models import Bank, CordBloodUnit, ImportBatch, PlausibilityLimits
from bank.writing import given_reason, guard_own, locked_unit, write_unit
from core import audit, reference
from core.audit import Actor, Batch
from core.errors import Conflict, InvalidInput, NotAllowed
from core.populations import canonical_populations
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import resolver_for
from hla.typing import Blank

DEFAULT_BANK_CODE = "OWN"
_BANK_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,11}")
# Nobody can vouch for a value that is not there: it must be entered first.
NOT_CONFIRMABLE = frozenset({HoldReason.TNC_MISSING.value})


# --- import ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    """What is known of the file besides its rows."""

    name: str
    size: int
    sha256: str


def units_import(
    *,
    data: bytes,
    file_name: str,
    actor: Actor,
    bank_code: str = "",
    dry_run: bool = False,
    skip_bad: bool = False,
    invent_counts: int | None = None,
    blank: Blank = "unknown",
    nomenclature: Nomenclature | None = None,
    mac: MacTable | None = None,
    today: dt.date | None = None,
    max_rows: int = MAX_ROWS,
) -> ImportReport:
    """Take in a file of units (CSV or GL lines, gzip too).

    Every row is checked before anything is written; all findings come at once. Nothing is written for a
    dry run, or when there are findings and not `skip_bad`. Rows that stand in the database already with
    the same content are unchanged. `blank`: what one value of a locus alone means; "homozygous" is noted on each
    typing. Never raises for what the file holds.
    """
    resolver = resolver_for(
        nomenclature or reference.nomenclature(), mac or reference.mac_table(), reference.ciwd_table()
    )
    reader = TypingReader(resolver, blank)
    report = ImportReport(dry_run=dry_run, skip_bad=skip_bad)
    try:
        raw = read(data, max_rows=max_rows)
        code = _bank_code(raw, bank_code)
        checker = RowChecker(reader, load_limits(), today or timezone.localdate(), code, invent_counts)
        checked = checker.check(raw)
    except FileError as error:
        report.findings = [error.finding]
        return report
    file = _File(file_name[:200], len(data), hashlib.sha256(data).hexdigest())
    try:
        return _import_checked(report, checked, code, file, reader, actor, invent_counts)
    except IntegrityError as error:  # only a simultaneous import into another or a brand-new bank gets here
        message = _("Another import wrote some of these units at the same moment. Import the file again.")
        raise Conflict("import_raced", message) from error


@transaction.atomic
def _import_checked(
    report: ImportReport,
    checked: Checked,
    code: str,
    file: _File,
    reader: TypingReader,
    actor: Actor,
    seed: int | None,
) -> ImportReport:
    bank = _locked_bank(code)
    found = sort_rows(checked.rows, bank)
    _fill(report, checked, found)
    if report.dry_run or report.blocked or not found.new:
        return report
    if bank._state.adding:
        bank.save(force_insert=True)
    batch = _batch(report, bank, checked.kind, file, reader, actor, seed, found.new)
    batch.save(force_insert=True)
    write_units(found.new, batch)
    _record_batch(batch, actor)
    report.batch_id = batch.pk
    return report


def _fill(report: ImportReport, checked: Checked, found: Sorted) -> None:
    report.rows = checked.total
    report.imported = len(found.new)
    report.unchanged = len(found.unchanged)
    report.held = sum(1 for row in found.new if row.held)
    report.warnings = [
        Finding(row.line, "", note.code, note.params)
        for row in found.new
        for note in (*row.conflicts, *(note for _locus, note in row.mother_differs))
    ]
    report.findings = sorted([*checked.findings, *found.findings], key=lambda finding: finding.line)


def _batch(
    report: ImportReport,
    bank: Bank,
    kind: str,
    file: _File,
    reader: TypingReader,
    actor: Actor,
    seed: int | None,
    rows: Sequence[UnitRow],
) -> ImportBatch:
    return ImportBatch(
        bank=bank,
        kind=kind,
        file_name=file.name,
        file_bytes=file.size,
        file_sha256=file.sha256,
        rows=report.rows,
        imported=report.imported,
        unchanged=report.unchanged,
        failed=report.failed,
        held=report.held,
        rows_sha256=rows_digest(row.digest for row in rows),
        invented_counts_seed=seed,
        nomenclature=reader.resolver.nomenclature.release,
        mac_version=reader.resolver.mac.version,
        actor=actor.label,
        user_id=actor.person_id,
    )


def _record_batch(batch: ImportBatch, actor: Actor) -> None:
    after = {"bank": batch.bank.code, "file": batch.file_name, "file_sha256": batch.file_sha256}
    counts = {"imported": batch.imported, "held": batch.held, "failed": batch.failed}
    digest = Batch(rows=batch.imported, sha256=batch.rows_sha256)
    audit.record(actor=actor, action="units.import", target=batch, after=after | counts, batch=digest)


def rows_digest(digests: Iterable[str]) -> str:
    """SHA-256 over the sorted digests of the rows: what was written, whatever the order of the file."""
    whole = hashlib.sha256()
    for digest in sorted(digests):
        whole.update(digest.encode())
    return whole.hexdigest()


def _bank_code(raw: RawFile, given: str) -> str:
    """The bank of a file: as told, as its own column says, or the only one there is.

    An installation without any bank gets its first one under the code given, else DEFAULT_BANK_CODE.
    Raises FileError: bank_unknown, bank_needed.
    """
    known = list(Bank.objects.order_by("code").values_list("code", flat=True))
    names = [name.lower() for name in raw.header]
    told = given
    if not told and "bank" in names and raw.rows:
        cells = raw.rows[0][1]
        told = cells[names.index("bank")].strip() if len(cells) > names.index("bank") else ""
    unknown = told not in known if known else not _BANK_CODE.fullmatch(told or DEFAULT_BANK_CODE)
    if told and unknown:
        raise FileError("bank_unknown", column="bank", bank=told[:40], known=", ".join(known) or "–")
    if not told and len(known) > 1:
        raise FileError("bank_needed", column="bank", known=", ".join(known))
    return told or (known[0] if known else DEFAULT_BANK_CODE)


def _locked_bank(code: str) -> Bank:
    """The bank's row, locked: two imports into one bank follow one another, so neither misses the other's rows."""
    return Bank.objects.select_for_update(no_key=True).filter(code=code).first() or Bank(code=code, name=code)


def load_limits() -> Limits:
    row = PlausibilityLimits.load()
    return Limits(row.tnc_e7_min, row.tnc_e7_max, row.cd34_percent_min, row.cd34_percent_max)


# --- states ---------------------------------------------------------------------------------------


@transaction.atomic
def unit_hold(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Take a unit out of use for an administrative reason; it remembers where it came from."""
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    if unit.status == UnitStatus.ON_HOLD:
        raise Conflict("already_on_hold", _("This unit is on hold already."))
    fields = {"status_before_hold": unit.status, "hold_reason": reason}
    return _move(unit, UnitStatus.ON_HOLD, actor=actor, action="unit.hold", reason=reason, fields=fields)


@transaction.atomic
def unit_unhold(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """Give a held unit back to the state that it was taken from."""
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    if unit.status != UnitStatus.ON_HOLD:
        raise Conflict("not_on_hold", _("This unit is not on hold."))
    back = UnitStatus(unit.status_before_hold)
    fields = {"status_before_hold": "", "hold_reason": ""}
    return _move(unit, back, actor=actor, action="unit.unhold", reason=reason, fields=fields)


@transaction.atomic
def unit_discard(*, unit_id: UUID, actor: Actor, code: DiscardReason, reason: str) -> CordBloodUnit:
    """Take a unit out of the inventory for good. The record stays; a promised unit must be freed first."""
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    fields = {
        "discard_reason": DiscardReason(code).value,
        "status_before_hold": "",
        "hold_reason": "",
    }
    return _move(unit, UnitStatus.DISCARDED, actor=actor, action="unit.discard", reason=reason, fields=fields)


@transaction.atomic
def unit_confirm_values(*, unit_id: UUID, actor: Actor, reason: str) -> CordBloodUnit:
    """A second person vouches for values that the import held back; the unit goes where its file wanted it.

    Raises Conflict where nothing waits or a needed value is missing, NotAllowed for the person who imported.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    _guard_confirmation(unit, actor)
    _verify_measurements(unit, actor)
    fields = {"held_for_confirmation": False, "held_reasons": [], "status_when_confirmed": ""}
    to = UnitStatus(unit.status_when_confirmed or UnitStatus.LISTED)
    return _move(unit, to, actor=actor, action="unit.confirm_values", reason=reason, fields=fields)


@transaction.atomic
def unit_population_change(*, unit_id: UUID, populations: str, actor: Actor, reason: str) -> CordBloodUnit:
    """Say of which population the unit is (core.populations; "" unknown): frequencies are chosen by it.

    The state is not touched, so a unit in any state may be corrected. The same population again writes nothing.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    new = canonical_populations(populations)
    guard_own(unit)
    if new == unit.populations:
        return unit
    return write_unit(unit, {"populations": new}, {}, actor=actor, action="unit.populations", reason=reason)


def _guard_confirmation(unit: CordBloodUnit, actor: Actor) -> None:
    if not unit.held_for_confirmation or unit.status != UnitStatus.QUARANTINE:
        raise Conflict("nothing_to_confirm", _("No value of this unit waits for confirmation."))
    if any(held["code"] in NOT_CONFIRMABLE for held in unit.held_reasons):
        raise Conflict(
            "value_missing", _("A value is missing; it must be entered before the unit can be confirmed.")
        )
    if unit.import_batch and unit.import_batch.user_id == actor.person_id:
        raise NotAllowed("second_person", _("You imported this unit. Somebody else must confirm its values."))


def _verify_measurements(unit: CordBloodUnit, actor: Actor) -> None:
    verifier = actor.person_id
    if verifier is not None:
        rows = unit.measurements.filter(superseded=False, verified_by=None).exclude(entered_by_id=verifier)
        rows.update(verified_by_id=verifier, verified_at=timezone.now())


def _move(
    unit: CordBloodUnit,
    to: UnitStatus,
    *,
    actor: Actor,
    action: str,
    reason: str,
    fields: Mapping[str, Any],
) -> CordBloodUnit:
    """The one place where a unit changes its state. `to` may be the present state: then only fields change."""
    here = UnitStatus(unit.status)
    if to != here and (to not in TRANSITIONS[here] or to not in SWITCHED_ON):
        text = _("A unit in the state “%(here)s” cannot become “%(to)s”.")
        raise Conflict("transition", text, params={"here": here.label, "to": to.label})
    guard_own(unit)
    _guard_blocked(unit, to)
    new = {**fields, "status": to.value}
    moved = {"status_changed_at": timezone.now()} if to != here else {}
    return write_unit(unit, new, moved, actor=actor, action=action, reason=reason)


def _guard_blocked(unit: CordBloodUnit, to: UnitStatus) -> None:
    """A flag is lifted by its own service, with its own reason; until then the unit only moves away from use."""
    if to in (UnitStatus.ON_HOLD, UnitStatus.DISCARDED):
        return
    if unit.recalled:
        raise Conflict("recalled", _("This unit is recalled; it cannot move forward."))
    if to != UnitStatus.QUARANTINE and unit.consent_withdrawn:
        raise Conflict(
            "consent_withdrawn", _("The consent for this unit is withdrawn; it cannot move forward.")
        )
    if to != UnitStatus.QUARANTINE and unit.typing_conflict:
        raise Conflict(
            "typing_conflict",
            _("Two typings of this unit disagree; until that is settled it cannot move forward."),
        )


# --- settings ------------------------------------------------------------------------------------


@transaction.atomic
def limits_update(*, values: Mapping[str, float], actor: Actor, reason: str) -> PlausibilityLimits:
    """Change the bounds beyond which counts wait for confirmation; units that wait keep waiting."""
    reason = given_reason(reason)
    names = ("tnc_e7_min", "tnc_e7_max", "cd34_percent_min", "cd34_percent_max")
    new = {name: float(values[name]) for name in names}
    if (
        not 0 < new["tnc_e7_min"] < new["tnc_e7_max"]
        or not 0 < new["cd34_percent_min"] < new["cd34_percent_max"]
    ):
        raise InvalidInput("limits_order", _("The lower bound must be above 0 and below the upper one."))
    PlausibilityLimits.objects.get_or_create(pk=1)
    row = PlausibilityLimits.objects.select_for_update(no_key=True).get(pk=1)
    before, after = audit.changes({name: getattr(row, name) for name in names}, new)
    for name, value in new.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
    row.save()
    audit.record(actor=actor, action="limits.update", target=row, before=before, after=after, reason=reason)
    return row
