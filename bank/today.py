"""Tasks of the day that units wait for. A task more is one entry of UNIT_TASKS, and its filter is in the inventory.

Others (tanks, specifications, the desk) stand in bank/today_more.py. core.work joins them, overdue first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, Subquery, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bank.choices import BEFORE_OFFER, SEARCHABLE, Source, UnitStatus
from bank.models import (
    BloodGroupResult,
    CordBloodUnit,
    CultureResult,
    EligibilityDecision,
    HaemoglobinopathyResult,
    HlaTyping,
    MarkerResult,
    Measurement,
)
from bank.querysets import CordBloodUnitQuerySet
from core.models import User
from core.roles import Permission
from core.work import WorkItem

HOURS = dt.timedelta(hours=1)
DAYS = dt.timedelta(days=1)

# When a task is due. 48 h: most public banks process within that time of the birth (domain notes, workflow 1.1). All
# others are ASSUMED: no source says them, a bank puts its own here.
PROCESS_WITHIN: Final = 48 * HOURS
WARN_AFTER: Final = (24 * HOURS, 36 * HOURS, PROCESS_WITHIN)
KIT_OUT: Final = 90 * DAYS
VERIFY_WITHIN: Final = 7 * DAYS
CONFIRM_WITHIN: Final = 7 * DAYS
HOLD_REVIEW: Final = 30 * DAYS
# A batch of an earlier release does not say when its last row was written: by then it was.
UNTOLD_WRITTEN: Final = 1 * DAYS

RESULTS: Final[tuple[Any, ...]] = (
    Measurement,
    MarkerResult,
    CultureResult,
    BloodGroupResult,
    HaemoglobinopathyResult,
)
Rows = Callable[[CordBloodUnitQuerySet, User], CordBloodUnitQuerySet]


@dataclass(frozen=True)
class UnitTask:
    """Own units that wait for one kind of work.

    may: any of these may do it. short: for the inventory's filter. title: of so many. rows: the units that wait, of
    all, for this person. since: from when on they wait; within: and how long they may. detail: a sentence, perhaps
    made of the ages. ages: how many are older than each of WARN_AFTER is told.
    """

    key: str
    may: tuple[Permission, ...]
    short: str | Promise
    title: Callable[[int], str]
    rows: Rows
    since: Combinable
    within: dt.timedelta | None = None
    detail: str | Promise = ""
    tells_ages: bool = False

    def waiting(self, units: CordBloodUnitQuerySet, user: User) -> CordBloodUnitQuerySet:
        return self.rows(units.filter(source=Source.OWN), user)

    def item(self, user: User) -> WorkItem | None:
        """With one query; None where nothing waits."""
        now = timezone.now()
        units = self.waiting(CordBloodUnit.objects.visible_to(user), user).annotate(waits_since=self.since)
        older = {
            f"older_{place}": Count("pk", filter=Q(waits_since__lt=now - age))
            for place, age in enumerate(WARN_AFTER if self.tells_ages else ())
        }
        found: dict[str, Any] = units.order_by().aggregate(n=Count("pk"), oldest=Min("waits_since"), **older)
        if not found["n"]:
            return None
        oldest = found["oldest"]
        return WorkItem(
            title=self.title(found["n"]),
            url=f"{reverse('bank:unit-list')}?task={self.key}",
            detail=_ages([found[name] for name in older]) if older else str(self.detail),
            due_at=oldest + self.within if oldest and self.within else None,
            since=oldest,
            kind="unit",
            count=found["n"],
        )


def _ages(older: list[int]) -> str:
    """Of WARN_AFTER."""
    return _("Since the collection: %(a)d beyond 24 h, %(b)d beyond 36 h, %(c)d beyond 48 h.") % dict(
        zip("abc", older, strict=True)
    )


def _in_state(*states: UnitStatus) -> Rows:
    return lambda units, user: units.filter(status__in=states)


def _to_verify(units: CordBloodUnitQuerySet, user: User) -> CordBloodUnitQuerySet:
    """As bank.querysets.waiting_for says of one unit: somebody else entered it, and nobody vouched for it yet.

    Of units on offer only what was entered since: for what came with them nobody vouches any more.
    """
    of_unit = {"unit": OuterRef("pk")}
    by_another = Q(entered_by__isnull=True) | ~Q(entered_by=user)
    waiting = Q()
    for model in RESULTS:
        waiting |= Q(Exists(model.objects.waiting().filter(by_another, **of_unit)))
    own_typing = HlaTyping.objects.filter(subject="unit", entered_by=user, **of_unit)
    waiting |= Q(Exists(HlaTyping.objects.waiting().filter(**of_unit))) & ~Q(Exists(own_typing))
    decided = EligibilityDecision.objects.waiting().filter(by_another, donation=OuterRef("donation"))
    waiting |= Q(Exists(decided))
    # the state first, it is the cheap half
    before = Q(status__in=BEFORE_OFFER) & waiting
    return units.filter(before | Q(status__in=SEARCHABLE) & _has_late(by_another))


def _on_offer_since(unit: Callable[[str], Any]) -> Greatest:
    """Rows of an import follow its units by a moment, so what it wrote is not late. NULL counts as never."""
    written = Coalesce(unit("import_batch__written_at"), unit("import_batch__created_at") + UNTOLD_WRITTEN)
    return Greatest(unit("status_changed_at"), written)


def _waiting_of_unit() -> list[Any]:
    """Of each kind of result those of the outer unit that wait; a typing of a unit on offer waits for nobody."""
    decided = EligibilityDecision.objects.waiting().filter(donation=OuterRef("donation"))
    return [*(model.objects.waiting().filter(unit=OuterRef("pk")) for model in RESULTS), decided]


def _has_late(by_another: Q) -> Q:
    """Of units on offer: results that were entered after. Each kind is joined once, not looked up for each unit."""
    offered = CordBloodUnit.objects.filter(status__in=SEARCHABLE, source=Source.OWN)
    offered = offered.annotate(on_offer_since=_on_offer_since(F))
    found = Q()
    for rows in _waiting_of_unit():
        late = rows.filter(by_another, entered_at__gt=OuterRef("on_offer_since"))
        found |= Q(pk__in=offered.filter(Exists(late)).order_by().values("pk"))
    return found


def _first_late() -> Least:
    """When the earliest of them was entered."""
    late = (rows.filter(entered_at__gt=_on_offer_since(OuterRef)) for rows in _waiting_of_unit())
    return Least(*(Subquery(rows.order_by("entered_at").values("entered_at")[:1]) for rows in late))


def _before_freezing(
    key: str, status: UnitStatus, short: str | Promise, title: Callable[[int], str]
) -> UnitTask:
    """One clock runs from the collection to the freezer, whoever has the unit in hand."""
    since = Coalesce(F("donation__collected_at"), F("status_changed_at"))
    may = (Permission.UNIT_PROCESS,)
    return UnitTask(key, may, short, title, _in_state(status), since, PROCESS_WITHIN, tells_ages=True)


UNIT_TASKS: Final = (
    UnitTask(
        "kits",
        (Permission.UNIT_COLLECT,),
        gettext_lazy("Kits that are out"),
        lambda n: ngettext("%(n)d kit is out", "%(n)d kits are out", n) % {"n": n},
        _in_state(UnitStatus.PLANNED),
        F("status_changed_at"),
        KIT_OUT,
        gettext_lazy("Record the collection, or void the kit."),
    ),
    _before_freezing(
        "transport",
        UnitStatus.COLLECTED,
        gettext_lazy("On the way to the bank"),
        lambda n: ngettext("%(n)d unit is on its way", "%(n)d units are on their way", n) % {"n": n},
    ),
    _before_freezing(
        "arrived",
        UnitStatus.RECEIVED,
        gettext_lazy("Arrived, not processed"),
        lambda n: (
            ngettext("%(n)d unit waits to be processed", "%(n)d units wait to be processed", n) % {"n": n}
        ),
    ),
    _before_freezing(
        "processing",
        UnitStatus.PROCESSING,
        gettext_lazy("In processing"),
        lambda n: ngettext("%(n)d unit is in processing", "%(n)d units are in processing", n) % {"n": n},
    ),
    UnitTask(
        "verify",
        (Permission.RESULT_VERIFY,),
        gettext_lazy("Results to verify"),
        lambda n: (
            ngettext(
                "%(n)d unit has results that you may verify",
                "%(n)d units have results that you may verify",
                n,
            )
            % {"n": n}
        ),
        _to_verify,
        Case(When(status__in=SEARCHABLE, then=_first_late()), default=F("status_changed_at")),
        VERIFY_WITHIN,
        gettext_lazy("Entered by somebody else: before the unit is on offer, or since it is."),
    ),
    UnitTask(
        "conflict",
        (Permission.UNIT_CONFIRM,),
        gettext_lazy("Typing conflicts"),
        lambda n: (
            ngettext("%(n)d unit has a typing conflict", "%(n)d units have a typing conflict", n) % {"n": n}
        ),
        lambda units, user: units.filter(typing_conflict=True),
        F("status_changed_at"),
        CONFIRM_WITHIN,
        gettext_lazy("Two typings differ; no search offers the unit until somebody settles it."),
    ),
    UnitTask(
        "holds",
        (Permission.UNIT_HOLD,),
        gettext_lazy("On hold"),
        lambda n: ngettext("%(n)d unit is on hold", "%(n)d units are on hold", n) % {"n": n},
        _in_state(UnitStatus.ON_HOLD),
        F("status_changed_at"),
        HOLD_REVIEW,
        gettext_lazy("Lift the hold, or decide what becomes of the unit."),
    ),
)
BY_KEY: Final = {task.key: task for task in UNIT_TASKS}


def unit_work(user: User) -> list[WorkItem]:
    """Of the tasks that this person may do."""
    mine = (task for task in UNIT_TASKS if any(user.has_permission(one) for one in task.may))
    return [item for task in mine if (item := task.item(user)) is not None]
