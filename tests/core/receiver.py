"""Another system on loopback: takes what is posted, and answers as the test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from core import hooks
from core.audit import Actor
from core.models import WebHook
from tests.core.telling import KIND

SHARED = replace(KIND, shared=("code",))  # other systems may be told its params


def registered(url: str, name: str = "SMS", **more: Any) -> WebHook:
    """A web-hook that is told of the ordinary kind of tests, in Chinese."""
    values = {"language": "zh-hans", "codes": [KIND.code], **more}
    made, _secret = hooks.hook_create(name=name, url=url, actor=Actor.system("test"), **values)
    return made


@dataclass
class Taken:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """answer: status, headers, body of each answer; drip: sends its answer without an end until `over` is set."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    drip: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    taken: list[Taken] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.taken.append(Taken(self.path, dict(self.headers), body))
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if state.drip:
                self._drip()
            else:
                self.wfile.write(state.body)

        def _drip(self) -> None:
            try:
                while not state.over.wait(0.05):
                    self.wfile.write(b"x")
            except OSError:
                return

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/in?key=of-the-other-side"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
