"""The simulation from the command line: the figures of the page, by a command that anybody can repeat."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from matching import frequency_sets
from matching.planning import PlanData
from matching.presenters.planning import target_rate
from tests.factories.matching import frequency_set
from tests.factories.planning import finished_planning
from tests.matching.snapshots import listed
from tests.matching.test_planning_job import COMMON


def said(**options: Any) -> str:
    out = StringIO()
    call_command("plan_inventory", stdout=out, patients=200, **options)
    return out.getvalue()


def test_it_prints_the_figures_of_the_page(ledger_at_once: None) -> None:
    (unit, *_) = listed(2, gl=COMMON)
    run = finished_planning(weights=PlanData("").weights)

    text = said(least=2, searches=20)

    share = 100 * target_rate(run)["possible"] / 200
    assert f"antigen6 >= 5/6, dose 2.5: {share:.1f} %" in text
    assert "2 units on offer, 0 of unknown cells; 200 patients" in text
    assert "demo (synthetic) (HAN), release built-in" in text
    assert f"{unit.public_no}: TNC 150.0 e7, worth " in text
    assert "best choice in 200 searches" in text


def test_what_cannot_be_simulated_is_said(ledger_at_once: None) -> None:
    with pytest.raises(CommandError, match="no_units"):
        said()
    with pytest.raises(CommandError, match="No such frequency set"):
        said(set="nothing")
    listed(1)
    frequency_set("TOY", is_active=True)
    frequency_sets.forget()
    with pytest.raises(CommandError, match="set_lacks_loci"):
        said(set="Toy TOY v1")
