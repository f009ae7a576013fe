"""Who does what in the demonstration: the people who sign in, their colleagues, and those of other hospitals."""

from __future__ import annotations

from uuid import UUID

from core.models import User
from core.roles import Permission, Role
from hospitals.querysets import members_who


def person(role: Role) -> User:
    """Who signs in with a role, of all who have it: hospitals are full of people without a password."""
    return _signing_in(role)[0]


def colleague(role: Role) -> User:
    """The second one of a role, for what nobody does alone; the same person where there is but one."""
    return _signing_in(role)[-1]


def _signing_in(role: Role) -> list[User]:
    found = list(User.objects.in_roles([role]).order_by("created_at", "email"))
    return [one for one in found if one.has_usable_password()][:2] or found[:1]


def coordinator(hospital_id: UUID) -> User:
    return _of(hospital_id, Permission.PATIENT_EDIT)


def physician(hospital_id: UUID) -> User:
    return _of(hospital_id, Permission.ORDER_PRESCRIBE)


def _of(hospital_id: UUID, permission: Permission) -> User:
    """Of a hospital, who signs in before all others."""
    found = members_who(permission, hospital_id)
    return next((one for one in found if one.has_usable_password()), found[0])
