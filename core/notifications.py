"""Notifications: the apps say what happened; core writes them, counts them, sends them by e-mail and web-hook.

The text of a kind goes into e-mails too: it may name a patient by code, and nothing else of him.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import hooks, kinds, preferences
from core.kinds import Params, Weight
from core.models import Notification, OutgoingMail, User
from core.preferences import DIGEST, Way, Wishes

log = logging.getLogger("qidai.notifications")

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


@dataclass(frozen=True)
class Notice:
    """One thing to tell one person. topic: e-mails are collected by it, such as a patient."""

    user_id: UUID
    code: str
    topic: str
    params: Params = field(default_factory=dict)
    hospital_id: UUID | None = None


def is_mail_sent() -> bool:
    """Whether this installation sends e-mails at all (QIDAI_EMAIL_URL)."""
    return bool(settings.EMAIL_BACKEND != NO_MAIL)


_kept: ContextVar[list[Notice] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_back() -> Iterator[list[Notice]]:
    """What is to be told inside is told to nobody yet: the caller creates it once he locks nothing else any more.

    For many steps in one transaction: the rows of people who are told of one are not held while others are locked.
    """
    found: list[Notice] = []
    before = _kept.set(found)
    try:
        yield found
    finally:
        _kept.reset(before)


@transaction.atomic
def notifications_create(*, notices: Iterable[Notice]) -> list[Notification]:
    """Tell people, and put it into their next e-mail if they want any. An e-mail that is due is rung after commit.

    The persons' rows are locked in one order, so that two writers wait for one another instead of both failing.
    Not in the audit trail: what was done stands there by the service that tells of it.
    """
    wanted = list(notices)
    if (kept := _kept.get()) is not None:
        kept += wanted
        return []
    ids = {notice.user_id for notice in wanted}
    people = User.objects.filter(pk__in=ids, is_active=True).order_by("pk").select_for_update(no_key=True)
    users = {user.pk: user for user in people}
    wishes = preferences.wishes_of(users) if is_mail_sent() else {}
    made, due = [], False
    for notice in wanted:
        if (user := users.get(notice.user_id)) is None:
            continue
        mail = _mail_for(user, notice, wishes[user.pk]) if wishes else None
        due = due or (mail is not None and mail.due_at <= timezone.now())
        made.append(_written(notice, mail))
    if due:
        transaction.on_commit(_ring)
    hooks.deliveries_create(notices=wanted)
    return made


def _written(notice: Notice, mail: OutgoingMail | None) -> Notification:
    row: Notification = Notification.objects.create(
        user_id=notice.user_id,
        code=notice.code,
        params=dict(notice.params),
        topic=notice.topic,
        permission=_known(notice.code).permission,
        hospital_id=notice.hospital_id,
        mail=mail,
    )
    return row


def _known(code: str) -> kinds.Kind:
    """Raises LookupError: nobody tells of what no app has registered."""
    kind = kinds.get(code)
    if kind is None:
        raise LookupError(code)
    return kind


def _mail_for(user: User, notice: Notice, wishes: Wishes) -> OutgoingMail | None:
    """The e-mail that waits for this person and topic, or a new one; None where he wants none of this kind.

    The caller holds the person's row.
    """
    way = wishes.way(notice.code)
    if way == Way.APP:
        return None
    urgent = kinds.weight_of(notice.code) == Weight.URGENT
    topic = DIGEST if way == Way.DAILY else notice.topic
    mails = OutgoingMail.objects.filter(user=user, topic=topic, urgent=urgent)
    waiting: OutgoingMail | None = mails.filter(state=OutgoingMail.State.WAITING).first()
    if waiting is not None:
        return waiting
    if way == Way.DAILY:
        due_at = preferences.next_digest()
    else:
        due_at = timezone.now() if urgent or not mails.of_today().exists() else next_morning()
    due_at = preferences.quiet_end(wishes.quiet, due_at, urgent=urgent) or due_at
    made: OutgoingMail = OutgoingMail.objects.create(user=user, topic=topic, urgent=urgent, due_at=due_at)
    return made


def next_morning() -> datetime:
    """When what was collected during a day goes out: MAIL_HOUR of the next day, by the time zone of the bank."""
    tomorrow = timezone.localtime() + timedelta(days=1)
    return tomorrow.replace(hour=settings.MAIL_HOUR, minute=0, second=0, microsecond=0)


def _ring() -> None:
    from core import tasks

    try:
        tasks.send_mails.delay()
    except Exception:  # the broker is away: the row is safe, the beat rings each minute
        log.warning("could not ring for e-mails", exc_info=True)


@transaction.atomic
def notifications_read(*, user: User, ids: Iterable[UUID] | None = None) -> int:
    """Mark the person's own notifications as read, all or these. A mark of the reader's own: no audit entry."""
    rows = Notification.objects.filter(user=user, read_at__isnull=True)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return int(rows.update(read_at=timezone.now()))
