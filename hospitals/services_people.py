"""Departments of hospitals, and who works in which: one transaction each, row lock, guard, change, audit entry last."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from hospitals.data import DepartmentData
from hospitals.models import Department, Hospital, Membership


@transaction.atomic
def department_add(*, hospital_id: UUID, data: DepartmentData, by: Actor) -> Department:
    """Raises InvalidInput where the hospital has a department of that name, in whatever case it is written."""
    hospital = Hospital.objects.select_for_update(no_key=True).get(pk=hospital_id)
    data = _plain(data)
    try:
        with transaction.atomic():
            row: Department = Department.objects.create(hospital=hospital, **asdict(data))
    except IntegrityError:
        raise _name_taken(data.name) from None
    _record(row, "department.added", by, after=asdict(data))
    return row


@transaction.atomic
def department_update(*, department_id: UUID, data: DepartmentData, version: int, by: Actor) -> Department:
    """`version` is the one the person saw: a change made in the meantime is never overwritten."""
    rows = Department.objects.select_related("hospital").select_for_update(no_key=True, of=("self",))
    row: Department = rows.get(pk=department_id)
    if row.version != version:
        raise Conflict(
            "department_changed",
            _("Somebody else changed this department in the meantime. Look at the new values and try again."),
        )
    values = asdict(_plain(data))
    before, after = audit.changes({name: getattr(row, name) for name in values}, values)
    if not after:
        return row
    for name, value in {**after, "version": version + 1}.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save(update_fields=[*after, "version"])
    except IntegrityError:
        raise _name_taken(row.name) from None
    _record(row, "department.updated", by, before=before, after=after)
    return row


@transaction.atomic
def membership_add(
    *, hospital_id: UUID, user_id: UUID, title: str = "", department_id: UUID | None = None, by: Actor
) -> Membership:
    hospital = Hospital.objects.select_for_update(no_key=True).get(pk=hospital_id)
    user = User.objects.get(pk=user_id)
    if not user.is_hospital_staff:
        message = _("%(person)s has no role of a hospital yet: give the role first.")
        raise InvalidInput(
            "membership_without_role", message, field="email", params={"person": user.full_name}
        )
    if Membership.objects.filter(hospital=hospital, user=user).exists():
        raise Conflict(
            "membership_exists",
            _("%(person)s belongs to this hospital already."),
            field="email",
            params={"person": user.full_name},
        )
    department = _own_department(hospital.pk, department_id)
    membership: Membership = Membership.objects.create(
        hospital=hospital, user=user, title=title, department=department
    )
    _record(membership, "membership.added", by, after={"user": str(user.pk), **_place(membership)})
    return membership


@transaction.atomic
def membership_update(
    *, membership_id: UUID, title: str, department_id: UUID | None, shown: str, by: Actor
) -> Membership:
    """shown: `as_shown` of the form; Conflict where somebody changed or removed the person in the meantime."""
    row = _locked_membership(membership_id)
    if row.as_shown != shown:
        raise Conflict(
            "membership_changed",
            _("Somebody else changed this person in the meantime. Look at the new values and try again."),
        )
    department = _own_department(row.hospital_id, department_id, now=row.department_id)
    before = _place(row)
    row.title, row.department = title.strip(), department
    before, after = audit.changes(before, _place(row))
    if after:
        row.save(update_fields=["title", "department"])
        _record(row, "membership.updated", by, before=before, after=after)
    return row


@transaction.atomic
def membership_remove(*, membership_id: UUID, reason: str, by: Actor) -> None:
    membership = _locked_membership(membership_id)
    target = audit.target_of(membership)
    before = {"user": str(membership.user_id), **_place(membership)}
    membership.delete()
    audit.record(
        actor=by,
        action="membership.removed",
        target=target,
        before=before,
        reason=reason,
        hospital_id=membership.hospital_id,
    )


# --- parts of them ----------------------------------------------------------------------------------


def _locked_membership(membership_id: UUID) -> Membership:
    rows = Membership.objects.select_related("user", "hospital", "department")
    found: Membership | None = (
        rows.select_for_update(no_key=True, of=("self",)).filter(pk=membership_id).first()
    )
    if found is None:
        raise Conflict("membership_gone", _("This person was removed from the hospital already."))
    return found


def _own_department(
    hospital_id: UUID, department_id: UUID | None, now: UUID | None = None
) -> Department | None:
    """One of this hospital, active unless the person is in it `now`. None where none was chosen."""
    if department_id is None:
        return None
    found: Department | None = Department.objects.filter(hospital=hospital_id, pk=department_id).first()
    if found is None or not (found.active or found.pk == now):
        message = _("Choose an active department of this hospital.")
        raise InvalidInput("department_unknown", message, field="department")
    return found


def _place(row: Membership) -> dict[str, Any]:
    return {"title": row.title, "department": row.department.name if row.department else ""}


def _plain(data: DepartmentData) -> DepartmentData:
    """A name as one writes it, without idle blanks: two spellings of one name are one department."""
    name = " ".join(data.name.replace("\0", "").split())
    if not name:
        raise InvalidInput("name_missing", _("Give the department a name."), field="name")
    return replace(data, name=name)


def _name_taken(name: str) -> InvalidInput:
    message = _("This hospital has a department %(name)s already.")
    return InvalidInput("department_exists", message, field="name", params={"name": name})


def _record(row: Department | Membership, action: str, by: Actor, **values: Any) -> None:
    audit.record(actor=by, action=action, target=row, hospital_id=row.hospital_id, **values)
