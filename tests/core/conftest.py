from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import notifications
from core.models import User
from core.roles import Role
from tests.core.telling import KIND
from tests.factories.core import UserFactory


@pytest.fixture
def kind() -> Iterator[None]:
    """The kind of notification that `told` tells of, for one test."""
    notifications.register(KIND)
    yield
    notifications._kinds.pop(KIND.code)


@pytest.fixture
def user(db: None) -> User:
    """Somebody of the laboratory, who may see the inventory."""
    return UserFactory(roles=[Role.LAB])
