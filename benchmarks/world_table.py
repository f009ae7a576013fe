"""What must hold, what was measured, and whether it did: the table of `make bench` and the keys of results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KEYS = (
    "generate_1m_s", "snapshot_full_1m_s", "snapshot_peak_mb", "snapshot_bytes_per_unit", "snapshot_load_s",
    "snapshot_delta_1000_s", "engine_1m_ms_median", "engine_1m_ms_p99", "engine_100k_ms_median",
    "engine_10k_ms_median", "end_to_end_1m_ms_median", "end_to_end_20k_ms_median", "concurrent_50_s",
    "sql_20k_ms_median", "grma_100k_ms_median",
)  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """One line of the table. scaled: a goal that shrinks with the inventory where that is not a million."""

    key: str
    what: str
    most: float
    unit: str
    scaled: bool = False


GOALS = (
    Goal("generate_1m_s", "synthetic inventory written to PostgreSQL", 300, "s", scaled=True),
    Goal("snapshot_full_1m_s", "full snapshot from PostgreSQL", 90, "s", scaled=True),
    Goal("snapshot_peak_mb", "its peak memory", 2048, "MB"),
    Goal("snapshot_bytes_per_unit", "snapshot size a unit", 150, "bytes"),
    Goal("snapshot_load_s", "load in a fresh worker, ready to search", 1, "s"),
    Goal("snapshot_delta_1000_s", "1,000 changed units in the snapshot", 1, "s"),
    Goal("engine_1m_ms_median", "engine, one patient, best 1,000: median", 25, "ms"),
    Goal("engine_1m_ms_p99", "engine, one patient, best 1,000: p99", 50, "ms"),
    Goal("end_to_end_1m_ms_median", "submit → stored, 1,000 units with probabilities", 1000, "ms"),
    Goal("end_to_end_20k_ms_median", "the same at 20,000 units", 300, "ms"),
    Goal("concurrent_50_s", "50 searches at once, all done", 30, "s"),
)
MILLION = 1_000_000


def table(figures: Mapping[str, float | None], units: int) -> tuple[str, bool]:
    """The table as text, and whether all goals held. A figure that was not measured does not hold."""
    lines = [f"{f'at {units:,} units':50} {'target':>12} {'measured':>12}"]
    held = True
    for goal in GOALS:
        most = goal.most * (min(1.0, units / MILLION) if goal.scaled else 1)
        value = figures.get(goal.key)
        good = value is not None and value <= most
        held &= good
        measured = "not measured" if value is None else f"{value:,.4g} {goal.unit}"
        verdict = "held" if good else "MISSED"
        lines.append(f"{goal.what:50} {f'≤ {most:g} {goal.unit}':>12} {measured:>12}  {verdict}")
    return "\n".join(lines), held


def ratios(figures: Mapping[str, float | None]) -> str:
    """Peers beside the engine, where both were measured."""
    lines = []
    for peer, own, what in (
        ("sql_20k_ms_median", "sql_20k_engine_ms_median", "plain SQL, count at 20,000 units"),
        ("sql_1m_ms_median", "sql_1m_engine_ms_median", "plain SQL, count at the whole inventory"),
        ("grma_100k_ms_median", "grma_engine_ms_median", "py-graph-match, 100,000 donors; our engine"),
        (
            "grma_100k_ms_median",
            "grma_ours_ms_median",
            "py-graph-match, 100,000 donors; ours with probabilities",
        ),
    ):
        theirs, ours = figures.get(peer), figures.get(own)
        if theirs is not None and ours:
            lines.append(f"{what}: {theirs:,.1f} ms, ours {ours:,.2f} ms, ratio {theirs / ours:,.1f}")
    return "\n".join(lines)
