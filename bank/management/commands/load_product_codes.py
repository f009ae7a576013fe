"""`load_product_codes FILE --as VERSION`: the bank's own table of ISBT 128 product codes, or all its errors."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from bank.services_codes import product_codes_load
from core.audit import Actor
from core.errors import DomainError

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Loads product description codes from a CSV with the columns code, description and, if wanted, class (gzip "
        "too; other columns are ignored). All rows are checked before anything is written. Exit status 1 when there "
        "were errors. Qidai ships no such table: that of ICCBBA is licensed to the bank."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--as", dest="table_version", required=True, metavar="VERSION", help="version of the table"
        )
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        try:
            report = product_codes_load(
                data=data,
                version=options["table_version"],
                actor=Actor.system("load_product_codes"),
                dry_run=options["dry_run"],
            )
        except DomainError as error:
            raise CommandError(error.message) from error
        for finding in report.findings[:SHOWN]:
            place = _("line %(line)s") % {"line": finding.line}
            self.stderr.write(f"{place} {finding.column} [{finding.code}] {finding.text}")
        if report.findings:
            total = _("%(count)s errors; nothing was written.") % {"count": len(report.findings)}
            self.stderr.write(total)
            sys.exit(1)
        counts = {"new": report.new, "changed": report.changed, "unchanged": report.unchanged}
        text = _("Product codes: %(new)s new, %(changed)s changed, %(unchanged)s unchanged.") % counts
        self.stdout.write(text + (" " + _("Dry run: nothing was written.") if report.dry_run else ""))
