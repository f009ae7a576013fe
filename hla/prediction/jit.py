"""How the loops of match prediction are compiled."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Compiled once per machine (ready.py): without a place of its own Numba writes beside the code, which production
# may not.
if place := os.environ.get("QIDAI_VAR"):
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(place) / "numba"))

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """A function compiled at its first call, kept on disk, that lets go of Python's lock while it runs."""
    return njit(cache=True, nogil=True)(function)
