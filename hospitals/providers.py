"""What this app tells core: who belongs where, where patients are found, what waits, the navigation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import access, find, kinds, nav, work
from core.find import Hit
from core.models import User
from core.nav import NavItem
from core.roles import Permission
from core.work import WorkItem
from hospitals import notices
from hospitals.choices import DUE
from hospitals.codes import normalise_code
from hospitals.models import Hospital, Membership, Patient, PossibleDuplicate
from hospitals.querysets import QUALIFICATION_WARN, PatientQuerySet

_MAX_HITS = 10


def register() -> None:
    access.register_hospital_provider(hospital_ids)
    access.register_country_provider(countries)
    find.register(find_patients)
    find.register(find_hospitals)
    work.register(work_items)
    kinds.register(notices.DUPLICATE)
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


def countries(user: User) -> frozenset[str]:
    """Of the hospitals that a person works for."""
    rows = Membership.objects.filter(user=user).values_list("hospital__country", flat=True)
    return frozenset(rows)


def find_patients(user: User, text: str) -> list[Hit]:
    """Patients by code or a part of it; a whole code in any spelling is exact."""
    exact = normalise_code(text)
    rows = (
        Patient.objects.visible_to(user).matching(text).select_related("hospital", "merged_into")[:_MAX_HITS]
    )
    return [
        Hit(
            kind=_("Patient"),
            label=patient.code,
            url=reverse("hospitals:patient-detail", args=[patient.merged_into_id or patient.pk]),
            detail=f"{patient.hospital} · {_what_is(patient)}",
            exact=patient.code == exact,
        )
        for patient in rows
    ]


def _what_is(patient: Patient) -> str:
    """The state; of a merged record, whose code leads to the one that is kept, which that is."""
    if patient.merged_into is None:
        return str(patient.get_state_display())
    return _("merged into %(code)s") % {"code": patient.merged_into.code}


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
    """For those who edit patients: who cannot be searched yet, oldest first. For the bank: possible duplicates, and
    qualifications of hospitals that end."""
    found = _duplicates(user) if user.has_permission(Permission.PATIENT_MERGE) else []
    found += _qualifications(user) if user.has_permission(Permission.HOSPITAL_EDIT) else []
    return [*found, *_of_patients(user)] if user.has_permission(Permission.PATIENT_EDIT) else found


def _duplicates(user: User) -> list[WorkItem]:
    rows = PossibleDuplicate.objects.visible_to(user).open().order_by("found_at")
    count = rows.count()
    if not count:
        return []
    title = ngettext(
        "%(n)d pair of records may be one patient", "%(n)d pairs of records may be one patient", count
    )
    return [
        WorkItem(
            title=title % {"n": count},
            url=reverse("hospitals:duplicate-list"),
            detail=_("Find out, then merge them or say why they are two persons."),
            since=rows.values_list("found_at", flat=True)[0],
            kind="patient",
            count=count,
        )
    ]


def _qualifications(user: User) -> list[WorkItem]:
    rows = Hospital.objects.open_for(user, Permission.HOSPITAL_EDIT).due(timezone.localdate())
    until = list(rows.order_by("qualified_until").values_list("qualified_until", flat=True))
    if not until:
        return []
    title = ngettext(
        "%(n)d qualification of a hospital to be renewed",
        "%(n)d qualifications of hospitals to be renewed",
        len(until),
    )
    return [
        WorkItem(
            title=title % {"n": len(until)},
            url=f"{reverse('hospitals:hospital-list')}?qualification={DUE}&sort=qualified",
            detail=_("Each has ended or ends within %(n)d days.") % {"n": QUALIFICATION_WARN.days},
            due_at=_end_of(until[0]),
            kind="hospital",
            count=len(until),
        )
    ]


def _end_of(day: dt.date) -> dt.datetime:
    """The moment at which a day is over, in the bank's time zone."""
    return timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min))


def _of_patients(user: User) -> list[WorkItem]:
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
            waiting.filter(typing_discrepancy=True),
            "?typing=discrepancy",
            lambda n: (
                ngettext(
                    "%(n)d patient whose samples were typed differently",
                    "%(n)d patients whose samples were typed differently",
                    n,
                )
                % {"n": n}
            ),
            _("Settle which typing is right: nothing can be ordered before."),
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
