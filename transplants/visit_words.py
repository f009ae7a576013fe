"""Names of the forms of follow-up, for people."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import npgettext

from transplants.outcomes.derive import IMPORTED_VISIT
from transplants.outcomes.schedule import VISIT


def visit_title(code: str) -> str:
    """Day 100, 6 months, 1 year, …; a code that nobody knows stays as it is."""
    if code == IMPORTED_VISIT:
        return _("Taken over")
    visit = VISIT.get(code)
    if visit is None:
        return code
    if not visit.years:
        return _("Day 100") if code == "d100" else _("6 months")
    return npgettext("after transplant", "%(n)d year", "%(n)d years", visit.years) % {"n": visit.years}
