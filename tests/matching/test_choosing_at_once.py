"""Several people at the same shortlist, watch and e-mail at the same moment, on real PostgreSQL."""

from __future__ import annotations

from itertools import count
from uuid import uuid4

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMessage
from django.db import transaction

from bank.models import CordBloodUnit
from core import mails, notifications
from core.errors import Conflict
from core.models import AuditEntry, OutgoingMail
from core.notifications import Notice
from core.roles import Role
from hospitals.models import Patient
from matching import services
from matching.models import Evaluation, GraftNote, PatientWatch, ReportSignature, SearchRun, ShortlistEntry
from matching.services import Signing, report_sign, shortlist, watches
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import ACTOR, ListedUnitFactory
from tests.factories.reports import kept_report
from tests.matching.threads import while_in_transaction
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 4


@pytest.fixture
def found() -> SearchRun:
    with transaction.atomic():
        return stored_run([ListedUnitFactory() for _ in range(PEOPLE)])


def picked(run: SearchRun) -> list[ShortlistEntry]:
    units = list(run.results.order_by("rank").values_list("unit_id", flat=True))
    return [services.shortlist_add(run=run, unit_id=unit, actor=ACTOR) for unit in units]


def test_a_unit_is_picked_once(found: SearchRun) -> None:
    unit = found.results.get(rank=1).unit_id

    answers = at_once(lambda: services.shortlist_add(run=found, unit_id=unit, actor=ACTOR), PEOPLE)

    assert len(answers) == PEOPLE
    assert len({answer.pk for answer in answers}) == 1
    assert AuditEntry.objects.filter(action="shortlist.add").count() == 1


def test_a_full_shortlist_is_never_overfull(found: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "MOST_SHORTLISTED", 2)
    units = iter(found.results.values_list("unit_id", flat=True))

    answers = at_once(lambda: services.shortlist_add(run=found, unit_id=next(units), actor=ACTOR), PEOPLE)

    refused = [answer.code for answer in answers if isinstance(answer, Conflict)]
    assert (len(answers), refused) == (PEOPLE, ["shortlist_full"] * 2)
    assert ShortlistEntry.objects.active().count() == 2


def test_one_place_is_held_by_one(found: SearchRun) -> None:
    entries = picked(found)
    at = count()

    answers = at_once(
        lambda: services.shortlist_place(entry_id=entries[next(at)].pk, place=1, actor=ACTOR), PEOPLE
    )

    assert len(answers) == PEOPLE
    assert list(ShortlistEntry.objects.filter(place__isnull=False).values_list("place", flat=True)) == [1]


def test_a_note_sent_twice_is_written_once(found: SearchRun) -> None:
    patient, note_id = found.request.patient, uuid4()

    answers = at_once(
        lambda: services.note_add(patient=patient, text="x", note_id=note_id, actor=ACTOR), PEOPLE
    )

    assert {answer.pk for answer in answers} == {note_id}
    assert (len(answers), GraftNote.objects.count()) == (PEOPLE, 1)


@pytest.mark.parametrize("whole_hospital", [False, True])
def test_a_patient_is_watched_once(found: SearchRun, whole_hospital: bool) -> None:
    person = member_of(found.request.hospital)

    answers = at_once(
        lambda: services.watch_start(
            request=found.request, user=person, counts="class", whole_hospital=whole_hospital
        ),
        PEOPLE,
    )

    assert len(answers) == PEOPLE
    assert PatientWatch.objects.count() == 1
    assert AuditEntry.objects.filter(action="watch.start").count() == 1


def test_an_email_is_sent_by_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    person = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    params = {"patient": "P", "request": str(uuid4()), "run": "", "n": 1}
    notifications.notifications_create(notices=[Notice(person.pk, watches.CODE, "patient:1", params)])
    outbox.outbox.clear()
    OutgoingMail.objects.update(state="waiting")  # whoever rang after the commit may have sent it already
    sent: list[EmailMessage] = []
    monkeypatch.setattr(EmailMessage, "send", lambda self, *args, **kwargs: sent.append(self))
    (mail,) = OutgoingMail.objects.all()

    answers = at_once(lambda: mails.mail_send(mail_id=mail.pk), PEOPLE)

    assert sorted(answers) == [False] * (PEOPLE - 1) + [True]
    assert len(sent) == 1
    assert OutgoingMail.objects.get().attempts == 1


def test_a_person_signs_a_report_once() -> None:
    with transaction.atomic():
        report = kept_report([ListedUnitFactory()])
    physician = member_of(report.run.request.hospital, Role.HOSPITAL_PHYSICIAN)

    answers = at_once(
        lambda: report_sign(
            report_id=report.pk, signing=Signing("reviewed"), password=PASSWORD, user=physician
        ),
        PEOPLE,
    )

    refused = [answer.code for answer in answers if isinstance(answer, Conflict)]
    assert (len(answers), refused) == (PEOPLE, ["signed_already"] * (PEOPLE - 1))
    assert ReportSignature.objects.count() == 1
    assert AuditEntry.objects.filter(action="report.sign").count() == 1


def test_several_people_sign_one_report_at_once() -> None:
    with transaction.atomic():
        report = kept_report([ListedUnitFactory()])
    people = iter([member_of(report.run.request.hospital, Role.HOSPITAL_PHYSICIAN) for _ in range(PEOPLE)])

    at_once(
        lambda: report_sign(
            report_id=report.pk, signing=Signing("reviewed"), password=PASSWORD, user=next(people)
        ),
        PEOPLE,
    )

    assert ReportSignature.objects.values("signer").distinct().count() == PEOPLE
    assert AuditEntry.objects.filter(action="report.sign").count() == PEOPLE


def test_who_waited_for_another_reader_judges_the_patient_as_he_is_now(found: SearchRun) -> None:
    """A weight is entered while the list is judged: an older look must not replace a newer judgement."""
    patient = found.request.patient
    seen = SearchRun.objects.with_request().get(pk=found.pk)  # read before the change
    assert seen.request.patient.weight_kg != 77

    def other_reader() -> None:
        SearchRun.objects.select_for_update(no_key=True).get(pk=found.pk)
        Patient.objects.filter(pk=patient.pk).update(weight_kg=77)

    while_in_transaction(other_reader, lambda: services.evaluation_of(run=seen, policy=seen.policy))

    assert Evaluation.objects.get(run=found, superseded_at=None).weight_kg == 77


def test_a_unit_taken_back_while_somebody_signs_is_not_signed_for() -> None:
    with transaction.atomic():
        unit = ListedUnitFactory()
        report = kept_report([unit])
    physician = member_of(report.run.request.hospital, Role.HOSPITAL_PHYSICIAN)
    answers = []

    def sign() -> None:
        signing = Signing("chosen", [unit.public_no])
        try:
            report_sign(report_id=report.pk, signing=signing, password=PASSWORD, user=physician)
        except Conflict as error:
            answers.append(error.code)

    while_in_transaction(lambda: CordBloodUnit.objects.filter(pk=unit.pk).update(recalled=True), sign)

    assert answers == ["unit_gone"]
    assert not ReportSignature.objects.exists()
