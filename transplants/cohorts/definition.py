"""A cohort: every choice behind a figure, from and to the query of its page. Equal queries are equal cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from hospitals.choices import DIAGNOSES, DiagnosisGroup
from transplants.choices_outcomes import FIRST_TRANSPLANT_YEAR
from transplants.cohorts.dimensions import ALL_GROUPS, DIMENSIONS, FILTERS, GROUPS

HORIZONS: Final = (1, 2, 3, 5, 10, 15, 20)  # years that a chart reaches to
DEFAULT_HORIZON: Final = 10
DEFAULT_GROUP: Final = DiagnosisGroup.MALIGNANT.value
LAST_YEAR: Final = 2100
_CODES: Final = tuple(d.code for d in DIAGNOSES)


@dataclass(frozen=True)
class Cohort:
    """First transplants of patients with at least one unit of this bank, narrowed by what is named here.

    group: diseases, "all" for every one. diagnoses: codes, narrower than the group. combined: cord with a
    haploidentical graft and supportive cord count too. since, until: years of day 0, both included. chosen: for a
    dimension the values that stay, all if it is not named. split: a dimension, or nothing. horizon: years.
    """

    group: str = DEFAULT_GROUP
    diagnoses: tuple[str, ...] = ()
    combined: bool = False
    since: int | None = None
    until: int | None = None
    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hospital: UUID | None = None
    batch: UUID | None = None
    split: str = ""
    horizon: int = DEFAULT_HORIZON

    @classmethod
    def from_query(cls, query: QueryDict | Mapping[str, str]) -> Cohort:
        """The cohort of an address; unknown names are ignored. Raises InvalidInput for a value that does not exist."""
        given = _Given(query)
        chosen = tuple(
            (key, values) for key in FILTERS if (values := given.several(key, DIMENSIONS[key].keys))
        )
        since, until = given.year("from"), given.year("to")
        if since and until and since > until:
            raise _refused("to")
        return cls(
            group=given.one("group", (*GROUPS, ALL_GROUPS)) or DEFAULT_GROUP,
            diagnoses=given.several("dx", _CODES),
            combined=given.one("combined", ("0", "1")) == "1",
            since=since,
            until=until,
            chosen=chosen,
            hospital=given.key("hospital"),
            batch=given.key("list"),
            split=given.one("split", tuple(DIMENSIONS)),
            horizon=int(given.one("years", tuple(str(years) for years in HORIZONS)) or DEFAULT_HORIZON),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the address, only what differs from the default, always in the same order."""
        default = Cohort()
        pairs = [("group", self.group)] if self.group != default.group else []
        pairs += [("dx", code) for code in self.diagnoses]
        pairs += [("combined", "1")] if self.combined else []
        pairs += [("from", f"{self.since}")] if self.since else []
        pairs += [("to", f"{self.until}")] if self.until else []
        pairs += [(key, value) for key, values in self.chosen for value in values]
        pairs += [("hospital", f"{self.hospital}")] if self.hospital else []
        pairs += [("list", f"{self.batch}")] if self.batch else []
        pairs += [("split", self.split)] if self.split else []
        return pairs + ([("years", f"{self.horizon}")] if self.horizon != default.horizon else [])

    @property
    def query(self) -> str:
        return urlencode(self.pairs())

    @property
    def is_plain(self) -> bool:
        """Of the fixed family (docs/adr/0049): a group of diseases, the switch, one split; nothing else narrowed."""
        narrowed = (self.diagnoses, self.chosen, self.since, self.until, self.batch)
        return self.group != ALL_GROUPS and not any(narrowed)

    def without_split(self) -> Cohort:
        return replace(self, split="")


class _Given:
    """Values of a query, each checked against what exists."""

    def __init__(self, query: QueryDict | Mapping[str, str]) -> None:
        self.query = query

    def _values(self, name: str) -> list[str]:
        if isinstance(self.query, QueryDict):
            return [value for value in self.query.getlist(name) if value]
        value = self.query.get(name, "")
        return [value] if value else []

    def one(self, name: str, allowed: tuple[str, ...]) -> str:
        values = self._values(name)
        if not values:
            return ""
        if values[-1] not in allowed:
            raise _refused(name)
        return values[-1]

    def several(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """In the order of the list, each once."""
        values = set(self._values(name))
        if values - set(allowed):
            raise _refused(name)
        return tuple(value for value in allowed if value in values)

    def year(self, name: str) -> int | None:
        values = self._values(name)
        if not values:
            return None
        text = values[-1]
        if not (text.isascii() and text.isdigit()) or not FIRST_TRANSPLANT_YEAR <= int(text) <= LAST_YEAR:
            raise _refused(name)
        return int(text)

    def key(self, name: str) -> UUID | None:
        values = self._values(name)
        try:
            return UUID(values[-1]) if values else None
        except ValueError as error:
            raise _refused(name) from error


def _refused(name: str) -> InvalidInput:
    return InvalidInput("cohort_value", _("This is no value that can be chosen here."), field=name)
