"""What allele names mean: the protein they are matched by, their antigens, which of them are null."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hla.antigens import AntigenSet, AntigenTree

PGroups = frozenset[int]
AntigenOption = tuple[int, AntigenSet]
AntigenOptions = frozenset[AntigenOption]
ANY_GROUP: Final = -1
EXPRESSED_SUFFIXES: Final = "LSCAQ"
SUFFIXES: Final = "N" + EXPRESSED_SUFFIXES


class NomenclatureError(ValueError):
    """Reference data that cannot be used: incomplete, altered, or not what it says it is."""


@dataclass(frozen=True, slots=True)
class Members:
    """The alleles that a name, group or family stands for.

    p_groups: ids of the P groups of its expressed members. options: for each distinct expressed member, its P
    group and the set of antigens assigned to it, or, of a built-in allele, that it may have. The P group is
    named only where it decides: where its members have antigens that do not match each other; elsewhere it
    is ANY_GROUP. nulls: its null members, in the order of the nomenclature.
    questionable: members whose expression is questionable (Q). suffix: the suffix that all of them have, ""
    if they do not share one.
    """

    p_groups: PGroups = frozenset()
    options: AntigenOptions = frozenset()
    nulls: tuple[str, ...] = ()
    questionable: tuple[str, ...] = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What became of a withdrawn name: its successor's fields ("" if it has none) and why."""

    fields: str
    reason: str


@dataclass(eq=False)
class Nomenclature(ABC):
    """Base of the built-in and the compiled nomenclature.

    release: "3.58.0" or "built-in". checksum: sha256 of the content, hex. Names are given without locus
    ("02:01:01", "02:01N"); ids of P groups are small integers that mean something only for one locus of one
    object, and are never stored.
    """

    release: str
    checksum: str
    trees: dict[str, AntigenTree] = field(repr=False)

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of alleles that it lists."""

    @staticmethod
    def builtin() -> "Nomenclature":
        """The nomenclature that needs no file: see hla.builtin."""
        from hla.builtin import BuiltinNomenclature

        return BuiltinNomenclature()

    @staticmethod
    def from_bytes(data: bytes) -> "Nomenclature":
        """A compiled release, or the built-in one, as to_bytes wrote it. Raises NomenclatureError."""
        from hla.compiled import nomenclature_from_bytes

        return nomenclature_from_bytes(data)

    @abstractmethod
    def to_bytes(self) -> bytes:
        """Compact binary form, equal for equal content."""

    @abstractmethod
    def name(self, locus: str, fields: str, suffix: str = "") -> Members | None:
        """Members of an allele name of 2-4 fields, in full or truncated; None if unknown.

        Without suffix: all alleles that begin with these fields. With suffix: those that also end in it.
        """

    @abstractmethod
    def family(self, locus: str, first_field: str) -> Members | None:
        """Members of a first field (XX); None if the family is unknown."""

    @abstractmethod
    def g_group(self, locus: str, fields: str) -> Members | None:
        """Members of the G group named `fields` + "G", or None."""

    @abstractmethod
    def p_group(self, locus: str, fields: str) -> Members | None:
        """Members of the P group named `fields` + "P", or None."""

    @abstractmethod
    def serology(self, locus: str, antigen: str) -> Members | None:
        """Members of an antigen ("2", "203"): expressed alleles whose assigned antigens are equal to it, above it
        or below it; None if the antigen is unknown or no allele has it.

        The antigen of the typing is the antigen itself, whatever its alleles are assigned (domain notes 2.3).
        """

    @abstractmethod
    def serology_names(self, locus: str) -> tuple[str, ...]:
        """Antigens that the WHO has named at a locus, in the order of their numbers."""

    @abstractmethod
    def alleles(self, locus: str, sort: str, fields: str, suffix: str = "") -> tuple[str, ...]:
        """Complete names (fields and suffix) behind a name: expressed ones, or nulls if there are no others.

        sort: "name", "family", "g_group", "p_group" or "serology". () if the nomenclature lists no alleles.
        """

    @abstractmethod
    def g_names(self, locus: str, names: Iterable[str]) -> frozenset[str]:
        """The G groups of complete allele names, without G; of one that is in none its first three fields."""

    def tce(self, name: str) -> tuple[str, str] | None:
        """T-cell-epitope groups of a complete DPB1 name as written (versions 1 and 2), None if it has none."""
        return None

    @abstractmethod
    def replacement(self, locus: str, name: str) -> Replacement | None:
        """What became of a withdrawn name (fields and suffix), or None if it was never withdrawn."""

    @abstractmethod
    def nearest(self, locus: str, fields: str) -> str:
        """A known name close to unknown `fields`, with locus."""

    @abstractmethod
    def p_name(self, locus: str, p_id: int) -> str:
        """The name of a P group: "A*02:01P", or for an allele outside any group its two-field name."""

    @abstractmethod
    def p_id(self, locus: str, name: str) -> int | None:
        """The id of the P group that p_name calls so; None if there is none."""

    @abstractmethod
    def all_options(self, locus: str) -> AntigenOptions:
        """The options of all expressed alleles of a locus: what an untyped allele may have."""


def first_field_antigen(fields: str) -> AntigenSet:
    """The first field acting as antigen, for alleles without known serology ("12:02" -> {"12"})."""
    return frozenset({str(int(fields.split(":", 1)[0]))})


def field_key(fields: str) -> tuple[int, ...]:
    """Sort key of fields: by number, not by text."""
    return tuple(int(part) for part in fields.rstrip(SUFFIXES).split(":"))


def two_fields(fields: str) -> str:
    """The first two fields, without suffix."""
    return ":".join(fields.rstrip(SUFFIXES).split(":")[:2])


def joined(parts: Sequence[Members]) -> Members:
    """Union of members."""
    if len(parts) == 1:
        return parts[0]
    nulls = dict.fromkeys([name for part in parts if part.nulls for name in part.nulls])
    questionable = dict.fromkeys([name for part in parts if part.questionable for name in part.questionable])
    return Members(
        frozenset().union(*[part.p_groups for part in parts]),
        frozenset().union(*[part.options for part in parts]),
        tuple(nulls),
        tuple(questionable),
    )
