"""`demo_logins`: the log-ins of the demonstration as a table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.demo import read_logins, role_of


class Command(BaseCommand):
    help = "Prints the log-ins of the demonstration: one of each role, and colleagues for second steps."

    def handle(self, *args: Any, **options: Any) -> None:
        logins = read_logins()
        if not logins:
            self.stdout.write("No demonstration log-ins on this installation.")
            return
        rows = [("role", "name", "e-mail", "password", "hospital")]
        rows += [
            (str(role_of(key).label), login.name, login.email, login.password, login.hospital)
            for key, login in logins.items()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())
