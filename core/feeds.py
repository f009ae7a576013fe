"""The private link of a person's calendar: made, made anew, revoked, and known again."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import audit
from core.audit import Actor
from core.models import FeedToken, User

_NOTED_EVERY: Final = timedelta(minutes=10)  # calendar programs ask often: not each time is written down


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def feed_make(*, user: User) -> str:
    """A new token, returned once; a former one ends."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    token = secrets.token_urlsafe(32)
    values = {"digest": _digest(token), "created_at": timezone.now(), "fetched_at": None}
    FeedToken.objects.update_or_create(user=user, defaults=values)
    audit.record(actor=Actor.user(user), action="feed.make", target=user)
    return token


@transaction.atomic
def feed_revoke(*, user: User) -> bool:
    """The link leads nowhere from now on. False: there was none."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    count, _rows = FeedToken.objects.filter(user=user).delete()
    if count:
        audit.record(actor=Actor.user(user), action="feed.revoke", target=user)
    return bool(count)


def person_of(token: str) -> User | None:
    """Whose link it is; None for one that is none any more, and for a closed account."""
    row = FeedToken.objects.select_related("user").filter(digest=_digest(token), user__is_active=True).first()
    return row.user if row else None


def feed_fetched(*, user: User) -> None:
    """A mark for the person, so that he sees whether somebody uses the link."""
    now = timezone.now()
    rows = FeedToken.objects.filter(user=user)
    rows.filter(Q(fetched_at__isnull=True) | Q(fetched_at__lt=now - _NOTED_EVERY)).update(fetched_at=now)
