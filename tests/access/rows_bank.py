"""Addresses of the bank: the inventory is everybody's, its inside the bank's staff only."""

from __future__ import annotations

from uuid import uuid4

from core.roles import Role
from tests.access.matrix import EVERYONE, HOSPITAL, Row, World
from tests.factories.bank import AccreditationFactory, ImportBatchFactory, MeasurementFactory, UnitFactory

STAFF = frozenset(Role) - HOSPITAL
IMPORTERS = frozenset({Role.LAB, Role.QA, Role.SEARCH_COORDINATOR})
DECIDERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR})


def build(world: World) -> None:
    world.unit = UnitFactory()
    world.held_unit = UnitFactory(on_hold=True)
    world.waiting_unit = UnitFactory(waiting=True)
    world.batch = ImportBatchFactory()
    world.accreditation = AccreditationFactory(bank=world.unit.bank)
    world.measurement = MeasurementFactory()


REASON = {"reason": "because of a test"}
LIMITS = {
    "tnc_e7_min": "30", "tnc_e7_max": "400", "cd34_percent_min": "0.05", "cd34_percent_max": "2", **REASON,
}  # fmt: skip

ROWS = [
    Row("bank:unit-list", EVERYONE),
    Row("bank:unit-export", EVERYONE),
    # a unit that is not listed does not exist for a hospital
    Row("bank:unit-detail", EVERYONE, lambda w: {"pk": w.unit.pk}, other=lambda w: {"pk": w.held_unit.pk}),
    Row("bank:unit-hold", DECIDERS, lambda w: {"pk": w.unit.pk}, method="post", data=lambda w: REASON),
    Row("bank:unit-unhold", DECIDERS, lambda w: {"pk": w.held_unit.pk}, method="post", data=lambda w: REASON),
    Row(
        "bank:unit-confirm",
        DECIDERS,
        lambda w: {"pk": w.waiting_unit.pk},
        method="post",
        data=lambda w: REASON,
    ),
    Row(
        "bank:unit-population",
        IMPORTERS,
        lambda w: {"pk": w.unit.pk},
        method="post",
        data=lambda w: {"populations": "HAN", **REASON},
    ),
    *(
        Row(
            f"bank:unit-{name}",
            IMPORTERS,
            lambda w: {"pk": w.unit.pk},
            method="post",
            data=lambda w, d=data: d,
        )
        for name, data in {
            "processing": {"red_cells": "depleted", "processing_method": "AXP", **REASON},
            "measurement": {"time_point": "post_thaw", "analyte": "tnc", "value": "99"},
            "haemoglobinopathy": {"result": "pending"},
        }.items()
    ),
    Row(
        "bank:unit-verify",
        DECIDERS,
        lambda w: {"pk": w.measurement.unit_id},
        method="post",
        data=lambda w: {"results": str(w.measurement.pk), **REASON},
    ),
    Row("bank:unit-mother", IMPORTERS, lambda w: {"pk": w.unit.pk}),
    Row(
        "bank:unit-mother",
        IMPORTERS,
        lambda w: {"pk": w.unit.pk},
        method="post",
        data=lambda w: {"hla_A_1": "A*11:01"},
    ),
    Row("bank:bank-list", STAFF),
    Row(
        "bank:accreditation-record",
        DECIDERS,
        lambda w: {"pk": w.unit.bank.pk},
        method="post",
        data=lambda w: {"scheme": "aabb", "valid_from": "2020-01-01"},
    ),
    Row(
        "bank:accreditation-end",
        DECIDERS,
        lambda w: {"pk": w.accreditation.pk},
        method="post",
        data=lambda w: {"valid_until": "2024-01-01", **REASON},
    ),
    Row("bank:recovery-list", STAFF),
    Row("bank:recovery-export", STAFF),
    Row("bank:unit-import", IMPORTERS),
    Row("bank:unit-import", IMPORTERS, method="post", ok=(400,)),  # let in, and told that the file is missing
    Row(
        "bank:unit-import-confirm",
        IMPORTERS,
        method="post",
        data=lambda w: {"token": str(uuid4())},
        ok=(400,),
    ),
    Row("bank:batch-list", STAFF),
    Row("bank:batch-detail", STAFF, lambda w: {"pk": w.batch.pk}),
    Row("bank:limits-edit", DECIDERS),
    Row("bank:limits-edit", DECIDERS, method="post", data=lambda w: LIMITS),
    Row("api:unit-list", EVERYONE, json=True),
    Row(
        "api:unit-detail",
        EVERYONE,
        lambda w: {"pk": w.unit.pk},
        other=lambda w: {"pk": w.held_unit.pk},
        json=True,
    ),
]
