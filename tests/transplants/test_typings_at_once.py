"""Many hands at one confirmatory typing: each step is made once, and two that exclude one another have one outcome."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from bank.choices_stocks import SamplePurpose
from bank.models import HlaTyping, SampleUse, UnitSample
from bank.services_samples import Use, sample_use
from core.audit import Actor
from core.errors import Conflict
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.typings import OTHER_A, ConfirmatoryTypingFactory, given, promised, shown
from tests.parallel import all_at_once, at_once
from transplants import services as reservations
from transplants import services_typings as services
from transplants.models import Charge, ConfirmatoryTyping, Incident

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 6  # of two services against one another


def people(role: Role, count: int) -> list[User]:
    return [UserFactory(roles=[role]) for _ in range(count)]


def codes(found: list[object]) -> list[str]:
    assert not [one for one in found if isinstance(one, Exception) and not isinstance(one, Conflict)]
    return sorted(one.code for one in found if isinstance(one, Conflict))


def test_fifty_hands_at_the_last_segment_take_one() -> None:
    row = ConfirmatoryTypingFactory(reservation=promised(segments=1))
    works = [partial(services.typing_sample, typing_id=row.pk, user=user) for user in people(Role.LAB, 50)]

    found = all_at_once(works)

    assert codes(found) == ["typing_state"] * 49
    assert (UnitSample.objects.get().remaining, SampleUse.objects.count()) == (0, 1)


def test_the_last_segment_goes_to_the_typing_or_to_somebody_else() -> None:
    lab = UserFactory(roles=[Role.LAB])
    for _ in range(ROUNDS):
        row = ConfirmatoryTypingFactory(reservation=promised(segments=1))
        use = Use(purpose=SamplePurpose.POTENCY)
        other = partial(
            sample_use, unit_id=row.unit_id, which=services.SEGMENT, use=use, actor=Actor.user(lab)
        )

        found = all_at_once([partial(services.typing_sample, typing_id=row.pk, user=lab), other])

        row.refresh_from_db()
        assert codes(found) == ["sample_none_left"]
        assert row.state == ("asked" if isinstance(found[0], Conflict) else "sampled")
        assert SampleUse.objects.filter(sample__unit=row.unit_id).count() == 1


def test_ten_wishes_of_one_unit_are_one_typing() -> None:
    row, user = promised(), UserFactory(roles=[Role.SEARCH_COORDINATOR])
    apart = [partial(services.typing_ask, reservation_id=row.pk, user=user) for _ in range(10)]

    assert codes(all_at_once(apart)) == ["typing_open"] * 9
    assert ConfirmatoryTyping.objects.count() == 1


def test_ten_clicks_on_one_form_are_one_typing_and_no_refusal() -> None:
    row, user, key = promised(), UserFactory(roles=[Role.SEARCH_COORDINATOR]), uuid4()

    found = at_once(partial(services.typing_ask, reservation_id=row.pk, user=user, typing_id=key), 10)

    assert {one.pk for one in found} == {key}


@pytest.mark.parametrize("gl", [OTHER_A, None])
def test_twenty_verifications_are_one(gl: str | None) -> None:
    row = ConfirmatoryTypingFactory(reported_now=True, **({"gl": gl} if gl else {}))
    seen = shown(row)
    works = [
        partial(services.typing_verify, typing_id=row.pk, user=user, shown=seen)
        for user in people(Role.QA, 20)
    ]

    found = all_at_once(works)

    assert codes(found) == ["typing_state"] * 19
    assert HlaTyping.objects.filter(unit=row.unit_id, source="confirmatory").count() == 1
    assert Incident.objects.count() == (1 if gl else 0)
    assert Charge.objects.count() == 0  # nobody set a price
    assert AuditEntry.objects.filter(action="typing.verify").count() == 1


def test_a_result_meets_a_cancellation() -> None:
    lab = UserFactory(roles=[Role.LAB])
    for _ in range(ROUNDS):
        row = ConfirmatoryTypingFactory(sampled=True)
        report = partial(services.typing_report, typing_id=row.pk, given=given(), method="ngs", user=lab)
        cancel = partial(services.typing_cancel, typing_id=row.pk, user=lab, reason="r")

        found = all_at_once([report, cancel])

        row.refresh_from_db()
        assert codes(found) == ["typing_state"]
        assert row.state == ("cancelled" if isinstance(found[0], Conflict) else "reported")


def test_a_verification_meets_a_result_that_is_taken_back() -> None:
    lab, qa = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.QA])
    for _ in range(ROUNDS):
        row = ConfirmatoryTypingFactory(reported_now=True)
        seen = shown(row)
        verify = partial(services.typing_verify, typing_id=row.pk, user=qa, shown=seen)
        back = partial(services.typing_take_back, typing_id=row.pk, user=lab, reason="r", shown=seen)

        found = all_at_once([verify, back])

        row.refresh_from_db()
        assert codes(found) == ["typing_state"]
        assert row.state == ("sampled" if isinstance(found[0], Conflict) else "confirmed")
        assert (row.result_id is not None) == (row.state == "confirmed")


def test_a_segment_meets_the_end_of_the_reservation() -> None:
    """Either nothing is cut, or what is cut is typed to the end; never a segment for a typing that has ended."""
    lab, user = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.SEARCH_COORDINATOR])
    for _ in range(ROUNDS):
        row = ConfirmatoryTypingFactory()
        cut = partial(services.typing_sample, typing_id=row.pk, user=lab)
        end = partial(
            reservations.reservation_cancel, reservation_id=row.reservation_id, user=user, reason="r"
        )

        found = all_at_once([cut, end])

        row.refresh_from_db()
        uses = SampleUse.objects.filter(sample__unit=row.unit_id).count()
        assert (row.state, uses) == (("cancelled", 0) if isinstance(found[0], Conflict) else ("sampled", 1))
        assert not isinstance(found[1], Exception)
