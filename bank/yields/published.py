"""Why collections are lost elsewhere: published ranges to read ours beside. They judge nothing.

Share of the excluded units, %, as different banks report it (PMC4340371, table 2; domain notes, workflow 1.1). Their
banks exclude most units before processing, by rules of their own; a bank that imports finished units cannot compare.
"""

from __future__ import annotations

from typing import Final

from bank.choices import DiscardReason

SOURCE: Final = "PMC4340371, table 2"
SOURCE_URL: Final = "https://pmc.ncbi.nlm.nih.gov/articles/PMC4340371/"
RANGES: Final[dict[str, tuple[int, int]]] = {
    DiscardReason.LOW_DOSE: (52, 85),
    DiscardReason.CONTAMINATION: (5, 17),
    DiscardReason.LATE: (1, 16),
    DiscardReason.PROCESSING: (3, 5),
    DiscardReason.PAPERWORK: (2, 3),
    DiscardReason.HISTORY: (2, 5),
    DiscardReason.MARKERS: (1, 5),
    DiscardReason.CLOTS: (2, 4),
    DiscardReason.TEMPERATURE: (1, 2),
}
