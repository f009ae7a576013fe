from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from bank.models import CordBloodUnit
from core.models import User
from hla.resolve import Resolver
from hospitals.models import Hospital, Patient
from matching import frequency_sets, inventory, predictions, reference
from matching.models import SearchRun
from matching.services import imputation
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, typed_patient
from tests.hla import toy_release
from tests.matching.batches import follow
from tests.matching.match_list_pages import FIVE, FOUR
from tests.matching.prediction_cases import OPEN, THREE_LOCI, UNLINKED

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


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


@pytest.fixture
def references_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reference data are asked for once: on a slow machine a test is not done before they are looked at again."""
    monkeypatch.setattr(reference, "RECHECK_SECONDS", float("inf"))


@pytest.fixture
def no_file_outside(own_files: Path) -> Iterator[None]:
    yield
    assert inventory.file_path().is_relative_to(own_files)


@pytest.fixture
def resolver() -> Resolver:
    return reference.resolver()


@pytest.fixture
def ledger_at_once(db: None) -> None:
    """Entries get their number when they are written, as if each were committed: a test is one transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS core_auditentry_ledger IMMEDIATE")


@pytest.fixture
def hospital(db: None) -> Hospital:
    return HospitalFactory()


@pytest.fixture
def user(hospital: Hospital) -> User:
    return member_of(hospital)


@pytest.fixture
def client(user: User) -> Client:
    found = Client()
    found.force_login(user, backend=BACKEND)
    return found


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return typed_patient(hospital=hospital, abo="O", weight_kg=Decimal(20))


@pytest.fixture
def units(db: None) -> dict[str, CordBloodUnit]:
    """Of which the match is certain, open, estimated without linkage, and certain again with mismatches."""
    return {
        "six": ListedUnitFactory(tnc_e7=100),
        "open": ListedUnitFactory(gl=OPEN),
        "unlinked": ListedUnitFactory(gl=UNLINKED),
        "five": ListedUnitFactory(gl=FIVE),
        "four": ListedUnitFactory(gl=FOUR),
    }


@pytest.fixture
def run(patient: Patient, units: dict[str, CordBloodUnit]) -> SearchRun:
    return searched_run(patient)


@pytest.fixture
def listed(patient: Patient) -> SearchRun:
    """A list of two units, one of five matches and one of four."""
    ListedUnitFactory(gl=FIVE)
    ListedUnitFactory(gl=FOUR)
    return searched_run(patient)


@pytest.fixture
def narrow(hospital: Hospital, units: dict[str, CordBloodUnit]) -> SearchRun:
    """Searched at A, B and DRB1; the patient is typed there only, and the set explains all loci of "six" for sure."""
    run = searched_run(typed_patient(THREE_LOCI, hospital=hospital, weight_kg=Decimal(20)), loci="A,B,DRB1")
    for name, found in (("six", [1.0, 0.0, 0.0]), ("five", [0.0, 1.0, 0.0])):
        result = run.results.get(unit=units[name])
        result.prediction |= {"6": found, "8": found, "10": found, "C": [1.0, 0.0, 0.0], "basis": "set"}
        result.save()
    return run


@pytest.fixture
def waiting(ledger_at_once: None, patient: Patient) -> SearchRun:
    """The list of a waiting patient, with one unit of four matches; what is there is handled by the follower."""
    ListedUnitFactory(gl=FOUR)
    found = searched_run(patient)
    follow()
    return found


# --- reference data that is loaded

MAC = "LAST UPDATED: 11/20/26\nCODE\tSUBTYPE\n\nAB\t01/02\nACDC\t07:01/07:27\n"


@pytest.fixture
def mac_file(tmp_path: Path) -> Path:
    path = tmp_path / "numer.txt"
    path.write_text(MAC)
    return path


@pytest.fixture
def ciwd_file(tmp_path: Path) -> Path:
    path = tmp_path / "ciwd.3.0.0.csv"
    path.write_text("ALLELE,TOTAL,API\nA*02:01,C,C\nA*24:09N,WD,R\n")
    return path


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process that asks the database at every use."""
    monkeypatch.setattr(reference, "RECHECK_SECONDS", -1)
    reference.forget()


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    return toy_release.write(tmp_path / "old")


@pytest.fixture
def new_folder(tmp_path: Path) -> Path:
    """The next release: a name renamed, one withdrawn, a P group and an antigen changed, a name added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy_release, "HEADER", toy_release.HEADER.replace("9.99.0", "9.99.1"))
        patch.delitem(toy_release.ALLELES, "A*03:02")
        patch.setitem(toy_release.WITHDRAWN, "A*03:02", ("03:01", "Sequence identical"))
        patch.delitem(toy_release.ALLELES, "B*15:02")
        patch.setitem(toy_release.WITHDRAWN, "B*15:02", ("", "Sequence error"))
        patch.setitem(toy_release.ALLELES, "A*02:09", ("", "02:01:01G", ";;2;"))
        patch.setitem(toy_release.ALLELES, "A*24:03", ("24:03P", "", "24;;;"))
        patch.setitem(toy_release.ALLELES, "B*39:88", ("", "", "39;;;"))
        patch.setitem(toy_release.TCE, "DPB1*05:01", ("3", "1"))
        patch.setitem(toy_release.TCE, "DPB1*03:01", ("2", ""))
        patch.setitem(toy_release.TCE, "DPB1*104:01", ("2", "2"))
        patch.setitem(toy_release.TCE, "DPB1*09:01", ("1", "3"))
        patch.setitem(toy_release.TCE, "DPB1*105:01", ("3", "1"))
        patch.delitem(toy_release.ALLELES, "B*07:65")
        patch.setitem(toy_release.WITHDRAWN, "B*07:65", ("07:02", "Sequence identical"))
        patch.setitem(toy_release.ALLELES, "A*24:11N", ("", "24:02:01G", "0;;;"))
        patch.delitem(toy_release.ALLELES, "A*02:01:01:03N")
        return toy_release.write(tmp_path / "new")
