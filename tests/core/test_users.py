"""People and their roles: services and the administrator's pages."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from core import audit, services
from core.errors import Conflict
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def admin() -> User:
    return UserFactory(roles=[Role.ADMIN], full_name="Ada Admin")


@pytest.fixture
def page(client: Client, admin: User) -> Client:
    client.force_login(admin, backend=BACKEND)
    return client


def test_roles_are_given_and_taken_with_audit(admin: User) -> None:
    user = UserFactory(roles=[Role.LAB, Role.QA])

    changed = services.user_set_roles(user_id=user.pk, roles=[Role.QA, Role.SHIPPING], by=admin)
    services.user_set_roles(user_id=user.pk, roles=[Role.SHIPPING, Role.QA], by=admin)

    assert changed.roles == {Role.QA, Role.SHIPPING}
    entry = AuditEntry.objects.get(action="user.roles")
    assert (entry.before, entry.after) == ({"roles": ["lab", "qa"]}, {"roles": ["qa", "shipping"]})


def test_an_administrator_stays_one(admin: User) -> None:
    with pytest.raises(Conflict):
        services.user_set_roles(user_id=admin.pk, roles=[Role.LAB], by=admin)
    with pytest.raises(Conflict):
        services.user_set_active(user_id=admin.pk, active=False, by=admin)

    assert User.objects.get(pk=admin.pk).roles == {Role.ADMIN}


@pytest.mark.parametrize("service", ["roles", "active", "password"])
def test_nothing_is_written_when_the_audit_fails(
    admin: User, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = UserFactory(roles=[Role.LAB])
    before = User.objects.get(pk=user.pk)

    def fail(**kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", fail)
    calls = {
        "roles": lambda: services.user_set_roles(user_id=user.pk, roles=[Role.QA], by=admin),
        "active": lambda: services.user_set_active(user_id=user.pk, active=False, by=admin),
        "password": lambda: services.user_reset_password(user_id=user.pk, by=admin),
    }
    with pytest.raises(RuntimeError):
        calls[service]()

    after = User.objects.get(pk=user.pk)
    assert (after.roles, after.is_active, after.password) == (before.roles, before.is_active, before.password)


def test_closed_account_is_signed_out_at_the_next_click(admin: User, client: Client) -> None:
    user = UserFactory(roles=[Role.LAB])
    client.force_login(user, backend=BACKEND)
    assert client.get("/").status_code == 200

    services.user_set_active(user_id=user.pk, active=False, by=admin)
    services.user_set_active(user_id=user.pk, active=False, by=admin)

    assert client.get("/").status_code == 302
    assert AuditEntry.objects.filter(action="user.deactivate").count() == 1
    services.user_set_active(user_id=user.pk, active=True, by=admin)
    assert AuditEntry.objects.filter(action="user.activate").count() == 1


def test_page_adds_a_person_and_shows_the_password_once(page: Client) -> None:
    answer = page.post(
        reverse("core:user-create"),
        {"email": "New@Example.org", "full_name": "New One", "roles": ["qa", "lab"]},
    )

    password = re.search(r'class="lead mono">([^<]+)<', answer.content.decode()).group(1)
    user = User.objects.get(email="new@example.org")
    assert user.roles == {Role.QA, Role.LAB}
    assert user.check_password(password)
    assert "no-store" in answer["Cache-Control"]
    assert password not in str(AuditEntry.objects.get(action="user.create").after)


def test_page_keeps_what_was_typed_and_says_what_is_wrong(page: Client) -> None:
    UserFactory(email="taken@example.org")

    taken = page.post(reverse("core:user-create"), {"email": "taken@example.org", "full_name": "Kept Name"})
    wrong = page.post(
        reverse("core:user-create"), {"email": "nonsense", "full_name": "K", "roles": ["emperor"]}
    )

    assert "has an account already" in taken.content.decode()
    assert "Kept Name" in taken.content.decode()
    assert "valid email" in wrong.content.decode()
    assert "emperor" in wrong.content.decode()


def test_page_changes_roles_closes_and_gives_a_new_password(page: Client, admin: User) -> None:
    user = UserFactory(roles=[Role.LAB], full_name="Lin Lab")
    url = reverse("core:user-edit", kwargs={"pk": user.pk})

    page.post(url, {"roles": ["shipping"]})
    closed = page.post(reverse("core:user-active", kwargs={"pk": user.pk}), {"active": "no"}, follow=True)
    shown = page.post(reverse("core:user-password", kwargs={"pk": user.pk})).content.decode()
    own = page.post(reverse("core:user-edit", kwargs={"pk": admin.pk}), {"roles": ["lab"]}).content.decode()

    user = User.objects.get(pk=user.pk)
    assert user.roles == {Role.SHIPPING}
    assert not user.is_active
    assert "The account is closed." in closed.content.decode()
    assert user.check_password(re.search(r'class="lead mono">([^<]+)<', shown).group(1))
    assert "your own administrator role" in own
    assert page.get(reverse("core:user-edit", kwargs={"pk": uuid4()})).status_code == 404


def test_list_filters_and_needs_few_queries(page: Client, django_assert_max_num_queries: object) -> None:
    for number in range(20):
        UserFactory(roles=[Role.LAB, Role.QA], full_name=f"Lab {number:02}")

    with django_assert_max_num_queries(10):
        everybody = page.get(reverse("core:user-list")).content.decode()
    found = page.get(reverse("core:user-list") + "?q=ada&role=admin").content.decode()

    assert "Lab 07" in everybody
    assert "Ada Admin" in found
    assert "Lab 07" not in found
    assert "Nobody fits" in page.get(reverse("core:user-list") + "?q=zzz").content.decode()
