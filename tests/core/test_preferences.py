"""How a person wants to be told: by group, once a day, and not in quiet hours; never lost, never twice."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from core import kinds, mails, preferences
from core.errors import InvalidInput
from core.models import GroupChoice, MailSettings, Notification, OutgoingMail, User
from core.preferences import DIGEST, Way, quiet_end
from core.roles import Role
from tests.core.telling import IMPORTANT, URGENT, chosen, only_mail, signed_in, told
from tests.factories.core import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kind")]

EVENING, MORNING = dt.time(22), dt.time(7, 30)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the time by the clock of the bank: `clock("23:00")`, `clock("07:00", day=1)`."""
    base = timezone.localtime()

    def turn(text: str, day: int = 0) -> dt.datetime:
        hour, minute = map(int, text.split(":"))
        now = (base + timedelta(days=day)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        monkeypatch.setattr(timezone, "now", lambda: now.astimezone(dt.UTC))
        return now

    return turn


@pytest.mark.parametrize(
    ("clock_text", "since", "until", "end"),
    [
        ("21:59", "22:00", "07:30", None),
        ("22:00", "22:00", "07:30", (1, "07:30")),
        ("03:00", "22:00", "07:30", (0, "07:30")),
        ("07:30", "22:00", "07:30", None),
        ("12:30", "12:00", "13:00", (0, "13:00")),
        ("13:00", "12:00", "13:00", None),
    ],
)
def test_when_quiet_hours_end(clock: Any, clock_text: str, since: str, until: str, end: Any) -> None:
    now = clock(clock_text)
    quiet = MailSettings(quiet_from=dt.time.fromisoformat(since), quiet_until=dt.time.fromisoformat(until))

    found = quiet_end(quiet, now, urgent=False)

    if end is None:
        assert found is None
    else:
        assert found is not None
        local = timezone.localtime(found)
        assert (local.date() - now.date()).days == end[0]
        assert f"{local:%H:%M}" == end[1]
    assert quiet_end(quiet, now, urgent=True) is None
    quiet.urgent_anyway = False
    assert quiet_end(quiet, now, urgent=True) == found


def test_an_email_of_the_night_comes_in_the_morning_once(user: User, clock: Any) -> None:
    chosen(user, quiet_from=EVENING, quiet_until=MORNING)
    clock("23:00")
    told(user)
    assert mails.mails_send()["sent"] == 0

    clock("07:29", day=1)
    assert mails.mails_send()["sent"] == 0
    clock("07:30", day=1)
    assert mails.mails_send()["sent"] == 1
    assert mails.mails_send()["sent"] == 0
    assert len(outbox.outbox) == 1


def test_one_that_became_due_in_quiet_hours_waits_without_an_attempt(user: User, clock: Any) -> None:
    """It was to go at once, and the person chose the hours meanwhile; or an attempt failed in the evening."""
    clock("22:30")
    told(user)
    chosen(user, quiet_from=EVENING, quiet_until=MORNING)

    for _ in range(10):
        assert mails.mails_send() == {"taken_back": 0, "sent": 0}
    waiting = only_mail()
    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    assert f"{timezone.localtime(waiting.due_at):%H:%M}" == "07:30"
    clock("07:30", day=1)
    assert mails.mails_send()["sent"] == 1


@pytest.mark.parametrize(("anyway", "sent"), [(True, 1), (False, 0)])
def test_urgent_ones_come_by_night_if_the_person_lets_them(
    user: User, clock: Any, anyway: bool, sent: int
) -> None:
    chosen(user, quiet_from=EVENING, quiet_until=MORNING, urgent_anyway=anyway)
    clock("23:00")
    told(user, kind=IMPORTANT)
    told(user, "P2", kind=URGENT)

    assert mails.mails_send()["sent"] == sent
    assert [message.subject for message in outbox.outbox] == ["News of P2"] * sent
    clock("08:00", day=1)
    assert mails.mails_send()["sent"] == 2 - sent


def test_urgent_ones_are_not_kept_back_by_the_one_of_the_day(user: User) -> None:
    for number in range(3):
        told(user, f"P{number}", kind=URGENT if number else kinds.get("test.told"))
        mails.mails_send()

    assert [message.subject for message in outbox.outbox] == ["News of P0", "News of P1", "News of P2"]
    told(user, "P9")
    assert mails.mails_send()["sent"] == 0  # an ordinary one still waits for the morning


def test_what_is_important_cannot_be_turned_off(user: User) -> None:
    chosen(user, Way.APP)
    told(user, "P1")
    assert not OutgoingMail.objects.exists()
    told(user, "P2", kind=IMPORTANT)
    told(user, "P3", kind=URGENT)

    assert mails.mails_send()["sent"] == 2
    assert "P1" not in "".join(message.body for message in outbox.outbox)


def test_what_is_unwanted_meanwhile_leaves_the_email_to_the_important(user: User) -> None:
    told(user, "P1")
    told(user, "P2", kind=IMPORTANT)
    chosen(user, Way.APP)

    assert mails.mails_send()["sent"] == 1
    assert "P1" not in outbox.outbox[0].body
    assert "P2" in outbox.outbox[0].body


def test_the_daily_email_collects_what_belongs_to_many_topics(user: User, clock: Any) -> None:
    chosen(user, Way.DAILY)
    clock("06:00")
    told(user, "P1", topic="patient:1")
    told(user, "P2", topic="patient:2")
    told(user, "P3", topic="patient:3", kind=IMPORTANT)

    assert mails.mails_send()["sent"] == 1  # the important one, at once
    clock("07:00")
    assert mails.mails_send()["sent"] == 1
    assert outbox.outbox[1].subject == "Qidai: 2 notifications"
    assert outbox.outbox[1].body.startswith("- Patient P1\n- Patient P2\n")
    told(user, "P4")
    waiting = OutgoingMail.objects.get(state="waiting")
    assert waiting.topic == DIGEST
    assert timezone.localdate(waiting.due_at) == timezone.localdate() + timedelta(days=1)


def test_a_code_that_no_app_knows_any_more_is_told_at_once(user: User) -> None:
    assert preferences.wishes_of_one(user).way("old.code") == Way.NOW
    assert kinds.weight_of("old.code") == kinds.Weight.ORDINARY


def test_the_email_leads_to_the_choice_and_carries_no_key(user: User, settings: Any) -> None:
    settings.PUBLIC_URL = "https://qidai.example.org"
    told(user)
    mails.mails_send()

    assert outbox.outbox[0].body.endswith("https://qidai.example.org/profile/notices/\n")


def test_the_page_of_the_choice(user: User) -> None:
    page, url = signed_in(user), reverse("core:notice-preferences")
    shown = page.get(url).content.decode()
    assert "Alarm of a tank" in shown  # what comes always, of what the laboratory is told
    assert "A consent was withdrawn" in shown
    assert "way_reservations" not in shown  # not what it is never told of

    ways = {name: "daily" for name in page.get(url).context["form"].fields if name.startswith("way_")}
    answer = page.post(url, {**ways, "quiet_from": "22:00", "quiet_until": "07:30"}, follow=True)
    assert "Your choice was saved." in answer.content.decode()
    assert set(GroupChoice.objects.values_list("way", flat=True)) == {"daily"}
    row = MailSettings.objects.get(user=user)
    assert (row.quiet_from, row.quiet_until, row.urgent_anyway) == (EVENING, MORNING, False)
    assert 'value="22:00"' in page.get(url).content.decode()


def test_a_coordinator_chooses_for_reservations() -> None:
    page = signed_in(UserFactory(roles=[Role.SEARCH_COORDINATOR]))

    shown = page.get(reverse("core:notice-preferences")).content.decode()

    assert "way_reservations" in shown
    assert "A reserved unit is on hold" in shown


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"quiet_from": "22:00", "quiet_until": ""}, "both times"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "same time"),
        ({"quiet_from": "late", "quiet_until": "07:00"}, "Enter a valid time"),
    ],
)
def test_what_cannot_be_chosen(user: User, values: dict[str, str], words: str) -> None:
    page, url = signed_in(user), reverse("core:notice-preferences")
    ways = {name: "now" for name in page.get(url).context["form"].fields if name.startswith("way_")}

    answer = page.post(url, {**ways, **values})

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not MailSettings.objects.exists()


