from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import Actor
from core.errors import DomainError
from hla.frequencies.errors import FrequencyNote
from hla.frequencies.sets import RESOLUTIONS
from matching.management.loading import Progress
from matching.models import FrequencySet
from matching.services import frequency_set_load


class Command(BaseCommand):
    help = "Load haplotype frequencies of a population, and predict by them from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            help="a CSV file (Haplo,Count,Freq; also gzipped), HFX metadata (.json), a spreadsheet (.xls, .xlsx), "
            "a JSON set, or a folder or zip with one of these; or the address of a file (http, https, file)",
        )
        parser.add_argument(
            "--name", required=True, help="name of the set; loaded again it is its next version"
        )
        parser.add_argument(
            "--population", required=True, help="code of the population, as patients and units carry it"
        )
        parser.add_argument(
            "--release",
            default="",
            help="release of its allele names, such as 2.16.0; HFX and JSON sets say it",
        )
        parser.add_argument(
            "--resolution", default="", choices=["", *RESOLUTIONS], help="if the names do not show it"
        )
        parser.add_argument(
            "--column",
            default="",
            help="of a table of several populations the one to read, if it has another code",
        )
        parser.add_argument(
            "--truncated", action="store_true", help="accept frequencies that add up to less than 0.98"
        )
        parser.add_argument(
            "--ignore-checksum",
            action="store_true",
            help="accept a file whose checksum is not that of its metadata",
        )
        parser.add_argument(
            "--default", action="store_true", help="for everybody whose population has no set in use"
        )
        parser.add_argument(
            "--global",
            action="store_true",
            dest="as_global",
            help="for whom the default does not serve either",
        )
        parser.add_argument(
            "--no-activate", action="store_false", dest="activate", help="load, do not use yet"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(self.stderr)
        wanted = (
            "path", "name", "population", "release", "resolution", "column", "truncated", "ignore_checksum",
            "default", "as_global", "activate",
        )  # fmt: skip
        try:
            row = frequency_set_load(
                actor=Actor.system("load_frequencies"),
                tell=progress,
                **{name: options[name] for name in wanted},
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        for note in row.notes:
            self.stdout.write(f"  {FrequencyNote(note['code'], **note['params'])}")
        self.stdout.write(
            f"{row.version}: {row.entries:,} haplotypes of {', '.join(row.loci)}, population {row.population}, "
            f"{state_of(row)}."
        )


def state_of(row: FrequencySet) -> str:
    if not row.is_active:
        return "loaded, not in use"
    return "in use" + ", the bank's default" * row.is_default + ", global" * row.is_global
