"""Web-hooks: registered by an administrator, told what people are told; services and what is written for them."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from core import audit, hook_post, kinds
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import HookDelivery, WebHook

if TYPE_CHECKING:
    from core.notifications import Notice

log = logging.getLogger("qidai.hooks")

TEST = "hook.test"
_State = HookDelivery.State


def deliveries_create(*, notices: Iterable[Notice]) -> int:
    """Write what the enabled web-hooks are to be told, once however many people are told it. In the caller's
    transaction; how many were written. Only params that their kind shares are kept.
    """
    hooks = list(WebHook.objects.enabled())
    if not hooks:
        return 0
    events = {(n.code, n.topic, json.dumps(dict(n.params), sort_keys=True, default=str)): n for n in notices}
    rows = [
        HookDelivery(hook=hook, code=event.code, params=kinds.kept_outside(event.code, event.params))
        for event in events.values()
        for hook in hooks
        if event.code in hook.kinds
    ]
    if rows:
        HookDelivery.objects.bulk_create(rows)
        transaction.on_commit(_ring)
    return len(rows)


def _ring() -> None:
    from core import tasks

    try:
        tasks.send_hooks.delay()
    except Exception:  # the broker is away: the rows are safe, the beat rings each minute
        log.warning("could not ring for web-hooks", exc_info=True)


@sensitive_variables("url", "values", "secret")
@transaction.atomic
def hook_create(
    *, name: str, url: str, language: str, codes: Sequence[str], actor: Actor
) -> tuple[WebHook, str]:
    """Register an address. The secret is returned once; it is stored encrypted."""
    values = _checked(name, url, language, codes)
    secret = secrets.token_urlsafe(32)
    hook = WebHook.objects.create(secret=secret, **values)
    audit.record(actor=actor, action="hook.create", target=hook, after=_told(hook))
    return hook, secret


@sensitive_variables("url", "values", "value")
@transaction.atomic
def hook_change(
    *, hook_id: UUID, name: str, url: str, language: str, codes: Sequence[str], actor: Actor
) -> WebHook:
    """What waits is posted to the new address, in the new language."""
    hook = _locked(hook_id)
    before = _told(hook)
    values = _checked(name, url, language, codes, but=hook_id)
    moved = values["url"] != hook.url
    for field, value in values.items():
        setattr(hook, field, value)
    if moved:
        hook.failures, hook.paused_until = 0, None
    hook.save()
    after = _told(hook) | ({"url_changed": True} if moved else {})
    audit.record(actor=actor, action="hook.change", target=hook, before=before, after=after)
    return hook


@transaction.atomic
def hook_new_secret(*, hook_id: UUID, actor: Actor) -> str:
    """A new secret, returned once; the former signs nothing any more."""
    hook = _locked(hook_id)
    hook.secret = secrets.token_urlsafe(32)
    hook.save(update_fields=["secret"])
    audit.record(actor=actor, action="hook.secret", target=hook)
    return str(hook.secret)


@transaction.atomic
def hook_enable(*, hook_id: UUID, actor: Actor) -> WebHook:
    """What waited is posted now; what happened meanwhile was not written and is not made up for."""
    hook = _locked(hook_id)
    if hook.disabled_at is None:
        raise Conflict("hook_enabled", _("The web-hook is enabled already."))
    hook.disabled_at, hook.disabled_by, hook.failures, hook.paused_until = None, "", 0, None
    hook.save(update_fields=["disabled_at", "disabled_by", "failures", "paused_until"])
    transaction.on_commit(_ring)
    audit.record(actor=actor, action="hook.enable", target=hook)
    return hook


@transaction.atomic
def hook_disable(*, hook_id: UUID, actor: Actor) -> bool:
    """Nothing is written or posted any more; what waits stays. False: it was disabled already."""
    hook = _locked(hook_id)
    if hook.disabled_at is not None:
        return False
    hook.disabled_at, hook.disabled_by = timezone.now(), actor.label
    hook.save(update_fields=["disabled_at", "disabled_by"])
    audit.record(actor=actor, action="hook.disable", target=hook, after={"failures": hook.failures})
    return True


@transaction.atomic
def hook_test(*, hook_id: UUID, actor: Actor) -> HookDelivery:
    """Something to post that says nothing, to see whether it arrives."""
    hook = _locked(hook_id)
    if hook.disabled_at is not None:
        raise Conflict("hook_disabled", _("The web-hook is disabled: enable it first."))
    row: HookDelivery = HookDelivery.objects.create(hook=hook, code=TEST)
    transaction.on_commit(_ring)
    audit.record(actor=actor, action="hook.test", target=hook)
    return row


@transaction.atomic
def deliveries_retry(*, hook_id: UUID, actor: Actor, delivery_id: UUID | None = None) -> int:
    """Post again, from the first attempt, what was given up: all of it or one. How many."""
    hook = _locked(hook_id)
    rows = HookDelivery.objects.filter(hook=hook, state=_State.FAILED)
    if delivery_id is not None:
        rows = rows.filter(pk=delivery_id)
    count = rows.update(state=_State.WAITING, attempts=0, due_at=timezone.now(), claimed_at=None)
    if not count:
        raise Conflict("nothing_failed", _("Only what failed can be posted again."))
    WebHook.objects.filter(pk=hook.pk).update(paused_until=None)
    transaction.on_commit(_ring)
    audit.record(actor=actor, action="hook.retry", target=hook, after={"deliveries": count})
    return count


def _locked(hook_id: UUID) -> WebHook:
    hook: WebHook = WebHook.objects.select_for_update(no_key=True).get(pk=hook_id)
    return hook


@sensitive_variables("url")
def _checked(
    name: str, url: str, language: str, codes: Sequence[str], but: UUID | None = None
) -> dict[str, Any]:
    try:
        hook_post.read_address(url)
    except hook_post.NotPosted as error:
        raise InvalidInput(
            "hook_address",
            _("This address is not taken: %(why)s."),
            params={"why": error.why},
            field="url",
        ) from None
    others = WebHook.objects.exclude(pk=but) if but else WebHook.objects.all()
    if others.filter(name=name).exists():
        raise Conflict("hook_exists", _("There is a web-hook of this name already."), field="name")
    unknown = [code for code in codes if kinds.get(code) is None]
    if unknown or not codes:
        raise InvalidInput("hook_kinds", _("Choose at least one kind."), field="codes")
    return {"name": name, "url": url, "language": language, "kinds": sorted(set(codes))}


def _told(hook: WebHook) -> dict[str, Any]:
    """For the audit: no secret, and of the address scheme and host only."""
    return {"name": hook.name, "url": hook.shown_url, "language": hook.language, "kinds": list(hook.kinds)}
