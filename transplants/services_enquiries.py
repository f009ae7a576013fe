"""Enquiries: opened, replied to, answered, declined, withdrawn, taken on, reminded of.

The row of the enquiry is locked by whoever writes into it, so that two answers at once are one after the other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.services_documents import content_type_of, guard_size
from core import audit, notifications
from core.audit import Actor
from core.crypto import decrypt_bytes, encrypt_bytes
from core.errors import Conflict, InvalidInput, NotAllowed
from core.models import User
from core.roles import Permission
from hospitals.models import Patient
from hospitals.querysets import open_in
from transplants import notices_enquiries as notices
from transplants.choices_enquiries import (
    DUE_DAYS,
    LONGEST_MESSAGE,
    LONGEST_SUBJECT,
    MOST_DAYS,
    MOST_FILES,
    OF_UNIT,
    DeclineReason,
    EnquiryKind,
    EnquiryState,
    Side,
)
from transplants.models_enquiries import Enquiry, EnquiryDeadline, EnquiryFile, EnquiryMessage
from transplants.numbers import next_number
from transplants.querysets_enquiries import side_of
from transplants.writing import free_id, locked_patient

PREFIX: Final = "EN"
SYSTEM = Actor.system("enquiries")


@dataclass(frozen=True)
class Written:
    """A message and its files (their bytes). message_id: of the form, so that a double click writes one."""

    text: str
    files: Sequence[bytes] = ()
    message_id: UUID | None = None


@transaction.atomic
def enquiry_open(
    *,
    patient_id: UUID,
    kind: str,
    subject: str,
    written: Written,
    user: User,
    unit_id: UUID | None = None,
    enquiry_id: UUID | None = None,
) -> Enquiry:
    """Ask the other side something about a patient, or about a unit for him. The other side is told.

    Raises NotAllowed, InvalidInput for a missing or too long text, a kind that needs a unit, a file that is none;
    Conflict for an inactive patient.
    """
    patient = locked_patient(patient_id)  # a second click waits here, and finds what the first one wrote
    side = _guard_asks(user, patient)
    if known := _sent_before(enquiry_id, patient, user):
        return known
    asked, other = _kind(kind, unit_id), _other(side)
    row = Enquiry(
        id=free_id(Enquiry, enquiry_id),
        kind=asked,
        subject=_subject(subject),
        patient=patient,
        hospital=patient.hospital,
        unit_id=unit_id,
        asked_from=side,
        asked_by=user,
        waits_for=other,
        due_on=due_on(asked),
        number=next_number(PREFIX, timezone.localdate().year),
    )
    _seen(row, side)
    row.save(force_insert=True)
    message = _write(row, side, written, user)
    _record(row, "enquiry.open", Actor.user(user), after={"kind": asked, **_told(message)})
    notifications.notifications_create(notices=notices.written(row, to=other, but=user))
    return row


@transaction.atomic
def enquiry_reply(*, enquiry_id: UUID, written: Written, user: User) -> Enquiry:
    """Write a further message; it is the other side's turn then. One that was answered is taken up again."""
    row, side = _locked(enquiry_id, user, Permission.ENQUIRY_ASK)
    if written.message_id and row.messages.filter(pk=written.message_id, written_by=user).exists():
        return row
    if row.state in (EnquiryState.DECLINED, EnquiryState.CANCELLED):
        raise _ended(row)
    message = _write(row, side, written, user)
    before = {"state": row.state, "waits_for": row.waits_for}
    if row.waits_for == _other(side):  # who chases makes nothing quiet: it was the other side's turn already
        _seen(row, side)
        row.save(update_fields=["last_at", "bank_seen_at", "hospital_seen_at"])
    else:
        _turn(row, side, {"state": EnquiryState.OPEN, "waits_for": _other(side), "due_on": due_on(row.kind)})
    _record(row, "enquiry.reply", Actor.user(user), before=before, after=_told(message))
    notifications.notifications_create(notices=notices.written(row, to=_other(side), but=user))
    return row


