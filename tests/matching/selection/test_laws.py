"""Laws of choosing: what an antibody, a weight, a threshold can do to a unit, whatever the units are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from matching.engine.doses import CD34_E3_PER_E5, TNC_E4_PER_E7, per_kg
from matching.engine.selection.catalogue import SORT_KEYS
from matching.engine.selection.checks import CHECKS
from matching.engine.selection.evaluate import evaluate
from matching.engine.selection.facts import Bead, Measured, PatientFacts, UnitFacts
from matching.engine.selection.rules import SelectionRules, parse
from matching.selection.facts import ListedUnit
from matching.selection.preview import Row, places

TODAY = date(2026, 11, 28)
CARRIED = st.sampled_from(["yes", "unknown", "no"])
MFI = st.one_of(st.none(), st.integers(0, 20_000))
SPANS = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda pair: (min(pair), max(pair)))
ACTIONS = st.sampled_from(["exclude", "warn", "sort", "show", "off"])


@st.composite
def beads(draw: Any) -> Bead:
    peak = draw(MFI)
    newest = None if peak is None else draw(st.integers(0, peak))
    unquantified = draw(st.sampled_from([(), ("peak",), ("peak", "newest")]))
    return Bead("A24", draw(CARRIED), "antigen", "A*24:02", peak, newest, ("A",), unquantified)


def measured(most: int) -> st.SearchStrategy[Measured]:
    standing = st.sampled_from(["verified", "unverified", "invented"])
    return st.builds(Measured, st.floats(0, most), st.sampled_from(["processing", "post_thaw"]), standing)


MARKER = st.tuples(
    st.sampled_from(["unit", "mother"]),
    st.sampled_from(["hbs_ag", "cmv", "hcv_nat"]),
    st.sampled_from(["negative", "positive", "indeterminate"]),
    st.booleans(),
)


@st.composite
def units(draw: Any) -> UnitFacts:
    return UnitFacts(
        offered=True,
        status="LISTED",
        segments=draw(st.one_of(st.none(), st.integers(0, 5))),
        tnc_e4=draw(st.one_of(st.none(), st.integers(0, 400_000))),
        cd34_e3=draw(st.one_of(st.none(), st.integers(0, 40_000))),
        cfu_e5=draw(st.one_of(st.none(), measured(500))),
        viability_percent=draw(st.one_of(st.none(), measured(100))),
        counts_invented=draw(st.booleans()),
        haemoglobinopathy=draw(st.sampled_from(["", "not_found", "trait", "disease", "pending"])),
        haemoglobinopathy_verified=draw(st.booleans()),
        markers=tuple(draw(st.lists(MARKER, max_size=8, unique_by=lambda one: one[:2]))),
        classes={"antigen6": tuple(min(6, end) for end in draw(SPANS)), "allele8": draw(SPANS)},
        beads=tuple(draw(st.lists(beads(), max_size=4))),
        abo_relation=draw(st.sampled_from(["", "identical", "minor", "major", "both"])),
        red_cells=draw(st.sampled_from(["", "depleted", "replete"])),
    )


def patient(weight_kg: Decimal | None) -> PatientFacts:
    return PatientFacts(
        TODAY,
        weight_kg,
        "A",
        "F",
        antibodies_tested=True,
        antibody_tests=(("single_antigen", "I"), ("single_antigen", "II")),
        serum_days=(("I", TODAY), ("II", TODAY)),
    )


PATIENT = patient(Decimal(60))


KEYS = st.lists(st.sampled_from(SORT_KEYS), min_size=1, max_size=5, unique=True)
OF_UNIT, OF_OTHER = 1, 2


def place(rules: SelectionRules, unit: UnitFacts, other: UnitFacts) -> float:
    """Place of the unit beside another in the order of the rules, as the list has it; an excluded one comes last."""
    rows = [
        Row(ListedUnit(pk, one), pk, None, (None, None)) for pk, one in ((OF_UNIT, unit), (OF_OTHER, other))
    ]
    found = {row.unit.result_id: evaluate(rules, PATIENT, row.unit.facts) for row in rows}
    return places(rows, found, rules.sort, "antigen6", weighed=True).get(OF_UNIT, inf)


@given(unit=units(), other=units(), action=ACTIONS, mfi=MFI, keys=KEYS)
def test_an_antibody_never_helps_a_unit_that_carries_the_antigen(
    unit: UnitFacts, other: UnitFacts, action: str, mfi: int | None, keys: list[str]
) -> None:
    """Relative to a unit without the antigen, in any order: whoever stood before it stands there after."""
    rules = parse({"rules": {"dsa": {"action": action}}, "sort": keys})
    carried = Bead("B46", "yes", "antigen", "B*46:01", mfi, mfi, ("B",))
    sensitised = replace(unit, beads=(*unit.beads, carried))

    assert place(rules, sensitised, other) >= place(rules, unit, other)
    before, after = (evaluate(rules, PATIENT, one) for one in (unit, sensitised))
    assert set(before.excluded_by) <= set(after.excluded_by)
    assert len(before.warnings) + len(before.excluded_by) <= len(after.warnings) + len(after.excluded_by)


@given(unit=units(), bead=beads())
def test_an_antibody_the_unit_has_nothing_for_changes_nothing(unit: UnitFacts, bead: Bead) -> None:
    harmless = replace(unit, beads=(*unit.beads, replace(bead, carried="no")))

    assert evaluate(parse({}), PATIENT, harmless) == evaluate(parse({}), PATIENT, unit)


@given(unit=units())
def test_an_open_bead_is_never_passed(unit: UnitFacts) -> None:
    rules = parse({"rules": {"dsa": {"mfi": 0}}})
    found = CHECKS["dsa"](rules.settings["dsa"].values, PATIENT, unit)

    if any(
        bead.carried == "unknown" and (bead.mfi_peak is not None or bead.unquantified) for bead in unit.beads
    ):
        assert found.outcome in ("unknown", "failed")


@given(unit=units())
def test_what_was_called_negative_alone_holds_no_unit_back(unit: UnitFacts) -> None:
    rules = parse({"rules": {"dsa": {"mfi": 0}}})
    negative = tuple(replace(bead, mfi_peak=None, mfi_newest=None, unquantified=()) for bead in unit.beads)
    found = CHECKS["dsa"](rules.settings["dsa"].values, PATIENT, replace(unit, beads=negative))

    assert found.outcome == "passed"


WEIGHTS = st.decimals(Decimal("0.5"), Decimal(200), places=2)


@given(unit=units(), weights=st.tuples(WEIGHTS, WEIGHTS))
def test_more_weight_never_raises_a_dose_or_passes_a_rule(
    unit: UnitFacts, weights: tuple[Decimal, Decimal]
) -> None:
    light, heavy = (patient(weight) for weight in sorted(weights))
    for cells, step in ((unit.tnc_e4, TNC_E4_PER_E7), (unit.cd34_e3, CD34_E3_PER_E5)):
        less, more = (per_kg(cells, step, weight) for weight in (heavy.weight_kg, light.weight_kg))
        assert (less is None) == (more is None)
        if less is not None and more is not None:
            assert less <= more
    order = ("failed", "unknown", "passed")
    settings_ = parse({}).settings
    for code in ("tnc_dose", "cd34_dose", "cfu_dose"):
        at_heavy, at_light = (
            CHECKS[code](settings_[code].values, one, unit).outcome for one in (heavy, light)
        )
        assert order.index(at_heavy) <= order.index(at_light)


@given(span=SPANS, least=st.integers(0, 8), more=st.integers(0, 3))
def test_a_higher_floor_never_passes_what_failed(span: tuple[int, int], least: int, more: int) -> None:
    unit = UnitFacts(classes={"allele8": span})

    def outcome(floor: int) -> str:
        values = (
            parse({"rules": {"class_allele8": {"least": min(8, floor)}}}).settings["class_allele8"].values
        )
        return CHECKS["class_allele8"](values, PATIENT, unit).outcome

    order = ("failed", "unknown", "passed")
    assert order.index(outcome(least + more)) <= order.index(outcome(least))


@given(unit=units())
def test_a_better_typing_decides_what_was_open_and_nothing_else(unit: UnitFacts) -> None:
    """Every narrower range of a class keeps a verdict that was told."""
    low, high = unit.classes["allele8"]
    told = evaluate(parse({}), PATIENT, unit)
    before = {one.code: one.outcome for one in told.findings}
    for value in range(low, high + 1):
        narrowed = replace(unit, classes={**unit.classes, "allele8": (value, value)})
        after = {one.code: one.outcome for one in evaluate(parse({}), PATIENT, narrowed).findings}
        assert all(after[code] == before[code] for code in before if before[code] != "unknown")


@given(unit=units())
def test_what_nobody_vouched_for_never_passes_and_a_second_person_makes_nothing_worse(
    unit: UnitFacts,
) -> None:
    rules = parse({"rules": {"markers": {"tests": ["hbs_ag"]}}})

    def vouched(measured: Measured | None, standing: Any) -> Measured | None:
        return measured and replace(measured, standing=standing)

    def told(verified: bool) -> dict[str, str]:
        standing = "verified" if verified else "unverified"
        judged = replace(
            unit,
            cfu_e5=vouched(unit.cfu_e5, standing),
            viability_percent=vouched(unit.viability_percent, standing),
            haemoglobinopathy_verified=verified,
            markers=tuple((*one[:3], verified) for one in unit.markers),
        )
        return {one.code: one.outcome for one in evaluate(rules, PATIENT, judged).findings}

    before, after = told(False), told(True)
    order = ("failed", "unknown", "passed")
    assert all(order.index(after[code]) >= order.index(before[code]) for code in before)
    unseen = ("cfu_dose", "viability", "haemoglobinopathy", "haemoglobinopathy_trait", "markers")
    assert "passed" not in {before[code] for code in unseen}
