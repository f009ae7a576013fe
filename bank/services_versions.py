"""Versions of the consent form and of the questionnaire: written by one, put in force by another, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bank.choices_consent import REQUIRED, ConsentPurpose
from bank.models import ConsentForm, ConsentItem, Question, Questionnaire
from core import audit
from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.signing import guard_signature

MOST_PARTS = 60


@dataclass(frozen=True)
class VersionKind:
    """A text that is kept in versions: its table, that of its parts, and the name of the parts' link to it."""

    model: type[ConsentForm] | type[Questionnaire]
    part: type[ConsentItem] | type[Question]
    link: str
    columns: tuple[str, ...]
    lock: int


KINDS = {
    "consent": VersionKind(ConsentForm, ConsentItem, "form", ("purpose", "text_en", "text_zh"), 71),
    "questions": VersionKind(
        Questionnaire, Question, "questionnaire", ("kind", "defers_on", "text_en", "text_zh"), 72
    ),
}
Version = ConsentForm | Questionnaire


@transaction.atomic
def version_draft(*, kind: str, title: str, parts: Sequence[Mapping[str, Any]], actor: Actor) -> Version:
    """Write another version; nobody is asked by it before somebody else has approved it. It replaces an open draft.

    parts: values of the columns of VersionKind, in order. A consent form asks for at least what a kit needs.
    """
    what = KINDS[kind]
    _lock(what)
    if not title.strip():
        raise InvalidInput("title_missing", _("Give it a title."), field="title")
    _guard_parts(kind, parts)
    what.model.objects.drafts().delete()
    newest = what.model.objects.order_by("-version").values_list("version", flat=True).first() or 0
    row: Version = what.model.objects.create(
        version=newest + 1, title=title.strip()[:120], created_by_id=actor.person_id
    )
    for place, one in enumerate(parts, start=1):
        values = {name: one[name] for name in what.columns if name in one}
        what.part.objects.create(**{what.link: row}, position=place, **values)
    after = {"version": row.version, "title": row.title, "parts": len(parts)}
    audit.record(actor=actor, action=f"{kind}.draft", target=row, after=after)
    return row


def _guard_parts(kind: str, parts: Sequence[Mapping[str, Any]]) -> None:
    if not parts:
        raise InvalidInput("parts_missing", _("It asks for at least one thing."))
    if len(parts) > MOST_PARTS:
        raise InvalidInput("too_many_parts", _("At most %(most)d questions."), params={"most": MOST_PARTS})
    if any(not one["text_en"].strip() or not one["text_zh"].strip() for one in parts):
        raise InvalidInput("language_missing", _("Give each text in both languages."))
    asked = {one["purpose"] for one in parts} if kind == "consent" else set(REQUIRED)
    if missing := [ConsentPurpose(one).label for one in REQUIRED if one not in asked]:
        raise InvalidInput(
            "purpose_missing",
            _("No kit can be given out without these purposes: %(names)s."),
            params={"names": ", ".join(map(str, missing))},
        )


@transaction.atomic
def version_approve(*, kind: str, version_id: UUID, user: User, password: str) -> Version:
    """Put a version in force today, with the password; never by the person who wrote it. The former ends."""
    what = KINDS[kind]
    _lock(what)
    row: Version | None = what.model.objects.filter(pk=version_id).first()
    if row is None:
        raise InvalidInput("version_unknown", _("There is no such version."))
    if row.approved_at is not None:
        raise Conflict("approved_already", _("This version is approved already."))
    guard_signature(user, password, {str(row.created_by_id)} if row.created_by_id else ())
    today = timezone.localdate()
    what.model.objects.filter(is_current=True).update(is_current=False, valid_until=today)
    row.approved_by, row.approved_at = user, timezone.now()
    row.valid_from, row.is_current = today, True
    row.save(update_fields=["approved_by", "approved_at", "valid_from", "is_current"])
    after = {"version": row.version, "valid_from": today}
    audit.record(actor=Actor.user(user), action=f"{kind}.approve", target=row, after=after)
    return row


def _lock(what: VersionKind) -> None:
    """Two writers of one text follow one another: there need not be a row of it yet that could be locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x0C0F, what.lock])
