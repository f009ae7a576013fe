"""Addresses of the bank: the inventory is everybody's, its inside the bank's staff only."""

from __future__ import annotations

from bank import confirming
from core.roles import Role
from tests.access.matrix import EVERYONE, HOSPITAL, Row, World
from tests.factories.bank import (
    AccreditationFactory,
    ImportBatchFactory,
    InventoryExportFactory,
    MarkerFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)

STAFF = frozenset(Role) - HOSPITAL
IMPORTERS = frozenset({Role.LAB, Role.QA, Role.SEARCH_COORDINATOR})
DECIDERS = frozenset({Role.QA, Role.MEDICAL_DIRECTOR})
COLLECTORS = frozenset({Role.COLLECTION, Role.LAB})
VERIFIERS = DECIDERS | {Role.LAB}
PRINTERS = frozenset({Role.COLLECTION, Role.LAB, Role.QA, Role.SHIPPING})
READERS = STAFF - {Role.COLLECTION, Role.SHIPPING}  # of reference data
EXPORTERS = frozenset({Role.QA, Role.SEARCH_COORDINATOR})


def build(world: World) -> None:
    world.unit = UnitFactory()
    world.held_unit = UnitFactory(on_hold=True)
    world.waiting_unit = UnitFactory(waiting=True)
    world.batch = ImportBatchFactory()
    world.accreditation = AccreditationFactory(bank=world.unit.bank)
    world.measurement = MeasurementFactory()
    world.marker = MarkerFactory()
    world.specification = SpecificationFactory(bank=world.unit.bank)
    world.export = InventoryExportFactory(bank=world.unit.bank)


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
        data=lambda w: REASON | {"shown": confirming.shown(w.waiting_unit).digest},
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
            "product": {"product_code": "S9999000", **REASON},
            "processing": {"red_cells": "depleted", "processing_method": "AXP", **REASON},
            "measurement": {"time_point": "post_thaw", "analyte": "tnc", "value": "99"},
            "haemoglobinopathy": {"result": "pending"},
            "culture": {"kind": "fungal", "result": "no_growth", "tested_on": "2024-01-01"},
            "blood-group": {"abo": "O", "rh": "+", "tested_on": "2024-01-01"},
        }.items()
    ),
    Row("bank:intake", STAFF),
    Row(
        "bank:intake",
        COLLECTORS,
        method="post",
        data=lambda w: {"bag_id": "B"},
        ok=(400,),
    ),
    *(
        Row(
            f"bank:unit-{name}",
            COLLECTORS if name in ("collect", "void") else frozenset({Role.LAB}),
            lambda w: {"pk": w.unit.pk},
            method="post",
            ok=(400,),
        )
        for name in ("collect", "void", "receive", "process", "freeze")
    ),
    *(
        Row(
            "bank:unit-typing",
            IMPORTERS,
            lambda w: {"pk": w.waiting_unit.pk},
            method=method,
            data=lambda w: {"hla_A_1": "A*11:01"},
        )
        for method in ("get", "post")
    ),
    *(
        Row(
            "bank:unit-typing-settle",
            DECIDERS,
            lambda w: {"pk": w.waiting_unit.pk},
            method=method,
            data=lambda w: REASON,
            ok=(200, 409),
        )
        for method in ("get", "post")
    ),
    Row("bank:release-desk", STAFF),
    Row("bank:unit-release", STAFF, lambda w: {"pk": w.waiting_unit.pk}),
    Row(
        "bank:unit-release",
        DECIDERS,
        lambda w: {"pk": w.waiting_unit.pk},
        method="post",
        data=lambda w: {"password": "not it"},
        ok=(400, 403, 409),
    ),
    Row("bank:specification-list", STAFF),
    Row("bank:specification-detail", STAFF, lambda w: {"pk": w.specification.pk}),
    Row(
        "bank:specification-approve",
        frozenset({Role.MEDICAL_DIRECTOR}),
        lambda w: {"pk": w.specification.pk},
        method="post",
        ok=(400,),
    ),
    *(
        Row(
            "bank:specification-edit",
            DECIDERS,
            lambda w: {"pk": w.unit.bank_id},
            method=method,
            ok=(200, 409),
        )
        for method in ("get", "post")
    ),
    Row(
        "bank:unit-eligibility",
        DECIDERS,
        lambda w: {"pk": w.unit.pk},
        method="post",
        data=lambda w: {"decision": "eligible"},
        ok=(302, 409),
    ),
    Row("bank:unit-markers", IMPORTERS, lambda w: {"pk": w.unit.pk}),
    Row(
        "bank:unit-markers",
        IMPORTERS,
        lambda w: {"pk": w.unit.pk},
        method="post",
        data=lambda w: {"subject": "unit", "tested_on": "2024-01-01", "result_cmv": "negative"},
    ),
    *(
        Row(
            "bank:result-retract",
            DECIDERS,
            lambda w: {"pk": w.marker.unit_id, "kind": "marker", "result_pk": w.marker.pk},
            method=method,
            data=lambda w: REASON,
        )
        for method in ("get", "post")
    ),
    Row(
        "bank:unit-verify",
        VERIFIERS,
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
    Row(
        "bank:bank-codes",
        DECIDERS,
        lambda w: {"pk": w.unit.bank.pk},
        method="post",
        data=lambda w: {"country": "CN", "emdis_hub": "CN", **REASON},
    ),
    Row("bank:label-sheet", PRINTERS),
    Row(
        "bank:label-print",
        PRINTERS,
        method="post",
        data=lambda w: {
            "units": str(w.unit.pk),
            "kind": "segment",
            "paper": "small",
            "count": "1",
            "language": "en",
        },
    ),
    Row("bank:label-places", PRINTERS),
    Row(
        "bank:label-places", PRINTERS, method="post", ok=(400,)
    ),  # let in, and told that the place is missing
    Row("bank:product-code-list", READERS),
    Row("bank:recovery-list", STAFF),
    Row("bank:recovery-export", STAFF),
    Row("bank:export-list", EXPORTERS),
    Row("bank:export-list", EXPORTERS, method="post", ok=(400,)),  # let in, and told what is missing
    Row("bank:export-detail", EXPORTERS, lambda w: {"pk": w.export.pk}),
    Row("bank:export-file", EXPORTERS, lambda w: {"pk": w.export.pk}, ok=(400,)),  # its file was never made
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
