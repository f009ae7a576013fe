"""Files of units into the inventory: everything is checked before anything is written, then all or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.choices import CountUnit, DonorType, Source, UnitStatus
from bank.imports.against import Sorted, sort_rows
from bank.imports.errors import FileError, Finding
from bank.imports.files import named, recognised
from bank.imports.headings import Table, table_in
from bank.imports.origin import Origin
from bank.imports.partner import sort_partner
from bank.imports.partner_write import mark_gone, update_units
from bank.imports.raw import MAX_ROWS, OWN, Owner, RawFile
from bank.imports.report import ImportReport
from bank.imports.rows import Checked, RowChecker, UnitRow
from bank.imports.typings import TypingReader
from bank.imports.write import write_units
from bank.models import Bank, ImportBatch
from bank.services import load_limits
from core import audit, reference
from core.audit import Actor, Batch
from core.errors import Conflict, NotAllowed
from core.models import User
from core.roles import Permission
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import resolver_for
from hla.typing import Blank

DEFAULT_BANK_CODE = "OWN"
_BANK_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,11}")
Tell = Callable[[str, float], None]
_RACED = gettext_lazy("Another import wrote some of these units at the same moment. Import the file again.")


def _silent(stage: str, share: float) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody says of a file.

    blank: what one value of a locus alone means; "homozygous" is noted on each typing. counts, mapping: as
    bank.imports.files. full: of a partner's list: it names all units that the partner has.
    """

    bank_code: str = ""
    blank: Blank = "unknown"
    counts: CountUnit | None = None
    mapping: Mapping[str, str] | None = None
    invent_counts: int | None = None
    full: bool = True
    max_rows: int = MAX_ROWS


@dataclass(frozen=True)
class _File:
    """What is known of the file besides its rows."""

    name: str
    size: int
    sha256: str


@dataclass
class ReadFile:
    """A file whose every row was checked by itself. refused: why it cannot be read at all."""

    asked: Asked
    file: _File
    reader: TypingReader
    kind: str = ""
    ignored: tuple[str, ...] = ()
    bank_code: str = ""
    table: Table | None = None
    checked: Checked = field(default_factory=lambda: Checked("", 0))
    refused: Finding | None = None


def units_import(
    *,
    data: bytes,
    file_name: str,
    actor: Actor,
    bank_code: str = "",
    dry_run: bool = False,
    skip_bad: bool = False,
    declaration: str = "",
    invent_counts: int | None = None,
    blank: Blank = "unknown",
    counts: CountUnit | None = None,
    mapping: Mapping[str, str] | None = None,
    full: bool = True,
    nomenclature: Nomenclature | None = None,
    mac: MacTable | None = None,
    today: dt.date | None = None,
    max_rows: int = MAX_ROWS,
) -> ImportReport:
    """Take in a file of units (CSV, XLSX, GL lines, WMDA-style XML, Atlas-style JSON; gzip too).

    Every row is checked before anything is written; all findings come at once. Nothing is written for a
    dry run, or when there are findings and not `skip_bad`. Rows that stand in the database already with
    the same content are unchanged. declaration: why own units may enter as listed (`units_store`). Never raises for
    what the file holds.
    """
    asked = Asked(
        bank_code=bank_code,
        blank=blank,
        counts=counts,
        mapping=mapping,
        invent_counts=invent_counts,
        full=full,
        max_rows=max_rows,
    )
    found = units_read(
        data=data, file_name=file_name, asked=asked, nomenclature=nomenclature, mac=mac, today=today
    )
    return units_store(found=found, actor=actor, dry_run=dry_run, skip_bad=skip_bad, declaration=declaration)


# --- reading --------------------------------------------------------------------------------------


def units_read(
    *,
    data: bytes,
    file_name: str,
    asked: Asked,
    nomenclature: Nomenclature | None = None,
    mac: MacTable | None = None,
    today: dt.date | None = None,
    tell: Tell = _silent,
) -> ReadFile:
    """Read a file and check each row by itself. tell: is told stage and share of that, from time to time."""
    tell(_("Reading the file"), 0.0)
    resolver = resolver_for(
        nomenclature or reference.nomenclature(), mac or reference.mac_table(), reference.ciwd_table()
    )
    file = _File(file_name[:200], len(data), hashlib.sha256(data).hexdigest())
    found = ReadFile(asked, file, TypingReader(resolver, asked.blank))
    try:
        _read(found, data, today or timezone.localdate(), tell)
    except FileError as error:
        found.refused = error.finding
    return found


