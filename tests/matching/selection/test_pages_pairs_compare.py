"""Pairs of a list side by side."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from matching.models import SearchRun
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.matching import ListedUnitFactory
from tests.matching.selection.test_pages_pairs import list_url, patient, run, units
from tests.matching.test_pages_requests import client_of, text_of

__all__ = ["patient", "run", "units"]  # fixtures
Units = dict[str, CordBloodUnit]


def pair(*both: CordBloodUnit) -> str:
    return "_".join(str(unit.pk) for unit in both)


def compare_url(run: SearchRun, *pairs: str, more: str = "") -> str:
    query = "&".join(f"pair={one}" for one in pairs)
    return reverse("matching:pair-compare", args=[run.pk]) + f"?{query}{more}"


def rows_of(page: Any) -> dict[str, Any]:
    """The rows of both together, by their label."""
    return {row["label"] + row["note"]: row for row in page.context["table"]["groups"][0]["rows"]}


def texts(row: Any) -> list[str]:
    return [cell["text"] for cell in row["cells"]]


def test_what_both_are_together(client: Client, run: SearchRun, units: Units) -> None:
    six, five, edge = units["six"], units["five"], units["edge"]

    page = client.get(compare_url(run, pair(six, five), pair(six, edge)))

    rows = rows_of(page)
    assert texts(rows["TNC of both×10⁷/kg"]) == ["4.00", "3.50"]
    assert [cell["best"] for cell in rows["TNC of both×10⁷/kg"]["cells"]] == [True, False]
    assert texts(rows["CD34 of both×10⁵/kg"]) == ["3.00", "3.00"]
    assert not rows["CD34 of both×10⁵/kg"]["differs"]
    assert texts(rows["Blood groups"]) == ["blood groups differ one way", "blood group not known"]
    assert six.public_no in text_of(page)
    assert edge.public_no in text_of(page)


def test_a_sum_with_an_unknown_part_is_not_known_and_never_the_best(
    client: Client, run: SearchRun, units: Units
) -> None:
    page = client.get(compare_url(run, pair(units["six"], units["open"]), pair(units["six"], units["edge"])))

    cells = rows_of(page)["CD34 of both×10⁵/kg"]["cells"]
    assert [cell["text"] for cell in cells] == ["", "3.00"]
    assert [cell["best"] for cell in cells] == [False, False]


def test_made_up_counts_are_never_the_best(client: Client, run: SearchRun, units: Units) -> None:
    CordBloodUnit.objects.filter(pk=units["five"].pk).update(counts_invented=True)

    page = client.get(compare_url(run, pair(units["six"], units["five"]), pair(units["six"], units["edge"])))

    cells = rows_of(page)["TNC of both×10⁷/kg"]["cells"]
    assert [cell["text"] for cell in cells] == ["4.00", "3.50"]
    assert not any(cell["best"] for cell in cells)
    assert "invented" in text_of(page)


def test_the_order_of_the_two_changes_nothing(client: Client, run: SearchRun, units: Units) -> None:
    first, second = units["six"], units["five"]
    third = pair(units["six"], units["edge"])

    one, other = (
        client.get(compare_url(run, both, third)).context["table"]
        for both in (pair(first, second), pair(second, first))
    )

    assert one == other


def test_a_pair_that_fails_is_shown_with_its_rule(client: Client, run: SearchRun, units: Units) -> None:
    page = client.get(
        compare_url(run, pair(units["six"], units["five"]), pair(units["edge"], units["small"]))
    )

    table = page.context["table"]
    assert [column["verdict"]["text"] for column in table["columns"]] == ["passes", "fails"]
    rules = {row["label"]: [cell["verdict"] for cell in row["cells"]] for row in table["groups"][-1]["rows"]}
    assert rules["TNC of each"] == ["ok", "no"]


def test_only_what_differs(client: Client, run: SearchRun, units: Units) -> None:
    both = (pair(units["six"], units["five"]), pair(units["six"], units["edge"]))

    page = client.get(compare_url(run, *both, more="&differences=1"))

    shown = [row for group in page.context["table"]["groups"] for row in group["rows"]]
    assert shown
    assert all(row["differs"] for row in shown)
    assert len(shown) == page.context["table"]["differences"]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four_are_compared(client: Client, run: SearchRun, units: Units, count: int) -> None:
    found = list(units.values())
    pairs = [pair(found[0], other) for other in found[1:]] + [pair(found[1], found[2])]

    page = client.get(compare_url(run, *pairs[:count]))

    assert page.status_code == 400
    assert "Tick two to four pairs" in text_of(page)


def test_pairs_of_other_lists_and_nonsense_are_not_found(
    client: Client, run: SearchRun, units: Units
) -> None:
    good, six = pair(units["six"], units["five"]), units["six"]
    for bad in (
        pair(six, ListedUnitFactory()),
        pair(six, six),
        pair(six),
        pair(six, units["five"], units["edge"]),
        f"{six.pk}_{uuid4()}",
        "x_y",
        "",
        "%00_%00",
    ):
        assert client.get(compare_url(run, good, bad)).status_code == 404, bad


def test_another_hospital_sees_nothing(run: SearchRun, units: Units) -> None:
    stranger = client_of(member_of(HospitalFactory()))

    pairs = (pair(units["six"], units["five"]), pair(units["six"], units["edge"]))
    assert stranger.get(compare_url(run, *pairs)).status_code == 404


def test_the_list_of_pairs_leads_here_by_its_policy(client: Client, run: SearchRun) -> None:
    page = client.get(list_url(run))

    keys = [row["key"] for row in page.context["rows"]][:2]
    shown = page.content.decode()
    assert all(f'name="pair" value="{key}"' in shown for key in keys)
    compared = client.get(compare_url(run, *keys))
    assert [column["url"] for column in compared.context["table"]["columns"]] == [
        row["url"] for row in page.context["rows"][:2]
    ]
