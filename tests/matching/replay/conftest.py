"""A stored search, and reference data that may come to use after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from bank.models import CordBloodUnit
from hospitals.models import Patient
from matching import services
from matching.models import FrequencySet, MacTableVersion, SearchRun
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory
from tests.matching.match_list_pages import FIVE, FOUR
from tests.matching.prediction_cases import OPEN, UNLINKED
from tests.matching.replay.cases import MAC, SET


@pytest.fixture
@transaction.atomic
def some(db: None) -> dict[str, CordBloodUnit]:
    """Units of the search by name, one of them of a population of its own, one reserved, one untyped."""
    return {
        "six": ListedUnitFactory(tnc_e7=100),
        "open": ListedUnitFactory(gl=OPEN),
        "unlinked": ListedUnitFactory(gl=UNLINKED),
        "five": ListedUnitFactory(gl=FIVE),
        "four": ListedUnitFactory(gl=FOUR, cd34_e6=None),
        "named": ListedUnitFactory(gl=OPEN, tnc_e7=88, populations="HAN"),
        "reserved": ListedUnitFactory(status="RESERVED", tnc_e7=77),
        "untyped": ListedUnitFactory(gl="C*01:02"),
    }


@pytest.fixture
def found(patient: Patient, some: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient)


@pytest.fixture
def other_codes(tmp_path: Path) -> Callable[[], MacTableVersion]:
    """Another MAC table comes to use."""
    path = tmp_path / "numer.v3.txt"
    path.write_text(MAC)
    return lambda: services.mac_load(path=path, actor=ACTOR)


@pytest.fixture
def load_set(tmp_path: Path) -> Callable[..., FrequencySet]:
    def load(content: str = SET, population: str = "TOY", **values: Any) -> FrequencySet:
        path = tmp_path / "set.csv"
        path.write_text(content)
        return services.frequency_set_load(
            path=path, name=population, population=population, actor=ACTOR, **values
        )

    return load
