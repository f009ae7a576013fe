"""Records that may be of one person: the same sex, day of birth and canonical typing.

Within a hospital people are asked as they type. Of patients of two hospitals neither side learns anything: those are
looked for by a sweep, never while a hospital waits, and only the bank is told.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from uuid import UUID

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from core.errors import Conflict
from hospitals.models import Patient, PatientHlaTyping, PossibleDuplicate
from hospitals.plausibility import Doubt

Pair = tuple[UUID, UUID]
MOST_ALIKE = 20  # records of a group that are paired: more are no twins but a fault of a file


def pair_of(one: UUID, other: UUID) -> Pair:
    """In the order in which the table keeps them."""
    return (one, other) if one < other else (other, one)


def alike_in_hospital(
    *, hospital_id: UUID, sex: str, birth_date: datetime.date, digest: str, but: UUID | None = None
) -> list[Patient]:
    """Patients of this hospital, active or not, that may be the same person; without those of whom that was denied."""
    if not digest:
        return []
    typed = PatientHlaTyping.objects.filter(
        is_current=True, digest=digest, patient__hospital=hospital_id
    ).values("patient")
    rows = Patient.objects.filter(
        pk__in=typed, hospital=hospital_id, sex=sex, birth_date=birth_date, merged_into__isnull=True
    ).exclude(pk=but)
    found = list(rows.order_by("created_at", "pk")[:MOST_ALIKE])
    denied = _denied(but) if found and but else frozenset()
    return [row for row in found if row.pk not in denied]


def _denied(patient_id: UUID) -> frozenset[UUID]:
    rows = PossibleDuplicate.objects.filter(dismissed_at__isnull=False)
    pairs = rows.filter(Q(first=patient_id) | Q(second=patient_id)).values_list("first_id", "second_id")
    return frozenset(one for pair in pairs for one in pair)


def duplicates_of(patient: Patient) -> list[Patient]:
    """For the patient's page: others of the same hospital, and of no other."""
    typing = patient.current_typing
    if typing is None or patient.merged_into_id is not None:
        return []
    return alike_in_hospital(
        hospital_id=patient.hospital_id,
        sex=patient.sex,
        birth_date=patient.birth_date,
        digest=typing.digest,
        but=patient.pk,
    )


def duplicate_code(patient: Patient) -> str:
    return f"possible_duplicate_{patient.code}"


def duplicate_doubts(alike: Iterable[Patient]) -> list[Doubt]:
    text = _(
        "%(code)s of this hospital has the same sex, date of birth and HLA typing: is it the same person? Then go on "
        "with that record. Save only if it is another person, such as a twin."
    )
    return [Doubt(duplicate_code(row), "typing", text % {"code": row.code}) for row in alike]


def guard_duplicates(alike: Collection[Patient], confirmed: Collection[str]) -> None:
    """Raises Conflict unless a person confirmed of each of them that it is somebody else; `details` are the missing."""
    doubts = [doubt for doubt in duplicate_doubts(alike) if doubt.code not in confirmed]
    if doubts:
        message = _("This patient may be in the records of this hospital already.")
        details = [{"field": doubt.field, "code": doubt.code, "text": str(doubt.text)} for doubt in doubts]
        raise Conflict("possible_duplicate_unconfirmed", message, field="confirmed", details=details)


def pairs_alike() -> Iterator[Pair]:
    """All pairs of patients of the whole installation that may be one person."""
    typed = PatientHlaTyping.objects.filter(is_current=True, patient__merged_into__isnull=True)
    keys = ("patient__sex", "patient__birth_date", "digest")
    groups = typed.values(*keys).annotate(n=Count("pk")).filter(n__gt=1).order_by(*keys)
    for group in groups.values_list(*keys):
        same = typed.filter(**dict(zip(keys, group, strict=True))).order_by("patient")
        yield from combinations(same.values_list("patient", flat=True)[:MOST_ALIKE], 2)
