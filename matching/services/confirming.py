"""What becomes of a search of the night: the same list is confirmed, another one says what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import audit
from core.audit import Actor
from core.jobs import Claim
from core.models import User
from matching import results, waiting
from matching.choices import RunOrigin
from matching.computing import Computed
from matching.models import SearchRun
from matching.querysets import SearchRunQuerySet


def latest_list(run: SearchRun) -> SearchRun | None:
    """The newest finished search of the request before this one."""
    found: SearchRun | None = _others(run).first()
    return found


def _others(run: SearchRun) -> SearchRunQuerySet:
    """The finished searches of the request, the newest first, but for this one."""
    rows: SearchRunQuerySet = SearchRun.objects.filter(request=run.request_id).exclude(pk=run.pk)
    return rows.finished().order_by("-run_no")


def confirms(run: SearchRun, found: Computed) -> SearchRun | None:
    """The list that this search of the night found again, unit for unit; None where it has to be stored.

    So has one that was asked otherwise or made by other reference data: the run says what its list was made of, and
    is recomputed from that.
    """
    if not run.of_the_night:
        return None
    last = latest_list(run)
    if last is None or _made_of(last) != _made_of(run, found.figures):
        return None
    return last if results.stored_list(last) == results.listed(found.rows) else None


def _made_of(run: SearchRun, figures: Mapping[str, Any] | None = None) -> list[Any]:
    """All that a list was made of beside the inventory. figures: of a search that has not stored them."""
    made = {name: getattr(run, name) for name in ("nomenclature_checksum", "mac_checksum", "prediction")}
    made |= figures or {}
    asked = [run.patient_typing, run.patient_weight_kg, run.patient_populations, run.criteria, run.policy_id]
    return [*asked, made["nomenclature_checksum"], made["mac_checksum"], made["prediction"].get("sets")]


def run_confirm(*, claim: Claim, run: SearchRun, last: SearchRun, number: int) -> SearchRun:
    """Note on the last list that it still holds, and drop the empty run; in the transaction that ends the job.

    number: the change of the inventory up to which it was searched.
    """
    last.checked_at, last.checked_ledger_number = timezone.now(), number
    last.basis = run.basis
    last.save(update_fields=["checked_at", "checked_ledger_number", "basis"])
    run.delete()
    claim.succeed({"run": str(last.pk), "confirmed": True})
    audit.record(
        actor=Actor.system("night"),
        action="search.confirm",
        target=("matching.SearchRun", str(last.pk), last.label),
        after={"request": last.request.number, "run_no": last.run_no, "ledger_number": number},
        hospital_id=last.request.hospital_id,
    )
    return last


def note_changes(run: SearchRun, rows: results.Rows) -> None:
    """Of a list of the night: what differs from the last list that the hospital asked for or opened."""
    if not run.of_the_night:
        return
    known = _others(run).filter(Q(origin=RunOrigin.PERSON) | Q(seen_at__isnull=False)).first()
    if known is not None:
        before, after = results.stored_list(known), results.listed(rows)
        run.changes = waiting.changes(known, before, after, run.policy.primary)


@transaction.atomic
def run_see(*, run: SearchRun, user: User) -> None:
    """A person of the hospital opened a list of the night: it waits for nobody any more. Others change nothing."""
    if not run.of_the_night or run.seen_at or run.request.hospital_id not in user.hospital_ids:
        return
    actor = Actor.user(user)
    seen = SearchRun.objects.filter(pk=run.pk, seen_at__isnull=True)
    if seen.update(seen_at=timezone.now(), seen_by=actor.label[:200]):
        audit.record(
            actor=actor,
            action="search.see",
            target=("matching.SearchRun", str(run.pk), run.label),
            hospital_id=run.request.hospital_id,
        )
