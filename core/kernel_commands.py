"""The commands of the HLA kernel as Django knows them: for `call_command` and the list of `manage.py help`.

manage.py itself runs them without Django, settings or database.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hla.cli import Surroundings, command, run


class KernelCommand(BaseCommand):
    """A command of hla.cli. Ends as a CommandError with its exit status if that is not 0."""

    name: ClassVar[str]
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        command(self.name).add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.VAR_DIR) / "hla"
        stdout, stderr = cast(TextIO, self.stdout), cast(TextIO, self.stderr)
        status = run(self.name, options, Surroundings(folder, sys.stdin, stdout, stderr))
        if status:
            raise CommandError(f"{self.name} ended with status {status}.", returncode=status)
