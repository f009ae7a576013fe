"""Errors, encryption, environment, CSV, pages, search: the small parts of core."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.core.paginator import Paginator
from django.http import Http404
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config import env
from core import audit, checks, crypto, find, services, work
from core.access import get_visible_or_404
from core.errors import Conflict, DomainError, InvalidInput
from core.exports import csv_lines, safe_cell
from core.models import Installation, Job, RoleGrant, User
from core.pages import paginate, per_page_from, sort_from
from core.roles import ROLE_PERMISSIONS, Permission, Role, permissions_of
from tests.factories.core import PASSWORD, UserFactory

SYSTEM = audit.Actor.system("test")


@given(st.text(min_size=1, max_size=200).filter(lambda text: max(text) < "\ud800" or min(text) > "\udfff"))
def test_encryption_returns_what_was_written(plain: str) -> None:
    sealed = crypto.encrypt(plain)

    assert crypto.decrypt(sealed) == plain
    assert sealed != crypto.encrypt(plain)


def test_decrypt_refuses_another_key_and_a_changed_text(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = crypto.encrypt("Zhang San")
    with pytest.raises(ValueError, match="not an encrypted value"):
        crypto.decrypt("Zhang San")
    monkeypatch.setattr(settings, "FIELD_KEY", "another")
    with pytest.raises(ValueError, match="QIDAI_FIELD_KEY"):
        crypto.decrypt(sealed)


def test_domain_error_speaks() -> None:
    error = DomainError("late", "%(days)s days late", params={"days": 3}, field="due")

    assert (str(error), error.field, error.status) == ("3 days late", "due", 400)


def test_every_role_has_permissions_and_only_hospital_staff_edits_patients() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert {role for role in Role if Permission.PATIENT_EDIT in ROLE_PERMISSIONS[role]} == {
        Role.HOSPITAL_COORDINATOR
    }
    assert {role for role in Role if Permission.PATIENT_IDENTITY in ROLE_PERMISSIONS[role]} == {
        Role.HOSPITAL_COORDINATOR,
        Role.HOSPITAL_PHYSICIAN,
    }
    assert permissions_of(frozenset()) == frozenset()


@pytest.mark.django_db
def test_user_create_grants_and_audits() -> None:
    user = services.user_create(
        email=" Ann@Example.org ", full_name="Ann", password=PASSWORD, roles=[Role.QA, Role.LAB], by=SYSTEM
    )

    assert user.email == "ann@example.org"
    assert user.roles == {Role.QA, Role.LAB}
    assert user.is_bank_staff
    assert not user.is_hospital_staff
    assert User.objects.get_by_natural_key("ANN@example.org") == user
    with pytest.raises(Conflict):
        services.user_create(email="ann@example.org", full_name="B", password=PASSWORD, roles=[], by=SYSTEM)
    with pytest.raises(InvalidInput) as weak:
        services.user_create(email="b@example.org", full_name="B", password="short", roles=[], by=SYSTEM)
    assert weak.value.field == "password"


@pytest.mark.django_db
def test_user_create_writes_nothing_when_the_audit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(RuntimeError):
        services.user_create(email="a@b.cn", full_name="A", password=PASSWORD, roles=[Role.QA], by=SYSTEM)

    assert not User.objects.exists()
    assert not RoleGrant.objects.exists()


@pytest.mark.django_db
def test_create_user_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("getpass.getpass", lambda: PASSWORD)
    call_command("create_user", "c@example.org", name="C", role=["admin"])
    assert User.objects.get(email="c@example.org").roles == {Role.ADMIN}
    with pytest.raises(CommandError, match="already"):
        call_command("create_user", "c@example.org", name="C", role=["admin"])


@pytest.mark.django_db
def test_language_is_remembered_and_checked() -> None:
    user = UserFactory()
    services.user_set_language(user=user, language="zh-hans")

    assert User.objects.get(pk=user.pk).language == "zh-hans"
    with pytest.raises(InvalidInput):
        services.user_set_language(user=user, language="tlh")


@pytest.mark.django_db
def test_installation_is_marked_once() -> None:
    assert Installation.load().synthetic is False
    services.installation_mark_synthetic(by=SYSTEM)
    services.installation_mark_synthetic(by=SYSTEM)

    assert Installation.load().synthetic is True
    assert str(Installation.load()) == "synthetic"


@pytest.mark.django_db
def test_get_visible_or_404_hides_nonsense_too() -> None:
    with pytest.raises(Http404):
        get_visible_or_404(Job, UserFactory(roles=[Role.ADMIN]), pk="not a uuid")
    with pytest.raises(Http404):
        get_visible_or_404(Job.objects.all(), UserFactory(), pk="00000000-0000-0000-0000-000000000000")


def test_changes_keeps_only_what_differs() -> None:
    assert audit.changes({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == (
        {"b": 2, "c": None},
        {"b": 3, "c": 4},
    )


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_formula_in_csv_is_disarmed(value: str) -> None:
    assert safe_cell(value) == "'" + value


def test_csv_has_a_byte_order_mark_and_quotes() -> None:
    assert "".join(csv_lines(["a", "b"], [["x,y", None], ["脐带血", 1.5]])) == (
        '\ufeffa,b\r\n"x,y",\r\n脐带血,1.5\r\n'
    )


def test_sort_and_page_come_from_the_address() -> None:
    def request(query: str) -> object:
        return RequestFactory().get("/?" + query)

    allowed = {"tnc": "tnc_e7", "code": "code"}
    sort = sort_from(request("sort=-tnc"), allowed, "code")
    assert (sort.fields, sort.name, sort.descending) == (("-tnc_e7", "pk"), "tnc", True)
    assert sort_from(request("sort=evil__field"), allowed, "code").key == "code"
    assert paginate(request("page=99"), list(range(60))).number == 2
    assert isinstance(paginate(request(""), []).paginator, Paginator)
    assert [per_page_from(request(q)) for q in ("per_page=25", "per_page=7", "per_page=²")] == [25, 50, 50]


def test_find_puts_exact_hits_first_and_refuses_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    hits = [find.Hit("unit", "b", "/b"), find.Hit("unit", "a", "/a", exact=True)]
    monkeypatch.setattr(find, "_providers", [lambda user, text: hits])

    assert [hit.label for hit in find.find(None, " a ")] == ["a", "b"]
    assert [find.find(None, text) for text in ("", "   ", "x" * 201, "a\0b")] == [[], [], [], []]


def test_advice_is_asked_of_each_app_and_not_of_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_advisers", [])
    for adviser in 2 * [lambda user, text: [f"{text} is wrong"]]:  # the same twice is asked once
        find.register_adviser(adviser)

    assert find.advice(None, " a ") == ["a is wrong"]
    assert find.advice(None, "x" * 201) == []


def test_work_is_ordered_overdue_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    items = [
        work.WorkItem("later", "/", due_at=now + timedelta(days=2)),
        work.WorkItem("waiting", "/", since=now - timedelta(days=9)),
        work.WorkItem("overdue", "/", due_at=now - timedelta(days=1)),
        work.WorkItem("soon", "/", due_at=now + timedelta(days=1)),
    ]
    monkeypatch.setattr(work, "_providers", [lambda user: items])

    assert [item.title for item in work.items_for(None)] == ["overdue", "soon", "later", "waiting"]


def test_environment_refuses_nonsense(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("X", "maybe")
    with pytest.raises(env.BadEnvironment, match="neither yes nor no"):
        env.flag("X")
    with pytest.raises(env.BadEnvironment, match="whole number"):
        env.number("X", default=1)
    with pytest.raises(env.BadEnvironment, match="must be set in production"):
        env.secret("Y_MISSING", folder=tmp_path, required=True)
    monkeypatch.setenv("X", "off")
    assert (env.flag("X"), env.flag("Z_MISSING", default=True), env.number("Z_MISSING", default=4)) == (
        False,
        True,
        4,
    )
    monkeypatch.setenv("X", "a, b,")
    assert (env.items("X", default=[]), env.items("Z_MISSING", default=["d"])) == (["a", "b"], ["d"])


def test_secret_is_made_once_with_narrow_rights(tmp_path: object) -> None:
    first = env.secret("A_SECRET", folder=tmp_path, required=False)

    assert env.secret("A_SECRET", folder=tmp_path, required=False) == first
    assert (tmp_path / "a_secret").stat().st_mode & 0o777 == 0o600
    assert len(first) > 40


def test_deploy_check_warns_of_a_single_database_role(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.two_database_roles() == []
    monkeypatch.setattr(settings, "DATABASE_OWNER", settings.DATABASES["default"])
    assert [warning.id for warning in checks.two_database_roles()] == ["qidai.W001"]


def test_an_anonymous_visitor_is_nobody() -> None:
    from django.contrib.auth.models import AnonymousUser

    from core.access import person_of

    request = RequestFactory().get("/")
    request.user = AnonymousUser()

    with pytest.raises(PermissionDenied):
        person_of(request)
