"""Two hands at one delivered unit, and at two units of one patient: one outcome, one transplant."""

from __future__ import annotations

from functools import partial

import pytest

from core.errors import Conflict, DomainError
from core.models import AuditEntry, Notification
from core.roles import Role
from tests.factories.core import PASSWORD
from tests.factories.grafts import decider, delivered, not_used, report_of, status_of
from tests.factories.hospitals import PatientFactory, member_of
from tests.parallel import all_at_once
from transplants import services_returns as returns
from transplants.models import Incident, Infusion, Reservation, Transplant, UnitReturn
from transplants.services_grafts import infusion_report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 8


def test_two_reports_of_one_unit_are_one_infusion() -> None:
    for _ in range(ROUNDS):
        order = delivered()
        people = [member_of(order.hospital) for _ in range(2)]

        found = all_at_once(
            [partial(infusion_report, order_id=order.pk, report=report_of(order), user=one) for one in people]
        )

        assert [one.code for one in found if isinstance(one, Conflict)] == ["order_state"]
        assert Infusion.objects.filter(order=order).count() == 1
        assert Transplant.objects.filter(patient=order.patient_id).count() == 1
        assert AuditEntry.objects.filter(action="unit.infuse", target_key=str(order.unit_id)).count() == 1


def test_infused_and_not_used_at_once_are_one_of_both() -> None:
    for _ in range(ROUNDS):
        order = delivered()
        user = member_of(order.hospital)

        found = all_at_once(
            [
                partial(infusion_report, order_id=order.pk, report=report_of(order), user=user),
                partial(
                    returns.graft_not_used,
                    order_id=order.pk,
                    user=user,
                    cause="patient",
                    note="fever",
                    thawed=False,
                ),
            ]
        )

        assert [one.code for one in found if isinstance(one, Conflict)] == ["order_state"]
        given = Infusion.objects.filter(order=order).exists()
        back = UnitReturn.objects.filter(order=order).exists()
        assert (given, back) in ((True, False), (False, True))
        assert status_of(order.unit) == ("INFUSED" if given else "NOT_USED")
        cause = Reservation.objects.get(pk=order.reservation_id).end_cause
        assert cause == ("infused" if given else "returned")


def test_two_units_of_one_patient_at_once_are_one_transplant() -> None:
    for _ in range(ROUNDS):
        patient = PatientFactory()
        orders = [delivered(patient=patient) for _ in range(2)]
        people = [member_of(patient.hospital) for _ in orders]

        found = all_at_once(
            [
                partial(
                    infusion_report,
                    order_id=order.pk,
                    report=report_of(order, graft_type="double"),
                    user=user,
                )
                for order, user in zip(orders, people, strict=True)
            ]
        )

        assert not [one for one in found if isinstance(one, DomainError)]
        made = Transplant.objects.get(patient=patient)
        assert (made.infusions.count(), made.sequence) == (2, 1)


def test_serious_reactions_in_many_hospitals_at_once_are_all_told() -> None:
    """Each tells two groups of people, of the incident and of the infusion: locked once, in one order."""
    both = [decider(Role.QA), decider(Role.SEARCH_COORDINATOR), decider(Role.MEDICAL_DIRECTOR)]
    orders = [delivered() for _ in range(8)]
    works = [
        partial(
            infusion_report,
            order_id=order.pk,
            report=report_of(order, reaction="severe", reaction_note="shock"),
            user=member_of(order.hospital),
        )
        for order in orders
    ]

    found = all_at_once(works)

    assert [type(one).__name__ for one in found] == ["Infusion"] * len(orders)
    assert Incident.objects.count() == len(orders)
    for user in both:
        assert Notification.objects.filter(user=user, code="graft.infused").count() == len(orders)


def test_two_second_signatures_are_one_and_a_withdrawal_beats_it_or_is_beaten() -> None:
    for _ in range(ROUNDS):
        row = not_used(back=True)
        first = decider(Role.QA)
        returns.return_propose(
            order_id=row.pk, user=first, password=PASSWORD, decision="discarded", reason="warm"
        )
        row.refresh_from_db()
        sign = [
            partial(
                returns.return_second,
                order_id=row.pk,
                user=decider(Role.MEDICAL_DIRECTOR),
                password=PASSWORD,
                seen=returns.digest_of(row),
            )
            for _ in range(2)
        ]

        found = all_at_once(
            [*sign, partial(returns.return_withdraw, order_id=row.pk, user=first, reason="wait")]
        )

        row.refresh_from_db()
        refused = [one.code for one in found if isinstance(one, Conflict)]
        if row.seconded_at:
            assert (refused, status_of(row.unit)) == (["decided_already"] * 2, "DISCARDED")
        else:
            assert (refused, status_of(row.unit)) == (["not_proposed"] * 2, "RETURNED_QA")
