from __future__ import annotations

import time
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from core.audit import Actor
from core.errors import DomainError
from core.models import Job
from hospitals.models import Patient
from matching.models import SearchRun
from matching.services import RequestData, request_create, request_submit


class Command(BaseCommand):
    help = "Make and submit a match request for a patient, wait for the worker, print the counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient", help="code or id of the patient")
        parser.add_argument("--loci", default="A,B,C,DRB1,DQB1")
        parser.add_argument("--min-tnc", type=Decimal, default=None, help="smallest dose, 10^7 cells per kg")
        parser.add_argument(
            "--donors", default="cord", help="cord, adult or cord,adult: whom to search; by default cord"
        )
        parser.add_argument(
            "--wait", type=float, default=60, help="seconds to wait for the result; 0: do not wait"
        )

    def handle(
        self,
        *args: Any,
        patient: str,
        loci: str,
        min_tnc: Decimal | None,
        donors: str,
        wait: float,
        **options: Any,
    ) -> None:
        wanted = tuple(donors.split(","))
        actor = Actor.system("search_request")
        try:
            request = request_create(
                patient=_patient(patient),
                data=RequestData(loci=loci, min_tnc_e7_per_kg=min_tnc, donor_types=wanted),
                actor=actor,
            )
            run = request_submit(request_id=request.pk, actor=actor)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{request.number} submitted.")
        if wait:
            self._report(run, wait)

    def _report(self, run: SearchRun, wait: float) -> None:
        limit = time.monotonic() + wait
        while (job := Job.objects.get(pk=run.job_id)).is_open:
            if time.monotonic() > limit:
                raise CommandError(
                    f"No result after {wait:g} s; the search goes on (state: {job.state})."
                    " Is a worker running?"
                )
            time.sleep(0.05)
        if job.state != Job.State.DONE:
            raise CommandError(job.error or f"The search was {job.state}.")
        run.refresh_from_db()
        for name, counts in run.counts.items():
            listed = ", ".join(
                f"{value}: {possible} ({certain} certain)" for value, possible, certain in counts
            )
            self.stdout.write(f"{name}: {listed or 'none'}")
        self.stdout.write(f"{run.candidates} candidates, {run.kept} kept.")


def _patient(code_or_id: str) -> Patient:
    found = Patient.objects.filter(code=code_or_id).first()
    if found is None:
        try:
            found = Patient.objects.filter(pk=code_or_id).first()
        except ValidationError:
            found = None
    if found is None:
        raise CommandError(f"There is no patient {code_or_id}.")
    return found
