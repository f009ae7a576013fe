"""Writes about codes: the table of product codes, a unit's product and GRID, the codes of a bank."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank import code_messages
from bank.choices import DonorType
from bank.codes import cbu, grid, product, sec
from bank.codes.errors import CodeError
from bank.imports.products import ProductRow, read_products
from bank.models import Bank, CordBloodUnit, ProductCode
from bank.writing import given_reason, guard_own, locked_unit, write_unit
from core import audit
from core.audit import Actor, Batch
from core.errors import Conflict, InvalidInput
from core.findings import Finding

MAX_VERSION = 40
BANK_CODES = ("country", "issuing_organisation", "emdis_hub", "tissue_establishment_code")
_LOADING = 0x51444C43  # the advisory lock of loads: one after the other


def invalid(error: CodeError, field: str) -> InvalidInput:
    """What is wrong with a code, beside its field."""
    return InvalidInput(error.code, code_messages.MESSAGES[error.code], field=field, params=error.params)


# --- the table of product codes ------------------------------------------------------------------


@dataclass
class ProductReport:
    """What a load did, or would do."""

    dry_run: bool
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.new + self.changed + self.unchanged


@transaction.atomic
def product_codes_load(*, data: bytes, version: str, actor: Actor, dry_run: bool = False) -> ProductReport:
    """Take in a table of product codes under its version; all or, when anything is wrong with it, nothing.

    A code that is there already gets the wording and version of the file, if that differs in wording; codes that the
    file leaves out stay. Raises InvalidInput: version_form.
    """
    if not version.strip() or len(version.strip()) > MAX_VERSION:
        text = _("Name the version of the table, with at most %(most)s characters.")
        raise InvalidInput("version_form", text, field="version", params={"most": MAX_VERSION})
    file = read_products(data)
    report = ProductReport(dry_run, findings=file.findings)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOADING])
    new, changed = _sorted_rows(file.rows)
    report.new, report.changed = len(new), len(changed)
    report.unchanged = len(file.rows) - len(new) - len(changed)
    if report.findings or dry_run or not (new or changed):
        return report
    _write_products([*new, *changed], version.strip())
    digest = hashlib.sha256("\n".join(sorted(f"{row.code} {row.description}" for row in file.rows)).encode())
    audit.record(
        actor=actor,
        action="product_codes.load",
        target=("bank.ProductCode", version.strip(), version.strip()),
        after={"version": version.strip(), "new": report.new, "changed": report.changed},
        batch=Batch(rows=len(file.rows), sha256=digest.hexdigest()),
    )
    return report


def _sorted_rows(rows: Sequence[ProductRow]) -> tuple[list[ProductRow], list[ProductRow]]:
    """Those that are new, and those that are worded otherwise."""
    known = {
        code: ProductRow(code, description, product_class)
        for code, description, product_class in ProductCode.objects.values_list(
            "code", "description", "product_class"
        )
    }
    new = [row for row in rows if row.code not in known]
    return new, [row for row in rows if row.code in known and row != known[row.code]]


def _write_products(rows: Sequence[ProductRow], version: str) -> None:
    now = timezone.now()
    ProductCode.objects.bulk_create(
        [
            ProductCode(
                code=row.code,
                description=row.description,
                product_class=row.product_class,
                version=version,
                loaded_at=now,
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["description", "product_class", "version", "loaded_at"],
        batch_size=2_000,
    )


# --- a unit ----------------------------------------------------------------------------------------


@transaction.atomic
def unit_product_record(*, unit_id: UUID, product_code: str, actor: Actor, reason: str) -> CordBloodUnit:
    """Say which ISBT 128 product a unit is ("" unknown): it goes onto its labels and into its European code.

    Once a table is loaded, only its codes are taken. Raises InvalidInput: product_form, product_unknown.
    """
    unit = locked_unit(unit_id)
    reason = given_reason(reason)
    guard_own(unit)
    new = _known_product(product_code) if product_code.strip() else ""
    if new == unit.product_code:
        return unit
    return write_unit(unit, {"product_code": new}, {}, actor=actor, action="unit.product", reason=reason)


def _known_product(text: str) -> str:
    try:
        made = product.parse(text)
    except CodeError as error:
        raise invalid(error, "product_code") from None
    if ProductCode.objects.exists() and not ProductCode.objects.described(made.description_code):
        unknown = _("The loaded table of product codes does not hold %(code)s.")
        raise InvalidInput(
            "product_unknown", unknown, field="product_code", params={"code": made.description_code}
        )
    return made.code


@transaction.atomic
def unit_grid_record(*, unit_id: UUID, text: str, actor: Actor) -> CordBloodUnit:
    """Give an adult donor of a partner's list its GRID. Cord blood has none.

    Raises InvalidInput: grid_form, grid_check_wrong; Conflict: grid_cord, grid_taken.
    """
    unit = locked_unit(unit_id)
    try:
        code = grid.parse(text).code
    except CodeError as error:
        raise invalid(error, "grid") from None
    if unit.donor_type != DonorType.ADULT:
        only = _(
            "A GRID names an adult donor. A cord blood unit has none: it is known by its DIN, its unit number and its "
            "CBU id."
        )
        raise Conflict("grid_cord", only, field="grid")
    if code == unit.grid:
        return unit
    taken = Conflict("grid_taken", _("This GRID belongs to another donor already."), field="grid")
    if CordBloodUnit.objects.filter(grid=code).exists():
        raise taken
    try:
        with transaction.atomic():
            return write_unit(unit, {"grid": code}, {}, actor=actor, action="unit.grid", reason="")
    except IntegrityError:
        raise taken from None


# --- a bank ----------------------------------------------------------------------------------------


@transaction.atomic
def bank_codes_change(*, bank_id: UUID, values: Mapping[str, Any], actor: Actor, reason: str) -> Bank:
    """Country, issuing organisation, EMDIS hub and tissue establishment of a bank: they begin the codes of its units.

    Raises InvalidInput: bank_unknown, reason_needed, country_form, ion_form, cbu_hub, establishment_form.
    """
    bank = Bank.objects.select_for_update(no_key=True).filter(pk=bank_id).first()
    if bank is None:
        raise InvalidInput("bank_unknown", _("There is no such bank."))
    reason = given_reason(reason)
    new = {name: values.get(name) for name in BANK_CODES}
    for name in ("country", "emdis_hub", "tissue_establishment_code"):
        new[name] = "".join(str(new[name] or "").split()).upper()
    guard_bank_codes(new)
    before, after = audit.changes({name: getattr(bank, name) for name in BANK_CODES}, new)
    if not after:
        return bank
    for name, value in new.items():
        setattr(bank, name, value)
    bank.save(update_fields=list(new))
    audit.record(actor=actor, action="bank.codes", target=bank, before=before, after=after, reason=reason)
    return bank


def guard_bank_codes(new: Mapping[str, Any]) -> None:
    if new["country"] and not re.fullmatch(sec.COUNTRY_PATTERN, new["country"]):
        raise InvalidInput(
            "country_form", _("Write the country as two letters, ISO 3166-1."), field="country"
        )
    organisation = new["issuing_organisation"]
    if organisation is not None and not 1000 <= organisation <= 9999:
        text = _("An issuing organisation number lies between 1000 and 9999.")
        raise InvalidInput("ion_form", text, field="issuing_organisation")
    if new["emdis_hub"] and not re.fullmatch(cbu.HUB_PATTERN, new["emdis_hub"]):
        error = CodeError("cbu_hub", hub=new["emdis_hub"][:20])
        raise invalid(error, "emdis_hub")
    code = new["tissue_establishment_code"]
    if code and not re.fullmatch(sec.ESTABLISHMENT_PATTERN, code):
        text = _("A tissue establishment code has six letters or digits.")
        raise InvalidInput("establishment_form", text, field="tissue_establishment_code")
    if code and not new["country"]:
        text = _("The tissue establishment code needs the country before it.")
        raise InvalidInput("country_needed", text, field="country")
