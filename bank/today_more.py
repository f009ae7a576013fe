"""Tasks of the day that are not of single units in one state: the desk, tanks, accreditations, specifications.

Another one is a function from a person to its WorkItem, or None, and its line in TASKS.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import NodeKind, Source
from bank.desk import Desk, DeskState, desk
from bank.models import Accreditation, ExportApproval, ReleaseSpecification, StorageNode, TankReading
from bank.today import DAYS, HOURS
from core.models import User
from core.roles import Permission
from core.work import WorkItem

# All ASSUMED: no source says them, a bank puts its own here.
QUARANTINE_WITHIN: Final = 60 * DAYS
READ_TANK_EVERY: Final = 24 * HOURS
ACCREDITATION_AHEAD: Final = 90 * DAYS
APPROVE_WITHIN: Final = 14 * DAYS
DECIDE_WITHIN: Final = 7 * DAYS

P = Permission
# state → who may do it, what to do, whether only what the reader may sign counts.
DESK_TASKS: Final[dict[DeskState, tuple[tuple[Permission, ...], Callable[[int], str], bool]]] = {
    DeskState.READY: (
        (P.UNIT_RELEASE,),
        lambda n: ngettext("%(n)d unit is ready to be released", "%(n)d units are ready to be released", n),
        True,
    ),
    DeskState.EXCEPTION: (
        (P.UNIT_RELEASE_EXCEPTION,),
        lambda n: ngettext(
            "%(n)d unit waits for an exceptional release", "%(n)d units wait for an exceptional release", n
        ),
        True,
    ),
    DeskState.MISSING: (
        (P.UNIT_PROCESS, P.UNIT_CONFIRM),
        lambda n: ngettext(
            "%(n)d unit in quarantine misses results", "%(n)d units in quarantine miss results", n
        ),
        False,
    ),
    DeskState.FAILED: (
        (P.UNIT_DISCARD,),
        lambda n: ngettext(
            "%(n)d unit in quarantine does not meet the specification",
            "%(n)d units in quarantine do not meet the specification",
            n,
        ),
        False,
    ),
}


def _may_any(user: User, asked: Iterable[Permission]) -> bool:
    return any(user.has_permission(one) for one in asked)


def desk_work(user: User) -> list[WorkItem]:
    """Of the states of the desk that this person works on; the desk is read once."""
    mine = [state for state, (may, _title, _signs) in DESK_TASKS.items() if _may_any(user, may)]
    if not mine:
        return []
    found = desk(user)
    items = (_desk_item(state, found, user) for state in mine)
    return [item for item in items if item is not None]


def _desk_item(state: DeskState, found: Desk, user: User) -> WorkItem | None:
    _may, title, signs = DESK_TASKS[state]
    entries = found.of(state, user if signs else None)
    if not entries:
        return None
    oldest = min(entry.unit.status_changed_at for entry in entries)
    query = {"state": state.value, **({"sign": "mine"} if signs else {})}
    detail = _("Of the units that wait longest; there are more.") if found.capped else ""
    return WorkItem(
        title=title(len(entries)) % {"n": len(entries)},
        url=f"{reverse('bank:release-desk')}?{urlencode(query)}",
        detail=detail or _signed_by_another(signs),
        due_at=oldest + QUARANTINE_WITHIN,
        since=oldest,
        kind="release",
        count=len(entries),
    )


def _signed_by_another(signs: bool) -> str:
    return _("You entered none of their results, so you may sign.") if signs else ""


def readings(user: User) -> WorkItem | None:
    """Tanks with limits that nobody has read for too long; one that was never read is the first."""
    if not user.has_permission(P.STORAGE_EDIT):
        return None
    newest = TankReading.objects.filter(tank=OuterRef("pk")).order_by("-read_at").values("read_at")[:1]
    tanks = StorageNode.objects.visible_to(user).of_kind(NodeKind.TANK).filter(limits__isnull=False)
    # of one that was never read its limits are as old as it gets
    late = tanks.annotate(read_at=Coalesce(Subquery(newest), F("limits__updated_at")))
    late = late.filter(read_at__lt=timezone.now() - READ_TANK_EVERY)
    rows: list[tuple[str, dt.datetime]] = list(
        late.order_by("read_at", "code").values_list("code", "read_at")
    )
    if not rows:
        return None
    title = ngettext("%(n)d tank has no new reading", "%(n)d tanks have no new reading", len(rows))
    return WorkItem(
        title=title % {"n": len(rows)},
        url=reverse("bank:storage"),
        detail=", ".join(code for code, _at in rows[:10]),
        due_at=rows[0][1] + READ_TANK_EVERY,
        since=rows[0][1],
        kind="storage",
        count=len(rows),
    )


def accreditations(user: User) -> WorkItem | None:
    """Of own banks: about to end, or ended lately, and nothing of the same scheme goes on after."""
    if not user.has_permission(P.UNIT_CONFIRM):
        return None
    today = timezone.localdate()
    later = Accreditation.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=OuterRef("valid_until")),
        bank=OuterRef("bank"),
        scheme=OuterRef("scheme"),
        name=OuterRef("name"),
    )
    near = (today - ACCREDITATION_AHEAD, today + ACCREDITATION_AHEAD)
    rows = Accreditation.objects.visible_to(user).filter(
        ~Exists(later), bank__source=Source.OWN, valid_until__range=near
    )
    ending = list(rows.order_by("valid_until"))
    if not ending:
        return None
    title = ngettext(
        "%(n)d accreditation ends soon or has ended",
        "%(n)d accreditations end soon or have ended",
        len(ending),
    )
    last_day = ending[0].valid_until or today
    due = timezone.make_aware(dt.datetime.combine(last_day, dt.time(23, 59)))
    return WorkItem(
        title=title % {"n": len(ending)},
        url=reverse("bank:bank-list"),
        detail=", ".join(f"{one.title} ({one.valid_until})" for one in ending),
        due_at=due,
        kind="bank",
        count=len(ending),
    )


def specifications(user: User) -> WorkItem | None:
    """Drafts that somebody else wrote, newer than what is approved."""
    if not user.has_permission(P.SPECIFICATION_APPROVE):
        return None
    newest = (
        ReleaseSpecification.objects.approved()
        .filter(bank=OuterRef("bank"))
        .order_by()
        .values("bank")
        .annotate(newest=Max("version"))
        .values("newest")
    )
    drafts = (
        ReleaseSpecification.objects.visible_to(user)
        .filter(Q(created_by__isnull=True) | ~Q(created_by=user), approved_at__isnull=True)
        .annotate(newest=Coalesce(Subquery(newest), 0))
        .filter(version__gt=F("newest"))
    )
    count, oldest = drafts.count(), drafts.aggregate(oldest=Min("created_at"))["oldest"]
    if not count:
        return None
    title = ngettext(
        "%(n)d release specification waits for approval",
        "%(n)d release specifications wait for approval",
        count,
    )
    return WorkItem(
        title=title % {"n": count},
        url=reverse("bank:specification-list"),
        due_at=oldest + APPROVE_WITHIN,
        since=oldest,
        kind="release",
        count=count,
    )


def genetic_requests(user: User) -> WorkItem | None:
    """Files with HLA typings that a foreign account asked for; one's own are another person's to decide."""
    if not user.has_permission(P.GENETIC_APPROVE):
        return None
    rows = ExportApproval.objects.visible_to(user).open().exclude(asked_by=user)
    found = rows.aggregate(count=Count("pk"), oldest=Min("asked_at"))
    if not found["count"]:
        return None
    title = ngettext(
        "%(n)d request for genetic data waits for a decision",
        "%(n)d requests for genetic data wait for a decision",
        found["count"],
    )
    return WorkItem(
        title=title % {"n": found["count"]},
        url=reverse("bank:genetic-register"),
        due_at=found["oldest"] + DECIDE_WITHIN,
        since=found["oldest"],
        kind="release",
        count=found["count"],
    )


TASKS: Final[tuple[Callable[[User], WorkItem | None], ...]] = (
    readings,
    accreditations,
    specifications,
    genetic_requests,
)


def other_work(user: User) -> list[WorkItem]:
    found: Iterable[Any] = (task(user) for task in TASKS)
    return [item for item in found if item is not None]
