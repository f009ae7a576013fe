"""Synthetic sera for the demonstration: most patients are tested, about one in five has antibodies (ASSUMED shares).

Made after the patients, with a source of chance of their own, so that everything else of a seed stays as it is.
"""

from __future__ import annotations

import datetime as dt
import random

from django.utils import timezone

from core import reference
from core.audit import Actor
from hla.antibodies import parse_specificity
from hla.carriers import carries
from hla.typing import read_gl
from hospitals.choices import AntibodyMethod, SerumClasses
from hospitals.data import BeadData, SerumData
from hospitals.models import AntibodySerum, Patient
from hospitals.services_antibodies import serum_record, serum_withdraw

SENSITISED, NEGATIVE = 0.2, 0.5  # shares of all patients; the rest was never tested
SECOND_SERUM, WITHDRAWN_EVERY = 0.4, 25
WHOLE_EXPORT = 0.5  # share of the sensitised whose laboratory lists the negative beads too
LABORATORY = "Synthetic HLA laboratory"

# One bead for each group of alleles that are common in East Asia; groups because antibodies come in families.
PANEL: tuple[tuple[str, ...], ...] = (
    ("A*02:01", "A*02:06", "A*02:07", "A*02:03"),
    ("A*24:02", "A*24:03"),
    ("A*11:01", "A*11:02"),
    ("A*33:03", "A*31:01", "A*30:01"),
    ("B*40:01", "B*40:02", "B*13:01"),
    ("B*46:01", "B*15:01", "B*15:02"),
    ("B*51:01", "B*52:01", "B*35:01"),
    ("B*58:01", "B*57:01"),
    ("C*01:02", "C*03:03", "C*03:04"),
    ("C*07:02", "C*08:01"),
    ("DRB1*09:01", "DR53"),
    ("DRB1*15:01", "DRB1*16:02", "DR51"),
    ("DRB1*12:02", "DRB1*11:01", "DRB1*14:54", "DR52"),
    ("DQA1*03:02, DQB1*03:03", "DQA1*03:03, DQB1*04:01"),
    ("DQA1*01:02, DQB1*06:02", "DQA1*01:03, DQB1*06:01"),
    ("DPA1*02:02, DPB1*05:01", "DPA1*01:03, DPB1*02:01"),
)


def load(*, seed: int, by: Actor, today: dt.date) -> None:
    """Sera of the patients there are, in the order of their codes."""
    rng = random.Random(f"qidai-antibodies-{seed}")
    for number, patient in enumerate(
        Patient.objects.active().with_current_typing().order_by("code"), start=1
    ):
        chance = rng.random()
        if chance >= SENSITISED + NEGATIVE:
            continue
        families = _families(patient, rng) if chance < SENSITISED else []
        first = _day(patient, today, rng)
        days = [first]
        if rng.random() < SECOND_SERUM and first < today:
            days.append(first + dt.timedelta(days=rng.randint(1, (today - first).days)))
        negatives = _negatives(families, random.Random(f"qidai-negative-beads-{seed}-{number}"))
        sera = [_serum(patient, families, negatives, day, today, rng, by) for day in days]
        if number % WITHDRAWN_EVERY == 0:
            serum_withdraw(serum_id=sera[0].pk, reason="Sample of another patient (synthetic)", by=by)
        _restore_dates(patient)


def _families(patient: Patient, rng: random.Random) -> list[tuple[str, float]]:
    """Beads with the strength of their antibody; none against what the patient has or may have."""
    resolver = reference.resolver()
    typing = read_gl(patient.current_typing.canonical_gl if patient.current_typing else "", resolver).typing
    found = []
    for family in rng.sample(PANEL, rng.randint(1, 5)):
        strength = rng.lognormvariate(8.2, 1.0)
        beads = [(bead, strength * rng.uniform(0.4, 1.1)) for bead in family]
        found += [
            (bead, mfi)
            for bead, mfi in beads
            if carries(parse_specificity(bead, resolver), typing, resolver).answer != "yes"
        ]
    return found


def _negatives(families: list[tuple[str, float]], rng: random.Random) -> list[tuple[str, int]]:
    """All other beads of the panel with what a negative bead glows, for some of those who have antibodies."""
    if not families or rng.random() >= WHOLE_EXPORT:
        return []
    positive = {bead for bead, _mfi in families}
    others = (bead for family in PANEL for bead in family if bead not in positive)
    return [(bead, min(round(rng.lognormvariate(4.0, 0.8)), 480)) for bead in others]


def _day(patient: Patient, today: dt.date, rng: random.Random) -> dt.date:
    """Some days after the patient was entered."""
    entered = timezone.localtime(patient.created_at).date()
    return min(today, entered + dt.timedelta(days=rng.randint(0, 20)))


def _serum(
    patient: Patient,
    families: list[tuple[str, float]],
    negatives: list[tuple[str, int]],
    day: dt.date,
    today: dt.date,
    rng: random.Random,
    by: Actor,
) -> AntibodySerum:
    beads = tuple(
        BeadData(written=bead, mfi=min(round(mfi * rng.uniform(0.7, 1.3)), 25_000)) for bead, mfi in families
    )
    beads += tuple(BeadData(written=bead, mfi=mfi) for bead, mfi in negatives)
    data = SerumData(
        sampled_on=day,
        tested_on=min(today, day + dt.timedelta(days=rng.randint(1, 10))),
        method=AntibodyMethod.SINGLE_ANTIGEN.value,
        laboratory=LABORATORY,
        beads=beads,
        none_found=not beads,
        classes=SerumClasses.BOTH.value,
    )
    noon = dt.datetime.combine(data.tested_on or day, dt.time(12))
    entered = min(timezone.make_aware(noon), timezone.now())
    return serum_record(patient_id=patient.pk, serum=data, by=by, entered_at=entered)


def _restore_dates(patient: Patient) -> None:
    """As if nothing had been entered since: the list of patients keeps the order it was given."""
    Patient.objects.filter(pk=patient.pk).update(updated_at=patient.updated_at)
