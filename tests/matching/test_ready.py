"""What is compiled beforehand is what a search uses: no loop is compiled again for arrays of another kind."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys

import pytest

COUNTS = """
import json, random, tempfile
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from hla import scoring_kernels
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.resolve import Resolver
from matching.engine import files, ready, scan_kernels
from matching.engine.search import Criteria, search
from matching.engine.snapshot import build
from tests.matching.inventories import unit, units
from tests.matching.test_search import person

def counts():
    return {
        name: len(value.signatures)
        for module in (scoring_kernels, scan_kernels)
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
    }

ready.compile_loops()
before = counts()
resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
snapshot = build(units(1, 200), resolver=resolver, ledger_number=1)
path = Path(tempfile.mkdtemp()) / "inventory"
files.save(snapshot, path)
mapped = files.load(path, resolver=resolver)
changed = mapped.apply(changed=[unit(random.Random(2))], withdrawn=[mapped.row(0).unit_id], ledger_number=2)
for one in (snapshot, mapped, changed):
    for seed in range(3):
        search(person(seed), Criteria(limit=10, floors={"antigen6": 2}), one)
print(json.dumps([before, counts()]))
"""


def test_nothing_is_compiled_twice() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", COUNTS], capture_output=True, text=True, check=True, timeout=300
    )
    before, after = json.loads(answer.stdout)

    assert after == before
    assert before["scan"] == before["score_typings"] == before["describe_sets"] == before["add_flags"] == 1


def test_as_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matching.engine.ready", raising=False)

    assert "compile_loops" in runpy.run_module("matching.engine.ready", run_name="__main__")
