"""Compiled loops are kept by what they were compiled from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hla import jit


@pytest.mark.parametrize(
    "name",
    [
        "hla/prediction/kernels.py",
        "hla/prediction/combine_kernels.py",
        "hla/scoring_kernels.py",
        "matching/engine/scan_kernels.py",
        "hla/jit.py",
    ],
)
def test_a_change_of_any_loop_gives_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for folder in ("hla", "hla/prediction", "matching/engine"):
        (tmp_path / folder).mkdir(parents=True)
        for path in (jit.ROOT / folder).glob("*.py"):
            shutil.copy(path, tmp_path / folder)
    monkeypatch.setattr(jit, "ROOT", tmp_path)
    before = jit.digest()
    (tmp_path / name).write_text((tmp_path / name).read_text() + "\n# changed\n")

    assert jit.digest() != before


def test_where_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    name = jit.digest()

    assert jit.cache_folder({"QIDAI_VAR": "/v"}) == f"/v/numba/{name}"
    assert jit.cache_folder({"QIDAI_VAR": "/v", "NUMBA_CACHE_DIR": "/n"}) == f"/n/{name}"
    assert jit.cache_folder({"NUMBA_CACHE_DIR": f"/n/{name}"}) == f"/n/{name}"
    assert jit.cache_folder({}).endswith(f"/var/numba/{name}")
