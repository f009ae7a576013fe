from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import Actor
from core.errors import DomainError
from matching.services import mac_load


class Command(BaseCommand):
    help = "Load a table of multiple allele codes (layout of NMDP's numer.v3.txt), and use it from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="the file, unpacked")
        parser.add_argument("--keep-inactive", action="store_true", help="load, but do not use it yet")

    def handle(self, *args: Any, path: str, keep_inactive: bool, **options: Any) -> None:
        if "://" in path:
            raise CommandError("Only files are read. Download the table yourself and give the file.")
        try:
            table = mac_load(path=Path(path), actor=Actor.system("load_mac"), activate=not keep_inactive)
        except DomainError as error:
            raise CommandError(str(error)) from error
        state = "in use" if table.is_active else "loaded, not in use"
        self.stdout.write(f"Multiple allele codes {table.version}: {table.entries:,} codes, {state}.")
