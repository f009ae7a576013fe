"""What waits for whoever runs the installation."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import HookDelivery, OutgoingMail, User, WebHook
from core.roles import Permission
from core.work import WorkItem


def work_items(user: User) -> list[WorkItem]:
    """For the administrator: e-mails that were given up."""
    if not user.has_permission(Permission.JOB_CANCEL_ALL):
        return []
    rows = OutgoingMail.objects.visible_to(user).filter(state=OutgoingMail.State.FAILED)
    count = rows.count()
    if not count:
        return []
    title = ngettext("%(n)d e-mail could not be sent", "%(n)d e-mails could not be sent", count)
    return [
        WorkItem(
            title=title % {"n": count},
            url=f"{reverse('core:mail-list')}?state={OutgoingMail.State.FAILED}",
            detail=_("The list says why. Try them again when the mail server answers."),
            since=rows.order_by("created_at").values_list("created_at", flat=True).first(),
            kind="mail",
            count=count,
        )
    ]


def hook_work(user: User) -> list[WorkItem]:
    """For the administrator: web-hooks that were disabled by their failures, and what was given up."""
    hooks = WebHook.objects.visible_to(user)
    failed = HookDelivery.objects.visible_to(user).filter(state=HookDelivery.State.FAILED)
    items = [
        WorkItem(
            title=_("The web-hook “%(name)s” is disabled after failures") % {"name": hook.name},
            url=reverse("core:hook-detail", args=[hook.pk]),
            detail=_("Its page says why. Enable it again when the other side answers."),
            since=hook.disabled_at,
            kind="hook",
        )
        for hook in hooks.filter(disabled_at__isnull=False, failures__gt=0)
    ]
    for hook in hooks.filter(disabled_at__isnull=True, pk__in=failed.values("hook")):
        count = failed.filter(hook=hook).count()
        title = ngettext(
            "%(n)d notification could not be posted to “%(name)s”",
            "%(n)d notifications could not be posted to “%(name)s”",
            count,
        )
        items.append(
            WorkItem(
                title=title % {"n": count, "name": hook.name},
                url=reverse("core:hook-detail", args=[hook.pk]) + "?state=failed",
                kind="hook",
                count=count,
            )
        )
    return items