@transaction.atomic
def enquiry_answer(*, enquiry_id: UUID, written: Written, user: User) -> Enquiry:
    """The answer: nothing waits any more. Whoever was asked gives it."""
    row, side = _locked(enquiry_id, user, Permission.ENQUIRY_ASK)
    if written.message_id and row.messages.filter(pk=written.message_id, written_by=user).exists():
        return row
    _guard_open(row)
    if side == row.asked_from:
        raise NotAllowed("not_asked", _("Whoever was asked gives the answer."))
    message = _write(row, side, written, user)
    _end(row, side, EnquiryState.ANSWERED, Actor.user(user))
    _record(row, "enquiry.answer", Actor.user(user), after={"state": row.state, **_told(message)})
    notifications.notifications_create(notices=notices.answered(row, to=_other(side), but=user))
    return row


@transaction.atomic
def enquiry_decline(*, enquiry_id: UUID, cause: str, written: Written, user: User) -> Enquiry:
    """The bank does not do what is asked, and says why."""
    row, side = _locked(enquiry_id, user, Permission.ENQUIRY_ANSWER)
    if side != Side.BANK or row.asked_from != Side.HOSPITAL:
        raise NotAllowed("not_yours", _("Only the bank declines what a hospital asks."))
    if cause not in DeclineReason.values:
        raise InvalidInput("cause_unknown", _("Choose why."), field="cause")
    _guard_open(row)
    message = _write(row, side, written, user)
    _end(row, side, EnquiryState.DECLINED, Actor.user(user), declined_for=cause)
    after = {"state": row.state, "cause": cause, **_told(message)}
    _record(row, "enquiry.decline", Actor.user(user), after=after)
    notifications.notifications_create(notices=notices.declined(row, but=user))
    return row


@transaction.atomic
def enquiry_cancel(*, enquiry_id: UUID, written: Written, user: User) -> Enquiry:
    """Whoever asked wants it no more, and says why."""
    row, side = _locked(enquiry_id, user, Permission.ENQUIRY_ASK)
    if side != row.asked_from:
        raise NotAllowed("not_yours", _("Only who asked withdraws it."))
    _guard_open(row)
    message = _write(row, side, written, user)
    _end(row, side, EnquiryState.CANCELLED, Actor.user(user))
    _record(row, "enquiry.cancel", Actor.user(user), after={"state": row.state, **_told(message)})
    notifications.notifications_create(notices=notices.cancelled(row, to=_other(side), but=user))
    return row


@transaction.atomic
def enquiry_take(*, enquiry_id: UUID, user: User, due: dt.date | None = None) -> Enquiry:
    """A person of the bank takes an enquiry on, and may say until when it will be answered."""
    row, side = _locked(enquiry_id, user, Permission.ENQUIRY_ANSWER)
    if side != Side.BANK:
        raise NotAllowed("not_yours", _("Only the bank takes enquiries on."))
    _guard_open(row)
    today = timezone.localdate()
    if due is not None and not today <= due <= today + dt.timedelta(days=MOST_DAYS):
        text = _("Choose a day within %(days)d days.")
        raise InvalidInput("due_out_of_range", text, field="due", params={"days": MOST_DAYS})
    before = {"owner": str(row.owner_id or ""), "due_on": row.due_on}
    row.owner, row.due_on = user, due or row.due_on
    row.save(update_fields=["owner", "due_on"])
    after = {"owner": str(user.pk), "due_on": row.due_on}
    _record(row, "enquiry.take", Actor.user(user), before=before, after=after)
    return row


@transaction.atomic
def enquiry_see(*, enquiry: Enquiry, user: User) -> None:
    """Somebody of this side has read it as it was shown: what came meanwhile is unread. No audit entry."""
    name = "bank_seen_at" if side_of(user) == Side.BANK else "hospital_seen_at"
    older = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lt": enquiry.last_at})
    Enquiry.objects.filter(older, pk=enquiry.pk).update(**{name: enquiry.last_at})


