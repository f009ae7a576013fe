"""Files that somebody chooses in the browser: checked by a job, confirmed by the person, written by a job, each once.

One row of ImportFile goes with the file. The check writes nothing but its report; the writing reads and checks the file
anew, for the inventory may have changed, and stores rows, report and the end of its job in one transaction under the
claim. A worker that dies leaves nothing behind: the sweep hands its job on, which begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank import uploads
from bank.choices_files import FilePurpose, FileTask
from bank.models import ImportFile
from bank.uploads import Choices
from core import jobs
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.exports import csv_lines
from core.findings import Finding
from core.jobs import Claim
from core.models import User

KIND: Final = "import_file"
# So small a file is checked and written while somebody waits; a packed one may hold a hundred times as much.
SMALL_BYTES, SMALL_PACKED_BYTES = 400_000, 20_000
FINDINGS_KEPT = 200  # in the row, for the page; all of them stand in a file
_PACKED = (".gz", ".xlsx", ".zip")
_FAILED = gettext_lazy("The file could not be read for a reason inside the program. Tell the administrator.")
Tell = Callable[[str, float], None]


@dataclass(frozen=True)
class Outcome:
    """What a check or the writing of a file found. report: for the page, plain values only."""

    report: dict[str, Any]
    findings: Sequence[Finding]
    warnings: Sequence[Finding] = ()
    batch_id: UUID | None = None


@dataclass(frozen=True)
class Reading:
    """A file that was read. look, store: compare with the database; store writes, in the caller's transaction."""

    look: Callable[[], Outcome]
    store: Callable[[], Outcome]


Reader = Callable[[ImportFile, bytes, Actor, Tell], Reading]
_readers: dict[str, Reader] = {}


def register(purpose: FilePurpose, reader: Reader) -> None:
    """How files of a purpose are read."""
    _readers[purpose.value] = reader


# --- steps of the person --------------------------------------------------------------------------


def file_start(*, file: UploadedFile, purpose: FilePurpose, choices: Choices, user: User) -> ImportFile:
    """Keep an upload and queue its check."""
    key = uuid4()
    size, sha256 = uploads.put(file, key)
    try:
        return _started(key, (file.name or "")[:200], size, sha256, purpose, choices, user)
    except BaseException:
        uploads.discard(key)
        raise


@transaction.atomic
def _started(
    key: UUID, name: str, size: int, sha256: str, purpose: FilePurpose, choices: Choices, user: User
) -> ImportFile:
    row = ImportFile(
        pk=key,
        purpose=purpose,
        user=user,
        file_name=name.replace("\0", ""),
        file_bytes=size,
        file_sha256=sha256,
        choices=asdict(choices),
    )
    row.job = _job(row, FileTask.CHECK, Actor.user(user))
    row.save(force_insert=True)
    return row


@transaction.atomic
def file_check(*, file_id: UUID, changes: Mapping[str, Any], actor: Actor) -> ImportFile:
    """Queue the check anew, with what was said besides: the columns, or in what the counts are given."""
    row = _locked(file_id)
    _guard_rest(row)
    row.choices = {**row.choices, **changes}
    return _queue(row, FileTask.CHECK, actor)


@transaction.atomic
def file_confirm(*, file_id: UUID, actor: Actor, skip_bad: bool = False, declaration: str = "") -> ImportFile:
    """Queue the writing of a checked file. Asked again while it is under way or done, it is the same.

    skip_bad: without its bad rows. Raises Conflict not_checked, has_errors, nothing_new.
    """
    row = _locked(file_id)
    if row.task == FileTask.WRITE and (row.job.is_open or row.is_written):
        return row
    if not row.is_checked:
        raise Conflict("not_checked", _("The file must be checked first."))
    if row.report.get("errors") and not skip_bad:
        raise Conflict("has_errors", _("There are rows with errors. Correct the file and choose it again."))
    if not row.report.get("changes"):
        raise Conflict("nothing_new", _("There is nothing new in this file."))
    row.skip_bad, row.declaration = skip_bad, declaration.replace("\0", "").strip()[:2000]
    return _queue(row, FileTask.WRITE, actor)


def file_cancel(*, file: ImportFile, actor: Actor) -> None:
    """Stop the check or the writing. Raises Conflict job_over once it is over: what is written stays."""
    jobs.job_cancel(job=file.job, actor=actor)


