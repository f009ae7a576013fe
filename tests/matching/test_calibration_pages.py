"""Calibration as people and programs see it: page, drawing, words and API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from core.roles import Role
from hla.prediction.calibration import reliability
from matching.calibration import calibrations
from matching.presenters import calibration as words
from tests.factories.calibration import SET, listed_results, simulated_checks
from tests.factories.core import UserFactory
from tests.factories.matching import SearchBankFactory
from tests.matching.test_calibration_banks import drifted
from tests.matching.test_pages_references import client_of, text_of

PAGE = "matching:calibration"


def page(client: Client, query: str = "") -> str:
    return text_of(client.get(reverse(PAGE) + query))


@pytest.fixture
def qa(db: None) -> Iterator[Client]:
    yield client_of(Role.QA)
    translation.activate("en")


def test_without_checks_the_page_says_what_fills_it(qa: Client) -> None:
    shown = page(qa)

    assert "No prediction has been checked yet" in shown
    assert "manage.py record_confirmatory_typing" in shown
    assert '<svg class="chart"' not in shown


def test_the_page_shows_figures_curve_table_and_verdict(
    qa: Client, django_assert_max_num_queries: Any
) -> None:
    simulated_checks(120, seed=5)
    with django_assert_max_num_queries(16):
        shown = page(qa)

    (found,) = calibrations(UserFactory(roles=[Role.QA]), "8")
    assert f"{found.totals.expected:.1f}" in shown
    assert shown.count('<line class="whisker"') == len(found.curve.n) == shown.count("<title>predicted ")
    assert "no alarm" in shown
    assert "Synthetic Bank" in shown
    assert "at most about 1 % of such verdicts" in shown
    assert "style=" not in shown.split("<main")[1]


def test_few_and_drifted_predictions_are_said_in_words(qa: Client) -> None:
    simulated_checks(10)
    simulated_checks(
        300, seed=6, truth=drifted, unit_set_version="ZZ v1", unit_set_checksum="zz",
        results=listed_results(300, SearchBankFactory()),
    )  # fmt: skip

    shown = page(qa)

    assert "n too small to judge" in shown
    assert "drift alarm" in shown
    assert "Matches come true less often than predicted." in shown
    assert "Among the newest (300 units)" in shown
    assert "ZZ v1" not in page(qa, f"?set={SET['checksum']}")
    assert "Show all sets" in page(qa, f"?set={SET['checksum']}")


def test_the_page_by_quantity_and_language(qa: Client) -> None:
    simulated_checks(60, quantity="DRB1")

    assert "No prediction has been checked yet" in page(qa, "?quantity=nonsense")
    assert "Probability of no mismatch at DRB1" in page(qa, "?quantity=DRB1")
    qa.cookies["django_language"] = "zh-hans"
    shown = text_of(qa.get(reverse(PAGE) + "?quantity=DRB1", headers={"accept-language": "zh-hans"}))
    for word in ("校准", "可靠性曲线", "确认分型"):
        assert word in shown


def test_frequency_pages_lead_to_calibration_for_the_bank_alone(qa: Client) -> None:
    hospital = client_of(Role.SEARCH_COORDINATOR)
    for name in ("matching:frequency-list", "matching:frequency-built-in"):
        assert reverse(PAGE) in text_of(qa.get(reverse(name)))
        assert reverse(PAGE) in text_of(hospital.get(reverse(name)))


def test_hospitals_do_not_see_calibration(db: None) -> None:
    from tests.factories.hospitals import HospitalFactory, member_of

    client = client_of(user=member_of(HospitalFactory(), Role.HOSPITAL_COORDINATOR))

    assert reverse(PAGE) not in text_of(client.get(reverse("matching:frequency-list")))
    assert reverse(PAGE) not in text_of(client.get(reverse("matching:frequency-built-in")))
    assert client.get(reverse(PAGE)).status_code == 403


def test_the_api_gives_the_same_figures(qa: Client) -> None:
    simulated_checks(120, seed=5)
    simulated_checks(3, quantity="A", results=listed_results(3))
    url = reverse("api:calibration-list")

    (found,) = qa.get(url).json()
    (few,) = qa.get(url + "?quantity=A").json()

    (expected,) = calibrations(UserFactory(roles=[Role.QA]), "8")
    assert found["expected"] == pytest.approx(expected.totals.expected)
    assert (found["frequency_set"], found["bank"], found["n"]) == ("HAN v1", "OWN", 120)
    assert [row["n"] for row in found["curve"]] == expected.curve.n.tolist()
    assert found["alarm"]["verdict"] == "in_control"
    assert (few["alarm"]["verdict"], few["alarm"]["drift_p"]) == ("too_few", None)
    assert qa.get(url + "?quantity=9").status_code == 400


@pytest.mark.parametrize(
    ("share", "text"), [(0.0234, "+2.3"), (-0.0234, "−2.3"), (0.0001, "0.0"), (-0.0001, "0.0")]
)
def test_percentage_points_have_a_sign(share: float, text: str) -> None:
    assert words.signed(share) == text


def test_words_of_each_reason() -> None:
    from dataclasses import replace

    from hla.prediction.calibration import alarm, totals

    calm = alarm([0.5] * 60, [True, False] * 30)
    sums = totals([0.5] * 60, [True, False] * 30)
    loud = replace(calm, verdict="alarm", reasons=("total", "spread", "drift"), z_spread=2.0)

    more = " ".join(words.alarm_words(loud, replace(sums, difference=0.1))["sentences"])
    less = " ".join(
        words.alarm_words(replace(loud, z_spread=-2.0), replace(sums, difference=-0.1))["sentences"]
    )

    assert "more often than predicted" in more
    assert "too extreme" in more
    assert "less often than predicted" in less
    assert "too cautious" in less
    assert "Spiegelhalter's z = –" in " ".join(words.alarm_words(calm, sums)["sentences"])


def test_the_drawing_has_its_corners_at_0_and_1() -> None:
    drawn = words.chart(reliability([0.0, 1.0], [False, True]))

    size, axis = drawn["size"], drawn["axis"]
    assert (drawn["dots"][0]["x"], drawn["dots"][0]["y"]) == (size["left"], axis["bottom"])
    assert (drawn["dots"][1]["x"], drawn["dots"][1]["y"]) == (size["right"], axis["top"])
