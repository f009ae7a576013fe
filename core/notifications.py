"""Notifications: the apps say what a code means; core writes them, counts them, sends them by e-mail.

`text` goes into e-mails too: it may name a patient by code, and nothing else of him.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.models import Notification, OutgoingMail, User
from core.roles import Permission

log = logging.getLogger("qidai.notifications")

Params = Mapping[str, Any]
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


@dataclass(frozen=True)
class Kind:
    """What a code means. text, url, subject: of its params, in the language that is active.

    permission: without it, for the hospital concerned, a person is shown nothing any more.
    """

    code: str
    text: Callable[[Params], str]
    url: Callable[[Params], str]
    subject: Callable[[Params], str]
    permission: Permission


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.code] = kind


def text_of(row: Notification) -> str:
    """In the active language; a code that no app knows any more stays readable as it is."""
    kind = _kinds.get(row.code)
    return kind.text(row.params) if kind else row.code


def url_of(row: Notification) -> str:
    kind = _kinds.get(row.code)
    return kind.url(row.params) if kind else ""


def subject_of(row: Notification) -> str:
    kind = _kinds.get(row.code)
    return kind.subject(row.params) if kind else row.code


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


@transaction.atomic
def notifications_create(*, notices: Iterable[Notice]) -> list[Notification]:
    """Tell people, and put it into their next e-mail if they want any. An e-mail that is due is rung after commit.

    The persons' rows are locked in one order, so that two writers wait for one another instead of both failing.
    Not in the audit trail: what was done stands there by the service that tells of it.
    """
    wanted = list(notices)
    ids = {notice.user_id for notice in wanted}
    people = User.objects.filter(pk__in=ids, is_active=True).order_by("pk").select_for_update(no_key=True)
    users = {user.pk: user for user in people}
    made, due = [], False
    for notice in wanted:
        if (user := users.get(notice.user_id)) is None:
            continue
        mail = _mail_for(user, notice.topic) if user.email_notices and is_mail_sent() else None
        due = due or (mail is not None and mail.due_at <= timezone.now())
        made.append(_written(notice, mail))
    if due:
        transaction.on_commit(_ring)
    return made


def _written(notice: Notice, mail: OutgoingMail | None) -> Notification:
    row: Notification = Notification.objects.create(
        user_id=notice.user_id,
        code=notice.code,
        params=dict(notice.params),
        topic=notice.topic,
        permission=_kinds[notice.code].permission,
        hospital_id=notice.hospital_id,
        mail=mail,
    )
    return row


def _mail_for(user: User, topic: str) -> OutgoingMail:
    """The e-mail that waits for this person and topic, or a new one. The caller holds the person's row."""
    mails = OutgoingMail.objects.filter(user=user, topic=topic)
    waiting: OutgoingMail | None = mails.filter(state=OutgoingMail.State.WAITING).first()
    if waiting is not None:
        return waiting
    due_at = timezone.now() if not mails.of_today().exists() else next_morning()
    made: OutgoingMail = OutgoingMail.objects.create(user=user, topic=topic, due_at=due_at)
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


@transaction.atomic
def user_set_email_notices(*, user: User, wanted: bool) -> User:
    """A preference, not a clinical fact: no audit entry. What waits to be sent is dropped when it is due."""
    User.objects.filter(pk=user.pk).update(email_notices=wanted)
    user.email_notices = wanted
    return user
