"""The checklist of an order: what makes each line pass or not, and what it says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank.choices_lots import LotState
from bank.models import CordBloodUnit, Lot, LotUse, ReleaseSpecification, Slot
from bank.release.judge import Finding
from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Patient, PatientWeight
from tests.factories.bank import ImportBatchFactory, SpecificationFactory
from tests.factories.core import UserFactory
from tests.factories.orders import OrderFactory, ready, sign
from tests.factories.reservations import in_days
from tests.factories.shipments import ShipmentFactory
from transplants import checklist, presenters_orders
from transplants.checks import Check, Outcome, Stage
from transplants.models import ExportPermit, Incident, IncidentUnit, Order, Reservation, ReservationRules

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.checklist.typing_checks", lambda order: [])


@pytest.fixture
def order(patient: Patient) -> Order:
    return ready(OrderFactory(for_patient=patient))


def check_of(order: Order, code: str) -> Check:
    fresh = Order.objects.get(pk=order.pk)
    (found,) = [one for one in checklist.checks_of(fresh) if one.code == code]
    return found


def test_of_a_ready_order_everything_is_passed(order: Order) -> None:
    checks = checklist.checks_of(order)

    assert {one.outcome for one in checks} == {Outcome.PASSED}
    assert len({one.code for one in checks}) == len(checks)
    assert all(one.says for one in checks)


def blocked_lot(order: Order) -> None:
    lot = Lot.objects.create(
        kind="bag", manufacturer="M", number="L-7", state=LotState.BLOCKED, blocked_reason="leaks"
    )
    LotUse.objects.create(unit=order.unit, lot=lot, step="collection", used_on=dt.date(2020, 5, 18))


def incident(order: Order) -> None:
    row = Incident.objects.create(
        number="IN-2020-0001", kind="deviation", title="t", what="w", happened_on=in_days(0), opened_by="s"
    )
    IncidentUnit.objects.create(incident=row, unit=order.unit)


def inactive(order: Order) -> None:
    Patient.objects.update(state="inactive", inactive_reason="died", deactivated_at=timezone.now())


WITHOUT_CULTURE = {
    "outcome": "exceptional",
    "findings": [Finding("culture", "missing", None, "none", test="bacterial").as_json()],
    "justification": "urgent",
}
F, M, A, L = Outcome.FAILED, Outcome.OPEN, Stage.APPROVE, Stage.RELEASE
CASES: list[tuple[str, str, Callable[[Order], Any], Outcome, Stage]] = [
    ("reservation", "does not hold", lambda o: Reservation.objects.update(until=in_days(-1)), F, A),
    (
        "prescription",
        "A physician",
        lambda o: o.signatures.update(void_at=timezone.now(), void_reason="r"),
        M,
        A,
    ),
    ("days", "passed", lambda o: Order.objects.update(deliver_on=in_days(-1)), F, A),
    ("hospital", "not active", lambda o: Hospital.objects.update(active=False), F, A),
    ("hospital", "No qualification", lambda o: Hospital.objects.update(qualified_until=None), M, A),
    ("hospital", "before the infusion", lambda o: Hospital.objects.update(qualified_until=in_days(26)), F, A),
    ("hospital", "after the infusion", lambda o: Hospital.objects.update(qualified_from=in_days(28)), F, A),
    ("patient", "inactive", inactive, F, A),
    ("weight", "No weighing", lambda o: PatientWeight.objects.all().delete(), M, A),
    ("weight", "older", lambda o: PatientWeight.objects.update(measured_on=in_days(-31)), M, A),
    ("weight", "weighed 15 kg", lambda o: PatientWeight.objects.update(weight_kg=Decimal(15)), F, A),
    ("dose", "not known", lambda o: CordBloodUnit.objects.update(tnc_e7=None), M, A),
    ("unit", "recalled", lambda o: CordBloodUnit.objects.update(recalled=True), F, A),
    ("unit", "Listed", lambda o: CordBloodUnit.objects.update(status="LISTED"), F, A),
    ("cultures", "Bacterial", lambda o: o.unit.cultures.all().delete(), M, L),
    ("cultures", "Bacterial", lambda o: o.unit.cultures.update(result="growth"), F, L),
    ("lots", "L-7", blocked_lot, F, L),
    ("incidents", "IN-2020-0001", incident, F, L),
    ("slot", "No place", lambda o: Slot.objects.update(unit=None), M, L),
]


@pytest.mark.parametrize(("code", "says", "change", "outcome", "stage"), CASES)
def test_what_a_check_finds(
    order: Order, code: str, says: str, change: Any, outcome: Outcome, stage: Stage
) -> None:
    change(order)

    found = check_of(order, code)

    assert (found.outcome, found.stage) == (outcome, stage)
    assert says in found.says


def test_without_a_specification_nothing_is_known_of_the_results(order: Order) -> None:
    ReleaseSpecification.objects.update(effective_from=in_days(3))

    for code in ("markers", "cultures", "eligibility", "quality", "consent"):
        assert check_of(order, code).outcome == Outcome.OPEN
    assert not checklist.checklist_of(Order.objects.get()).may_be_excepted


def test_a_declared_unit_was_released_before(patient: Patient) -> None:
    order = ready(OrderFactory(for_patient=patient), listed=None)
    assert check_of(order, "listed").outcome == Outcome.OPEN
    batch = ImportBatchFactory(declaration="released since 2015", file_name="old.csv")
    CordBloodUnit.objects.update(import_batch=batch)

    found = check_of(order, "listed")

    assert (found.outcome, "old.csv" in found.says) == (Outcome.PASSED, True)


def test_what_an_exceptional_release_went_over_stays_so(patient: Patient) -> None:
    order = ready(OrderFactory(for_patient=patient), listed=WITHOUT_CULTURE)
    order.unit.cultures.all().delete()

    found = check_of(order, "cultures")

    assert (found.outcome, "Qian Yu" in found.says) == (Outcome.PASSED, True)


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"result": "growth"}, Outcome.FAILED),
        ({"verified_at": None, "verified_by": None}, Outcome.OPEN),
    ],
)
def test_who_listed_a_unit_without_a_result_signed_nothing_that_came_later(
    patient: Patient, values: dict[str, Any], outcome: Outcome
) -> None:
    order = ready(OrderFactory(for_patient=patient), listed=WITHOUT_CULTURE)
    order.unit.cultures.update(**values)

    found = check_of(order, "cultures")

    assert (found.outcome, "Qian Yu" in found.says) == (outcome, False)


def test_who_listed_a_low_count_signed_no_lower_one(patient: Patient) -> None:
    """The value stands in what was signed, not the criterion alone."""
    low = Finding(
        "measurement", "failed", 61.0, time_point="post_thaw_segment", analyte="cd34_viability", threshold=70
    )
    listed = {"outcome": "exceptional", "findings": [low.as_json()], "justification": "urgent"}
    order = ready(OrderFactory(for_patient=patient), listed=listed)
    criterion = {
        "kind": "measurement",
        "time_point": "post_thaw_segment",
        "analyte": "cd34_viability",
        "comparison": "ge",
        "threshold": 70,
        "measure_unit": "percent",
        "may_be_excepted": True,
    }
    SpecificationFactory(
        bank=order.unit.bank, approved=True, criteria=[criterion], effective_from=in_days(-1)
    )
    values = {"time_point": "post_thaw_segment", "analyte": "cd34_viability", "measure_unit": "percent"}
    row = order.unit.measurements.get(**values)
    row.value = 61.0
    row.save()
    assert check_of(order, "potency").is_passed
    row.value = 40.0
    row.save()

    assert check_of(order, "potency").outcome == Outcome.FAILED


def test_nobody_knows_what_a_unit_will_do_whose_segment_was_never_thawed(order: Order) -> None:
    """Whatever the specification asks; the medical director may go over it, and over nothing worse."""
    order.unit.measurements.update(verified_by=None, verified_at=None)
    assert (check_of(order, "potency").outcome, "verified" in check_of(order, "potency").says) == (
        Outcome.OPEN,
        True,
    )
    order.unit.measurements.all().delete()

    found = checklist.checklist_of(Order.objects.get(pk=order.pk))

    assert check_of(order, "potency").outcome == Outcome.OPEN
    assert found.excepted == {"potency"}
    assert found.may_be_excepted


def test_a_closed_incident_keeps_nothing_back(order: Order) -> None:
    incident(order)
    Incident.objects.update(
        state="closed", closed_at=timezone.now(), closed_by=UserFactory(), cause="c", measures="m"
    )

    assert check_of(order, "incidents").is_passed


def test_an_approved_order_outlives_the_day_of_its_reservation(patient: Patient) -> None:
    order = ready(OrderFactory(state="approved", for_patient=patient))
    Reservation.objects.update(until=in_days(-1))

    assert check_of(order, "reservation").is_passed


# --- the weight -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weighed", "passes"), [("11.28", True), ("11.27", False), ("13.77", True), ("13.78", False)]
)
def test_at_the_line_of_the_weight(order: Order, weighed: str, passes: bool) -> None:
    """12.40 kg ordered, 10 percent of what was weighed."""
    PatientWeight.objects.update(weight_kg=Decimal(weighed))

    assert check_of(order, "weight").is_passed == passes


def test_the_newest_weighing_counts_by_the_rules_of_the_bank(order: Order) -> None:
    PatientWeight.objects.update(measured_on=in_days(-40))
    ReservationRules.objects.create(pk=1, weight_days=60)
    assert check_of(order, "weight").is_passed

    PatientWeight.objects.create(patient=order.patient, weight_kg=Decimal("13.00"), measured_on=in_days(-3))
    assert "13 kg" in check_of(order, "weight").says
    ReservationRules.objects.update(weight_percent=4)
    assert check_of(order, "weight").outcome == Outcome.FAILED


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    weighed=st.decimals(1, 250, places=2),
    share=st.decimals(-50, 50, places=1),
    percent=st.integers(1, 50),
)
def test_a_weight_differs_by_more_than_the_percent_or_it_does_not(
    weighed: Decimal, share: Decimal, percent: int
) -> None:
    """Up and down alike, and whatever unit both are in."""
    ordered = weighed * (100 + share) / 100

    found = checklist._differs(ordered, weighed, percent)

    assert found == (abs(share) > percent)
    assert found == checklist._differs(ordered * 1000, weighed * 1000, percent)
    assert found == checklist._differs(weighed - (ordered - weighed), weighed, percent)


# --- abroad ---------------------------------------------------------------------------------------


@pytest.fixture
def abroad(patient: Patient) -> Order:
    return ready(OrderFactory(for_patient=patient, country="SG"))


def test_at_home_nothing_is_asked_of_the_border(order: Order) -> None:
    codes = {one.code for one in checklist.checks_of(order)}

    assert not codes & {"permit", "consent_abroad"}


def test_where_the_unit_goes_decides(abroad: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign hospital that has it delivered at home needs no permit; an own one that has it sent abroad does."""
    assert check_of(abroad, "consent_abroad").outcome == Outcome.FAILED
    assert check_of(abroad, "permit").outcome == Outcome.OPEN

    Hospital.objects.update(country="SG")
    Order.objects.update(country="CN")
    assert "permit" not in {one.code for one in checklist.checks_of(Order.objects.get())}

    Order.objects.update(country="HK")
    monkeypatch.setattr("transplants.checklist.may_go_abroad", lambda ids: set(ids))
    assert check_of(abroad, "consent_abroad").is_passed


