"""Inventory files, made and read, for tests; they are kept where the fixture `kept_files` says."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from bank import services_exchange
from bank.choices import CountUnit, UpdateMode
from bank.exports.inventory_file import file_of
from bank.models import InventoryExport
from tests.bank.conftest import SYSTEM
from tests.factories.bank import BankFactory

ION = 6939


def made(since: InventoryExport | None = None, **options: Any) -> InventoryExport:
    """A file, from its start to its end."""
    bank = BankFactory()
    asked = {
        "bank_id": bank.pk, "mode": UpdateMode.DIFF if since else UpdateMode.FULL, "counts": CountUnit.E8,
        "since_id": since.pk if since else None, "issuing_organisation": ION, "actor": SYSTEM, **options,
    }  # fmt: skip
    export = services_exchange.export_start(**asked)
    done = services_exchange.export_execute(job_id=export.job_id)
    assert done is not None
    return done


def units_of(export: InventoryExport) -> dict[str, Element]:
    root = ElementTree.fromstring(file_of(export.pk).read_bytes())
    return {unit.findtext("ID"): unit for unit in root.iter("CBU")}


def told(unit: Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in unit if not len(child)}
