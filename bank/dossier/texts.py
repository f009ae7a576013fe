"""Columns that hold codes or lists, in words."""

from __future__ import annotations

from typing import Any

from bank import presenters_release
from bank.choices import HoldReason, UnitStatus
from bank.dossier.records import TEXTS
from bank.release.judge import Finding
from core.hla_messages import stored_remarks
from core.populations import shown_populations


def _findings(kept: list[dict[str, Any]]) -> str:
    rows = presenters_release.findings(map(Finding.of_json, kept))
    return "; ".join(
        f"{row['name']} ({row['asked']}): {' '.join(filter(None, (row['value'], str(row['verdict']))))}"
        for row in rows
    )


def _remarks(kept: list[Any]) -> str:
    return " ".join(remark.text for remark in stored_remarks(kept))


def _held(kept: list[dict[str, Any]]) -> str:
    return " ".join(str(HoldReason(one["code"]).label) % one["params"] for one in kept)


def _loci(kept: dict[str, list[str]]) -> str:
    return "; ".join(f"{locus}: {', '.join(filter(None, pair))}" for locus, pair in kept.items())


def _status(kept: str) -> str:
    return str(UnitStatus(kept).label) if kept in UnitStatus.values else kept


def register() -> None:
    unit, typing = "bank.CordBloodUnit", "bank.HlaTyping"
    TEXTS.update(
        {
            ("bank.Release", "findings"): _findings,
            (typing, "notes"): _remarks,
            (typing, "loci"): _loci,
            (unit, "held_reasons"): _held,
            (unit, "populations"): lambda kept: shown_populations(kept) if kept else "",
            (unit, "status_before_hold"): _status,
            (unit, "status_when_confirmed"): _status,
        }
    )
