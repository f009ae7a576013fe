"""What the commands that load reference data share."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from core.audit import Actor
from core.errors import DomainError

TELL_EVERY_SECONDS = 0.2
MB = 1_000_000


class LoadCommand(BaseCommand):
    """A command that gives a path or an address to one service. `load`: the service; `said`: what it loaded."""

    path_help: str
    load: Callable[..., Any]
    said: str  # with {row.version} and {row.entries}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help=self.path_help + "; or its address (http, https, file)")
        parser.add_argument("--keep-inactive", action="store_true", help="load, but do not use it yet")

    def handle(self, *args: Any, path: str, keep_inactive: bool, **options: Any) -> None:
        actor = Actor.system(type(self).__module__.rpartition(".")[2])
        progress = Progress(self.stderr)
        try:
            row = type(self).load(path=path, actor=actor, activate=not keep_inactive, tell=progress)
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        state = "in use" if row.is_active else "loaded, not in use"
        self.stdout.write(f"{self.said.format(row=row)}, {state}.")


class Progress:
    """Bytes fetched so far, on one line of a terminal; silent elsewhere."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._told = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        if self._shown and time.monotonic() - self._told >= TELL_EVERY_SECONDS:
            self._told = time.monotonic()
            whole = f" of {total / MB:.1f}" if total else ""
            self._stream.write(f"\rfetched {done / MB:.1f}{whole} MB", ending="")
            self._stream.flush()

    def end(self) -> None:
        if self._told:
            self._stream.write("")
