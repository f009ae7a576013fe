"""The synthetic transplants into the tables, by the way that lists of earlier transplants take."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from bank.services_import import rows_digest
from core import audit
from core.audit import Actor, Batch
from hospitals.models import Hospital
from transplants.choices_outcomes import Source
from transplants.demo_outcomes.course import Course, course_of, form_of
from transplants.demo_outcomes.people import Drawing, Person
from transplants.importing.columns import OF_FORM, OF_TRANSPLANT, OF_UNIT
from transplants.importing.rows import HistoricRow
from transplants.importing.write import digest, write_new
from transplants.services_outcomes import outcomes_refresh


@transaction.atomic
def load(*, count: int, seed: int, by: Actor, today: dt.date | None = None) -> int:
    """`count` transplants of all hospitals, marked synthetic, one audit entry. The same seed and day give the same."""
    hospitals = dict(Hospital.objects.order_by("code").values_list("code", "pk"))
    if not hospitals or not count:
        return 0
    rows = list(rows_of(list(hospitals), count=count, seed=seed, today=today or timezone.localdate()))
    keys = write_new(rows, hospitals=hospitals, source=Source.SYNTHETIC)
    outcomes_refresh(transplant_ids=keys)
    audit.record(
        actor=by,
        action="transplants.import",
        target=("transplants.Transplant", "demo", "synthetic transplants"),
        after={"synthetic": True, "imported": len(rows), "seed": seed},
        batch=Batch(rows=len(rows), sha256=rows_digest(digest(row) for row in rows)),
    )
    return len(rows)


def rows_of(codes: list[str], *, count: int, seed: int, today: dt.date) -> Iterator[HistoricRow]:
    """The rows, as a list of a hospital would give them."""
    rng = random.Random(f"qidai-transplants-{seed}")
    drawing = Drawing(codes, rng, today)
    line = number = 0
    while line < count:
        number += 1
        code = f"SYN-{number:05d}"
        person = drawing.person()
        course = course_of(person, rng, today)
        line += 1
        yield _row(line, code, 1, person, form_of(course, person, rng))
        if course.second_here and course.second <= course.seen_until and line < count:
            line += 1
            day = person.day_0 + dt.timedelta(days=course.second)
            later = drawing.again(person, day)
            yield _row(line, code, 2, later, form_of(_rest(course, later, rng), later, rng))


def _rest(first: Course, person: Person, rng: random.Random) -> Course:
    """The course after a second transplant ends as that of the patient ends."""
    seen = first.seen_until - first.second
    takes = int(rng.lognormvariate(2.95, 0.3))
    made = Course(contact=first.contact, cause=first.cause, seen_until=seen)
    made.death = seen if first.contact == "dead" else made.death
    if rng.random() < 0.8 and takes <= seen:
        made.neutrophils = takes
    return made


def _row(line: int, code: str, sequence: int, person: Person, form: dict[str, Any]) -> HistoricRow:
    values: dict[str, Any] = {
        "infused_on": person.day_0,
        "graft_type": person.graft_type,
        "diagnosis": person.diagnosis,
        "stage": person.stage,
        "symptomatic": person.symptomatic,
        "age_years": Decimal(f"{person.age:.2f}"),
        "sex": person.sex,
        "weight_kg": person.weight,
        **person.more,
    }
    empty: dict[str, Any] = {"hct_ci": None, "karnofsky": None, "tbi_gy": None, "months_followed": None}
    return HistoricRow(
        line,
        person.place.code,
        code,
        sequence,
        tuple(values.get(name, empty.get(name, "")) for name in OF_TRANSPLANT),
        tuple(tuple(unit[name] for name in OF_UNIT) for unit in person.units),
        tuple(form[name] for name in OF_FORM),
    )
