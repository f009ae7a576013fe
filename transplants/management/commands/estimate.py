"""`estimate` as Django knows it; manage.py itself runs it without Django, settings or database."""

from __future__ import annotations

import sys
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from transplants.statistics import cli


class Command(BaseCommand):
    help = cli.HELP
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        stdout, stderr = cast(TextIO, self.stdout), cast(TextIO, self.stderr)
        status = cli.run(options, sys.stdin, stdout, stderr)
        if status:
            raise CommandError(f"estimate ended with status {status}.", returncode=status)