def test_a_group_or_way_that_is_none(user: User) -> None:
    for ways in ({"none": "now"}, {"other": "never"}):
        with pytest.raises(InvalidInput):
            preferences.preferences_set(
                user=user, ways=ways, quiet_from=None, quiet_until=None, urgent_anyway=True
            )


def test_the_database_holds_what_is_promised(user: User) -> None:
    GroupChoice.objects.create(user=user, group="other", way="app")
    MailSettings.objects.create(user=user)
    OutgoingMail.objects.create(user=user, topic="t", urgent=True)
    wrong: list[Any] = [
        lambda: GroupChoice.objects.create(user=user, group="other", way="now"),
        lambda: GroupChoice.objects.create(user=user, group="new", way="never"),
        lambda: MailSettings.objects.update(quiet_from=EVENING),
        lambda: MailSettings.objects.update(quiet_from=EVENING, quiet_until=EVENING),
        lambda: OutgoingMail.objects.create(user=user, topic="t", urgent=True),
    ]
    for write in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
    OutgoingMail.objects.create(user=user, topic="t")  # beside the urgent one


def test_every_kind_has_a_name_a_group_and_words_without_what_is_not_shared() -> None:
    for kind in kinds.known():
        if not kind.code.startswith("test."):
            assert kind.label, kind.code
            assert kind.group is not kinds.OTHER, kind.code
            assert kind.shared, kind.code
    assert Notification.objects.count() == 0
