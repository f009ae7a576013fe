"""Synthetic hospitals, people and patients, the same for the same seed. Nobody and no place is real.

Names of hospitals are numbers; cities are real so that lists and maps look right. Typings come from the
published Han figures of bank.demo; ages, weights and diagnoses are ASSUMED proportions, for pages and searches
only, not for statistics.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from bank.demo import population
from bank.demo.reporting import Reporter
from core import audit, reference
from core.audit import Actor, Batch
from core.models import RoleGrant, User
from core.roles import Role
from core.typings import TypingInput
from hospitals import demo_antibodies, demo_data, demo_samples, services, services_people
from hospitals.choices import DIAGNOSIS, DiagnosisGroup, InactiveReason, Stage
from hospitals.codes import patient_code
from hospitals.data import DepartmentData, HospitalData, IdentityData, PatientData, WeightData
from hospitals.models import Department, Hospital, Membership, Patient
from hospitals.plausibility import median_weight_kg

# The hospital whose coordinator signs in for the demonstration has something to see.
FIRST_HOSPITAL_SHARE = 0.12
UNBORN_EVERY = 40


@transaction.atomic
def load(
    *, hospitals: int, patients: int, seed: int, by: Actor, today: dt.date | None = None
) -> list[Hospital]:
    """Writes everything through the services; the spread of dates is set afterwards."""
    rng = random.Random(f"qidai-hospitals-{seed}")
    populations = random.Random(f"qidai-patient-populations-{seed}")  # apart: all other values stay
    day = today or timezone.localdate()
    made = [_hospital(number, rng, day, by) for number in range(1, hospitals + 1)]
    _contacts(made, _departments(made, by), rng, by)
    active = [hospital for hospital in made if hospital.active]
    if active:
        reporter = Reporter(reference.resolver())
        shares = _shares(len(active))
        for number in range(1, patients + 1):
            hospital = rng.choices(active, weights=shares)[0]
            known = population.CODE if populations.random() < population.CODE_KNOWN else ""
            _patient(
                number, hospital, rng, day, reporter, by, identity=hospital is made[0], populations=known
            )
    demo_antibodies.load(seed=seed, by=by, today=day)
    demo_samples.load(seed=seed, by=by, today=day)
    return made


def _shares(count: int) -> list[float]:
    """Few large and many small hospitals; the first has a fixed share."""
    rest = [1 / (rank + 3) for rank in range(count - 1)]
    scale = (1 - FIRST_HOSPITAL_SHARE) / sum(rest) if rest else 0
    return [FIRST_HOSPITAL_SHARE, *(share * scale for share in rest)]


def _hospital(number: int, rng: random.Random, today: dt.date, by: Actor) -> Hospital:
    province, city, city_zh = demo_data.CITIES[(number - 1) % len(demo_data.CITIES)]
    country = "CN"
    if number in demo_data.ABROAD:
        province, (city, city_zh, country) = "", demo_data.ABROAD[number]
    chance = rng.random()
    until = None if chance < 0.03 else today + dt.timedelta(days=rng.randint(60, 1400))
    if 0.03 <= chance < 0.07:
        until = today - dt.timedelta(days=rng.randint(5, 200))
    if number == 1 and (until is None or until < today):
        until = today + dt.timedelta(days=700)  # its people sign in, and order
    data = HospitalData(
        code=f"H{number:03d}",
        name=f"Synthetic Hospital {number:03d} · {city}",
        name_zh=f"合成医院{number:03d}·{city_zh}",
        city=city,
        province=province,
        country=country,
        active=number == 1 or rng.random() > 0.03,
        qualification_no=f"SYN-{rng.randint(10_000, 99_999)}" if until else "",
        qualification_authority="Synthetic health authority" if until else "",
        qualified_from=until - dt.timedelta(days=1460) if until else None,
        qualified_until=until,
        self_service_reservation=rng.random() < 0.3,
        shipping_contact=f"Cryo laboratory {number:03d}",
        shipping_phone=f"000-0000-{number:04d}",
        shipping_address=f"{number} Example Road, {city}",
    )
    return services.hospital_create(data=data, by=by)


def _departments(hospitals: Sequence[Hospital], by: Actor) -> dict[Hospital, list[Department]]:
    """Of large and small hospitals alike the first; every third has a second one, which takes its shipments itself."""
    found = {}
    for number, hospital in enumerate(hospitals):
        many = demo_data.DEPARTMENTS[: 2 if number % 3 == 0 else 1]
        found[hospital] = [
            services_people.department_add(
                hospital_id=hospital.pk,
                data=DepartmentData(name=name, name_zh=name_zh, shipping_contact=contact),
                by=by,
            )
            for name, name_zh, contact in many
        ]
    return found


def _contacts(
    hospitals: Sequence[Hospital],
    departments: dict[Hospital, list[Department]],
    rng: random.Random,
    by: Actor,
) -> None:
    """One to three people per hospital, who cannot sign in: they have no password. One audit entry for all."""
    rows: list[tuple[User, Role, Membership]] = []
    for hospital in hospitals:
        for index in range(rng.choice((1, 1, 2, 3))):
            role = Role.HOSPITAL_COORDINATOR if index == 0 else Role.HOSPITAL_PHYSICIAN
            place = departments[hospital][index % len(departments[hospital])]
            rows.append(_contact(hospital, index, role, rng, place))
    User.objects.bulk_create([user for user, _role, _member in rows])
    RoleGrant.objects.bulk_create([RoleGrant(user=user, role=role) for user, role, _member in rows])
    Membership.objects.bulk_create([member for _user, _role, member in rows])
    lines = [f"{user.email} {role} {member.hospital.code}" for user, role, member in rows]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    audit.record(
        actor=by,
        action="membership.loaded",
        target=("hospitals.Membership", "demo", "synthetic people of hospitals"),
        batch=Batch(rows=len(rows), sha256=digest),
    )


def _contact(
    hospital: Hospital, index: int, role: Role, rng: random.Random, place: Department
) -> tuple[User, Role, Membership]:
    name = f"{rng.choice(demo_data.FAMILY_NAMES)} {rng.choice(demo_data.GIVEN_NAMES)}"
    email = f"{hospital.code.lower()}-{index + 1}@hospitals.example"
    user = User(email=email, full_name=name)
    user.set_unusable_password()
    title = "Coordinator" if index == 0 else "Physician"
    return user, role, Membership(user=user, hospital=hospital, title=title, department=place)


def _patient(
    number: int,
    hospital: Hospital,
    rng: random.Random,
    today: dt.date,
    reporter: Reporter,
    by: Actor,
    *,
    identity: bool,
    populations: str,
) -> None:
    unborn = number % UNBORN_EVERY == 0
    entered = today - dt.timedelta(days=rng.randint(1, 60) if unborn else int(rng.triangular(0, 900, 60)))
    data = replace(_data(rng, entered), populations=populations)
    if unborn:
        data = replace(
            data, birth_date=today + dt.timedelta(days=rng.randint(10, 150)), diagnosis="mld", stage=""
        )
    patient = services.patient_create(
        hospital_id=hospital.pk,
        data=data,
        code=_code(rng),
        weight=_weight(data.birth_date, entered, rng),
        typing=_typing(number, rng, reporter, entered),
        identity=_identity(number) if identity else None,
        by=by,
    )
    if rng.random() < 0.12:
        reason = rng.choice([*InactiveReason.values][:4])
        services.patient_deactivate(patient_id=patient.pk, reason=reason, by=by)
    _set_dates(patient, entered, today, rng)


def _set_dates(patient: Patient, entered: dt.date, today: dt.date, rng: random.Random) -> None:
    """Entered over months, not all in the minute of this command."""
    created = _moment(entered, rng)
    changed = _moment(entered + dt.timedelta(days=rng.randint(0, max(0, (today - entered).days))), rng)
    times = {"created_at": created, "updated_at": min(max(created, changed), timezone.now())}
    if Patient.objects.filter(pk=patient.pk, state="inactive").exists():
        times["deactivated_at"] = times["updated_at"]
    Patient.objects.filter(pk=patient.pk).update(**times)


def _moment(day: dt.date, rng: random.Random) -> dt.datetime:
    time = dt.time(rng.randint(8, 17), rng.randint(0, 59))
    return min(timezone.make_aware(dt.datetime.combine(day, time)), timezone.now())


def _code(rng: random.Random) -> str:
    while True:
        code = patient_code(rng.choice)
        if not Patient.objects.filter(code=code).exists():
            return code


def _data(rng: random.Random, entered: dt.date) -> PatientData:
    diagnosis, youngest, oldest = rng.choices(demo_data.CASES, weights=[c[3] for c in demo_data.CASE_ROWS])[0]
    age_days = int(rng.uniform(youngest, oldest) * 365.25)
    return PatientData(
        sex=rng.choice("FM"),
        birth_date=entered - dt.timedelta(days=age_days),
        abo=rng.choices(("O", "A", "B", "AB", ""), weights=(31, 29, 27, 9, 4))[0],
        rh=rng.choices(("+", "-"), weights=(99, 1))[0],
        cmv=rng.choices(("P", "N", ""), weights=(70, 15, 15))[0],
        diagnosis=diagnosis,
        stage=_stage(diagnosis, rng),
        urgency=rng.choices(("routine", "urgent"), weights=(85, 15))[0],
    )


def _stage(diagnosis: str, rng: random.Random) -> str:
    group = DIAGNOSIS[diagnosis].group
    if diagnosis in ("aml", "all"):
        return rng.choice((Stage.CR1, Stage.CR1, Stage.CR2, Stage.NO_REMISSION)).value
    if diagnosis == "cml":
        return rng.choice((Stage.CHRONIC_PHASE, Stage.ACCELERATED_PHASE, Stage.BLAST_PHASE)).value
    if group == DiagnosisGroup.METABOLIC:
        return rng.choice((Stage.PRESYMPTOMATIC, Stage.SYMPTOMATIC)).value
    return ""


def _weight(birth_date: dt.date, entered: dt.date, rng: random.Random) -> WeightData | None:
    if rng.random() < 0.04 or birth_date > entered:
        return None
    median = median_weight_kg((entered - birth_date).days / 365.25)
    weight = float(np.clip(median * rng.lognormvariate(0, 0.13), 2, 150))
    return WeightData(weight_kg=Decimal(f"{weight:.1f}"), measured_on=entered)


def _typing(number: int, rng: random.Random, reporter: Reporter, entered: dt.date) -> TypingInput | None:
    """Patients are typed better than stored units: mostly two fields at five loci or six."""
    chance = rng.random()
    if chance < 0.05:
        return None
    drawn = population.genotype(rng)
    loci = ("A", "B", "C", "DRB1", "DQB1", *(("DPB1",) if rng.random() < 0.4 else ()))
    pairs: Any = {name: drawn[name] for name in loci} if chance < 0.85 else reporter.report(drawn, rng)
    typed_on = entered - dt.timedelta(days=rng.randint(3, 90))
    return TypingInput(
        values=pairs,
        laboratory="Synthetic HLA laboratory",
        typed_on=typed_on,
        sampled_on=typed_on - dt.timedelta(days=3),
        sample=f"SYN-{number:05d}",
    )


def _identity(number: int) -> IdentityData:
    return IdentityData(
        name=f"Synthetic Patient {number:03d}", document_no=f"SYN{number:06d}", contact="000-0000-0000"
    )
