"""The outbox: e-mails claimed, sent outside any transaction, tried again, given up visibly."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit, jobs, kinds, notifications, preferences
from core.audit import Actor
from core.errors import Conflict
from core.models import Notification, OutgoingMail, User

log = logging.getLogger("qidai.mails")

# Minutes until the next attempt; after the last the e-mail has failed.
RETRY_MINUTES: Final = (1, 5, 30, 120, 360)
LOST_AFTER: Final = timedelta(minutes=15)  # claimed longer ago than any attempt lasts: its worker is dead
MOST_LINES: Final = 20
AT_ONCE: Final = 50
_State = OutgoingMail.State


def mails_send() -> dict[str, int]:
    """Send what is due, at most AT_ONCE. Run by the beat and rung after a commit; as often as one likes."""
    taken_back = sum(_taken_back(mail) for mail in OutgoingMail.objects.without_a_sign_of_life(LOST_AFTER))
    due = list(OutgoingMail.objects.due().values_list("pk", flat=True)[:AT_ONCE])
    return {"taken_back": taken_back, "sent": sum(mail_send(mail_id=pk) for pk in due)}


def mail_send(*, mail_id: UUID) -> bool:
    """Send one e-mail if it is due and nobody else has it. True: it went out now."""
    mail = _claimed(mail_id)
    if mail is None:
        return False
    rows = _to_tell(mail)
    if not rows or not mail.user.is_active:
        _end(mail, state=_State.DROPPED)
        return False
    todays = OutgoingMail.objects.filter(user=mail.user_id, topic=mail.topic, urgent=False).of_today()
    if not mail.urgent and todays.exclude(pk=mail.pk).exists():
        _back(mail, notifications.next_morning() - timezone.now(), error="")
        return False
    return _sent(mail, rows)


@transaction.atomic
def _claimed(mail_id: UUID) -> OutgoingMail | None:
    """Waiting → sending; None unless it is due and nobody else has it.

    Under the lock of its person, as whoever writes a notification or joins one e-mail to another: what is being added
    to it goes out with it, and one that is being joined to another is not sent beside it. In quiet hours it stays
    where it is until they end: that is no attempt.
    """
    found = OutgoingMail.objects.filter(pk=mail_id).values_list("user_id", "urgent").first()
    if found is None:
        return None
    user = User.objects.select_for_update(no_key=True).get(pk=found[0])
    now = timezone.now()
    mine = OutgoingMail.objects.filter(pk=mail_id, state=_State.WAITING, due_at__lte=now)
    if end := preferences.quiet_end(preferences.wishes_of_one(user).quiet, now, urgent=found[1]):
        mine.update(due_at=end)
        return None
    if not mine.update(state=_State.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return None
    claimed: OutgoingMail = OutgoingMail.objects.select_related("user").get(pk=mail_id)
    return claimed


def _sent(mail: OutgoingMail, rows: list[Notification]) -> bool:
    """Outside any transaction: a mail server may take its time."""
    try:
        _message(mail, rows).send()
    except (
        Exception
    ) as error:  # not only SMTP: an address that no name server takes, a text that cannot be made
        if jobs.ends_the_work(error):
            raise
        log.warning("e-mail %s was not sent", mail.pk, exc_info=True)
        _try_again(mail, f"{type(error).__name__}: {error}")
        return False
    now = timezone.now()
    return _end(mail, state=_State.SENT, sent_at=now, sent_on=timezone.localdate(now), error="")


def _to_tell(mail: OutgoingMail) -> list[Notification]:
    """What the person has not read meanwhile, still may see, and still wants by e-mail."""
    rows = Notification.objects.visible_to(mail.user).filter(mail=mail, read_at__isnull=True)
    wishes = preferences.wishes_of_one(mail.user)
    return [row for row in rows.order_by("created_at", "pk") if wishes.way(row.code) != preferences.Way.APP]


def _end(mail: OutgoingMail, **values: object) -> bool:
    mine = OutgoingMail.objects.filter(pk=mail.pk, state=_State.SENDING, claimed_at=mail.claimed_at)
    return bool(mine.update(**values))


def _message(mail: OutgoingMail, rows: list[Notification]) -> EmailMessage:
    """In the person's language. The Message-ID is that of the row: a repeated e-mail can be known as one."""
    with translation.override(mail.user.language or settings.LANGUAGE_CODE):
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ") or "localhost"
        return EmailMessage(
            subject=_subject(mail, rows),
            body=body_of(rows),
            to=[mail.user.email],
            headers={
                "Message-ID": f"<{mail.pk}@{domain}>",
                "Auto-Submitted": "auto-generated",
                **_unsubscribing(rows),
            },
        )


