"""Lists of earlier transplants: everything is checked before anything is written, then all or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.imports.errors import FileError, Finding
from bank.imports.files import WITH_HEADER, recognised
from bank.imports.headings import Table, table_in
from bank.imports.xlsx import MAGIC
from bank.services_import import rows_digest
from core import audit
from core.audit import Actor, Batch
from core.errors import Conflict
from hospitals.models import Hospital
from transplants.choices_outcomes import Source
from transplants.importing.compare import parts
from transplants.importing.errors import TransplantFinding
from transplants.importing.mapping import named
from transplants.importing.rows import CheckedRows, ForAll, RowChecker
from transplants.importing.write import digest, write_changed, write_new
from transplants.models import Transplant, TransplantBatch
from transplants.services_outcomes import outcomes_refresh

MAX_ROWS = 100_000
Tell = Callable[[float], None]
_RACED = gettext_lazy(
    "Another import wrote some of these transplants at the same moment. Import the file again."
)


@dataclass(frozen=True, kw_only=True)
class AskedTransplants:
    """What somebody says of a list. hospital: code, "" where each row names it; own: "yes", "no", or "" likewise.

    mapping: heading of the file -> column of ours, "" to leave it out. name: shown beside every figure of the list.
    """

    hospital: str = ""
    own: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    max_rows: int = MAX_ROWS


@dataclass
class ReadList:
    """A list whose every row was checked by itself. refused: why it cannot be read at all."""

    asked: AskedTransplants
    file_name: str
    file_bytes: int
    file_sha256: str
    kind: str = ""
    ignored: tuple[str, ...] = ()
    table: Table | None = None
    checked: CheckedRows = field(default_factory=CheckedRows)
    refused: Finding | None = None


@dataclass
class ListReport:
    """What came of it, the same for a look and for the writing. rows: of the file; failed: those with a finding."""

    rows: int = 0
    imported: int = 0
    changed: int = 0
    unchanged: int = 0
    dead: int = 0
    lost: int = 0
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    batch_id: UUID | None = None

    @property
    def failed(self) -> int:
        return self.rows - self.imported - self.changed - self.unchanged

    @property
    def changes(self) -> int:
        return self.imported + self.changed


def transplants_read(
    *,
    data: bytes,
    file_name: str,
    asked: AskedTransplants,
    today: dt.date | None = None,
    tell: Tell = lambda share: None,
) -> ReadList:
    """Read a list (CSV, XLSX; gzip too) and check each row by itself. Never raises for what the file holds."""
    found = ReadList(asked, file_name[:200], len(data), hashlib.sha256(data).hexdigest())
    try:
        _read(found, data, today or timezone.localdate(), tell)
    except FileError as error:
        found.refused = error.finding
    return found


def _read(found: ReadList, data: bytes, today: dt.date, tell: Tell) -> None:
    asked = found.asked
    try:
        raw = recognised(data, max_rows=asked.max_rows)
    except FileError as error:
        if _is_other(error.finding.code) and not data.startswith(MAGIC):
            raise _no_table() from error
        raise
    if raw.kind not in WITH_HEADER:
        raise _no_table()
    if len(raw.rows) > asked.max_rows:
        raise FileError("too_many_lines", limit=asked.max_rows)
    found.kind, found.table = raw.kind, table_in(raw)
    raw = named(raw, asked.mapping)
    found.ignored = raw.ignored
    total = max(len(raw.rows), 1)
    found.checked.total = len(raw.rows) + len(raw.broken)
    found.checked.findings += [*raw.broken, *(one for line in raw.found.values() for one in line)]
    rows = [(line, cells) for line, cells in raw.rows if line not in raw.found]
    said = ForAll(_hospital_codes(), asked.hospital, asked.own)
    raw.rows = []
    RowChecker(raw.header, said, today).check(rows, found.checked, lambda count: tell(count / total))


def _is_other(code: str) -> bool:
    """The reader took it for another kind of file of units, and speaks in the words of those."""
    return code in ("file_unknown_form", "count_unit_needed") or code.startswith(("xml_", "json_"))


def _no_table() -> FileError:
    error = FileError("transplants_form")
    error.finding = TransplantFinding(0, "", "transplants_form")
    return error


def _hospital_codes() -> dict[str, str]:
    return {code.lower(): code for code in Hospital.objects.values_list("code", flat=True)}


def transplants_store(
    *, found: ReadList, actor: Actor, dry_run: bool = False, skip_bad: bool = False
) -> ListReport:
    """Compare a list that was read with what is there, and write what is new or changed of it; all or nothing.

    Nothing is written for a dry run, or where there are findings and not skip_bad. A row that says the same as before
    is unchanged; one that differs replaces what the list said before, which stays as a version. What somebody corrected
    by hand after it was taken over is never overwritten. Raises Conflict import_raced.
    """
    try:
        return _store(found, actor, dry_run, skip_bad)
    except IntegrityError as error:  # a simultaneous import of the same patients gets here
        raise Conflict("import_raced", _RACED) from error


@transaction.atomic
def _store(found: ReadList, actor: Actor, dry_run: bool, skip_bad: bool) -> ListReport:
    report = _looked(found, lock=not dry_run)
    if dry_run or not report.changes or (report.findings and not skip_bad):
        return report
    batch = TransplantBatch.objects.create(
        file_name=found.file_name,
        file_bytes=found.file_bytes,
        file_sha256=found.file_sha256,
        name=found.asked.name[:120],
        rows=report.changes + report.unchanged,
        imported=report.imported,
        changed=report.changed,
        unchanged=report.unchanged,
        user_id=actor.person_id,
    )
    outcomes_refresh(transplant_ids=_written(found, batch, actor))
    report.batch_id = batch.pk
    return report


def _looked(found: ReadList, *, lock: bool) -> ListReport:
    report = ListReport(rows=found.checked.total)
    if found.refused is not None:
        report.findings = [found.refused]
        return report
    wrong = [*found.checked.findings]
    for part in parts(found.checked.rows, lock=lock):
        report.imported += len(part.new)
        report.changed += len(part.changed)
        report.unchanged += part.unchanged
        contacts = [row.answer("contact") for row in (*part.new, *(row for row, _known in part.changed))]
        report.dead += contacts.count("dead")
        report.lost += contacts.count("lost")
        wrong += part.findings
    report.findings = sorted(wrong, key=lambda finding: finding.line)
    bad = {finding.line for finding in wrong}
    report.warnings = [warning for warning in found.checked.warnings if warning.line not in bad]
    return report


def _written(found: ReadList, batch: TransplantBatch, actor: Actor) -> list[UUID]:
    """The transplants whose outcome is to be derived anew: those written, and the others of their patients."""
    hospitals = dict(Hospital.objects.values_list("code", "pk"))
    keys: list[UUID] = []
    digests: list[str] = []
    for part in parts(found.checked.rows, lock=True):
        new = write_new(
            part.new,
            hospitals=hospitals,
            source=Source.IMPORT,
            batch=batch,
            person_id=actor.person_id,
            units=part.units,
        )
        changed = write_changed(part.changed, batch=batch, actor=actor, units=part.units)
        keys += [*new, *changed]
        written = [*part.new, *(row for row, _known in part.changed)]
        digests += [digest(row) for row in written]
        keys += _earlier([(hospitals[row.hospital], row.patient) for row in written if row.sequence > 1])
    _record(batch, actor, digests)
    return list(dict.fromkeys(keys))


def _earlier(people: Iterable[tuple[UUID, str]]) -> list[UUID]:
    """All transplants of patients of whom a later one was written: it ends what the earlier one is followed for."""
    wanted = set(people)
    if not wanted:
        return []
    rows = Transplant.objects.filter(
        hospital__in={hospital for hospital, _code in wanted}, registry_code__in={code for _h, code in wanted}
    )
    found = rows.values_list("pk", "hospital_id", "registry_code")
    return [pk for pk, hospital, code in found if (hospital, code) in wanted]


def _record(batch: TransplantBatch, actor: Actor, digests: list[str]) -> None:
    """One entry for all rows; of each that changed there is one besides."""
    after = {
        "file": batch.file_name,
        "file_sha256": batch.file_sha256,
        "imported": batch.imported,
        "changed": batch.changed,
    }
    audit.record(
        actor=actor,
        action="transplants.import",
        target=batch,
        after=after,
        batch=Batch(rows=len(digests), sha256=rows_digest(digests)),
    )


def named_list(batch: TransplantBatch) -> str:
    """What people call it."""
    return batch.name or _("List %(file)s") % {"file": batch.file_name}
