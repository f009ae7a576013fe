"""What a list of the night changed, in words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from matching.models import SearchRun


def changes_text(run: SearchRun) -> str:
    """2 new, 1 with a better class, 3 gone, against list 4 of 2026-11-20; "" for a list that says none."""
    found = run.changes
    if not found:
        return ""
    parts = [
        text % {"n": found[key]}
        for key, text in (
            ("new", ngettext("%(n)d new unit", "%(n)d new units", found["new"])),
            ("better", _("%(n)d with a better class")),
            ("worse", _("%(n)d with a lower class")),
            ("gone", ngettext("%(n)d unit gone", "%(n)d units gone", found["gone"])),
        )
        if found[key]
    ]
    what = _(", ").join(parts) or _("same units; order, probabilities or doses differ")
    against = _("against list %(n)d of %(date)s") % {"n": found["against"], "date": since_text(run)}
    return f"{what} · {against}"


def since_text(run: SearchRun) -> str:
    """The day of the list that a list of the night is told against."""
    return day(parse_datetime(run.changes.get("since", "") or ""))


def day(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d") if at else ""
