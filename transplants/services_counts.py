"""Blood counts after a transplant, typed in or from a file: one row a day; engraftment is derived from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import Actor
from core.errors import InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.choices import InactiveReason
from hospitals.querysets import open_in
from transplants.choices_outcomes import (
    MOST_ANC_E9_PER_L,
    MOST_PLATELETS_E9_PER_L,
    Contact,
    CountSource,
    FormState,
)
from transplants.models import BloodCount, FollowUp, Transplant
from transplants.outcomes.engraftment import Count
from transplants.services_outcomes import outcomes_refresh
from transplants.writing import locked_patient

# More days of one transplant than anybody counts.
MOST_ROWS = 2_000


@dataclass(frozen=True)
class Given:
    """One day as it was given. line: of the table or file, for what is wrong with it."""

    line: int
    count: Count


def counts_of(row: Transplant) -> list[Count]:
    """As the definitions of engraftment read them."""
    rows = BloodCount.objects.filter(transplant=row).order_by("counted_on")
    return [Count(one.counted_on, one.anc_e9_per_l, one.platelets_e9_per_l, one.transfused) for one in rows]


@transaction.atomic
def counts_save(
    *,
    transplant_id: UUID,
    given: Sequence[Given],
    user: User,
    source: str = CountSource.TYPED,
    remove: Sequence[dt.date] = (),
) -> int:
    """Keeps these days: a new day is added, a known one replaced by what is given now, those of `remove` go.

    Returns how many days changed. Raises NotAllowed; InvalidInput with every line that cannot be so (`details`).
    """
    where: UUID | None = Transplant.objects.values_list("patient", flat=True).get(pk=transplant_id)
    if where is not None:
        locked_patient(where)
    transplant: Transplant = Transplant.objects.select_for_update(no_key=True).get(pk=transplant_id)
    if not open_in(user, Permission.FOLLOW_UP_EDIT, transplant.hospital_id):
        raise NotAllowed("not_yours", _("Follow-up is reported by the hospital of the transplant."))
    found = faults(given, transplant.infused_on, died_on=died_on(transplant))
    if found:
        text = _("Some lines cannot be so; nothing was saved.")
        raise InvalidInput("counts_not_in_order", text, field="counts", details=found)
    before = {one.counted_on: one for one in BloodCount.objects.filter(transplant=transplant)}
    changed = [one for one in given if _differs(before.get(one.count.day), one.count)]
    gone = [
        day for day in dict.fromkeys(remove) if day in before and not any(o.count.day == day for o in given)
    ]
    if not changed and not gone:
        return 0
    _store(transplant, changed, gone, user, source)
    outcomes_refresh(transplant_ids=[transplant.pk])
    _record(transplant, before, changed, gone, user)
    return len(changed) + len(gone)


def died_on(transplant: Transplant) -> dt.date | None:
    """By a form that was handed in, else by the patient's record."""
    rows = FollowUp.objects.filter(transplant=transplant, state=FormState.FINAL, contact=Contact.DEAD)
    told: dt.date | None = rows.values_list("contact_on", flat=True).first()
    patient = transplant.patient
    is_dead = patient is not None and patient.inactive_reason == InactiveReason.DIED
    return told or (patient.ended_on if patient is not None and is_dead else None)


def faults(given: Sequence[Given], day_0: dt.date, *, died_on: dt.date | None = None) -> list[dict[str, Any]]:
    """Everything that is wrong, by line: {line, field, code, text}."""
    found: list[dict[str, Any]] = []
    days: dict[dt.date, int] = {}
    if len(given) > MOST_ROWS:
        text = gettext("More than %(most)d days: no patient has so many.") % {"most": MOST_ROWS}
        return [_fault(0, "counts", "too_many", text)]
    for one in given:
        found += _faults(one, day_0, died_on)
        if (first := days.setdefault(one.count.day, one.line)) != one.line:
            text = gettext("%(day)s stands in line %(first)d already: one day, one line.")
            found.append(_fault(one.line, "day", "twice", text % {"day": one.count.day, "first": first}))
    return found


