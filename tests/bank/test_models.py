"""What the database itself refuses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from bank.models import (
    Bank,
    CordBloodUnit,
    Donation,
    HlaTyping,
    ImportBatch,
    Measurement,
    PlausibilityLimits,
    Release,
    ReleaseCriterion,
    ReleaseSpecification,
    Slot,
    StorageNode,
)
from core.models import User
from tests.factories.bank import (
    AccreditationFactory,
    BankFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    ImportBatchFactory,
    MeasurementFactory,
    UnitFactory,
)

pytestmark = pytest.mark.django_db


def refused(make: Any, constraint: str) -> None:
    with pytest.raises((IntegrityError, DataError), match=constraint), transaction.atomic():
        make()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"status": "SOLD"}, "unit_status_known"),
        ({"source": "elsewhere"[:8]}, "unit_source_known"),
        ({"donor_type": "cat"}, "unit_donor_type_known"),
        ({"sex": "X"}, "unit_sex_known"),
        ({"abo": "C"}, "unit_abo_known"),
        ({"rh": "?"}, "unit_rh_known"),
        ({"red_cells": "some"}, "unit_red_cells_known"),
        ({"populations": "han"}, "unit_populations_form"),
        ({"populations": "HAN+UIG"}, "unit_populations_form"),
        ({"populations": "HAN\n"}, "unit_populations_form"),
        ({"din": "G12349865432"}, "unit_din_form"),
        ({"din": "O123498654321"}, "unit_din_form"),
        ({"unit_no": ""}, "unit_number_given"),
        ({"volume_ml": 0}, "unit_volume_positive"),
        ({"tnc_e7": -1}, "unit_tnc_positive"),
        ({"cd34_e6": 0}, "unit_cd34_positive"),
        ({"segments": -1}, "segments"),
        ({"collected_on": dt.date(1979, 12, 31)}, "unit_collected_not_before_1980"),
        ({"status": "ON_HOLD"}, "unit_hold_paired"),
        ({"hold_reason": "why"}, "unit_hold_paired"),
        ({"status": "DISCARDED"}, "unit_discard_paired"),
        ({"discard_reason": "clots"}, "unit_discard_paired"),
        ({"held_for_confirmation": True}, "unit_unconfirmed_not_listed"),
    ],
)
def test_a_unit_that_cannot_be(fields: dict[str, Any], constraint: str) -> None:
    refused(lambda: UnitFactory(**fields), constraint)


def test_numbers_are_unique() -> None:
    unit = UnitFactory(din="G123498654321")

    refused(lambda: UnitFactory(unit_no=unit.unit_no), "unit_number_once_per_bank")
    refused(lambda: UnitFactory(din="G123498654321"), "unit_din_once")
    assert UnitFactory(bank=BankFactory(code="ZZ"), unit_no=unit.unit_no)
    assert UnitFactory(din="")
    assert UnitFactory(din="")


def test_a_bank_that_cannot_be() -> None:
    refused(lambda: Bank.objects.create(code=""), "bank_code_given")
    refused(lambda: Bank.objects.create(code="A", source="x"), "bank_source_known")
    refused(lambda: Bank.objects.create(code="A", issuing_organisation=999), "bank_ion_range")
    assert str(BankFactory()) == "TB · Test Bank"


def test_one_current_typing_of_unit_and_of_mother() -> None:
    unit = HlaTypingFactory().unit

    refused(lambda: HlaTypingFactory(unit=unit), "typing_one_current")
    assert HlaTypingFactory(unit=unit, is_current=False)
    assert str(HlaTypingFactory(unit=unit, subject="mother")).startswith("A*11:01")
    refused(lambda: HlaTypingFactory(subject="aunt"), "typing_subject_known")
    refused(lambda: HlaTypingFactory(source="rumour"), "typing_source_known")


def test_who_enters_cannot_verify(qa: User, lab: User) -> None:
    now = timezone.now()
    for make, name in ((MeasurementFactory, "measurement"), (HlaTypingFactory, "typing")):
        refused(
            lambda m=make: m(entered_by=qa, verified_by=qa, verified_at=now), f"{name}_verified_by_another"
        )
        refused(lambda m=make: m(verified_at=now), f"{name}_verified_paired")
        refused(lambda m=make: m(verified_by=qa), f"{name}_verified_paired")
        assert make(entered_by=lab, verified_by=qa, verified_at=now)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"value": -1}, "measurement_not_negative"),
        ({"time_point": "later"}, "measurement_time_point_known"),
        ({"analyte": "luck"}, "measurement_analyte_known"),
        ({"measure_unit": "pint"}, "measurement_unit_known"),
        ({"measure_unit": "percent", "value": 101}, "measurement_percent_max"),
    ],
)
def test_a_measurement_that_cannot_be(fields: dict[str, Any], constraint: str) -> None:
    refused(lambda: MeasurementFactory(**fields), constraint)


def test_one_value_in_force_per_time_point_and_analyte() -> None:
    first = MeasurementFactory()

    refused(lambda: MeasurementFactory(unit=first.unit), "measurement_one_in_force")
    Measurement.objects.update(superseded=True)
    assert str(MeasurementFactory(unit=first.unit)) == "Total nucleated cells (TNC) 130 ×10⁷"


def test_a_slot_holds_one_unit_and_a_unit_lies_in_one_slot() -> None:
    bank, unit = BankFactory(), UnitFactory()
    site = StorageNode.objects.create(bank=bank, kind="site", code="S")
    tank = StorageNode.objects.create(bank=bank, kind="tank", code="T", parent=site)
    Slot.objects.create(canister=tank, position=1, unit=unit)

    refused(lambda: Slot.objects.create(canister=tank, position=2, unit=unit), "unit_id")
    refused(lambda: Slot.objects.create(canister=tank, position=1), "slot_position_once")
    refused(
        lambda: Slot.objects.create(canister=tank, position=3, unit=UnitFactory(), blocked=True),
        "slot_blocked_is_empty",
    )
    refused(lambda: StorageNode.objects.create(bank=bank, kind="site", code="S"), "node_code_once")
    refused(
        lambda: StorageNode.objects.create(bank=bank, kind="tank", code="T2"), "node_only_sites_are_roots"
    )
    refused(
        lambda: StorageNode.objects.create(bank=bank, kind="drawer", code="D", parent=site), "node_kind_known"
    )
    assert str(Slot.objects.get()) == "T-1"


def test_a_donation_that_cannot_be() -> None:
    bank, now = BankFactory(), timezone.now()
    make = Donation.objects.create

    assert str(make(bank=bank, mother_code="M1")) == "M1/1"
    refused(lambda: make(bank=bank, mother_code="M1"), "donation_once_per_infant")
    refused(lambda: make(bank=bank, mother_code=""), "donation_mother_coded")
    refused(lambda: make(bank=bank, mother_code="M2", gestation_weeks=10), "donation_gestation_range")
    early = now - dt.timedelta(hours=1)
    refused(
        lambda: make(bank=bank, mother_code="M3", born_at=now, collected_at=early),
        "donation_collected_after_birth",
    )


def test_a_batch_must_add_up() -> None:
    refused(lambda: ImportBatchFactory(rows=3), "batch_rows_add_up")
    refused(lambda: ImportBatchFactory(held=2), "batch_held_within_imported")
    refused(lambda: ImportBatchFactory(kind="fax"), "batch_kind_known")
    assert str(ImportBatchFactory()) == "units.csv"
    assert ImportBatch.objects.newest() == ImportBatch.objects.get()


def test_there_is_one_row_of_limits() -> None:
    PlausibilityLimits.objects.create(pk=1)

    refused(lambda: PlausibilityLimits.objects.create(pk=2), "limits_one_row")
    refused(lambda: PlausibilityLimits.objects.filter(pk=1).update(tnc_e7_min=600), "limits_tnc_ordered")
    refused(lambda: PlausibilityLimits.objects.filter(pk=1).update(cd34_percent_min=0), "limits_cd34_ordered")
    assert str(PlausibilityLimits.load()) == "Plausibility limits"


def test_release_specifications_are_versioned_and_decisions_signed(qa: User) -> None:
    bank, unit = BankFactory(), UnitFactory()
    day = dt.date(2026, 1, 1)
    make = ReleaseSpecification.objects.create
    specification = make(bank=bank, version=1, title="Listing", effective_from=day)
    criterion = ReleaseCriterion.objects.create(
        specification=specification, time_point="processing", analyte="tnc", threshold=50, measure_unit="e7"
    )
    release = Release.objects.create(unit=unit, specification=specification, outcome="passed", released_by=qa)

    refused(
        lambda: make(bank=bank, version=1, title="Listing", effective_from=day), "specification_version_once"
    )
    refused(
        lambda: ReleaseCriterion.objects.create(specification=specification, analyte="tnc", threshold=50),
        "criterion_measurement_whole",
    )
    refused(
        lambda: ReleaseCriterion.objects.create(specification=specification, kind="marker", test="cmv"),
        "criterion_marker_whole",
    )
    refused(
        lambda: make(bank=bank, version=3, title="x", effective_from=day, approved_by=qa),
        "specification_approved_paired",
    )
    refused(
        lambda: Release.objects.create(
            unit=unit, specification=specification, outcome="exceptional", released_by=qa
        ),
        "release_exception_justified",
    )
    refused(
        lambda: Release.objects.create(unit=unit, specification=specification, outcome="x", released_by=qa),
        "release_outcome_known",
    )
    assert [str(specification), str(criterion)] == ["Listing v1", "Measurement tnc"]
    assert str(unit.pk) in str(release)


def test_a_unit_speaks_for_itself() -> None:
    unit = UnitFactory(din="G123498654321")

    assert str(unit) == unit.public_no == "G1234 98 654321 H"
    assert (unit.din_check, unit.blood_group) == ("H", "O+")
    assert (UnitFactory(unit_no="U7").public_no, UnitFactory().din_check) == ("U7", "")
    assert unit.typing_pairs[0] == ("A", "A*11:01", "A*24:02")
    assert len(unit.shown_pairs) == 5


def test_every_typed_column_has_its_locus() -> None:
    from bank.models import HLA_COLUMNS

    assert {field.name for field in CordBloodUnit._meta.fields} >= set(HLA_COLUMNS)
    assert len(HLA_COLUMNS) == 12
    assert HlaTyping._meta.get_field("loci")


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"scheme": "iso"}, "accreditation_scheme_known"),
        ({"scheme": "other"}, "accreditation_other_is_named"),
        ({"valid_until": dt.date(2019, 12, 31)}, "accreditation_period"),
    ],
)
def test_accreditation_constraints(fields: dict[str, Any], constraint: str) -> None:
    refused(lambda: AccreditationFactory(**fields), constraint)
    assert AccreditationFactory(scheme="other", name="Lian", valid_until=dt.date(2020, 1, 1)).title == "Lian"


def test_an_accreditation_stands_once() -> None:
    AccreditationFactory()

    refused(AccreditationFactory, "accreditation_once")


def test_haemoglobinopathy_constraints(qa: User) -> None:
    row = HaemoglobinopathyFactory(entered_by=qa)
    assert str(row) == "Not found"
    now = timezone.now()

    refused(lambda: HaemoglobinopathyFactory(unit=row.unit), "haemoglobinopathy_one_in_force")
    refused(lambda: HaemoglobinopathyFactory(result="maybe"), "haemoglobinopathy_result_known")
    for fields, constraint in (
        ({"verified_by": qa, "verified_at": now}, "verified_by_another"),
        ({"verified_at": now}, "verified_paired"),
    ):
        refused(lambda fields=fields: HaemoglobinopathyFactory(entered_by=qa, **fields), constraint)
