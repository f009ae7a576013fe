"""Who is foreign, what a foreign account may take unasked, and how much was taken in a year."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from bank.choices_genetic import FOR_A_PATIENT, NO_FILE, GeneticKind
from bank.models import GeneticLimits, GeneticTally
from core.access import countries_of
from core.models import User

YEAR = dt.timedelta(days=365)
MONTH = dt.timedelta(days=30)


@dataclass(frozen=True)
class Asked:
    """A file with typings that somebody asks for.

    address: path and query, in one order, without the approval. count: of its units; of a page of an API the place of
    its last row in the whole list, `rows` how many it has itself. ids: its units, read only where they are needed.
    patient: key of the patient whose list it is, "" of the inventory.
    """

    kind: GeneticKind
    address: str
    title: str
    count: int
    ids: Callable[[], Sequence[UUID]]
    rows: int | None = None
    patient: str = ""

    @property
    def for_a_patient(self) -> bool:
        return self.kind in FOR_A_PATIENT

    @property
    def is_file(self) -> bool:
        return self.kind not in NO_FILE

    @property
    def told(self) -> int:
        """Units whose typing goes out with this answer."""
        return self.count if self.rows is None else self.rows


def digest_of(kind: str, address: str, ids: Iterable[UUID]) -> str:
    """Of exactly this selection: another unit in it is another file."""
    whole = hashlib.sha256(f"{kind}\n{address}\n".encode())
    for key in sorted(ids):
        whole.update(key.bytes)
    return whole.hexdigest()


def is_foreign(user: User) -> bool:
    """Whether a person works for a hospital of another country than the bank's. Hong Kong, Macao and Taiwan have codes
    of their own and count as abroad: sending there is sending out of the mainland (unconfirmed). Who has a role of a
    hospital and belongs to none counts as abroad too: nobody knows where he works."""
    return user.is_hospital_staff and countries_of(user) != {GeneticLimits.load().home_country}


def of_year(user: User, until: dt.date | None = None) -> int:
    """Units of the inventory that an account took without an approval in the last 365 days."""
    day = until or timezone.localdate()
    rows = GeneticTally.objects.filter(user=user, day__gt=day - YEAR, day__lte=day, approved=False)
    found = rows.exclude(kind__in=FOR_A_PATIENT).aggregate(all=Sum("units"))
    return int(found["all"] or 0)


def of_patient(user: User, patient: str) -> int:
    """Units of one patient's lists that an account took without an approval in the last 30 days."""
    day = timezone.localdate()
    rows = GeneticTally.objects.filter(user=user, day__gt=day - MONTH, day__lte=day, approved=False)
    found = rows.filter(kind__in=FOR_A_PATIENT, patient=patient).aggregate(all=Sum("units"))
    return int(found["all"] or 0)


def needs_approval(asked: Asked, *, user: User, limits: GeneticLimits) -> bool:
    """Of a foreign account. Small lists for a named patient are clinical care; many of them are one long list."""
    if asked.count > limits.most_units:
        return True
    if asked.for_a_patient:
        return of_patient(user, asked.patient) + asked.told > limits.most_units_a_patient
    return of_year(user) + asked.told > limits.most_units_a_year


def last_year() -> QuerySet[GeneticTally]:
    day = timezone.localdate()
    return GeneticTally.objects.filter(day__gt=day - YEAR)


def totals() -> dict[str, Any]:
    """Of all accounts, and of foreign ones, in the last 365 days."""
    rows = last_year().values("foreign").annotate(f=Sum("files"), u=Sum("units")).order_by()
    found = {row["foreign"]: (row["f"], row["u"]) for row in rows}
    sums = [found.get(foreign, (0, 0)) for foreign in (False, True)]
    return {
        "files": sums[0][0] + sums[1][0],
        "units": sums[0][1] + sums[1][1],
        "foreign_files": sums[1][0],
        "foreign_units": sums[1][1],
        "accounts": last_year().aggregate(n=Count("user", distinct=True))["n"],
    }


def by_account() -> QuerySet[Any, dict[str, Any]]:
    """Foreign accounts first, then by how much they took."""
    rows = last_year().values("user", "user__full_name", "user__email", "foreign", "kind")
    return rows.annotate(f=Sum("files"), u=Sum("units")).order_by("-foreign", "-u", "user", "kind")
