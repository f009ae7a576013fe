"""`migrate`, run as the owner of the database: the application's role owns no table."""

from typing import Any

from django.core.management.commands import migrate

from core.ownership import as_owner


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            super().handle(*args, **options)
