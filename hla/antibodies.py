"""Antibodies against HLA: what a bead carries, and whether a person has it (domain notes 4.1 DSA, 4.4 R9).

A bead of a single-antigen test carries one allele or one antigen, or an alpha and a beta chain together (DQ, DP).
Whether a unit has it is answered by three values. It is decided between alleles where the unit's typing leaves
only alleles of the bead's P group, or none of its antigens; else between antigens. Another allele of the bead's antigen
is "unknown" too: the test says nothing of it unless a bead of its own was tested. What cannot be told is never "no".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final, Literal, NamedTuple

from hla.antigens import AntigenSet
from hla.conflicts import expressed
from hla.errors import TypingError
from hla.loci import LOCI, SEROLOGY_PREFIX
from hla.positions import Why
from hla.resolve import Resolved, Resolver
from hla.text import Kind, fold_text, read_value
from hla.typing import LocusTyping, Typing

SpecificityLevel = Literal["allele", "antigen", "heterodimer"]
Answer = Literal["yes", "no", "unknown"]
AnswerLevel = Literal["allele", "antigen"]

Others = frozenset[tuple[int, ...]]  # molecules: a P group for each of their chains

MAX_BEAD_LENGTH: Final = 200  # characters; a bead with its two chains has some forty
MAX_KEPT: Final = 200_000  # answers kept
JOIN: Final = "~"  # between the chains of a molecule

# Reasons of an answer. unit: what the unit carries; bead: what the antibody is against; antigen, p_groups: by what.
CARRIED: Final[Mapping[str, str]] = {
    "same_allele": "{unit} and {bead} are of one P group ({p_groups}).",
    "antigen_of_allele": "{unit} has the antigen {antigen}; whether it is {bead} itself is not known.",
    "has_antigen": "{unit} has the antigen {antigen}.",
    "absent": "{bead} is not there.",
    "other_allele": "{unit} is another allele of the antigen {antigen}.",
    "nothing_expressed": "Nothing is expressed at HLA-{locus}.",
    "untyped": "HLA-{locus} is not typed.",
    "unreadable": "The typing of HLA-{locus} cannot be read by the nomenclature in use.",
    "bead_unreadable": "{bead} cannot be read by the nomenclature in use.",
    "blank": "One value of HLA-{locus} is not known.",
    "broad_only": "{unit} is known only as {antigen}.",
    "possible": "{unit} may be {bead}, or something else.",
    "genotypes": "Some of the genotypes that {unit} leaves open have {bead}, others have not.",
    "chain_absent": "Of {bead} the chain {chain} is not there.",
    "chain_elsewhere": "Of {bead} the chain {chain} is not there; the other one is or may be, in another molecule.",
    "chains_present": "Both chains of {bead} are there: {unit}.",
    "chain_open": "Whether the chain {chain} of {bead} is there is not known.",
}

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


@dataclass(frozen=True, slots=True)
class Carried:
    """Whether a person has what a bead carries.

    level: on which it was decided, or, if unknown, is left open; of two chains the lower one. unit: the value of the
    typing that has it or may have it, "" if there is none. why: code and params of CARRIED. others: of an unknown
    answer that rests on other alleles of the bead's antigen (or another alpha chain) alone, their P groups, a tuple
    with one for each chain;
    if a bead of each of them was tested and is negative, the answer is "no" (`tested` finds these beads). Else empty.
    """

    answer: Answer
    level: AnswerLevel
    unit: str
    why: Why
    others: Others = frozenset()


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


def carries(specificity: Specificity, typing: Typing, resolver: Resolver) -> Carried:
    """Whether a person of this typing has what a bead carries; never raises, what cannot be read is unknown.

    One of two unknown values leaves it unknown unless the other one has it. Null alleles are not expressed and never
    carried. Of a molecule both chains must be there: "no" if the beta chain is certainly absent, "yes" if both are
    certainly there; a beta chain beside another alpha chain is "unknown". A bead's broad antigen is carried by its
    splits; a split by a value known only as its broad is unknown. Narrowing a typing turns no "no" into anything
    else, and no "yes" into "no"; a unit known to have the antigen of an allele ("yes" at antigen level) may turn out to
    have another allele of it, and is unknown then.
    """
    return carriers_for(resolver).carries(specificity, typing)


class Verdict(NamedTuple):
    """Whether one value of a typing is what the bead carries. by: the antigen or P group it was decided by."""

    answer: Answer
    level: AnswerLevel
    code: str
    by: str = ""


class Chain(NamedTuple):
    """The answer for one name at one locus. of: the P groups that give it, where it is decided between alleles; of an
    absent one those that are there instead."""

    carried: Carried
    of: frozenset[int] = frozenset()


class Carriers:
    """Answers of `carries` with one resolver, kept by texts: units have the same values again and again.

    Safe to share between threads: an answer may at worst be found twice.
    """

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._kept: dict[tuple[str, str, str, str], Chain] = {}

    def carries(self, specificity: Specificity, typing: Typing) -> Carried:
        """As the function of this name."""
        chains = [(text, self.chain(locus, text, typing.locus(locus))) for locus, text in specificity.chains]
        return chains[0][1].carried if len(chains) == 1 else of_chains(specificity.text, chains)

    def tested(self, specificity: Specificity) -> tuple[int, ...] | None:
        """The P groups of a bead, one for each chain, as `others` has them; None unless it is known by its alleles."""
        if specificity.level == "antigen":
            return None
        try:
            beads = [self.resolver.position(locus, text) for locus, text in specificity.chains]
        except TypingError:
            return None
        groups = [tuple(bead.p_groups) for bead in beads if BEAD_KINDS.get(bead.kind, "allele") == "allele"]
        single = len(groups) == len(beads) and all(len(found) == 1 for found in groups)
        return tuple(found[0] for found in groups) if single else None

    def chain(self, locus: str, bead: str, typing: LocusTyping) -> Chain:
        """Whether a locus has what one name stands for; kept."""
        key = (locus, bead, typing.first, typing.second)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            found = self._kept[key] = self._chain(locus, bead, typing)
        return found

    def _chain(self, locus: str, text: str, typing: LocusTyping) -> Chain:
        try:
            bead = self.resolver.position(locus, text)
        except TypingError:
            return Chain(carried("unknown", "allele", "bead_unreadable", bead=text))
        level = BEAD_KINDS.get(bead.kind, "allele")
        if bead.null or bead.unknown:
            return Chain(carried("unknown", level, "bead_unreadable", bead=text))
        if typing.untyped:
            return Chain(carried("unknown", level, "untyped", bead=text, locus=locus))
        try:
            pairs = self.resolver.pairs(locus, typing.first, typing.second)
        except TypingError:
            return Chain(carried("unknown", level, "unreadable", bead=text, locus=locus))
        found = [self.pair(bead, expressed(pair)) for pair in pairs]
        answers = {one.carried.answer for one in found}
        if len(answers) == 1 and answers != {"unknown"}:
            of = frozenset[int]().union(*(one.of for one in found))
            return Chain(found[0].carried, of if all(one.of for one in found) else frozenset())
        open_ones = [one for one in found if one.carried.answer == "unknown"]
        closed = [one for one in open_ones if not one.of]
        if "yes" in answers or (closed and len(answers) > 1):
            return Chain(carried("unknown", level, "genotypes", unit=typing.gl(), bead=text))
        return closed[0] if closed else other_alleles(open_ones[0].carried, [one.of for one in open_ones])

    def pair(self, bead: Resolved, values: Sequence[Resolved]) -> Chain:
        """Whether one of the values that a genotype expresses is what the bead carries."""
        if not values:
            level = BEAD_KINDS.get(bead.kind, "allele")
            return Chain(carried("no", level, "nothing_expressed", bead=bead.text, locus=bead.locus))
        ranked = [(self.value(bead, value), value) for value in values]
        (answer, level, code, by), value = min(ranked, key=lambda one: RANK[one[0][:3]])
        unit = "" if code == "absent" else value.text
        params = {"p_groups" if code == "same_allele" else "antigen": by}
        found = carried(answer, level, code, unit=unit, bead=bead.text, locus=bead.locus, **params)
        if (
            code == "other_allele"
        ):  # what any other value says is no less certain: another allele too, or absent
            return other_alleles(found, [one.p_groups for verdict, one in ranked if verdict.code == code])
        if code == "absent":
            return Chain(found, frozenset[int]().union(*(one.p_groups for one in values)))
        return Chain(found, bead.p_groups if (answer, level) == ("yes", "allele") else frozenset())

    def value(self, bead: Resolved, value: Resolved) -> Verdict:
        """Whether an expressed value is what the bead carries."""
        if value.unknown:
            return Verdict("unknown", BEAD_KINDS.get(bead.kind, "allele"), "blank")
        if bead.kind is Kind.SEROLOGY:
            return self.by_antigen(bead, value)
        if value.p_groups <= bead.p_groups:
            names = {self.resolver.nomenclature.p_name(value.locus, group) for group in value.p_groups}
            return Verdict("yes", "allele", "same_allele", ", ".join(sorted(names)))
        antigen = self.shared_antigen(bead, value)
        if not value.p_groups & bead.p_groups:
            level: AnswerLevel = "antigen" if value.kind is Kind.SEROLOGY else "allele"
            if antigen:
                return Verdict("unknown", level, "other_allele", antigen)
            return Verdict("no", level, "absent")
        answers = {self.has(mine, theirs, value) for mine, theirs in product(bead.antigens, value.antigens)}
        if answers == {"yes"}:
            return Verdict("yes", "antigen", "antigen_of_allele", antigen)
        return Verdict("unknown", "allele", "possible")  # its P groups say that it may be the allele itself

    def by_antigen(self, bead: Resolved, value: Resolved) -> Verdict:
        """The same for a bead known by its antigen."""
        (mine,) = bead.antigens
        answers = {self.has(mine, theirs, value) for theirs in value.antigens}
        if answers == {"yes"}:
            return Verdict("yes", "antigen", "has_antigen", bead.text)
        if answers == {"no"}:
            return Verdict("no", "antigen", "absent")
        broads = self.broads_of(mine, value)
        return Verdict("unknown", "antigen", "broad_only" if broads else "possible", broads)

    def has(self, mine: AntigenSet, theirs: AntigenSet, value: Resolved) -> Answer:
        """Whether an allele assigned `theirs` has an antigen of `mine`; of several assigned it has one or another."""
        answers = {
            min((self.has_one(one, other, value) for one in mine), key=ANSWERS.index) for other in theirs
        }
        return answers.pop() if len(answers) == 1 else "unknown"

    def has_one(self, mine: str, theirs: str, value: Resolved) -> Answer:
        """Whether the antigen `theirs` is `mine`, or a split of it, or associated with it."""
        tree = self.resolver.nomenclature.trees[value.locus]
        if mine in tree.lineage(theirs):
            return "yes"
        line = tree.lineage(mine)
        if theirs not in line:
            return "no"
        # A release assigns A24 to what is not A2403; but a broad that it assigns may be any of its splits.
        below = line[: line.index(theirs)]
        return "no" if tree.associated.issuperset(below) and self.is_assigned(value) else "unknown"

    def is_assigned(self, value: Resolved) -> bool:
        """Whether antigens were assigned to the alleles of a value; the built-in nomenclature takes first fields."""
        if not self.resolver.nomenclature.size:
            return False
        items = [item for one in value.text.split("|") for item in read_value(value.locus, one)]
        return all(item.kind is not Kind.SEROLOGY for item in items)

    def broads_of(self, mine: AntigenSet, value: Resolved) -> str:
        """The antigens above the bead's, if the value is known by nothing else; else ""."""
        tree = self.resolver.nomenclature.trees[value.locus]
        theirs = frozenset[str]().union(*value.antigens)
        (antigen,) = mine
        above = theirs <= frozenset(tree.lineage(antigen)[1:])
        return self.named(value.locus, theirs) if above else ""

    def shared_antigen(self, bead: Resolved, value: Resolved) -> str:
        """The bead's antigens that the value may have too, "" if none."""
        tree = self.resolver.nomenclature.trees[value.locus]
        mine, theirs = (frozenset[str]().union(*one.antigens) for one in (bead, value))
        return self.named(
            value.locus, {one for one in mine if any(tree.in_line(one, other) for other in theirs)}
        )

    def named(self, locus: str, antigens: AntigenSet | set[str]) -> str:
        """Antigens with their prefix, by number."""
        prefix = SEROLOGY_PREFIX[locus]
        return "/".join(prefix + one for one in sorted(antigens, key=int))


