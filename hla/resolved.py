"""What one value denotes: P groups, antigens, nulls."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from hla.antigens import AntigenSet
from hla.errors import Note
from hla.nomenclature import AntigenOption, AntigenOptions, PGroups
from hla.text import Item, Kind

NAMES_SHOWN = 6  # names that a note spells out


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one value denotes.

    text: its canonical form ("" if unknown), which resolves to the same. p_groups: ids of the P groups it may
    be (empty if null or unknown). options: as in Members. antigens: the antigen sets of the options. null:
    certainly not expressed. unknown: may be any allele. null_possible: null alleles set aside while an expressed one
    remains. questionable: members of questionable expression.
    """

    locus: str
    text: str
    kind: Kind
    p_groups: PGroups = frozenset()
    options: AntigenOptions = frozenset()
    null: bool = False
    null_possible: tuple[str, ...] = ()
    questionable: tuple[str, ...] = ()
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def unknown(self) -> bool:
        return self.kind is Kind.UNKNOWN

    @property
    def antigens(self) -> frozenset[AntigenSet]:
        return frozenset(antigens for _, antigens in self.options)

    @property
    def ambiguous(self) -> bool:
        """Whether it may be more than one protein."""
        return self.unknown or len(self.p_groups) > 1


class Details(NamedTuple):
    """What grades ask of a value beside its meaning. single: one complete allele; g_groups: names, as g_names."""

    single: bool
    g_groups: frozenset[str]


def marked(item: Item) -> Resolved:
    """UUUU, XXXX and NEW may be anything; NNNN is a missing gene, which expresses nothing."""
    if item.kind is Kind.ABSENT:
        return Resolved(
            item.locus, item.text, item.kind, null=True, notes=(Note("absent_gene", text=item.text),)
        )
    code = "new_allele" if item.tail.endswith("NEW") else "unknown_value"
    return Resolved(item.locus, "", item.kind, notes=(Note(code, text=item.text),))


def united(locus: str, values: list[Resolved]) -> Resolved:
    """What one place of several alternatives may be, taken by itself."""
    if any(value.unknown for value in values):
        return Resolved(locus, "", Kind.UNKNOWN)
    expressed = [value for value in values if not value.null]
    nulls = [value.text for value in values if value.null]
    kinds = {value.kind for value in values}
    notes = dict.fromkeys(note for value in values for note in value.notes)
    return Resolved(
        locus,
        "|".join(value.text for value in values),
        kinds.pop() if len(kinds) == 1 else Kind.LIST,
        frozenset[int]().union(*(value.p_groups for value in expressed)),
        frozenset[AntigenOption]().union(*(value.options for value in expressed)),
        null=not expressed,
        null_possible=tuple(
            dict.fromkeys([*(nulls if expressed else []), *(n for v in expressed for n in v.null_possible)])
        ),
        questionable=tuple(dict.fromkeys(name for value in values for name in value.questionable)),
        notes=tuple(notes),
    )


def rewritten(text: str, items: tuple[Item, ...]) -> bool:
    """Whether reading changed more than the order or the usual short forms of a list."""
    plain = {item.text for item in items} | {item.text.rpartition("*")[2] for item in items}
    first, *others = (part.strip() for part in text.split("/"))
    return first not in plain or any(part not in plain and not part.isdecimal() for part in others)


def shown(names: Iterable[str]) -> str:
    """The first few names, and how many more there are; without words, for every language."""
    listed = list(names)
    more = len(listed) - NAMES_SHOWN
    return ", ".join(listed[:NAMES_SHOWN]) + (f", … (+{more})" if more > 0 else "")
