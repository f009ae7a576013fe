"""`create_user`: the first administrator of a production installation."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import services
from core.audit import Actor
from core.errors import DomainError
from core.roles import Role


class Command(BaseCommand):
    help = "Makes an account. The password is asked for, or read from standard input with --password-stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", action="append", required=True, choices=Role.values)
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else getpass.getpass()
        try:
            user = services.user_create(
                email=options["email"],
                full_name=options["name"],
                password=password,
                roles=[Role(role) for role in options["role"]],
                by=Actor.system("create_user"),
            )
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(self.style.SUCCESS(f"{user.email}: {', '.join(options['role'])}"))
