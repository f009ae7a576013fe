from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bank.models import CordBloodUnit
from core.audit import Actor
from core.errors import DomainError
from matching.services import prediction_confirm


class Command(BaseCommand):
    help = (
        "Compare the confirmatory typing of a unit with the match probabilities that searches gave before it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("unit", help="number or DIN of the unit")
        parser.add_argument("gl", help="the confirmatory typing as a GL string")
        parser.add_argument(
            "--date", type=_day, default=None, help="day of the typing, 2026-12-31; today if not given"
        )

    def handle(self, *args: Any, unit: str, gl: str, date: date | None, **options: Any) -> None:
        found = CordBloodUnit.objects.all().by_number(unit)
        if found is None:
            raise CommandError(f"There is no unit {unit}, or more than one.")
        try:
            checks = prediction_confirm(
                unit_id=found.pk,
                gl=gl,
                confirmed_on=date or timezone.localdate(),
                actor=Actor.system("record_confirmatory_typing"),
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        for check in checks:
            seen = "no mismatch" if check.observed else "mismatch"
            self.stdout.write(
                f"{check.get_quantity_display()}: predicted {check.predicted:.1%}, found {seen}"
            )
        if not checks:
            self.stdout.write(
                "Nothing to compare: no search before that day left open what this typing settles, or it was compared "
                "before."
            )


def _day(text: str) -> date:
    return date.fromisoformat(text)