ANSWERS: Final[tuple[Answer, ...]] = ("yes", "unknown", "no")
# Of the two values of a locus the one that says most: what has it, what may have it, what comes near it.
RANK: Final[dict[tuple[str, str, str], int]] = {
    key: rank
    for rank, key in enumerate(
        [
            ("yes", "allele", "same_allele"),
            ("yes", "antigen", "has_antigen"),
            ("yes", "antigen", "antigen_of_allele"),
            ("unknown", "antigen", "broad_only"),
            ("unknown", "antigen", "possible"),
            ("unknown", "allele", "possible"),
            ("unknown", "antigen", "blank"),
            ("unknown", "allele", "blank"),
            ("unknown", "allele", "other_allele"),
            ("unknown", "antigen", "other_allele"),
            ("no", "allele", "absent"),
            ("no", "antigen", "absent"),
        ]
    )
}


def other_alleles(found: Carried, groups: Iterable[frozenset[int]]) -> Chain:
    """An unknown answer that rests on other alleles of the bead's antigen alone."""
    of = frozenset[int]().union(*groups)
    return Chain(replace(found, others=frozenset((group,) for group in of)), of)


def of_chains(bead: str, chains: Sequence[tuple[str, Chain]]) -> Carried:
    """The answer for a molecule from those for its chains (alpha, beta).

    The antigens of DQ and DP are those of the beta chain. Without it the molecule is absent; with it, beside another
    alpha chain, the unit has another molecule of that antigen, which only a bead of its own can clear.
    """
    (alpha_text, (alpha, alpha_of)), (beta_text, (beta, beta_of)) = chains
    for text, chain in ((beta_text, beta), (alpha_text, alpha)):
        if chain.answer == "no" and (chain is beta or chain.why.code == "nothing_expressed"):
            return carried("no", chain.level, "chain_absent", bead=bead, chain=text)
    level: AnswerLevel = "antigen" if "antigen" in (alpha.level, beta.level) else "allele"
    others = frozenset(product(alpha_of, beta_of))
    if alpha.answer == "no":
        found = carried("unknown", level, "chain_elsewhere", unit=beta.unit, bead=bead, chain=alpha_text)
        return replace(found, others=others)
    if alpha.answer == beta.answer == "yes":
        return carried("yes", level, "chains_present", unit=f"{alpha.unit}{JOIN}{beta.unit}", bead=bead)
    chain_text = alpha_text if alpha.answer == "unknown" else beta_text
    unit = JOIN.join(part for part in (alpha.unit, beta.unit) if part)
    found = carried("unknown", level, "chain_open", unit=unit, bead=bead, chain=chain_text)
    return replace(found, others=others)


def carried(answer: Answer, level: AnswerLevel, code: str, unit: str = "", **params: str) -> Carried:
    """An answer with its reason in words."""
    known = {"unit": unit, **params}
    return Carried(answer, level, unit, Why(code, dict(known), CARRIED[code].format(**known)))


@lru_cache(maxsize=8)
def carriers_for(resolver: Resolver) -> Carriers:
    """The shared answers of a resolver (by identity)."""
    return Carriers(resolver)
