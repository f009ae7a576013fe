"""Thaw and infusion: what is written, what makes a transplant, what is refused, what is asked again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bank.models import CordBloodUnit
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.grafts import (
    TransplantFactory,
    delivered,
    hours_ago,
    infused,
    order_in,
    report_of,
    status_of,
)
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import typed_patient
from tests.factories.reservations import in_days
from transplants import incidents, services_grafts
from transplants.choices_orders import OrderState
from transplants.graft_reports import Count
from transplants.models import Incident, Infusion, Order, Reservation, Transplant
from transplants.services_grafts import infusion_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(patient: Patient) -> Order:
    return delivered(patient=patient)


def give(order: Order, user: User, **given: Any) -> Infusion:
    return infusion_report(order_id=order.pk, report=report_of(order, **given), user=user)


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("created_at").values_list("code", flat=True))


def untouched(order: Order) -> bool:
    order.refresh_from_db()
    nothing = not (Infusion.objects.exists() or Transplant.objects.exists() or Incident.objects.exists())
    return nothing and order.state == "delivered" and status_of(order.unit) == "DELIVERED"


# --- what is written


def test_a_reported_infusion_is_a_transplant_and_ends_order_and_promise(
    order: Order, he_lan: User, shen_jia: User
) -> None:
    colleague = member_of(order.hospital, Role.HOSPITAL_PHYSICIAN)

    row = give(order, he_lan)

    order.refresh_from_db()
    made = row.transplant
    assert (order.state, status_of(order.unit), order.ended_by) == ("infused", "INFUSED", "He Lan")
    promise = Reservation.objects.get(pk=order.reservation_id)
    assert (promise.state, promise.end_cause) == ("ended", "infused")
    assert (made.number[:3], made.sequence, made.graft_type) == ("TX-", 1, "single")
    assert made.infused_on == timezone.localdate(row.began_at)
    assert (made.diagnosis, made.stage, made.weight_kg) == ("mld", "presymptomatic", Decimal("12.40"))
    assert (made.conditioning, made.conditioning_on) == (order.conditioning, order.conditioning_on)
    assert (told(he_lan), told(colleague), told(shen_jia)) == ([], ["graft.infused"], ["graft.infused"])
    actions = AuditEntry.objects.filter(
        action__in=["infusion.report", "transplant.create", "order.infuse", "unit.infuse"]
    )
    assert actions.count() == 4
    assert AuditEntry.objects.get(action="unit.infuse").reason == order.number  # and no patient


def test_the_dose_is_what_was_frozen_by_the_weight_of_the_day(order: Order, he_lan: User) -> None:
    row = give(order, he_lan, weight_kg=Decimal("13.00"))

    assert row.tnc_e7_per_kg == pytest.approx(130.0 / 13)
    assert row.cd34_e5_per_kg == pytest.approx(4.0 * 10 / 13)


def test_a_unit_without_counts_has_no_dose(patient: Patient, he_lan: User) -> None:
    order = delivered(patient=patient, unit__tnc_e7=None, unit__cd34_e6=None)

    row = give(order, he_lan)

    assert (row.tnc_e7_per_kg, row.cd34_e5_per_kg) == (None, None)


def test_counts_are_kept_in_the_unit_of_their_analyte(order: Order, he_lan: User) -> None:
    counts = (
        Count("arrival", "tnc", 110, "counter"),
        Count("arrival", "viability", 82, "counter"),
        Count("infusion", "cd34", 3.1),
    )

    row = give(order, he_lan, counts=counts)

    kept = row.measurements.values_list("point", "analyte", "value", "unit", "method")
    assert set(kept) == {
        ("arrival", "tnc", 110, "e7", "counter"),
        ("arrival", "viability", 82, "percent", "counter"),
        ("infusion", "cd34", 3.1, "e6", ""),
    }


def test_the_match_is_copied_from_the_newest_list_of_the_request(he_lan: User, patient: Patient) -> None:
    asked = typed_patient(hospital=patient.hospital)
    unit = UnitFactory(status="DELIVERED")
    run = stored_run([unit], request__patient=asked)
    order = order_in("delivered", patient=asked, unit=unit, request=run.request)

    row = give(order, he_lan)

    result = run.results.get()
    assert row.match["run"] == str(run.pk)
    assert row.match["classes"] == {name: list(span) for name, span in result.classes.items()}
    assert row.match["classes"]
    assert (row.match["direction"], row.match["release"]) == (result.direction, "built-in")


def test_without_a_request_there_is_no_match(order: Order, he_lan: User) -> None:
    assert give(order, he_lan).match == {}


@pytest.mark.parametrize("written", ["unit_no", "din", "scanned"])
def test_the_bag_is_known_by_each_of_its_codes(patient: Patient, he_lan: User, written: str) -> None:
    order = delivered(patient=patient, unit__din="G123498654321")
    text = {"unit_no": order.unit.unit_no.lower(), "din": "G1234 98 654321 H", "scanned": "=G12349865432177"}

    assert give(order, he_lan, scanned=text[written]).unit_id == order.unit_id


# --- reactions, and units that must not be used


@pytest.mark.parametrize(
    ("grade", "seriousness"),
    [
        ("none", None),
        ("mild", None),
        ("moderate", "not_serious"),
        ("severe", "hospital"),
        ("life_threatening", "life_threatening"),
    ],
)
def test_a_reaction_is_an_incident_from_moderate_on(
    grade: str, seriousness: str | None, order: Order, he_lan: User, shen_jia: User
) -> None:
    qa = UserFactory(roles=[Role.QA])

    give(order, he_lan, reaction=grade, reaction_note="" if grade == "none" else "rigors")

    found = Incident.objects.first()
    assert (found.seriousness if found else None) == seriousness
    if found is not None:
        assert (found.kind, found.what, found.order_id) == ("reaction", "rigors", order.pk)
        assert found.units.get().unit_id == order.unit_id
        assert (found.hospital_id, found.patient_id) == (order.hospital_id, order.patient_id)
        assert sorted(told(shen_jia)) == ["graft.infused", "graft.reaction"]
        assert sorted(told(qa)) == ["graft.infused", "incident.opened"]


@pytest.mark.parametrize("flag", ["recalled", "consent_withdrawn", "typing_conflict"])
def test_a_blocked_unit_is_reported_only_by_an_explicit_word_and_opens_an_incident(
    flag: str, order: Order, he_lan: User
) -> None:
    CordBloodUnit.objects.filter(pk=order.unit_id).update(**{flag: True})

    with pytest.raises(Conflict) as refused:
        give(order, he_lan)
    assert (refused.value.code, refused.value.field) == ("unit_blocked", "acknowledged")
    assert untouched(order)

    give(order, he_lan, acknowledged=True)
    assert status_of(order.unit) == "INFUSED"
    assert Incident.objects.get().kind == "event"


def test_a_recalled_unit_with_a_reaction_opens_both(order: Order, he_lan: User) -> None:
    CordBloodUnit.objects.filter(pk=order.unit_id).update(recalled=True)

    give(order, he_lan, acknowledged=True, reaction="severe", reaction_note="shock")

    assert sorted(Incident.objects.values_list("kind", flat=True)) == ["event", "reaction"]


def test_nothing_is_half_written_where_the_incident_cannot_be_opened(
    order: Order, he_lan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no incident")

    monkeypatch.setattr(incidents, "opened", fails)

    with pytest.raises(RuntimeError):
        give(order, he_lan, reaction="severe", reaction_note="shock")

    assert untouched(order)
    assert not AuditEntry.objects.filter(action__startswith="unit.").exists()
    assert Reservation.objects.get(pk=order.reservation_id).is_active


# --- transplants


def test_two_units_of_one_day_are_one_transplant(patient: Patient, he_lan: User) -> None:
    first, second = (delivered(patient=patient) for _ in range(2))

    one = give(first, he_lan, graft_type="double")
    other = give(second, he_lan, graft_type="double")

    assert one.transplant_id == other.transplant_id
    assert Transplant.objects.get().infusions.count() == 2


def test_a_second_unit_is_no_graft_of_one_unit(patient: Patient, he_lan: User) -> None:
    first, second = (delivered(patient=patient) for _ in range(2))
    give(first, he_lan)

    with pytest.raises(InvalidInput) as refused:
        give(second, he_lan)
    assert (refused.value.code, refused.value.field) == ("graft_not_single", "graft_type")
    give(second, he_lan, graft_type="double")

    assert Transplant.objects.get().graft_type == "double"


def test_a_unit_of_a_later_day_joins_where_its_hospital_says_so(patient: Patient, he_lan: User) -> None:
    begun = TransplantFactory(patient=patient, infused_on=in_days(-3))
    order = delivered(patient=patient)

    row = give(order, he_lan, graft_type="double", join=begun.pk)

    assert (row.transplant_id, Transplant.objects.get().infused_on) == (begun.pk, in_days(-3))


def test_day_0_is_that_of_the_first_infusion_though_it_is_reported_second(
    patient: Patient, he_lan: User
) -> None:
    order = order_in("delivered", patient=patient)
    begun = TransplantFactory(patient=patient, infused_on=in_days(0))
    times = {"thawed_at": hours_ago(50), "began_at": hours_ago(49), "ended_at": hours_ago(48.5)}

    row = give(order, he_lan, graft_type="double", join=begun.pk, **times)

    begun.refresh_from_db()
    assert begun.infused_on == timezone.localdate(row.began_at) < in_days(0)


def test_days_apart_are_transplants_of_their_own(patient: Patient, he_lan: User) -> None:
    begun = TransplantFactory(patient=patient, infused_on=in_days(-9))
    order = delivered(patient=patient)

    with pytest.raises(Conflict) as refused:
        give(order, he_lan, graft_type="double", join=begun.pk)
    assert (refused.value.code, refused.value.field) == ("transplant_far", "join")
    row = give(order, he_lan)

    assert (row.transplant_id == begun.pk, row.transplant.sequence) == (False, 2)


def test_no_unit_joins_over_another_transplant(patient: Patient, he_lan: User) -> None:
    begun = TransplantFactory(patient=patient, infused_on=in_days(-6))
    TransplantFactory(patient=patient, infused_on=in_days(-3), sequence=2)

    with pytest.raises(Conflict):
        give(delivered(patient=patient), he_lan, graft_type="double", join=begun.pk)


def test_an_earlier_transplant_reported_late_moves_the_later_ones_up(patient: Patient, he_lan: User) -> None:
    later = [
        TransplantFactory(patient=patient, infused_on=in_days(0), sequence=2),
        TransplantFactory(patient=patient, infused_on=in_days(-30), sequence=1),
    ]
    order = order_in("delivered", patient=patient, infusion_on=in_days(-50))
    times = {
        "thawed_at": hours_ago(24 * 50),
        "began_at": hours_ago(24 * 50 - 1),
        "ended_at": hours_ago(24 * 50 - 2),
    }

    row = give(order, he_lan, **times)

    assert row.transplant.sequence == 1
    assert [Transplant.objects.get(pk=one.pk).sequence for one in later] == [3, 2]


def test_the_transplant_of_another_patient_is_not_joined(order: Order, he_lan: User) -> None:
    other = TransplantFactory(infused_on=in_days(-1))

    with pytest.raises(InvalidInput) as refused:
        give(order, he_lan, graft_type="double", join=other.pk)
    assert refused.value.code == "transplant_unknown"
    assert Transplant.objects.count() == 1


def test_one_transplant_of_a_patient_and_day_by_the_database(patient: Patient) -> None:
    TransplantFactory(patient=patient)

    with pytest.raises(IntegrityError), transaction.atomic():
        TransplantFactory(patient=patient, sequence=2)


def test_the_graft_proposed_is_double_where_another_unit_is_ordered_or_was_given(patient: Patient) -> None:
    order = delivered(patient=patient)
    assert services_grafts.graft_proposed(order) == "single"

    other = order_in("approved", patient=patient)
    assert services_grafts.graft_proposed(order) == "double"

    Order.objects.filter(pk=other.pk).update(state="withdrawn", ended_at=timezone.now(), ended_by="T")
    assert services_grafts.graft_proposed(order) == "single"
    infused(transplant=TransplantFactory(patient=patient, infused_on=in_days(-2)))
    assert services_grafts.graft_proposed(order) == "double"


# --- who, and when

STATES = [state for state in OrderState if state != OrderState.DELIVERED]


@pytest.mark.parametrize("state", STATES)
def test_only_a_delivered_unit_is_infused(state: OrderState, patient: Patient, he_lan: User) -> None:
    order = order_in(state, patient=patient)
    before = status_of(order.unit)

    with pytest.raises(Conflict) as refused:
        give(order, he_lan)

    assert (refused.value.code, status_of(order.unit)) == ("order_state", before)
    assert not Infusion.objects.exists()


@pytest.mark.parametrize("role", list(Role))
def test_the_hospital_of_the_order_reports_and_nobody_else(role: Role, order: Order) -> None:
    inside = member_of(order.hospital, role)
    outside = member_of(PatientFactory().hospital, role)
    may = role in (Role.HOSPITAL_COORDINATOR, Role.HOSPITAL_PHYSICIAN)

    for user, allowed in ((outside, False), (inside, may)):
        if allowed:
            assert give(order, user).reported_by == user
            continue
        with pytest.raises(NotAllowed):
            give(order, user)
        assert untouched(order)


def test_the_same_form_sent_twice_reports_once(order: Order, he_lan: User) -> None:
    key = uuid4()

    first, again = (give(order, he_lan, infusion_id=key) for _ in range(2))

    assert (first.pk, again.pk, Infusion.objects.count()) == (key, key, 1)


def test_another_form_is_told_where_the_order_stands(order: Order, he_lan: User) -> None:
    give(order, he_lan, infusion_id=uuid4())

    with pytest.raises(Conflict, match="“Infused” now"):
        give(order, he_lan, infusion_id=uuid4())


def test_an_inactive_patient_still_has_his_infusion_reported(patient: Patient, he_lan: User) -> None:
    order = delivered(patient=patient)
    Patient.objects.filter(pk=patient.pk).update(
        state="inactive", inactive_reason="died", deactivated_at=timezone.now()
    )

    assert give(order, he_lan).transplant.patient_id == patient.pk


# --- the next step


def test_the_patient_is_made_inactive_in_one_step(order: Order, he_lan: User) -> None:
    row = give(order, he_lan).transplant

    services_grafts.transplant_deactivate(transplant_id=row.pk, user=he_lan)

    patient = Patient.objects.get(pk=order.patient_id)
    assert (patient.inactive_reason, patient.ended_on) == ("transplanted", row.infused_on)
    assert AuditEntry.objects.get(action="patient.deactivated").reason == row.number
    with pytest.raises(Conflict):
        services_grafts.transplant_deactivate(transplant_id=row.pk, user=he_lan)


@pytest.mark.parametrize("role", [Role.HOSPITAL_PHYSICIAN, Role.SEARCH_COORDINATOR, Role.QA])
def test_who_may_not_edit_patients_makes_none_inactive(role: Role, patient: Patient) -> None:
    row = TransplantFactory(patient=patient)

    with pytest.raises(NotAllowed):
        services_grafts.transplant_deactivate(transplant_id=row.pk, user=member_of(patient.hospital, role))
    assert Patient.objects.get(pk=patient.pk).is_active


def test_a_backup_stays_kept_until_the_patient_is_inactive(patient: Patient, he_lan: User) -> None:
    order = delivered(patient=patient)
    backup = order_in("approved", patient=patient)

    give(order, he_lan, graft_type="double")

    backup.refresh_from_db()
    assert (backup.state, status_of(backup.unit)) == ("approved", "ORDERED")
    assert Reservation.objects.get(pk=backup.reservation_id).is_active
