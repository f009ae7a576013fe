"""`add_partner CODE NAME`: a bank or registry whose lists `import_units --bank CODE` takes in."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bank.choices import DonorType
from bank.services_partners import partner_create
from core.audit import Actor
from core.errors import DomainError


class Command(BaseCommand):
    help = "Adds a partner bank (cord blood) or, with --adult, a registry of adult donors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("name")
        parser.add_argument(
            "--adult", action="store_true", help="its list holds adult donors, not cord blood"
        )
        parser.add_argument("--country", default="", help="two letters, ISO 3166-1")
        parser.add_argument("--ion", type=int, help="WMDA issuing organisation number")
        parser.add_argument("--hub", default="", help="EMDIS hub, which begins the CBU id of its units")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            bank = partner_create(
                code=options["code"],
                name=options["name"],
                holds=DonorType.ADULT if options["adult"] else DonorType.CORD,
                country=options["country"],
                issuing_organisation=options["ion"],
                emdis_hub=options["hub"],
                actor=Actor.system("add_partner"),
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{bank}: {bank.get_holds_display()}")
