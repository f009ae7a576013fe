from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core import audit
from core.audit import Actor
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, PatientFactory, PatientTypingFactory, member_of

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def hospital(db: None) -> Hospital:
    return HospitalFactory(code="H014", name="Synthetic Hospital 014", name_zh="合成医院014")


@pytest.fixture
def coordinator(hospital: Hospital) -> User:
    return member_of(hospital)


@pytest.fixture
def physician(hospital: Hospital) -> User:
    return member_of(hospital, Role.HOSPITAL_PHYSICIAN)


@pytest.fixture
def bank_coordinator(db: None) -> User:
    return UserFactory(roles=[Role.SEARCH_COORDINATOR])


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(roles=[Role.ADMIN])


@pytest.fixture
def by(coordinator: User) -> Actor:
    return Actor.user(coordinator)


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return PatientFactory(hospital=hospital)


@pytest.fixture
def typed_patient(patient: Patient) -> Patient:
    PatientTypingFactory(patient=patient)
    return patient


@pytest.fixture
def sign_in(client: Client) -> Any:
    def enter(user: User, language: str = "") -> Client:
        client.force_login(user, backend=BACKEND)
        if language:
            client.cookies["django_language"] = language
        return client

    return enter


@pytest.fixture
def no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit entry cannot be written."""

    def refuse(**kwargs: Any) -> None:
        raise RuntimeError("the audit table is full")

    monkeypatch.setattr(audit, "record", refuse)


def last_entry() -> AuditEntry:
    return AuditEntry.objects.order_by("-at").first()
