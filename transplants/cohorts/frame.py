"""All transplants as columns, read by one query and held in the process until an outcome changes.

10,000 transplants take about 0.1 s. The columns known on day 0 (Baseline) stand apart from the course (Course): what
groups patients reads the first only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.utils import timezone

from transplants.models import OutcomeVersion

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
R = TypeVar("R")

# Column of the query -> kind: t(ext), f(loat, NaN where null), b(ool), k(ey of a row as text, coded), d(ay as ordinal).
_BASELINE: Final = {
    "hospital": ("t.hospital_id::text", "k"),
    "batch": ("coalesce(t.batch_id::text, '')", "k"),
    "day": ("t.infused_on", "d"),
    "sequence": ("t.sequence::float8", "f"),
    "age": ("t.age_years::float8", "f"),
    "graft": ("t.graft_type", "t"),
    "diagnosis": ("t.diagnosis", "t"),
    "stage": ("t.stage", "t"),
    "symptomatic": ("t.symptomatic", "t"),
    "sex": ("t.sex", "t"),
    "risk": ("t.risk_index", "t"),
    "intensity": ("t.intensity", "t"),
    "own": ("coalesce(u.own, false)", "b"),
    "dose": ("u.dose", "f"),
    "match6": ("u.match6::float8", "f"),
    "match8": ("u.match8::float8", "f"),
}
_COURSE: Final = {
    "reported": ("o.transplant_id is not null", "b"),
    "followed": ("o.days_followed", "f"),
    "dead": ("coalesce(o.is_dead, false)", "b"),
    "lost": ("coalesce(o.is_lost, false)", "b"),
    "cause": ("coalesce(o.cause, '')", "t"),
    "neutrophils": ("o.days_to_neutrophils", "f"),
    "neutrophils_known": ("coalesce(o.neutrophils_known, false)", "b"),
    "platelets": ("o.days_to_platelets", "f"),
    "platelets_known": ("coalesce(o.platelets_known, false)", "b"),
    "failure": ("o.days_to_graft_failure", "f"),
    "failure_known": ("coalesce(o.graft_failure_known, false)", "b"),
    "acute_2": ("o.days_to_acute_2", "f"),
    "acute_3": ("o.days_to_acute_3", "f"),
    "acute_known": ("coalesce(o.acute_known, false)", "b"),
    "chronic": ("o.days_to_chronic", "f"),
    "chronic_systemic": ("o.days_to_chronic_systemic", "f"),
    "chronic_known": ("coalesce(o.chronic_known, false)", "b"),
    "relapse": ("o.days_to_relapse", "f"),
    "relapse_known": ("coalesce(o.relapse_known, false)", "b"),
    "second": ("o.days_to_second", "f"),
}
# Of several units the dose is that of all together, the match that of the worst; one that is not known leaves it open.
_SQL: Final = """
select {columns} from transplants_transplant t
left join transplants_outcome o on o.transplant_id = t.id
left join (
  select transplant_id, bool_or(is_own) as own,
    case when count(*) = count(tnc_e7_per_kg) then sum(tnc_e7_per_kg) end as dose,
    case when count(*) = count(antigen6) then min(antigen6) end as match6,
    case when count(*) = count(allele8) then min(allele8) end as match8
  from transplants_transplantunit group by transplant_id
) u on u.transplant_id = t.id
order by t.infused_on, t.id
"""


@dataclass(frozen=True)
class Baseline:
    """What was known on day 0, arrays of shape (n,)."""

    columns: dict[str, npt.NDArray[Any]]
    keys: dict[str, tuple[str, ...]]

    def of_key(self, name: str, keys: Iterable[UUID]) -> Bools:
        """Whose hospital or list is one of these."""
        wanted = {str(key) for key in keys}
        places = [place for place, key in enumerate(self.keys[name]) if key in wanted]
        return np.isin(self.columns[name], places)

    def text(self, key: str) -> npt.NDArray[Any]:
        return self.columns[key]

    def number(self, key: str) -> Floats:
        return self.years if key == "era" else self.columns[key]

    @property
    def years(self) -> Floats:
        """Calendar year of day 0."""
        return self.columns["year"]

    @property
    def day(self) -> npt.NDArray[np.int64]:
        """Day 0 as a proleptic ordinal."""
        return self.columns["day"]


@dataclass(frozen=True)
class Course:
    """What became of them, arrays of shape (n,); days after day 0, NaN: has not happened or is not known."""

    columns: dict[str, npt.NDArray[Any]]

    def days(self, key: str) -> Floats:
        return self.columns[key]

    def flag(self, key: str) -> Bools:
        return self.columns[key]


@dataclass(frozen=True)
class Frame:
    """All transplants of one version of the data."""

    version: DataVersion
    baseline: Baseline
    course: Course
    memo: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Any, compute: Callable[[], R]) -> R:
        """What `compute` gives, computed once in the life of the frame."""
        if key not in self.memo:
            self.memo[key] = compute()
        return cast(R, self.memo[key])

    def __len__(self) -> int:
        return len(self.baseline.columns["day"])

    @property
    def cut(self) -> dt.date:
        """The day on which the data last changed: what came later is not in it."""
        return self.version.cut

    def rows_of(self, hospitals: frozenset[UUID]) -> Bools:
        """Which transplants are of these hospitals."""
        return self.once(("rows", hospitals), lambda: self.baseline.of_key("hospital", hospitals))


_held: dict[str, Frame] = {}
_lock = Lock()


@dataclass(frozen=True)
class DataVersion:
    """number: of the last change; mark: tells it from the same number of another past (a database that was restored).

    mark is empty while no outcome was ever derived.
    """

    number: int
    mark: str
    cut: dt.date


def data_version() -> DataVersion:
    row = OutcomeVersion.objects.filter(pk=1).first()
    if row is None:
        return DataVersion(1, "", timezone.localdate())
    return DataVersion(
        row.version, f"{row.version}@{row.changed_at.timestamp()}", timezone.localdate(row.changed_at)
    )


def current_frame() -> Frame:
    """The transplants of now; read anew after a change, else the frame that the process holds."""
    version = data_version()
    name = connection.settings_dict["NAME"]
    with _lock:
        held = _held.get(name)
        if held is None or not version.mark or held.version.mark != version.mark:
            held = _held[name] = read_frame(version)
    return held


def read_frame(version: DataVersion) -> Frame:
    named = {**_BASELINE, **_COURSE}
    columns = ", ".join(sql for sql, _kind in named.values())
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(columns=columns))
        rows = cursor.fetchall()
    found = list(zip(*rows, strict=True)) or [()] * len(named)
    read = {
        name: _column(values, kind) for (name, (_sql, kind)), values in zip(named.items(), found, strict=True)
    }
    baseline = {name: read[name] for name in _BASELINE}
    days = found[list(named).index("day")]
    baseline["year"] = np.array([day.year for day in days], dtype=np.float64)
    keys = {name: _coded(baseline, name) for name in ("hospital", "batch")}
    return Frame(version, Baseline(baseline, keys), Course({name: read[name] for name in _COURSE}))


def _coded(columns: dict[str, npt.NDArray[Any]], name: str) -> tuple[str, ...]:
    """Puts codes in the place of keys; the keys in the order of the codes."""
    keys, codes = np.unique(columns[name], return_inverse=True)
    columns[name] = codes.astype(np.int32)
    return tuple(keys.tolist())


def _column(values: tuple[Any, ...], kind: str) -> npt.NDArray[Any]:
    if kind == "f":
        column: npt.NDArray[Any] = np.array(values, dtype=np.float64)  # None becomes NaN
    elif kind == "b":
        column = np.array(values, dtype=np.bool_)
    elif kind == "d":
        column = np.array([day.toordinal() for day in values], dtype=np.int64)
    else:
        column = np.array(values, dtype=np.str_)
    column.setflags(write=False)
    return column