def is_small(file: ImportFile) -> bool:
    """Whether somebody may wait for it."""
    packed = file.file_name.lower().endswith(_PACKED)
    return bool(file.file_bytes <= (SMALL_PACKED_BYTES if packed else SMALL_BYTES))


def _locked(file_id: UUID) -> ImportFile:
    row = ImportFile.objects.select_for_update(no_key=True, of=("self",)).filter(pk=file_id).first()
    if row is None:
        raise InvalidInput("upload_gone", _("The checked file is no longer there. Choose it again."))
    return row


def _guard_rest(row: ImportFile) -> None:
    if row.job.is_open:
        raise Conflict("under_way", _("This file is being worked on. Wait until that is done."))
    if row.is_written:
        raise Conflict("written_already", _("This file was taken in already."))


def _queue(row: ImportFile, task: FileTask, actor: Actor) -> ImportFile:
    if not uploads.is_kept(row.pk):
        raise InvalidInput("upload_gone", _("The checked file is no longer there. Choose it again."))
    row.task, row.job = task, _job(row, task, actor)
    row.save(update_fields=["task", "job", "choices", "skip_bad", "declaration"])
    return row


def _job(row: ImportFile, task: FileTask, actor: Actor) -> Any:
    words = {FileTask.CHECK: _("Check of %(file)s"), FileTask.WRITE: _("Import of %(file)s")}
    title = words[task] % {"file": row.file_name}
    return jobs.job_create(kind=KIND, key=f"{KIND}:{row.pk}:{uuid4()}", title=title, actor=actor)


# --- the jobs -------------------------------------------------------------------------------------


def file_execute(*, job_id: UUID) -> ImportFile | None:
    """Do the check or the writing of a job, exactly once whoever calls how often. None: not ours, lost, or failed."""
    return jobs.carry_out(job_id, _work, failed=_FAILED)


def _work(claim: Claim) -> ImportFile:
    row = ImportFile.objects.select_related("job").get(job_id=claim.job_id)
    data = uploads.bytes_of(row.pk)
    if data is None:
        raise InvalidInput("upload_gone", _("The checked file is no longer there. Choose it again."))
    tell = jobs.Teller(claim)
    reading = _readers[row.purpose](
        row, data, Actor.job(row.job), lambda stage, share: tell(stage, 0.02 + 0.68 * share)
    )
    if row.task == FileTask.CHECK:
        tell.now(_("Comparing with what is there"), 0.75)
        return _keep(claim, row, reading.look())
    tell.now(_("Writing: it cannot be stopped any more"), 0.75)
    with claim.guard():
        _keep(claim, row, reading.store())
    if row.report["written"]:
        uploads.discard(row.pk)
    return row


def _keep(claim: Claim, row: ImportFile, outcome: Outcome) -> ImportFile:
    """The report and the end of the job; all findings into a file beside."""
    place = uploads.findings_path(row.pk)
    beside = place.with_suffix(f".{claim.token.hex}.part")  # a worker that was given up may still write
    row.report = {
        **outcome.report,
        "errors": len(outcome.findings),
        "remarks": len(outcome.warnings),
        "findings": [_told(finding) for finding in outcome.findings[:FINDINGS_KEPT]],
        "warnings": [_told(finding) for finding in outcome.warnings[:FINDINGS_KEPT]],
    }
    row.batch_id = outcome.batch_id
    try:
        _write_findings(beside, outcome)
        with claim.guard():
            beside.replace(place)
            row.save(update_fields=["report", "batch"])
            claim.succeed({"file": str(row.pk)})
    finally:
        beside.unlink(missing_ok=True)
    return row


def _told(finding: Finding) -> dict[str, Any]:
    return {"line": finding.line, "column": finding.column, "code": finding.code, "text": finding.text}


FINDINGS_HEADER = ("place", "column", "code", "finding", "kind")


def _write_findings(place: Path, outcome: Outcome) -> None:
    kinds = (("error", outcome.findings), ("warning", outcome.warnings))
    rows = (
        [finding.line or "", finding.column, finding.code, finding.text, kind]
        for kind, findings in kinds
        for finding in findings
    )
    with place.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(FINDINGS_HEADER, rows))


def findings_of(file: ImportFile) -> Path:
    """Where all findings of a file lie as CSV. Raises InvalidInput findings_gone."""
    place = uploads.findings_path(file.pk)
    if not place.is_file():
        raise InvalidInput("findings_gone", _("The findings are not there (any more). Check the file again."))
    return place
