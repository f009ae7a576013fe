"""What is compiled beforehand is what is used: no loop is compiled a second time for arrays of another kind."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys

import pytest

COUNTS = """
import json
from numba.core.dispatcher import Dispatcher
from hla.frequencies.demo import demo_set
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from hla.prediction import combine_kernels, factored_kernels, kernels, matrix_kernels, ready
from hla.prediction.combine import Patient, predict
from hla.prediction.impute import Imputer
from hla.prediction.table import HaplotypeTable
from hla.prediction.whole import whole_distribution
from hla.prediction.next_typing import typing_values
from hla.resolve import Resolver
from hla.typing import parse_gl

def counts():
    modules = (combine_kernels, factored_kernels, kernels, matrix_kernels)
    found = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, Dispatcher):
                found[name] = len(value.signatures)
    return found

ready.compile_loops()
before = counts()
resolver = Resolver(Nomenclature.builtin(), EMPTY_MAC)
table = HaplotypeTable.of(demo_set(), resolver)
texts = ["A*02:XX+A*11:01^B*40:XX+B*46:01^DRB1*09:01+DRB1*15:XX", "A*11:01+A*24:02^B*40:01/40:02+B*46:01"]
people = Imputer(table).impute([parse_gl(text, resolver) for text in texts])
for person in range(2):
    patient = Patient.of(people, person)
    predict(patient, people)
    predict(patient, people, upto=4)
    typing_values(patient, people.taken([1]))
    whole_distribution(patient, people.taken([1]))
print(json.dumps([before, counts()]))
"""


def test_nothing_is_compiled_twice() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", COUNTS], capture_output=True, text=True, check=True, timeout=300
    )
    before, after = json.loads(answer.stdout)

    assert after == before
    assert before["impute_all"] == before["holding_shares"] == before["whole_shares"] == 1


def test_as_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hla.prediction.ready", raising=False)

    assert "compile_loops" in runpy.run_module("hla.prediction.ready", run_name="__main__")
