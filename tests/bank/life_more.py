"""What else happens in a unit's life: what its mother says, samples, documents, and how it leaves."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from bank import (
    services_consent,
    services_contact,
    services_disposal,
    services_documents,
    services_interview,
    services_picking,
    services_sample_places,
    services_samples,
)
from bank.choices import Subject
from bank.choices_stocks import SampleKind, SamplePurpose
from bank.models import CordBloodUnit, DiscardProposal
from bank.services_consent import Answers, Withdrawal
from bank.services_samples import Use, Which
from core.audit import Actor
from core.errors import NotAllowed
from core.models import User
from core.roles import Role
from core.signing import sign_refused
from tests.factories.consent import consent_form, questionnaire
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.hospitals import PatientFactory
from tests.factories.storage import slot, tank
from tests.factories.typings import given, shown
from transplants import services, services_typings
from transplants.models import Reservation
from transplants.services import Wish

if TYPE_CHECKING:
    from tests.bank.life import People

DAY = dt.date(2024, 5, 8)
SEGMENTS = Which(Subject.UNIT, SampleKind.SEGMENT)
# Typed and said below: each must be told, in JSON and in print.
MARKS = (
    "witness 85", "by letter 86", "another mother 87", "as a child 88", "project 89", "fell down 90", "recounted 91",
    "report 92", "not hers 93", "bag burst 94", "taken back 95", "kept for now 96", "DNA-SHELF-97",
    "F98-R1-C1-03", "F98-R1-C1-04", "thawed by mistake 99", "for May 101", "another one 102", "urgent 103",
    "HLA lab 104",
)  # fmt: skip


def who(user: User) -> Actor:
    return Actor.user(user)


def mother_speaks(unit: CordBloodUnit, people: People) -> None:
    """Answers, health history, how she is reached."""
    lab = who(people.lab)
    consent_form()
    more = Answers(given_on=DAY, answers={"research": True}, witness="witness 85")
    services_consent.consent_record(unit_id=unit.pk, given=more, actor=lab)
    form = questionnaire()
    answers = {
        one.pk: ("" if one.kind == "text" else "yes" if one.defers_on == "no" else "no", "as a child 88")
        for one in form.questions.all()
    }
    services_interview.interview_record(
        unit_id=unit.pk, questionnaire_id=form.pk, interviewed_on=DAY, answers=answers, actor=lab
    )
    values = {"name": "Not To Be Told", "phone": "000-not-told", "other": ""}
    services_contact.contact_update(unit_id=unit.pk, values=values, actor=lab)
    services_contact.contact_view(unit_id=unit.pk, actor=lab)


def samples_and_documents(unit: CordBloodUnit, people: People) -> None:
    lab = who(people.lab)
    services_samples.sample_open(
        unit_id=unit.pk,
        which=Which(Subject.MOTHER, SampleKind.DNA),
        opening=2,
        place="DNA-SHELF-97",
        actor=lab,
    )
    tank("F98", for_samples=True)
    lying: dict[str, Any] = {"unit_id": unit.pk, "which": Which(Subject.MOTHER, SampleKind.DNA), "actor": lab}
    services_sample_places.sample_put(**lying, slot_id=slot(3, "F98").pk)
    services_sample_places.sample_take_out(**lying, reason="thawed by mistake 99")
    services_sample_places.sample_put(**lying, slot_id=slot(4, "F98").pk)
    uses = (
        Use(purpose=SamplePurpose.CONFIRMATORY, for_what="project 89"),
        Use(purpose=SamplePurpose.LOST, reason="fell down 90"),
    )
    for use in uses:
        services_samples.sample_use(unit_id=unit.pk, which=SEGMENTS, use=use, actor=lab)
    count: dict[str, Any] = {"unit_id": unit.pk, "which": SEGMENTS, "counted": 1, "user": people.second}
    with pytest.raises(NotAllowed) as wrong:
        services_samples.sample_correct(**count, password="not it", reason="recounted 91")
    sign_refused(user=people.second, target=unit, action="unit.sample_sign_refused", reason=wrong.value.code)
    services_samples.sample_correct(**count, password=PASSWORD, reason="recounted 91")
    paper = services_documents.document_add(
        unit_id=unit.pk, kind="result", title="report 92", data=b"%PDF-1.4 report", actor=lab
    )
    services_documents.document_open(document=paper, actor=lab)
    services_documents.document_withdraw(document_id=paper.pk, actor=lab, reason="not hers 93")
    services_picking.picking_list_made(unit_ids=[unit.pk], actor=lab)


def promised(unit: CordBloodUnit) -> None:
    """Kept for a patient, and let go of."""
    patient = PatientFactory()
    user = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    row = services.reservation_ask(wish=Wish(unit.pk, patient.pk, note="for May 101"), user=user)
    typed_anew(unit, row, user)
    services.reservation_cancel(reservation_id=row.pk, user=user, reason="another one 102")


def typed_anew(unit: CordBloodUnit, row: Reservation, user: User) -> None:
    """On a segment, by the laboratory, and seen by a second person."""
    lab, second = UserFactory(roles=[Role.LAB]), UserFactory(roles=[Role.QA])
    asked = services_typings.typing_ask(reservation_id=row.pk, user=user, note="urgent 103")
    services_typings.typing_sample(typing_id=asked.pk, user=lab)
    current = unit.typings.get(is_current=True, subject=Subject.UNIT)
    found = given(current.canonical_gl, laboratory="HLA lab 104")
    services_typings.typing_report(typing_id=asked.pk, given=found, method="ngs", user=lab)
    asked.refresh_from_db()
    services_typings.typing_verify(typing_id=asked.pk, user=second, shown=shown(asked))


def withdrawn_by_mistake(unit: CordBloodUnit, people: People) -> None:
    """While it is on hold for something else: blocked, and the block lifted by a second person."""
    given = Withdrawal(purpose="donation", withdrawn_on=DAY, reported_by="site", reason="by letter 86")
    row = services_consent.consent_withdraw(unit_id=unit.pk, given=given, actor=who(people.lab))
    signing: dict[str, Any] = {"withdrawal_id": row.pk, "user": people.qa, "reason": "another mother 87"}
    with pytest.raises(NotAllowed) as wrong:
        services_consent.withdrawal_correct(**signing, password="not it")
    sign_refused(user=people.qa, target=unit, action="unit.consent_sign_refused", reason=wrong.value.code)
    services_consent.withdrawal_correct(**signing, password=PASSWORD)


def leaves(unit: CordBloodUnit, people: People) -> None:
    """Proposed and taken back, proposed and refused, proposed and signed."""
    services_disposal.discard_withdraw(
        proposal_id=proposed(unit, people, "bag burst 94").pk, user=people.qa, reason="taken back 95"
    )
    refused = proposed(unit, people, "bag burst 94")
    services_disposal.discard_refuse(
        proposal_id=refused.pk, user=people.doctor, password=PASSWORD, reason="kept for now 96"
    )
    last = proposed(unit, people, "thrown away 82")
    with pytest.raises(NotAllowed) as wrong:
        services_disposal.discard_carry_out(proposal_id=last.pk, user=people.doctor, password="not it")
    sign_refused(user=people.doctor, target=unit, action="unit.discard_sign_refused", reason=wrong.value.code)
    services_disposal.discard_carry_out(proposal_id=last.pk, user=people.doctor, password=PASSWORD)


def proposed(unit: CordBloodUnit, people: People, reason: str) -> DiscardProposal:
    return services_disposal.discard_propose(
        unit_id=unit.pk, user=people.qa, to="DISCARDED", code="damaged", reason=reason
    )
