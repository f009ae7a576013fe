from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import kinds
from core.models import User, WebHook
from core.roles import Role
from tests.core.receiver import SHARED, Receiver, receiving, registered
from tests.core.telling import KINDS
from tests.factories.core import UserFactory


@pytest.fixture
def kind() -> Iterator[None]:
    """The kinds of notifications that `told` tells of, for one test."""
    for one in KINDS:
        kinds.register(one)
    yield
    for one in KINDS:
        kinds.unregister(one)


@pytest.fixture
def user(db: None) -> User:
    """Somebody of the laboratory, who may see the inventory."""
    return UserFactory(roles=[Role.LAB])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Another system on loopback."""
    with receiving() as state:
        yield state


@pytest.fixture
def hook(db: None, kind: None, receiver: Receiver) -> WebHook:
    """Told of the ordinary kind of tests, whose params it may have."""
    kinds.register(SHARED)
    return registered(receiver.url)