@transaction.atomic
def enquiry_drop(*, dropped: UUID) -> bool:
    """Its patient waits no more, for so long that it was no slip: nobody is reminded of it for ever. Both are told."""
    rows = Enquiry.objects.select_related("patient", "hospital").select_for_update(no_key=True, of=("self",))
    row: Enquiry = rows.get(pk=dropped)
    if not Enquiry.objects.without_need(timezone.now()).filter(pk=row.pk).exists():
        return False
    _end(row, None, EnquiryState.CANCELLED, SYSTEM)
    _record(row, "enquiry.drop", SYSTEM, after={"state": row.state})
    told = [*notices.cancelled(row, to=Side.HOSPITAL), *notices.cancelled(row, to=Side.BANK)]
    notifications.notifications_create(notices=told)
    return True


@transaction.atomic
def file_open(*, file: EnquiryFile, user: User) -> tuple[EnquiryFile, bytes]:
    """Its content; who took it away is on record. Raises Conflict where it is not what came."""
    row = EnquiryFile.objects.select_related("message__enquiry__patient").get(pk=file.pk)
    data = decrypt_bytes(bytes(row.content))
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise Conflict("file_changed", _("This file is not what it was when it was added."))
    _record(row.message.enquiry, "enquiry.file_open", Actor.user(user), after={"file": str(row.pk)})
    return row, data


@transaction.atomic
def enquiry_remind(*, reminded: UUID) -> bool:
    """One that is overdue grows louder: its owner first, from the second day on everybody who could answer."""
    row = Enquiry.objects.select_for_update(no_key=True, of=("self",)).with_names().get(pk=reminded)
    today = timezone.localdate()
    if not Enquiry.objects.to_remind(today).filter(pk=row.pk).exists():
        return False
    row.reminded_on, row.reminders = today, row.reminders + 1
    row.save(update_fields=["reminded_on", "reminders"])
    _record(row, "enquiry.remind", SYSTEM, after={"reminders": row.reminders})
    notifications.notifications_create(notices=notices.overdue(row))
    return True


@transaction.atomic
def deadlines_update(*, days: Mapping[str, int], actor: Actor, reason: str) -> None:
    """Within how many days each kind is to be answered; what is open keeps its day."""
    if not reason.strip():
        raise InvalidInput("reason_needed", _("Write why."), field="reason")
    for kind, value in days.items():
        if kind not in EnquiryKind.values or not 1 <= value <= MOST_DAYS:
            text = _("Choose a number from %(least)d to %(most)d.")
            raise InvalidInput("days", text, field=kind, params={"least": 1, "most": MOST_DAYS})
    before, after = audit.changes(deadlines(), dict(days))
    for kind, value in after.items():
        EnquiryDeadline.objects.update_or_create(kind=kind, defaults={"days": value})
    target = ("transplants.EnquiryDeadline", "", "deadlines")
    audit.record(
        actor=actor, action="enquiry.deadlines", target=target, before=before, after=after, reason=reason
    )


# --- parts ----------------------------------------------------------------------------------------


def deadlines() -> dict[str, int]:
    """Days by kind: the bank's, else the default."""
    return {
        **{str(kind): days for kind, days in DUE_DAYS.items()},
        **dict(EnquiryDeadline.objects.values_list()),
    }


def due_on(kind: str) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=deadlines()[kind])


def _other(side: str) -> Side:
    return Side.HOSPITAL if side == Side.BANK else Side.BANK


def _guard_asks(user: User, patient: Patient) -> Side:
    if not open_in(user, Permission.ENQUIRY_ASK, patient.hospital_id):
        raise NotAllowed("not_yours", _("You may not ask for this patient."))
    if not patient.is_active:
        raise Conflict("patient_inactive", _("%(code)s is not active."), params={"code": patient.code})
    return side_of(user)


def _locked(enquiry_id: UUID, user: User, permission: Permission) -> tuple[Enquiry, Side]:
    rows = Enquiry.objects.select_related("patient", "hospital", "unit")
    row: Enquiry = rows.select_for_update(no_key=True, of=("self",)).get(pk=enquiry_id)
    if not open_in(user, permission, row.hospital_id):
        raise NotAllowed("not_yours", _("You may not write into this enquiry."))
    return row, side_of(user)


def _guard_open(row: Enquiry) -> None:
    if not row.is_open:
        raise _ended(row)


def _ended(row: Enquiry) -> Conflict:
    text = _("%(number)s has ended already: %(state)s.")
    return Conflict("enquiry_ended", text, params={"number": row.number, "state": row.get_state_display()})


