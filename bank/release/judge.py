"""One criterion of a release specification against what is known of one unit. Pure: values in, verdict out.

Nothing passes that is not known: a result that is missing, that nobody vouched for, or that was made up is "missing",
with what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

Verdict = Literal["passed", "failed", "missing"]
Standing = Literal["verified", "unverified", "invented"]


@dataclass(frozen=True)
class Result:
    """A value in force and how it stands. value: number, or code of its list."""

    value: float | str
    standing: Standing


@dataclass(frozen=True)
class ReleaseFacts:
    """What is known of one unit. A key that is not there: not recorded.

    measurements: (time point, analyte) -> value; markers: (subject, test) -> the result that counts; cultures: kind ->
    the same. typed: locus -> its values in the unit's current typing. performers: ids of the people who entered or
    retracted any of it, or froze the unit. blocked_lots: used on the unit and kept from use by now.
    """

    measurements: Mapping[tuple[str, str], Result] = field(default_factory=dict)
    markers: Mapping[tuple[str, str], Result] = field(default_factory=dict)
    cultures: Mapping[str, Result] = field(default_factory=dict)
    haemoglobinopathy: Result | None = None
    blood_group: Result | None = None
    typed: Mapping[str, Result] = field(default_factory=dict)
    eligibility: Result | None = None
    consented: bool = False
    segments: int | None = None
    stored: bool = False
    blocked_lots: tuple[str, ...] = ()
    performers: frozenset[str] = frozenset()


class Criterion(Protocol):
    """The columns of bank.models.ReleaseCriterion that decide."""

    kind: str
    time_point: str
    analyte: str
    comparison: str
    threshold: float | None
    measure_unit: str
    subject: str
    test: str
    allowed: list[str]
    may_be_excepted: bool
    reference: str
    unconfirmed: bool


@dataclass(frozen=True)
class Finding:
    """What one criterion found, as it is kept with a release; words come later, in the reader's language.

    why: of a missing one "none", "unverified" or "invented"; "" else. value: None where none is known.
    """

    kind: str
    verdict: Verdict
    value: float | str | None
    why: str = ""
    time_point: str = ""
    analyte: str = ""
    comparison: str = ""
    threshold: float | None = None
    measure_unit: str = ""
    subject: str = ""
    test: str = ""
    allowed: tuple[str, ...] = ()
    may_be_excepted: bool = False
    reference: str = ""
    unconfirmed: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "allowed": list(self.allowed)}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Finding:
        return cls(**{**found, "allowed": tuple(found.get("allowed", ()))})


def judge(criteria: Iterable[Criterion], facts: ReleaseFacts) -> list[Finding]:
    return [_finding(one, *_verdict(one, facts)) for one in criteria]


LOTS = "lots"  # a kind of finding that no specification can leave out


def judge_lots(facts: ReleaseFacts) -> Finding:
    """Whatever the specification asks: nothing that was used on the unit is kept from use today.

    One that is fails, and only an exceptional release goes over it. Given back to use, it passes.
    """
    blocked = ", ".join(facts.blocked_lots)
    return Finding(LOTS, "failed" if blocked else "passed", blocked or None, may_be_excepted=True)


def open_findings(found: Iterable[Finding]) -> list[Finding]:
    """Those that keep a unit back."""
    return [one for one in found if one.verdict != "passed"]


def _finding(one: Criterion, verdict: Verdict, value: float | str | None, why: str) -> Finding:
    return Finding(
        kind=str(one.kind),
        verdict=verdict,
        value=value,
        why=why,
        time_point=str(one.time_point),
        analyte=str(one.analyte),
        comparison=str(one.comparison),
        threshold=one.threshold,
        measure_unit=str(one.measure_unit),
        subject=str(one.subject),
        test=str(one.test),
        allowed=tuple(one.allowed),
        may_be_excepted=one.may_be_excepted,
        reference=one.reference,
        unconfirmed=one.unconfirmed,
    )


Answer = tuple[Verdict, float | str | None, str]


def _verdict(one: Criterion, facts: ReleaseFacts) -> Answer:
    match str(one.kind):
        case "measurement":
            found = facts.measurements.get((str(one.time_point), str(one.analyte)))
            return _of_result(found, lambda value: _compares(value, one))
        case "marker":
            return _of_result(facts.markers.get((one.subject, one.test)), lambda value: _allows(value, one))
        case "culture":
            return _of_result(facts.cultures.get(one.test), lambda value: _allows(value, one))
        case "haemoglobinopathy":
            pending = facts.haemoglobinopathy is not None and facts.haemoglobinopathy.value == "pending"
            return _of_result(None if pending else facts.haemoglobinopathy, lambda value: _allows(value, one))
        case "blood_group":
            return _of_result(facts.blood_group, lambda value: True)
        case "eligibility":
            return _of_result(facts.eligibility, lambda value: value == "eligible")
        case "typing":
            return _of_result(facts.typed.get(one.test), lambda value: True)
        case "consent":
            return _known(facts.consented)
        case "stored":
            return _known(facts.stored)
        case "segments":
            if facts.segments is None:
                return "missing", None, "none"
            return ("passed" if facts.segments >= (one.threshold or 0) else "failed"), facts.segments, ""
    raise ValueError(f"no such criterion: {one.kind}")


def _of_result(found: Result | None, passes: Any) -> Answer:
    """What fails fails, verified or not: a bad result is never waited for."""
    if found is None:
        return "missing", None, "none"
    if not passes(found.value):
        return "failed", found.value, ""
    if found.standing != "verified":
        return "missing", found.value, found.standing
    return "passed", found.value, ""


def _known(is_there: bool) -> Answer:
    return ("passed", None, "") if is_there else ("missing", None, "none")


def _compares(value: float | str, one: Criterion) -> bool:
    if not isinstance(value, float | int) or one.threshold is None:
        return False
    match str(one.comparison):
        case "ge":
            return value >= one.threshold
        case "le":
            return value <= one.threshold
    return value == one.threshold


def _allows(value: float | str, one: Criterion) -> bool:
    return not one.allowed or value in one.allowed
