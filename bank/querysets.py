"""Reads of the inventory. `visible_to` is the only way in for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from bank import din
from bank.choices import BLOCKS, SEARCHABLE, DonorType, UnitStatus
from core.roles import Permission

if TYPE_CHECKING:
    import datetime as dt

    from bank.models import (  # noqa: F401 - named in bases below
        Accreditation,
        Bank,
        CordBloodUnit,
        ImportBatch,
    )
    from bank.models.records import Verified
    from core.models import User


# A unit without these can be offered by no search (domain notes, matching 2.3).
REQUIRED_LOCI = ("A", "B", "DRB1")


def not_blocked(path: str = "") -> Q:
    """Condition that no flag keeps the unit back; `path` leads to the unit ("unit__")."""
    return Q(**{f"{path}{flag}": False for flag in BLOCKS})


OFFERED_BY = ("status", "donor_type", *BLOCKS)  # columns that decide whether a search may offer a unit


def is_offered(values: Mapping[str, Any]) -> bool:
    """What `offered` says of rows, of the values of OFFERED_BY that a unit has or had."""
    return (
        values["status"] in SEARCHABLE
        and values["donor_type"] == DonorType.CORD
        and not any(values[flag] for flag in BLOCKS)
    )


class CordBloodUnitQuerySet(models.QuerySet["CordBloodUnit"]):
    def visible_to(self, user: User) -> CordBloodUnitQuerySet:
        """Bank staff see every unit, hospitals the listed ones, nobody else any."""
        if user.has_permission(Permission.INVENTORY_VIEW_ALL):
            return self.all()
        if user.has_permission(Permission.INVENTORY_VIEW):
            return self.listed()
        return self.none()

    def listed(self) -> CordBloodUnitQuerySet:
        """What hospitals see; `CordBloodUnit.is_listed` says the same of one unit."""
        return self.filter(not_blocked(), status=UnitStatus.LISTED)

    def to_confirm(self) -> CordBloodUnitQuerySet:
        """Values outside the plausibility limits wait for a person."""
        return self.filter(held_for_confirmation=True, status=UnitStatus.QUARANTINE)

    def offered(self) -> CordBloodUnitQuerySet:
        """Cord blood in a state that a search may offer, nothing open; typed or not (a search counts the untyped).

        `is_offered` says the same of values.
        """
        return self.filter(not_blocked(), status__in=SEARCHABLE, donor_type=DonorType.CORD)

    def searchable(self) -> CordBloodUnitQuerySet:
        """Units that a search may offer: listed or reserved, typed at A, B and DRB1, nothing open."""
        return self.offered().typed_at(REQUIRED_LOCI)

    def typed_at(self, loci: Iterable[str]) -> CordBloodUnitQuerySet:
        """Only units with some typing at every one of these loci."""
        missing = Q()
        for locus in loci:
            missing |= Q(**{f"hla_{locus.lower()}_1": ""})
        return self.exclude(missing) if missing else self.all()

    def with_tags(self, tags: Iterable[str]) -> CordBloodUnitQuerySet:
        """Only units whose typing names all of these: alleles, first fields, antigens (`A*24:02`, `A*24`, `A24`)."""
        wanted = [tag for tag in tags if tag]
        return self.filter(hla_tags__contains=wanted) if wanted else self.all()

    def numbered(self, text: str) -> CordBloodUnitQuerySet:
        """Units by the beginning of their number, or by a DIN typed or scanned, whole or in part."""
        plain = "".join(text.split()).upper()
        if not plain:
            return self.all()
        code = plain.lstrip("=").replace("-", "")[:13]
        by_din = Q(din__startswith=code) & ~Q(din="") if code else Q()  # "" is not in the index
        return self.filter(Q(unit_no__startswith=plain) | by_din)

    def by_number(self, text: str) -> CordBloodUnit | None:
        """The one unit whose number or verified DIN this is, typed or scanned; None if there is none."""
        plain = "".join(text.split()).upper()
        try:
            return self.filter(din=din.parse(plain).code).first()
        except din.DinError:
            rows = list(self.filter(unit_no=plain)[:2])
            return rows[0] if len(rows) == 1 else None


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def visible_to(self, user: User) -> ImportBatchQuerySet:
        """Where units came from is the bank's own affair."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def newest(self) -> ImportBatch | None:
        return self.order_by("-created_at").first()


class BankQuerySet(models.QuerySet["Bank"]):
    def visible_to(self, user: User) -> BankQuerySet:
        """Whoever sees units may know whose they are."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW) else self.none()


class AccreditationQuerySet(models.QuerySet["Accreditation"]):
    def visible_to(self, user: User) -> AccreditationQuerySet:
        """By whom a bank is accredited is told to everybody who may see its units."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW) else self.none()

    def valid_on(self, day: dt.date) -> AccreditationQuerySet:
        """Both days of the period count; without an end it goes on."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gte=day), valid_from__lte=day)


class VerifiedQuerySet(models.QuerySet[Any]):
    """Results that one person enters and another one vouches for."""

    def waiting(self) -> Self:
        """Those that count and that nobody has vouched for."""
        return self.filter(verified_by=None)


class InForceQuerySet(VerifiedQuerySet):
    """Of which a later result takes the place of an earlier one."""

    def in_force(self) -> Self:
        return self.filter(superseded=False)

    def waiting(self) -> Self:
        return self.in_force().filter(verified_by=None)


def waiting_results(unit: CordBloodUnit) -> list[Verified]:
    """All results of a unit that wait for a second person; a marker is never superseded, so each of its rows counts."""
    kinds = (unit.measurements, unit.haemoglobinopathy_results, unit.markers)
    return [row for rows in kinds for row in rows.waiting().select_related("entered_by")]


def waiting_for(unit: CordBloodUnit, person_id: UUID) -> list[Verified]:
    """Those that this person may vouch for: somebody else entered them."""
    return [row for row in waiting_results(unit) if row.entered_by_id != person_id]
