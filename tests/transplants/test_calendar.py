"""The calendar: a private link, what its person may see now, codes only; made anew, revoked, limited."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core import feeds, services
from core.models import AuditEntry, FeedToken, RoleGrant, User
from core.roles import Role
from hospitals.models import Membership, Patient
from tests.core.telling import signed_in
from tests.core.test_ical import unfolded
from tests.factories.core import UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.reservations import ReservationFactory, in_days
from tests.parallel import at_once
from transplants import calendars, views_calendar
from transplants.models import Reservation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _uncounted() -> None:
    cache.clear()


@pytest.fixture
def kept(patient: Patient) -> Reservation:
    row: Reservation = ReservationFactory(active=True, patient=patient, note="for the son of Mrs. Wang")
    return row


def fetched(token: str, client: Client | None = None) -> Any:
    return (client or Client()).get(reverse("transplants:calendar-feed"), {"key": token})


def summaries(answer: Any) -> list[str]:
    return [line for line in unfolded(answer.content) if line.startswith("SUMMARY:")]


def test_the_last_day_stands_in_the_calendar(kept: Reservation, he_lan: User, settings: Any) -> None:
    settings.PUBLIC_URL = "https://qidai.example.org"
    token = feeds.feed_make(user=he_lan)

    answer = fetched(token)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "private, max-age=300"
    assert "Set-Cookie" not in answer
    lines = unfolded(answer.content)
    assert f"UID:reservation-{kept.pk}@qidai" in lines
    assert f"DTSTART;VALUE=DATE:{kept.until:%Y%m%d}" in lines
    assert f"URL:https://qidai.example.org/reservations/{kept.pk}/" in lines
    unit, code = kept.unit.public_no, kept.patient.code
    assert summaries(answer) == [f"SUMMARY:{unit} for {code}: last day of the reservation"]
    assert "Wang" not in answer.content.decode()
    assert FeedToken.objects.get().fetched_at is not None


def test_only_promises_that_hold_and_only_of_the_own_hospital(kept: Reservation, he_lan: User) -> None:
    ReservationFactory(patient=kept.patient)
    ReservationFactory(ended=True, patient=kept.patient)
    other = ReservationFactory(active=True, patient=PatientFactory())
    token = feeds.feed_make(user=he_lan)

    assert len(summaries(fetched(token))) == 1
    assert other.patient.code not in fetched(token).content.decode()
    coordinator = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    assert len(summaries(fetched(feeds.feed_make(user=coordinator)))) == 2


def test_it_shows_what_the_person_may_see_now(kept: Reservation, he_lan: User) -> None:
    token = feeds.feed_make(user=he_lan)
    assert len(summaries(fetched(token))) == 1

    Membership.objects.filter(user=he_lan).delete()
    assert summaries(fetched(token)) == []
    RoleGrant.objects.filter(user=he_lan).delete()
    assert summaries(fetched(token)) == []


def test_it_is_in_the_language_of_the_person(kept: Reservation, he_lan: User) -> None:
    User.objects.filter(pk=he_lan.pk).update(language="zh-hans")

    assert "预留的最后一天" in summaries(fetched(feeds.feed_make(user=he_lan)))[0]


def test_a_link_that_is_none_any_more_is_a_404(he_lan: User) -> None:
    first = feeds.feed_make(user=he_lan)
    second = feeds.feed_make(user=he_lan)
    assert [fetched(first).status_code, fetched(second).status_code] == [404, 200]
    assert feeds.feed_revoke(user=he_lan)
    assert not feeds.feed_revoke(user=he_lan)
    assert [fetched(token).status_code for token in (second, "", "nonsense")] == [404, 404, 404]


def test_a_closed_account_has_no_calendar_and_none_when_it_is_opened_again(he_lan: User) -> None:
    admin = UserFactory(roles=[Role.ADMIN])
    token = feeds.feed_make(user=he_lan)
    User.objects.filter(pk=he_lan.pk).update(is_active=False)
    assert fetched(token).status_code == 404
    User.objects.filter(pk=he_lan.pk).update(is_active=True)
    assert fetched(token).status_code == 200

    for active in (False, True):
        services.user_set_active(user_id=he_lan.pk, active=active, by=admin)
    assert fetched(token).status_code == 404


def test_the_token_is_long_and_only_its_digest_is_kept(he_lan: User) -> None:
    token = feeds.feed_make(user=he_lan)

    assert len(token) >= 43  # 256 bits in base64
    assert FeedToken.objects.get().digest != token
    said = str(list(AuditEntry.objects.filter(action="feed.make").values()))
    assert "feed.make" in said
    assert token not in said


def test_one_link_is_read_so_often_and_no_more(
    he_lan: User, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(views_calendar, "MOST_FETCHES", 2)
    token = feeds.feed_make(user=he_lan)

    assert [fetched(token).status_code for _ in range(3)] == [200, 200, 429]
    other = feeds.feed_make(user=UserFactory(roles=[Role.SEARCH_COORDINATOR]))
    assert fetched(other).status_code == 200
    assert fetched(token)["Retry-After"] == "600"


def test_who_guesses_is_stopped(he_lan: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_calendar, "MOST_MISSES", 2)
    token = feeds.feed_make(user=he_lan)

    assert [fetched("guess").status_code for _ in range(3)] == [404, 404, 429]
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert fetched("guess", elsewhere).status_code == 404
    assert fetched(token).status_code == 200  # a right one works: a whole hospital may come from one address


def test_the_page_makes_shows_once_and_revokes(he_lan: User, kept: Reservation) -> None:
    page, url = signed_in(he_lan), reverse("transplants:calendar")
    assert "You have no link." in page.get(url).content.decode()

    answer = page.post(reverse("transplants:calendar-make"))
    (link,) = re.findall(r"http://testserver(/calendar/feed\.ics\?key=[\w-]+)", answer.content.decode())
    assert len(summaries(Client().get(link))) == 1
    shown = page.get(url).content.decode()
    assert "You made a link on" in shown
    assert "It was last read on" in shown
    assert link not in shown

    assert "leads nowhere" in page.post(reverse("transplants:calendar-revoke"), follow=True).content.decode()
    assert Client().get(link).status_code == 404


def test_other_days_join(he_lan: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendars, "_providers", [calendars.reservation_ends])
    day = in_days(3)
    calendars.register(lambda user: [calendars.Entry("infusion-1@qidai", day, "Infusion")])

    answer = fetched(feeds.feed_make(user=he_lan))

    assert summaries(answer) == ["SUMMARY:Infusion"]


def test_a_long_calendar_asks_the_database_no_more(
    kept: Reservation, he_lan: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        ReservationFactory(active=True, patient=kept.patient)
    with django_assert_max_num_queries(8):
        assert calendars.calendar_of(User.objects.get(pk=he_lan.pk)).count(b"BEGIN:VEVENT") == 6


@pytest.mark.django_db(transaction=True)
def test_made_by_two_at_once_one_link_is_left() -> None:
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR])

    tokens = at_once(lambda: feeds.feed_make(user=user), 4)

    assert len([token for token in tokens if feeds.person_of(token)]) == 1
    assert FeedToken.objects.get().created_at <= timezone.now()
