"""The states are data: complete, mapped to EMDIS, and closed."""

from __future__ import annotations

from bank.choices import (
    ANALYTE_UNIT,
    EMDIS,
    SEARCHABLE,
    TRANSITIONS,
    Analyte,
    HoldReason,
    UnitStatus,
)


def test_every_state_has_transitions_and_an_emdis_code() -> None:
    assert set(TRANSITIONS) == set(UnitStatus)
    assert set(EMDIS) == set(UnitStatus)


def test_transitions_lead_to_known_states() -> None:
    assert set().union(*TRANSITIONS.values()) <= set(UnitStatus)


def test_terminal_states_lead_nowhere() -> None:
    terminal = {state for state, onward in TRANSITIONS.items() if not onward}

    assert terminal == {UnitStatus.INFUSED, UnitStatus.DISCARDED, UnitStatus.RESEARCH, UnitStatus.VOID}


def test_searchable_states_are_available_or_reserved() -> None:
    assert {EMDIS[state][0] for state in SEARCHABLE} == {"AV", "RS"}


def test_every_analyte_has_its_unit_of_measure() -> None:
    assert set(ANALYTE_UNIT) == set(Analyte.values)


def test_hold_reasons_are_sentences_with_their_params() -> None:
    params = {"value": "12", "low": "20", "high": "500"}

    assert all(str(reason.label) % params for reason in HoldReason)
