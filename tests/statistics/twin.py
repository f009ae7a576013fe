"""The estimators as one would write them to be read: loops over times and rows, nothing clever, no sorting."""

from __future__ import annotations

import math

import numpy as np


def event_times(time, event):
    return sorted({t for t, e in zip(time, event, strict=True) if e})


def at_risk(time, t, entry=None):
    entries = entry if entry is not None else [-math.inf] * len(time)
    return [i for i in range(len(time)) if entries[i] < t <= time[i]]


def kaplan_meier(time, event, entry=None):
    """[(t, S, variance)] at times of events; variance is NaN at S = 0."""
    survival, greenwood, found = 1.0, 0.0, []
    for t in event_times(time, event):
        rows = at_risk(time, t, entry)
        deaths = sum(1 for i in rows if time[i] == t and event[i])
        survival *= 1 - deaths / len(rows)
        if deaths < len(rows):
            greenwood += deaths / (len(rows) * (len(rows) - deaths))
        found.append((t, survival, survival**2 * greenwood if survival > 0 else math.nan))
    return found


def incidence(time, event, cause, entry=None):
    """[(t, F)] at times of any event."""
    survival, total, found = 1.0, 0.0, []
    for t in event_times(time, event):
        rows = at_risk(time, t, entry)
        total += survival * sum(1 for i in rows if time[i] == t and event[i] == cause) / len(rows)
        survival *= 1 - sum(1 for i in rows if time[i] == t and event[i]) / len(rows)
        found.append((t, total))
    return found


def logrank(time, event, group, entry=None):
    """Observed - expected by group."""
    difference = dict.fromkeys(sorted(set(group)), 0.0)
    for t in event_times(time, event):
        rows = at_risk(time, t, entry)
        deaths = [i for i in rows if time[i] == t and event[i]]
        for label in difference:
            mine = sum(1 for i in rows if group[i] == label)
            difference[label] += sum(1 for i in deaths if group[i] == label) - len(deaths) * mine / len(rows)
    return difference


def cox_log_likelihood(time, event, x, beta, *, efron=True, entry=None, strata=None):
    """Partial log-likelihood of covariates x, shape (n, p)."""
    strata = strata if strata is not None else [0] * len(time)
    value = 0.0
    for stratum in sorted(set(strata)):
        for t in event_times(time, event):
            rows = [i for i in at_risk(time, t, entry) if strata[i] == stratum]
            deaths = [i for i in rows if time[i] == t and event[i]]
            risk = sum(math.exp(float(np.dot(x[i], beta))) for i in rows)
            gone = sum(math.exp(float(np.dot(x[i], beta))) for i in deaths)
            for place, i in enumerate(deaths):
                share = place / len(deaths) if efron else 0.0
                value += float(np.dot(x[i], beta)) - math.log(risk - share * gone)
    return value


def fine_gray_log_likelihood(time, event, x, beta, cause):
    """Weighted partial log-likelihood, ties by Breslow."""
    censored = [int(e == 0) for e in event]

    def uncensored(t):  # just before t
        left = 1.0
        for u in event_times(time, censored):
            if u < t:
                rows = at_risk(time, u)
                left *= 1 - sum(1 for i in rows if time[i] == u and censored[i]) / len(rows)
        return left

    value = 0.0
    for i in range(len(time)):
        if event[i] != cause:
            continue
        t, whole = time[i], 0.0
        for j in range(len(time)):
            weight = 1.0 if time[j] >= t else 0.0
            if time[j] < t and event[j] not in (0, cause):
                weight = uncensored(t) / uncensored(time[j])
            whole += weight * math.exp(float(np.dot(x[j], beta)))
        value += float(np.dot(x[i], beta)) - math.log(whole)
    return value


def schoenfeld(time, event, x, beta):
    """Residuals of the deaths (Efron), in order of time: [(t, covariates less their mean in the risk set)]."""
    found = []
    for t in event_times(time, event):
        rows = at_risk(time, t)
        deaths = [i for i in rows if time[i] == t and event[i]]
        risk = {i: math.exp(float(np.dot(x[i], beta))) for i in rows}
        means = []
        for place in range(len(deaths)):
            left = {i: r * (1 - place / len(deaths)) if i in deaths else r for i, r in risk.items()}
            means.append(sum(r * np.asarray(x[i]) for i, r in left.items()) / sum(left.values()))
        found += [(t, np.asarray(x[i]) - np.mean(means, axis=0)) for i in deaths]
    return found