def _faults(one: Given, day_0: dt.date, died_on: dt.date | None) -> list[dict[str, Any]]:
    count, found = one.count, []
    if count.day < day_0:
        text = gettext("%(day)s is before day 0, %(zero)s.") % {"day": count.day, "zero": day_0}
        found.append(_fault(one.line, "day", "before_day_0", text))
    if count.day > timezone.localdate():
        text = gettext("%(day)s has not come yet.") % {"day": count.day}
        found.append(_fault(one.line, "day", "in_the_future", text))
    elif died_on is not None and count.day > died_on:
        text = gettext("%(day)s is after the death on %(died)s.") % {"day": count.day, "died": died_on}
        found.append(_fault(one.line, "day", "after_death", text))
    for name, value, most, smaller in (
        ("anc", count.anc_e9_per_l, MOST_ANC_E9_PER_L, "anc_per_ul"),
        ("platelets", count.platelets_e9_per_l, MOST_PLATELETS_E9_PER_L, "platelets_per_ul"),
    ):
        if value is not None and not (value.is_finite() and 0 <= value <= most):
            text = gettext(
                "%(value)s is no count in 10⁹/L: give a number from 0 to %(most)d. If it is in cells per µL, name the "
                "column %(column)s."
            )
            said = {"value": value, "most": most, "column": smaller}
            found.append(_fault(one.line, name, "out_of_range", text % said))
    if count.anc_e9_per_l is None and count.platelets_e9_per_l is None and not count.transfused:
        text = gettext(
            "The line says nothing: give a count, or that platelets were given, or leave the line out."
        )
        found.append(_fault(one.line, "anc", "nothing", text))
    return found


def _fault(line: int, field: str, code: str, text: Any) -> dict[str, Any]:
    return {"line": line, "field": field, "column": field, "code": code, "text": str(text)}


def rounded(count: Count) -> Count:
    """To the digits that are kept."""

    def digits(value: Decimal | None, step: str) -> Decimal | None:
        return None if value is None or not value.is_finite() else value.quantize(Decimal(step))

    return Count(
        count.day,
        digits(count.anc_e9_per_l, "0.001"),
        digits(count.platelets_e9_per_l, "0.1"),
        count.transfused,
    )


def _differs(known: BloodCount | None, count: Count) -> bool:
    if known is None:
        return True
    stored = Count(known.counted_on, known.anc_e9_per_l, known.platelets_e9_per_l, known.transfused)
    return stored != rounded(count)


def _store(
    transplant: Transplant, changed: Sequence[Given], gone: Sequence[dt.date], user: User, source: str
) -> None:
    BloodCount.objects.filter(transplant=transplant, counted_on__in=gone).delete()
    now = timezone.now()
    rows = [
        BloodCount(
            transplant=transplant,
            counted_on=count.day,
            anc_e9_per_l=count.anc_e9_per_l,
            platelets_e9_per_l=count.platelets_e9_per_l,
            transfused=count.transfused,
            source=source,
            entered_by=user,
            entered_at=now,
        )
        for count in (rounded(one.count) for one in changed)
    ]
    BloodCount.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["transplant", "counted_on"],
        update_fields=[
            "anc_e9_per_l",
            "platelets_e9_per_l",
            "transfused",
            "source",
            "entered_by",
            "entered_at",
        ],
    )


def _text(row: BloodCount | Count | None) -> str:
    """A day as the trail says it: neutrophils / platelets, T where platelets were given."""
    if row is None:
        return ""
    values = (row.anc_e9_per_l, row.platelets_e9_per_l)
    return " / ".join("–" if one is None else f"{one.normalize():f}" for one in values) + (
        " T" if row.transfused else ""
    )


def _record(
    transplant: Transplant,
    before: dict[dt.date, BloodCount],
    changed: Sequence[Given],
    gone: Sequence[dt.date],
    user: User,
) -> None:
    """Every changed day with what it said before: the rows themselves keep only what is known now."""
    days = [one.count.day for one in changed] + list(gone)
    new = {one.count.day: rounded(one.count) for one in changed}
    audit.record(
        actor=Actor.user(user),
        action="counts.save",
        target=(transplant._meta.label, str(transplant.pk), transplant.number),
        before={f"{day}": _text(before.get(day)) for day in days},
        after={f"{day}": _text(new.get(day)) for day in days},
        hospital_id=transplant.hospital_id,
    )
