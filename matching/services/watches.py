"""Watched patients: started, ended, and told when a unit beats the best that was on offer."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices import UnitStatus
from bank.models import CordBloodUnit
from bank.querysets import not_blocked
from core import audit, jobs, notifications
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.notifications import Notice
from core.roles import Permission
from hospitals.choices import PatientState
from hospitals.querysets import members_who, open_in
from matching import reference
from matching.choices import CLASS_SIZE, WatchFor
from matching.models import MatchRequest, NewUnitFinding, PatientWatch, SearchResult, SearchRun
from matching.selection.eligible import Eligible
from matching.standing import Standing, band_of, beats, better_of
from matching.unit_rows import thousandths

log = logging.getLogger("qidai.watches")

CODE = "watch.better"
MOST_COUNTED = 100  # better units told of in one notification; the list has them all
_LISTED = UnitStatus.LISTED


@transaction.atomic
def watch_start(
    *, request: MatchRequest, user: User, counts: str, whole_hospital: bool = False
) -> PatientWatch:
    """Watch a patient by one request: for oneself, or for everybody of the hospital.

    Asked again, what counts as better changes. Raises Conflict for a request that waits for nothing: a draft, one that
    is over, an inactive patient's.
    """
    if counts not in WatchFor.values:
        raise InvalidInput("counts_unknown", _("Choose what counts as better."), field="counts")
    _locked(request)
    actor, whose = Actor.user(user), None if whole_hospital else user
    known: PatientWatch | None = PatientWatch.objects.filter(request=request, user=whose).active().first()
    if known is not None and known.counts == counts:
        return known
    before = {"counts": known.counts} if known else {}
    watch = known or PatientWatch(request=request, user=whose, started_by=actor.label[:200])
    watch.counts = counts
    watch.save()
    after = {"counts": counts, "whole_hospital": whole_hospital}
    _record(watch, request, actor, "watch.change" if known else "watch.start", before=before, after=after)
    return watch


def _locked(request: MatchRequest) -> None:
    MatchRequest.objects.select_for_update(no_key=True).get(pk=request.pk)
    if not MatchRequest.objects.waiting().filter(pk=request.pk).exists():
        raise Conflict(
            "request_not_waiting",
            _("%(number)s cannot be watched: only a submitted request of an active patient can."),
            params={"number": request.number},
        )


@transaction.atomic
def watch_end(*, watch_id: UUID, actor: Actor) -> PatientWatch:
    """Watch no more. One that has ended stays as it is."""
    rows = PatientWatch.objects.select_for_update(no_key=True, of=("self",)).select_related("request")
    watch: PatientWatch = rows.get(pk=watch_id)
    if watch.ended_at is None:
        watch.ended_at, watch.ended_by = timezone.now(), actor.label[:200]
        watch.save(update_fields=["ended_at", "ended_by"])
        _record(watch, watch.request, actor, "watch.end")
    return watch


def watches_sweep() -> int:
    """Ends the watches of patients who are not active any more. Whoever wants watches one anew who is active again.

    Those of a record that was merged sleep: it can be undone, and then they are what they were. How many were ended.
    Packages to the right of this one cannot call it: that a patient died is found by the sweep.
    """
    rows = PatientWatch.objects.active().filter(
        request__patient__state=PatientState.INACTIVE, request__patient__merged_into__isnull=True
    )
    ids = list(rows.order_by("since", "pk").values_list("pk", flat=True))
    for watch_id in ids:
        watch_end(watch_id=watch_id, actor=Actor.system("patient inactive"))
    return len(ids)


def _record(watch: PatientWatch, request: MatchRequest, actor: Actor, action: str, **values: Any) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=("matching.PatientWatch", str(watch.pk), request.number),
        hospital_id=request.hospital_id,
        **values,
    )


# --- telling


def tell(what: Callable[[], None]) -> None:
    """Tell people, in a savepoint: what was found is right without it, and is not lost because telling failed.

    Of a deadlock or a lost connection the whole job is over, and is done again by another worker with its news. What
    fails otherwise is tried a second time, then it is a fault of the program that a repetition would meet again.
    """
    for last in (False, True):
        try:
            with transaction.atomic():
                what()
        except Exception as error:
            if jobs.ends_the_work(error):
                raise
            log.exception("who watches a patient could not be told")
            if last:
                _note_untold(error)
        else:
            return


def _note_untold(error: Exception) -> None:
    """In the trail, where it is found: nobody misses what he was never told."""
    audit.record(
        actor=Actor.system("watch"),
        action="watch.untold",
        target=("core.Notification", "", "watched patients"),
        reason=type(error).__name__,
    )


def tell_of_findings(found: Mapping[UUID, Sequence[NewUnitFinding]]) -> None:
    """Of new units that were compared, before they are written: those that beat the best known so far.

    Part of the transaction that writes them, so that each is told of once. found: by request.
    """
    notices: list[Notice] = []
    for request in _watched(found):
        last = request.newest_list
        if last is None or not _made_as_now(request, last):
            continue  # no measure: the next list is one
        judge = Eligible(request)
        best = better_of(
            _best_of_list(judge, last, request.policy.primary), _best_found(judge, request, last)
        )
        units = {
            row.unit_id: standing_of_finding(row) for row in judge.of_new(last, _on_offer(found[request.pk]))
        }
        notices += _notices(request, best, units, run=None)
    _tell(notices, "units.tell")


def tell_of_list(run: SearchRun, last: SearchRun | None) -> None:
    """Of a new list of the night, in the transaction that stored it: its units that beat the best known before."""
    if last is None or not run.of_the_night or not _comparable(run, last):
        return
    (request,) = list(_watched([run.request_id])) or (None,)
    if request is None:
        return
    primary = request.policy.primary
    judge = Eligible(request)
    best = better_of(_best_of_list(judge, last, primary), _best_found(judge, request, last))
    rows = _listed_results(run)
    if best is not None:
        rows = rows.filter(**{f"{primary}_max__gte": best.class_max})
    first = islice(judge.of_list(run, rows), MOST_COUNTED + 1)
    units = {row.unit_id: standing_of_result(row, primary) for row in first}
    _tell(_notices(request, best, units, run=run), "list.tell")


def _watched(requests: Iterable[UUID]) -> Iterator[MatchRequest]:
    """Those that somebody watches, with their newest list."""
    watched = PatientWatch.objects.active().filter(request__in=list(requests)).values("request")
    rows = MatchRequest.objects.filter(pk__in=watched).select_related("patient", "policy").with_newest_list()
    yield from rows.order_by("pk")


def _comparable(run: SearchRun, last: SearchRun) -> bool:
    """Whether both lists read patient and units alike: else the best of the older one is no measure of the newer."""
    names = ("patient_typing", "patient_populations", "policy_id", "nomenclature_checksum", "mac_checksum")
    sets = [one.prediction.get("sets") for one in (run, last)]
    return sets[0] == sets[1] and all(getattr(run, name) == getattr(last, name) for name in names)


def _made_as_now(request: MatchRequest, last: SearchRun) -> bool:
    """The same of a list and what new units are compared with: the patient and the reference data of today."""
    typing, now = request.patient.current_typing, reference.in_use()
    if (
        typing is None
        or {locus: list(pair) for locus, pair in typing.canonical.items()} != last.patient_typing
    ):
        return False
    made = (last.policy_id, last.nomenclature_checksum, last.mac_checksum)
    return made == (request.policy_id, now.nomenclature, now.mac_checksum)


def _listed_results(run: SearchRun) -> Any:
    """Results on offer to everybody, then and now, best first; a reserved unit is nobody's best."""
    rows = SearchResult.objects.filter(not_blocked("unit__"), run=run, status=_LISTED, unit__status=_LISTED)
    return rows.order_by("rank").defer("evidence", "prediction")


