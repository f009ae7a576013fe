"""`demo_data`: a synthetic bank with hospitals and patients, the same for the same seed."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from bank.demo import partners
from bank.demo.collected import TooManyUnits
from bank.demo.load import load as load_units
from bank.models import CordBloodUnit
from config.demo import create_people, logins_path, write_logins
from core.audit import Actor
from core.models import Installation, User
from core.roles import Role
from core.services import installation_mark_synthetic
from hospitals.demo import load as load_hospitals
from hospitals.models import Hospital
from transplants import demo as reservations
from transplants import demo_incidents
from transplants.demo_outcomes.load import load as load_transplants

TOLD_EVERY = 100_000


class Command(BaseCommand):
    help = "Fills an empty installation with synthetic data and marks every page of it as synthetic."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--units", type=int, default=20_000)
        parser.add_argument("--hospitals", type=int, default=110)
        parser.add_argument("--patients", type=int, default=200)
        parser.add_argument("--transplants", type=int, default=7_240, help="with what became of the patients")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--processes",
            type=int,
            help="processes that make units beside the one that writes them (default: by the processors)",
        )
        parser.add_argument(
            "--if-empty", action="store_true", help="say nothing where there are data already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("units", "hospitals", "patients", "transplants"):
            if options[name] < 0:
                raise CommandError(f"--{name} must not be negative.")
        if options["processes"] is not None and options["processes"] < 1:
            raise CommandError("--processes must be at least 1.")
        if _in_use():
            if options["if_empty"]:
                return
            raise CommandError(_refusal())
        self._fill(options)

    @transaction.atomic
    def _fill(self, options: dict[str, Any]) -> None:
        """All or nothing: half a demonstration would be in the way of the next attempt."""
        actor, seed = Actor.system("demo_data"), options["seed"]
        installation_mark_synthetic(by=actor)
        self._timed(
            f"{options['hospitals']} hospitals, {options['patients']} patients",
            lambda: load_hospitals(
                hospitals=options["hospitals"], patients=options["patients"], seed=seed, by=actor
            ),
        )
        hospital = Hospital.objects.order_by("code").first()
        self._timed("people who sign in", lambda: write_logins(create_people(hospital, actor)))
        # After the people: one of them vouches for the results.
        self._timed(f"{options['units']} units", lambda: self._units(options, actor))
        if options["units"] >= partners.LEAST_UNITS:
            day = timezone.localdate()
            self._timed("two partners", lambda: partners.load(seed=seed, actor=actor, today=day))
        if options["units"] >= reservations.LEAST_UNITS and hospital is not None:
            self._timed("reservations", lambda: reservations.load(seed=seed))
            # last: what is recalled moves no step further
            self._timed("incidents", lambda: demo_incidents.load(seed=seed))
        self._timed(
            f"{options['transplants']} transplants",
            lambda: load_transplants(count=options["transplants"], seed=seed, by=actor),
        )
        self.stdout.write(f"Passwords: manage.py demo_logins ({logins_path()})")

    def _units(self, options: dict[str, Any], actor: Actor) -> None:
        def tell(written: int) -> None:
            if written % TOLD_EVERY == 0:
                self.stdout.write(f"{written} units are written …")

        workers = options["processes"]
        qa, director = (
            User.objects.in_roles([role]).order_by("created_at").values_list("pk", flat=True).first()
            for role in (Role.QA, Role.MEDICAL_DIRECTOR)
        )
        try:
            load_units(
                count=options["units"],
                seed=options["seed"],
                actor=actor,
                verified_by_id=qa,
                approved_by_id=director,
                workers=workers,
                tell=tell,
            )
        except TooManyUnits as error:
            raise CommandError("--units: a year of collection would have more than 999,999.") from error

    def _timed(self, what: str, work: Callable[[], Any]) -> None:
        started = time.monotonic()
        work()
        self.stdout.write(f"{what}: {time.monotonic() - started:.1f} s")


def _in_use() -> bool:
    return CordBloodUnit.objects.exists() or Hospital.objects.exists() or User.objects.exists()


def _refusal() -> str:
    if Installation.load().synthetic:
        return "The demonstration is there already. For a new one, start from an empty database."
    return "There are data in this database and they are not synthetic. demo_data fills empty databases only."
