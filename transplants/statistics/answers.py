"""What `manage.py estimate` answers: the estimators over the rows of a file, as dictionaries that JSON can hold."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from transplants.statistics.arrays import Bools, Floats, Ints, coded
from transplants.statistics.cox import Effects, cox
from transplants.statistics.data import SurvivalData, survival_data
from transplants.statistics.design import Design, design
from transplants.statistics.fine_gray import fine_gray
from transplants.statistics.gray import gray
from transplants.statistics.groups import ChiSquareTest, GroupTest
from transplants.statistics.incidence import cumulative_incidence
from transplants.statistics.kaplan_meier import Quantile, follow_up, kaplan_meier
from transplants.statistics.logrank import logrank
from transplants.statistics.proportional import proportionality
from transplants.statistics.rows import RESERVED, FileError, Rows

Json = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """times: at which curves are read, () for all at which something happens. cause: of gray and finegray, None for
    each. covariates: names, () for all columns that have no other meaning. categories: those that are labels."""

    times: tuple[float, ...] = ()
    cause: int | None = None
    level: float = 0.95
    limits: str = "log-log"
    ties: str = "efron"
    covariates: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def answer(statistic: str, rows: Rows, wish: Wish) -> Json:
    """Raises StatisticsError and FileError."""
    data = survival_data(
        rows.numbers("time"),
        rows.numbers("event", "event_text"),
        entry=rows.numbers("entry") if rows.has("entry") else None,
        subject=rows.column("subject") if rows.has("subject") else None,
    )
    found = ANSWERS[statistic](data, rows, wish)
    return {"estimate": statistic, "n": len(data), "events": int((data.event > 0).sum()), **found}


def _km(data: SurvivalData, rows: Rows, wish: Wish) -> Json:
    groups = []
    for label, mine in _each_group(data, rows):
        curve = kaplan_meier(data.subset(mine), level=wish.level, limits=wish.limits)
        followed = follow_up(data.subset(mine), level=wish.level, limits=wish.limits)
        points = curve.at(wish.times or curve.time[curve.events > 0])
        columns = ("time", "survival", "variance", "lower", "upper", "at_risk", "events")
        groups.append(
            {
                "group": label,
                "n": curve.n,
                "events": curve.total_events,
                "median": _quantile(curve.median),
                "median_follow_up": _quantile(followed.median),
                "points": _records({name: getattr(points, name) for name in columns}),
            }
        )
    method = f"Kaplan–Meier, Greenwood variance, limits {wish.limits}; follow-up by reverse Kaplan–Meier"
    return {"method": method, "level": wish.level, "groups": groups}


def _cif(data: SurvivalData, rows: Rows, wish: Wish) -> Json:
    groups = []
    for label, mine in _each_group(data, rows):
        curves = cumulative_incidence(
            data.subset(mine), causes=data.causes, level=wish.level, limits=wish.limits
        )
        causes = []
        for place, cause in enumerate(curves.causes):
            points = curves.at(wish.times or curves.time[curves.events[:, place] > 0])
            shown = {
                name: getattr(points, name)[:, place] for name in ("incidence", "variance", "lower", "upper")
            }
            records = _records({"time": points.time, **shown, "at_risk": points.at_risk})
            causes.append({"cause": cause, "events": int(curves.events[:, place].sum()), "points": records})
        groups.append({"group": label, "n": curves.n, "causes": causes})
    method = f"Aalen–Johansen, variance as of cuminc, limits {wish.limits}"
    return {"method": method, "level": wish.level, "groups": groups}


def _gray(data: SurvivalData, rows: Rows, wish: Wish) -> Json:
    causes = data.causes if wish.cause is None else (wish.cause,)
    group, strata = rows.labels("group"), _strata(rows)
    tests = [{"cause": cause, **_compared(gray(data, group, cause=cause, strata=strata))} for cause in causes]
    return {"method": "Gray 1988" + ", stratified" * (strata is not None), "tests": tests}


def _logrank(data: SurvivalData, rows: Rows, wish: Wish) -> Json:
    strata = _strata(rows)
    method = "log-rank" + ", stratified" * (strata is not None)
    return {"method": method, **_compared(logrank(data, rows.labels("group"), strata=strata))}


def _cox(data: SurvivalData, rows: Rows, wish: Wish) -> Json:
    table, strata = _design(rows, wish), _strata(rows)
    model = cox(data, table.matrix, table.names, ties=wish.ties, strata=strata, level=wish.level)
    check = proportionality(model, data, terms=table.terms)
    return {
        "method": f"Cox, ties by {wish.ties}" + ", stratified" * (strata is not None),
        "level": wish.level,
        "effects": _effects(model),
        "log_likelihood": model.log_likelihood,
        "null_log_likelihood": model.null_log_likelihood,
        "likelihood_ratio": _test(model.likelihood_ratio),
        "wald": _test(model.wald()),
        "score": _test(model.score_test),
        "proportional_hazards": {
            "scale": check.scale,
            "terms": [{"term": name, **_test(test)} for name, test in check.terms.items()],
            "overall": _test(check.overall),
        },
    }


def _finegray(data: SurvivalData, rows: Rows, wish: Wish) -> Json:
    if rows.has("strata"):
        raise FileError(
            "Fine and Gray's model takes no strata here. Leave the column out or make it a covariate."
        )
    table = _design(rows, wish)
    cause = wish.cause or 1
    model = fine_gray(data, table.matrix, table.names, cause=cause, level=wish.level)
    return {
        "method": f"Fine and Gray 1999, cause {cause}",
        "level": wish.level,
        "effects": _effects(model),
        "log_likelihood": model.log_likelihood,
        "null_log_likelihood": model.null_log_likelihood,
        "wald": _test(model.wald()),
    }


ANSWERS: Final[Mapping[str, Callable[[SurvivalData, Rows, Wish], Json]]] = {
    "km": _km,
    "cif": _cif,
    "gray": _gray,
    "logrank": _logrank,
    "cox": _cox,
    "finegray": _finegray,
}


def _each_group(data: SurvivalData, rows: Rows) -> Iterator[tuple[object, Bools]]:
    if not rows.has("group"):
        yield None, np.ones(len(data), dtype=np.bool_)
        return
    codes, labels = coded(rows.labels("group"), "group", len(data))
    for code, label in enumerate(labels):
        yield label, codes == code


def _strata(rows: Rows) -> Sequence[object] | None:
    return rows.labels("strata") if rows.has("strata") else None


def _design(rows: Rows, wish: Wish) -> Design:
    names = wish.covariates or tuple(name for name in rows.columns if name not in RESERVED)
    if not names:
        raise FileError("There is no covariate. Add a column for each.")
    labels = {name for name in names if name == "group" or name in wish.categories}
    columns = {name: rows.labels(name) if name in labels else rows.numbers(name) for name in names}
    return design(columns, categories=tuple(labels))


def _effects(model: Effects) -> list[Json]:
    columns = {
        "coefficient": model.coefficients,
        "standard_error": model.standard_errors,
        "ratio": model.ratio,
        "lower": model.lower,
        "upper": model.upper,
        "z": model.z,
        "p": model.p,
    }
    return [{"covariate": n, **r} for n, r in zip(model.names, _records(columns), strict=True)]


def _compared(test: GroupTest) -> Json:
    columns: dict[str, Floats | Ints] = {"n": test.n, "observed": test.observed, "expected": test.expected}
    groups = [{"group": g, **r} for g, r in zip(test.groups, _records(columns), strict=True)]
    return {**_test(test), "groups": groups}


def _test(test: ChiSquareTest) -> Json:
    return {"chi_square": test.statistic, "df": test.df, "p": test.p}


def _quantile(found: Quantile) -> Json:
    return {"value": _number(found.value), "lower": _number(found.lower), "upper": _number(found.upper)}


def _records(columns: Mapping[str, Floats | Ints]) -> list[Json]:
    """One dictionary for each row; NaN as null."""
    return [
        dict(zip(columns, map(_number, values), strict=True))
        for values in zip(*(column.tolist() for column in columns.values()), strict=True)
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
