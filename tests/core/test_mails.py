"""E-mails of what was told: once, at most one a day and topic, tried again, never lost."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import BadHeaderError, EmailMessage
from django.db import IntegrityError, OperationalError, transaction
from django.urls import reverse
from django.utils import timezone

from core import kinds, mails, notifications, work
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, Notification, OutgoingMail, RoleGrant, User
from core.notifications import Notice
from core.preferences import Way
from core.roles import Role
from tests.core.telling import URGENT, at, chosen, only_mail, signed_in, told
from tests.factories.core import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kind")]

SYSTEM = Actor.system("test")


def test_an_email_says_what_was_told_and_goes_once(user: User, settings: Any) -> None:
    settings.PUBLIC_URL = "https://qidai.example.org"
    row = told(user)

    assert mails.mails_send() == {"taken_back": 0, "sent": 1}
    assert mails.mails_send() == {"taken_back": 0, "sent": 0}

    (message,) = outbox.outbox
    assert (message.subject, message.to) == ("News of P1", [user.email])
    assert f"- Patient P1\n  https://qidai.example.org/notifications/{row.pk}/" in message.body
    assert message.extra_headers["Message-ID"] == f"<{only_mail().pk}@localhost>"
    assert only_mail().sent_on == timezone.localdate()


def test_without_an_address_of_the_installation_there_is_no_link(user: User) -> None:
    told(user)
    mails.mails_send()

    assert "http" not in outbox.outbox[0].body


def test_it_is_in_the_language_of_the_person(user: User) -> None:
    User.objects.filter(pk=user.pk).update(language="zh-hans")
    told(user)
    mails.mails_send()

    assert "患者 P1" in outbox.outbox[0].body


def test_at_most_one_a_day_and_topic(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    told(user, "P1")
    mails.mails_send()
    told(user, "P2")
    told(user, "P3")
    told(user, "P9", topic="patient:9")

    mails.mails_send()

    assert [message.subject for message in outbox.outbox] == ["News of P1", "News of P9"]
    waiting = OutgoingMail.objects.get(state="waiting")
    assert timezone.localtime(waiting.due_at).hour == 7
    assert timezone.localdate(waiting.due_at) == timezone.localdate() + timedelta(days=1)
    tomorrow = at(days=1, hours=12)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    mails.mails_send()
    assert outbox.outbox[-1].body.startswith("- Patient P2\n- Patient P3\n")


def test_the_day_holds_whatever_time_was_promised(user: User) -> None:
    """A second e-mail that is due the same day, by whatever way, waits for the morning."""
    told(user)
    mails.mails_send()
    told(user)
    OutgoingMail.objects.filter(state="waiting").update(due_at=timezone.now())

    assert mails.mails_send()["sent"] == 0
    assert OutgoingMail.objects.get(state="waiting").due_at > timezone.now()


def test_a_long_list_is_cut_and_says_so(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "MOST_LINES", 2)
    for number in range(5):
        told(user, f"P{number}")
    mails.mails_send()

    assert "… and 3 more." in outbox.outbox[0].body


@pytest.mark.parametrize("why", ["read", "unwanted", "closed", "role lost"])
def test_what_needs_no_email_any_more_is_dropped(user: User, why: str) -> None:
    told(user)
    match why:
        case "read":
            notifications.notifications_read(user=user)
        case "unwanted":
            chosen(user, Way.APP)
        case "closed":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case _:
            RoleGrant.objects.all().delete()

    assert mails.mails_send()["sent"] == 0
    assert only_mail().state == "dropped"


def test_who_wants_none_and_closed_accounts(user: User, settings: Any) -> None:
    closed = UserFactory(roles=[Role.LAB], is_active=False)
    chosen(user, Way.APP)

    told(user)
    assert (
        notifications.notifications_create(notices=[Notice(closed.pk, "test.told", "t", {"code": "P"})]) == []
    )
    chosen(user, Way.NOW)
    settings.EMAIL_BACKEND = notifications.NO_MAIL
    told(user)

    assert not OutgoingMail.objects.exists()
    assert Notification.objects.filter(user=user).count() == 2


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception | None]:
    """The mail server answers as `broken["error"]` says."""
    state: dict[str, Exception | None] = {"error": ConnectionRefusedError("no server")}
    honest = EmailMessage.send

    def send(self: EmailMessage, *args: Any, **kwargs: Any) -> int:
        if state["error"]:
            raise state["error"]
        return honest(self, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "send", send)
    return state


def pass_time() -> None:
    OutgoingMail.objects.filter(state="waiting").update(due_at=timezone.now())


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("no"),
        TimeoutError(),
        smtplib.SMTPServerDisconnected("x"),
        UnicodeError("label empty or too long"),  # smtp://mail..example.org
        BadHeaderError("newline"),
        KeyError("code"),  # of the function that makes the text
    ],
)
def test_a_failed_attempt_is_repeated(user: User, broken: dict[str, Any], error: Exception) -> None:
    broken["error"] = error
    told(user)

    assert mails.mails_send()["sent"] == 0
    waiting = only_mail()
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert waiting.error.startswith(type(error).__name__)
    assert timedelta(0) < waiting.due_at - timezone.now() <= timedelta(minutes=1)
    pass_time()
    broken["error"] = None
    assert mails.mails_send()["sent"] == 1
    assert only_mail().error == ""


def test_after_six_attempts_it_has_failed_visibly_and_can_be_tried_again(
    user: User, broken: dict[str, Any]
) -> None:
    told(user)
    for _ in range(6):
        pass_time()
        mails.mails_send()

    failed = only_mail()
    assert (failed.state, failed.attempts) == ("failed", 6)
    admin = UserFactory(roles=[Role.ADMIN])
    assert "1 e-mail could not be sent" in [item.title for item in work.items_for(admin)]
    page = signed_in(admin).get(reverse("core:mail-list"), {"state": "failed"}).content.decode()
    assert "ConnectionRefusedError: no server" in page
    assert (
        "e-mail could not be sent" in signed_in(user).get(reverse("core:notification-list")).content.decode()
    )

    broken["error"] = None
    signed_in(admin).post(reverse("core:mail-retry", args=[failed.pk]))
    assert mails.mails_send()["sent"] == 1
    assert AuditEntry.objects.filter(action="mail.retry").count() == 1
    with pytest.raises(Conflict):
        mails.mail_retry(mail_id=failed.pk, actor=SYSTEM)
    answer = signed_in(admin).post(reverse("core:mail-retry", args=[failed.pk]), follow=True)
    assert "Only an e-mail that failed" in answer.content.decode()


def test_what_came_while_an_attempt_failed_goes_into_the_same_email(
    user: User, broken: dict[str, Any]
) -> None:
    first = told(user, "P1")

    def meanwhile(self: EmailMessage, *args: Any) -> int:
        told(user, "P2")
        raise ConnectionRefusedError("no server")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmailMessage, "send", meanwhile)
        mails.mails_send()
    broken["error"] = None
    pass_time()

    assert mails.mails_send()["sent"] == 1
    assert only_mail().pk == first.mail_id
    assert "- Patient P1\n- Patient P2\n" in outbox.outbox[0].body


def test_one_whose_worker_died_goes_out_under_the_same_id(user: User) -> None:
    told(user)
    OutgoingMail.objects.update(state="sending", claimed_at=at(hours=-1))

    assert mails.mails_send() == {"taken_back": 1, "sent": 1}
    assert outbox.outbox[0].extra_headers["Message-ID"] == f"<{only_mail().pk}@localhost>"


def test_one_that_kills_its_worker_each_time_is_given_up(user: User) -> None:
    told(user)
    OutgoingMail.objects.update(state="sending", claimed_at=at(hours=-1), attempts=6)

    assert mails.mails_send() == {"taken_back": 1, "sent": 0}
    assert (only_mail().state, only_mail().attempts) == ("failed", 6)
    assert "worker ended" in only_mail().error


def test_a_broken_email_keeps_no_other_back(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    told(user, "P1")
    told(user, "P2", topic="patient:2")
    honest = kinds.subject_of

    def subject(row: Notification) -> str:
        if row.params["code"] == "P1":
            raise KeyError
        return honest(row)

    monkeypatch.setattr(kinds, "subject_of", subject)

    assert mails.mails_send()["sent"] == 1
    assert sorted(OutgoingMail.objects.values_list("state", flat=True)) == ["sent", "waiting"]


def test_a_database_that_is_away_ends_the_work(user: User, broken: dict[str, Any]) -> None:
    broken["error"] = OperationalError("gone")
    told(user)

    with pytest.raises(OperationalError):
        mails.mails_send()


def test_one_that_is_being_sent_is_nobody_elses(user: User) -> None:
    told(user)
    OutgoingMail.objects.update(state="sending", claimed_at=timezone.now())

    assert mails.mails_send() == {"taken_back": 0, "sent": 0}
    assert not mails.mail_send(mail_id=only_mail().pk)


def test_a_worker_that_was_thought_dead_marks_nothing(user: User) -> None:
    told(user)
    claimed = at(hours=-1)
    OutgoingMail.objects.update(state="sending", claimed_at=claimed)
    slow = only_mail()
    mails._back(only_mail(), timedelta(0), error="")

    assert not mails._end(slow, state="failed")
    assert not mails._back(slow, timedelta(0), error="late")
    assert only_mail().state == "waiting"


def test_rung_after_the_commit_and_a_silent_broker_loses_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from core import tasks

    rings = []
    monkeypatch.setattr(tasks.send_mails, "delay", lambda: rings.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        told(user)
    with django_capture_on_commit_callbacks(execute=True):
        told(user)

    def silent() -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.send_mails, "delay", silent)
    with django_capture_on_commit_callbacks(execute=True):
        told(user, topic="patient:2")

    assert len(rings) == 2
    tasks.send_mails()
    assert len(outbox.outbox) == 2


def test_the_database_holds_what_is_promised(user: User) -> None:
    now = timezone.now()
    sent = {"state": "sent", "sent_at": now, "sent_on": timezone.localdate()}
    OutgoingMail.objects.create(user=user, topic="t", **sent)
    OutgoingMail.objects.create(user=user, topic="t")
    wrong: list[dict[str, Any]] = [sent, {}, {"state": "sent"}, {"state": "sending"}, {"state": "no such"}]
    for values in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            OutgoingMail.objects.create(user=user, topic="t", **values)


def test_an_urgent_email_goes_before_the_daily_ones_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the morning hundreds of daily e-mails are due: a recall does not stand behind them."""
    people = [UserFactory(roles=[Role.SEARCH_COORDINATOR]) for _ in range(3)]
    for person in people:
        told(person, "P1")
    OutgoingMail.objects.update(due_at=at(hours=-2))
    on_call = UserFactory(roles=[Role.QA])
    told(on_call, "P9", kind=URGENT)
    monkeypatch.setattr(mails, "AT_ONCE", 1)

    assert mails.mails_send()["sent"] == 1

    assert outbox.outbox[0].to == [on_call.email]
    for _ in people:
        assert mails.mails_send()["sent"] == 1
