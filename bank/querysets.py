"""Reads of the inventory. `visible_to` is the only way in for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from bank import promised
from bank.choices import BEFORE_OFFER, BLOCKS, SEARCHABLE, DonorType, Source, UnitStatus
from bank.codes import cbu, scan
from bank.codes import din as din_codes
from bank.codes.errors import CodeError
from core.roles import Permission

if TYPE_CHECKING:
    import datetime as dt

    from bank.models import (  # noqa: F401 - named in bases below
        Accreditation,
        Bank,
        CordBloodUnit,
        ImportBatch,
        InventoryExport,
        ProductCode,
        ReleaseSpecification,
    )
    from core.models import User


CORD_ONLY = (DonorType.CORD.value,)
ALL_DONORS = tuple(DonorType.values)
# A unit without these can be offered by no search (domain notes, matching 2.3).
REQUIRED_LOCI = ("A", "B", "DRB1")


def not_blocked(path: str = "") -> Q:
    """Condition that no flag keeps the unit back; `path` leads to the unit ("unit__")."""
    return Q(**{f"{path}{flag}": False for flag in BLOCKS})


def listed() -> Q:
    """Condition of what hospitals see."""
    return not_blocked() & Q(status=UnitStatus.LISTED)


OFFERED_BY = ("status", "donor_type", *BLOCKS)  # columns that decide whether a search may offer a unit


def is_offered(values: Mapping[str, Any], donor_types: Sequence[str] = CORD_ONLY) -> bool:
    """What `offered` says of rows, of the values of OFFERED_BY that a unit has or had."""
    return (
        values["status"] in SEARCHABLE
        and values["donor_type"] in donor_types
        and not any(values[flag] for flag in BLOCKS)
    )


def donation_in(text: str) -> str:
    """The 13 characters of the DIN that a typed or scanned text names and vouches for; "" if it names none."""
    try:
        return scan.read(text).donation
    except CodeError:
        return ""


def _number(text: str) -> tuple[str, str]:
    """The column that a text of a file names a unit by, and its value there."""
    plain = "".join(text.split()).upper()
    try:
        return "din", din_codes.parse(plain).code
    except CodeError:
        return "unit_no", plain


class CordBloodUnitQuerySet(models.QuerySet["CordBloodUnit"]):
    def visible_to(self, user: User) -> CordBloodUnitQuerySet:
        """Bank staff see every unit, hospitals the listed ones, nobody else any."""
        if user.has_permission(Permission.INVENTORY_VIEW_ALL):
            return self.all()
        if user.has_permission(Permission.INVENTORY_VIEW):
            return self.listed()
        return self.none()

    def with_kept(self) -> KeptUnits:
        """The same; of these `visible_to` also shows a hospital what is kept for its patients."""
        return KeptUnits(self.model, query=self.query.chain(), using=self.db)

    def askable(self, *, sent: bool = False) -> AskableUnits:
        """The same; of these `visible_to` shows what may be asked for, promised to somebody or not.

        sent: with a form that was filled in, when the unit may have been held since: the service says so beside it.
        """
        units = AskableUnits(self.model, query=self.query.chain(), using=self.db)
        units.sent = sent
        return units

    def listed(self) -> CordBloodUnitQuerySet:
        """What hospitals see; `CordBloodUnit.is_listed` says the same of one unit."""
        return self.filter(listed())

    def to_confirm(self) -> CordBloodUnitQuerySet:
        """Values of own units outside the plausibility limits wait for a person; a partner's for its next list."""
        return self.filter(held_for_confirmation=True, status=UnitStatus.QUARANTINE, source=Source.OWN)

    def offered(self, donor_types: Sequence[str] = CORD_ONLY) -> CordBloodUnitQuerySet:
        """In a state that a search may offer, nothing open; typed or not (a search counts the untyped).

        Cord blood, unless other donors are asked for: what is counted or planned of the stock is of cord blood.
        `is_offered` says the same of values.
        """
        return self.filter(not_blocked(), status__in=SEARCHABLE, donor_type__in=donor_types)

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
        code = donation_in(text) or plain.lstrip("=").replace("-", "")[:13]
        by_din = Q(din__startswith=code) & ~Q(din="") if code else Q()  # "" is not in the index
        return self.filter(Q(unit_no__startswith=plain) | by_din)

    def by_number(self, text: str) -> CordBloodUnit | None:
        """The one unit that this names, typed or scanned; None if there is none or it is not sure.

        DIN, Single European Code, GRID, a message of several data structures, unit number, CBU id.
        """
        try:
            read = scan.read(text)
        except CodeError:
            return self.by_unit_no(text)
        if read.donation and (unit := self.filter(din=read.donation).first()):
            return unit
        if read.grid:
            return self.filter(grid=read.grid.code).first()
        return self.by_unit_no(read.text)

    def by_unit_no(self, text: str) -> CordBloodUnit | None:
        """The one unit of this number, else of this CBU id; None where two banks gave it."""
        plain = "".join(text.split()).upper()
        rows = list(self.filter(unit_no=plain)[:2]) or list(self._of_cbu_id(plain)[:2])
        return rows[0] if len(rows) == 1 else None

    def keys_by_number(self, texts: Iterable[str]) -> dict[str, list[UUID]]:
        """Text of a file -> the units that it names by a verified DIN, typed or scanned, or a unit number; one query.

        None: there is no such unit; several: two banks gave the number.
        """
        numbers = {text: _number(text) for text in texts}
        wanted = [
            {text for column, text in numbers.values() if column == name} for name in ("unit_no", "din")
        ]
        found: dict[tuple[str, str], list[UUID]] = {}
        units = self.filter(Q(unit_no__in=wanted[0]) | Q(din__in=wanted[1]))
        for pk, unit_no, din in units.values_list("pk", "unit_no", "din"):
            found.setdefault(("unit_no", unit_no), []).append(pk)
            found.setdefault(("din", din), []).append(pk)
        return {text: found.get(number, []) if number[1] else [] for text, number in numbers.items()}

    def _of_cbu_id(self, plain: str) -> CordBloodUnitQuerySet:
        wanted = Q()
        for length in cbu.HUB_LENGTHS:
            wanted |= Q(bank__emdis_hub=plain[:length], unit_no=plain[length:])
        return self.filter(wanted, donor_type=DonorType.CORD)


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def visible_to(self, user: User) -> ImportBatchQuerySet:
        """Where units came from is the bank's own affair."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def newest(self) -> ImportBatch | None:
        return self.order_by("-created_at").first()


class InventoryExportQuerySet(models.QuerySet["InventoryExport"]):
    def visible_to(self, user: User) -> InventoryExportQuerySet:
        """Whoever makes these files; they hold every unit on offer at once."""
        return self.defer("digests") if user.has_permission(Permission.INVENTORY_EXPORT) else self.none()

    def finished(self) -> InventoryExportQuerySet:
        return self.filter(snapshot_time__isnull=False)

    def unfinished(self) -> InventoryExportQuerySet:
        """Those whose job still waits or works."""
        return self.filter(snapshot_time__isnull=True, job__state__in=["queued", "running"])


class BankQuerySet(models.QuerySet["Bank"]):
    def visible_to(self, user: User) -> BankQuerySet:
        """Whoever sees units may know whose they are."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW) else self.none()


