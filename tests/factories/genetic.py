"""Requests for files with HLA typings, and foreign people."""

from __future__ import annotations

import factory

from bank.models import ExportApproval
from core.models import User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of


class ApprovalFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ExportApproval

    kind = "unit_csv"
    address = "/units/export.csv"
    title = "Inventory"
    units = 60
    digest = factory.Sequence(lambda n: f"{n:064x}")
    purpose = "research"
    purpose_text = "a study of haplotypes"
    recipient = "Institute of an invented land"
    recipient_country = "XX"
    permit_no = "HGR-2026-1"
    asked_by = factory.SubFactory(UserFactory)


def foreigner(*roles: Role, country: str = "SG") -> User:
    """A person of a hospital abroad."""
    return member_of(HospitalFactory(country=country), *roles)
