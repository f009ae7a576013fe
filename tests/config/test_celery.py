"""What a worker does when it starts."""

from __future__ import annotations

from typing import Any

import pytest
from celery.signals import worker_ready

from config.celery import app


def test_a_started_worker_asks_once_to_be_warmed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []

    def note(name: str, *, queue: str, **options: Any) -> None:
        sent.append((name, queue))

    monkeypatch.setattr(app, "send_task", note)
    worker_ready.send(sender=None)

    assert sent == [("matching.warm", "maintenance")]
    assert "matching.warm" in app.tasks
