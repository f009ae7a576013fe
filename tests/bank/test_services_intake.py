"""From the kit to the quarantine: each step, its guards, and who may not skip one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank import services_intake as services
from bank import services_quality
from bank.choices import TRANSITIONS, UnitStatus
from bank.models import Bank, CordBloodUnit, Slot, StorageNode
from bank.services_intake import Collection
from bank.services_kits import Kit, kit_issue
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry, User
from tests.factories.bank import BankFactory, DonationFactory, UnitFactory
from tests.factories.consent import ALL, YES, consent_form

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
BIRTH = dt.datetime(2024, 5, 6, 3, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CONSENT = dt.date(2024, 5, 1)


def kit(**more: Any) -> Kit:
    given = {"bag_id": "BAG-1", "consented_on": CONSENT, "din": "A999914123458 J", "answers": ALL}
    return Kit(**{**given, **more})


def issued(**more: Any) -> CordBloodUnit:
    bank: Bank = BankFactory()
    consent_form()
    return kit_issue(bank_id=bank.pk, kit=kit(**more), actor=SYSTEM)


def collected(unit: CordBloodUnit, **more: Any) -> CordBloodUnit:
    given = Collection(
        **{"bag_id": "bag-1", "collected_at": BIRTH + HOUR, "born_at": BIRTH, "sex": "F", **more}
    )
    return services.unit_collect(unit_id=unit.pk, given=given, actor=SYSTEM)


def received(unit: CordBloodUnit, hours: float = 20, **more: Any) -> CordBloodUnit:
    given = {"temperature_min_c": 15.0, "temperature_max_c": 24.0, **more}
    return services.unit_receive(unit_id=unit.pk, received_at=BIRTH + hours * HOUR, actor=SYSTEM, **given)


def processed(unit: CordBloodUnit) -> CordBloodUnit:
    return services.unit_process(
        unit_id=unit.pk,
        started_at=BIRTH + 22 * HOUR,
        processing_method="sepax",
        red_cells="depleted",
        actor=SYSTEM,
    )


def counted(unit: CordBloodUnit) -> None:
    for analyte, value in (("volume", 24.0), ("tnc", 130.0), ("cd34", 4.2)):
        services_quality.measurement_record(
            unit_id=unit.pk, time_point="processing", analyte=analyte, value=value, actor=SYSTEM
        )


def placed(unit: CordBloodUnit) -> None:
    site = StorageNode.objects.create(bank=unit.bank, kind="site", code="S")
    node = StorageNode.objects.create(bank=unit.bank, kind="canister", code="C", parent=site)
    Slot.objects.create(canister=node, position=1, unit=unit)


def frozen(unit: CordBloodUnit, **more: Any) -> CordBloodUnit:
    given = {"frozen_at": BIRTH + 30 * HOUR, "segments": 3, **more}
    return services.unit_freeze(unit_id=unit.pk, actor=SYSTEM, **given)


def test_the_whole_way_to_the_quarantine() -> None:
    unit = issued()
    assert (unit.status, unit.din, unit.unit_no) == ("PLANNED", "A999914123458", "A999914123458")
    assert unit.donation.mother_code.startswith("M-")

    collected(unit, volume_ml=110.0, gestation_weeks=39, site="Maternity 3", anticoagulant="CPD")
    received(unit)
    processed(unit)
    counted(unit)
    placed(unit)
    done = frozen(unit)

    assert done.status == "QUARANTINE"
    assert (done.tnc_e7, done.cd34_e6, done.volume_ml, done.segments) == (130, 4.2, 24, 3)
    assert (done.sex, done.red_cells, done.processing_method) == ("F", "depleted", "Sepax")
    assert done.collected_on == timezone.localdate(BIRTH)
    stock = done.samples.get()
    assert (str(stock.kind), stock.opening, stock.remaining) == ("segment", 3, 3)
    assert done.measurements.get(time_point="collection").value == 110
    told = list(AuditEntry.objects.order_by("at").values_list("action", flat=True))
    assert told[:4] == ["unit.kit_issue", "unit.collect", "unit.receive", "unit.process"]
    assert told[-1] == "unit.freeze"


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"consented_on": None}, "consent_missing", "consented_on"),
        ({"answers": {}}, "consent_missing", "consent_donation"),
        ({"answers": {"donation": True}}, "consent_missing", "consent_testing"),
        ({"answers": {**ALL, "donation": False}}, "consent_missing", "consent_donation"),
        ({"answers": YES}, "answer_missing", "consent_samples"),
        ({"consented_on": dt.date(2999, 1, 1)}, "date_future", "consented_on"),
        ({"bag_id": " "}, "bag_missing", "bag_id"),
        ({"din": "", "unit_no": ""}, "number_missing", "din"),
        ({"din": "A999914123458 K"}, "din_check", "din"),
    ],
)
def test_a_kit_is_given_out_with_consent_bag_and_number(more: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        issued(**more)

    assert refused.value.field == field
    assert refused.value.code == code or code == "din_check"
    if code == "din_check":
        assert "J" in refused.value.message  # the right one
    assert not CordBloodUnit.objects.exists()


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"bag_id": "BAG-2"}, "din_taken", "din"),
        ({"din": "", "unit_no": "A999914123458", "bag_id": "BAG-3"}, "number_taken", "unit_no"),
        ({"unit_no": "OTHER", "bag_id": "BAG-4"}, "din_taken", "din"),
        ({"din": "", "unit_no": "OTHER"}, "bag_taken", "bag_id"),
        ({"din": "", "unit_no": "OTHER", "mother_code": "M-1"}, "infant_taken", "infant_no"),
    ],
)
def test_what_of_a_kit_is_taken_is_said_beside_its_field(more: dict[str, Any], code: str, field: str) -> None:
    issued(mother_code="M-1")

    with pytest.raises(Conflict) as refused:
        issued(**more)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert CordBloodUnit.objects.count() == 1


def test_of_a_partner_s_bank_no_kit_is_given_out() -> None:
    with pytest.raises(InvalidInput):
        kit_issue(bank_id=BankFactory(code="P", source="partner").pk, kit=kit(), actor=SYSTEM)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"bag_id": "BAG-2"}, "bag_differs"),
        ({"collected_at": BIRTH - HOUR}, "collected_before_birth"),
        ({"collected_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)}, "date_future"),
        ({"collected_at": dt.datetime(1925, 1, 1, tzinfo=dt.UTC), "born_at": None}, "date_past"),
    ],
)
def test_a_collection_that_cannot_be_is_refused(more: dict[str, Any], code: str) -> None:
    unit = issued()

    with pytest.raises(DomainError) as refused:
        collected(unit, **more)

    assert refused.value.code == code
    unit.refresh_from_db()
    assert unit.status == "PLANNED"


@pytest.mark.parametrize(
    ("hours", "more", "what"),
    [
        (49.1, {}, "48 hours"),
        (20, {"temperature_max_c": 30.1}, "4–30"),
        (20, {"temperature_min_c": 3.9}, "4–30"),
        (20, {"temperature_min_c": None}, "not known"),
    ],
)
def test_an_arrival_out_of_bounds_is_described(hours: float, more: dict[str, Any], what: str) -> None:
    unit = collected(issued())

    with pytest.raises(InvalidInput) as refused:
        received(unit, hours, **more)
    assert (refused.value.code, refused.value.field) == ("deviation_needed", "deviation")
    assert what in refused.value.message
    done = received(unit, hours, deviation="Accepted by Dr. Ma.", **more)

    assert done.status == "RECEIVED"
    assert done.reception.deviation == "Accepted by Dr. Ma."
    assert AuditEntry.objects.get(action="unit.receive").reason == "Accepted by Dr. Ma."


@pytest.mark.parametrize(
    ("hours", "more", "code"),
    [
        (49.0, {}, ""),
        (20, {"temperature_min_c": 4.0, "temperature_max_c": 30.0}, ""),
        (0.5, {}, "received_before_collection"),
        (20, {"temperature_min_c": 25.0, "temperature_max_c": 20.0}, "temperatures_order"),
    ],
)
def test_arrivals_at_the_edge(hours: float, more: dict[str, Any], code: str) -> None:
    unit = collected(issued())  # an hour after the birth

    if not code:
        assert received(unit, hours, **more).status == "RECEIVED"
        return
    with pytest.raises(InvalidInput) as refused:
        received(unit, hours, **more)
    assert refused.value.code == code


def test_into_quarantine_only_counted_and_in_its_slot() -> None:
    unit = processed(received(collected(issued())))

    with pytest.raises(Conflict) as uncounted:
        frozen(unit)
    counted(unit)
    with pytest.raises(Conflict) as homeless:
        frozen(unit)
    placed(unit)
    with pytest.raises(InvalidInput) as early:
        frozen(unit, frozen_at=BIRTH)

    assert [one.value.code for one in (uncounted, homeless, early)] == [
        "counts_missing",
        "place_missing",
        "frozen_before_start",
    ]
    assert "CD34" in uncounted.value.message
    assert frozen(unit).status == "QUARANTINE"


STEPS: dict[UnitStatus, Any] = {
    UnitStatus.COLLECTED: collected,
    UnitStatus.RECEIVED: received,
    UnitStatus.PROCESSING: processed,
    UnitStatus.QUARANTINE: frozen,
    UnitStatus.VOID: lambda unit: services.unit_void(unit_id=unit.pk, actor=SYSTEM, reason="not born here"),
}


@pytest.mark.parametrize("to", STEPS)
@pytest.mark.parametrize("here", [one for one in UnitStatus if one not in ("ON_HOLD", "DISCARDED")])
def test_a_step_is_taken_from_its_state_and_from_no_other(here: UnitStatus, to: UnitStatus) -> None:
    """Every state × step: allowed as the table says, else a Conflict that changes nothing."""
    donation = DonationFactory(bag_id="BAG-1", collected_at=BIRTH + HOUR)
    unit = UnitFactory(status=here, donation=donation)
    if to == UnitStatus.QUARANTINE:
        counted_by_hand(unit)
        placed(unit)
    allowed = to in TRANSITIONS[here]

    if allowed:
        assert STEPS[to](unit).status == to
        return
    with pytest.raises(Conflict) as refused:
        STEPS[to](unit)
    assert refused.value.code == "transition"
    unit.refresh_from_db()
    assert unit.status == here


def counted_by_hand(unit: CordBloodUnit) -> None:
    for analyte, measure in (("volume", "ml"), ("tnc", "e7"), ("cd34", "e6")):
        unit.measurements.create(time_point="processing", analyte=analyte, value=20, measure_unit=measure)
    from bank.models import ProcessingRecord

    ProcessingRecord.objects.create(unit=unit, started_at=BIRTH)


def test_without_a_donation_there_is_nothing_to_collect() -> None:
    with pytest.raises(Conflict) as refused:
        collected(UnitFactory(status="PLANNED"))

    assert refused.value.code == "donation_missing"


def test_a_listed_value_is_entered_before_the_offer_and_not_under_it(lab: User) -> None:
    unit = UnitFactory(status="QUARANTINE", tnc_e7=12, held_for_confirmation=True, counts_invented=True)

    def enter(value: float, analyte: str = "tnc") -> None:
        services_quality.measurement_record(
            unit_id=unit.pk, time_point="processing", analyte=analyte, value=value, actor=Actor.user(lab)
        )

    enter(13)  # still implausible: somebody has to confirm it
    unit.refresh_from_db()
    assert (unit.tnc_e7, unit.held_for_confirmation, unit.counts_invented) == (13, True, False)
    assert unit.held_reasons[0]["code"] == "tnc_implausible"
    enter(130)
    unit.refresh_from_db()
    assert (unit.tnc_e7, unit.held_for_confirmation) == (130, False)
    with pytest.raises(InvalidInput):
        enter(0)
    CordBloodUnit.objects.filter(pk=unit.pk).update(status="LISTED")
    with pytest.raises(Conflict) as refused:
        enter(140)
    assert refused.value.code == "listed_value"


def test_the_database_keeps_times_and_temperatures_in_order() -> None:
    unit = processed(received(collected(issued())))

    for rows, values in (
        (type(unit.reception).objects, {"temperature_min_c": 40.0}),
        (type(unit.processing).objects, {"frozen_at": BIRTH}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.filter(unit=unit).update(**values)


def test_what_is_not_collected_has_no_results_and_nothing_is_processed_before_it_arrived() -> None:
    unit = issued()

    with pytest.raises(Conflict) as planned:
        services_quality.measurement_record(
            unit_id=unit.pk, time_point="processing", analyte="tnc", value=90, actor=SYSTEM
        )
    received(collected(unit), 30)
    with pytest.raises(InvalidInput) as early:
        processed(unit)  # at hour 22

    assert (planned.value.code, early.value.code) == ("not_collected", "started_before_arrival")


def test_a_step_sent_twice_is_told_and_nothing_is_doubled() -> None:
    unit = issued()
    services_quality.measurement_record(
        unit_id=unit.pk, time_point="collection", analyte="volume", value=100, actor=SYSTEM
    )
    collected(unit, volume_ml=110.0)
    received(unit)

    for again in (lambda: collected(unit, volume_ml=110.0), lambda: received(unit)):
        with pytest.raises(Conflict) as refused:
            again()
        assert refused.value.code == "transition"
    assert unit.measurements.in_force().get(time_point="collection").value == 110


def test_a_unit_lies_in_the_quarantine_area_before_it_waits_there() -> None:
    unit = processed(received(collected(issued())))
    counted(unit)
    placed(unit)
    StorageNode.objects.create(
        bank=unit.bank, kind="tank", code="Q1", quarantine=True, parent=StorageNode.objects.get(kind="site")
    )

    with pytest.raises(Conflict) as refused:
        frozen(unit)

    assert refused.value.code == "quarantine_needed"
