"""Writes about files that go in and out: kept mappings of columns, files of the inventory for other registries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank import wmda
from bank.choices import CountUnit, Source, UpdateMode
from bank.choices_genetic import GeneticKind
from bank.exports.digests import packed, unpacked
from bank.exports.facts import on_offer
from bank.exports.inventory_file import Plan, Written, file_of, write_file
from bank.exports.withheld import has_ended
from bank.imports.mapping import LEFT_OUT, MAX_HEADING, TARGETS
from bank.models import (
    Bank,
    ImportMapping,
    InventoryExport,
)
from bank.querysets import BankQuerySet
from bank.services_genetic import genetic_count
from bank.word_locks import file_goes_out
from core import audit, jobs
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.jobs import Claim
from core.models import User

KIND = "inventory_export"
SMALL = 5_000  # units; so many are written while somebody waits
MAX_NAME = 60
_FAILED = gettext_lazy("The file could not be made for a reason inside the program. Tell the administrator.")

WITHHELD = gettext_lazy(
    "Since this file was made, a consent or a declaration ended for a unit in it. It is not given out any more, and is "
    "kept for the record. Make it anew."
)


# --- columns --------------------------------------------------------------------------------------


@transaction.atomic
def mapping_keep(*, bank_code: str, name: str, columns: Mapping[str, str], actor: Actor) -> ImportMapping:
    """Keep how the columns of a bank's files are read; the same name again takes the place of the earlier one."""
    plain = " ".join(name.replace("\0", "").split())[:MAX_NAME]
    if not plain:
        raise InvalidInput("name_needed", _("Give it a name."), field="keep_as")
    if any(
        len(heading) > MAX_HEADING or column not in (LEFT_OUT, *TARGETS)
        for heading, column in columns.items()
    ):
        raise InvalidInput("mapping_impossible", _("These columns cannot be kept."), field="keep_as")
    bank = _locked(Bank.objects.filter(code=bank_code))
    row = ImportMapping.objects.filter(bank=bank, name=plain).first() or ImportMapping(bank=bank, name=plain)
    before, after = audit.changes({"columns": row.columns}, {"columns": dict(columns)})
    row.columns, row.made_by, row.updated_at = dict(columns), actor.label[:200], timezone.now()
    row.save()
    audit.record(actor=actor, action="import_mapping.keep", target=row, before=before, after=after)
    return row


# --- inventory files ------------------------------------------------------------------------------


@transaction.atomic
def export_start(
    *,
    bank_id: UUID,
    mode: UpdateMode,
    counts: CountUnit,
    actor: Actor,
    since_id: UUID | None = None,
    issuing_organisation: int | None = None,
) -> InventoryExport:
    """Queue a file of the bank's own units on offer. A DIFF is counted as the file it follows.

    issuing_organisation: of the bank, for which the file stands; kept on the bank where it has none yet. Raises
    InvalidInput or Conflict: bank_unknown, not_own, ion_needed, since_needed, export_under_way.
    """
    bank = _locked(Bank.objects.filter(pk=bank_id))
    if bank.source != Source.OWN:
        raise Conflict("not_own", _("Only the own inventory is told to others."))
    _identify(bank, issuing_organisation, actor)
    since = _earlier(bank, since_id) if mode == UpdateMode.DIFF else None
    if InventoryExport.objects.filter(bank=bank).unfinished().exists():
        raise Conflict("export_under_way", _("A file of this bank is being made. Wait until it is done."))
    export = InventoryExport(
        pk=uuid4(),
        bank=bank,
        mode=UpdateMode(mode).value,
        since=since,
        counts=CountUnit(since.counts if since else counts).value,
        schema_version=wmda.SCHEMA_VERSION,
        made_by=actor.label[:200],
        user_id=actor.person_id,
    )
    title = _("Inventory file %(mode)s of %(bank)s") % {"mode": export.mode, "bank": bank.code}
    export.job = jobs.job_create(kind=KIND, key=f"{KIND}:{export.pk}", title=title, actor=actor)
    export.save(force_insert=True)
    export.refresh_from_db(fields=["created_at"])
    asked = {"mode": export.mode, "counts": export.counts, "since": str(since.pk) if since else ""}
    audit.record(actor=actor, action="inventory_export.start", target=export, after=asked)
    return export


def is_small(export: InventoryExport) -> bool:
    """Whether somebody may wait for it."""
    return on_offer(export.bank)[: SMALL + 1].count() <= SMALL


