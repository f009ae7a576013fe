"""The order of a match list: keys that the reader puts in a row, by default those of the policy.

`?sort=class,probability,tnc`: one key after the other, the rank of the search last. The same keys order page, files and
API. `rank` alone is the order of the search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Func, IntegerField
from django.db.models.functions import Coalesce, Floor, Least
from django.http import QueryDict
from django.utils.translation import gettext as _

from matching.choices import CLASS_SIZE
from matching.engine.selection.catalogue import SORT_KEYS
from matching.models import SearchRun

BY_RANK = "rank"
SEARCH_ORDER = ("class", "probability", "certain", "tnc")  # how a search ranks (matching.engine.ranking)
ALIASES = {"class_cd34": ("class", "probability", "certain", "cd34")}  # addresses of before


@dataclass(frozen=True)
class SortChip:
    """One key of the order; urls are "" where the step makes no sense."""

    name: str
    label: str
    place: int
    earlier_url: str
    later_url: str
    remove_url: str


def _number(column: str) -> Func:
    """Of the members of an array."""
    return Func(F(column), function="cardinality", output_field=IntegerField())


class MatchOrder:
    """The keys of one page view. judged: the rows have what an evaluation found (`judged_by`)."""

    def __init__(
        self, query: QueryDict, run: SearchRun, sizes: Sequence[int], usual: Sequence[str], *, weighed: bool
    ) -> None:
        self.query, self.run, self.sizes, self.weighed = query, run, sizes, weighed
        self.usual = tuple(key for key in usual if key in self.labels())
        self.keys = self._asked(query.get("sort", ""))

    def _asked(self, text: str) -> tuple[str, ...]:
        """Unknown keys order nothing; without a known one the policy's order holds."""
        if text == BY_RANK:
            return ()
        asked = ALIASES.get(text) or text.split(",")
        return tuple(dict.fromkeys(key for key in asked if key in self.labels())) or self.usual

    @property
    def text(self) -> str:
        """As in the address."""
        return ",".join(self.keys) or BY_RANK

    @property
    def reorders(self) -> bool:
        """Whether another order than the search's sorts what the search kept; what breaks its ties does not."""
        search = tuple(key for key in SEARCH_ORDER if key in self.labels())
        return self.keys[: len(search)] != search[: len(self.keys)]

    def labels(self) -> dict[str, str]:
        """Key -> what its chip says; only those that can order this list."""
        size = CLASS_SIZE[self.run.policy.primary]
        dose = "/kg" if self.weighed else ""
        found = {
            "class": _("class"),
            "probability": _("P(%(size)s) in steps of 10 %%") % {"size": f"{size}/{size}"},
            "certain": _("certain matches"),
            "tnc": f"TNC{dose}",
            "cd34": f"CD34{dose}",
            "quality": _("quality"),
            "warnings": _("fewest warnings"),
            "abo": _("blood group"),
            "nima": "NIMA",
            "direction": _("direction"),
            "age": _("newest"),
            **{f"p{size}": f"P({size}/{size})" for size in self.sizes},
        }
        assert set(SORT_KEYS) <= set(found)
        if not self.sizes:
            del found["probability"]
        return found

    def fields(self) -> list[Any]:
        """What `order_by` takes; excluded units always come after all others."""
        return ["judged__is_excluded", *(field for key in self.keys for field in self._fields(key)), "rank"]

    def _fields(self, key: str) -> list[Any]:
        if key in self._by_key:
            return self._by_key[key](self)
        return [F(f"p0_of{key[1:]}").desc(nulls_last=True)]

    def _band(self) -> list[Any]:
        """Unknown comes after the lowest band, as in the search."""
        share = Coalesce(F(f"p0_of{CLASS_SIZE[self.run.policy.primary]}"), -0.1)
        return [Least(Floor(share * 10 + 1e-9), 9.0).desc()]

    def _dose(self, per_kg: str, cells: str) -> list[Any]:
        return [F(f"judged__{per_kg}" if self.weighed else cells).desc(nulls_last=True)]

    _by_key: dict[str, Callable[[MatchOrder], list[Any]]] = {
        "class": lambda self: [f"-{self.run.policy.primary}_max"],
        "probability": _band,
        "certain": lambda self: [f"-{self.run.policy.primary}_min"],
        "tnc": lambda self: self._dose("tnc_e7_per_kg", "tnc_e7"),
        "cd34": lambda self: self._dose("cd34_e5_per_kg", "cd34_e6"),
        # cord blood first: rules of its quality ask nothing of an adult donor, that he fails none is no merit
        "quality": lambda self: ["-unit__donor_type", "judged__quality_failed", "judged__quality_unknown"],
        "warnings": lambda self: [
            "-unit__donor_type",
            (_number("judged__warnings") + _number("judged__excluded_by")).asc(),
        ],
        "abo": lambda self: ["judged__abo_order"],
        "nima": lambda self: [F("judged__nima").desc(nulls_last=True)],
        "direction": lambda self: ["judged__direction_order"],
        "age": lambda self: [F("unit__collected_on").desc(nulls_last=True)],
    }

    def chips(self) -> list[SortChip]:
        """The keys in their order, each with the addresses that move it or take it away."""
        last = len(self.keys) - 1
        labels = self.labels()
        return [
            SortChip(
                key,
                labels[key],
                place + 1,
                self._address(self._swapped(place - 1)) if place else "",
                self._address(self._swapped(place)) if place < last else "",
                self._address([one for one in self.keys if one != key]) if last else "",
            )
            for place, key in enumerate(self.keys)
        ]

    def more(self) -> list[dict[str, str]]:
        """The keys that are not in use; a click puts one at the end."""
        return [
            {"label": label, "url": self._address([*self.keys, key])}
            for key, label in self.labels().items()
            if key not in self.keys
        ]

    def presets(self) -> list[dict[str, Any]]:
        """Whole orders to choose from: the policy's, the search's, CD34 in the place of TNC, one figure alone."""
        labels = self.labels()
        by_cd34 = tuple(key for key in ALIASES["class_cd34"] if key in labels)
        named: list[tuple[str, tuple[str, ...] | None]] = [
            (_("the policy's order"), None),
            (_("as searched"), ()),
            (_("class, then CD34"), by_cd34),
            *((_("%(figure)s alone") % {"figure": labels[key]}, (key,)) for key in self._alone()),
        ]
        return [
            {
                "label": label,
                "url": self._address(keys),
                "on": self.keys == (self.usual if keys is None else keys),
            }
            for label, keys in named
        ]

    def _alone(self) -> tuple[str, ...]:
        return (*(f"p{size}" for size in self.sizes), "tnc", "cd34")

    def _swapped(self, place: int) -> list[str]:
        keys = list(self.keys)
        keys[place], keys[place + 1] = keys[place + 1], keys[place]
        return keys

    def _address(self, keys: Sequence[str] | None) -> str:
        """None: the usual order, which the address need not name."""
        query = self.query.copy()
        query.pop("page", None)
        query.pop("sort", None)
        if keys is not None:
            query["sort"] = ",".join(keys) or BY_RANK
        return f"?{query.urlencode(safe=',')}" if query else "?"
