"""Two people at one form: one of them is told, nothing is overwritten, no deadlock."""

from __future__ import annotations

from functools import partial

import pytest

from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry
from core.roles import Role
from hospitals.models import Patient
from hospitals.services import patient_deactivate
from tests.factories.outcomes import alive, day, dead, editor_of, handed_in, outcome_of, transplanted
from tests.parallel import all_at_once
from transplants.models import BloodCount, FollowUp
from transplants.outcomes.engraftment import Count
from transplants.services_counts import Given, counts_save
from transplants.services_follow_up import follow_up_correct, follow_up_hand_in, follow_up_save, stamp
from transplants.services_outcomes import current_version
from transplants.services_reminders import hospital_remind

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 6


def test_two_people_hand_in_the_same_form() -> None:
    for _ in range(ROUNDS):
        row = transplanted(300)
        people = [editor_of(row), editor_of(row, Role.HOSPITAL_PHYSICIAN)]
        version = current_version()

        found = all_at_once(
            [
                partial(
                    follow_up_hand_in,
                    transplant_id=row.pk,
                    visit="m6",
                    answers=alive(row, "m6", 170 + place),
                    seen="",
                    user=user,
                )
                for place, user in enumerate(people)
            ]
        )

        assert [one.code for one in found if isinstance(one, Conflict)] == ["follow_up_handed_in"]
        [form] = FollowUp.objects.filter(transplant=row)
        assert (form.version, form.state) == (1, "final")
        assert AuditEntry.objects.filter(action="follow_up.hand_in", target_key=str(form.pk)).count() == 1
        assert current_version() == version + 1
        assert form.contact_on is not None
        assert outcome_of(row).days_followed == (form.contact_on - row.infused_on).days


def test_two_people_keep_a_draft_of_the_same_form() -> None:
    for _ in range(ROUNDS):
        row = transplanted(300)
        people = [editor_of(row), editor_of(row)]

        found = all_at_once(
            [
                partial(
                    follow_up_save,
                    transplant_id=row.pk,
                    visit="m6",
                    answers={"note": user.email},
                    seen="",
                    user=user,
                )
                for user in people
            ]
        )

        assert [one.code for one in found if isinstance(one, Conflict)] == ["follow_up_stale"]
        assert FollowUp.objects.filter(transplant=row).count() == 1


def test_two_corrections_of_one_form_leave_one_in_force() -> None:
    for _ in range(ROUNDS):
        row = transplanted(300)
        form = handed_in(row, "m6")
        people = [editor_of(row), editor_of(row)]

        found = all_at_once(
            [
                partial(
                    follow_up_correct,
                    follow_up_id=form.pk,
                    answers=alive(row, "m6", 180 + place),
                    reason="r",
                    seen=stamp(form),
                    user=user,
                )
                for place, user in enumerate(people)
            ]
        )

        assert [one.code for one in found if isinstance(one, Conflict)] == ["follow_up_replaced"]
        assert sorted(FollowUp.objects.filter(transplant=row).values_list("state", "version")) == [
            ("corrected", 1),
            ("final", 2),
        ]


def test_a_death_by_form_and_by_record_with_counts_at_once_end_without_deadlock() -> None:
    for _ in range(ROUNDS):
        row = transplanted(300)
        user = editor_of(row)
        count = Given(1, Count(day(row, 20), None, None, transfused=True))

        found = all_at_once(
            [
                partial(
                    follow_up_hand_in,
                    transplant_id=row.pk,
                    visit="m6",
                    answers=dead(row, 160),
                    seen="",
                    user=user,
                ),
                partial(
                    patient_deactivate,
                    patient_id=row.patient_id,
                    reason="died",
                    on=day(row, 160),
                    by=Actor.user(user),
                ),
                partial(counts_save, transplant_id=row.pk, given=[count], user=user),
            ]
        )

        assert [one.code for one in found if isinstance(one, Exception)] in ([], ["patient_inactive"])
        assert Patient.objects.get(pk=row.patient_id).ended_on == day(row, 160)
        assert BloodCount.objects.filter(transplant=row).count() == 1
        found_outcome = outcome_of(row)
        assert (found_outcome.is_dead, found_outcome.days_followed) == (True, 160)


def test_two_sweeps_remind_once() -> None:
    row = transplanted(300)
    editor_of(row)

    found = all_at_once([partial(hospital_remind, hospital_id=row.hospital_id) for _ in range(3)])

    assert sorted(found) == [0, 0, 1]
