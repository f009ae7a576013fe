"""The made-up world of match prediction, and its loops without compilation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hla.resolve import Resolver
from tests.hla.prediction import world
from tests.hla.prediction.uncompiled import plain_python


@pytest.fixture
def small() -> Resolver:
    """Reads the made-up release of world.py."""
    return world.resolver()


@pytest.fixture
def plain() -> Iterator[int]:
    """Compiled loops run as plain Python; the number of them."""
    with plain_python() as number:
        yield number
