"""What this app tells core: who belongs where, where patients are found, what waits, the navigation."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import access, find, nav, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem
from hospitals.codes import normalise_code
from hospitals.models import Hospital, Membership, Patient
from hospitals.querysets import PatientQuerySet

_MAX_HITS = 10


def register() -> None:
    access.register_hospital_provider(hospital_ids)
    find.register(find_patients)
    find.register(find_hospitals)
    work.register(work_items)
    nav.register(
        NavItem(20, gettext_lazy("Patients"), "hospitals:patient-list", Permission.PATIENT_VIEW, "/patients/")
    )
    nav.register(
        NavItem(
            60, gettext_lazy("Hospitals"), "hospitals:hospital-list", Permission.HOSPITAL_VIEW, "/hospitals/"
        )
    )


def hospital_ids(user: User) -> frozenset[UUID]:
    return frozenset(Membership.objects.filter(user=user).values_list("hospital_id", flat=True))


def find_patients(user: User, text: str) -> list[Hit]:
    """Patients by code or a part of it; a whole code in any spelling is exact."""
    exact = normalise_code(text)
    rows = Patient.objects.visible_to(user).matching(text).select_related("hospital")[:_MAX_HITS]
    return [
        Hit(
            kind=_("Patient"),
            label=patient.code,
            url=reverse("hospitals:patient-detail", args=[patient.pk]),
            detail=f"{patient.hospital} · {patient.get_state_display()}",
            exact=patient.code == exact,
        )
        for patient in rows
    ]


def find_hospitals(user: User, text: str) -> list[Hit]:
    rows = Hospital.objects.visible_to(user).matching(text)[:_MAX_HITS]
    return [
        Hit(
            kind=_("Hospital"),
            label=hospital.display_name,
            url=reverse("hospitals:hospital-detail", args=[hospital.pk]),
            detail=f"{hospital.code} · {hospital.city}",
            exact=hospital.code.casefold() == text.casefold(),
        )
        for hospital in rows
    ]


def work_items(user: User) -> list[WorkItem]:
    """For those who edit patients: who cannot be searched yet, oldest first."""
    if not user.has_permission(Permission.PATIENT_EDIT):
        return []
    waiting = Patient.objects.visible_to(user).open_for(user, Permission.PATIENT_EDIT).active()
    return [
        *_item(
            waiting.untyped(),
            "?typing=missing",
            lambda n: (
                ngettext("%(n)d patient has no HLA typing", "%(n)d patients have no HLA typing", n) % {"n": n}
            ),
            _("Without a typing no unit can be searched."),
        ),
        *_item(
            waiting.filter(weight_kg__isnull=True),
            "?weight=missing",
            lambda n: ngettext("%(n)d patient has no weight", "%(n)d patients have no weight", n) % {"n": n},
            _("Without a weight no dose per kg can be shown."),
        ),
    ]


def _item(rows: PatientQuerySet, query: str, title: Callable[[int], str], detail: str) -> list[WorkItem]:
    count = rows.count()
    if not count:
        return []
    return [
        WorkItem(
            title=title(count),
            url=reverse("hospitals:patient-list") + query,
            detail=detail,
            since=rows.order_by("created_at").values_list("created_at", flat=True).first(),
            kind="patient",
            count=count,
        )
    ]
