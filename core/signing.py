"""Signing by password (21 CFR 11.200: name and password at each signature), and never one's own work."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from allauth.core import ratelimit
from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core import audit
from core.access import person_of
from core.errors import NotAllowed
from core.models import User


class SignatureForm(forms.Form):
    """The password is the signature."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Give your password: it is your signature.")},
    )


def guard_tries(request: HttpRequest) -> None:
    """Ten tries a minute, counted with those of signing in anew. Raises NotAllowed `too_many_tries`."""
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        raise NotAllowed("too_many_tries", _("Too many tries. Wait a minute, then sign again."))


def guard_signature(user: User, password: str, performers: Collection[str] = ()) -> None:
    """Raises NotAllowed: `own_work` for whoever did what is signed, `wrong_password`.

    performers: ids of people, as text. `signing` writes an audit entry of each refusal.
    """
    if str(user.pk) in performers:
        raise NotAllowed(
            "own_work", _("You entered some of these results yourself. Somebody else must sign.")
        )
    if not user.is_active or not user.check_password(password):
        raise NotAllowed("wrong_password", _("This is not your password."), field="password")


_REFUSED = frozenset({"too_many_tries", "own_work", "wrong_password"})


@contextmanager
def signing(request: HttpRequest, *, target: audit.Target, action: str) -> Iterator[User]:
    """The person who signs by a service that this block calls.

    A refused signature is audited as `action` of `target`, after the service's own transaction has ended.
    """
    user = person_of(request)
    try:
        guard_tries(request)
        yield user
    except NotAllowed as error:
        if error.code in _REFUSED:
            sign_refused(user=user, target=target, action=action, reason=error.code)
        raise


@transaction.atomic
def sign_refused(*, user: User, target: audit.Target, action: str, reason: str) -> None:
    """A try to sign that failed. reason: its code."""
    audit.record(actor=audit.Actor.user(user), action=action, target=target, after={"reason": reason})
