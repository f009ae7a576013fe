"""Which rules a search was made by; how its units are judged afterwards stands beside it (engine.selection)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from hla.antigens import AntigenRule


@dataclass(frozen=True)
class Policy:
    """A selection policy as the engine sees it; every result names it.

    id, name, version: of the stored row. antigen_rule: "split" (two splits of one broad antigen are a
    mismatch, matching.md 2.3) or "broad". primary: the class that orders the list. floors: class -> smallest
    number of possible matches, proposed to requests; a search applies only those of its criteria.
    required_loci: a unit without a typing there cannot be searched.
    """

    id: str = ""
    name: str = "unnamed"
    version: int = 1
    antigen_rule: AntigenRule = "split"
    primary: str = "antigen6"
    floors: Mapping[str, int] = field(default_factory=dict)
    required_loci: tuple[str, ...] = ("A", "B", "DRB1")

    def __post_init__(self) -> None:
        if self.antigen_rule not in get_args(AntigenRule):
            raise ValueError(f"Unknown antigen rule {self.antigen_rule!r}.")

    @classmethod
    def from_data(cls, *, id: str, name: str, version: int, rules: Mapping[str, Any]) -> Policy:
        """From the JSON of the stored row; a rule that this engine does not know is an error, never ignored."""
        unknown = set(rules) - {"antigen_rule", "primary", "floors", "required_loci", "selection"}
        if unknown:
            raise ValueError(f"Unknown rules {sorted(unknown)}.")
        values = {part: rule for part, rule in rules.items() if part != "selection"}
        if "required_loci" in values:
            values["required_loci"] = tuple(values["required_loci"])
        return cls(id=id, name=name, version=version, **values)
