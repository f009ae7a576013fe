"""What a worker does when it starts."""

from __future__ import annotations

from typing import Any

import pytest
from celery.signals import worker_init, worker_ready

from config.celery import app


def test_a_started_worker_asks_once_to_be_warmed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []

    def note(name: str, *, queue: str, **options: Any) -> None:
        sent.append((name, queue))

    monkeypatch.setattr(app, "send_task", note)
    worker_ready.send(sender=None)

    assert sent == [("matching.warm", "maintenance")]
    assert "matching.warm" in app.tasks


def test_a_worker_compiles_before_it_forks_and_starts_even_if_that_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def compile_loops() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("cannot cache function")

    monkeypatch.setattr("hla.prediction.ready.compile_loops", compile_loops)
    for _ in range(2):
        worker_init.send(sender="test")

    assert len(calls) == 2
    assert "could not be compiled" in caplog.text
