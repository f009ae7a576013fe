"""A registry and its adult donors, for tests."""

from __future__ import annotations

from typing import Any

from bank.codes import grid
from bank.models import Bank, CordBloodUnit
from tests.factories.matching import ListedUnitFactory

BOTH = ("cord", "adult")
GRID = grid.build("9999", "DEMO000000001").code


def registry() -> Bank:
    values = {
        "name": "Synthetic Registry",
        "source": "partner",
        "holds": "adult",
        "issuing_organisation": 9999,
    }
    return Bank.objects.get_or_create(code="REG", defaults=values)[0]


def partner() -> Bank:
    values = {"name": "Partner Bank", "source": "partner", "holds": "cord"}
    return Bank.objects.get_or_create(code="PART", defaults=values)[0]


def donor(number: int = 1, **values: Any) -> CordBloodUnit:
    """An adult donor typed as the patient, unless said otherwise, by his GRID."""
    known = {
        "bank": registry(),
        "source": "partner",
        "donor_type": "adult",
        "unit_no": f"D{number:05d}",
        "grid": grid.build("9999", f"DEMO{number:09d}").code,
        "tnc_e7": None,
        "cd34_e6": None,
        "collected_on": None,
    }
    return ListedUnitFactory(**{**known, **values})
