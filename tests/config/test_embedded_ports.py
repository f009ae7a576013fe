"""The port of the private Valkey stays the same wherever it can."""

from __future__ import annotations

import socket
import threading

import pytest

from config.embedded import valkey


@pytest.fixture
def taken() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def test_a_port_that_a_killed_program_still_holds_is_waited_for(taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    closing = threading.Timer(0.2, taken.close)
    closing.start()

    assert valkey._usable_port(port) == port
    closing.join()


def test_one_that_somebody_keeps_is_given_up(taken: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "PATIENCE_FOR_PORT", 0.1)

    with taken:
        found = valkey._usable_port(taken.getsockname()[1])

    assert found in valkey.PORTS
