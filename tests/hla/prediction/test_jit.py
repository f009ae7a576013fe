"""Where compiled loops are kept, and that they can be made ready."""

from __future__ import annotations

import os
import runpy

import pytest

from hla.prediction import jit, ready


@pytest.mark.slow
def test_all_loops_are_made_ready() -> None:
    runpy.run_path(ready.__file__, run_name="__main__")


@pytest.mark.parametrize(("var", "expected"), [("/somewhere", "/somewhere/numba"), ("", None)])
def test_compiled_loops_are_kept_with_the_data(
    var: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QIDAI_VAR", var)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # remembered, so that what the module sets is undone
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    runpy.run_path(jit.__file__)

    assert os.environ.get("NUMBA_CACHE_DIR") == expected
