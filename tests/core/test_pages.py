"""Pages of core and config: what people see, in both languages, and what attackers do not get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core import audit, find, work
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, Installation, Job, User
from core.roles import Role
from tests.factories.core import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def sign_in(client: Client) -> Callable[..., Client]:
    def with_roles(*roles: Role, **fields: Any) -> Client:
        client.force_login(UserFactory(roles=list(roles), **fields), backend=BACKEND)
        return client

    return with_roles


def make_job(**fields: Any) -> Job:
    values = {"kind": "test", "key": uuid4().hex, "title": "Search P-1", "actor_id": "x", "actor_label": "X"}
    return Job.objects.create(**{**values, **fields})


def test_sign_in_by_form_and_out_again(client: Client) -> None:
    user = UserFactory(roles=[Role.QA], email="qa@example.org")

    refused = client.post(reverse("account_login"), {"login": "qa@example.org", "password": "wrong"})
    accepted = client.post(reverse("account_login"), {"login": "QA@example.org", "password": PASSWORD})

    assert refused.status_code == 200
    assert b"not correct" in refused.content
    assert accepted["Location"] == reverse("config:home")
    assert client.session["_auth_user_id"] == str(user.pk)
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_nobody_signs_up_by_himself(client: Client) -> None:
    response = client.post(
        reverse("account_signup"), {"email": "x@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )

    assert response.status_code == 200
    assert not User.objects.filter(email="x@example.org").exists()


def test_inactive_person_cannot_sign_in(client: Client) -> None:
    UserFactory(email="old@example.org", is_active=False)

    client.post(reverse("account_login"), {"login": "old@example.org", "password": PASSWORD})

    assert "_auth_user_id" not in client.session


def test_policy_allows_no_inline_script_or_style(sign_in: Callable[..., Client]) -> None:
    response = sign_in(Role.ADMIN).get(reverse("config:home"))

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert len(response["X-Request-ID"]) == 16


def test_home_shows_what_waits_overdue_first(
    sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = work.WorkItem("Late thing", "/late", due_at=timezone.now() - timedelta(days=1), kind="request")
    soon = work.WorkItem("Soon thing", "/soon", due_at=timezone.now() + timedelta(days=1))
    monkeypatch.setattr(work, "_providers", [lambda user: [soon, late]])

    html = sign_in(Role.QA).get("/").content.decode()

    assert "2 things wait for you." in html
    assert html.index("Late thing") < html.index("Soon thing")


def test_home_without_work_says_so(sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_providers", [])

    assert b"Nothing waits for you" in sign_in(Role.QA).get("/").content


def test_find_opens_the_only_exact_hit(
    sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    hits = [
        find.Hit("unit", "A9999", "/inventory/1/", exact=True),
        find.Hit("unit", "A99990", "/inventory/2/"),
    ]
    monkeypatch.setattr(find, "_providers", [lambda user, text: hits])
    client = sign_in(Role.QA)

    assert client.get("/find/?q=A9999")["Location"] == "/inventory/1/"
    monkeypatch.setattr(find, "_providers", [lambda user, text: []])
    assert b"Nothing found" in client.get("/find/?q=<script>").content


def test_synthetic_data_are_marked_on_every_page(sign_in: Callable[..., Client]) -> None:
    client = sign_in(Role.QA)
    warning = b"Synthetic demonstration data"

    assert warning not in client.get("/").content
    Installation.objects.create(synthetic=True)
    assert warning in client.get("/").content
    client.logout()
    assert warning in client.get(reverse("account_login")).content


def test_language_is_switched_and_stays_with_the_account(sign_in: Callable[..., Client]) -> None:
    client = sign_in(Role.QA)

    response = client.post(reverse("core:language-set"), {"language": "zh-hans", "next": "/profile/"})

    assert response["Location"] == "/profile/"
    assert 'lang="zh-hans"' in client.get("/").content.decode()
    assert User.objects.get().language == "zh-hans"
    other = Client()
    other.force_login(User.objects.get(), backend=BACKEND)
    assert 'lang="zh-hans"' in other.get("/").content.decode()


@pytest.mark.parametrize(
    ("language", "back"), [("tlh", "/"), ("en", "https://evil.example/"), ("", "//evil")]
)
def test_language_refuses_nonsense_and_foreign_addresses(client: Client, language: str, back: str) -> None:
    response = client.post(reverse("core:language-set"), {"language": language, "next": back})

    assert response["Location"] == "/"


def test_job_list_filters_by_state(sign_in: Callable[..., Client]) -> None:
    make_job(title="Waiting search")
    make_job(title="Broken import", state="failed", ended_at=timezone.now(), error="The file is empty.")
    client = sign_in(Role.ADMIN)

    assert b"Broken import" in client.get(reverse("core:job-list")).content
    html = client.get(reverse("core:job-list") + "?state=queued").content
    assert b"Waiting search" in html
    assert b"Broken import" not in html
    assert b"No jobs here" in client.get(reverse("core:job-list") + "?state=cancelled").content


def test_job_page_shows_progress_and_cancels(sign_in: Callable[..., Client]) -> None:
    job = make_job(
        state="running",
        stage="scoring",
        share=0.4,
        claim_token=uuid4(),
        heartbeat_at=timezone.now(),
        counts={"units": 7},
    )
    client = sign_in(Role.ADMIN)
    url = reverse("core:job-detail", kwargs={"pk": job.pk})

    page = client.get(url).content.decode()
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    cancelled = client.post(reverse("core:job-cancel", kwargs={"pk": job.pk}))

    assert "scoring" in page
    assert "Cancel this job" in page
    assert "<html" in page
    assert "<html" not in part
    assert cancelled.status_code == 302
    job.refresh_from_db()
    assert job.state == "cancelled"
    again = client.post(reverse("core:job-cancel", kwargs={"pk": job.pk}))
    assert again.status_code == 409
    assert b"nothing left to cancel" in again.content


def test_failed_job_shows_its_reason(sign_in: Callable[..., Client]) -> None:
    job = make_job(state="failed", ended_at=timezone.now(), error="The patient has no typing.")

    html = sign_in(Role.ADMIN).get(reverse("core:job-detail", kwargs={"pk": job.pk})).content.decode()

    assert "The patient has no typing." in html
    assert "Cancel this job" not in html


def record(label: str, **fields: Any) -> AuditEntry:
    with transaction.atomic():
        return audit.record(actor=SYSTEM, action="unit.hold", target=("bank.Unit", "k", label), **fields)


def test_audit_trail_filters_and_exports(sign_in: Callable[..., Client]) -> None:
    record("A9999 24 000001", before={"status": "listed"}, after={"status": "on_hold"}, reason="query")
    record("=cmd", batch=audit.Batch(3, "ab" * 32))
    client = sign_in(Role.AUDITOR)

    page = client.get(reverse("core:audit-list")).content.decode()
    found = client.get(reverse("core:audit-list") + "?q=A9999&action=unit&since=2020-01-01").content.decode()
    none = client.get(reverse("core:audit-list") + "?until=2020-01-01").content.decode()
    wrong = client.get(reverse("core:audit-list") + "?since=yesterday").content.decode()
    csv = b"".join(client.get(reverse("core:audit-export")).streaming_content).decode()

    assert "on_hold" in page
    assert "3 rows" in page
    assert "A9999 24 000001" in found
    assert "=cmd" not in found
    assert "No entries match" in none
    assert "Enter a valid date" in wrong
    assert "'=cmd" in csv


def test_list_pages_need_few_queries(
    sign_in: Callable[..., Client], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = sign_in(Role.ADMIN)
    for number in range(20):
        make_job()
        record(f"row {number}")

    for name in ("core:job-list", "core:audit-list"):
        with django_assert_max_num_queries(10):
            client.get(reverse(name))


def test_profile_names_the_roles(sign_in: Callable[..., Client]) -> None:
    html = sign_in(Role.QA, Role.LAB).get(reverse("core:profile")).content

    assert b"Quality assurance" in html
    assert b"Laboratory" in html


def test_person_without_a_role_may_sign_in_and_see_nothing(sign_in: Callable[..., Client]) -> None:
    client = sign_in()

    assert client.get("/").status_code == 200
    assert b"No role yet" in client.get(reverse("core:profile")).content
    assert client.get(reverse("core:job-list")).status_code == 403


def test_domain_error_that_no_view_caught_is_a_clear_page(
    sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def conflict(user: User) -> list[work.WorkItem]:
        raise Conflict("taken", "Somebody was quicker.")

    monkeypatch.setattr(work, "_providers", [conflict])
    response = sign_in(Role.QA).get("/")

    assert response.status_code == 409
    assert b"Somebody was quicker." in response.content


def test_error_pages(client: Client, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    assert sign_in(Role.QA).get("/no/such/page/").status_code == 404
    assert client.get("/api/v1/no-such/").json()["error"]["code"] == "not_found"
    client.raise_request_exception = False

    def broken(user: User) -> list[work.WorkItem]:
        raise ZeroDivisionError

    monkeypatch.setattr(work, "_providers", [broken])
    response = client.get("/")
    assert response.status_code == 500
    assert b"half-written" in response.content


def test_healthz_answers_without_sign_in(client: Client) -> None:
    response = client.get(reverse("config:healthz"))

    assert response.json() == {"status": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_api_schema_and_docs_need_a_sign_in(client: Client) -> None:
    assert client.get("/api/v1/schema/").status_code in (401, 403)
    client.force_login(UserFactory(), backend=BACKEND)
    docs = client.get("/api/v1/docs/")

    assert docs.status_code == 200
    assert b"<style" not in docs.content
    assert "unsafe" not in docs["Content-Security-Policy"]


def test_audit_hides_values_about_patients_from_who_may_not_see_patients(
    sign_in: Callable[..., Client],
) -> None:
    with transaction.atomic():
        audit.record(
            actor=SYSTEM,
            action="patient.create",
            target=("hospitals.Patient", "k", "P-7Q4-2031"),
            after={"birth_date": "2019-02-03"},
        )
    auditor, director = UserFactory(roles=[Role.AUDITOR]), UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    pages = {}
    for person in (auditor, director):
        client = Client()
        client.force_login(person, backend=BACKEND)
        csv = b"".join(client.get(reverse("core:audit-export")).streaming_content).decode()
        pages[person] = client.get(reverse("core:audit-list")).content.decode() + csv

    assert "birth_date" in pages[auditor]
    assert "2019-02-03" not in pages[auditor]
    assert "2019-02-03" in pages[director]


def test_only_who_started_a_job_or_the_administrator_cancels_it(client: Client) -> None:
    job = make_job()
    client.force_login(UserFactory(roles=[Role.AUDITOR]), backend=BACKEND)

    response = client.post(reverse("core:job-cancel", kwargs={"pk": job.pk}))

    assert response.status_code == 403
    assert b"Cancel this job" not in client.get(reverse("core:job-detail", kwargs={"pk": job.pk})).content
    job.refresh_from_db()
    assert job.state == "queued"


def test_own_password_is_changed_with_audit(client: Client) -> None:
    user = UserFactory(roles=[Role.LAB], email="lab@example.org")
    client.post(reverse("account_login"), {"login": "lab@example.org", "password": PASSWORD})
    new = "another long passphrase 9"

    client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )

    assert User.objects.get(pk=user.pk).check_password(new)
    assert AuditEntry.objects.filter(action="user.change_password").count() == 1


def test_nobody_changes_the_address_he_signs_in_with(sign_in: Callable[..., Client]) -> None:
    client = sign_in(Role.LAB)

    assert [client.get(f"/accounts/{path}").status_code for path in ("email/", "password/reset/")] == [
        404,
        404,
    ]


def test_answers_to_a_signed_in_person_stay_in_no_cache(
    sign_in: Callable[..., Client], client: Client
) -> None:
    assert "no-store" in sign_in(Role.QA).get("/")["Cache-Control"]
    assert "no-store" in client.get("/api/v1/schema/")["Cache-Control"]


def test_form_without_a_token_gets_a_page_of_ours() -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(reverse("account_login"), {"login": "a@b.cn", "password": "x"})

    assert response.status_code == 403
    assert b"too old" in response.content


@pytest.mark.parametrize("body", ["[" * 100_000, '{"sex": "\\ud800"}', '{"sex": "a\\u0000"}', "{"])
def test_api_refuses_json_that_cannot_be_kept(sign_in: Callable[..., Client], body: str) -> None:
    client = sign_in(Role.HOSPITAL_COORDINATOR)

    response = client.post("/api/v1/patients/", body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["error"]["code"]


def test_api_takes_a_backslash_for_what_it_is() -> None:
    from core.api import _holds_nul

    assert not _holds_nul({"note": "\\u0000", "n": [1, None, "a"]})
    assert _holds_nul({"a": [{"b": "x\0"}]})
    assert _holds_nul({"a\0": 1})