@pytest.mark.parametrize(("days", "outcome"), [(17, Outcome.FAILED), (18, Outcome.PASSED)])
def test_the_permit_holds_on_the_day_of_delivery(abroad: Order, days: int, outcome: Outcome) -> None:
    ExportPermit.objects.create(
        order=abroad,
        permit_no="P-1",
        authority="A",
        country="SG",
        valid_until=in_days(days),
        recorded_by=UserFactory(),
    )

    found = check_of(abroad, "permit")

    assert (found.outcome, found.stage, "P-1" in found.says) == (outcome, Stage.RELEASE, True)


def test_a_permit_for_one_country_serves_no_other(abroad: Order) -> None:
    ExportPermit.objects.create(
        order=abroad,
        permit_no="P-1",
        authority="A",
        country="SG",
        valid_until=in_days(90),
        recorded_by=UserFactory(),
    )
    assert check_of(abroad, "permit").is_passed

    Order.objects.update(country="MY")

    found = check_of(abroad, "permit")
    assert (found.outcome, "P-1 is for SG" in found.says) == (Outcome.FAILED, True)


def test_the_permit_reaches_the_arrival_of_what_is_packed(abroad: Order) -> None:
    Order.objects.update(
        state="released", approved_at=timezone.now(), approved_by="S", released_at=timezone.now()
    )
    ShipmentFactory(order=Order.objects.get(), expected_at=timezone.now() + dt.timedelta(days=30))
    ExportPermit.objects.create(
        order=abroad,
        permit_no="P-1",
        authority="A",
        country="SG",
        valid_until=in_days(29),
        recorded_by=UserFactory(),
    )

    assert check_of(abroad, "permit").outcome == Outcome.FAILED
    ExportPermit.objects.update(valid_until=in_days(30))
    assert check_of(abroad, "permit").is_passed


