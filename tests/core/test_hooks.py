"""Web-hooks: what other systems are told, once, signed, tried again, given up visibly; the administrator's pages."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from core import hook_post, hook_sending, hooks, kinds, notifications, work
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry, HookDelivery, Notification, User, WebHook
from core.notifications import Notice
from core.roles import Role
from tests.core.receiver import SHARED, Receiver, receiving, registered
from tests.core.telling import KIND, URGENT, signed_in, told
from tests.factories.core import UserFactory
from tests.matching.threads import while_in_transaction
from tests.parallel import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kind")]
SYSTEM = Actor.system("test")


def only() -> HookDelivery:
    return HookDelivery.objects.get()


def pass_time() -> None:
    HookDelivery.objects.filter(state="waiting").update(due_at=timezone.now())
    WebHook.objects.update(paused_until=None)


def test_what_the_other_system_is_told(user: User, hook: WebHook, receiver: Receiver) -> None:
    told(user, "P1")

    assert hook_sending.deliveries_send() == {"taken_back": 0, "sent": 1}
    assert hook_sending.deliveries_send() == {"taken_back": 0, "sent": 0}

    (taken,) = receiver.taken
    row = only()
    assert json.loads(taken.body) == {
        "id": str(row.pk),
        "kind": "test.told",
        "weight": "ordinary",
        "at": row.created_at.isoformat(timespec="seconds"),
        "language": "zh-hans",
        "text": "患者 P1",
        "params": {"code": "P1"},
    }
    assert taken.headers["X-Qidai-Delivery"] == str(row.pk)
    assert taken.headers["X-Qidai-Kind"] == "test.told"
    stamp = int(taken.headers["X-Qidai-Timestamp"])
    assert taken.headers["X-Qidai-Signature"] == hook_post.signature(hook.secret, stamp, taken.body)
    assert (row.state, row.status, row.excerpt, row.error) == ("sent", 200, "ok", "")


def test_once_however_many_people_are_told(user: User, hook: WebHook) -> None:
    people = [user, *(UserFactory(roles=[Role.LAB]) for _ in range(3))]
    params: list[dict[str, Any]] = [{"code": "P1"}, {"code": "P2"}]
    notices = [Notice(one.pk, KIND.code, "t", said) for said in params for one in people]

    notifications.notifications_create(notices=notices)

    assert [row.params["code"] for row in HookDelivery.objects.order_by("pk")].count("P1") == 1
    assert HookDelivery.objects.count() == 2


def test_only_the_chosen_kinds_and_enabled_hooks(user: User, hook: WebHook, receiver: Receiver) -> None:
    told(user, kind=URGENT)
    assert not HookDelivery.objects.exists()
    hooks.hook_disable(hook_id=hook.pk, actor=SYSTEM)
    told(user)
    assert not HookDelivery.objects.exists()
    registered(receiver.url, "second")
    told(user)
    assert only().hook.name == "second"


def test_what_is_kept_back_is_told_with_the_rest(user: User, hook: WebHook) -> None:
    with notifications.kept_back() as kept:
        notifications.notifications_create(notices=[Notice(user.pk, KIND.code, "t", {"code": "P"})])
        assert not HookDelivery.objects.exists()
    notifications.notifications_create(notices=kept)
    assert HookDelivery.objects.count() == 1


def test_what_a_kind_does_not_share_never_leaves(user: User, receiver: Receiver) -> None:
    registered(receiver.url)  # KIND shares nothing
    told(user, "P1")
    assert only().params == {"code": "—"}
    hook_sending.deliveries_send()
    assert b"P1" not in receiver.taken[0].body
    assert json.loads(receiver.taken[0].body)["params"] == {}


def test_the_reason_of_a_reservation_stays_inside() -> None:
    """Somebody wrote it freely: it could name a person."""
    params = {
        "id": "x", "number": "RS-1", "unit": "U1", "patient": "P1", "hospital": "H1",
        "until": "2026-01-01", "reason": "Mrs. Wang called",
    }  # fmt: skip
    found = [kind for kind in kinds.known() if kind.code.startswith("reservation.")]
    assert len(found) == 12
    for kind in found:
        assert "Wang" not in kinds.told_outside(kind.code, params)
        assert "Wang" not in str(kinds.shared_of(kind.code, params))
    assert "RS-1" in kinds.told_outside("reservation.declined", params)


def test_a_failed_attempt_is_repeated_under_the_same_id(
    user: User, hook: WebHook, receiver: Receiver
) -> None:
    receiver.status, receiver.body = 503, b"later"
    told(user)

    assert hook_sending.deliveries_send()["sent"] == 0
    row = only()
    assert (row.state, row.attempts, row.status, row.excerpt) == ("waiting", 1, 503, "later")
    assert "refused (503)" in row.error
    assert timedelta(0) < row.due_at - timezone.now() <= timedelta(minutes=1)
    receiver.status = 204
    pass_time()
    assert hook_sending.deliveries_send()["sent"] == 1
    assert len({taken.headers["X-Qidai-Delivery"] for taken in receiver.taken}) == 1
    hook.refresh_from_db()
    assert (hook.failures, hook.paused_until) == (0, None)
    assert hook.posted_at is not None


def test_an_address_that_does_not_answer_is_left_alone_for_a_while(
    user: User, hook: WebHook, receiver: Receiver
) -> None:
    """The first that fails keeps the others from it: none of them uses up its attempts, no worker its time."""
    receiver.status = 500
    for number in range(5):
        told(user, f"P{number}")

    hook_sending.deliveries_send()

    assert len(receiver.taken) == 1
    assert list(HookDelivery.objects.order_by("-attempts").values_list("attempts", flat=True)) == [
        1,
        0,
        0,
        0,
        0,
    ]
    receiver.status = 200
    pass_time()
    assert hook_sending.deliveries_send()["sent"] == 5


def test_one_silent_hook_keeps_no_other_back(user: User, hook: WebHook, receiver: Receiver) -> None:
    kinds.register(SHARED)
    with receiving() as second:
        second.status = 500
        registered(second.url, "second")
        told(user)
        assert hook_sending.deliveries_send()["sent"] == 1
    assert len(receiver.taken) == 1


def test_given_up_after_six_attempts_and_posted_again_by_hand(
    user: User, hook: WebHook, receiver: Receiver
) -> None:
    receiver.status = 400
    told(user)
    for _ in range(8):
        pass_time()
        hook_sending.deliveries_send()
    failed = only()
    assert (failed.state, failed.attempts, len(receiver.taken)) == ("failed", 6, 6)
    admin = UserFactory(roles=[Role.ADMIN])
    assert "1 notification could not be posted to “SMS”" in [item.title for item in work.items_for(admin)]
    page = signed_in(admin)
    shown = page.get(reverse("core:hook-detail", args=[hook.pk]), {"state": "failed"}).content.decode()
    assert "refused (400)" in shown

    receiver.status = 200
    page.post(reverse("core:hook-retry", args=[hook.pk]), {"delivery": str(failed.pk)})
    assert hook_sending.deliveries_send()["sent"] == 1
    answer = page.post(reverse("core:hook-retry", args=[hook.pk]), follow=True)
    assert "Only what failed" in answer.content.decode()
    assert AuditEntry.objects.filter(action="hook.retry").count() == 1


def test_disabled_after_many_failures_and_the_administrator_is_told(
    user: User, hook: WebHook, receiver: Receiver
) -> None:
    admin = UserFactory(roles=[Role.ADMIN])
    receiver.status = 500
    for number in range(3):
        told(user, f"P{number}")
    for _ in range(20):
        pass_time()
        hook_sending.deliveries_send()

    hook.refresh_from_db()
    assert (hook.failures, hook.disabled_by) == (12, "system: web-hooks")
    assert len(receiver.taken) == 12
    (row,) = Notification.objects.filter(user=admin)
    assert "“SMS” did not answer 12 times" in kinds.text_of(row)
    assert "disabled after failures" in "".join(item.title for item in work.items_for(admin))
    page = signed_in(admin)
    assert page.get(reverse("core:notification-open", args=[row.pk]))["Location"] == f"/hooks/{hook.pk}/"

    receiver.status = 200
    page.post(reverse("core:hook-active", args=[hook.pk]), {"active": "yes"})
    pass_time()
    waiting = HookDelivery.objects.filter(state="waiting").count()
    assert waiting
    assert hook_sending.deliveries_send()["sent"] == waiting  # what waited is not lost


def test_one_whose_worker_died_goes_out_again(user: User, hook: WebHook, receiver: Receiver) -> None:
    told(user)
    HookDelivery.objects.update(state="sending", claimed_at=timezone.now() - timedelta(hours=1), attempts=1)
    slow = only()

    assert hook_sending.deliveries_send() == {"taken_back": 1, "sent": 1}
    assert not hook_sending._done(slow, hook_post.Answer(200, ""))  # it was thought dead: it marks nothing
    HookDelivery.objects.update(
        state="sending", sent_at=None, claimed_at=timezone.now() - timedelta(hours=1), attempts=6
    )
    hook_sending.deliveries_send()
    assert only().state == "failed"


def test_a_text_that_cannot_be_made_is_given_up_and_a_database_that_is_away_is_not(
    user: User, hook: WebHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(user)
    error: Exception = KeyError("code")

    def broken(row: HookDelivery) -> bytes:
        raise error

    monkeypatch.setattr(hook_sending, "body_of", broken)
    hook_sending.deliveries_send()
    assert (only().state, only().error) == ("failed", "no text: KeyError")
    hook.refresh_from_db()
    assert (hook.failures, hook.paused_until) == (0, None)  # the other side has done nothing
    error = OperationalError("gone")
    told(user)
    with pytest.raises(OperationalError):
        hook_sending.deliveries_send()


def test_rung_after_the_commit_and_a_silent_broker_loses_nothing(
    user: User, hook: WebHook, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from core import tasks

    rings = []
    monkeypatch.setattr(tasks.send_hooks, "delay", lambda: rings.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        told(user)

    def silent() -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.send_hooks, "delay", silent)
    with django_capture_on_commit_callbacks(execute=True):
        told(user)
    assert rings == [1]
    tasks.send_hooks()
    assert set(HookDelivery.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_posts(user: User, hook: WebHook, receiver: Receiver) -> None:
    told(user)
    pk = only().pk

    assert sorted(at_once(lambda: hook_sending.delivery_send(delivery_id=pk), 8)) == [False] * 7 + [True]
    assert len(receiver.taken) == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_is_being_claimed_is_nobody_elses(user: User, hook: WebHook) -> None:
    """The second waits for the first to commit, and must then look at what the first has written."""
    told(user)
    pk, got = only().pk, []

    while_in_transaction(
        lambda: got.append(hook_sending._claimed(pk)), lambda: got.append(hook_sending._claimed(pk))
    )

    assert [row is None for row in got] == [False, True]
    assert only().attempts == 1


def test_secret_and_address_are_encrypted_and_stand_in_no_audit(hook: WebHook) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, url FROM core_webhook")
        secret, url = cursor.fetchone()
    assert secret.startswith("v1:")
    assert url.startswith("v1:")
    assert "of-the-other-side" not in hook.shown_url
    assert "/in" not in hook.shown_url
    said = str(list(AuditEntry.objects.values_list("before", "after", "target_label")))
    assert hook.secret not in said
    assert "of-the-other-side" not in said


def test_a_key_in_the_path_is_shown_and_audited_nowhere() -> None:
    """As Feishu and Slack have it. Two addresses of one host can be told apart."""
    one = registered("https://open.example.cn:8443/bot/v2/hook/k3y-of-the-bot", "one")
    other = registered("https://open.example.cn:8443/bot/v2/hook/another-k3y", "other")

    assert re.fullmatch(r"https://open\.example\.cn:8443/… #[0-9a-f]{8}", one.shown_url)
    assert one.shown_url != other.shown_url
    said = str(list(AuditEntry.objects.values_list("before", "after", "target_label")))
    assert "open.example.cn:8443" in said
    assert "k3y" not in said


def test_services_that_say_no(hook: WebHook) -> None:
    said_no: list[tuple[type[DomainError], Any]] = [
        (Conflict, lambda: hooks.hook_enable(hook_id=hook.pk, actor=SYSTEM)),
        (Conflict, lambda: hooks.deliveries_retry(hook_id=hook.pk, actor=SYSTEM)),
        (InvalidInput, lambda: registered("https://example.org", "x", codes=["no.such"])),
        (InvalidInput, lambda: registered("https://example.org", "x", codes=[])),
    ]
    for error, work_of in said_no:
        with pytest.raises(error):
            work_of()
    assert hooks.hook_disable(hook_id=hook.pk, actor=SYSTEM)
    assert not hooks.hook_disable(hook_id=hook.pk, actor=SYSTEM)


def test_the_database_holds_what_is_promised(hook: WebHook) -> None:
    wrong: list[Any] = [
        lambda: HookDelivery.objects.create(hook=hook, code="x", state="none"),
        lambda: HookDelivery.objects.create(hook=hook, code="x", state="sent"),
        lambda: HookDelivery.objects.create(hook=hook, code="x", state="sending"),
        lambda: HookDelivery.objects.create(hook=hook, code="x", sent_at=timezone.now()),
        lambda: WebHook.objects.update(disabled_at=timezone.now()),
        lambda: WebHook.objects.update(disabled_by="x"),
        lambda: WebHook.objects.create(name="SMS", url="https://x", secret="x", language="en", kinds=[]),
    ]
    for write in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
