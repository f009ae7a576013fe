"""Units and what belongs to them, for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from django.utils import timezone

from bank.choices import (
    Analyte,
    CountUnit,
    CultureKind,
    CultureValue,
    FileKind,
    HaemoglobinopathyValue,
    MarkerResultValue,
    MarkerTest,
    MeasureUnit,
    Scheme,
    Subject,
    TimePoint,
    TypingSource,
    UnitStatus,
    UpdateMode,
)
from bank.choices_files import FilePurpose
from bank.models import (
    Accreditation,
    Bank,
    CordBloodUnit,
    CultureResult,
    Donation,
    HaemoglobinopathyResult,
    HlaTyping,
    ImportBatch,
    ImportFile,
    InventoryExport,
    MarkerResult,
    Measurement,
    ReleaseCriterion,
    ReleaseSpecification,
)
from tests.factories.core import UserFactory


class BankFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Bank
        django_get_or_create = ("code",)

    code = "TB"
    name = "Test Bank"


class ImportBatchFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ImportBatch

    bank = factory.SubFactory(BankFactory)
    kind = FileKind.CSV
    file_name = "units.csv"
    file_bytes = 10
    file_sha256 = "0" * 64
    rows = 1
    imported = 1
    unchanged = 0
    failed = 0
    held = 0
    rows_sha256 = "0" * 64
    nomenclature = "built-in"
    mac_version = "none"
    actor = "system: test"


class ImportFileFactory(factory.django.DjangoModelFactory):
    """A file of units that is checked, as far as its row knows."""

    class Meta:
        model = ImportFile

    job = factory.SubFactory(
        "tests.factories.matching.JobFactory",
        kind="import_file",
        state="done",
        ended_at=factory.LazyFunction(timezone.now),
    )
    purpose = FilePurpose.UNITS
    user = factory.SubFactory("tests.factories.core.UserFactory")
    file_name = "units.csv"
    file_bytes = 10
    file_sha256 = "0" * 64


class InventoryExportFactory(factory.django.DjangoModelFactory):
    """A file that is made, as far as its row knows."""

    class Meta:
        model = InventoryExport

    job = factory.SubFactory(
        "tests.factories.matching.JobFactory",
        kind="inventory_export",
        state="done",
        ended_at=factory.LazyFunction(timezone.now),
    )
    bank = factory.SubFactory(BankFactory)
    mode = UpdateMode.FULL
    counts = CountUnit.E8
    schema_version = "2.3"
    snapshot_time = factory.LazyFunction(timezone.now)
    sha256 = "0" * 64
    made_by = "test"


class UnitFactory(factory.django.DjangoModelFactory):
    """A listed unit with plausible counts, typed in two fields at five loci."""

    class Meta:
        model = CordBloodUnit

    bank = factory.SubFactory(BankFactory)
    unit_no = factory.Sequence(lambda n: f"U{n:06d}")
    status = UnitStatus.LISTED
    collected_on = dt.date(2020, 5, 17)
    sex = "F"
    abo = "O"
    rh = "+"
    volume_ml = 24.0
    tnc_e7 = 130.0
    cd34_e6 = 4.0
    segments = 3
    hla_a_1 = "A*11:01"
    hla_a_2 = "A*24:02"
    hla_b_1 = "B*40:01"
    hla_b_2 = "B*46:01"
    hla_c_1 = "C*01:02"
    hla_c_2 = "C*07:02"
    hla_drb1_1 = "DRB1*09:01"
    hla_drb1_2 = "DRB1*15:01"
    hla_dqb1_1 = "DQB1*03:03"
    hla_dqb1_2 = "DQB1*06:01"
    hla_tags = factory.LazyFunction(
        lambda: ["A*11", "A*11:01", "A11", "A*24", "A*24:02", "A24", "B*46", "B*46:01", "B46", "DR9"]
    )

    class Params:
        waiting = factory.Trait(
            status=UnitStatus.QUARANTINE,
            held_for_confirmation=True,
            held_reasons=[{"code": "tnc_implausible", "params": {"value": "12", "low": "20", "high": "500"}}],
            tnc_e7=12.0,
            cd34_e6=0.4,
        )
        on_hold = factory.Trait(
            status=UnitStatus.ON_HOLD, status_before_hold=UnitStatus.LISTED, hold_reason="tank alarm"
        )
        discarded = factory.Trait(status=UnitStatus.DISCARDED, discard_reason="clots")


class MeasurementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Measurement

    unit = factory.SubFactory(UnitFactory)
    time_point = TimePoint.PROCESSING
    analyte = Analyte.TNC
    value = 130.0
    measure_unit = MeasureUnit.E7


class MarkerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MarkerResult

    unit = factory.SubFactory(UnitFactory)
    subject = Subject.MOTHER
    test = MarkerTest.HBS_AG
    result = MarkerResultValue.NEGATIVE
    tested_on = dt.date(2020, 5, 20)


class HlaTypingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = HlaTyping

    unit = factory.SubFactory(UnitFactory)
    loci = factory.LazyFunction(lambda: {"A": ["A*11:01", "A*24:02"]})
    canonical_gl = "A*11:01+A*24:02^B*40:01"
    nomenclature = "built-in"
    source = TypingSource.IMPORT


class AccreditationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Accreditation

    bank = factory.SubFactory(BankFactory)
    scheme = Scheme.NETCORD_FACT
    number = "F-1"
    valid_from = dt.date(2020, 1, 1)
    valid_until = None


class HaemoglobinopathyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = HaemoglobinopathyResult

    unit = factory.SubFactory(UnitFactory)
    result = HaemoglobinopathyValue.NOT_FOUND
    method = "HPLC"
    tested_on = dt.date(2020, 6, 1)


class CultureFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CultureResult

    unit = factory.SubFactory(UnitFactory)
    kind = CultureKind.BACTERIAL
    result = CultureValue.NO_GROWTH
    read_on = dt.date(2020, 5, 31)


class DonationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Donation

    bank = factory.SubFactory(BankFactory)
    mother_code = factory.Sequence(lambda n: f"M-{n:06d}")
    bag_id = factory.Sequence(lambda n: f"BAG{n:06d}")
    consented_on = dt.date(2020, 4, 1)


class SpecificationFactory(factory.django.DjangoModelFactory):
    """A draft with one criterion; approved=True: in force since 2020."""

    class Meta:
        model = ReleaseSpecification
        skip_postgeneration_save = True

    bank = factory.SubFactory(BankFactory)
    version = factory.Sequence(lambda n: n + 1)
    title = "Listing"
    effective_from = dt.date(2020, 1, 1)

    class Params:
        approved = factory.Trait(
            approved_by=factory.SubFactory(UserFactory), approved_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        )

    @factory.post_generation
    def criteria(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        rows = extracted if extracted is not None else [{"kind": "blood_group"}]
        for place, row in enumerate(rows):
            ReleaseCriterion.objects.create(specification=self, position=place, **row)
