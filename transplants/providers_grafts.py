"""What this part tells core, bank and hospitals: navigation, search, my work, panels, notices, the dossier."""

from __future__ import annotations

from core import kinds
from transplants import notices_grafts


def register() -> None:
    for kind in notices_grafts.KINDS:
        kinds.register(kind)