def export_execute(*, job_id: UUID) -> InventoryExport | None:
    """Make the file of a job, exactly once whoever calls how often. None: not ours, lost, or failed."""
    return jobs.carry_out(job_id, _write_and_store, failed=_FAILED)


def _write_and_store(claim: Claim) -> InventoryExport:
    export = InventoryExport.objects.select_related("bank", "since").get(job_id=claim.job_id)
    tell = jobs.Teller(claim)
    total = max(on_offer(export.bank).count(), 1)
    stage = "writing"
    tell.now(stage, 0.0)
    before = unpacked(bytes(export.since.digests)) if export.since else None
    plan = Plan(export.bank, CountUnit(export.counts), timezone.now(), before)
    place = file_of(export.pk)
    beside = place.with_suffix(f".{claim.token.hex}.part")  # a worker that was given up may still write
    try:
        written = write_file(beside, plan, lambda seen: tell(stage, min(seen / total, 0.99), units=seen))
        return _store(claim, export, plan, written, beside)
    finally:
        beside.unlink(missing_ok=True)


def _store(
    claim: Claim, export: InventoryExport, plan: Plan, written: Written, beside: Path
) -> InventoryExport:
    """The file in its place, what is in it, the audit entry and the end of the job, all under the claim."""
    export.snapshot_time = plan.at
    export.units, export.digests = len(written.digests), packed(written.digests)
    export.written, export.removed, export.kept_back = written.written, written.removed, written.kept_back
    export.sha256, export.size_bytes = written.sha256, written.size
    with claim.guard() as job:
        beside.replace(file_of(export.pk))
        export.save()
        claim.succeed({"export": str(export.pk)})
        figures = {"units": export.units, "written": export.written, "removed": export.removed}
        after = figures | {"kept_back": export.kept_back, "sha256": export.sha256}
        audit.record(actor=Actor.job(job), action="inventory_export.finish", target=export, after=after)
    return export


def export_fetched(*, export: InventoryExport, actor: Actor) -> Path:
    """Where the file is, for somebody who takes it away: it holds genetic data of the whole inventory on offer.

    Raises Conflict `export_outdated` where a unit in it may not be told of abroad any more: the file stays where it is,
    for whoever has to know what it said, and the try stands in the trail.
    """
    place = file_of(export.pk)
    if not place.is_file():
        raise InvalidInput("export_gone", _("The file is not there (any more). Make a new one."))
    if not _handed_out(export, actor):  # the refusal undoes nothing: the try stays in the trail
        raise Conflict("export_outdated", WITHHELD)
    return place


@transaction.atomic
def _handed_out(export: InventoryExport, actor: Actor) -> bool:
    """Judged, counted and written down in one: nobody's consent ends between the verdict and the trail."""
    file_goes_out()
    after = {"sha256": export.sha256}
    if has_ended(export):
        audit.record(actor=actor, action="inventory_export.withheld", target=export, after=after)
        return False
    if actor.person_id is not None:
        user = User.objects.get(pk=actor.person_id)
        genetic_count(user=user, kind=GeneticKind.WMDA_XML, units=export.written)
    audit.record(actor=actor, action="inventory_export.fetch", target=export, after=after)
    return True


def _locked(banks: BankQuerySet) -> Bank:
    """The only one of these, its row locked. Raises InvalidInput bank_unknown."""
    bank = banks.select_for_update(no_key=True).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("Choose the bank."), field="bank")
    return bank


def _identify(bank: Bank, number: int | None, actor: Actor) -> None:
    """The bank under the number of its issuing organisation, without which a file says nothing of whose it is."""
    if bank.issuing_organisation is None and number is None:
        raise InvalidInput(
            "ion_needed",
            _("Enter the issuing organisation number of the bank (WMDA, 1000–9999)."),
            field="issuing_organisation",
        )
    if bank.issuing_organisation is None:
        bank.issuing_organisation = number
        bank.save(update_fields=["issuing_organisation"])
        audit.record(actor=actor, action="bank.identify", target=bank, after={"issuing_organisation": number})


def _earlier(bank: Bank, since_id: UUID | None) -> InventoryExport:
    finished = InventoryExport.objects.filter(bank=bank).finished()
    earlier = finished.filter(pk=since_id).first() if since_id else None
    if earlier is None:
        raise InvalidInput(
            "since_needed", _("Choose the earlier file of the same bank that it shall follow."), field="since"
        )
    return earlier
