"""The compiled loops as plain Python, so that coverage sees them and that both can be compared."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import hla.prediction

LOOPS = (
    "hla.scoring_kernels",
    "hla.fast_scoring",
    "matching.engine.scan_kernels",
    "matching.engine.planning_kernels",
)


def modules() -> list[ModuleType]:
    """All that have or call compiled loops."""
    names = [f"hla.prediction.{found.name}" for found in pkgutil.iter_modules(hla.prediction.__path__)]
    return [importlib.import_module(name) for name in (*names, *LOOPS)]


@contextmanager
def plain_python() -> Iterator[int]:
    """Every compiled function is the one that it was compiled from. Gives their number.

    Hashes are products of 64-bit numbers that are meant to overflow.
    """
    replaced = set()
    with pytest.MonkeyPatch.context() as patch, np.errstate(over="ignore"):
        for module in modules():
            for name, value in list(vars(module).items()):
                if isinstance(value, Dispatcher):
                    patch.setattr(module, name, value.py_func)
                    replaced.add(value)
        yield len(replaced)
