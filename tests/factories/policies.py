"""Selection policies for tests. They go round the services on purpose: a test arranges what it needs."""

from __future__ import annotations

from typing import Any

from hospitals.models import Hospital
from matching.models import SelectionPolicy


def bank_policy(name: str = "Malignant disease, single unit") -> SelectionPolicy:
    """One that the bank offers."""
    return SelectionPolicy.objects.offered().get(hospital=None, name=name)


def own_policy(hospital: Hospital, name: str = "Protocol 7", **values: Any) -> SelectionPolicy:
    """A hospital's own, with the rules of the bank's default."""
    usual = {
        "rules": bank_policy().rules,
        "created_by": "test",
        "indication": "malignant",
        "author": "Ward 3",
    }
    return SelectionPolicy.objects.create(name=name, hospital=hospital, **{**usual, **values})
