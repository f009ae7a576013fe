"""The tasks of the day: for whom, how many, since when, until when, and that each leads to just its list."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from bank import today, today_more
from bank.models import CordBloodUnit, EligibilityDecision, TankLimits, TankReading
from bank.querysets import waiting_for
from core import work
from core.models import User
from core.roles import Role
from core.work import WorkItem
from tests.bank.release_helpers import CULTURE, TNC, counted_unit
from tests.factories.bank import (
    AccreditationFactory,
    BankFactory,
    CultureFactory,
    DonationFactory,
    HlaTypingFactory,
    ImportBatchFactory,
    MarkerFactory,
    MeasurementFactory,
    SpecificationFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory
from tests.factories.storage import tank

pytestmark = pytest.mark.django_db
STAFF_ROLES = [role for role in Role if role not in (Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN)]


def ago(**span: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(**span)


def key_of(item: WorkItem) -> str:
    return item.url.partition("?")[2] or item.url


def mine(user: User) -> dict[str, WorkItem]:
    return {key_of(item): item for item in work.items_for(user)}


# --- units ---------------------------------------------------------------------------------------

WHO = {
    "kits": {Role.COLLECTION, Role.LAB},
    "transport": {Role.LAB},
    "arrived": {Role.LAB},
    "processing": {Role.LAB},
    "verify": {Role.LAB, Role.QA, Role.MEDICAL_DIRECTOR},
    "conflict": {Role.QA, Role.MEDICAL_DIRECTOR},
    "holds": {Role.QA, Role.MEDICAL_DIRECTOR},
}


def _every_kind() -> None:
    for status in ("PLANNED", "COLLECTED", "RECEIVED", "PROCESSING"):
        UnitFactory(status=status, donation=DonationFactory(collected_at=ago(hours=30)))
    UnitFactory(on_hold=True)
    UnitFactory(status="QUARANTINE", typing_conflict=True)
    MeasurementFactory(unit=UnitFactory(status="QUARANTINE"))


@pytest.mark.parametrize("role", list(Role))
def test_a_task_is_told_to_those_who_may_do_it(role: Role) -> None:
    _every_kind()

    found = mine(UserFactory(roles=[role]))
    assert {key for key in WHO if f"task={key}" in found} == {key for key, who in WHO.items() if role in who}


def test_the_table_names_every_task() -> None:
    assert set(WHO) == set(today.BY_KEY)


@pytest.mark.parametrize("key", list(today.BY_KEY))
def test_a_task_leads_to_just_its_units(key: str, signed_in: Any) -> None:
    _every_kind()
    UnitFactory()
    person = UserFactory(roles=STAFF_ROLES)

    item = mine(person)[f"task={key}"]
    page = signed_in(person).get(item.url)
    assert item.count == page.context["page"].paginator.count == 1
    assert [chip["label"] for chip in page.context["active"]] == ["Task"]


def test_partners_units_are_no_work_of_ours() -> None:
    UnitFactory(status="ON_HOLD", status_before_hold="LISTED", hold_reason="r", source="partner")

    assert "task=holds" not in mine(UserFactory(roles=[Role.QA]))


def test_what_is_on_its_way_is_due_48_hours_after_the_collection(lab: User) -> None:
    for hours in (1, 25, 37, 49):
        UnitFactory(status="COLLECTED", donation=DonationFactory(collected_at=ago(hours=hours)))

    item = mine(lab)["task=transport"]
    assert (item.count, item.overdue) == (4, True)
    assert item.detail == "Since the collection: 3 beyond 24 h, 2 beyond 36 h, 1 beyond 48 h."
    assert item.due_at == item.since + dt.timedelta(hours=48)


def test_overdue_comes_first_then_what_is_due_first(lab: User) -> None:
    UnitFactory(status="PLANNED", status_changed_at=ago(days=91))
    UnitFactory(status="COLLECTED", donation=DonationFactory(collected_at=ago(hours=1)))
    UnitFactory(status="RECEIVED", donation=DonationFactory(collected_at=ago(hours=40)))

    keys = [key_of(item) for item in work.items_for(lab)]
    assert keys == ["task=kits", "task=arrived", "task=transport"]


def test_nobody_is_asked_to_verify_what_he_entered(lab: User, qa: User) -> None:
    unit = UnitFactory(status="QUARANTINE", donation=DonationFactory())
    MeasurementFactory(unit=unit, entered_by=lab)

    assert "task=verify" not in mine(lab)
    assert mine(qa)["task=verify"].count == 1
    MarkerFactory(unit=unit, entered_by=qa)
    assert mine(lab)["task=verify"].count == 1


def test_who_entered_an_earlier_typing_vouches_for_none(lab: User, qa: User) -> None:
    unit = UnitFactory(status="QUARANTINE")
    HlaTypingFactory(unit=unit, entered_by=qa, is_current=False)
    HlaTypingFactory(unit=unit, entered_by=lab)

    assert "task=verify" not in mine(qa)
    assert "task=verify" not in mine(lab)
    assert mine(UserFactory(roles=[Role.LAB]))["task=verify"].count == 1


def test_the_list_to_verify_is_what_each_unit_says(lab: User, qa: User) -> None:
    """The queryset against the page of a unit (bank.querysets.waiting_for)."""
    for status in ("QUARANTINE", "LISTED", "PROCESSING"):
        for person in (lab, qa, None):
            unit = UnitFactory(status=status)
            MeasurementFactory(unit=unit, entered_by=person)
            HlaTypingFactory(unit=UnitFactory(status=status), entered_by=person)
            done = UnitFactory(status=status)
            CultureFactory(unit=done, entered_by=lab, verified_by=qa, verified_at=ago(days=1))

    for person in (lab, qa):
        found = today.BY_KEY["verify"].waiting(CordBloodUnit.objects.all(), person)
        units = CordBloodUnit.objects.all()
        assert set(found) == {unit for unit in units if waiting_for(unit, person.pk)}


@pytest.mark.parametrize("status", ["LISTED", "RESERVED"])
def test_late_results_of_units_on_offer_are_somebodys_task(
    lab: User, qa: User, signed_in: Any, status: str
) -> None:
    listed = ago(days=30)
    late = UnitFactory(status=status, status_changed_at=listed, donation=DonationFactory())
    decided = UnitFactory(status=status, status_changed_at=listed, donation=DonationFactory())
    batch = ImportBatchFactory(written_at=ago(days=29))
    taken_over = UnitFactory(status=status, status_changed_at=listed, import_batch=batch)
    known = UnitFactory(status=status)
    partners = UnitFactory(status=status, status_changed_at=listed, source="partner")
    CultureFactory(unit=late, entered_by=lab, entered_at=ago(days=3))
    MarkerFactory(unit=late, entered_by=lab, entered_at=ago(days=2))
    MeasurementFactory(unit=late, entered_by=lab, entered_at=ago(days=60))
    EligibilityDecision.objects.create(
        donation=decided.donation, decision="eligible", entered_by=lab, entered_at=ago(days=1)
    )
    MeasurementFactory(unit=taken_over, entered_at=ago(days=29, hours=1))
    MeasurementFactory(unit=known, entered_by=lab, entered_at=ago(days=60))
    MeasurementFactory(unit=partners, entered_at=ago(days=1))
    HlaTypingFactory(unit=known, entered_by=lab)

    item = mine(qa)["task=verify"]
    assert item.count == 2
    assert item.since is not None
    assert item.since.date() == ago(days=3).date()
    page = signed_in(qa).get(item.url)
    assert {unit.pk for unit in page.context["page"].object_list} == {late.pk, decided.pk}
    assert "task=verify" not in mine(lab)


# --- the desk, tanks, accreditations, specifications -----------------------------------------------------


def test_the_desk_tells_each_its_own(lab: User, qa: User, director: User, signed_in: Any) -> None:
    ready = counted_unit(lab, qa)
    ready.measurements.update(value=60)
    CultureFactory(unit=ready, kind="fungal", verified_by=qa, verified_at=ago(days=1))
    low = UnitFactory(status="QUARANTINE", bank=ready.bank, status_changed_at=ago(days=61))
    MeasurementFactory(unit=low, value=40, entered_by=lab, verified_by=qa, verified_at=ago(days=1))
    CultureFactory(unit=low, kind="fungal", verified_by=qa, verified_at=ago(days=1))
    UnitFactory(status="QUARANTINE", bank=ready.bank)

    asked = {"state=ready&sign=mine", "state=exception&sign=mine", "state=missing"}
    found = mine(director)
    assert asked <= set(found)
    assert found["state=exception&sign=mine"].overdue
    assert set(mine(qa)) & asked == {"state=ready&sign=mine", "state=missing"}
    assert set(mine(lab)) & asked == {"state=missing"}
    for key in asked:
        page = signed_in(director).get(found[key].url)
        assert len(page.context["rows"]) == found[key].count == 1


def test_who_entered_a_result_is_not_told_to_sign(lab: User, qa: User) -> None:
    unit = counted_unit(qa, lab)
    unit.measurements.update(value=60)
    CultureFactory(unit=unit, kind="fungal", verified_by=lab, verified_at=ago(days=1))

    assert "state=ready&sign=mine" not in mine(qa)
    assert "state=ready&sign=mine" in mine(UserFactory(roles=[Role.QA]))


def test_tanks_that_nobody_read(lab: User, coordinator: User) -> None:
    for code, hours in (("T1", 30), ("T2", 2), ("T3", None), ("T4", 90)):
        made = tank(code)
        if code != "T4":
            TankLimits.objects.create(tank=made, warm_above_c=-150, updated_at=ago(days=9))
        if hours is not None:
            TankReading.objects.create(
                tank=made, read_at=ago(hours=hours), temperature_c=-190, source="typed"
            )

    item = today_more.readings(lab)
    assert item is not None
    assert (item.count, item.detail, item.overdue) == (2, "T3, T1", True)
    assert today_more.readings(coordinator) is None


@pytest.mark.parametrize(
    ("days", "told"), [(10, True), (-10, True), (89, True), (120, False), (-120, False), (None, False)]
)
def test_accreditations_that_end(qa: User, days: int | None, told: bool) -> None:
    ends = None if days is None else timezone.localdate() + dt.timedelta(days=days)
    AccreditationFactory(valid_until=ends)

    item = today_more.accreditations(qa)
    assert (item is not None) == told
    assert item is None or item.overdue == (days is not None and days < 0)


def test_a_renewed_accreditation_is_no_task(qa: User, lab: User) -> None:
    soon = timezone.localdate() + dt.timedelta(days=5)
    row = AccreditationFactory(valid_until=soon)
    assert today_more.accreditations(qa) is not None
    assert today_more.accreditations(lab) is None

    AccreditationFactory(bank=row.bank, valid_from=soon, valid_until=soon + dt.timedelta(days=400))
    assert today_more.accreditations(qa) is None


def test_an_accreditation_of_a_partner_is_not_ours(qa: User) -> None:
    AccreditationFactory(bank=BankFactory(code="PX", source="partner"), valid_until=timezone.localdate())

    assert today_more.accreditations(qa) is None


def test_a_draft_waits_for_somebody_else(director: User, qa: User) -> None:
    bank = BankFactory()
    SpecificationFactory(bank=bank, version=1)  # never approved, and replaced
    SpecificationFactory(bank=bank, version=2, approved=True)
    SpecificationFactory(bank=bank, version=3, created_by=qa)
    SpecificationFactory(bank=bank, version=4, created_by=director)

    item = today_more.specifications(director)
    assert item is not None
    assert item.count == 1
    assert today_more.specifications(qa) is None


# --- the pages -----------------------------------------------------------------------------------------


def test_the_day_is_a_table_and_home_shows_its_beginning(signed_in: Any) -> None:
    _every_kind()
    person = UserFactory(roles=STAFF_ROLES)
    items = work.items_for(person)
    assert len(items) > 6

    day = signed_in(person).get("/today/")
    assert [item.url for item in day.context["items"]] == [item.url for item in items]
    home = signed_in(person).get("/")
    assert len(home.context["items"]) == 6
    assert home.context["more"] == len(items) - 6
    assert 'href="/today/"' in home.content.decode()


def test_a_hospital_is_told_nothing_of_the_bank(coordinator: User, signed_in: Any) -> None:
    _every_kind()

    page = signed_in(coordinator).get("/today/")
    assert page.context["items"] == []
    assert 'href="/today/"' not in page.content.decode()
    assert signed_in(coordinator).get("/api/v1/tasks/").json() == []


def test_programs_read_the_same(lab: User, signed_in: Any) -> None:
    UnitFactory(status="PLANNED", status_changed_at=ago(days=100))

    [task] = signed_in(lab).get("/api/v1/tasks/").json()
    assert (task["count"], task["overdue"], task["url"]) == (1, True, "/units/?task=kits")
    assert set(task) == {"title", "detail", "kind", "count", "since", "due_at", "overdue", "url"}


@pytest.mark.parametrize("many", [1, 20])
def test_the_day_has_a_fixed_number_of_queries(
    signed_in: Any, many: int, django_assert_max_num_queries: Any
) -> None:
    SpecificationFactory(bank=BankFactory(), approved=True, criteria=[TNC, CULTURE])
    for _ in range(many):
        _every_kind()
    person = UserFactory(roles=STAFF_ROLES)
    client = signed_in(person)
    client.get("/today/")
    with django_assert_max_num_queries(65):
        client.get("/today/")