def _read(found: ReadFile, data: bytes, today: dt.date, tell: Tell) -> None:
    asked = found.asked
    raw = recognised(data, max_rows=asked.max_rows, counts=asked.counts, owner=_owner(asked.bank_code))
    found.kind = raw.kind
    found.table = table_in(raw)
    raw = named(raw, mapping=asked.mapping, max_rows=asked.max_rows)
    found.ignored = raw.ignored
    found.bank_code = _bank_code(raw, asked.bank_code)
    checker = RowChecker(
        found.reader, load_limits(), today, found.bank_code, asked.invent_counts, _owner(found.bank_code)
    )
    rows, stage = max(len(raw.rows), 1), _("Checking the rows")
    found.checked = checker.check(raw, lambda count: tell(stage, 0.1 + 0.9 * count / rows))


def _owner(code: str) -> Owner:
    """Whose list it is; without a code an own one."""
    bank = Bank.objects.filter(code=code).first() if code else None
    if bank is None:
        return OWN
    return Owner(bank.source == Source.PARTNER, bank.holds == DonorType.ADULT)


def _bank_code(raw: RawFile, given: str) -> str:
    """The bank of a file: as told, as its own column says, or the only own one; a partner has to be named.

    An installation without any bank gets its first one under the code given, else DEFAULT_BANK_CODE.
    Raises FileError: bank_unknown, bank_needed.
    """
    sources = dict(Bank.objects.order_by("code").values_list("code", "source"))
    known, own = list(sources), [code for code, source in sources.items() if source == Source.OWN]
    names = [name.lower() for name in raw.header]
    told = given
    if not told and "bank" in names and raw.rows:
        cells = raw.rows[0][1]
        told = cells[names.index("bank")].strip() if len(cells) > names.index("bank") else ""
    unknown = told not in known if known else not _BANK_CODE.fullmatch(told or DEFAULT_BANK_CODE)
    if told and unknown:
        raise FileError("bank_unknown", column="bank", bank=told[:40], known=", ".join(known) or "–")
    if not told and known and len(own) != 1:
        raise FileError("bank_needed", column="bank", known=", ".join(known))
    return told or (own[0] if own else DEFAULT_BANK_CODE)


# --- writing --------------------------------------------------------------------------------------


def units_store(
    *, found: ReadFile, actor: Actor, dry_run: bool = False, skip_bad: bool = False, declaration: str = ""
) -> ImportReport:
    """Compare a file that was read with the inventory, and write what is new of it; all or nothing.

    declaration: somebody of quality assurance says why the own units in it were released before Qidai. Without it such
    units enter the quarantine, whatever the file says of them. Raises NotAllowed declaration_refused; Conflict
    import_raced.
    """
    report = ImportReport(dry_run=dry_run, skip_bad=skip_bad, kind=found.kind, ignored=found.ignored)
    declared = declaration.replace("\0", "").strip()[:2000]
    _guard_declaration(actor, declared)
    if found.refused is not None:
        report.findings = [found.refused]
        return report
    try:
        return _store(report, found, actor, declared)
    except IntegrityError as error:  # only a simultaneous import into another or a brand-new bank gets here
        raise Conflict("import_raced", _RACED) from error


def _guard_declaration(actor: Actor, declaration: str) -> None:
    """By whatever route: the system imports for demonstrations and benchmarks, a person needs the permission."""
    if not declaration or actor.person_id is None:
        return
    if not User.objects.get(pk=actor.person_id).has_permission(Permission.UNIT_DECLARE):
        text = _("Only quality assurance may declare that units were released before.")
        raise NotAllowed("declaration_refused", text, field="declaration")


