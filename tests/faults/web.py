"""A real web process on this test's database, and a signed-in person who posts to it."""

from __future__ import annotations

import socket
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.test import Client

from config import supervisor
from core.models import User
from scripts.installation import Part, tied, wait_until

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class Web:
    """One gunicorn with the settings of `make run`; whoever starts one ends it."""

    def __init__(self, part: Part, address: str) -> None:
        self.part, self.address = part, address

    def post(self, headers: Mapping[str, str], path: str, data: Mapping[str, str]) -> threading.Thread:
        """Sent by a thread of its own, which nobody answers where the process dies; joined by the caller."""
        body = urllib.parse.urlencode(data).encode()
        request = urllib.request.Request(f"{self.address}{path}", body, dict(headers))

        def send() -> None:
            with suppress(OSError):  # the connection ends with the process
                urllib.request.urlopen(request, timeout=60)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread


def signed_in(user: User) -> dict[str, str]:
    """Headers of a person's requests; the session is committed before anything is locked."""
    client, token = Client(), "t" * 32
    client.force_login(user, backend=BACKEND)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: token}
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "X-CSRFToken": token}


@contextmanager
def web(environment: dict[str, str], folder: Path) -> Iterator[Web]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{host}:{port}"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "config.wsgi:application",
            "--bind",
            f"fd://{listener.fileno()}",
        ]
        command += [*supervisor.GUNICORN, "--workers", "1"]
        # its folder is the test's own, and with it the keys it would make
        keys = {"QIDAI_SECRET_KEY": settings.SECRET_KEY, "QIDAI_FIELD_KEY": settings.FIELD_KEY}
        part = Part("web", tied(command), {**environment, **keys}, folder / "web.log", (listener.fileno(),))
        part.start()
        try:
            wait_until(lambda: _answers(address), "the web process", tail=part.tail)
            yield Web(part, address)
        finally:
            part.kill()


def _answers(address: str) -> bool:
    with suppress(OSError):
        return bool(urllib.request.urlopen(f"{address}/healthz", timeout=5).status == 200)
    return False
