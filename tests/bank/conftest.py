"""What the bank's tests share: the built-in nomenclature, a small code table, people."""

from __future__ import annotations

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
from tests.factories.core import UserFactory

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
def coordinator(db: None) -> User:
    """A hospital's coordinator: sees listed units only."""
    return UserFactory(roles=[Role.HOSPITAL_COORDINATOR])


@pytest.fixture
def signed_in(client: Any) -> Any:
    """signed_in(user) gives the client as that user."""

    def sign_in(user: User) -> Any:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in
