"""The outbox of web-hooks: claimed, posted outside any transaction, tried again, given up visibly."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import hook_post, hooks, jobs, kinds, notifications
from core.audit import Actor
from core.hook_post import Answer, NotPosted
from core.kinds import Group, Kind, Weight
from core.models import HookDelivery, User, WebHook
from core.notifications import Notice
from core.roles import Permission, roles_with

log = logging.getLogger("qidai.hooks")

# Minutes until the next attempt; after the last a delivery has failed. The same steps keep from a silent address.
RETRY_MINUTES: Final = (1, 5, 30, 120, 360)
DISABLE_AFTER: Final = 12  # attempts in a row that failed: more than two days of a silent address
LOST_AFTER: Final = timedelta(minutes=15)  # claimed longer ago than any attempt lasts: its worker is dead
AT_ONCE: Final = 50
SYSTEM: Final = Actor.system("web-hooks")
_State = HookDelivery.State


def _disabled_text(params: kinds.Params) -> str:
    return (
        _("The web-hook “%(name)s” did not answer %(failures)s times in a row and is disabled now.") % params
    )


DISABLED = Kind(
    "hook.disabled",
    _disabled_text,
    lambda params: reverse("core:hook-detail", args=[params["id"]]),
    lambda params: _("Qidai: the web-hook “%(name)s” is disabled") % params,
    Permission.HOOK_EDIT,
    Group("installation", gettext_lazy("Installation")),
    Weight.IMPORTANT,
    gettext_lazy("A web-hook was disabled"),
    ("id", "name", "failures"),
)


def deliveries_send() -> dict[str, int]:
    """Post what is due, at most AT_ONCE. Run by the beat and rung after a commit; as often as one likes."""
    lost = HookDelivery.objects.without_a_sign_of_life(LOST_AFTER)
    taken_back = sum(
        _back_or_failed(row, timedelta(0), "the worker ended while it posted this") for row in lost
    )
    due = list(HookDelivery.objects.due().values_list("pk", flat=True)[:AT_ONCE])
    return {"taken_back": taken_back, "sent": sum(delivery_send(delivery_id=pk) for pk in due)}


def delivery_send(*, delivery_id: UUID) -> bool:
    """Post one if it is due and nobody else has it. True: it was taken by the other side now."""
    row = _claimed(delivery_id)
    if row is None:
        return False
    try:
        body = body_of(row)
    except Exception as error:  # a text that cannot be made, at no attempt: the other side has done nothing
        if jobs.ends_the_work(error):
            raise
        log.exception("web-hook %s: the text of %s could not be made", row.hook_id, row.pk)
        _mine(row).update(state=_State.FAILED, error=f"no text: {type(error).__name__}")
        return False
    try:
        answer = _posted(row, body)
    except NotPosted as error:
        _not_posted(row, error)
        return False
    except Exception as error:
        if jobs.ends_the_work(error):
            raise
        log.warning("web-hook %s: %s was not posted", row.hook_id, row.pk, exc_info=True)
        _not_posted(row, NotPosted(type(error).__name__))
        return False
    return _done(row, answer)


def _claimed(delivery_id: UUID) -> HookDelivery | None:
    """Waiting → sending; None unless it is due, its web-hook is open to it, and nobody else has it.

    The update asks for columns of the row alone: one that joined the web-hook would be a query within, which whoever
    had to wait for another worker would answer from before that one's claim.
    """
    if not HookDelivery.objects.due().filter(pk=delivery_id).exists():
        return None
    now = timezone.now()
    mine = HookDelivery.objects.filter(pk=delivery_id, state=_State.WAITING, due_at__lte=now)
    if not mine.update(state=_State.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return None
    row: HookDelivery = HookDelivery.objects.select_related("hook").get(pk=delivery_id)
    return row


def _posted(row: HookDelivery, body: bytes) -> Answer:
    """Outside any transaction: the other side may take its time."""
    headers = {"X-Qidai-Delivery": str(row.pk), "X-Qidai-Kind": row.code}
    return hook_post.post(url=row.hook.url, secret=row.hook.secret, body=body, headers=headers)


def body_of(row: HookDelivery) -> bytes:
    """The JSON: in the language of the web-hook, codes only; the id is the same at each attempt."""
    with translation.override(row.hook.language):
        text = (
            _("A test of Qidai's web-hook.")
            if row.code == hooks.TEST
            else kinds.told_outside(row.code, row.params)
        )
    said = {
        "id": str(row.pk),
        "kind": row.code,
        "weight": kinds.weight_of(row.code).name.lower(),
        "at": row.created_at.isoformat(timespec="seconds"),
        "language": row.hook.language,
        "text": text,
        "params": kinds.shared_of(row.code, row.params),
    }
    return json.dumps(said, ensure_ascii=False).encode()


def _mine(row: HookDelivery) -> Any:
    """The row while this worker has it: one that was thought dead marks nothing."""
    return HookDelivery.objects.filter(pk=row.pk, state=_State.SENDING, claimed_at=row.claimed_at)


@transaction.atomic
def _done(row: HookDelivery, answer: Answer) -> bool:
    now = timezone.now()
    values = {"status": answer.status, "excerpt": answer.excerpt, "error": ""}
    if not _mine(row).update(state=_State.SENT, sent_at=now, **values):
        return False
    WebHook.objects.filter(pk=row.hook_id).update(failures=0, paused_until=None, posted_at=now)
    return True


@transaction.atomic
def _not_posted(row: HookDelivery, error: NotPosted) -> None:
    wait = timedelta(minutes=_step(row.attempts))
    if not _back_or_failed(row, wait, error.why, status=error.status, excerpt=error.excerpt):
        return
    hook = WebHook.objects.select_for_update(no_key=True).get(pk=row.hook_id)
    hook.failures += 1
    hook.paused_until = timezone.now() + timedelta(minutes=_step(hook.failures))
    hook.save(update_fields=["failures", "paused_until"])
    if hook.failures >= DISABLE_AFTER and hooks.hook_disable(hook_id=hook.pk, actor=SYSTEM):
        notifications.notifications_create(notices=_disabled(hook))


def _step(attempts: int) -> int:
    return RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]


def _back_or_failed(row: HookDelivery, wait: timedelta, why: str, **values: Any) -> bool:
    """Back to what waits, or given up after the last attempt. False: another worker has it meanwhile."""
    values["error"] = why[:400]
    if row.attempts > len(RETRY_MINUTES):
        return bool(_mine(row).update(state=_State.FAILED, **values))
    due_at = timezone.now() + wait
    return bool(_mine(row).update(state=_State.WAITING, due_at=due_at, claimed_at=None, **values))


def _disabled(hook: WebHook) -> list[Notice]:
    """To whoever may enable it again."""
    people = User.objects.in_roles(roles_with(Permission.HOOK_EDIT))
    params = {"id": str(hook.pk), "name": hook.name, "failures": hook.failures}
    return [Notice(person.pk, DISABLED.code, f"hook:{hook.pk}", params) for person in people]
