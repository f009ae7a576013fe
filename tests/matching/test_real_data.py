"""Searches of WMDA patients on release 3.58.0, stored by the service, against the plain-Python twin.

A seeded part of scripts/validate_search.py, which does all 1,000 patients through Celery.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bank.services_import import units_import
from core.audit import Actor
from hla.mac import EMPTY_MAC
from hla.nomenclature import Nomenclature
from matching import reference, services
from matching.models import NomenclatureRelease, SearchRun
from scripts.validate_search import BANK, compare, gl_lines, inventory_rows, make_bank, make_patients, submit

DONORS, PATIENTS = 1500, 8

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.validation]


def test_wmda_patients_find_what_the_twin_finds(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "RECHECK_SECONDS", -1)
    actor = Actor.system("test")
    rng = random.Random(7)
    services.release_load(path=shared_data / "imgt" / "3580", actor=actor)
    services.mac_load(path=shared_data / "mac" / "numer.v3.subset.txt", actor=actor)
    make_bank()
    donors = rng.sample(list(gl_lines(shared_data / "wmda" / "don.gl.txt.gz")), DONORS)
    data = "".join(f"{key}%{text}\n" for key, text in donors).encode()
    report = units_import(
        data=data,
        file_name="don.gl",
        actor=actor,
        bank_code=BANK,
        invent_counts=7,
        declaration="real typings for a test",
    )
    assert report.ok == DONORS
    patients = make_patients(rng.sample(list(gl_lines(shared_data / "wmda" / "pat.gl.txt.gz")), PATIENTS))

    runs = submit(patients)
    for run in runs:
        services.run_execute(job_id=run.job_id)

    stored = SearchRun.objects.finished().select_related("request")
    found = compare(stored, inventory_rows(), reference.resolver())
    assert found.differences == []
    assert found.searches == PATIENTS
    assert found.results > 0
    assert set(stored.values_list("release", flat=True)) == {"3.58.0"}


def test_a_loaded_release_is_kept_as_it_was_compiled(
    shared_data: Path, own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "RECHECK_SECONDS", -1)

    row = services.release_load(path=shared_data / "imgt" / "3580", actor=Actor.system("test"))
    again = services.release_load(path=shared_data / "imgt" / "3580", actor=Actor.system("test"))

    assert row == again
    assert (row.version, row.entries) == ("3.58.0", 39083)
    active = reference.active_nomenclature()
    assert active is not None
    assert active.checksum == row.checksum
    stored = bytes(NomenclatureRelease.objects.get().compiled)
    assert Nomenclature.from_bytes(stored).checksum == row.checksum
    assert reference.resolver().mac is EMPTY_MAC
    assert [path.name for path in (own_files / "hla").glob("nomenclature*")] == [
        f"nomenclaturerelease-3.58.0-{row.compiled_sha256[:16]}"
    ]
