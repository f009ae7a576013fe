"""One position of the patient beside one of the unit: verdict, grade, and why, as data and as an English sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Final, Literal, NamedTuple, get_args

from hla.antigens import AntigenRule, AntigenSet, is_antigen_match
from hla.genotypes import Genotypes, Shape, genotypes_of, position_sets
from hla.grades import GRADE_ORDER, Confidence, Grade, certainty, molecular_grade, serological_grade
from hla.loci import SEROLOGY_PREFIX
from hla.nomenclature import AntigenOptions, PGroups
from hla.resolve import Resolved, Resolver
from hla.scoring import ALLELE_IS_ANTIGEN
from hla.text import Kind
from hla.typing import LocusTyping

Verdict = Literal["allele", "potential", "antigen", "mismatch"]
Antigens = frozenset[AntigenSet]  # of each allele that a position may be

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)  # best first
NAMES_KEPT: Final = 6  # P groups that an explanation spells out
QUALITY_STEP: Final = 2 * len(GRADE_ORDER) + 1  # more than two positions have of any part of their quality

REASONS: Final[Mapping[str, str]] = {
    "same_p_group": "Both are {p_groups}.",
    "shared_p_groups": "Both may be {p_groups} ({count} in common).",
    "untyped": "Not typed on at least one side: any type is possible.",
    "one_type": "There is only one expressed type, and it cannot match both.",
    "nothing_expressed": "Nothing is expressed here on one side.",
    "antigen_equal": "Different alleles of the antigen {patient_antigen}.",
    "antigen_broad": "{patient_antigen} is the broad antigen of {unit_antigen}.",
    "antigen_split": "{patient_antigen} is a split of {unit_antigen}.",
    "antigen_associated": "{patient_antigen} and {unit_antigen} are associated antigens.",
    "antigen_siblings": "{patient_antigen} and {unit_antigen} are associated with one antigen.",
    "antigen_same_broad": "{patient_antigen} and {unit_antigen} are splits of one broad antigen, "
    "which this bank counts as a match.",
    "antigen_whichever": "Different alleles; {patient_antigens} and {unit_antigens} match whichever they are.",
    "antigen_possible": "May match at antigen level: possible are {patient_antigens} and {unit_antigens}.",
    "mismatch_same_broad": "{patient_antigen} and {unit_antigen} are different splits of one broad antigen.",
    "mismatch_different": "{patient_antigen} and {unit_antigen} are different antigens.",
    "mismatch_whichever": "{patient_antigens} and {unit_antigens} differ whichever they are.",
    "mismatch_allele": "No P group in common.",
    "other_orientation": "Compared the other way round, {count} of 2 positions may match at antigen level.",
    "one_genotype": "Compared as {patient} with {unit}: the best of {count} combinations of genotypes.",
    "serology_equal": "Both have the antigen {patient_antigen}.",
    "null_counts_as": "{text} is a null allele and counts as the value beside it.",
    "null_possible": "{text} could also be a null allele ({names}).",
    "questionable": "The expression of {text} is questionable (Q).",
}


@dataclass(frozen=True, slots=True)
class Why:
    """One reason. code: key of REASONS; params: its values; text: the English sentence."""

    code: str
    params: dict[str, str | int] = field(default_factory=dict)
    text: str = ""


def why(code: str, **params: str | int) -> Why:
    """A reason with its sentence."""
    return Why(code, params, REASONS[code].format(**params))


@dataclass(frozen=True, slots=True)
class PositionEvidence:
    """One position of the better orientation.

    patient, unit: canonical texts, "" = not typed. verdict: "allele" certain match, "potential" some of the
    possible types match, "antigen" no allele match but an antigen match is possible, "mismatch". why: the
    reason of the verdict; remarks: null and questionable alleles, the antigens of a serological typing, whether
    the other orientation has more matches at antigen level. grade, confidence: see hla.grades.
    """

    patient: str
    unit: str
    verdict: Verdict
    why: Why
    remarks: tuple[Why, ...] = ()
    grade: Grade = "mismatch"
    confidence: Confidence = "mismatch"


@dataclass(frozen=True, slots=True)
class Side:
    """One position as it counts: a null allele takes the place of the value beside it.

    text: as typed; null: whether a null allele stands there (or no gene); counts_as: the value that counts.
    """

    text: str
    null: bool
    counts_as: Resolved
    groups: PGroups | None  # None: anything
    antigens: Antigens
    remarks: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A position of the patient beside one of the unit.

    related: whether they may match at antigen level; quality: match, antigen match, whether typed, verdict, grade, the
    first counting most. One number, since the same positions are compared again and again: of two it is the sum.
    """

    shown: PositionEvidence
    related: bool
    quality: int = field(init=False)

    def __post_init__(self) -> None:
        shown = self.shown
        found = 0
        for part in (
            self.matches,
            self.related,
            shown.why.code != "untyped",
            len(VERDICTS) - VERDICTS.index(shown.verdict),
            len(GRADE_ORDER) - GRADE_ORDER.index(shown.grade),
        ):
            found = found * QUALITY_STEP + part
        object.__setattr__(self, "quality", found)

    @property
    def matches(self) -> bool:
        return self.shown.verdict in ("allele", "potential")


