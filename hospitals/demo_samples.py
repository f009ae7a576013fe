"""Synthetic second samples: half of the typed patients have one; one sample of the first hospital was mixed up.

Made after the patients, with a source of chance of their own, so that everything else of a seed stays as it is.
"""

from __future__ import annotations

import datetime as dt
import random

from core.audit import Actor
from core.typings import TypingInput
from hospitals.models import Patient
from hospitals.services_confirmation import patient_typing_confirm

CONFIRMED = 0.5  # ASSUMED share of typed patients
DAYS_BETWEEN = 10
LABORATORY = "Second synthetic HLA laboratory"
MIXED_UP = 5  # which of those with a second sample, counted in the order of their codes


def load(*, seed: int, by: Actor, today: dt.date) -> None:
    rng = random.Random(f"qidai-second-samples-{seed}")
    former = ""
    number = 0
    for patient in Patient.objects.active().with_current_typing().order_by("hospital__code", "code"):
        first = patient.current_typing
        if first is None or first.sampled_on is None or rng.random() >= CONFIRMED:
            continue
        number += 1
        drawn = min(today, first.sampled_on + dt.timedelta(days=DAYS_BETWEEN))
        typing = TypingInput(
            gl=former if number == MIXED_UP else first.canonical_gl,
            laboratory=LABORATORY,
            typed_on=drawn,
            sampled_on=drawn,
            sample=f"{first.sample}-B",
        )
        patient_typing_confirm(patient_id=patient.pk, typing=typing, by=by)
        # as if nothing had been entered since: the list of patients keeps the order it was given
        Patient.objects.filter(pk=patient.pk).update(updated_at=patient.updated_at)
        former = first.canonical_gl
