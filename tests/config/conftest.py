from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded


@contextlib.contextmanager
def _temporary_root() -> Iterator[Path]:
    # short enough for sockets, unlike pytest's own; `make test` stops what an interrupted test leaves there
    folder = Path(tempfile.mkdtemp(prefix="qd-", dir=os.environ.get("QIDAI_TEST_ROOTS")))
    yield folder / "e"
    embedded.stop(folder / "e")
    shutil.rmtree(folder)


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder for servers of one test; stopped and removed afterwards."""
    with _temporary_root() as folder:
        yield folder


@pytest.fixture(scope="module")
def module_root() -> Iterator[Path]:
    with _temporary_root() as folder:
        yield folder
