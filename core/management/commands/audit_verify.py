"""`audit_verify`: prove that the ledger is whole and that no audit entry was changed or taken away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.verification import verify_ledger


class Command(BaseCommand):
    help = "Recomputes the hash chain of the ledger and compares every entry with it."

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify_ledger()
        for finding in report.findings:
            self.stderr.write(self.style.ERROR(finding))
        if report.findings:
            raise CommandError(
                f"The ledger is NOT intact: {len(report.findings)} findings in {report.rows} rows."
            )
        self.stdout.write(
            self.style.SUCCESS(
                f"The ledger is intact: {report.rows} rows, head {report.head}, {report.hash[:16]}…"
            )
        )
