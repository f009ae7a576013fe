"""Consent form and questionnaire in versions, and the bank's declarations: one writes, another signs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from django.utils import timezone

from bank.consent_defaults import PROPOSALS
from bank.models import ConsentDeclaration, ConsentForm, ConsentItem, Question, Questionnaire
from bank.services_declaration import declaration_approve, declaration_end, declaration_write
from bank.services_versions import KINDS, MOST_PARTS, Version, version_approve, version_draft
from core.audit import Actor
from core.errors import DomainError, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from tests.factories.bank import BankFactory
from tests.factories.consent import SYSTEM
from tests.factories.core import PASSWORD, UserFactory
from tests.parallel import at_once

pytestmark = pytest.mark.django_db


def draft(kind: str = "consent", actor: Actor = SYSTEM, **more: Any) -> Version:
    return version_draft(kind=kind, actor=actor, **{"title": "T", "parts": PROPOSALS[kind], **more})


def approve(row: Version, user: User, kind: str = "consent", password: str = PASSWORD) -> Version:
    return version_approve(kind=kind, version_id=row.pk, user=user, password=password)


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_is_written_approved_and_replaced(kind: str, director: User) -> None:
    model = KINDS[kind].model
    assert model.objects.in_force() is None
    first = approve(draft(kind), director, kind)
    second = approve(draft(kind), director, kind)

    first.refresh_from_db()
    assert model.objects.in_force() == second
    assert (first.version, second.version) == (1, 2)
    assert (first.is_current, first.valid_until) == (False, timezone.localdate())
    assert second.valid_from == timezone.localdate()
    actions = list(AuditEntry.objects.order_by("at").values_list("action", flat=True))
    assert actions == [f"{kind}.draft", f"{kind}.approve"] * 2


def test_a_draft_asks_nobody_and_is_replaced_by_the_next(director: User) -> None:
    draft()
    again = draft(title="Better")

    assert ConsentForm.objects.get() == again
    assert again.version == 1
    assert ConsentForm.objects.in_force() is None


def _without(purpose: str) -> list[dict[str, Any]]:
    return [one for one in PROPOSALS["consent"] if one["purpose"] != purpose]


@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("consent", {"title": " "}, "title_missing"),
        ("consent", {"parts": []}, "parts_missing"),
        ("consent", {"parts": _without("donation")}, "purpose_missing"),
        ("consent", {"parts": _without("testing")}, "purpose_missing"),
        ("questions", {"parts": [{"text_en": "a", "text_zh": " "}]}, "language_missing"),
        ("questions", {"parts": [{"text_en": "a", "text_zh": "b"}] * (MOST_PARTS + 1)}, "too_many_parts"),
    ],
)
def test_a_draft_that_asks_for_too_little(kind: str, more: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as caught:
        draft(kind, **more)

    assert caught.value.code == code
    assert not KINDS[kind].model.objects.exists()


def test_nobody_approves_what_he_wrote_nor_without_his_password(director: User) -> None:
    own = draft(actor=Actor.user(director))
    with pytest.raises(NotAllowed) as caught:
        approve(own, director)
    assert caught.value.code == "own_work"
    with pytest.raises(NotAllowed) as caught:
        approve(own, UserFactory(roles=[Role.MEDICAL_DIRECTOR]), password="x")
    assert caught.value.code == "wrong_password"
    with pytest.raises(IntegrityError), transaction.atomic():
        ConsentForm.objects.update(
            approved_by=director, approved_at=timezone.now(), valid_from=timezone.localdate()
        )


@pytest.mark.parametrize(("kind", "part"), [("consent", ConsentItem), ("questions", Question)])
def test_the_application_s_role_changes_nothing_of_an_approved_version(
    kind: str, part: Any, director: User
) -> None:
    row = draft(kind)
    table = part._meta.db_table

    def changed(sql: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE qidai_app")
            cursor.execute(sql)

    link = f"{KINDS[kind].link}_id"
    more = ", purpose" if kind == "consent" else ", kind, defers_on"
    added = (
        f"INSERT INTO {table} (id, {link}, position, text_en, text_zh{more})"
        f" SELECT gen_random_uuid(), {link}, 99, text_en, text_zh{more} FROM {table} LIMIT 1"
    )

    changed(f"UPDATE {table} SET text_en = 'draft'")
    if kind == "questions":
        changed(added)
    approve(row, director, kind)
    for sql in (f"UPDATE {table} SET text_en = 'other'", f"DELETE FROM {table}", added):
        with pytest.raises(InternalError, match="never changed"):
            changed(sql)


def test_two_versions_cannot_be_in_force(director: User) -> None:
    approve(draft("questions"), director, "questions")
    other = draft("questions")

    with pytest.raises(IntegrityError), transaction.atomic():
        Questionnaire.objects.filter(pk=other.pk).update(
            is_current=True, approved_by=director, approved_at=timezone.now(), valid_from=timezone.localdate()
        )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_approves_the_rest_are_told() -> None:
    director, row = UserFactory(roles=[Role.MEDICAL_DIRECTOR]), draft()

    found = at_once(lambda: approve(row, director), 20)

    assert [one.code for one in found if isinstance(one, DomainError)] == ["approved_already"] * 19
    assert ConsentForm.objects.filter(is_current=True).count() == 1


# --- declarations -----------------------------------------------------------------------------------


def declare(actor: Actor = SYSTEM, **more: Any) -> ConsentDeclaration:
    given = {
        "bank_id": BankFactory().pk,
        "purpose": "abroad",
        "collected_from": dt.date(2010, 1, 1),
        "collected_until": dt.date(2015, 1, 1),
        "reason": "forms of these years, archive 3",
    }
    return declaration_write(actor=actor, **{**given, **more})


def test_a_declaration_is_written_signed_and_ended(qa: User, director: User) -> None:
    row = declare(Actor.user(qa))
    assert not ConsentDeclaration.objects.in_force().exists()

    declaration_approve(declaration_id=row.pk, user=director, password=PASSWORD)
    assert ConsentDeclaration.objects.in_force().get() == row
    declaration_end(declaration_id=row.pk, actor=Actor.user(qa), reason="form 2012 has no such item")

    assert not ConsentDeclaration.objects.in_force().exists()
    actions = AuditEntry.objects.filter(action__startswith="declaration").order_by("at")
    assert list(actions.values_list("action", flat=True)) == [
        "declaration.write",
        "declaration.approve",
        "declaration.end",
    ]
    for again in (
        lambda: declaration_end(declaration_id=row.pk, actor=Actor.user(qa), reason="r"),
        lambda: declaration_approve(declaration_id=row.pk, user=director, password=PASSWORD),
    ):
        with pytest.raises(DomainError) as caught:
            again()
        assert caught.value.code == "ended_already"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"purpose": "contact"}, "not_declarable"),
        ({"purpose": "donation"}, "not_declarable"),
        ({"collected_until": dt.date(2999, 1, 1)}, "date_future"),
        ({"collected_until": dt.date(2009, 1, 1)}, "period"),
        ({"reason": " "}, "reason_needed"),
        ({"bank_id": None}, "bank_unknown"),
    ],
)
def test_declarations_that_cannot_be(more: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as caught:
        declare(**more)

    assert caught.value.code == code


def test_nobody_signs_his_own_declaration(director: User) -> None:
    row = declare(Actor.user(director))

    with pytest.raises(NotAllowed) as caught:
        declaration_approve(declaration_id=row.pk, user=director, password=PASSWORD)

    assert caught.value.code == "own_work"
    assert not ConsentDeclaration.objects.in_force().exists()
