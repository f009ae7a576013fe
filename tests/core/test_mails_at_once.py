"""E-mails and what else is done with them at the same moment, on connections of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.utils import timezone

from core import mails
from core.models import OutgoingMail, User
from tests.core.telling import told
from tests.matching.threads import together, while_in_transaction

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("kind")]


def test_what_is_being_added_to_an_email_goes_out_with_it(user: User) -> None:
    first = told(user, "P1")

    while_in_transaction(lambda: told(user, "P2"), lambda: mails.mail_send(mail_id=first.mail_id))

    (sent,) = outbox.outbox
    assert "- Patient P1\n- Patient P2\n" in sent.body


def test_one_that_is_being_joined_to_another_is_not_sent_beside_it(user: User) -> None:
    first = told(user, "P1")
    claimed = timezone.now()
    OutgoingMail.objects.update(state="sending", claimed_at=claimed)
    second = told(user, "P2")
    assert second.mail_id != first.mail_id
    failing = OutgoingMail.objects.get(pk=first.mail_id)

    while_in_transaction(
        lambda: mails._back(failing, timedelta(0), error="no server"),
        lambda: mails.mail_send(mail_id=second.mail_id),
    )

    assert not outbox.outbox
    assert OutgoingMail.objects.get().pk == first.mail_id
    assert mails.mails_send()["sent"] == 1
    assert "- Patient P1\n- Patient P2\n" in outbox.outbox[0].body


def test_of_many_workers_one_sends(user: User) -> None:
    mail_id = told(user, "P1").mail_id

    together(*[lambda: mails.mail_send(mail_id=mail_id)] * 8)

    assert len(outbox.outbox) == 1
    assert OutgoingMail.objects.get().state == "sent"
