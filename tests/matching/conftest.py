from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matching import frequency_sets, inventory, predictions, reference
from matching.services import imputation


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Snapshot and reference files of one test are its own, and this process forgets what it held."""
    settings.VAR_DIR = tmp_path
    inventory.forget()
    reference.forget()
    frequency_sets.forget()
    predictions.forget()
    imputation.forget()
    yield tmp_path
    inventory.forget()
    reference.forget()
    frequency_sets.forget()
    predictions.forget()
    imputation.forget()
