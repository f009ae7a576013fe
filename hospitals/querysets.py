"""Every filtered read of hospitals and patients. `visible_to` is the only way to another hospital's data.

`open_for` narrows it to the rows an action may touch: what one role shows, another may not change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, Max, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce

from core.roles import BANK_ROLES, ROLE_PERMISSIONS, Permission
from hospitals.choices import DUE, PatientState, Qualification
from hospitals.codes import normalise_code

if TYPE_CHECKING:
    from core.models import User

QUALIFICATION_WARN: Final = dt.timedelta(days=60)  # before its end it is to be renewed


def hospitals_open_to(user: User, permission: Permission) -> frozenset[UUID] | None:
    """The hospitals whose rows `permission` opens to the user; None means all of them.

    All only if a role *of the bank* carries the permission: a coordinator of one hospital who also helps to
    collect units sees no other hospital's patients. Without the permission the set is empty.
    """
    if not user.is_authenticated or not user.has_permission(permission):
        return frozenset()
    if any(permission in ROLE_PERMISSIONS[role] for role in user.roles & BANK_ROLES):
        return None
    return user.hospital_ids


def open_in(user: User, permission: Permission, hospital_id: UUID) -> bool:
    """Whether `permission` reaches this hospital's rows: what a page asks before it offers a button."""
    opened = hospitals_open_to(user, permission)
    return opened is None or hospital_id in opened


def members_who(permission: Permission, hospital_id: UUID) -> list[User]:
    """The active members of a hospital whom `permission` opens its rows to: whom a notice goes to."""
    from core.models import User

    members = User.objects.filter(is_active=True, memberships__hospital=hospital_id).distinct().order_by("pk")
    return [user for user in members if open_in(user, permission, hospital_id)]


def reached_by(permission: Permission, hospital_ids: Collection[UUID]) -> set[UUID]:
    """Of these hospitals, those in which a notice finds somebody, as `members_who` says of one."""
    from core.models import User

    people = User.objects.filter(is_active=True, memberships__hospital__in=list(hospital_ids)).distinct()
    able = [user.pk for user in people if user.has_permission(permission)]
    rows = User.objects.filter(pk__in=able, memberships__hospital__in=list(hospital_ids))
    return set(rows.values_list("memberships__hospital", flat=True))


class OfHospital(models.QuerySet[Any]):
    """Rows that belong to a hospital, by the path to it, seen with the permission `_view`."""

    _hospital = "hospital"
    _view: Permission

    def visible_to(self, user: User) -> Self:
        """Members see their own hospitals' rows, bank staff with the permission all of them."""
        return self.open_for(user, self._view)

    def open_for(self, user: User, *permissions: Permission) -> Self:
        """The rows that every one of `permissions` reaches.

        A person may hold one by a role of the bank and another as a member of a hospital: a medical director
        who is also a physician sees all patients, and the identities of the own hospital's only.
        """
        rows = self
        for permission in permissions:
            opened = hospitals_open_to(user, permission)
            rows = rows if opened is None else rows.filter(**{f"{self._hospital}__in": opened})
        return rows


class HospitalQuerySet(OfHospital):
    _hospital = "pk"
    _view = Permission.HOSPITAL_VIEW

    def matching(self, text: str) -> Self:
        """Hospitals whose code, name or city contains every word of `text`."""
        found = self
        for word in text.split():
            found = found.filter(
                Q(code__icontains=word)
                | Q(name__icontains=word)
                | Q(name_zh__icontains=word)
                | Q(city__icontains=word)
            )
        return found

    def by_qualification(self, state: str, day: dt.date) -> Self:
        """Those whose recorded qualification stands so on a day (Qualification), or is to be renewed (DUE)."""
        return self.filter(_qualifications(day)[state])

    def due(self, day: dt.date) -> Self:
        """Active ones whose qualification has ended or ends soon: the bank asks for the new one."""
        return self.filter(active=True).by_qualification(DUE, day)

    def with_activity(self) -> Self:
        """Adds people_count, active_patients, all_patients, last_patient_at (a subquery each: no fan-out)."""
        from hospitals.models import Membership, Patient

        people = Membership.objects.filter(hospital=OuterRef("pk")).order_by().values("hospital")
        patients = Patient.objects.filter(hospital=OuterRef("pk")).order_by().values("hospital")
        return self.annotate(
            people_count=_count(people),
            active_patients=_count(patients.filter(state=PatientState.ACTIVE)),
            all_patients=_count(patients),
            last_patient_at=Subquery(patients.annotate(last=Max("updated_at")).values("last")),
        )


def qualified_on(day: dt.date, prefix: str = "") -> Q:
    """Of rows that lead to a hospital by `prefix`: its qualification is valid on that day."""
    begun = Q(**{f"{prefix}qualified_from__isnull": True}) | Q(**{f"{prefix}qualified_from__lte": day})
    return begun & Q(**{f"{prefix}qualified_until__gte": day})


