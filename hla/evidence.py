"""Why two typings match or do not: position by position, as data and as an English sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final, Literal

from hla.antigens import AntigenRule, AntigenSet, is_antigen_match
from hla.directions import Direction
from hla.genotypes import Genotypes, Shape, genotypes_of
from hla.grades import GRADE_ORDER, Confidence, Grade, certainty, molecular_grade, serological_grade
from hla.loci import SEROLOGY_PREFIX
from hla.nomenclature import AntigenOptions, PGroups
from hla.resolve import Resolved, Resolver
from hla.scoring import ALLELE_IS_ANTIGEN, COUNT_NAMES, LocusCounts, score_locus
from hla.table import LocusTable
from hla.text import Kind
from hla.typing import LocusTyping

Verdict = Literal["allele", "potential", "antigen", "mismatch"]
Orientation = Literal["direct", "cross"]

VERDICTS: Final[tuple[Verdict, ...]] = ("allele", "potential", "antigen", "mismatch")
NAMES_KEPT: Final = 6  # P groups that an explanation spells out

REASONS: Final[Mapping[str, str]] = {
    "same_p_group": "Both are {p_groups}.",
    "shared_p_groups": "Both may be {p_groups} ({count} in common).",
    "untyped": "Not typed on both sides: any type is possible.",
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
    "one_genotype": "Shown for the best of {count} combinations of genotypes that the typings leave open.",
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
class LocusEvidence:
    """A locus of one patient and one unit; counts as in LocusScores. dataclasses.asdict gives plain JSON."""

    locus: str
    match_min: int
    match_max: int
    antigen_min: int
    antigen_max: int
    gvh_min: int
    gvh_max: int
    hvg_min: int
    hvg_max: int
    direction: Direction
    orientation: Orientation
    positions: tuple[PositionEvidence, PositionEvidence]
    antigen_rule: AntigenRule
    release: str


@dataclass(frozen=True, slots=True)
class Side:
    """One position as it counts: a null allele takes the place of the value beside it.

    text: as typed; null: whether a null allele stands there (or no gene); counts_as: the value that counts.
    """

    text: str
    null: bool
    counts_as: Resolved
    groups: PGroups | None  # None: anything
    antigens: frozenset[AntigenSet]
    remarks: tuple[Why, ...]


def explain_locus(
    patient: LocusTyping,
    unit: LocusTyping,
    resolver: Resolver,
    *,
    antigen_rule: AntigenRule = "split",
    counts: LocusCounts | None = None,
) -> LocusEvidence:
    """Compare the typings of one locus. Raises TypingError, and ValueError if the loci differ.

    counts: LocusScores.at(code) of this pair under this rule, if it has been scored already (quicker).
    """
    if patient.locus != unit.locus:
        raise ValueError(f"A typing of {patient.locus} cannot be compared with one of {unit.locus}.")
    if counts is None:
        table = LocusTable.build(patient.locus, [(unit.first, unit.second)], resolver)
        counts = score_locus(patient, table, antigen_rule=antigen_rule).at(len(table) - 1)
    positions, orientation = best_shown(patient, unit, resolver, counts, antigen_rule)
    return LocusEvidence(
        locus=patient.locus,
        **{name: getattr(counts, name) for name in COUNT_NAMES},
        direction=counts.direction,
        orientation=orientation,
        positions=positions,
        antigen_rule=antigen_rule,
        release=resolver.nomenclature.release,
    )


Positions = tuple[PositionEvidence, PositionEvidence]


def best_shown(
    patient: LocusTyping, unit: LocusTyping, resolver: Resolver, counts: LocusCounts, rule: AntigenRule
) -> tuple[Positions, Orientation]:
    """The positions of the typings; of genotype lists those of the best combination, with a remark.

    A match is certain only if it is so in every combination.
    """
    if "|" not in patient.first and "|" not in unit.first:
        return aligned(patient, unit, resolver, counts, rule)
    mine, theirs, combined, found = best_combination(patient, unit, resolver, rule)
    positions, orientation = aligned(mine, theirs, resolver, found, rule)
    certain = sum(position.verdict == "allele" for position in positions) <= counts.match_min
    shown = [position if certain else doubted(position) for position in positions]
    remark = why("one_genotype", count=combined)
    with_remark = [replace(position, remarks=(*position.remarks, remark)) for position in shown]
    return (with_remark[0], with_remark[1]), orientation


def best_combination(
    patient: LocusTyping, unit: LocusTyping, resolver: Resolver, rule: AntigenRule
) -> tuple[LocusTyping, LocusTyping, int, LocusCounts]:
    """The pair of alternatives with most matches, how many pairs there are, and the counts of that pair."""
    locus = patient.locus
    table = LocusTable(locus, resolver)
    codes = table.extend(unit.alternatives)
    best: tuple[tuple[int, int, int, int], LocusTyping, LocusTyping, LocusCounts] | None = None
    for pair in patient.alternatives:
        mine = LocusTyping(locus, *pair, kind="pair")
        scores = score_locus(mine, table, antigen_rule=rule)
        for code, other in zip(codes.tolist(), unit.alternatives, strict=True):
            counts = scores.at(code)
            rank = (counts.match_max, counts.antigen_max, counts.match_min, counts.antigen_min)
            if best is None or rank > best[0]:
                best = (rank, mine, LocusTyping(locus, *other, kind="pair"), counts)
    assert best is not None  # every typing has an alternative
    return best[1], best[2], len(patient.alternatives) * len(codes), best[3]


def doubted(position: PositionEvidence) -> PositionEvidence:
    """A match that is certain in one combination of genotypes but not in all."""
    if position.verdict != "allele":
        return position
    return replace(position, verdict="potential", confidence="potential")


def aligned(
    patient: LocusTyping, unit: LocusTyping, resolver: Resolver, counts: LocusCounts, rule: AntigenRule
) -> tuple[Positions, Orientation]:
    """The positions in the better orientation: more matches, then better grades; direct if equal."""
    mine, theirs = sides(patient, resolver), sides(unit, resolver)
    compare = Comparison(patient.locus, resolver, rule, untyped=is_untyped(patient) or is_untyped(unit))
    ways: list[tuple[Orientation, list[PositionEvidence]]] = [
        ("direct", [compare.position(mine[0], theirs[0]), compare.position(mine[1], theirs[1])]),
        ("cross", [compare.position(mine[0], theirs[1]), compare.position(mine[1], theirs[0])]),
    ]
    orientation, found = max(ways, key=lambda way: quality(way[1]))
    if sum(is_match(position) for position in found) > counts.match_max:
        antigen = counts.antigen_max > counts.match_max
        found = one_type_only(found, "antigen" if antigen else "mismatch")
    if is_twice(mine + theirs) and sum(map(is_related, found)) > counts.antigen_max:
        found = one_type_only(found, "mismatch")
    if sum(map(is_related, found)) < counts.antigen_max:
        found = [with_other_orientation(position, counts.antigen_max) for position in found]
    return (found[0], found[1]), orientation


def is_untyped(typing: LocusTyping) -> bool:
    return not typing.first and not typing.second


def with_other_orientation(position: PositionEvidence, count: int) -> PositionEvidence:
    """A mismatch that the antigen count does not have: allele matches decide which orientation is shown."""
    if position.verdict != "mismatch":
        return position
    return replace(position, remarks=(*position.remarks, why("other_orientation", count=count)))


def is_twice(sides: Sequence[Side]) -> bool:
    """Whether one type by DNA counts twice, so that it can be only one of the antigens it may have."""
    return any(side.null for side in sides) and all(
        side.counts_as.kind is not Kind.SEROLOGY for side in sides
    )


def is_related(position: PositionEvidence) -> bool:
    return position.verdict != "mismatch"


def is_match(position: PositionEvidence) -> bool:
    return position.verdict in ("allele", "potential")


def quality(positions: list[PositionEvidence]) -> tuple[int, int, int]:
    """Matches, then verdicts, then grades."""
    return (
        sum(map(is_match, positions)),
        -sum(VERDICTS.index(position.verdict) for position in positions),
        -sum(GRADE_ORDER.index(position.grade) for position in positions),
    )


def one_type_only(found: list[PositionEvidence], verdict: Verdict) -> list[PositionEvidence]:
    """Take back the weaker of two matches that one and the same unknown type cannot both make."""
    weaker = max(range(2), key=lambda place: (VERDICTS.index(found[place].verdict), place))
    old = found[weaker]
    grade: Grade = "split" if verdict == "antigen" else "mismatch"
    found[weaker] = replace(old, verdict=verdict, why=why("one_type"), grade=grade, confidence="mismatch")
    return found


def sides(typing: LocusTyping, resolver: Resolver) -> tuple[Side, Side]:
    """Both positions of a typing as they count."""
    values = [resolver.position(typing.locus, text) for text in (typing.first, typing.second)]
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


def antigens_of(options: AntigenOptions | None) -> frozenset[AntigenSet]:
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

    def position(self, mine: Side, theirs: Side) -> PositionEvidence:
        verdict, reason = self.verdict(mine, theirs)
        grade, confidence = self.grade(mine, theirs, verdict)
        notes = mine.remarks + theirs.remarks + self.serology(mine, theirs, verdict)
        return PositionEvidence(mine.text, theirs.text, verdict, reason, notes, grade, confidence)

    def grade(self, mine: Side, theirs: Side, verdict: Verdict) -> tuple[Grade, Confidence]:
        """Grade and confidence of a verdict."""
        if verdict in ("antigen", "mismatch"):
            if mine.null != theirs.null:
                return "expressed-versus-null", "mismatch"
            return self.antigen_grade(mine, theirs) if verdict == "antigen" else "mismatch", "mismatch"
        certain = verdict == "allele"
        one, other = mine.counts_as, theirs.counts_as
        if self.untyped or one.unknown or other.unknown:
            return "P", "potential"
        if Kind.SEROLOGY in (one.kind, other.kind) and self.related(mine, theirs):
            grade = self.antigen_grade(mine, theirs)
        else:
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

    def related(self, mine: Side, theirs: Side) -> bool:
        """Whether the antigens may match."""
        return any(self.tree.match(*pair, self.rule) for pair in product(mine.antigens, theirs.antigens))

    def serology(self, mine: Side, theirs: Side, verdict: Verdict) -> tuple[Why, ...]:
        """What the antigens say where a serological value may be the same allele."""
        serological = Kind.SEROLOGY in (mine.counts_as.kind, theirs.counts_as.kind)
        if verdict != "potential" or not serological or not mine.antigens or not theirs.antigens:
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
        """The verdict when no P group is shared: how the antigens stand to each other, whichever they are."""
        if self.locus in ALLELE_IS_ANTIGEN:
            return "mismatch", why("mismatch_allele")
        found = {self.tree.best(one, other) for one, other in product(mine.antigens, theirs.antigens)}
        matches = {is_antigen_match(relation, self.rule) for relation, *_ in found}
        verdict: Verdict = "antigen" if True in matches else "mismatch"
        if len(found) == 1:
            ((relation, one, other),) = found
            return verdict, why(
                f"{verdict}_{relation}", patient_antigen=self.prefix + one, unit_antigen=self.prefix + other
            )
        return verdict, why(
            "antigen_possible" if len(matches) == 2 else f"{verdict}_whichever",
            patient_antigens=self.listed(mine.antigens),
            unit_antigens=self.listed(theirs.antigens),
        )

    def listed(self, antigens: frozenset[AntigenSet]) -> str:
        """Antigens by their numbers, the first few."""
        names = sorted(frozenset[str]().union(*antigens), key=int)
        more = f", … (+{len(names) - NAMES_KEPT})" if len(names) > NAMES_KEPT else ""
        return ", ".join(self.prefix + name for name in names[:NAMES_KEPT]) + more
