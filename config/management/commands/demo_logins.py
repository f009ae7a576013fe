"""`demo_logins`: the log-ins of the demonstration as a table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.demo import read_logins


class Command(BaseCommand):
    help = "Prints the log-in of each role of the demonstration."

    def handle(self, *args: Any, **options: Any) -> None:
        logins = read_logins()
        if not logins:
            self.stdout.write("No demonstration log-ins on this installation.")
            return
        rows = [("role", "e-mail", "password", "hospital")]
        rows += [
            (str(role.label), login.email, login.password, login.hospital) for role, login in logins.items()
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())
