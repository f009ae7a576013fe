"""A signature that is refused stays on record, though the service that wanted it has written nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest

from core import audit
from core.errors import Conflict, NotAllowed
from core.models import AuditEntry, User
from core.signing import guard_signature, signing
from tests.factories.core import PASSWORD, UserFactory

TARGET = ("test.Thing", "k", "thing k")


@pytest.fixture
def signer(transactional_db: None) -> User:
    user: User = UserFactory()
    return user


@pytest.fixture
def request_of(signer: User, rf: Any) -> HttpRequest:
    request: HttpRequest = rf.post("/")
    request.user = signer
    return request


def sign(request: HttpRequest, password: str, performers: Any = (), error: Exception | None = None) -> None:
    with signing(request, target=TARGET, action="thing.sign_refused") as user, transaction.atomic():
        audit.record(actor=audit.Actor.user(user), action="thing.sign", target=TARGET)
        if error is not None:
            raise error
        guard_signature(user, password, performers)


def told() -> list[tuple[str, Any]]:
    return list(AuditEntry.objects.values_list("action", "after"))


def test_a_signature_is_given(request_of: HttpRequest) -> None:
    sign(request_of, PASSWORD)

    assert [action for action, _after in told()] == ["thing.sign"]


@pytest.mark.parametrize(
    ("password", "own", "code"), [("x", False, "wrong_password"), (PASSWORD, True, "own_work")]
)
def test_a_refusal_is_on_record_and_nothing_else(
    request_of: HttpRequest, signer: User, password: str, own: bool, code: str
) -> None:
    with pytest.raises(NotAllowed) as refused:
        sign(request_of, password, {str(signer.pk)} if own else ())

    assert refused.value.code == code
    assert told() == [("thing.sign_refused", {"reason": code})]


@pytest.mark.parametrize("error", [NotAllowed("another", "no"), Conflict("stale", "no")])
def test_other_refusals_are_no_failed_signature(request_of: HttpRequest, error: Exception) -> None:
    with pytest.raises(type(error)):
        sign(request_of, PASSWORD, error=error)

    assert told() == []


def test_too_many_tries_are_on_record(request_of: HttpRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.signing.ratelimit.consume", lambda *args, **kwargs: None)
    with pytest.raises(NotAllowed):
        sign(request_of, PASSWORD)

    assert told() == [("thing.sign_refused", {"reason": "too_many_tries"})]