# --- what people read -----------------------------------------------------------------------------


def test_a_hospital_does_not_learn_what_keeps_a_unit_back(order: Order, he_lan: User) -> None:
    incident(order)
    blocked_lot(order)
    found = checklist.checklist_of(Order.objects.get())
    qa = UserFactory(roles=[Role.QA])

    def texts(user: User) -> str:
        return str(presenters_orders.checklist(found.checks, user, found.excepted))

    assert "IN-2020-0001" in texts(qa)
    assert "L-7" in texts(qa)
    assert "IN-2020-0001" not in texts(he_lan)
    assert "L-7" not in texts(he_lan)
    assert "The bank looks after it." in texts(he_lan)


def test_links_lead_where_the_reader_may_go(order: Order, he_lan: User) -> None:
    found = checklist.checklist_of(order)
    qa = UserFactory(roles=[Role.QA])

    def links(user: User) -> dict[str, str]:
        stages = presenters_orders.checklist(found.checks, user)
        return {row["code"]: row["url"] for stage in stages for row in [*stage["missing"], *stage["passed"]]}

    assert links(qa)["patient"] == ""  # quality assurance opens no patients
    assert links(qa)["cultures"] != ""
    assert links(he_lan)["patient"] != ""
    assert links(he_lan)["cultures"] == ""


def test_what_is_missing_stands_first(patient: Patient, he_lan: User) -> None:
    order = OrderFactory(for_patient=patient)
    sign(order)

    stages = presenters_orders.checklist(checklist.checks_of(order), he_lan)

    assert {row["code"] for row in stages[0]["missing"]} == {"hospital", "weight"}
    assert stages[0]["total"] == len(stages[0]["missing"]) + len(stages[0]["passed"])
