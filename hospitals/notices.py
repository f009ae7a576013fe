"""What the bank is told of patients: codes, never a name. No hospital is told of a possible duplicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.kinds import Group, Kind
from core.models import User
from core.notifications import Notice
from core.roles import Permission, Role
from hospitals.models import PossibleDuplicate


def possible_duplicate(row: PossibleDuplicate) -> list[Notice]:
    params = {
        "first": row.first.code,
        "first_hospital": row.first.hospital.code,
        "second": row.second.code,
        "second_hospital": row.second.hospital.code,
    }
    people = User.objects.in_roles([Role.SEARCH_COORDINATOR])
    return [Notice(person.pk, "patient.duplicate", f"duplicate:{row.pk}", params) for person in people]


def _text(params: Mapping[str, Any]) -> str:
    text = _(
        "%(first)s (%(first_hospital)s) and %(second)s (%(second_hospital)s) have the same sex, date of birth and HLA "
        "typing. Find out whether they are one person."
    )
    return text % params


def _subject(params: Mapping[str, Any]) -> str:
    return _("Qidai: two records may be of one patient")


DUPLICATE = Kind(
    "patient.duplicate",
    _text,
    lambda params: reverse("hospitals:duplicate-list"),
    _subject,
    Permission.PATIENT_MERGE,
    Group("patients", gettext_lazy("Patients")),
    label=gettext_lazy("Two records may be of one patient"),
    shared=("first", "second"),
)
