"""A unit's whole life by the real services, from the kit to the discard, for tests of what is told of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from bank import (
    services,
    services_codes,
    services_dossier,
    services_intake,
    services_labels,
    services_lots,
    services_mother,
    services_quality,
    services_release,
    services_screening,
    services_storage,
    services_tanks,
    services_typing,
)
from bank.choices import MarkerResultValue, MarkerTest
from bank.exports.digests import digest_of, packed
from bank.labels.formats import LabelKind
from bank.models import CordBloodUnit, Lot
from bank.querysets import waiting_for
from bank.services_intake import Collection
from bank.services_kits import Kit, kit_issue
from bank.services_screening import Drawn, MarkerGiven
from core.audit import Actor
from core.errors import NotAllowed
from core.models import User
from core.roles import Role
from core.signing import sign_refused
from core.typings import TypingInput
from tests.bank import life_more
from tests.factories.bank import BankFactory, InventoryExportFactory, SpecificationFactory
from tests.factories.consent import ALL, consent_form
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.storage import slot, tank

BIRTH = dt.datetime(2024, 5, 6, 3, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.date(2024, 5, 8)
TYPING = {"A": ("A*11:01", "A*24:02"), "B": ("B*40:01", "B*46:01"), "DRB1": ("DRB1*09:01", "DRB1*15:01")}
OTHER_TYPING = {**TYPING, "A": ("A*02:01", "A*03:01")}
MOTHER_TYPING = {**TYPING, "A": ("A*11:01", "A*02:07")}
ASKED: list[dict[str, Any]] = [
    {
        "kind": "measurement",
        "time_point": "processing",
        "analyte": "tnc",
        "threshold": 50,
        "measure_unit": "e7",
    },
    {"kind": "culture", "test": "fungal", "allowed": ["no_growth"]},
]
# What was typed and said in this life, and stands nowhere else in it: each must be told, in JSON and in print.
MARKS = (
    "A999914123458", "BAG-7781", "MOTHER-55", "Maternity Pudong 9", "CPDA-77", "warm in the lift",
    "Sepax", "S-SET-41", "B-LOT-42", "K-LOT-43", "AC-LOT-44", "CRYO-LOT-45", "FREEZER-46", "INST-47", "MARK-LOT-48",
    "CULT-LOT-49", "ABO-LOT-50", "REAG-LOT-51", "PE bag 25", "DMSO 10.7", "Planer 560",
    "131.5", "127.25", "flow 12", "Counting lab 3", "Hb lab 4", "HPLC-9", "Marker lab 5", "serum tube 6",
    "Aspergillus niger", "BacT 61", "gel card 62", "swapped tubes 63", "HLA lab 64", "HLA lab 65", "HLA lab 66",
    "A*03:01", "second sample 67", "Q-71", "history complete 72", "read by two 73", "not yet 74",
    "T1-R1-C1-02", "Q1-R1-C1-01", "lid was open 75", "S1393100", "of the parents 76", "said by the lab 77",
    "seam leaks 79", "expired but tested 80", "looked at 81", "thrown away 82", "out to waste 83", "Maker 84",
    "inventory-TB-FULL", *life_more.MARKS,
)  # fmt: skip


@dataclass
class People:
    collector: User = field(
        default_factory=lambda: UserFactory(roles=[Role.COLLECTION], full_name="Chen Collect")
    )
    lab: User = field(default_factory=lambda: UserFactory(roles=[Role.LAB], full_name="Liu Laboratory"))
    second: User = field(default_factory=lambda: UserFactory(roles=[Role.LAB], full_name="Sun Second"))
    qa: User = field(default_factory=lambda: UserFactory(roles=[Role.QA], full_name="Qian Quality"))
    doctor: User = field(
        default_factory=lambda: UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Dr. Zhao")
    )


def who(user: User) -> Actor:
    return Actor.user(user)


def lived() -> tuple[CordBloodUnit, People]:
    """The unit at its end, and who had a hand in it."""
    people = People()
    unit = begun(people)
    results(unit, people)
    typings(unit, people)
    decided(unit, people)
    kept(unit, people)
    life_more.mother_speaks(unit, people)
    life_more.samples_and_documents(unit, people)
    life_more.promised(unit)
    blocked(unit, people)
    ended(unit, people)
    unit.refresh_from_db()
    return unit, people


def begun(people: People) -> CordBloodUnit:
    bank = BankFactory()
    SpecificationFactory(bank=bank, approved=True, criteria=ASKED)
    tank("Q1", quarantine=True)
    tank("T1")
    kit = Kit(
        bag_id="BAG-7781",
        consented_on=DAY - dt.timedelta(days=20),
        din="A999914123458 J",
        mother_code="MOTHER-55",
        answers={**ALL, "research": False},
    )
    consent_form()
    unit = kit_issue(bank_id=bank.pk, kit=kit, actor=who(people.collector))
    given = Collection(
        bag_id="bag-7781",
        collected_at=BIRTH + HOUR,
        born_at=BIRTH,
        sex="F",
        gestation_weeks=39,
        site="Maternity Pudong 9",
        anticoagulant="CPDA-77",
        volume_ml=110.0,
        kit_lot="K-LOT-43",
        anticoagulant_lot="AC-LOT-44",
    )
    services_intake.unit_collect(unit_id=unit.pk, given=given, actor=who(people.collector))
    services_intake.unit_receive(
        unit_id=unit.pk,
        received_at=BIRTH + 20 * HOUR,
        temperature_min_c=15.0,
        temperature_max_c=31.5,
        deviation="warm in the lift",
        actor=who(people.lab),
    )
    services_intake.unit_process(
        unit_id=unit.pk,
        started_at=BIRTH + 22 * HOUR,
        processing_method="sepax",
        red_cells="depleted",
        kit_lot="S-SET-41",
        bag_lot="B-LOT-42",
        bag_type="PE bag 25",
        actor=who(people.lab),
    )
    for analyte, value in (("volume", 24.0), ("cd34", 4.2), ("tnc", 127.25), ("tnc", 131.5)):
        services_quality.measurement_record(
            unit_id=unit.pk,
            time_point="processing",
            analyte=analyte,
            value=value,
            method="flow 12",
            instrument="INST-47",
            laboratory="Counting lab 3",
            actor=who(people.lab),
        )
    services_storage.unit_place(unit_id=unit.pk, slot_id=slot(1, "Q1").pk, actor=who(people.lab))
    services_intake.unit_freeze(
        unit_id=unit.pk,
        frozen_at=BIRTH + 30 * HOUR,
        segments=4,
        cryoprotectant="DMSO 10.7",
        freeze_method="Planer 560",
        cryoprotectant_lot="CRYO-LOT-45",
        freezer="FREEZER-46",
        actor=who(people.lab),
    )
    return unit


def results(unit: CordBloodUnit, people: People) -> None:
    lab = who(people.lab)
    Lot.objects.create(
        kind="test_kit", manufacturer="Maker 84", number="MARK-LOT-48", expires_on=DAY - dt.timedelta(days=1)
    )
    drawn = Drawn(DAY, specimen="serum tube 6", laboratory="Marker lab 5")
    one = MarkerGiven(MarkerTest.HBS_AG, MarkerResultValue.POSITIVE, "ELISA", "MARK-LOT-48")
    [wrong] = services_screening.markers_record(
        unit_id=unit.pk,
        subject="mother",
        drawn=drawn,
        results=[one],
        actor=lab,
        lot_reason="expired but tested 80",
    )
    services_screening.result_retract(
        unit_id=unit.pk,
        kind="marker",
        result_id=wrong.pk,
        actor=who(people.doctor),
        reason="swapped tubes 63",
    )
    for found, organism, day in (("growth", "Aspergillus niger", DAY), ("no_growth", "", DAY)):
        services_screening.culture_record(
            unit_id=unit.pk,
            kind="bacterial" if organism else "fungal",
            result=found,
            organism=organism,
            method="BacT 61",
            kit_lot="CULT-LOT-49",
            drawn=Drawn(day),
            actor=lab,
        )
    services_screening.blood_group_record(
        unit_id=unit.pk, abo="A", rh="-", tested_on=DAY, method="gel card 62", kit_lot="ABO-LOT-50", actor=lab
    )
    services_quality.haemoglobinopathy_record(
        unit_id=unit.pk, result="trait", method="HPLC-9", laboratory="Hb lab 4", tested_on=DAY, actor=lab
    )
    services_lots.lot_use_record(
        unit_id=unit.pk, kind="reagent", number="REAG-LOT-51", step="typing", used_on=DAY, actor=lab
    )


def typings(unit: CordBloodUnit, people: People) -> None:
    def typed(values: Any, laboratory: str, user: User) -> Any:
        given = TypingInput(values=values, laboratory=laboratory, typed_on=DAY)
        return services_typing.unit_typing_record(unit_id=unit.pk, given=given, actor=who(user))

    right = typed(TYPING, "HLA lab 64", people.lab)
    typed(OTHER_TYPING, "HLA lab 65", people.lab)
    services_typing.unit_typing_settle(
        unit_id=unit.pk, typing_id=right.pk, actor=who(people.doctor), reason="second sample 67"
    )
    services_mother.mother_typing_record(
        unit_id=unit.pk,
        given=TypingInput(values=MOTHER_TYPING, laboratory="HLA lab 66", typed_on=DAY),
        actor=who(people.lab),
    )


def decided(unit: CordBloodUnit, people: People) -> None:
    services_release.eligibility_decide(
        unit_id=unit.pk,
        actor=who(people.doctor),
        decision="undetermined",
        questionnaire="Q-71",
        reason="history complete 72",
    )
    waiting = [row.pk for row in waiting_for(_fresh(unit), people.second.pk)]
    services_quality.unit_results_verify(
        unit_id=unit.pk, results=waiting, actor=who(people.second), reason="read by two 73"
    )
    services_quality.unit_processing_record(
        unit_id=unit.pk,
        red_cells="replete",
        processing_method="Sepax",
        actor=who(people.lab),
        reason="said by the lab 77",
    )
    services_codes.unit_product_record(
        unit_id=unit.pk, product_code="S1393100", actor=who(people.lab), reason="from the label"
    )
    services.unit_population_change(
        unit_id=unit.pk, populations="CHN", actor=who(people.lab), reason="of the parents 76"
    )
    signing = {"unit_id": unit.pk, "user": people.qa}
    services_release.unit_release_refuse(**signing, password=PASSWORD, justification="not yet 74")
    try:
        services_release.unit_release(**signing, password="not it")
    except NotAllowed as error:
        sign_refused(user=people.qa, target=unit, action="unit.release_sign_refused", reason=error.code)
    services_release.unit_release(**signing, password=PASSWORD)


def kept(unit: CordBloodUnit, people: People) -> None:
    """Moved out of the quarantine, labelled, told of abroad; its tank was open meanwhile."""
    services_storage.unit_move(unit_id=unit.pk, slot_id=slot(2, "T1").pk, actor=who(people.lab))
    services_labels.labels_printed(unit_ids=[unit.pk], kind=LabelKind.UNIT, count=7, actor=who(people.lab))
    home = slot(1, "T1").canister.parent.parent
    services_tanks.tank_limits_set(
        tank_id=home.pk,
        warm_above_c=-150,
        level_below_percent=None,
        actor=who(people.qa),
        reason="as validated",
    )
    services_tanks.reading_record(
        tank_id=home.pk, read_at=timezone.now(), temperature_c=-120.5, actor=who(people.lab)
    )
    services_tanks.alarm_acknowledge(
        alarm_id=home.alarms.get().pk, actor=who(people.qa), remark="lid was open 75"
    )
    digests = packed({unit.pk: digest_of("as written")})
    InventoryExportFactory(bank=unit.bank, units=1, written=1, digests=digests)


def blocked(unit: CordBloodUnit, people: People) -> None:
    """The bag turns out to leak: its lot is blocked and holds the unit; the hold is lifted."""
    from bank import lots

    lot = Lot.objects.get(number="B-LOT-42")
    services_lots.lot_block(
        lot_id=lot.pk,
        user=people.qa,
        password=PASSWORD,
        reason="seam leaks 79",
        hold_units=[unit.pk],
        seen=lots.digest(lot),
    )
    life_more.withdrawn_by_mistake(unit, people)
    services.unit_unhold(unit_id=unit.pk, actor=who(people.qa), reason="looked at 81")


def ended(unit: CordBloodUnit, people: People) -> None:
    services_dossier.dossier_fetch(unit_id=unit.pk, form="json", language="en", actor=who(people.qa))
    services_storage.unit_take_out(unit_id=unit.pk, actor=who(people.lab), reason="out to waste 83")
    life_more.leaves(unit, people)


def _fresh(unit: CordBloodUnit) -> CordBloodUnit:
    return CordBloodUnit.objects.select_related("donation", "bank").get(pk=unit.pk)
