"""What waits for a person, on the first page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core import work
from core.roles import Role
from tests.factories.core import UserFactory
from tests.transplants.conftest import BACKEND


@pytest.mark.django_db
def test_what_is_overdue_says_so_and_until_when_it_was(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    due, soon = (timezone.now() + timedelta(days=days) for days in (-3, 3))
    items = [work.WorkItem("Answer", "/a/", due_at=due), work.WorkItem("Ship", "/s/", due_at=soon)]
    monkeypatch.setattr(work, "items_for", lambda user: items)
    client.force_login(UserFactory(roles=[Role.HOSPITAL_COORDINATOR]), backend=BACKEND)

    page = client.get(reverse("config:home")).content.decode()

    late, early = page.split("Ship")
    assert "overdue" in late
    assert "overdue" not in early
    assert f"{timezone.localtime(due):%Y-%m-%d}" in late
    assert f"{timezone.localtime(soon):%Y-%m-%d}" in early
