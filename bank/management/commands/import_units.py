"""`import_units FILE`: take a file of units into the inventory, or say all that is wrong with it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from bank.choices import CountUnit
from bank.imports.report import ImportReport
from bank.services_import import units_import
from core.audit import Actor
from core.errors import DomainError

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Imports units from a documented CSV (UTF-8 or GB18030) or XLSX, from GL lines ID%A*..+A*..^B*.., "
        "WMDA-style XML or Atlas-style JSON, gzip too. "
        "All rows are checked before anything is written. Exit status 1 when there were errors."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--bank", default="", metavar="CODE", help="whose units; needed with several banks"
        )
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument(
            "--skip-bad", action="store_true", help="import the good rows in spite of bad ones"
        )
        parser.add_argument(
            "--declare-released",
            default="",
            metavar="GROUND",
            help="own units of the file were released before, and on what ground: those called LISTED are listed; "
            "without it they enter the quarantine",
        )
        parser.add_argument(
            "--changes-only",
            action="store_true",
            help="a partner's list that does not name all of its units: none counts as gone",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument(
            "--blank",
            choices=["unknown", "homozygous"],
            default="unknown",
            help="what a blank or - beside one value of a locus means; homozygous is noted on each typing",
        )
        parser.add_argument(
            "--counts",
            choices=CountUnit.values,
            help="XML: what its cell counts are given in: TNC in 10^8 (e8) or 10^7 (e7) with CD34 in 10^6, or cells",
        )
        parser.add_argument(
            "--invent-counts",
            type=int,
            metavar="SEED",
            help="GL files: make up cell counts, marked as invented (never for clinical use)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        try:
            report = units_import(
                data=data,
                file_name=options["file"].name,
                actor=Actor.system("import_units"),
                bank_code=options["bank"],
                dry_run=options["dry_run"],
                skip_bad=options["skip_bad"],
                declaration=options["declare_released"],
                full=not options["changes_only"],
                invent_counts=options["invent_counts"],
                blank=options["blank"],
                counts=CountUnit(options["counts"]) if options["counts"] else None,
            )
        except DomainError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
        else:
            self._print(report)
        if report.findings:
            sys.exit(1)

    def _print(self, report: ImportReport) -> None:
        for finding in report.findings[:SHOWN]:
            place = _("line %(line)s") % {"line": finding.line}
            self.stderr.write(f"{place} {finding.column} [{finding.code}] {finding.text}")
        for warning in report.warnings[:SHOWN]:
            place = _("line %(line)s") % {"line": warning.line}
            self.stderr.write(f"{place} [{warning.code}] {warning.text}")
        if len(report.findings) > SHOWN:
            more = len(report.findings) - SHOWN
            self.stderr.write(_("… and %(count)s more; --json lists all.") % {"count": more})
        self.stdout.write(_summary(report))


def _summary(report: ImportReport) -> str:
    counts = {
        "rows": report.rows,
        "imported": report.imported,
        "unchanged": report.unchanged,
        "held": report.held,
        "failed": report.failed,
    }
    text = _(
        "%(rows)s rows: %(imported)s new (%(held)s of them wait for confirmation), %(unchanged)s unchanged, "
        "%(failed)s failed."
    )
    if report.is_partner:
        told = {"changed": report.changed, "gone": report.gone}
        text += " " + _("%(changed)s changed, %(gone)s gone from the list.") % told
    if report.undeclared:
        told = {"undeclared": report.undeclared}
        text += " " + _("%(undeclared)s called listed enter the quarantine (--declare-released).") % told
    if report.dry_run:
        return text % counts + " " + _("Dry run: nothing was written.")
    if report.blocked:
        return text % counts + " " + _("Nothing was written; correct the file or use --skip-bad.")
    return text % counts
