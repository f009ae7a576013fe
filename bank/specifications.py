"""Release specifications as their pages show them, and with what a new version begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bank import presenters_release as words
from bank.choices import Comparison, Source
from bank.forms_release import SpecificationForm
from bank.models import Bank, ReleaseCriterion, ReleaseSpecification
from bank.release.defaults import PROPOSAL
from bank.services_specification import COLUMNS
from core.models import User


def by_bank(user: User) -> list[dict[str, Any]]:
    """Own banks with their versions, newest first, and which one is in force today."""
    today = timezone.localdate()
    found = []
    for bank in Bank.objects.visible_to(user).filter(source=Source.OWN):
        in_force = ReleaseSpecification.objects.in_force(bank.pk, today)
        rows = bank.release_specifications.select_related("created_by", "approved_by")
        versions = [{"row": row, **state(row, in_force)} for row in rows]
        found.append({"bank": bank, "versions": versions, "in_force": in_force})
    return found


def state(row: ReleaseSpecification, in_force: ReleaseSpecification | None) -> dict[str, str]:
    if row.approved_at is None:
        return {"text": _("draft, not approved"), "tone": "warn"}
    if in_force is not None and row.pk == in_force.pk:
        return {"text": _("in force"), "tone": "good"}
    if row.effective_from > timezone.localdate():
        return {"text": _("approved, not yet in force"), "tone": "info"}
    return {"text": _("replaced"), "tone": ""}


def beginning(bank: Bank) -> list[dict[str, Any]]:
    """The criteria of the newest version; what the proposal asks beyond it comes after, not chosen."""
    newest = bank.release_specifications.order_by("-version").first()
    if newest is None:
        return [{**one, "chosen": True} for one in PROPOSAL]
    kept = [{name: getattr(one, name) for name in COLUMNS} for one in newest.criteria.all()]
    known = {_key(one) for one in kept}
    more = [one for one in PROPOSAL if _key(one) not in known]
    return [{**one, "chosen": True} for one in kept] + [{**one, "chosen": False} for one in more]


def _key(one: Mapping[str, Any]) -> tuple[str, ...]:
    """What makes two criteria the same, as the database sees it."""
    names = ("kind", "time_point", "analyte", "subject", "test")
    return (*(str(one.get(name, "")) for name in names), str(one.get("comparison", "ge")))


def head(bank: Bank) -> dict[str, Any]:
    newest = bank.release_specifications.order_by("-version").first()
    return {
        "title": newest.title if newest else _("Listing of cord blood units"),
        "effective_from": timezone.localdate(),
        "base": str(newest.pk) if newest else "",
    }


def lines(form: SpecificationForm) -> list[dict[str, Any]]:
    """The lines of the editor: a criterion in words, and its fields."""
    return list(_lines(form))


def _lines(form: SpecificationForm) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(form.rows):
        threshold = f"threshold_{place}"
        criterion = ReleaseCriterion(**{name: row[name] for name in COLUMNS if name in row})
        yield {
            **words.criterion(criterion),
            "keep": form[f"keep_{place}"],
            "excepted": form[f"excepted_{place}"],
            "threshold": form[threshold] if threshold in form.fields else None,
            "sign": Comparison(criterion.comparison).label,
            "unit": words.unit_of(criterion),
        }
