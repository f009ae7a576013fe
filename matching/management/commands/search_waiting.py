from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.audit import Actor
from matching.services import night_preview, night_start


class Command(BaseCommand):
    help = (
        "Search again for all waiting patients whose list is older than inventory, reference data or patient,"
        " as the nightly search does. A job in the queue of batches starts the searches, which run there too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say which would be searched")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        if not dry_run:
            job = night_start(actor=Actor.system("search_waiting"))
            self.stdout.write(f"Queued as job {job.pk}; a worker of the batches starts the searches.")
            return
        found = night_preview()
        for number in found.started:
            self.stdout.write(f"{number} would be searched")
        figures = found.figures
        self.stdout.write(
            f"{figures['waiting']} waiting: {figures['started']} to search, {figures['fresh']} up to date,"
            f" {figures['searching']} being searched."
        )
