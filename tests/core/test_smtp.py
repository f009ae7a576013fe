"""E-mails through Django's SMTP backend to a mail server on loopback, as they really leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import mails
from core.models import OutgoingMail, User
from core.roles import Role
from tests.core.smtp_sink import Sink, listening
from tests.core.telling import IMPORTANT, URGENT, only_mail, told
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.reservations import ReservationFactory
from transplants import notices

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kind")]


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with listening() as found:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "Qidai <qidai@bank.example>"
        settings.PUBLIC_URL = "https://qidai.example.org"
        yield found


def test_an_email_in_each_language_arrives_as_it_was_written(sink: Sink) -> None:
    from core.notifications import notifications_create

    people = {
        language: UserFactory(roles=[Role.SEARCH_COORDINATOR], language=language)
        for language in ("en", "zh-hans")
    }
    row = ReservationFactory(active=True)
    notifications_create(notices=notices.held(row))

    assert mails.mails_send()["sent"] == 2

    letters = {letter.to[0]: letter for letter in sink.letters}
    unit, patient = row.unit.public_no, row.patient.code
    words = {
        "en": (f"Qidai: a reserved unit is on hold ({patient})", f"{unit}, kept for patient {patient}"),
        "zh-hans": (f"预留的脐带血已暂停（{patient}）", "暂停"),
    }
    for language, (subject, text) in words.items():
        letter = letters[people[language].email]
        assert letter.sender == "qidai@bank.example"
        message = letter.message
        assert subject in message["Subject"]
        assert message["From"] == "Qidai <qidai@bank.example>"
        assert message["To"] == people[language].email
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"].endswith("@bank.example>")
        assert message.get_content_charset() == "utf-8"
        body = message.get_content()
        assert text in body
        assert body.rstrip().endswith("https://qidai.example.org/profile/notices/")
        assert "://" not in body.replace("https://qidai.example.org/", "")
    assert len({letter.message["Message-ID"] for letter in sink.letters}) == 2


def test_a_line_that_begins_with_a_full_stop_arrives_whole(sink: Sink, user: User) -> None:
    told(user, "P1\n.second line")
    told(user, "P2")  # the newest is the subject

    mails.mails_send()

    assert "\n.second line" in sink.letters[0].message.get_content()


def test_a_person_whom_the_server_does_not_know_is_told_to_the_administrator(sink: Sink, user: User) -> None:
    sink.refuse = {user.email}
    told(user)

    assert mails.mails_send()["sent"] == 0
    assert sink.letters == []
    assert "no such person here" in only_mail().error
    sink.refuse = set()
    OutgoingMail.objects.update(due_at=timezone.now())
    assert mails.mails_send()["sent"] == 1


def test_a_server_that_hangs_up_gets_it_again_under_the_same_id(sink: Sink, user: User) -> None:
    """Taken or not: that cannot be known. The Message-ID lets the receiver see that it is one e-mail."""
    sink.hang_up = True
    told(user)
    assert mails.mails_send()["sent"] == 0

    sink.hang_up = False
    OutgoingMail.objects.update(due_at=timezone.now())
    assert mails.mails_send()["sent"] == 1
    assert len(sink.letters) == 2
    assert len({letter.message["Message-ID"] for letter in sink.letters}) == 1


def test_who_wants_no_more_of_it_finds_the_way_from_the_email(sink: Sink, user: User) -> None:
    """Signed out, by way of the sign-in, to the page where one chooses; of what is urgent one cannot be rid."""
    told(user, "P1")
    told(user, "P2", topic="patient:2", kind=URGENT)

    mails.mails_send()

    letters = {letter.message["Subject"]: letter.message for letter in sink.letters}
    ordinary, urgent = letters["News of P1"], letters["News of P2"]
    assert urgent["List-Unsubscribe"] is None
    address = ordinary["List-Unsubscribe"]
    assert address == "<https://qidai.example.org/profile/notices/>"
    assert address.strip("<>") in ordinary.get_content()

    client, path = Client(), address.strip("<>").removeprefix("https://qidai.example.org")
    entrance = client.get(path)
    assert entrance.status_code == 302
    signed_in = client.post(entrance.url, {"login": user.email, "password": PASSWORD})
    assert signed_in.url == path
    assert client.get(path).status_code == 200


def test_an_email_that_holds_something_ordinary_can_be_unsubscribed(sink: Sink, user: User) -> None:
    told(user, "P1", kind=IMPORTANT)
    told(user, "P2")

    mails.mails_send()

    assert sink.letters[0].message["List-Unsubscribe"] is not None
    told(user, "P3", topic="patient:3", kind=IMPORTANT)
    mails.mails_send()
    assert sink.letters[1].message["List-Unsubscribe"] is None
