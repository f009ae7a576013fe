"""What the bank's tests share: the built-in nomenclature, a small code table, people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bank.imports.typings import TypingReader
from core.audit import Actor
from core.models import User
from core.reference import builtin_nomenclature
from core.roles import Role
from hla.mac import MacTable
from hla.nomenclature import Nomenclature
from hla.resolve import resolver_for
from tests.factories.bank import BankFactory
from tests.factories.consent import declared
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of

SYSTEM = Actor.system("test")


@pytest.fixture
def nomenclature() -> Nomenclature:
    return builtin_nomenclature()


@pytest.fixture
def mac() -> MacTable:
    return MacTable.of("test", {"AB": "01/02", "CD": "03:01/03:02"})


@pytest.fixture
def reader(nomenclature: Nomenclature, mac: MacTable) -> TypingReader:
    return TypingReader(resolver_for(nomenclature, mac))


@pytest.fixture
def qa(db: None) -> User:
    return UserFactory(roles=[Role.QA])


@pytest.fixture
def lab(db: None) -> User:
    return UserFactory(roles=[Role.LAB])


@pytest.fixture
def director(db: None) -> User:
    return UserFactory(roles=[Role.MEDICAL_DIRECTOR])


@pytest.fixture
def kept_files(settings: Any, tmp_path: Path) -> Path:
    """Where inventory files are kept."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "exports"


@pytest.fixture
def abroad_declared(db: None) -> None:
    """The test bank vouches that its older units may be told of abroad."""
    declared(BankFactory())


@pytest.fixture
def coordinator(db: None) -> User:
    """A hospital's coordinator: sees listed units only. Without a hospital the account would count as foreign."""
    return member_of(HospitalFactory())


@pytest.fixture
def signed_in(client: Any) -> Any:
    """signed_in(user) gives the client as that user."""

    def sign_in(user: User) -> Any:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