def _unsubscribing(rows: list[Notification]) -> dict[str, str]:
    """Where one chooses to get no more of it (RFC 2369); of what is important nobody can."""
    known = [kind for row in rows if (kind := kinds.get(row.code))]
    if not settings.PUBLIC_URL or all(kind.weight >= kinds.Weight.IMPORTANT for kind in known):
        return {}
    return {"List-Unsubscribe": f"<{settings.PUBLIC_URL}{reverse('core:notice-preferences')}>"}


def _subject(mail: OutgoingMail, rows: list[Notification]) -> str:
    """Of the newest; the daily e-mail, which is about many things, says how many."""
    if mail.topic != preferences.DIGEST:
        return kinds.subject_of(rows[-1])
    text = ngettext("Qidai: %(n)d notification", "Qidai: %(n)d notifications", len(rows))
    return text % {"n": len(rows)}


def body_of(rows: list[Notification]) -> str:
    """A line for each notification and its link; no typing, no date, nothing of a patient but the code."""
    lines = []
    for row in rows[:MOST_LINES]:
        lines.append(f"- {kinds.text_of(row)}")
        if settings.PUBLIC_URL:
            lines.append(f"  {settings.PUBLIC_URL}{reverse('core:notification-open', args=[row.pk])}")
    if len(rows) > MOST_LINES:
        lines.append(_("… and %(n)d more.") % {"n": len(rows) - MOST_LINES})
    lines += [
        "",
        _("Sign in to Qidai to read more. This e-mail names patients by their code only."),
        _("You get at most one e-mail a day and patient, unless it is urgent."),
        _("Choose in Qidai, under Profile, what you get by e-mail and when."),
    ]
    if settings.PUBLIC_URL:
        lines.append(f"{settings.PUBLIC_URL}{reverse('core:notice-preferences')}")
    return "\n".join(lines) + "\n"


def _try_again(mail: OutgoingMail, error: str) -> bool:
    wait = RETRY_MINUTES[min(mail.attempts, len(RETRY_MINUTES)) - 1]
    return _back_or_failed(mail, timedelta(minutes=wait), error)


def _taken_back(mail: OutgoingMail) -> bool:
    """At once, for LOST_AFTER has passed already. One that kills its worker each time is given up like any other."""
    return _back_or_failed(mail, timedelta(0), mail.error or "the worker ended while it sent this e-mail")


def _back_or_failed(mail: OutgoingMail, wait: timedelta, error: str) -> bool:
    """False: another worker has it meanwhile."""
    if mail.attempts > len(RETRY_MINUTES):
        return _end(mail, state=_State.FAILED, error=error[:1000])
    return _back(mail, wait, error=error)


@transaction.atomic
def _back(mail: OutgoingMail, wait: timedelta, *, error: str) -> bool:
    """Sending → waiting. What began to wait for the same person and topic meanwhile goes into this one."""
    User.objects.select_for_update(no_key=True).get(pk=mail.user_id)  # as whoever writes notifications
    mine = OutgoingMail.objects.filter(pk=mail.pk, state=_State.SENDING, claimed_at=mail.claimed_at)
    if not mine.exists():
        return False
    others = OutgoingMail.objects.filter(
        user=mail.user_id, topic=mail.topic, urgent=mail.urgent, state=_State.WAITING
    )
    for other in others:
        other.notifications.update(mail=mail)
        other.delete()
    mine.update(state=_State.WAITING, due_at=timezone.now() + wait, error=error[:1000], claimed_at=None)
    return True


@transaction.atomic
def mail_retry(*, mail_id: UUID, actor: Actor) -> OutgoingMail:
    """Try a failed e-mail again from the start."""
    mail = OutgoingMail.objects.get(pk=mail_id)
    User.objects.select_for_update(no_key=True).get(pk=mail.user_id)
    failed = OutgoingMail.objects.filter(pk=mail.pk, state=_State.FAILED)
    claimed = failed.update(state=_State.SENDING, claimed_at=timezone.now(), attempts=0)
    mail.refresh_from_db()
    if not claimed:
        raise Conflict("mail_not_failed", _("Only an e-mail that failed can be tried again."))
    _back(mail, timedelta(0), error=mail.error)
    audit.record(actor=actor, action="mail.retry", target=("core.OutgoingMail", str(mail.pk), mail.topic))
    mail.refresh_from_db()
    return mail
