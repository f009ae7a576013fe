"""Writes of core that people or commands ask for."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import FeedToken, Installation, RoleGrant, User
from core.roles import Role


@transaction.atomic
def user_create(*, email: str, full_name: str, password: str, roles: Iterable[Role], by: Actor) -> User:
    """A person who may sign in, with the given roles."""
    email = email.strip().lower()
    if User.objects.filter(email=email).exists():
        raise Conflict(
            "user_exists", _("%(email)s has an account already."), params={"email": email}, field="email"
        )
    try:
        validate_password(password)
    except ValidationError as error:
        raise InvalidInput("weak_password", " ".join(error.messages), field="password") from error
    user = User.objects.create_user(email=email, password=password, full_name=full_name)
    granted = sorted(set(roles))
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in granted)
    audit.record(actor=by, action="user.create", target=user, after={"email": email, "roles": granted})
    return user


@transaction.atomic
def user_set_language(*, user: User, language: str) -> User:
    """A preference, not a clinical fact: no audit entry."""
    if language not in dict(settings.LANGUAGES):
        raise InvalidInput("unknown_language", _("Qidai does not speak this language."), field="language")
    User.objects.filter(pk=user.pk).update(language=language)
    user.language = language
    return user


@transaction.atomic
def installation_mark_synthetic(*, by: Actor) -> Installation:
    """From now on every page says that the data are invented."""
    row, _created = Installation.objects.update_or_create(pk=1, defaults={"synthetic": True})
    audit.record(actor=by, action="installation.mark_synthetic", target=row)
    return row


def password_proposal() -> str:
    """A first password: long enough that it need not be remembered, handed over once, changed by its person."""
    return secrets.token_urlsafe(12)


@transaction.atomic
def user_set_roles(*, user_id: UUID, roles: Iterable[Role], by: User) -> User:
    """What the person may do from now on. An administrator cannot take his own role away by a slip."""
    user = _locked(user_id)
    before, after = sorted(user.roles), sorted(set(roles))
    if user.pk == by.pk and Role.ADMIN in before and Role.ADMIN not in after:
        raise Conflict(
            "own_admin_role", _("You cannot take your own administrator role away."), field="roles"
        )
    if before == after:
        return user
    user.role_grants.exclude(role__in=after).delete()
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in after if role not in before)
    audit.record(
        actor=Actor.user(by),
        action="user.roles",
        target=user,
        before={"roles": before},
        after={"roles": after},
    )
    return User.objects.get(pk=user.pk)


@transaction.atomic
def user_set_active(*, user_id: UUID, active: bool, by: User) -> User:
    """An inactive person is signed out at the next click and cannot sign in; nothing of his work is lost."""
    user = _locked(user_id)
    if user.pk == by.pk:
        raise Conflict("own_account", _("You cannot close your own account."))
    if user.is_active == active:
        return user
    user.is_active = active
    user.save(update_fields=["is_active"])
    if not active:
        FeedToken.objects.filter(user=user).delete()  # an account opened again makes a new link
    audit.record(
        actor=Actor.user(by),
        action="user.activate" if active else "user.deactivate",
        target=user,
        before={"is_active": not active},
        after={"is_active": active},
    )
    return user


@transaction.atomic
def user_change_password(*, user: User, password: str) -> User:
    """The person's own new password, checked by the form. The audit says that it was changed, never to what."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(actor=Actor.user(user), action="user.change_password", target=user)
    return user


@transaction.atomic
def user_reset_password(*, user_id: UUID, by: User) -> str:
    """A new first password, returned once and stored only as a hash. All sessions of the person end."""
    user, password = _locked(user_id), password_proposal()
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(actor=Actor.user(by), action="user.reset_password", target=user)
    return password


def _locked(user_id: UUID) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user_id)
