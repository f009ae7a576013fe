"""What this part tells core, bank and hospitals: navigation, search, my work, panels, notices, the dossier."""

from __future__ import annotations


def register() -> None:
    pass
