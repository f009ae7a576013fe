from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bank.models import CordBloodUnit
from matching.choices import CLASS_SIZE
from matching.presenters.probabilities import share_text
from matching.unit_patients import PatientOfUnit, patients_of_unit


class Command(BaseCommand):
    help = "Say which waiting patients a unit is for, best first: in their newest list, or new since then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("unit", help="number or DIN of the unit")

    def handle(self, *args: Any, unit: str, **options: Any) -> None:
        found = CordBloodUnit.objects.by_number(unit)
        if found is None:
            raise CommandError(f"There is no unit {unit}, or several banks have one.")
        rows = patients_of_unit(found)
        for row in rows:
            self.stdout.write(_line(row))
        self.stdout.write(f"{found.public_no}, {found.status}: waiting requests: {len(rows)}.")


def _line(row: PatientOfUnit) -> str:
    classes = ", ".join(
        f"{name} {low}–{high}/{CLASS_SIZE[name]}" if low != high else f"{name} {high}/{CLASS_SIZE[name]}"
        for name, (low, high) in row.classes.items()
    )
    dose = "dose unknown" if row.tnc_e7_per_kg is None else f"{row.tnc_e7_per_kg:.2f} e7/kg"
    likely = "".join(f", P({size}/{size}) {share_text(share)}" for size, share in row.probabilities.items())
    where = "new" if row.run is None else f"list {row.run.run_no}, rank {row.rank}"
    return f"{row.request.number} {row.request.patient.code}: {classes}, {dose}{likely} ({where})"
