"""Speed of the survival statistics: python benchmarks/survival.py [--subjects 1000000] [--runs 3] [--no-record]

Kaplan–Meier, cumulative incidence and Gray's test of a million subjects, at distinct times (the worst case) and at
whole days; beside them in the same run lifelines, scikit-survival and, where Rscript with survival and cmprsk is
installed, R. Then what a dashboard asks: 10,000 transplants of 110 hospitals. Medians of processor seconds, so that
other work on the machine does not count; ends with 1 above a goal.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from recorded import record, show  # noqa: E402

from transplants.statistics.cox import cox  # noqa: E402
from transplants.statistics.data import SurvivalData, survival_data  # noqa: E402
from transplants.statistics.disclosure import suppress  # noqa: E402
from transplants.statistics.fine_gray import fine_gray  # noqa: E402
from transplants.statistics.gray import gray  # noqa: E402
from transplants.statistics.incidence import cumulative_incidence  # noqa: E402
from transplants.statistics.kaplan_meier import kaplan_meier  # noqa: E402
from transplants.statistics.logrank import logrank  # noqa: E402
from transplants.statistics.observed_expected import funnel_limits, observed_expected  # noqa: E402

GOALS = {"survival_km_1m_s": 1.0, "survival_cif_gray_1m_s": 5.0}
R_SCRIPT = """
suppressMessages({library(survival); library(cmprsk)}); d <- commandArgs(TRUE)
n <- as.integer(d[2]); read <- function(x) readBin(file.path(d[1], x), "double", n)
time <- read("time"); event <- read("event"); group <- read("group")
run <- function(f) for (i in 1:as.integer(d[3])) cat(sum(system.time(f())[c("user.self", "sys.self")]), "")
run(function() survfit(Surv(time, event > 0) ~ 1, conf.type = "log-log")); cat("\\n")
run(function() cuminc(time, event, group)); cat("\\n")
run(function() survdiff(Surv(time, event > 0) ~ group)); cat("\\n")
"""


@dataclass(frozen=True)
class Subjects:
    """Two causes, a third censored, three groups."""

    data: SurvivalData
    group: np.ndarray

    @property
    def overall(self) -> SurvivalData:
        return self.data.any_event()


def subjects(count: int, *, days: bool) -> Subjects:
    random = np.random.default_rng(7)
    group = random.integers(1, 4, count)
    happened, left = random.exponential(1000.0 * group, count), random.uniform(0, 4000, count)
    event = np.where(happened <= left, random.choice([1, 2], count, p=[0.6, 0.4]), 0)
    time_seen = np.minimum(happened, left)
    return Subjects(survival_data(np.ceil(time_seen) if days else time_seen, event), group)


def median(runs: int, work: Callable[[], object]) -> float:
    found = []
    for _ in range(runs):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def both(people: Subjects) -> None:
    """Cumulative incidence of each group, and Gray's test of each cause: what R's cuminc does in one."""
    for label in (1, 2, 3):
        cumulative_incidence(people.data.subset(people.group == label))
    for cause in (1, 2):
        gray(people.data, people.group, cause=cause)


def ours(count: int, runs: int) -> dict[str, float]:
    apart, days = subjects(count, days=False), subjects(count, days=True)
    return {
        "survival_km_1m_s": median(runs, lambda: kaplan_meier(apart.overall)),
        "survival_km_1m_days_s": median(runs, lambda: kaplan_meier(days.overall)),
        "survival_cif_1m_s": median(runs, lambda: cumulative_incidence(apart.data)),
        "survival_cif_gray_1m_s": median(runs, lambda: both(apart)),
        "survival_cif_gray_1m_days_s": median(runs, lambda: both(days)),
        "survival_logrank_1m_s": median(runs, lambda: logrank(apart.overall, apart.group)),
    }


def python_peers(count: int, runs: int) -> dict[str, float]:
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test
    from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

    people = subjects(count, days=False)
    seen, event = people.data.time, people.data.event
    happened = event > 0
    return {
        "lifelines_km": median(runs, lambda: KaplanMeierFitter().fit(seen, happened)),
        "lifelines_logrank": median(runs, lambda: multivariate_logrank_test(seen, people.group, happened)),
        "sksurv_km": median(runs, lambda: kaplan_meier_estimator(happened, seen, conf_type="log-log")),
        # its limits need times × times numbers: the curves alone
        "sksurv_cif": median(runs, lambda: cumulative_incidence_competing_risks(event, seen)),
    }


def r_peer(count: int, runs: int) -> dict[str, float]:
    """Empty, with a sentence, where R or a package of it is missing."""
    if shutil.which("Rscript") is None:
        print("R is not installed: not measured beside it")
        return {}
    people = subjects(count, days=False)
    with tempfile.TemporaryDirectory() as folder:
        for name, column in (
            ("time", people.data.time),
            ("event", people.data.event),
            ("group", people.group),
        ):
            Path(folder, name).write_bytes(column.astype(np.float64).tobytes())
        script = Path(folder, "run.R")
        script.write_text(R_SCRIPT)
        command = ["Rscript", str(script), folder, str(count), str(runs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"R was not measured: {done.stderr.strip().splitlines()[-1]}")
        return {}
    taken = [statistics.median(map(float, line.split())) for line in done.stdout.splitlines()]
    return dict(zip(("r_km", "r_cuminc", "r_logrank"), taken, strict=True))


def dashboard(runs: int) -> dict[str, float]:
    """10,000 transplants, 15 covariates, 110 hospitals; curves of 12 strata."""
    random = np.random.default_rng(9)
    people = subjects(10_000, days=True)
    table = (random.random((10_000, 15)) < 0.3).astype(np.float64)
    hospital, strata = random.integers(0, 110, 10_000), random.integers(0, 12, 10_000)

    def curves() -> None:
        for code in range(12):
            mine = people.data.subset(strata == code)
            kaplan_meier(mine.any_event()).at([365, 1826])
            cumulative_incidence(mine).at([365, 1826])
        logrank(people.overall, strata)
        gray(people.data, strata, cause=1)

    return {
        "survival_12_strata_10k_ms": 1e3 * median(runs, curves),
        "survival_cox_10k_ms": 1e3 * median(runs, lambda: cox(people.overall, table)),
        "survival_fine_gray_10k_ms": 1e3 * median(runs, lambda: fine_gray(people.data, table, cause=1)),
        "survival_observed_expected_110_s": median(
            runs, lambda: observed_expected(people.overall, table, hospital)
        ),
        "survival_funnel_100_ms": 1e3 * median(runs, lambda: funnel_limits(np.linspace(0.5, 80, 100))),
        "survival_suppress_110x12_ms": 1e3 * median(runs, lambda: suppress(random.poisson(8, (110, 12)))),
    }


def ratios(mine: dict[str, float], peers: dict[str, float]) -> dict[str, float]:
    """How many times longer a peer takes."""
    pairs = {
        "survival_km_vs_lifelines": ("survival_km_1m_s", "lifelines_km"),
        "survival_km_vs_sksurv": ("survival_km_1m_s", "sksurv_km"),
        "survival_km_vs_r": ("survival_km_1m_s", "r_km"),
        "survival_cif_vs_sksurv": ("survival_cif_1m_s", "sksurv_cif"),
        "survival_cif_gray_vs_r": ("survival_cif_gray_1m_s", "r_cuminc"),
        "survival_logrank_vs_lifelines": ("survival_logrank_1m_s", "lifelines_logrank"),
        "survival_logrank_vs_r": ("survival_logrank_1m_s", "r_logrank"),
    }
    return {name: peers[peer] / mine[own] for name, (own, peer) in pairs.items() if peer in peers}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    mine = ours(options.subjects, options.runs)
    peers = {**python_peers(options.subjects, options.runs), **r_peer(options.subjects, options.runs)}
    figures = {**mine, **ratios(mine, peers), **dashboard(options.runs)}
    show({**figures, **{f"({name}, s)": taken for name, taken in peers.items()}})
    if not options.no_record and options.subjects == 1_000_000:
        record(figures, part="survival")
    missed = [name for name, goal in GOALS.items() if figures[name] > goal]
    print(f"missed: {', '.join(missed)}" if missed else "all goals are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
