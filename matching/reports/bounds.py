"""How many units and pairs a report holds."""

from __future__ import annotations

FEWEST_UNITS, USUAL_UNITS, MOST_UNITS = 1, 10, 50
MOST_PAIRS, USUAL_PAIRS = 20, 10  # where pairs are asked for at all
MOST_KEPT = 30  # reports of one search; nobody can delete one
MOST_CHOSEN = 2  # two for a double graft
