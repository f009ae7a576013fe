"""What was told, on the pages: who sees it, what is read, in whose language."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from core import kinds, notifications
from core.models import Notification, RoleGrant, User
from core.roles import Role
from tests.core.telling import signed_in, told
from tests.factories.core import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kind")]


def test_a_browser_that_fetches_ahead_has_read_nothing(user: User) -> None:
    row, page = told(user), signed_in(user)
    url = reverse("core:notification-open", args=[row.pk])

    page.get(url, headers={"Sec-Purpose": "prefetch;prerender"})
    assert Notification.objects.get().read_at is None
    page.get(url)
    assert Notification.objects.get().read_at is not None


def test_the_header_counts_what_is_not_read(user: User) -> None:
    first, _second = told(user, "P1"), told(user, "P2")
    told(UserFactory(roles=[Role.LAB]))
    page = signed_in(user)

    assert "Notifications, 2 not read" in page.get("/").content.decode()
    assert page.get(reverse("core:notification-open", args=[first.pk]))["Location"] == "/units/"
    assert "Notifications, 1 not read" in page.get("/").content.decode()
    assert len(page.get(reverse("core:notification-list"), {"show": "unread"}).context["rows"]) == 1
    page.post(reverse("core:notifications-read"), {"all": "1"})
    assert "All are read." in page.get(reverse("core:notification-list")).content.decode()


def test_marking_touches_only_ones_own(user: User) -> None:
    mine, other = told(user), told(UserFactory(roles=[Role.LAB]))
    page = signed_in(user)

    page.post(reverse("core:notifications-read"), {"id": [str(other.pk), "nonsense"]})
    assert not Notification.objects.filter(read_at__isnull=False).exists()
    assert page.get(reverse("core:notification-open", args=[other.pk])).status_code == 404
    page.post(reverse("core:notifications-read"), {"id": str(mine.pk)})
    assert list(Notification.objects.filter(read_at__isnull=False)) == [mine]


def test_the_text_is_in_the_readers_language(user: User) -> None:
    told(user)
    page = signed_in(user)
    page.post(reverse("core:language-set"), {"language": "zh-hans"})

    assert "患者 P1" in page.get(reverse("core:notification-list")).content.decode()


def test_what_a_person_may_no_longer_see_is_not_shown(user: User) -> None:
    hospital = uuid4()
    told(user, hospital_id=hospital)
    shown = Notification.objects.visible_to

    assert shown(user).count() == 1  # a role of the bank carries the permission for all hospitals
    RoleGrant.objects.all().delete()
    RoleGrant.objects.create(user=user, role=Role.HOSPITAL_COORDINATOR)  # of no hospital
    assert shown(User.objects.get(pk=user.pk)).count() == 0
    RoleGrant.objects.all().delete()
    told(user)
    assert shown(User.objects.get(pk=user.pk)).count() == 0


def test_a_code_that_no_app_knows_any_more(user: User) -> None:
    row = Notification.objects.create(user=user, code="old.code", topic="t")
    page = signed_in(user)

    assert "old.code" in page.get(reverse("core:notification-list")).content.decode()
    assert page.get(reverse("core:notification-open", args=[row.pk]))["Location"] == "/notifications/"
    assert kinds.subject_of(row) == "old.code"


def test_an_installation_without_emails_says_so(user: User, settings: Any) -> None:
    page = signed_in(user)
    settings.EMAIL_BACKEND = notifications.NO_MAIL
    for name in ("profile", "notice-preferences", "notification-list"):
        assert "sends no e-mails" in page.get(reverse(f"core:{name}")).content.decode()
