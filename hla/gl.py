"""GL Strings: from a text with operators to the typings of its loci.

By precedence, loosest first: ? (alternatives of the whole), ^ (loci), | (alternatives of a genotype), + (the two
chromosomes), ~ (values on one chromosome), / (alternatives of a value; hla.text). Counting takes loci as
independent (domain notes 2.3), so each locus is read out of a phased form by itself.
"""

from dataclasses import dataclass, field
from typing import Final

from hla.errors import Note, TypingError
from hla.loci import ABSENT_LOCI
from hla.locus_typing import (
    Alternative,
    Blank,
    LocusTyping,
    typing_of,
    unknown_pair,
    untyped,
    with_serology,
)
from hla.resolve import Resolved, Resolver
from hla.text import Item, Kind, check_length, fold_text, read_value, split_at

MAX_ERRORS: Final = 50  # a text with so many is not read on


@dataclass
class Reported:
    """What one text says of a locus: alternatives by DNA, and antigens; None if there are none."""

    dna: list[Alternative] | None = None
    serology: list[Alternative] | None = None


@dataclass
class GlReader:
    """Reads one GL text. found: the loci that could be read; errors, notes: what there is to say."""

    resolver: Resolver
    blank: Blank
    found: dict[str, LocusTyping] = field(default_factory=dict)
    errors: list[TypingError] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Read the whole text; positions of errors count in it as it was given."""
        try:
            check_length(text, None)
            folded = fold_text(text)
            start = self.read_head(folded)
        except TypingError as error:
            self.errors.append(error)
            return
        parts = split_at(folded[start:], "?", start)
        wholes = [self.read_whole(text, part, place) for part, place in parts if part.strip()]
        if len(wholes) == 1:
            self.found = {locus: self.typing(locus, said) for locus, said in wholes[0].items()}
        else:
            self.take_alternatives(wholes)
        for wrong in self.errors:
            self.found.pop(wrong.locus or "", None)
        if not self.found and not self.errors:
            self.errors.append(TypingError("empty", locus=None, text=text, position=0))

    def read_head(self, folded: str) -> int:
        """Where the GL String begins: behind `hla#3.58.0#` in a GL String Code."""
        if "#" not in folded:
            return 0
        space, _, rest = folded.partition("#")
        release, second, _ = rest.partition("#")
        if space.strip().upper() != "HLA" or not second:
            raise TypingError("gl_code", locus=None, text=folded[: folded.rindex("#") + 1], position=0)
        if release.strip() != self.resolver.nomenclature.release:
            here = self.resolver.nomenclature.release
            self.notes.append(Note("other_release", text=release.strip(), release=here))
        return len(space) + len(release) + 2

    def read_whole(self, text: str, part: str, place: int) -> dict[str, Reported]:
        """What one text between ? signs says of each locus; blocks with an error are left out."""
        found: dict[str, Reported] = {}
        for block, offset in split_at(part, "^", place):
            if len(self.errors) >= MAX_ERRORS:
                break
            if block.strip():
                self.read_block(text, block, offset, found)
        return found

    def read_block(self, text: str, block: str, offset: int, found: dict[str, Reported]) -> None:
        """One part between ^ signs: add what its loci have to `found`."""
        errors = len(self.errors)
        parts: dict[str, int] = {}
        for part, place in split_at(block, "|", offset):
            if part.strip():
                parts.setdefault(part, place)
        read = [Genotype(self, text, part, place) for part, place in parts.items()]
        genotypes = [genotype for genotype in read if genotype.values]
        if genotypes and "|" in block and any(not part.strip(" +") for part in block.split("|")):
            self.notes.append(Note("alternative_empty"))
        loci = dict.fromkeys(locus for genotype in genotypes for locus in genotype.values)
        if len(self.errors) == errors and not loci:
            self.refuse("missing_locus", None, text, block, offset)
        elif loci and not set.intersection(*(set(genotype.values) for genotype in genotypes)):
            self.refuse("alternatives_apart", None, text, block, offset)
        if len(self.errors) > errors:
            return
        for locus in loci:
            if any(locus not in genotype.values for genotype in genotypes):
                self.notes.append(Note("locus_partial", locus=locus))
            pairs = [genotype.pair(locus) for genotype in genotypes]
            said = found.setdefault(locus, Reported())
            serological = is_serology([value for one in pairs for value in one.values])
            if (said.serology if serological else said.dna) is not None:
                self.refuse("duplicate_locus", locus, text, block, offset)
            elif serological:
                said.serology = pairs
            else:
                said.dna = pairs

    def refuse(self, code: str, locus: str | None, text: str, part: str, offset: int, **params: int) -> None:
        """Note an error of a whole part."""
        shown = text[offset : offset + len(part)].strip()
        self.errors.append(TypingError(code, locus=locus, text=shown, position=offset, **params))

    def typing(self, locus: str, said: Reported) -> LocusTyping:
        """The typing of a locus: by DNA if there is one, with the antigens beside it."""
        found, beside = (
            typing_of(locus, pairs) if pairs else untyped(locus) for pairs in (said.dna, said.serology)
        )
        return with_serology(found, beside, self.resolver)

    def take_alternatives(self, wholes: list[dict[str, Reported]]) -> None:
        """A person has one of several whole typings: each locus has one of what they say of it.

        A locus of which one of them says nothing may be anything. Antigens beside DNA are not taken up.
        """
        for locus in dict.fromkeys(locus for whole in wholes for locus in whole):
            pairs: list[Alternative] = []
            for whole in wholes:
                said = whole.get(locus, Reported())
                pairs += said.dna or said.serology or [unknown_pair(locus)]
            found = self.found[locus] = typing_of(locus, pairs)
            self.notes.append(Note("locus_partial" if found.untyped else "locus_open", locus=locus))


class Genotype:
    """One alternative of a block: the values of the two chromosomes, by locus."""

    def __init__(self, reader: GlReader, text: str, part: str, place: int) -> None:
        self.reader = reader
        self.text = text
        self.values: dict[str, list[Resolved]] = {}
        self.columns: list[str | None] = []
        for haplotype, at in split_at(part, "+", place):
            if len(reader.errors) < MAX_ERRORS:
                self.read_haplotype(haplotype, at)
        for locus, values in self.values.items():
            if len(values) > 2:
                reader.refuse("too_many_values", locus, text, part, place, count=len(values))

    def read_haplotype(self, haplotype: str, at: int) -> None:
        """The values of one chromosome, joined by ~."""
        members = split_at(haplotype, "~", at)
        if len(members) > 1 and (note := Note("phase")) not in self.reader.notes:
            self.reader.notes.append(note)
        seen: set[str] = set()
        for column, (part, place) in enumerate(members):
            if column == len(self.columns):
                self.columns.append(None)
            value = self.text[place : place + len(part)]
            try:
                found = self.value(value, column, phased=len(members) > 1)
                if found is None:
                    continue
                if found.locus in seen:
                    raise TypingError("haplotype", locus=found.locus, text=value.strip(), position=0)
            except TypingError as error:
                self.reader.errors.append(error.moved(place))
                continue
            seen.add(found.locus)
            self.columns[column] = found.locus
            self.values.setdefault(found.locus, []).append(found)

    def value(self, text: str, column: int, *, phased: bool) -> Resolved | None:
        """What a value denotes, None if it is blank."""
        resolver = self.reader.resolver
        found = resolver.plain(text)
        if found is not None and self.columns[column] in (None, found.locus):
            return found
        items = self.items(text, column, phased=phased)
        return resolver.resolve_read(items[0].locus, text, items) if items else None

    def items(self, value: str, column: int, *, phased: bool) -> tuple[Item, ...]:
        """The members of a value. The chromosomes need not name their loci in the same order, and of DRB3, DRB4
        and DRB5 one may carry another than the other."""
        expected = self.columns[column]
        try:
            return read_value(expected, value)
        except TypingError as error:
            other = {expected, error.params.get("found")}
            if error.code != "wrong_locus" or not (phased or other <= ABSENT_LOCI):
                raise
            return read_value(None, value)

    def pair(self, locus: str) -> Alternative:
        """Both values of a locus; one alone is doubled if a blank means that."""
        values = self.values.get(locus, [])
        if not values:
            return unknown_pair(locus)
        if len(values) == 2:
            return Alternative((values[0], values[1]))
        blank = Resolved(locus, "", Kind.UNKNOWN)
        doubled = self.reader.blank == "homozygous" and len(self.values) == 1
        return Alternative((values[0], blank), doubled=doubled)


def is_serology(values: list[Resolved]) -> bool:
    """Whether the values are antigens, or antigens and nothing known."""
    kinds = {value.kind for value in values}
    return Kind.SEROLOGY in kinds and kinds <= {Kind.SEROLOGY, Kind.UNKNOWN}
