"""Nomenclature compiled from a release of IPD-IMGT/HLA: its content, its binary form, its look-ups."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

from hla.antigens import AntigenSet, AntigenTree
from hla.builtin import MAGIC as BUILTIN_MAGIC
from hla.builtin import BuiltinNomenclature
from hla.nomenclature import (
    ANY_GROUP,
    SUFFIXES,
    AntigenOptions,
    Members,
    Nomenclature,
    NomenclatureError,
    Replacement,
)
from hla.packed import packed, unpacked

MAGIC: Final = b"QHLA-release-2\n"
NO_GROUP: Final = -1


@dataclass(frozen=True)
class LocusContent:
    """The alleles of one locus, sorted by their fields as numbers; lists run along `alleles`.

    alleles: fields and suffix. p_ids, g_ids: index in p_names and g_names, NO_GROUP for none (a null allele
    has no P group). p_names: "01:01P", or the two fields of an allele outside any group. g_names: three
    fields, without G. antigen_ids: index in antigens; antigens: "62" or "15/70". withdrawn: name -> (fields of
    its successor or "", reason). parents, associated: as in AntigenTree. serology: the antigens that the WHO has
    named at this locus ("2", "203").
    """

    alleles: list[str]
    p_ids: list[int]
    p_names: list[str]
    g_ids: list[int]
    g_names: list[str]
    antigen_ids: list[int]
    antigens: list[str]
    withdrawn: dict[str, list[str]]
    parents: dict[str, str]
    associated: list[str]
    serology: list[str]


class LocusNames:
    """Look-ups in one locus; answers are kept, but not that a name is unknown: those have no end."""

    def __init__(self, locus: str, content: LocusContent, tree: AntigenTree) -> None:
        self.locus = locus
        self.content = content
        self.tree = tree
        self.suffixes = [name[-1] if name[-1] in SUFFIXES else "" for name in content.alleles]
        self.antigens: list[AntigenSet] = [frozenset(text.split("/")) for text in content.antigens]
        self.ranges: dict[str, tuple[int, int]] = {}
        self._names: dict[tuple[str, str], Members] = {}
        self._serology: dict[str, Members] = {}
        self._g_names: dict[str, str] = {}
        for place, name in enumerate(content.alleles):
            self._enter(name.rstrip(SUFFIXES), place)
        self.families = [name for name in self.ranges if ":" not in name]
        self.p_places = places_by_group(content.p_ids, content.p_names)
        self.g_places = places_by_group(content.g_ids, content.g_names)
        self.mixed = mixed_groups(content, self.antigens, tree)

    def _enter(self, fields: str, place: int) -> None:
        """Let every beginning of an allele's fields span the allele; they lie side by side."""
        end = len(fields)
        while end > 0:
            beginning = fields[:end]
            self.ranges[beginning] = (self.ranges.get(beginning, (place, place))[0], place + 1)
            end = fields.rfind(":", 0, end)

    def name(self, fields: str, suffix: str) -> Members | None:
        """Members of a name of two to four fields."""
        key = (fields, suffix)
        found = self._names.get(key)
        if found is None and (found := self._find(fields, suffix)) is not None:
            self._names[key] = found
        return found

    def _find(self, fields: str, suffix: str) -> Members | None:
        places = self.name_places(fields, suffix)
        if not places:
            return None
        found = {self.suffixes[place] for place in places}
        if len(found) == 1:
            (shared,) = found
            return self.members(places, shared, questionable=shared == "Q")
        expressed = [place for place in places if self.suffixes[place] != "N"]
        return self.members(expressed, questionable=found <= {"N", "Q"})

    def name_places(self, fields: str, suffix: str = "") -> Sequence[int]:
        """Places of the alleles that begin with these fields and, if one is given, end in this suffix."""
        places = range(*self.ranges.get(fields, (0, 0)))
        return [place for place in places if self.suffixes[place] == suffix] if suffix else places

    def antigen_places(self, antigen: str) -> list[int]:
        """Places of the expressed alleles with an antigen equal to `antigen`, above it or below it."""
        found = [any(self.tree.in_line(antigen, one) for one in antigens) for antigens in self.antigens]
        ids = enumerate(self.content.antigen_ids)
        return [place for place, number in ids if found[number] and self.suffixes[place] != "N"]

    def serology(self, antigen: str) -> Members | None:
        """As Nomenclature.serology."""
        found = self._serology.get(antigen)
        if found is None and (found := self._find_antigen(antigen)) is not None:
            self._serology[antigen] = found
        return found

    def _find_antigen(self, antigen: str) -> Members | None:
        known = antigen in self.content.serology or any(antigen in antigens for antigens in self.antigens)
        places = self.antigen_places(antigen) if known else []
        if not places:
            return None
        groups = frozenset([self.content.p_ids[place] for place in places])
        # B60 and B61 may both be an allele known only as B40, and yet they are different antigens (2.3)
        return Members(groups, frozenset({(ANY_GROUP, frozenset({antigen}))}))

    def places(self, sort: str, fields: str, suffix: str) -> Sequence[int]:
        """Places of the alleles behind a name of any sort; [] if it is unknown."""
        match sort:
            case "g_group":
                return self.g_places.get(fields, [])
            case "p_group":
                return self.p_places.get(fields + "P", [])
            case "serology":
                return self.antigen_places(fields)
            case _:
                return self.name_places(fields, suffix)

    def alleles(self, sort: str, fields: str, suffix: str) -> tuple[str, ...]:
        """As Nomenclature.alleles."""
        places = self.places(sort, fields, suffix)
        expressed = [place for place in places if self.suffixes[place] != "N"]
        return tuple([self.content.alleles[place] for place in expressed or places])

    def members(self, places: Sequence[int], suffix: str = "", *, questionable: bool = False) -> Members:
        """Members at these places of `alleles`; suffix: the one that all alleles of the name have."""
        content = self.content
        expressed = [place for place in places if self.suffixes[place] != "N"]
        return Members(
            frozenset([content.p_ids[place] for place in expressed]),
            self.options(expressed),
            tuple([self._full(place) for place in places if self.suffixes[place] == "N"]),
            tuple(map(self._full, expressed)) if questionable else (),
            suffix,
        )

    def options(self, places: Iterable[int]) -> AntigenOptions:
        """Antigens of the alleles at these places, with the P group where its members differ in them."""
        p_ids, antigen_ids = self.content.p_ids, self.content.antigen_ids
        found = {(p_ids[at] if p_ids[at] in self.mixed else ANY_GROUP, antigen_ids[at]) for at in places}
        return frozenset([(group, self.antigens[antigens]) for group, antigens in found])

    @cached_property
    def all_options(self) -> AntigenOptions:
        return self.options([place for place, suffix in enumerate(self.suffixes) if suffix != "N"])

    def g_name(self, name: str) -> str:
        """As Nomenclature.g_names of one; kept, since families and codes name the same alleles again and again."""
        found = self._g_names.get(name)
        if found is None:
            found = self._g_names[name] = self._g_name(name)
        return found

    def _g_name(self, name: str) -> str:
        first, _ = self.ranges[name.rstrip(SUFFIXES)]
        group = self.content.g_ids[first]
        return (
            ":".join(name.rstrip(SUFFIXES).split(":")[:3])
            if group == NO_GROUP
            else self.content.g_names[group]
        )

    def _full(self, place: int) -> str:
        return f"{self.locus}*{self.content.alleles[place]}"

    def nearest(self, fields: str) -> str:
        """The longest known beginning, else the family nearest by number."""
        parts = fields.split(":")
        for depth in range(len(parts), 1, -1):
            beginning = ":".join(parts[:depth])
            if places := self.name_places(beginning):
                null = all(self.suffixes[place] == "N" for place in places)
                return f"{self.locus}*{beginning}{'N' if null else ''}"
        family = min(self.families, key=lambda name: abs(int(name) - int(parts[0])))
        return f"{self.locus}*{family}:XX"


