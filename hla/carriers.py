"""Whether a person has what an antibody is against (domain notes 4.1 DSA, 4.4 R9), answered by three values.

It is decided between alleles where the typing leaves only alleles of the bead's P group, or none of its antigens; else
between antigens. Another allele of the bead's antigen is "unknown" too: the test says nothing of it unless a bead of
its own was tested. What cannot be told is never "no".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final, Literal, NamedTuple

from hla.antibodies import BEAD_KINDS, JOIN, AnswerLevel, Specificity
from hla.antigens import AntigenSet
from hla.conflicts import expressed
from hla.errors import TypingError
from hla.loci import SEROLOGY_PREFIX
from hla.positions import Why
from hla.resolve import Resolved, Resolver
from hla.text import Kind, read_value
from hla.typing import LocusTyping, Typing

Answer = Literal["yes", "no", "unknown"]
Others = frozenset[tuple[int, ...]]  # molecules: a P group for each of their chains

MAX_KEPT: Final = 200_000  # answers kept

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
    """The answer for one name at one locus.

    of: the P groups that give it, where it is decided between alleles; of an absent one those that are there instead.
    there, near: P groups of all values that some genotype expresses, and of those among them that have or may have
    what the bead carries, or its antigen; empty where a value is not known.
    """

    carried: Carried
    of: frozenset[int] = frozenset()
    there: frozenset[int] = frozenset()
    near: frozenset[int] = frozenset()


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
        genotypes = [expressed(pair) for pair in pairs]
        decided = self._between([self.pair(bead, values) for values in genotypes], level, text, typing)
        values = [value for genotype in genotypes for value in genotype]
        if any(value.unknown for value in values):
            return decided
        near = [value for value in values if self.value(bead, value).answer != "no"]
        return decided._replace(there=_groups(values), near=_groups(near))

    def _between(self, found: Sequence[Chain], level: AnswerLevel, text: str, typing: LocusTyping) -> Chain:
        """The answer of a typing from those of the genotypes that it leaves open."""
        answers = {one.carried.answer for one in found}
        if len(answers) == 1 and answers != {"unknown"}:
            of = frozenset[int]().union(*(one.of for one in found))
            # that nothing is expressed is said only where it is so of every genotype: a molecule goes by it
            first = next((one for one in found if one.carried.why.code != "nothing_expressed"), found[0])
            return Chain(first.carried, of if all(one.of for one in found) else frozenset())
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


def _groups(values: Iterable[Resolved]) -> frozenset[int]:
    return frozenset[int]().union(*(value.p_groups for value in values))


def other_alleles(found: Carried, groups: Iterable[frozenset[int]]) -> Chain:
    """An unknown answer that rests on other alleles of the bead's antigen alone."""
    of = frozenset[int]().union(*groups)
    return Chain(replace(found, others=frozenset((group,) for group in of)), of)


def of_chains(bead: str, chains: Sequence[tuple[str, Chain]]) -> Carried:
    """The answer for a molecule from those for its chains (alpha, beta).

    The antigens of DQ and DP are those of the beta chain. Without it the molecule is absent; with it, beside another
    alpha chain, the unit has another molecule of that antigen, which only a bead of its own can clear. Each alpha chain
    of a person stands beside each beta chain: all of these molecules have to be cleared.
    """
    (alpha_text, alphas), (beta_text, betas) = chains
    alpha, beta = alphas.carried, betas.carried
    for text, chain in ((beta_text, beta), (alpha_text, alpha)):
        if chain.answer == "no" and (chain is beta or chain.why.code == "nothing_expressed"):
            return carried("no", chain.level, "chain_absent", bead=bead, chain=text)
    level: AnswerLevel = "antigen" if "antigen" in (alpha.level, beta.level) else "allele"
    is_decided = alphas.of and betas.of
    others = frozenset(product(alphas.there, betas.near)) if is_decided else frozenset[tuple[int, ...]]()
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
