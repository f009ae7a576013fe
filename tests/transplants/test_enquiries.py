"""Enquiries: asked, replied to, answered, declined, withdrawn, reminded of; who may, what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.enquiries import PDF, EnquiryFactory, MessageFactory, kept_file
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.reservations import in_days
from transplants import services_enquiries as services
from transplants import services_sweep
from transplants.choices_enquiries import Side
from transplants.models import Enquiry, EnquiryFile, EnquiryMessage
from transplants.services_enquiries import Written
from transplants.services_sweep import enquiries_sweep

pytestmark = pytest.mark.django_db


def ask(patient: Patient, user: User, text: str = "how old is it?", **more: Any) -> Enquiry:
    given = {"kind": "message", "subject": "age", "written": Written(text, **more.pop("written", {})), **more}
    return services.enquiry_open(patient_id=patient.pk, user=user, **given)


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("created_at").values_list("code", flat=True))


def reminded() -> int:
    return enquiries_sweep()["reminded"]


def stood(row: Enquiry) -> tuple[str, str]:
    row.refresh_from_db()
    return row.state, row.waits_for


def test_a_question_and_its_answer(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(patient, he_lan)
    assert (row.number[:3], row.asked_from, stood(row)) == ("EN-", "hospital", ("open", "bank"))
    assert (row.due_on, told(shen_jia), told(he_lan)) == (in_days(3), ["enquiry.written"], [])

    services.enquiry_answer(enquiry_id=row.pk, written=Written("six years"), user=shen_jia)

    assert (stood(row), row.due_on, row.ended_by) == (("answered", ""), None, "Shen Jia")
    assert told(he_lan) == ["enquiry.answered"]
    assert list(row.messages.values_list("side", "text")) == [
        ("hospital", "how old is it?"),
        ("bank", "six years"),
    ]
    actions = AuditEntry.objects.filter(target_key=str(row.pk)).order_by("at")
    assert [(one.action, one.hospital_id) for one in actions] == [
        ("enquiry.open", patient.hospital_id),
        ("enquiry.answer", patient.hospital_id),
    ]
    assert all("six years" not in str(one.after) for one in actions)


def test_the_turn_goes_back_and_forth_and_an_answer_is_taken_up_again(
    patient: Patient, he_lan: User, shen_jia: User
) -> None:
    row = ask(patient, he_lan)
    services.enquiry_reply(enquiry_id=row.pk, written=Written("of which unit?"), user=shen_jia)
    assert stood(row) == ("open", "hospital")
    services.enquiry_reply(enquiry_id=row.pk, written=Written("the first"), user=he_lan)
    assert stood(row) == ("open", "bank")
    services.enquiry_answer(enquiry_id=row.pk, written=Written("six"), user=shen_jia)
    services.enquiry_reply(enquiry_id=row.pk, written=Written("and the second?"), user=he_lan)

    assert (*stood(row), row.due_on, row.ended_by) == ("open", "bank", in_days(3), "")


def test_the_bank_asks_a_hospital(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(patient, shen_jia)
    assert (row.asked_from, stood(row), told(he_lan)) == ("bank", ("open", "hospital"), ["enquiry.written"])

    with pytest.raises(NotAllowed):
        services.enquiry_answer(enquiry_id=row.pk, written=Written("no"), user=shen_jia)
    services.enquiry_answer(enquiry_id=row.pk, written=Written("yes"), user=he_lan)
    assert stood(row) == ("answered", "")


def test_the_bank_declines_with_a_cause(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(patient, he_lan, kind="ct", unit_id=UnitFactory().pk)
    decline = {"enquiry_id": row.pk, "written": Written("all used")}

    with pytest.raises(InvalidInput) as refused:
        services.enquiry_decline(**decline, cause="mood", user=shen_jia)
    assert refused.value.field == "cause"
    with pytest.raises(NotAllowed):
        services.enquiry_decline(**decline, cause="no_sample", user=he_lan)
    services.enquiry_decline(**decline, cause="no_sample", user=shen_jia)

    assert (*stood(row), row.declined_for, told(he_lan)) == (
        "declined",
        "",
        "no_sample",
        ["enquiry.declined"],
    )
    for act in (services.enquiry_reply, services.enquiry_answer):
        with pytest.raises(Conflict, match="ended"):
            act(enquiry_id=row.pk, written=Written("but"), user=shen_jia)


def test_who_asked_withdraws(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(patient, he_lan)

    with pytest.raises(NotAllowed):
        services.enquiry_cancel(enquiry_id=row.pk, written=Written("r"), user=shen_jia)
    services.enquiry_cancel(enquiry_id=row.pk, written=Written("found it"), user=he_lan)

    assert stood(row) == ("cancelled", "")
    assert told(shen_jia) == ["enquiry.written", "enquiry.cancelled"]


def test_a_person_of_the_bank_takes_it_on_and_is_told_alone(
    patient: Patient, he_lan: User, shen_jia: User
) -> None:
    row, other = ask(patient, he_lan), UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    services.enquiry_take(enquiry_id=row.pk, user=shen_jia, due=in_days(9))
    row.refresh_from_db()
    assert (row.owner, row.due_on) == (shen_jia, in_days(9))

    services.enquiry_reply(enquiry_id=row.pk, written=Written("and?"), user=he_lan)

    assert (told(shen_jia)[-1], told(other)) == ("enquiry.written", [])
    with pytest.raises(NotAllowed):
        services.enquiry_take(enquiry_id=row.pk, user=he_lan)
    with pytest.raises(InvalidInput):
        services.enquiry_take(enquiry_id=row.pk, user=shen_jia, due=in_days(-1))


@pytest.mark.parametrize("role", [Role.LAB, Role.QA, Role.ADMIN, Role.SHIPPING])
def test_others_neither_ask_nor_answer(role: Role, patient: Patient) -> None:
    user, row = UserFactory(roles=[role]), EnquiryFactory(patient=patient)

    with pytest.raises(NotAllowed):
        ask(patient, user)
    for act in (services.enquiry_reply, services.enquiry_answer):
        with pytest.raises(NotAllowed):
            act(enquiry_id=row.pk, written=Written("t"), user=user)


def test_another_hospital_has_no_part(patient: Patient, tan_xi: User) -> None:
    row = EnquiryFactory(patient=patient)

    with pytest.raises(NotAllowed):
        ask(patient, tan_xi)
    with pytest.raises(NotAllowed):
        services.enquiry_reply(enquiry_id=row.pk, written=Written("t"), user=tan_xi)
    assert not Enquiry.objects.visible_to(tan_xi).exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "nonsense"}, "kind"),
        ({"kind": "unit_report"}, "kind"),  # of no unit
        ({"subject": " "}, "subject"),
        ({"text": " \0 "}, "text"),
        ({"text": "x" * 4_001}, "text"),
        ({"written": {"files": [b"MZ a program"]}}, "attached"),
        ({"written": {"files": [b""]}}, "attached"),
        ({"written": {"files": [PDF + b"%d" % n for n in range(6)]}}, "attached"),
    ],
)
def test_nothing_is_written_of_what_is_refused(
    more: dict[str, Any], field: str, patient: Patient, he_lan: User
) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(patient, he_lan, **more)

    assert refused.value.field == field
    assert not Enquiry.objects.exists()


def test_nothing_is_asked_for_an_inactive_patient(he_lan: User) -> None:
    gone = PatientFactory(
        hospital=he_lan.memberships.get().hospital,
        state="inactive",
        inactive_reason="died",
        deactivated_at="2026-01-01T00:00Z",
    )

    with pytest.raises(Conflict):
        ask(gone, he_lan)


def test_the_same_form_sent_twice_is_one(patient: Patient, he_lan: User, shen_jia: User) -> None:
    key, message = uuid4(), uuid4()
    rows = [ask(patient, he_lan, enquiry_id=key, written={"message_id": message}) for _ in range(2)]
    assert (rows[0].pk, rows[1].pk) == (key, key)

    for act in (services.enquiry_reply, services.enquiry_answer):
        again = uuid4()
        for _ in range(2):
            act(enquiry_id=key, written=Written("once", (), again), user=shen_jia)

    assert EnquiryMessage.objects.count() == 3


def test_an_id_of_somebody_else_is_not_used(patient: Patient, he_lan: User) -> None:
    other = MessageFactory()

    row = ask(patient, he_lan, enquiry_id=other.enquiry_id, written={"message_id": other.pk})

    assert row.pk != other.enquiry_id
    assert row.messages.get().pk != other.pk


def test_files_are_kept_encrypted_and_each_look_is_on_record(
    patient: Patient, he_lan: User, shen_jia: User
) -> None:
    row = ask(patient, he_lan, written={"files": [PDF, PDF, b"\x89PNG\r\n\x1a\n x"]})
    files = list(EnquiryFile.objects.filter(message__enquiry=row).order_by("content_type"))
    assert [one.content_type for one in files] == ["application/pdf", "image/png"]
    assert PDF not in bytes(files[0].content)

    _file, data = services.file_open(file=files[0], user=shen_jia)

    assert data == PDF
    entry = AuditEntry.objects.get(action="enquiry.file_open")
    assert (entry.actor_id, entry.after) == (str(shen_jia.pk), {"file": str(files[0].pk)})


def test_a_file_that_was_altered_is_not_handed_out(shen_jia: User) -> None:
    file = kept_file(EnquiryFactory())
    EnquiryFile.objects.filter(pk=file.pk).update(sha256="0" * 64)

    with pytest.raises(Conflict):
        services.file_open(file=file, user=shen_jia)


@pytest.mark.parametrize(
    "row",
    [
        {"state": "answered"},
        {"waits_for": ""},
        {"due_on": None},
        {"declined_for": "other"},
        {"kind": "ct"},
        {"kind": "nonsense"},
    ],
)
def test_no_row_says_half_of_it(row: dict[str, Any]) -> None:
    with pytest.raises((IntegrityError, ValidationError)), transaction.atomic():
        EnquiryFactory(**row)


# --- growing louder


def test_what_is_overdue_grows_louder_each_day(
    patient: Patient, he_lan: User, shen_jia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    director = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    row = EnquiryFactory(patient=patient, owner=shen_jia, due_on=in_days(-1))
    EnquiryFactory(patient=patient, due_on=in_days(0))

    assert (reminded(), reminded()) == (1, 0)
    assert (told(shen_jia), told(director)) == (["enquiry.overdue"], [])

    Enquiry.objects.filter(pk=row.pk).update(reminded_on=in_days(-1))
    assert reminded() == 1
    row.refresh_from_db()
    assert (row.reminders, told(director)) == (2, ["enquiry.overdue"])
    assert told(he_lan) == []


def test_the_hospital_is_reminded_when_it_is_its_turn(patient: Patient, he_lan: User, shen_jia: User) -> None:
    EnquiryFactory(patient=patient, waits_for="hospital", asked_from="bank", due_on=in_days(-3))

    assert (reminded(), told(he_lan), told(shen_jia)) == (1, ["enquiry.overdue"], [])


def test_a_message_of_whose_turn_it_is_ends_the_reminders(patient: Patient, shen_jia: User) -> None:
    row = EnquiryFactory(patient=patient, due_on=in_days(-5), reminders=3, reminded_on=in_days(-1))

    services.enquiry_reply(enquiry_id=row.pk, written=Written("soon"), user=shen_jia)

    row.refresh_from_db()
    assert (row.reminders, row.reminded_on, reminded()) == (0, None, 0)


def test_who_chases_makes_nothing_quiet(patient: Patient, he_lan: User) -> None:
    row = EnquiryFactory(patient=patient, due_on=in_days(-5), reminders=3, reminded_on=in_days(-1))

    services.enquiry_reply(enquiry_id=row.pk, written=Written("please hurry"), user=he_lan)

    row.refresh_from_db()
    assert (row.due_on, row.reminders, row.waits_for) == (in_days(-5), 3, "bank")
    assert reminded() == 1


@pytest.mark.parametrize("gone", ["closed", "without the role"])
def test_an_owner_who_is_gone_is_not_the_only_one_told(
    gone: str, patient: Patient, he_lan: User, shen_jia: User
) -> None:
    owner = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    row = EnquiryFactory(patient=patient, owner=owner)
    if gone == "closed":
        User.objects.filter(pk=owner.pk).update(is_active=False)
    else:
        owner.role_grants.all().delete()

    services.enquiry_reply(enquiry_id=row.pk, written=Written("hello?"), user=he_lan)

    assert told(shen_jia) == ["enquiry.written"]


def test_it_ends_with_its_patient(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = EnquiryFactory(patient=patient, due_on=in_days(-2))
    Patient.objects.filter(pk=patient.pk).update(
        state="inactive", inactive_reason="died", deactivated_at=timezone.now() - dt.timedelta(hours=2)
    )

    assert enquiries_sweep() == {"without_need": 1, "reminded": 0}
    assert (stood(row), told(he_lan), told(shen_jia)) == (
        ("cancelled", ""),
        ["enquiry.cancelled"],
        ["enquiry.cancelled"],
    )
    row.refresh_from_db()
    assert row.ended_by.startswith("system:")
    assert (row.bank_seen_at, row.hospital_seen_at) == (None, None)  # it is news to both


def test_one_that_fails_stops_no_other(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (EnquiryFactory(patient=patient, due_on=in_days(-n)) for n in (9, 1))
    real = services_sweep.enquiry_remind

    def fail(*, reminded: Any) -> bool:
        if reminded == first.pk:
            raise RuntimeError("a fault of the program")
        return real(reminded=reminded)

    monkeypatch.setattr(services_sweep, "enquiry_remind", fail)
    assert reminded() == 1
    second.refresh_from_db()
    assert second.reminders == 1


def test_what_came_while_the_page_was_read_is_unread(patient: Patient, he_lan: User, shen_jia: User) -> None:
    row = ask(patient, he_lan)
    shown = Enquiry.objects.get(pk=row.pk)
    services.enquiry_answer(enquiry_id=row.pk, written=Written("six"), user=shen_jia)

    services.enquiry_see(enquiry=shown, user=he_lan)

    assert list(Enquiry.objects.unseen_by(Side.HOSPITAL)) == [row]
    services.enquiry_see(enquiry=Enquiry.objects.get(pk=row.pk), user=he_lan)
    assert not Enquiry.objects.unseen_by(Side.HOSPITAL).exists()


def test_deadlines_are_the_banks(patient: Patient, he_lan: User) -> None:
    days = services.deadlines()
    services.deadlines_update(days={**days, "message": 7}, actor=services.SYSTEM, reason="our rule")
    assert ask(patient, he_lan).due_on == in_days(7)
    entry = AuditEntry.objects.get(action="enquiry.deadlines")
    assert (entry.before, entry.after) == ({"message": 3}, {"message": 7})

    for wrong in ({"message": 0}, {"message": 181}, {"nonsense": 3}):
        with pytest.raises(InvalidInput):
            services.deadlines_update(days=wrong, actor=services.SYSTEM, reason="r")
    with pytest.raises(InvalidInput):
        services.deadlines_update(days=days, actor=services.SYSTEM, reason=" ")


@pytest.mark.parametrize("act", ["open", "reply", "answer", "decline", "cancel", "take"])
def test_nothing_changes_where_the_audit_fails(
    act: str, patient: Patient, he_lan: User, shen_jia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = EnquiryFactory(patient=patient)
    before = list(Enquiry.objects.values())

    def fail(**_: Any) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr("core.audit.record", fail)
    given: dict[str, Any] = {"enquiry_id": row.pk, "written": Written("t")}
    acts = {
        "open": lambda: ask(patient, he_lan),
        "reply": lambda: services.enquiry_reply(**given, user=he_lan),
        "answer": lambda: services.enquiry_answer(**given, user=shen_jia),
        "decline": lambda: services.enquiry_decline(**given, cause="other", user=shen_jia),
        "cancel": lambda: services.enquiry_cancel(**given, user=he_lan),
        "take": lambda: services.enquiry_take(enquiry_id=row.pk, user=shen_jia),
    }
    with pytest.raises(RuntimeError):
        acts[act]()
    assert (list(Enquiry.objects.values()), EnquiryMessage.objects.count()) == (before, 0)


def test_a_person_of_both_sides_speaks_for_the_bank(patient: Patient) -> None:
    both = member_of(patient.hospital, Role.HOSPITAL_COORDINATOR, Role.SEARCH_COORDINATOR)

    assert ask(patient, both).asked_from == "bank"
    with pytest.raises(DomainError):
        services.enquiry_cancel(
            enquiry_id=EnquiryFactory(patient=patient).pk, written=Written("r"), user=both
        )
