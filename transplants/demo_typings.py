"""Synthetic confirmatory typings of the demonstration: one in each state, made by its people."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from django.utils import timezone

from bank import typing_compared
from bank.models import CordBloodUnit
from bank.typing_compared import Loci, differing, half_typed, loci_of
from core.models import User
from core.roles import Role
from core.typings import TypingInput
from hla.typing import Typing, canonical_loci
from hospitals.models import PatientHlaTyping
from transplants import services_typings as services
from transplants.choices_typings import NEEDED, WANTED, TypingMethod
from transplants.demo_people import colleague, person
from transplants.guards_typings import shown_of
from transplants.models import ConfirmatoryTyping, Reservation

# Common alleles; one of them cannot be what the unit has.
OTHERS = ("A*02:01", "A*11:01", "A*24:02", "A*33:03", "A*26:01")
People = Callable[[Role], User]
Step = Callable[[Reservation, People], ConfirmatoryTyping]


def load(*, person: People) -> int:
    """Of active reservations whose unit is typed at all loci and has segments: as many as there are, at most six."""
    steps: list[Step] = [_asked, _sampled, _reported, _confirmed, _discrepant, _cancelled]
    rows = Reservation.objects.with_names().active().filter(unit__segments__gte=1, orders=None)
    found = [row for row in rows.order_by("number") if _is_typed(row.unit)]
    # the last ones: the first stand for what else happens to a reservation
    for step, row in zip(steps, reversed(found), strict=False):
        step(row, person)
    return ConfirmatoryTyping.objects.count()


def confirmed_by_two(row: Reservation, *, asked_at: dt.datetime) -> ConfirmatoryTyping:
    """By two of the laboratory, some days ago: whoever releases the unit later had no hand in its typing."""
    first, second = person(Role.LAB), colleague(Role.LAB)
    asked = services.typing_ask(reservation_id=row.pk, user=person(Role.SEARCH_COORDINATOR))
    ConfirmatoryTyping.objects.filter(pk=asked.pk).update(asked_at=asked_at)
    day = timezone.localdate(asked_at)
    services.typing_sample(typing_id=asked.pk, user=first, used_on=day)
    given = TypingInput(gl=_by_alleles(row), laboratory="HLA laboratory", typed_on=day)
    found = services.typing_report(typing_id=asked.pk, given=given, method=TypingMethod.NGS, user=first)
    shown = shown_of(found, typing_compared.in_force(row.unit_id))
    services.typing_verify(typing_id=found.pk, user=second, shown=shown)
    times = {"reported_at": asked_at, "ended_at": asked_at + dt.timedelta(hours=5)}
    ConfirmatoryTyping.objects.filter(pk=asked.pk).update(**times)
    return found


def _by_alleles(row: Reservation) -> str:
    """What sequencing could find: of what the list leaves open the patient's own allele, else the first one."""
    mine = PatientHlaTyping.objects.filter(patient=row.patient_id, is_current=True).first()
    own = _named(mine.canonical_gl) if mine is not None else set()
    found = []
    for _locus, *pair in canonical_loci(_gl(_listed(row.unit))):
        found.append("+".join(_allele(value.split("|")[0].split("/"), own) for value in pair))
    return "^".join(found)


def _named(gl: str) -> set[str]:
    return {
        name for _locus, *pair in canonical_loci(gl) for value in pair for name in re.split(r"[|/]", value)
    }


def _allele(names: list[str], own: set[str]) -> str:
    """One allele of a value. "03:XX" names a whole family, whose first one every release has."""
    family = names[0].removesuffix(":XX")
    if family == names[0]:
        return next((name for name in names if name in own), names[0])
    like = sorted(name for name in own if name.startswith(f"{family}:") and not name.endswith(":XX"))
    return like[0] if like else f"{family}:01"


def _listed(unit: CordBloodUnit) -> Loci:
    row = typing_compared.in_force(unit.pk)
    return loci_of(row.canonical_gl) if row is not None else {}


def _is_typed(unit: CordBloodUnit) -> bool:
    return not half_typed(_listed(unit), NEEDED)


def _asked(row: Reservation, person: People) -> ConfirmatoryTyping:
    return services.typing_ask(reservation_id=row.pk, user=person(Role.SEARCH_COORDINATOR))


def _sampled(row: Reservation, person: People) -> ConfirmatoryTyping:
    asked = _asked(row, person)
    return services.typing_sample(typing_id=asked.pk, user=person(Role.LAB))


def _reported(row: Reservation, person: People, gl: str = "") -> ConfirmatoryTyping:
    cut = _sampled(row, person)
    given = TypingInput(
        gl=gl or _gl(_listed(row.unit)), laboratory="HLA laboratory", typed_on=timezone.localdate()
    )
    return services.typing_report(
        typing_id=cut.pk, given=given, method=TypingMethod.NGS, user=person(Role.LAB)
    )


def _verified(row: Reservation, person: People, gl: str = "") -> ConfirmatoryTyping:
    found = _reported(row, person, gl)
    shown = shown_of(found, typing_compared.in_force(row.unit_id))
    return services.typing_verify(typing_id=found.pk, user=person(Role.QA), shown=shown)


def _confirmed(row: Reservation, person: People) -> ConfirmatoryTyping:
    return _verified(row, person)


def _discrepant(row: Reservation, person: People) -> ConfirmatoryTyping:
    listed = _listed(row.unit)
    rest = _gl({locus: typing for locus, typing in listed.items() if locus != "A"})
    for allele in OTHERS:
        wrong = f"{allele}+{allele}"
        if differing(listed, loci_of(wrong)):
            return _verified(row, person, f"{wrong}^{rest}")
    raise AssertionError("no allele differs from every typing")


def _cancelled(row: Reservation, person: People) -> ConfirmatoryTyping:
    asked = _asked(row, person)
    user = person(Role.SEARCH_COORDINATOR)
    return services.typing_cancel(typing_id=asked.pk, user=user, reason="another unit was chosen")


def _gl(loci: Loci) -> str:
    return Typing.of(loci[locus] for locus in WANTED if locus in loci).gl()