def sides(typing: LocusTyping, resolver: Resolver) -> tuple[Side, Side]:
    """Both positions of a typing as they count."""
    values = [resolver.position(typing.locus, text) for text in (typing.first, typing.second)]
    if not any(value.null for value in values):
        first, second = (
            resolver.kept(by_itself, f"{typing.locus} {text}") for text in (typing.first, typing.second)
        )
        return first, second
    found: Genotypes = genotypes_of(*values)
    if found.shape is Shape.NONE:
        return no_type(values[0]), no_type(values[1])
    groups, options = (found.first, found.second), (found.first_antigens, found.second_antigens)
    both = [
        Side(
            value.text,
            value.null,
            values[1 - place] if value.null else value,
            groups[place],
            antigens_of(options[place]),
            remarks(value),
        )
        for place, value in enumerate(values)
    ]
    return both[0], both[1]


def by_itself(resolver: Resolver, key: str) -> Side:
    """A value without a null allele beside it, by locus and text."""
    value = resolver.position(*key.split(" ", 1))
    groups, options = position_sets(value)
    return Side(value.text, False, value, groups, antigens_of(options), remarks(value))


def antigens_of(options: AntigenOptions | None) -> Antigens:
    """The antigen sets of a position; of an unknown one they are not asked for."""
    return frozenset(antigens for _, antigens in options or ())


def no_type(value: Resolved) -> Side:
    return Side(value.text, True, value, frozenset(), frozenset(), ())


def remarks(value: Resolved) -> tuple[Why, ...]:
    """What a reader must know about a value beside the verdict."""
    found = []
    if value.null:
        found.append(why("null_counts_as", text=value.text))
    if value.null_possible:
        names = ", ".join(value.null_possible[:NAMES_KEPT])
        found.append(why("null_possible", text=value.text, names=names))
    if value.questionable:
        found.append(why("questionable", text=", ".join(value.questionable[:NAMES_KEPT])))
    return tuple(found)


