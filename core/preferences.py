"""How a person wants to be told: by group of kinds the way, and the hours in which no e-mail comes.

What is important cannot be turned off, and is never collected for the daily e-mail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import kinds
from core.errors import InvalidInput
from core.kinds import Weight
from core.models import GroupChoice, MailSettings, User

Way = GroupChoice.Way
DIGEST = "digest"  # the topic of the daily e-mail


@dataclass(frozen=True)
class Wishes:
    """Of one person. ways: group -> way; a group without one is told at once."""

    ways: Mapping[str, str] = field(default_factory=dict)
    quiet: MailSettings = field(default_factory=MailSettings)

    def way(self, code: str) -> str:
        kind = kinds.get(code)
        if kind is None or kind.weight >= Weight.IMPORTANT:
            return Way.NOW
        return self.ways.get(kind.group.code, Way.NOW)


def wishes_of(user_ids: Iterable[UUID]) -> dict[UUID, Wishes]:
    """Of all these people, in two queries."""
    ids = list(user_ids)
    ways: dict[UUID, dict[str, str]] = {pk: {} for pk in ids}
    for choice in GroupChoice.objects.filter(user__in=ids):
        ways[choice.user_id][choice.group] = choice.way
    quiet = {row.user_id: row for row in MailSettings.objects.filter(user__in=ids)}
    return {pk: Wishes(ways[pk], quiet.get(pk, MailSettings())) for pk in ids}


def wishes_of_one(user: User) -> Wishes:
    return wishes_of([user.pk])[user.pk]


def quiet_end(quiet: MailSettings, now: dt.datetime, *, urgent: bool) -> dt.datetime | None:
    """When the quiet hours end in which `now` lies, by the time zone of the bank; None outside them.

    From 22:00 to 07:00 goes over midnight. The first minute is quiet, the last one (the end) is not.
    """
    since, until = quiet.quiet_from, quiet.quiet_until
    if since is None or until is None or (urgent and quiet.urgent_anyway):
        return None
    local = timezone.localtime(now)
    clock = local.time().replace(tzinfo=None)
    within = since <= clock < until if since < until else clock >= since or clock < until
    if not within:
        return None
    end = local.replace(hour=until.hour, minute=until.minute, second=0, microsecond=0)
    return end if clock < until else end + dt.timedelta(days=1)


def next_digest() -> dt.datetime:
    """When the daily e-mail goes: the next MAIL_HOUR by the clock of the bank."""
    local = timezone.localtime()
    today = local.replace(hour=settings.MAIL_HOUR, minute=0, second=0, microsecond=0)
    return today if today > local else today + dt.timedelta(days=1)


@transaction.atomic
def preferences_set(
    *,
    user: User,
    ways: Mapping[str, str],
    quiet_from: dt.time | None,
    quiet_until: dt.time | None,
    urgent_anyway: bool,
) -> None:
    """What the person wants from now on. A preference, not a clinical fact: no audit entry.

    What waits goes by the new wishes when it is due: dropped where no e-mail is wanted any more, later in quiet hours.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # as whoever writes or sends his e-mails
    if (quiet_from is None) != (quiet_until is None):
        raise InvalidInput("quiet_half", _("Give both times, or neither."), field="quiet_until")
    if quiet_from is not None and quiet_from == quiet_until:
        raise InvalidInput(
            "quiet_all_day",
            _("From and until are the same time: no e-mail could ever come."),
            field="quiet_until",
        )
    for group, way in ways.items():
        _choose(user, group, way)
    values = {"quiet_from": quiet_from, "quiet_until": quiet_until, "urgent_anyway": urgent_anyway}
    MailSettings.objects.update_or_create(user=user, defaults=values)


def _choose(user: User, group: str, way: str) -> None:
    if group not in {known.code for known in kinds.choosable()} or way not in Way.values:
        raise InvalidInput("unknown_choice", _("There is no such choice."), field=f"way_{group}")
    GroupChoice.objects.update_or_create(user=user, group=group, defaults={"way": way})