class ProductCodeQuerySet(models.QuerySet["ProductCode"]):
    def visible_to(self, user: User) -> ProductCodeQuerySet:
        """What the bank licensed is for its own people."""
        allowed = user.has_permission(Permission.REFERENCE_VIEW) and user.has_permission(
            Permission.INVENTORY_VIEW_ALL
        )
        return self.all() if allowed else self.none()

    def described(self, description_code: str) -> str:
        """What the loaded table says of a code; "" if it says nothing."""
        return self.filter(code=description_code).values_list("description", flat=True).first() or ""

    def matching(self, text: str) -> ProductCodeQuerySet:
        """By the beginning of the code or a part of the description."""
        plain = text.strip()
        wanted = Q(code__startswith=plain.upper()) | Q(description__icontains=plain)
        return self.filter(wanted) if plain else self.all()


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


class StandingQuerySet(VerifiedQuerySet):
    """Results of which none takes the place of another, but each may be retracted."""

    def standing(self) -> Self:
        return self.filter(retracted_at=None)

    def waiting(self) -> Self:
        return self.standing().filter(verified_by=None)


class TypingQuerySet(VerifiedQuerySet):
    """Typings of units and mothers; one of each is current."""

    def waiting(self) -> Self:
        """Of the units themselves: a typing decides which patients a unit is offered to."""
        return self.filter(is_current=True, subject="unit", verified_by=None)


class SpecificationQuerySet(models.QuerySet["ReleaseSpecification"]):
    def visible_to(self, user: User) -> Self:
        """What a bank asks of a unit is its own affair."""
        return self.all() if user.has_permission(Permission.INVENTORY_VIEW_ALL) else self.none()

    def approved(self) -> Self:
        return self.filter(approved_at__isnull=False)

    def in_force(self, bank_id: UUID, day: dt.date) -> ReleaseSpecification | None:
        """The newest approved version of a bank that has begun: a later one takes the place of all before it."""
        rows = self.approved().filter(bank_id=bank_id, effective_from__lte=day)
        return rows.order_by("-version").first()


def waiting_results(unit: CordBloodUnit) -> list[Any]:
    """All results of a unit that wait for a second person; its typing only as long as it is not on offer."""
    kinds: list[Any] = [
        unit.measurements,
        unit.blood_groups,
        unit.haemoglobinopathy_results,
        unit.markers,
        unit.cultures,
    ]
    if unit.status in BEFORE_OFFER:
        kinds.append(unit.typings)
    if unit.donation is not None:
        kinds.append(unit.donation.eligibility)
    return [row for rows in kinds for row in rows.waiting().select_related("entered_by")]


def waiting_for(unit: CordBloodUnit, person_id: UUID) -> list[Any]:
    """Those that this person may vouch for: somebody else entered them.

    A typing keeps loci of the earlier ones: who entered any of them vouches for none.
    """
    typed = unit.typings.filter(subject="unit", entered_by_id=person_id).exists()
    theirs = [row for row in waiting_results(unit) if row.entered_by_id != person_id]
    return [row for row in theirs if not (typed and row._meta.model_name == "hlatyping")]


class KeptUnits(CordBloodUnitQuerySet):
    """For the page of one unit: lists of the inventory do not ask for whom each is kept."""

    def visible_to(self, user: User) -> CordBloodUnitQuerySet:
        seen = super().visible_to(user)
        if user.has_permission(Permission.INVENTORY_VIEW_ALL) or not user.has_permission(
            Permission.INVENTORY_VIEW
        ):
            return seen
        return self.filter(listed() | promised.kept_for(user))


class AskableUnits(CordBloodUnitQuerySet):
    """What a search offers: also what is promised to another patient, for whom wants to wait for it."""

    sent = False

    def visible_to(self, user: User) -> CordBloodUnitQuerySet:
        if not user.has_permission(Permission.INVENTORY_VIEW):
            return self.none()
        return self.filter(status__in=[*SEARCHABLE, UnitStatus.ON_HOLD]) if self.sent else self.offered()