class Comparison:
    """Compares one position of the patient with one of the unit."""

    def __init__(self, locus: str, resolver: Resolver, rule: AntigenRule, *, untyped: bool) -> None:
        self.locus = locus
        self.untyped = untyped
        self.resolver = resolver
        self.names = resolver.nomenclature
        self.tree = self.names.trees[locus]
        self.rule = rule
        self.prefix = SEROLOGY_PREFIX[locus]
        self._antigen_verdicts: dict[tuple[Antigens, Antigens], tuple[Verdict, Why]] = {}

    def position(self, mine: Side, theirs: Side) -> Compared:
        verdict, reason = self.verdict(mine, theirs)
        apart = self.antigens_differ(mine, theirs, verdict)
        grade, confidence = self.grade(mine, theirs, verdict, apart=apart)
        notes = mine.remarks + theirs.remarks + self.serology(mine, theirs, verdict)
        shown = PositionEvidence(mine.text, theirs.text, verdict, reason, notes, grade, confidence)
        return Compared(shown, related=verdict != "mismatch" and not apart)

    def antigens_differ(self, mine: Side, theirs: Side, verdict: Verdict) -> bool:
        """Whether a potential match is one of alleles only: B60 and B61 may both be an allele known as B40."""
        return (
            verdict == "potential"
            and self.is_serological(mine, theirs)
            and not any(self.tree.match(*pair, self.rule) for pair in product(mine.antigens, theirs.antigens))
        )

    def is_serological(self, mine: Side, theirs: Side) -> bool:
        """Whether antigens are given, by one side at least, and something by both; at DPB1 they do not count."""
        known = bool(mine.antigens and theirs.antigens) and self.locus not in ALLELE_IS_ANTIGEN
        return known and Kind.SEROLOGY in (mine.counts_as.kind, theirs.counts_as.kind)

    def grade(self, mine: Side, theirs: Side, verdict: Verdict, *, apart: bool) -> tuple[Grade, Confidence]:
        """Grade and confidence of a verdict. apart: the antigens of a potential match differ."""
        if verdict in ("antigen", "mismatch"):
            if mine.null != theirs.null:
                return "expressed-versus-null", "mismatch"
            return self.antigen_grade(mine, theirs) if verdict == "antigen" else "mismatch", "mismatch"
        certain = verdict == "allele"
        one, other = mine.counts_as, theirs.counts_as
        if self.untyped or one.unknown or other.unknown:
            return "P", "potential"
        if apart:
            return "mismatch", "potential"
        if self.is_serological(mine, theirs):
            return self.antigen_grade(mine, theirs), "exact" if certain else "potential"
        grade = molecular_grade(one, other, self.resolver, certain=certain)
        return grade, certainty(one, other, self.resolver) if certain else "potential"

    def antigen_grade(self, mine: Side, theirs: Side) -> Grade:
        """The best grade that the antigens may have; under the rule `broad` two splits are of one broad."""
        relations = [self.tree.best(*pair) for pair in product(mine.antigens, theirs.antigens)]
        grades = [
            serological_grade(self.tree, *found)
            for found in relations
            if is_antigen_match(found[0], self.rule)
        ]
        return min(grades, key=GRADE_ORDER.index)

    def serology(self, mine: Side, theirs: Side, verdict: Verdict) -> tuple[Why, ...]:
        """What the antigens say where a serological value may be the same allele."""
        if verdict != "potential" or not self.is_serological(mine, theirs):
            return ()
        _, reason = self.antigen_verdict(mine, theirs)
        if reason.code == "antigen_equal":
            reason = why("serology_equal", **reason.params)
        return (reason,)

    def verdict(self, mine: Side, theirs: Side) -> tuple[Verdict, Why]:
        """The verdict on two positions taken by themselves."""
        if self.untyped:
            return "potential", why("untyped")
        if mine.groups == frozenset() or theirs.groups == frozenset():
            return "mismatch", why("nothing_expressed")
        if mine.groups is None or theirs.groups is None:
            return "potential", why("untyped")
        shared = mine.groups & theirs.groups
        if not shared:
            return self.antigen_verdict(mine, theirs)
        listed = sorted(shared)
        names = ", ".join(self.names.p_name(self.locus, group) for group in listed[:NAMES_KEPT])
        if len(mine.groups) == len(theirs.groups) == 1:
            return "allele", why("same_p_group", p_groups=names)
        return "potential", why("shared_p_groups", p_groups=names, count=len(listed))

    def antigen_verdict(self, mine: Side, theirs: Side) -> tuple[Verdict, Why]:
        """The verdict when no P group is shared: how the antigens stand to each other, whichever they are.

        Kept: thousands of values of a locus have some dozens of antigens.
        """
        key = (mine.antigens, theirs.antigens)
        known = self._antigen_verdicts.get(key)
        if known is None:
            known = self._antigen_verdicts[key] = self._antigen_verdict(*key)
        return known

    def _antigen_verdict(self, mine: Antigens, theirs: Antigens) -> tuple[Verdict, Why]:
        if self.locus in ALLELE_IS_ANTIGEN:
            return "mismatch", why("mismatch_allele")
        found = {self.tree.best(one, other) for one, other in product(mine, theirs)}
        matches = {is_antigen_match(relation, self.rule) for relation, *_ in found}
        verdict: Verdict = "antigen" if True in matches else "mismatch"
        if len(found) == 1:
            ((relation, one, other),) = found
            return verdict, why(
                f"{verdict}_{relation}", patient_antigen=self.prefix + one, unit_antigen=self.prefix + other
            )
        return verdict, why(
            "antigen_possible" if len(matches) == 2 else f"{verdict}_whichever",
            patient_antigens=self.listed(mine),
            unit_antigens=self.listed(theirs),
        )

    def listed(self, antigens: Antigens) -> str:
        """Antigens by their numbers, the first few."""
        names = sorted(frozenset[str]().union(*antigens), key=int)
        more = f", … (+{len(names) - NAMES_KEPT})" if len(names) > NAMES_KEPT else ""
        return ", ".join(self.prefix + name for name in names[:NAMES_KEPT]) + more


class Comparisons:
    """All comparisons of one patient at one locus. Units have the same values again and again: what was found is kept.

    Not for two threads at once.
    """

    def __init__(self, patient: LocusTyping, resolver: Resolver, rule: AntigenRule) -> None:
        self.patient, self.resolver, self.rule = patient, resolver, rule
        untyped = is_untyped(patient)
        self._compare = {
            either: Comparison(patient.locus, resolver, rule, untyped=untyped or either)
            for either in (False, True)
        }
        self._values: dict[str, Beside] = {}

    @cached_property
    def mine(self) -> tuple[Side, Side]:
        return sides(self.patient, self.resolver)

    def beside(self, unit: LocusTyping) -> tuple["Beside", "Beside"]:
        """Both positions of a unit; a value is itself unless a null allele stands beside it."""
        untyped = is_untyped(unit)
        first, second = self._values.get(unit.first), self._values.get(unit.second)
        if first is not None and second is not None and not untyped:
            return first, second
        one, other = sides(unit, self.resolver)
        return self._beside(one, untyped), self._beside(other, untyped)

    def _beside(self, theirs: Side, untyped: bool) -> "Beside":
        kept = not theirs.null and not untyped  # a blank position of a typed unit is another matter
        known = self._values.get(theirs.text) if kept else None
        if known is None:
            compare = self._compare[untyped]
            first, second = (compare.position(mine, theirs) for mine in self.mine)
            known = Beside(theirs, first, second)
            if kept:
                self._values[theirs.text] = known
        return known


class Beside(NamedTuple):
    """A position of the unit beside the patient's first and second."""

    side: Side
    first: Compared
    second: Compared


def is_untyped(typing: LocusTyping) -> bool:
    return not typing.first and not typing.second
