"""Antibodies against HLA: what a bead carries (domain notes 4.1 DSA, 4.4 R9); whether a person has it: hla.carriers.

A bead of a single-antigen test carries one allele or one antigen, or an alpha and a beta chain together (DQ, DP).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from hla.errors import TypingError
from hla.loci import LOCI, SEROLOGY_PREFIX
from hla.resolve import Resolver
from hla.text import Kind, fold_text, read_value

SpecificityLevel = Literal["allele", "antigen", "heterodimer"]
AnswerLevel = Literal["allele", "antigen"]

MAX_BEAD_LENGTH: Final = 200  # characters; a bead with its two chains has some forty
JOIN: Final = "~"  # between the chains of a molecule

BEAD_KINDS: Final[dict[Kind, AnswerLevel]] = {
    Kind.ALLELE: "allele",
    Kind.G_GROUP: "allele",
    Kind.P_GROUP: "allele",
    Kind.SEROLOGY: "antigen",
}
ALPHAS: Final = {"DQA1": "DQB1", "DPA1": "DPB1"}  # alpha chain -> the beta chain that it stands beside
# Another sign between two chains written side by side: DQA1*05:01-DQB1*02:01
CHAIN_SIGN: Final = re.compile(r"(?<=\d)[-:](?=\s*(?:HLA-)?D[QP][AB]1)", re.IGNORECASE)
# A name as one piece, also with a blank behind its locus ("HLA A24", "DR 4"); all else that is no name separates.
PIECE: Final = re.compile(
    rf"(?:HLA[-_\s]\s*)?(?:(?:{'|'.join(sorted(LOCI, key=len, reverse=True))}|CW|DR|DQ|DP)W?\s+(?=[*\d]))?"
    r"[^\s,;/~+|&()\[\]{}\"']+",
    re.IGNORECASE,
)
NO_NAME: Final = re.compile(r"[-._]*")
NATURAL: Final = re.compile(r"\d+|\D+")


@dataclass(frozen=True, slots=True)
class Specificity:
    """What an antibody is against.

    text: canonical, as the kernel names it: "A*24:02", "A24", "Cw7", "DR53", "DQA1*05:01~DQB1*02:01" (alpha chain
    first). loci: one, or those of both chains.
    """

    text: str
    loci: tuple[str, ...]
    level: SpecificityLevel

    @property
    def chains(self) -> list[tuple[str, str]]:
        """Locus and text of each chain; one, unless it is a heterodimer."""
        return list(zip(self.loci, self.text.split(JOIN), strict=True))

    @property
    def sort_key(self) -> tuple[int, tuple[tuple[int, str], ...]]:
        """By locus as LOCI has them (a molecule by its last chain), then by number, not by text."""
        parts = ((int(part), "") if part.isdecimal() else (0, part) for part in NATURAL.findall(self.text))
        return LOCI.index(self.loci[-1]), tuple(parts)


def parse_specificity(text: str, resolver: Resolver) -> Specificity:
    """What a laboratory writes for one bead: "A*24:02", "HLA-A24", "Cw10", "DQA1*05:01, DQB1*02:01" (any separator).

    Raises TypingError for a name that is unknown (with its place and the nearest name), that is none of a bead
    (families, codes, null alleles, public antigens), or where there are several.
    """
    found = parse_bead(text, resolver)
    if len(found) > 1:
        names = ", ".join(one.text for one in found)
        raise TypingError("several_specificities", locus=None, text=text, position=0, names=names)
    return found[0]


def parse_bead(text: str, resolver: Resolver) -> tuple[Specificity, ...]:
    """All that one cell of a report names, in its order; at least one. Raises TypingError, as parse_specificity.

    Two chains that belong together are one molecule; an antigen beside an allele of its own ("A24 (A*24:02)") says
    nothing more and is left out.
    """
    if len(text) > MAX_BEAD_LENGTH:
        limit = MAX_BEAD_LENGTH
        raise TypingError("too_long", locus=None, text=text, position=0, length=len(text), limit=limit)
    folded = CHAIN_SIGN.sub(lambda found: JOIN * len(found[0]), fold_text(text))
    pieces = [found for found in PIECE.finditer(folded) if not NO_NAME.fullmatch(found[0])]
    if not pieces:
        raise TypingError("empty_specificity", locus=None, text=text, position=0)
    names = dict.fromkeys(_named(found[0], found.start(), resolver) for found in pieces)
    return _molecules(_without_antigens(list(names), resolver), text)


def _named(piece: str, offset: int, resolver: Resolver) -> Specificity:
    """One name, at `offset` of the text."""
    try:
        (item,) = read_value(None, piece)
        if item.kind not in BEAD_KINDS and item.kind not in (Kind.OLD_NAME, Kind.SMALL_G):
            raise TypingError("not_specificity", locus=item.locus, text=piece, position=0)
        found = resolver.position(item.locus, piece)
    except TypingError as error:
        if error.code == "public_antigen":
            error = TypingError("public_specificity", locus="B", text=error.text, position=error.position)
        raise error.moved(offset) from None
    if found.null:
        raise TypingError("null_specificity", locus=found.locus, text=found.text, position=offset)
    return Specificity(found.text, (found.locus,), BEAD_KINDS[found.kind])


def _without_antigens(names: list[Specificity], resolver: Resolver) -> list[Specificity]:
    """Names without the antigens of the alleles among them."""
    alleles = [one for one in names if one.level == "allele"]
    return [one for one in names if not any(_is_antigen_of(one, allele, resolver) for allele in alleles)]


def _is_antigen_of(one: Specificity, allele: Specificity, resolver: Resolver) -> bool:
    if one.level != "antigen" or one.loci != allele.loci:
        return False
    in_line = resolver.nomenclature.trees[one.loci[0]].in_line
    number = one.text.removeprefix(SEROLOGY_PREFIX[one.loci[0]])
    assigned = resolver.position(allele.loci[0], allele.text).antigens
    return any(in_line(number, antigen) for antigens in assigned for antigen in antigens)


def _molecules(names: list[Specificity], text: str) -> tuple[Specificity, ...]:
    """Alpha and beta chains of one molecule put together. Raises TypingError if it is open which belong together."""
    for alpha, beta in ALPHAS.items():
        alphas = [one for one in names if one.loci == (alpha,)]
        betas = [one for one in names if one.loci == (beta,)]
        if not alphas or not betas:
            continue
        if len(alphas) > 1 or len(betas) > 1:
            raise TypingError("chains", locus=beta, text=text, position=0, alpha=alpha, beta=beta)
        whole = Specificity(f"{alphas[0].text}{JOIN}{betas[0].text}", (alpha, beta), "heterodimer")
        place = min(names.index(alphas[0]), names.index(betas[0]))
        rest = [one for one in names if one not in (alphas[0], betas[0])]
        names = [*rest[:place], whole, *rest[place:]]
    return tuple(names)
