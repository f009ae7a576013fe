"""Each rule as a function of thresholds, patient and unit. The unknown never passes.

Nor does what one person alone entered, or what is made up: it may fail a rule, and else cannot tell. At a threshold a
unit passes, except where the policy asks for more than the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, cells_needed, per_kg
from matching.engine.selection.facts import Bead, Measured, PatientFacts, Span, Standing, Strength, UnitFacts

Outcome = Literal["passed", "failed", "unknown", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found. value: as JSON, None unknown; missing: codes of what would be needed to tell."""

    outcome: Outcome
    value: Any = None
    missing: tuple[str, ...] = ()


NOT_APPLICABLE: Final = Found("not_applicable")  # the rule asks nothing of such a donor: neither good nor bad
Values = Mapping[str, Any]
Check = Callable[[Values, PatientFacts, UnitFacts], Found]


def judged(holds: bool, value: Any) -> Found:
    return Found("passed" if holds else "failed", value)


def lacking(*missing: str, value: Any = None) -> Found:
    return Found("unknown", value, missing)


_WANTED: Final[Mapping[Standing, str]] = {"unverified": "verification", "invented": "measured"}


def vouched(found: Found, standing: Standing) -> Found:
    """What would pass passes only if a second person vouched for it."""
    if found.outcome != "passed" or standing == "verified":
        return found
    return lacking(_WANTED[standing], value=found.value)


def _counted(found: Found, unit: UnitFacts) -> Found:
    return vouched(found, "invented" if unit.counts_invented else "verified")


