from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hla import cache
from hla.frequencies.errors import FrequencyError
from hla.frequencies.files import read_set
from hla.frequencies.synthetic import recombine
from hla.frequencies.writing import gzipped_csv


class Command(BaseCommand):
    help = "Make a synthetic frequency set of any size by recombining one: for tests under load, not for patients."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="a frequency set, as load_frequencies reads it")
        parser.add_argument("--size", type=int, required=True, help="how many haplotypes, such as 50000")
        parser.add_argument("--seed", type=int, required=True, help="the same seed makes the same set")
        parser.add_argument("--out", type=Path, required=True, help="file to write, such as synthetic.csv.gz")
        parser.add_argument(
            "--population", default="", help="of a table of several populations the one to read"
        )
        parser.add_argument("--truncated", action="store_true", help="as for load_frequencies")
        parser.add_argument("--ignore-checksum", action="store_true", help="as for load_frequencies")

    def handle(self, *args: Any, **options: Any) -> None:
        source, out = options["source"], options["out"]
        try:
            found, _notes = read_set(
                source,
                name=source.name,
                population=options["population"],
                truncated=options["truncated"],
                ignore_checksum=options["ignore_checksum"],
            )
            made = recombine(found, options["size"], seed=options["seed"])
            cache.write_file(out, gzipped_csv(made))
        except FrequencyError as error:
            raise CommandError(str(error)) from error
        except (OSError, ValueError) as error:
            raise CommandError(f"The set cannot be made or written: {error}") from error
        self.stdout.write(f"{out}: {made.name}. Load it under a name that says that it is synthetic.")
