from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import Actor
from core.errors import DomainError
from matching.services import release_load


class Command(BaseCommand):
    help = "Load an IPD-IMGT/HLA release from its folder, and use it from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="folder of one release, with wmda/hla_nom.txt and its neighbours")
        parser.add_argument("--keep-inactive", action="store_true", help="load, but do not use it yet")

    def handle(self, *args: Any, path: str, keep_inactive: bool, **options: Any) -> None:
        if "://" in path:
            raise CommandError("Only folders are read. Download the release yourself and give its folder.")
        try:
            release = release_load(
                path=Path(path), actor=Actor.system("load_hla_release"), activate=not keep_inactive
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        state = "in use" if release.is_active else "loaded, not in use"
        self.stdout.write(f"IPD-IMGT/HLA {release.version}: {release.entries:,} alleles, {state}.")