def _qualifications(day: dt.date) -> dict[str, Q]:
    warned, ended = Q(qualified_until__lte=day + QUALIFICATION_WARN), Q(qualified_until__lt=day)
    soon = qualified_on(day) & warned
    return {
        Qualification.NONE: Q(qualified_until__isnull=True),
        Qualification.ENDED: ended,
        Qualification.TO_COME: Q(qualified_from__gt=day, qualified_until__gte=day),
        Qualification.SOON: soon,
        Qualification.VALID: qualified_on(day) & ~warned,
        DUE: ended | soon,
    }


def _count(grouped: models.QuerySet[Any]) -> Any:
    return Coalesce(Subquery(grouped.annotate(n=Count("pk")).values("n")), 0)


class DepartmentQuerySet(OfHospital):
    _view = Permission.HOSPITAL_VIEW

    def active(self) -> Self:
        return self.filter(active=True)

    def with_members(self) -> Self:
        """Adds members_count."""
        return self.annotate(members_count=Count("members"))


class MembershipQuerySet(OfHospital):
    _view = Permission.HOSPITAL_VIEW

    def with_people(self) -> Self:
        """With account, roles and department, without a query per row; who works here first."""
        rows = self.select_related("user", "department").prefetch_related("user__role_grants")
        return rows.order_by("-user__is_active", "user__full_name", "pk")


class PatientQuerySet(OfHospital):
    """Members see their hospitals' patients; bank staff all, by code only (identity is apart)."""

    _view = Permission.PATIENT_VIEW

    def active(self) -> Self:
        return self.filter(state=PatientState.ACTIVE)

    def with_current_typing(self) -> Self:
        """Prefetches the typing in force, so that `patient.current_typing` costs no query per row."""
        from hospitals.models import PatientHlaTyping

        current = PatientHlaTyping.objects.filter(is_current=True)
        return self.prefetch_related(Prefetch("typings", queryset=current, to_attr="_current_typings"))

    def with_typed(self) -> Self:
        """Adds is_typed and has_typing_conflict: of the typing in force, without a query per row."""
        # notes are lists of [locus, code, values]: containment asks whether one of them has this code
        conflicting = _typed(notes__contains=[["typing_conflict"]])
        return self.annotate(is_typed=_typed(), has_typing_conflict=conflicting)

    def untyped(self) -> Self:
        return self.filter(~_typed())

    def matching(self, text: str) -> Self:
        """Patients whose code contains `text`; a complete code is normalised first."""
        wanted = normalise_code(text) or text.strip()
        return self.filter(code__icontains=wanted)


def _typed(**conditions: Any) -> Exists:
    from hospitals.models import PatientHlaTyping

    return Exists(PatientHlaTyping.objects.filter(patient=OuterRef("pk"), is_current=True, **conditions))


class PatientDataQuerySet(OfHospital):
    """Rows that belong to a patient and are as visible as the patient: weights, typings, sera."""

    _hospital = "patient__hospital"
    _view = Permission.PATIENT_VIEW


class PossibleDuplicateQuerySet(OfHospital):
    """Seen with the permission to merge, which roles of the bank have: no hospital learns of another's patient."""

    _hospital = "first__hospital"
    _view = Permission.PATIENT_MERGE

    def open(self) -> Self:
        """Nobody has said that they are two persons, and neither was merged."""
        return self.filter(
            dismissed_at__isnull=True, first__merged_into__isnull=True, second__merged_into__isnull=True
        )

    def with_names(self) -> Self:
        return self.select_related("first__hospital", "second__hospital", "dismissed_by")


class PatientMergeQuerySet(OfHospital):
    _hospital = "kept__hospital"
    _view = Permission.PATIENT_MERGE

    def in_force(self) -> Self:
        return self.filter(undone_at__isnull=True)

    def with_names(self) -> Self:
        return self.select_related("kept__hospital", "merged__hospital", "made_by", "undone_by")


class AntibodySerumQuerySet(PatientDataQuerySet):
    def in_force(self) -> Self:
        return self.filter(withdrawn_at__isnull=True)

    def with_bead_count(self) -> Self:
        """Adds bead_count: 0 of a serum in which none were found."""
        return self.annotate(bead_count=Count("beads"))


class AntibodyBeadQuerySet(PatientDataQuerySet):
    _hospital = "serum__patient__hospital"

    def in_force(self) -> Self:
        """Of sera that are not withdrawn."""
        return self.filter(serum__withdrawn_at__isnull=True)


class PatientIdentityQuerySet(PatientDataQuerySet):
    def visible_to(self, user: User) -> Self:
        """As the patient, and only with the permission for identities."""
        return self.open_for(user, Permission.PATIENT_VIEW, Permission.PATIENT_IDENTITY)