@transaction.atomic
def _store(report: ImportReport, found: ReadFile, actor: Actor, declaration: str) -> ImportReport:
    bank = _locked_bank(found.bank_code)
    rows, is_partner = found.checked.rows, bank.source == Source.PARTNER
    if is_partner:
        complete = not found.checked.findings
        sorted_ = sort_partner(rows, bank, full=found.asked.full, complete=complete)
    else:
        sorted_ = sort_rows(rows, bank)
        report.wants_listed = sum(row.wanted_status == UnitStatus.LISTED for row in sorted_.new)
        if not declaration:
            report.undeclared = _into_quarantine(sorted_.new)
    report.is_partner, report.bank = is_partner, bank.code
    _fill(report, found.checked, sorted_)
    if report.dry_run or report.blocked or not report.changes:
        return report
    if bank._state.adding:
        bank.save(force_insert=True)
    batch = _batch(report, bank, found, actor, declaration, sorted_)
    batch.save(force_insert=True)
    write_units(sorted_.new, batch)
    update_units(sorted_.changed, Origin.of(batch), actor)
    mark_gone(sorted_.gone, actor)
    ImportBatch.objects.filter(pk=batch.pk).update(written_at=Now())
    _record_batch(batch, actor, declaration)
    report.batch_id = batch.pk
    return report


def _into_quarantine(rows: Iterable[UnitRow]) -> int:
    """Rows that say LISTED, of which nobody declares that they were released: how many there were."""
    listed = [row for row in rows if row.wanted_status == UnitStatus.LISTED]
    for row in listed:
        row.values["status"] = UnitStatus.QUARANTINE.value
    return len(listed)


def _fill(report: ImportReport, checked: Checked, found: Sorted) -> None:
    report.rows = checked.total
    report.imported = len(found.new)
    report.unchanged = len(found.unchanged)
    report.changed = len(found.changed) + len(found.told_gone)
    report.gone = len(found.gone)
    report.held = sum(1 for row in found.new if row.held)
    report.warnings = [
        Finding(row.line, "", note.code, note.params)
        for row in (*found.new, *(row for row, _pk in found.changed))
        for note in (*row.conflicts, *(note for _locus, note in row.mother_differs))
    ]
    report.findings = sorted([*checked.findings, *found.findings], key=lambda finding: finding.line)


def _batch(
    report: ImportReport, bank: Bank, found: ReadFile, actor: Actor, declaration: str, rows: Sorted
) -> ImportBatch:
    written = [*rows.new, *(row for row, _pk in rows.changed), *rows.told_gone]
    return ImportBatch(
        bank=bank,
        kind=found.kind,
        file_name=found.file.name,
        file_bytes=found.file.size,
        file_sha256=found.file.sha256,
        rows=report.rows,
        imported=report.imported,
        unchanged=report.unchanged,
        changed=report.changed,
        failed=report.failed,
        held=report.held,
        gone=report.gone,
        full_list=report.is_partner and found.asked.full,
        undeclared=report.undeclared,
        declaration=declaration if report.wants_listed else "",
        rows_sha256=rows_digest(row.digest for row in written),
        invented_counts_seed=found.asked.invent_counts,
        nomenclature=found.reader.resolver.nomenclature.release,
        mac_version=found.reader.resolver.mac.version,
        actor=actor.label,
        user_id=actor.person_id,
    )


def _record_batch(batch: ImportBatch, actor: Actor, declaration: str) -> None:
    """One entry for all new units; of each that changed or is gone there is one besides."""
    names = ("imported", "held", "failed", "undeclared", "changed", "gone")
    after = {"bank": batch.bank.code, "file": batch.file_name, "file_sha256": batch.file_sha256}
    counts = {name: getattr(batch, name) for name in names if name in names[:3] or getattr(batch, name)}
    if batch.declaration:
        counts["declared_released"] = True
    digest = Batch(rows=batch.imported, sha256=batch.rows_sha256)
    audit.record(
        actor=actor,
        action="units.import",
        target=batch,
        after=after | counts,
        reason=batch.declaration,
        batch=digest,
    )


def rows_digest(digests: Iterable[str]) -> str:
    """SHA-256 over the sorted digests of the rows: what was written, whatever the order of the file."""
    whole = hashlib.sha256()
    for digest in sorted(digests):
        whole.update(digest.encode())
    return whole.hexdigest()


def _locked_bank(code: str) -> Bank:
    """The bank's row, locked: two imports into one bank follow one another, so neither misses the other's rows."""
    return Bank.objects.select_for_update(no_key=True).filter(code=code).first() or Bank(code=code, name=code)