def _best_of_list(judge: Eligible, last: SearchRun, primary: str) -> Standing | None:
    """The best that the policy leaves in the list: one that it excludes for antibodies or dose is no measure."""
    first = next(judge.of_list(last, _listed_results(last)), None)
    return None if first is None else standing_of_result(first, primary)


def _best_found(judge: Eligible, request: MatchRequest, last: SearchRun) -> Standing | None:
    """The same of the new units since that list; who is told of them already need not be told again."""
    rows = NewUnitFinding.objects.filter(
        not_blocked("unit__"), request=request, ledger_number__gt=last.covered_number, unit__status=_LISTED
    )
    ordered = sorted(rows, key=lambda row: standing_of_finding(row).key(), reverse=True)
    first = next(judge.of_new(last, ordered), None)
    return None if first is None else standing_of_finding(first)


def _on_offer(rows: Sequence[NewUnitFinding]) -> list[NewUnitFinding]:
    """Without those that are reserved."""
    listed = CordBloodUnit.objects.listed().filter(pk__in=[row.unit_id for row in rows])
    known = set(listed.values_list("pk", flat=True))
    return [row for row in rows if row.unit_id in known]


def standing_of_result(row: SearchResult, primary: str) -> Standing:
    low, high = row.class_range(primary) or (0, 0)
    share = getattr(row, f"p0_of{CLASS_SIZE[primary]}")
    return Standing(high, band_of(share), low, thousandths(row.tnc_e7))


def standing_of_finding(row: NewUnitFinding) -> Standing:
    share = row.probabilities.get(str(CLASS_SIZE[row.class_name]))
    return Standing(row.class_max, band_of(share), row.class_min, thousandths(row.tnc_e7))


def _notices(
    request: MatchRequest, best: Standing | None, units: Mapping[UUID, Standing], *, run: SearchRun | None
) -> list[Notice]:
    """One for each person who watches, by the widest of the watches that reach him; none where nothing beats."""
    told: dict[UUID, int] = defaultdict(int)
    for watch in PatientWatch.objects.active().filter(request=request).select_related("user"):
        counts = WatchFor(watch.counts)
        better = sum(beats(standing, best, counts) for standing in units.values())
        if better:
            for user_id in _reached(watch, request):
                told[user_id] = max(told[user_id], better)
    patient = request.patient
    return [
        Notice(
            user_id=user_id,
            code=CODE,
            topic=f"patient:{patient.pk}",
            params={
                "patient": patient.code,
                "request": str(request.pk),
                "run": str(run.pk) if run else "",
                "n": min(count, MOST_COUNTED),
            },
            hospital_id=request.hospital_id,
        )
        for user_id, count in sorted(told.items())
    ]


def _reached(watch: PatientWatch, request: MatchRequest) -> list[UUID]:
    """Whom a watch tells: only who may see the request at this moment."""
    if watch.user is None:
        return [user.pk for user in members_who(Permission.REQUEST_VIEW, request.hospital_id)]
    may = watch.user.is_active and open_in(watch.user, Permission.REQUEST_VIEW, request.hospital_id)
    return [watch.user.pk] if may else []


def _tell(notices: list[Notice], action: str) -> None:
    if not notices:
        return
    made = notifications.notifications_create(notices=notices)
    audit.record(
        actor=Actor.system("watch"),
        action=action,
        target=("core.Notification", "", "watched patients"),
        after={"notifications": len(made), "patients": len({notice.topic for notice in notices})},
    )