def _sent_before(enquiry_id: UUID | None, patient: Patient, user: User) -> Enquiry | None:
    """What this very form opened before; an id of somebody else's tells nothing."""
    rows = Enquiry.objects.filter(patient=patient, asked_by=user)
    return rows.filter(pk=enquiry_id).first() if enquiry_id else None


def _kind(given: str, unit_id: UUID | None) -> EnquiryKind:
    if given not in EnquiryKind.values:
        raise InvalidInput("kind_unknown", _("Choose what you ask for."), field="kind")
    kind = EnquiryKind(given)
    if kind in OF_UNIT and unit_id is None:
        text = _("This is asked of a unit: open the unit in a match list and ask from there.")
        raise InvalidInput("unit_needed", text, field="kind")
    return kind


def _subject(given: str) -> str:
    plain = " ".join(given.replace("\0", "").split())
    if not plain:
        raise InvalidInput("subject_missing", _("Say in a few words what it is about."), field="subject")
    return plain[:LONGEST_SUBJECT]


def _write(row: Enquiry, side: Side, written: Written, user: User) -> EnquiryMessage:
    text = written.text.replace("\0", "").strip()
    if not text:
        raise InvalidInput("text_missing", _("Write something first."), field="text")
    if len(text) > LONGEST_MESSAGE:
        too_long = _("A message may have %(n)d characters; this one has %(given)d.")
        params = {"n": LONGEST_MESSAGE, "given": len(text)}
        raise InvalidInput("text_too_long", too_long, field="text", params=params)
    if len(written.files) > MOST_FILES:
        too_many = _("At most %(n)d files with a message.")
        raise InvalidInput("too_many_files", too_many, field="attached", params={"n": MOST_FILES})
    taken = written.message_id and EnquiryMessage.objects.filter(pk=written.message_id).exists()
    message: EnquiryMessage = EnquiryMessage.objects.create(
        id=uuid4() if taken or written.message_id is None else written.message_id,
        enquiry=row,
        side=side,
        text=text,
        written_by=user,
    )
    for data in {hashlib.sha256(one).hexdigest(): one for one in written.files}.values():
        _keep(message, data)
    return message


def _keep(message: EnquiryMessage, data: bytes) -> None:
    try:
        guard_size(len(data))
        content_type = content_type_of(data)
    except InvalidInput as error:
        error.field = "attached"
        raise
    EnquiryFile.objects.create(
        message=message,
        content_type=content_type,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content=encrypt_bytes(data),
    )


def _seen(row: Enquiry, side: Side | None) -> None:
    """Whoever writes has seen what stands there; None: it is news to both sides."""
    row.last_at = timezone.now()
    if side is not None:
        setattr(row, "bank_seen_at" if side == Side.BANK else "hospital_seen_at", row.last_at)


def _turn(row: Enquiry, side: Side | None, values: dict[str, Any]) -> None:
    _seen(row, side)
    fresh = {"reminded_on": None, "reminders": 0, "ended_at": None, "ended_by": "", **values}
    for name, value in fresh.items():
        setattr(row, name, value)
    row.save(update_fields=[*fresh, "last_at", "bank_seen_at", "hospital_seen_at"])


def _end(row: Enquiry, side: Side | None, state: EnquiryState, actor: Actor, **more: Any) -> None:
    ended = {"ended_by": actor.label[:200], "ended_at": timezone.now()}
    _turn(row, side, {"state": state, "waits_for": "", "due_on": None, **ended, **more})


def _told(message: EnquiryMessage) -> dict[str, Any]:
    """For the trail: the text stands in its row, which is never changed; its digest proves that."""
    digest = hashlib.sha256(message.text.encode()).hexdigest()
    return {"message": str(message.pk), "sha256": digest, "files": message.files.count()}


def _record(row: Enquiry, action: str, actor: Actor, **values: Any) -> None:
    label = f"{row.number} · {row.patient.code}"
    target = (row._meta.label, str(row.pk), label)
    audit.record(actor=actor, action=action, target=target, hospital_id=row.hospital_id, **values)
