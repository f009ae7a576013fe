"""What waits for whoever runs the installation."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import OutgoingMail, User
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