def offer(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.offered is None:
        return lacking("status")
    return judged(unit.offered, list(unit.blocks) or unit.status)


def segments(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.segments is None:
        return lacking("segments")
    return judged(unit.segments >= values["least"], unit.segments)


def _dose(
    cells: int | None, unit: int, least: Decimal, patient: PatientFacts, name: str, *, above: bool = False
) -> Found:
    """above: strictly more is asked, so that exactly `least` fails."""
    dose = per_kg(cells, unit, patient.weight_kg)
    if patient.weight_kg is None:
        return lacking("weight")
    if cells is None or dose is None:
        return lacking(name)
    needed = cells_needed(least, patient.weight_kg, unit, above=above)
    return judged(cells >= needed, round(dose, 4))


def tnc_dose(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    above = values["bound"] == "above"
    return _counted(_dose(unit.tnc_e4, TNC_E4_PER_E7, values["least"], patient, "tnc", above=above), unit)


def cd34_dose(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    return _counted(_dose(unit.cd34_e3, CD34_E3_PER_E5, values["least"], patient, "cd34"), unit)


def cfu_dose(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: dose and time point."""
    if patient.weight_kg is None:
        return lacking("weight")
    if unit.cfu_e5 is None:
        return lacking("cfu")
    cfu = unit.cfu_e5
    value = [round(cfu.value / float(patient.weight_kg), 4), cfu.time_point]
    # Where nothing is asked colonies are wanted, however few.
    enough = Decimal(str(cfu.value)) >= values["least"] * patient.weight_kg and cfu.value > 0
    return vouched(judged(enough, value), cfu.standing)


def at_least(span: Span | None, least: int, name: str) -> Found:
    """A class or count known as a range: passed if all of it, failed if none of it, reaches `least`."""
    if span is None:
        return lacking(name)
    low, high = span
    if low >= least:
        return Found("passed", list(span))
    return Found("failed", list(span)) if high < least else lacking(name, value=list(span))


def class_antigen6(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.other_antigen_rule:
        return lacking("antigen_rule")
    return at_least(unit.classes.get("antigen6"), values["least"], "class")


def class_allele8(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    return at_least(unit.classes.get("allele8"), values["least"], "class")


def mismatches8(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: fewest and most mismatches of 8."""
    span = unit.classes.get("allele8")
    found = at_least(span, 8 - values["most"], "class")
    return found if span is None else Found(found.outcome, [8 - span[1], 8 - span[0]], found.missing)


def c_matched(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    return at_least(unit.matches.get("C"), 2, "typing_C")


def direction(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.direction == "unknown":
        return lacking("direction")
    return judged(unit.direction in values["accepted"], unit.direction)


def nima(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.nima is None:
        return lacking(unit.nima_why)
    return judged(unit.nima > 0, unit.nima)


def dpb1(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.dpb1 == "unknown":
        return lacking("dpb1")
    return judged(unit.dpb1 in values["accepted"], unit.dpb1)


def b_leader(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Whether both have the same leaders. Value: the patient's and the unit's."""
    pair = [unit.leader_patient, unit.leader_unit]
    return lacking("leader", value=pair) if "unknown" in pair else judged(pair[0] == pair[1], pair)


def mfi_of(bead: Bead | Strength, of: tuple[str, ...]) -> int | None:
    """The strength that the policy looks at; the higher of the two where it looks at both."""
    peak = bead.mfi_peak if "peak" in of else None
    newest = bead.mfi_newest if "newest" in of else None
    if peak is None or newest is None:
        return newest if peak is None else peak
    return max(peak, newest)


def _is_called(bead: Bead | Strength, of: tuple[str, ...]) -> bool:
    """Called positive without a number by a serum that the policy looks at."""
    return bool(bead.unquantified) and not set(of).isdisjoint(bead.unquantified)


def _reaches(bead: Bead | Strength, of: tuple[str, ...], limit: int) -> bool:
    mfi = mfi_of(bead, of)
    return mfi is not None and mfi >= limit


def is_positive(bead: Bead | Strength, values: Values) -> bool:
    """An antibody that was called positive without an MFI counts as one, whatever another serum measured."""
    return _is_called(bead, values["of"]) or _reaches(bead, values["of"], values["mfi"])


def _may_be_carried(bead: Bead, values: Values) -> bool:
    """Open, unless the beads of the unit's own alleles were tested by an accepted method and are below the limit."""
    if bead.carried != "unknown":
        return False
    return not (bead.own and all(_clears(one, bead, values) for one in bead.own))


def _clears(own: Strength, bead: Bead, values: Values) -> bool:
    """Whether a bead of the unit's own says that the antibody is not against it: what was tested before the antibody
    was last seen does not."""
    days = [day for method, day in own.tested if method in values["methods"]]
    is_later = bool(days) and (bead.sampled_on is None or max(days) >= bead.sampled_on)
    return is_later and not is_positive(own, values)


def dsa(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: the antibodies that decide: [text, MFI, level, unit's text]; else the weaker ones that it carries."""
    if not patient.antibodies_tested:
        return lacking("antibodies")
    positive = [bead for bead in unit.beads if is_positive(bead, values)]
    hits = [bead for bead in positive if bead.carried == "yes"]
    if hits:
        return Found("failed", _told(hits, values))
    covered = {one for method, one in patient.antibody_tests if method in values["methods"]}
    untested = _untested(covered)
    open_ones = [bead for bead in positive if _may_be_carried(bead, values)]
    if open_ones:
        return Found("unknown", _told(open_ones, values), (*_typings(open_ones), *untested))
    carried = [bead for bead in unit.beads if bead.carried == "yes"]
    weak = [bead for bead in carried if _reaches(bead, values["of"], values["weak_mfi"])]
    return Found("unknown" if untested else "passed", _told(weak, values), untested)


def _untested(tested: set[str]) -> tuple[str, ...]:
    return tuple(f"antibodies_{one}" for one in ("I", "II") if one not in tested)


def _typings(beads: list[Bead]) -> tuple[str, ...]:
    """What would tell: a bead of the unit's own allele, or a better typing."""
    asked = dict.fromkeys(
        code
        for bead in beads
        for code in ([f"bead_{bead.unit}"] if bead.other_allele else [f"typing_{one}" for one in bead.loci])
    )
    return tuple(asked) or ("typing",)


def _told(beads: list[Bead], values: Values) -> list[list[Any]]:
    """The strongest first; what was called positive without a number is told without one, and stands before all."""
    told = [[bead.text, _mfi_told(bead, values["of"]), bead.level, bead.unit] for bead in beads]
    return sorted(told, key=lambda one: (one[1] is not None, -(one[1] or 0), one[0]))


def _mfi_told(bead: Bead, of: tuple[str, ...]) -> int | None:
    return None if _is_called(bead, of) else mfi_of(bead, of)


def serum_age(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: days since the newest serum, of the class for which that is longer ago."""
    if not patient.serum_days:
        return lacking("antibodies")
    days = max((patient.today - day).days for _class, day in patient.serum_days)
    untested = _untested({one for one, _day in patient.serum_days})
    found = judged(days <= values["most_days"], days)
    return lacking(*untested, value=days) if untested and found.outcome == "passed" else found


def accreditation(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: the schemes valid today; where every certificate has ended {"ended": schemes}."""
    if not unit.accreditations:
        ended = list(unit.accreditations_ended)
        return judged(False, {"ended": ended}) if ended else lacking("accreditation")
    return judged(bool(set(unit.accreditations) & set(values["accepted"])), list(unit.accreditations))


def red_cells(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if not unit.red_cells:
        return lacking("red_cells")
    return judged(unit.red_cells == "depleted", unit.red_cells)


def volume(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if unit.volume_ml is None:
        return lacking("volume")
    exact = Decimal(str(unit.volume_ml))
    return _counted(judged(values["least"] <= exact <= values["most"], unit.volume_ml), unit)


def _measured(measured: Measured | None, least: Decimal, name: str) -> Found:
    """Value: what was measured and the time point."""
    if measured is None:
        return lacking(name)
    value = [measured.value, measured.time_point]
    return vouched(judged(Decimal(str(measured.value)) >= least, value), measured.standing)


def viability(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    return _measured(unit.viability_percent, values["least"], "viability")


def cd34_viability(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    return _measured(unit.cd34_viability_percent, values["least"], "cd34_viability")


def haemoglobinopathy(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Whether the unit is free of the disease; a trait is asked by a rule of its own."""
    return _screened(unit, unit.haemoglobinopathy != "disease")


def haemoglobinopathy_trait(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    return _screened(unit, unit.haemoglobinopathy == "not_found")


def _screened(unit: UnitFacts, is_good: bool) -> Found:
    if unit.haemoglobinopathy in ("", "pending"):
        return lacking("haemoglobinopathy", value=unit.haemoglobinopathy or None)
    found = judged(is_good, unit.haemoglobinopathy)
    return vouched(found, "verified" if unit.haemoglobinopathy_verified else "unverified")


def markers(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: the positive results as [subject, test], those that the policy accepts too."""
    if not unit.markers:
        return lacking("markers")
    positive = [[subject, test] for subject, test, result, _verified in unit.markers if result == "positive"]
    if any(test not in values["accepted"] for _subject, test in positive):
        return Found("failed", positive)
    missing = tuple(_markers_missing(values, unit))
    return lacking(*missing, value=positive) if missing else Found("passed", positive)


def _markers_missing(values: Values, unit: UnitFacts) -> Iterator[str]:
    """Required tests without an answer, tests left indeterminate, and whether somebody must still vouch."""
    known = {(subject, test): (result, verified) for subject, test, result, verified in unit.markers}
    required = [(subject, test) for subject in values["subjects"] for test in values["tests"]]
    for subject in values["subjects"]:
        if not any(one[0] == subject for one in known):
            yield f"markers_{subject}"
    for one in required:
        if one not in known and any(other[0] == one[0] for other in known):
            yield f"marker_{one[0]}_{one[1]}"
    for (subject, test), (result, _verified) in known.items():
        if result == "indeterminate" and test not in values["accepted"]:
            yield f"marker_{subject}_{test}"
    if any(not known[one][1] for one in required if one in known):
        yield "verification"


def years_before(day: date, years: int) -> date:
    """The same day some years earlier; 28 February for the leap day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def age(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Value: completed years since collection."""
    collected = unit.collected_on
    if collected is None:
        return lacking("collected_on")
    today = patient.today
    years = today.year - collected.year - ((today.month, today.day) < (collected.month, collected.day))
    return judged(collected >= years_before(today, values["most_years"]), years)


def abo(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    if not unit.abo_relation:
        return lacking("abo")
    return judged(unit.abo_relation in values["accepted"], unit.abo_relation)


def sex(values: Values, patient: PatientFacts, unit: UnitFacts) -> Found:
    """Whether unit and patient are of the same sex."""
    if not unit.sex or not patient.sex:
        return lacking("sex")
    return judged(unit.sex == patient.sex, [patient.sex, unit.sex])


CHECKS: Final[Mapping[str, Check]] = {
    check.__name__: check
    for check in (
        offer, segments, tnc_dose, cd34_dose, cfu_dose, class_antigen6, class_allele8, mismatches8, c_matched,
        direction, nima, dpb1, b_leader, dsa, serum_age, accreditation, red_cells, volume, viability,
        cd34_viability, haemoglobinopathy, haemoglobinopathy_trait, markers, age, abo, sex,
    )
}  # fmt: skip
