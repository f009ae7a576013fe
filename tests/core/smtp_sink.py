"""A mail server on loopback that keeps what it is given (RFC 5321, as much of it as a client needs)."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass
class Letter:
    sender: str
    to: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class Sink:
    """refuse: these are no addresses of it; hang_up: takes a letter and ends without a word of thanks."""

    port: int = 0
    refuse: set[str] = field(default_factory=set)
    hang_up: bool = False
    letters: list[Letter] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Sink]:
    sink = Sink()

    class Handler(socketserver.StreamRequestHandler):
        timeout = 10

        def handle(self) -> None:
            self.sender, self.to = "", []
            self.say("220 sink ESMTP")
            for line in iter(self.rfile.readline, b""):
                if not self.answered(line.decode("ascii").rstrip("\r\n")):
                    return

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def answered(self, line: str) -> bool:
            """False: the connection ends."""
            verb = line[:4].upper()
            if verb == "DATA":
                return self.took_letter()
            if verb == "MAIL":
                self.sender, self.to = _path(line), []
            if verb == "RCPT" and _path(line) in sink.refuse:
                self.say("550 no such person here")
                return True
            if verb == "RCPT":
                self.to.append(_path(line))
            self.say("221 bye" if verb == "QUIT" else "250 sink")
            return verb != "QUIT"

        def took_letter(self) -> bool:
            self.say("354 go on")
            lines = iter(self.rfile.readline, b"")
            kept = []
            for line in lines:
                if line == b".\r\n":
                    break
                kept.append(line[1:] if line.startswith(b".") else line)
            sink.letters.append(Letter(self.sender, self.to, b"".join(kept)))
            if sink.hang_up:
                return False
            self.say("250 taken")
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join(10)


def _path(line: str) -> str:
    return line[line.index("<") + 1 : line.index(">")]
