"""Calibration in words, figures and a drawing: how often what was predicted came true."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from hla.prediction.calibration import Alarm, Reliability, Totals
from matching.calibration import Calibration
from matching.choices import Quantity

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

WIDTH, HEIGHT = 460, 400  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 12, 44
TICKS = (0, 25, 50, 75, 100)

TONES = {"too_few": "", "in_control": "good", "alarm": "bad"}
VERDICTS: Mapping[str, StrPromise] = {
    "too_few": gettext_lazy("n too small to judge"),
    "in_control": gettext_lazy("no alarm"),
    "alarm": gettext_lazy("drift alarm"),
}


def tabs(quantity: str, checksum: str) -> list[dict[str, Any]]:
    """What can be looked at: three classes and five loci."""
    return [
        {"url": address(value, checksum), "label": label, "active": value == quantity}
        for value, label in Quantity.choices
    ]


def address(quantity: str, checksum: str = "") -> str:
    query = {"quantity": quantity} | ({"set": checksum} if checksum else {})
    return f"{reverse('matching:calibration')}?{urlencode(query)}"


def subject(quantity: str) -> str:
    """What the probabilities of the page are about."""
    label = Quantity(quantity).label
    if "/" in label:
        return _("Probability that a unit matches %(n)s") % {"n": label}
    return _("Probability of no mismatch at %(locus)s") % {"locus": label}


def listed(found: Iterable[Calibration]) -> list[dict[str, Any]]:
    return [_card(one, number) for number, one in enumerate(found, start=1)]


def _card(one: Calibration, number: int) -> dict[str, Any]:
    """A set and bank: row of the table above, drawing, table under it, verdict."""
    return {
        "key": f"set-{number}",
        "set": one.set_version,
        "bank": one.bank_name,
        "predictions": one.predictions,
        **_figures(one.totals),
        "distance": f"{one.curve.city_block * 100:.1f}",
        "alarm": alarm_words(one.alarm, one.totals),
        "bins": bins(one.curve),
        "chart": chart(one.curve),
    }


def _figures(totals: Totals) -> dict[str, Any]:
    return {
        "n": totals.n,
        "expected": f"{totals.expected:.1f}",
        "expected_share": percent(totals.expected / totals.n),
        "observed": totals.observed,
        "observed_share": percent(totals.observed / totals.n),
        "difference": signed(totals.difference),
        "interval": _("%(low)s to %(high)s") % {"low": signed(totals.lower), "high": signed(totals.upper)},
    }


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def signed(share: float) -> str:
    """Percentage points with a sign."""
    text = f"{share * 100:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def alarm_words(alarm: Alarm, totals: Totals) -> dict[str, Any]:
    return {
        "verdict": VERDICTS[alarm.verdict],
        "tone": TONES[alarm.verdict],
        "sentences": [*_reasons(alarm, totals), *_values(alarm)],
    }


def _reasons(alarm: Alarm, totals: Totals) -> list[str]:
    if alarm.verdict == "too_few":
        return [
            ngettext(
                "At least %(needed)s units, with enough of them truly open, are judged; there is %(n)s.",
                "At least %(needed)s units, with enough of them truly open, are judged; there are %(n)s.",
                alarm.n,
            )
            % {"needed": alarm.judged_from, "n": alarm.n}
        ]
    if alarm.verdict == "in_control":
        return [_("What came true agrees with what was predicted, as far as this number of units can tell.")]
    words = {
        "total": _("Matches come true less often than predicted.")
        if totals.difference < 0
        else _("Matches come true more often than predicted."),
        "spread": _("The probabilities are too extreme: high ones too high, low ones too low.")
        if alarm.z_spread > 0
        else _("The probabilities are too cautious: they lie too near the middle."),
        "drift": ngettext(
            "Among the newest (%(n)s unit) a run of outcomes leaves what was predicted.",
            "Among the newest (%(n)s units) a run of outcomes leaves what was predicted.",
            min(alarm.n, alarm.window),
        )
        % {"n": min(alarm.n, alarm.window)},
    }
    advice = _("Look whether the frequency set fits the population of these units, or load another one.")
    return [*(words[reason] for reason in alarm.reasons), advice]


def _values(alarm: Alarm) -> list[str]:
    if alarm.verdict == "too_few":
        return []
    return [
        _("Observed − expected z = %(total)s; Spiegelhalter's z = %(spread)s; CUSUM p = %(drift)s.")
        % {"total": _z(alarm.z_total), "spread": _z(alarm.z_spread), "drift": f"{alarm.drift:.3f}"}
    ]


def _z(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def method(alarm: Alarm) -> dict[str, Any]:
    """Numbers of the paragraph that says how the alarm works."""
    return {
        "rate": f"{alarm.false_alarms * 100:g} %",
        "window": alarm.window,
        "judged_from": alarm.judged_from,
    }


def bins(curve: Reliability) -> list[dict[str, Any]]:
    """Rows of the table, highest first is not wanted: in the order of the axis."""
    columns = zip(
        *(
            getattr(curve, name).tolist()
            for name in ("low", "high", "n", "predicted", "observed", "lower", "upper")
        ),
        strict=True,
    )
    return [
        {
            "range": f"{low * 100:.0f}–{high * 100:.0f} %",
            "n": int(n),
            "came_true": round(observed * n),
            "predicted": percent(predicted),
            "observed": percent(observed),
            "interval": f"{lower * 100:.0f}–{upper * 100:.0f}",
        }
        for low, high, n, predicted, observed, lower, upper in columns
    ]


def across(share: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)


def down(share: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)


def chart(curve: Reliability) -> dict[str, Any]:
    """The reliability curve in units of the drawing; its dots say their numbers."""
    said = bins(curve)
    middles = zip(curve.predicted.tolist(), curve.observed.tolist(), strict=True)
    points = [(across(predicted), down(observed)) for predicted, observed in middles]
    ends = zip(curve.lower.tolist(), curve.upper.tolist(), strict=True)
    dots: list[dict[str, Any]] = [
        {"x": x, "y": y, "low": down(lower), "high": down(upper), "words": _dot(row)}
        for (x, y), (lower, upper), row in zip(points, ends, said, strict=True)
    ]
    return {
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT},
        "axis": {"top": TOP, "bottom": HEIGHT - BOTTOM, "labels": HEIGHT - BOTTOM + 18, "title": HEIGHT - 6},
        "middle": {"x": (LEFT + WIDTH - RIGHT) / 2, "y": (TOP + HEIGHT - BOTTOM) / 2},
        "rows": [{"y": down(tick / 100), "text": f"{tick} %"} for tick in TICKS],
        "columns": [{"x": across(tick / 100), "text": f"{tick} %"} for tick in TICKS],
        "points": " ".join(f"{x},{y}" for x, y in points),
        "dots": dots,
        "summary": _("Reliability curve") + ": " + "; ".join(dot["words"] for dot in dots),
    }


def _dot(row: Mapping[str, Any]) -> str:
    return _("predicted %(range)s: %(came_true)s of %(n)s came true, %(observed)s (%(interval)s)") % row