def places_by_group(ids: list[int], names: list[str]) -> dict[str, list[int]]:
    """Name of a group -> places of its alleles."""
    places: dict[str, list[int]] = {name: [] for name in names}
    for place, group in enumerate(ids):
        if group != NO_GROUP:
            places[names[group]].append(place)
    return places


def mixed_groups(content: LocusContent, antigens: list[AntigenSet], tree: AntigenTree) -> frozenset[int]:
    """P groups with members whose antigens do not match each other (B*50:02P: B45, B50)."""
    found: dict[int, set[AntigenSet]] = {}
    for group, antigen in zip(content.p_ids, content.antigen_ids, strict=True):
        found.setdefault(group, set()).add(antigens[antigen])
    return frozenset(
        group
        for group, sets in found.items()
        if group != NO_GROUP and not all(tree.match(*pair, "split") for pair in combinations(sets, 2))
    )


class ReleaseNomenclature(Nomenclature):
    """A compiled release. The look-ups of a locus are built when it is first asked for."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        decoded = json.loads(payload)
        self._contents = {locus: LocusContent(**fields) for locus, fields in decoded["loci"].items()}
        trees = {
            locus: AntigenTree(content.parents, frozenset(content.associated))
            for locus, content in self._contents.items()
        }
        super().__init__(decoded["release"], hashlib.sha256(payload).hexdigest(), trees)
        self._tce: dict[str, list[str]] = decoded["tce"]
        self._loci: dict[str, LocusNames] = {}
        self._p_ids: dict[str, dict[str, int]] = {}

    @property
    def size(self) -> int:
        return sum(len(content.alleles) for content in self._contents.values())

    def to_bytes(self) -> bytes:
        return packed(MAGIC, self.payload)

    def _at(self, locus: str) -> LocusNames:
        found = self._loci.get(locus)
        if found is None:
            found = self._loci[locus] = LocusNames(locus, self._contents[locus], self.trees[locus])
        return found

    def name(self, locus: str, fields: str, suffix: str = "") -> Members | None:
        return self._at(locus).name(fields, suffix)

    def family(self, locus: str, first_field: str) -> Members | None:
        names = self._at(locus)
        found = names.ranges.get(first_field)
        return None if found is None else names.members(range(*found))

    def g_group(self, locus: str, fields: str) -> Members | None:
        names = self._at(locus)
        places = names.g_places.get(fields)
        return None if places is None else names.members(places)

    def p_group(self, locus: str, fields: str) -> Members | None:
        names = self._at(locus)
        places = names.p_places.get(fields + "P")
        return None if places is None else names.members(places)

    def serology(self, locus: str, antigen: str) -> Members | None:
        return self._at(locus).serology(antigen)

    def serology_names(self, locus: str) -> tuple[str, ...]:
        return tuple(self._contents[locus].serology)

    def alleles(self, locus: str, sort: str, fields: str, suffix: str = "") -> tuple[str, ...]:
        return self._at(locus).alleles(sort, fields, suffix)

    def g_names(self, locus: str, names: Iterable[str]) -> frozenset[str]:
        return frozenset(map(self._at(locus).g_name, names))

    def tce(self, name: str) -> tuple[str, str] | None:
        found = self._tce.get(name)
        return None if found is None else (found[0], found[1])

    def replacement(self, locus: str, name: str) -> Replacement | None:
        found = self._contents[locus].withdrawn.get(name)
        return None if found is None else Replacement(*found)

    def nearest(self, locus: str, fields: str) -> str:
        return self._at(locus).nearest(fields)

    def p_name(self, locus: str, p_id: int) -> str:
        return f"{locus}*{self._contents[locus].p_names[p_id]}"

    def p_id(self, locus: str, name: str) -> int | None:
        if locus not in self._p_ids:
            names = self._contents[locus].p_names
            self._p_ids[locus] = {f"{locus}*{one}": number for number, one in enumerate(names)}
        return self._p_ids[locus].get(name)

    def all_options(self, locus: str) -> AntigenOptions:
        return self._at(locus).all_options


def nomenclature_from_bytes(data: bytes) -> Nomenclature:
    """What Nomenclature.to_bytes wrote. Raises NomenclatureError if it is something else or damaged."""
    if data == BUILTIN_MAGIC:
        return BuiltinNomenclature()
    payload = unpacked(MAGIC, data)
    if payload is None:
        raise NomenclatureError("This is not a compiled nomenclature, or it is damaged.")
    return ReleaseNomenclature(payload)


def encoded(release: str, contents: dict[str, LocusContent], tce: dict[str, list[str]]) -> bytes:
    """The content of a release in the form that is kept and that its checksum is taken of.

    tce: DPB1 allele (fields and suffix) -> T-cell-epitope groups, versions 1 and 2, as the release writes them.
    """
    loci = {locus: asdict(content) for locus, content in contents.items()}
    return json.dumps({"release": release, "loci": loci, "tce": tce}, separators=(",", ":")).encode()
