"""People of the tests of reservations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Patient
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, member_of
from tests.factories.reservations import trusted_hospital

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def hospital(db: None) -> Hospital:
    """Asks; the bank decides."""
    found: Hospital = HospitalFactory()
    return found


@pytest.fixture
def trusted(db: None) -> Hospital:
    """Reserves itself."""
    return trusted_hospital()


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    found: Patient = PatientFactory(hospital=hospital)
    return found


@pytest.fixture
def own(trusted: Hospital) -> Patient:
    """Of the hospital that reserves itself."""
    found: Patient = PatientFactory(hospital=trusted)
    return found


@pytest.fixture
def he_lan(hospital: Hospital) -> User:
    """Coordinator of the hospital that asks."""
    return member_of(hospital, full_name="He Lan")


@pytest.fixture
def tan_xi(trusted: Hospital) -> User:
    """Coordinator of the hospital that reserves itself."""
    return member_of(trusted, full_name="Tan Xi")


@pytest.fixture
def shen_jia(db: None) -> User:
    """The bank's search coordinator."""
    found: User = UserFactory(roles=[Role.SEARCH_COORDINATOR], full_name="Shen Jia")
    return found


@pytest.fixture
def dong_hua(db: None) -> User:
    """The director keeps the price list and voids charges."""
    found: User = UserFactory(roles=[Role.DIRECTOR], full_name="Dong Hua")
    return found


@pytest.fixture
def signed_in(client: Any) -> Callable[[User], Any]:
    def sign_in(user: User) -> Any:
        client.force_login(user, backend=BACKEND)
        return client

    return sign_in
