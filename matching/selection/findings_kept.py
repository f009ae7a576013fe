"""What a kept report remembers of a judgement, to be held against a later one."""

from __future__ import annotations

from matching.models import EvaluatedUnit


def outcomes_of(judged: EvaluatedUnit | None) -> dict[str, str]:
    """Rule -> passed, failed or unknown; {} of a unit that was not judged."""
    return {code: str(found[0]) for code, found in judged.findings.items()} if judged else {}


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Rules of which something else is found now, or that are looked at on one side only."""
    return sorted(code for code in {*before, *now} if before.get(code) != now.get(code))
