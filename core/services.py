"""Writes of core that people or commands ask for."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import Installation, RoleGrant, User
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
