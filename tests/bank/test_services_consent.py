"""Consent recorded, withdrawn and corrected: every state, every purpose, who may not, and fifty at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bank import consents, services, services_labels, services_screening
from bank.choices import HAPPENED, STEPS_BACK, TRANSITIONS, MarkerResultValue, MarkerTest, UnitStatus
from bank.choices_consent import ConsentPurpose
from bank.labels.formats import LabelKind
from bank.models import ConsentGiven, ConsentWithdrawal, CordBloodUnit, Donation, Erasure, MotherContact
from bank.services_consent import Answers, Withdrawal, consent_record, consent_withdraw, withdrawal_correct
from bank.services_contact import contact_update, contact_view
from bank.services_screening import Drawn, MarkerGiven
from bank.services_typing import unit_typing_record
from core import kinds
from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry, Notification, User
from core.roles import Role
from core.typings import TypingInput
from tests.factories.bank import DonationFactory, UnitFactory
from tests.factories.consent import ALL, CONSENTED, SYSTEM, YES, consent_form, consented_unit, record
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.reservations import ReservationFactory
from tests.parallel import at_once
from transplants.models import Reservation

pytestmark = pytest.mark.django_db
S = UnitStatus
DAY = dt.date(2024, 3, 1)


def withdraw(
    unit: CordBloodUnit, purpose: str = "donation", actor: Actor = SYSTEM, **more: Any
) -> ConsentWithdrawal:
    given = {"withdrawn_on": DAY, "reported_by": "mother", "reason": "she telephoned", **more}
    return consent_withdraw(unit_id=unit.pk, given=Withdrawal(purpose=purpose, **given), actor=actor)


def correct(row: ConsentWithdrawal, user: User, **more: Any) -> ConsentWithdrawal:
    given = {"password": PASSWORD, "reason": "another mother's letter", **more}
    return withdrawal_correct(withdrawal_id=row.pk, user=user, **given)


def in_state(status: str, **more: Any) -> CordBloodUnit:
    extra = {
        "ON_HOLD": {"status_before_hold": "LISTED", "hold_reason": "tank"},
        "DISCARDED": {"discard_reason": "clots"},
    }
    return consented_unit(status=status, **{**extra.get(status, {}), **more})


# --- recording --------------------------------------------------------------------------------------


def test_answers_stand_with_their_version_and_the_earlier_stay() -> None:
    unit = consented_unit(YES)
    lab = UserFactory(roles=[Role.LAB])
    given = Answers(given_on=DAY, answers={"research": True}, medium="electronic", witness="S-7")

    (row,) = consent_record(unit_id=unit.pk, given=given, actor=Actor.user(lab))

    assert (row.item.form, row.given, row.given_on) == (consent_form(), True, DAY)
    assert (row.medium, row.witness, row.recorded_by) == ("electronic", "S-7", lab)
    unit.donation.refresh_from_db()
    assert unit.donation.consented_on == CONSENTED
    assert AuditEntry.objects.filter(action="unit.consent_record", target_key=str(unit.pk)).count() == 2


def test_an_imported_unit_gets_a_donation_under_a_code() -> None:
    consent_form()
    unit = UnitFactory()

    record(unit, YES)

    unit.refresh_from_db()
    assert unit.donation.mother_code.startswith("M-")
    assert unit.donation.consented_on == CONSENTED


@pytest.mark.parametrize(
    ("before", "answers", "code"),
    [
        (YES, {}, "answers_missing"),
        (YES, {"donation": True}, "consent_recorded"),
        (YES, {"donation": False}, "withdraw_instead"),
        (ALL, {"research": False}, "withdraw_instead"),
        ({**YES, "research": False}, {"research": False}, "consent_recorded"),
    ],
)
def test_answers_that_say_nothing_new_or_take_a_yes_away(
    before: dict[str, bool], answers: dict[str, bool], code: str
) -> None:
    unit = consented_unit(before)

    with pytest.raises(DomainError) as caught:
        record(unit, answers, DAY)

    assert caught.value.code == code
    assert ConsentGiven.objects.filter(superseded=True).count() == 0


def test_answers_need_a_form_in_force_a_past_day_and_an_own_unit() -> None:
    unit = UnitFactory(donation=DonationFactory())
    with pytest.raises(Conflict) as caught:
        record(unit, YES)
    assert caught.value.code == "consent_form_missing"
    consent_form()
    with pytest.raises(InvalidInput):
        record(unit, YES, timezone.localdate() + dt.timedelta(days=1))
    with pytest.raises(Conflict) as caught:
        record(UnitFactory(source="partner"), YES)
    assert caught.value.code == "not_own"


def test_an_older_paper_undoes_no_withdrawal() -> None:
    unit = consented_unit(ALL)
    withdraw(unit, "abroad")
    late = DAY + dt.timedelta(days=2)

    for day in (CONSENTED, DAY):
        with pytest.raises(Conflict) as caught:
            record(unit, {"abroad": True}, day)
        assert caught.value.code == "answer_before_withdrawal"
    record(unit, {"abroad": False}, CONSENTED)  # a no in between hides the withdrawal from no later yes
    with pytest.raises(Conflict) as caught:
        record(unit, {"abroad": True}, DAY)
    assert caught.value.code == "answer_before_withdrawal"
    assert not consents.permits(unit, ConsentPurpose.ABROAD)

    record(unit, {"abroad": True}, late)

    assert consents.permits(unit, ConsentPurpose.ABROAD)


def test_an_older_answer_takes_the_place_of_no_newer_one() -> None:
    unit = consented_unit({**YES, "research": False})

    with pytest.raises(Conflict) as caught:
        record(unit, {"research": True}, CONSENTED - dt.timedelta(days=1))

    assert caught.value.code == "answer_older"
    assert record(unit, {"research": True}, CONSENTED)


# --- withdrawal of the donation ---------------------------------------------------------------------

HELD = {S.QUARANTINE, S.LISTED, S.RESERVED}


def test_what_may_be_held_is_what_the_table_of_states_says() -> None:
    assert {state for state in S if S.ON_HOLD in TRANSITIONS[state]} == HELD


@pytest.mark.parametrize("status", S)
def test_a_withdrawn_donation_blocks_the_unit_in_every_state(status: UnitStatus) -> None:
    unit = in_state(status)

    row = withdraw(unit)

    unit.refresh_from_db()
    assert row.held is (status in HELD)
    assert unit.consent_withdrawn is (status != S.INFUSED)
    assert unit.status == (S.ON_HOLD if status in HELD else status)
    assert unit.status_before_hold == (status if status in HELD else "LISTED" if status == S.ON_HOLD else "")
    entry = AuditEntry.objects.get(action="unit.consent_withdraw")
    assert (entry.after["purpose"], entry.reason) == ("donation", "she telephoned")


@pytest.mark.parametrize("status", sorted(set(S) - {S.INFUSED}))
def test_a_blocked_unit_only_moves_away_from_use(status: str) -> None:
    unit = in_state(status)
    withdraw(unit)
    unit.refresh_from_db()

    for to in TRANSITIONS[UnitStatus(unit.status)]:
        away = to in (S.ON_HOLD, S.DISCARDED, S.VOID) or (unit.status, to) == (S.ON_HOLD, S.QUARANTINE)
        # what has happened outside is recorded, a step back is open
        if away or to in HAPPENED or (unit.status, to) in STEPS_BACK:
            services.guard_move(unit, to)
            continue
        with pytest.raises(Conflict) as caught:
            services.guard_move(unit, to)
        assert caught.value.code == "consent_withdrawn"


def test_nothing_of_it_is_labelled_any_more() -> None:
    unit = in_state("LISTED")
    withdraw(unit)

    with pytest.raises(Conflict) as caught:
        services_labels.labels_printed(unit_ids=[unit.pk], kind=LabelKind.UNIT, count=1, actor=SYSTEM)

    assert caught.value.code == "consent_withdrawn"


def test_it_is_not_typed_again() -> None:
    unit = in_state("QUARANTINE")
    withdraw(unit)

    with pytest.raises(Conflict) as caught:
        unit_typing_record(
            unit_id=unit.pk, given=TypingInput(values={"A": ("A*02:01", "A*11:01")}), actor=SYSTEM
        )

    assert caught.value.code == "consent_withdrawn"


def test_quality_assurance_and_coordinators_are_told() -> None:
    people = {role: UserFactory(roles=[role]) for role in (Role.QA, Role.SEARCH_COORDINATOR, Role.LAB)}

    withdraw(in_state("SHIPPED"))

    told = list(Notification.objects.filter(code="consent.withdrawn").values_list("user", flat=True))
    assert sorted(told) == sorted(people[role].pk for role in (Role.QA, Role.SEARCH_COORDINATOR))


@pytest.mark.parametrize(
    ("status", "purpose", "text"),
    [
        ("LISTED", "donation", "It is on hold."),
        ("SHIPPED", "donation", "stop it by hand, at once"),
        ("PROCESSING", "donation", "cannot be held; it moves no further"),
        ("INFUSED", "donation", "only research and contact stop"),
        ("ON_HOLD", "donation", "on hold already"),
        ("LISTED", "samples", "destroy them"),
        ("LISTED", "research", "Consent withdrawn for"),
    ],
)
def test_what_could_not_be_held_says_so(status: str, purpose: str, text: str) -> None:
    UserFactory(roles=[Role.QA])

    withdraw(in_state(status), purpose)

    row = Notification.objects.get()
    assert text in kinds.text_of(row)
    assert kinds.url_of(row).endswith("/consent/")
    assert "Qidai: consent withdrawn" in kinds.subject_of(row)


@pytest.mark.parametrize("purpose", sorted(set(ConsentPurpose) - {ConsentPurpose.DONATION}))
def test_other_purposes_leave_the_unit_on_offer(purpose: str) -> None:
    unit = in_state("LISTED")

    row = withdraw(unit, purpose)

    unit.refresh_from_db()
    assert (unit.status, unit.consent_withdrawn, row.held) == ("LISTED", False, False)


@pytest.mark.parametrize(
    ("answers", "given", "code"),
    [
        ({**YES, "research": False}, {"purpose": "research"}, "never_given"),
        (ALL, {"withdrawn_on": CONSENTED - dt.timedelta(days=1)}, "withdrawn_before_consent"),
        (ALL, {"withdrawn_on": dt.date(2999, 1, 1)}, "date_future"),
        (ALL, {"reason": " "}, "reason_needed"),
    ],
)
def test_withdrawals_that_cannot_be(answers: dict[str, bool], given: dict[str, Any], code: str) -> None:
    unit = consented_unit(answers)

    with pytest.raises(DomainError) as caught:
        withdraw(unit, **{"purpose": "donation", **given})

    assert caught.value.code == code
    assert not ConsentWithdrawal.objects.exists()


def test_a_mother_of_whom_no_paper_is_kept_may_withdraw_too() -> None:
    unit = UnitFactory()

    row = withdraw(unit, "abroad")
    with pytest.raises(Conflict) as caught:
        withdraw(unit, "abroad")
    withdraw(unit)

    assert row.consent is None
    assert caught.value.code == "withdrawn_already"
    unit.refresh_from_db()
    assert (unit.status, unit.consent_withdrawn) == ("ON_HOLD", True)


def test_a_withdrawn_donation_is_not_given_again() -> None:
    unit = in_state("LISTED")
    withdraw(unit)

    with pytest.raises(Conflict) as caught:
        record(unit, {"donation": True}, DAY)

    assert caught.value.code == "consent_withdrawn"


@pytest.mark.parametrize("purpose", ["testing", "donation"])
def test_her_blood_is_not_tested_after_she_withdrew(purpose: str) -> None:
    unit = in_state("QUARANTINE")
    withdraw(unit, purpose)

    def tested(day: dt.date) -> object:
        results = [MarkerGiven(MarkerTest.HBS_AG, MarkerResultValue.NEGATIVE)]
        return services_screening.markers_record(
            unit_id=unit.pk, subject="mother", drawn=Drawn(day), results=results, actor=SYSTEM
        )

    assert tested(DAY)
    with pytest.raises(Conflict) as caught:
        tested(DAY + dt.timedelta(days=1))
    assert caught.value.code == "testing_withdrawn"


# --- what is erased ---------------------------------------------------------------------------------


def reachable(status: str = "LISTED") -> CordBloodUnit:
    unit = in_state(status)
    contact_update(unit_id=unit.pk, values={"name": "王芳", "phone": "13800000000"}, actor=SYSTEM)
    return unit


@pytest.mark.parametrize(
    ("purpose", "status", "erased"),
    [
        ("contact", "LISTED", True),
        ("donation", "LISTED", True),
        ("donation", "INFUSED", True),
        ("research", "LISTED", False),
    ],
)
def test_contact_data_go_with_the_consent_to_it(purpose: str, status: str, erased: bool) -> None:
    unit = reachable(status)

    row = withdraw(unit, purpose)

    assert MotherContact.objects.exists() is not erased
    log = Erasure.objects.get(withdrawal=row)
    assert log.erased == (["contact"] if erased else [])
    assert {"traceability", "consents", "audit"} <= set(log.kept)
    assert AuditEntry.objects.get(action="unit.consent_withdraw").after["erased"] == log.erased
    assert Donation.objects.filter(pk=unit.donation_id).exists()


def test_contact_data_are_unreadable_in_the_database_and_every_look_is_recorded() -> None:
    unit = reachable()

    with connection.cursor() as cursor:
        cursor.execute("SELECT name || phone || other FROM bank_mothercontact")
        stored = cursor.fetchone()[0]
    shown = contact_view(unit_id=unit.pk, actor=SYSTEM)

    assert "王芳" not in stored
    assert "138" not in stored
    assert shown is not None
    assert (shown.name, shown.phone) == ("王芳", "13800000000")
    assert AuditEntry.objects.filter(action="unit.contact_viewed").count() == 1
    assert AuditEntry.objects.get(action="unit.contact").after == {"fields": ["name", "phone"]}


def test_without_her_consent_nothing_is_kept_of_how_she_is_reached() -> None:
    for unit in (consented_unit(YES), UnitFactory(donation=DonationFactory()), UnitFactory()):
        with pytest.raises(Conflict) as caught:
            contact_update(unit_id=unit.pk, values={"phone": "1"}, actor=SYSTEM)
        assert caught.value.code == "no_contact_consent"
    with pytest.raises(InvalidInput):
        contact_update(unit_id=in_state("LISTED").pk, values={"phone": " "}, actor=SYSTEM)


# --- a mistake --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "after"),
    [
        ("LISTED", "QUARANTINE"),
        ("RESERVED", "QUARANTINE"),
        ("QUARANTINE", "QUARANTINE"),
        ("PROCESSING", "PROCESSING"),
        ("ON_HOLD", "ON_HOLD"),
        ("SHIPPED", "SHIPPED"),
        ("INFUSED", "INFUSED"),
    ],
)
def test_a_mistake_is_corrected_by_way_of_the_quarantine(status: str, after: str, qa: User) -> None:
    unit = in_state(status)
    if status == "RESERVED":
        ReservationFactory(active=True, unit=unit)
    row = withdraw(unit, actor=Actor.user(UserFactory(roles=[Role.LAB])))

    correct(row, qa)

    unit.refresh_from_db()
    row.refresh_from_db()
    assert (unit.status, unit.consent_withdrawn) == (after, False)
    assert unit.status_before_hold == ("QUARANTINE" if status == "ON_HOLD" else "")
    assert (row.corrected_by, row.correction_reason) == (qa, "another mother's letter")
    assert AuditEntry.objects.get(action="unit.consent_correct").actor_id == str(qa.pk)
    assert Notification.objects.filter(user=qa, code="consent.corrected").count() == 1


def test_a_recalled_unit_stays_on_hold_and_then_goes_to_quarantine(qa: User) -> None:
    unit = in_state("LISTED", recalled=True)
    row = withdraw(unit)

    correct(row, qa)

    unit.refresh_from_db()
    assert (unit.status, unit.status_before_hold, unit.consent_withdrawn) == ("ON_HOLD", "QUARANTINE", False)


def test_a_correction_lifts_no_hold_of_somebody_else(qa: User) -> None:
    unit = in_state("LISTED")
    row = withdraw(unit)
    withdraw(unit, "contact")
    services.unit_unhold(unit_id=unit.pk, actor=SYSTEM, reason="to look at it")
    services.unit_hold(unit_id=unit.pk, actor=SYSTEM, reason="the bag leaks")

    correct(row, qa)

    unit.refresh_from_db()
    assert (unit.status, unit.hold_reason, unit.consent_withdrawn) == ("ON_HOLD", "the bag leaks", False)
    assert unit.status_before_hold == "QUARANTINE"


def test_a_held_unit_is_not_listed_by_lifting_the_hold(qa: User) -> None:
    unit = in_state("LISTED")
    withdraw(unit)

    with pytest.raises(Conflict) as caught:
        services.unit_unhold(unit_id=unit.pk, actor=Actor.user(qa), reason="r")

    assert caught.value.code == "consent_withdrawn"


@pytest.mark.parametrize(
    ("who", "more", "code"),
    [
        ("self", {}, "own_work"),
        ("other", {"password": "wrong"}, "wrong_password"),
        ("other", {"reason": ""}, "reason_needed"),
    ],
)
def test_who_recorded_it_or_cannot_sign_corrects_nothing(
    who: str, more: dict[str, Any], code: str, qa: User
) -> None:
    unit = in_state("LISTED")
    recorder = qa if who == "self" else UserFactory(roles=[Role.LAB])
    row = withdraw(unit, actor=Actor.user(recorder))

    with pytest.raises(DomainError) as caught:
        correct(row, qa, **more)

    assert caught.value.code == code
    row.refresh_from_db()
    unit.refresh_from_db()
    assert (row.corrected_at, unit.consent_withdrawn) == (None, True)


def test_the_database_refuses_who_recorded_it_and_deletes_nothing(qa: User) -> None:
    row = withdraw(in_state("LISTED"), actor=Actor.user(qa))
    with pytest.raises(IntegrityError), transaction.atomic():
        ConsentWithdrawal.objects.filter(pk=row.pk).update(
            corrected_by=qa, corrected_at=timezone.now(), correction_reason="r"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t, has_table_privilege('qidai_app', t, 'DELETE') OR has_table_privilege('qidai_app', t, 'UPDATE')"
            " FROM unnest(ARRAY['bank_consentgiven', 'bank_consentwithdrawal', 'bank_erasure', 'bank_interview',"
            " 'bank_answer', 'bank_unitdocument', 'bank_consentdeclaration']) t"
        )
        assert {table: may for table, may in cursor.fetchall() if may} == {}
        cursor.execute(
            "SELECT has_column_privilege('qidai_app', 'bank_consentwithdrawal', 'corrected_at', 'UPDATE')"
        )
        assert cursor.fetchone() == (True,)


def test_a_corrected_withdrawal_is_corrected_once_and_can_be_withdrawn_anew(qa: User) -> None:
    unit = in_state("LISTED")
    row = withdraw(unit)
    correct(row, qa)

    with pytest.raises(Conflict) as caught:
        correct(row, qa)
    again = withdraw(unit)

    assert caught.value.code == "corrected_already"
    assert again.pk != row.pk
    assert ConsentWithdrawal.objects.count() == 2


# --- at the same moment -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_withdraws_the_rest_are_told() -> None:
    unit = in_state("LISTED")

    found = at_once(lambda: withdraw(unit), 50)

    codes = [one.code for one in found if isinstance(one, Conflict)]
    assert codes == ["withdrawn_already"] * 49
    assert ConsentWithdrawal.objects.count() == Erasure.objects.count() == 1
    unit.refresh_from_db()
    assert unit.status == "ON_HOLD"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_corrects_the_rest_are_told() -> None:
    qa = UserFactory(roles=[Role.QA])
    unit = in_state("LISTED")
    row = withdraw(unit)

    found = at_once(lambda: correct(row, qa), 20)

    assert sum(1 for one in found if not isinstance(one, DomainError)) == 1
    assert {one.code for one in found if isinstance(one, DomainError)} == {"corrected_already"}
    assert AuditEntry.objects.filter(action="unit.consent_correct").count() == 1


# --- of a unit that is promised


def test_a_promise_without_a_name_is_not_forgotten_by_a_correction(qa: User, director: User) -> None:
    """The unit came into this system as reserved; released anew it would be on offer to others."""
    unit = in_state("RESERVED")
    row = withdraw(unit, actor=Actor.user(qa))

    with pytest.raises(Conflict) as refused:
        correct(row, director)

    unit.refresh_from_db()
    assert (refused.value.code, unit.status, unit.consent_withdrawn) == ("name_first", "ON_HOLD", True)


def test_a_promised_unit_goes_by_the_quarantine_and_stays_promised(qa: User, director: User) -> None:
    unit = in_state("RESERVED")
    ReservationFactory(active=True, unit=unit)
    row = withdraw(unit, actor=Actor.user(qa))

    correct(row, director)

    unit.refresh_from_db()
    assert unit.status == "QUARANTINE"
    assert Reservation.objects.of_unit(unit.pk) is not None
