"""The bank's own texts on papers: written by one, approved by another, never changed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.pdf.document import Heading, Notice, Text
from core.roles import Role
from tests.factories import papers as make
from tests.factories.core import PASSWORD, UserFactory
from tests.parallel import all_at_once
from transplants.choices_papers import TextKind
from transplants.models import PaperText
from transplants.papers import texts
from transplants.papers.defaults import PROPOSALS
from transplants.papers.texts import BankText
from transplants.providers_papers import work_items
from transplants.services_papers import LONGEST_TEXT, text_approve, text_draft


@pytest.fixture
def ma_qi(db: None) -> User:
    return UserFactory(roles=[Role.QA], full_name="Ma Qi")


@pytest.fixture
def dr_sun(db: None) -> User:
    return UserFactory(roles=[Role.MEDICAL_DIRECTOR], full_name="Dr. Sun")


def draft(user: User, **values: Any) -> PaperText:
    given = {"kind": TextKind.THAW, "text_en": "# Ours", "text_zh": "# 本库", "base": None, **values}
    return text_draft(actor=Actor.user(user), **given)


# --- services -------------------------------------------------------------------------------------


def test_a_version_is_written_by_one_and_put_in_force_by_another(ma_qi: User, dr_sun: User) -> None:
    first = text_approve(text_id=draft(ma_qi).pk, user=dr_sun, password=PASSWORD)
    assert PaperText.objects.current() == {"thaw": first}

    second = draft(ma_qi, text_en="# Newer", base=first.pk)
    assert PaperText.objects.current() == {"thaw": first}
    text_approve(text_id=second.pk, user=dr_sun, password=PASSWORD)

    first.refresh_from_db()
    assert PaperText.objects.current() == {"thaw": second}
    assert second.version == 2
    assert (first.is_current, first.valid_until) == (False, timezone.localdate())
    trail = AuditEntry.objects.filter(action__startswith="paper_text.").order_by("at")
    steps = ["paper_text.draft", "paper_text.approve"]
    assert list(trail.values_list("action", flat=True)) == steps * 2


def test_who_wrote_it_cannot_approve_it(dr_sun: User) -> None:
    row = draft(dr_sun)

    with pytest.raises(NotAllowed) as caught:
        text_approve(text_id=row.pk, user=dr_sun, password=PASSWORD)

    assert caught.value.code == "own_work"
    assert PaperText.objects.current() == {}


def test_a_wrong_password_approves_nothing(ma_qi: User, dr_sun: User) -> None:
    with pytest.raises(NotAllowed) as caught:
        text_approve(text_id=draft(ma_qi).pk, user=dr_sun, password="guess")

    assert caught.value.code == "wrong_password"
    assert PaperText.objects.current() == {}


def test_a_second_approval_says_that_it_is_approved(ma_qi: User, dr_sun: User) -> None:
    row = draft(ma_qi)
    text_approve(text_id=row.pk, user=dr_sun, password=PASSWORD)

    with pytest.raises(Conflict) as caught:
        text_approve(text_id=row.pk, user=dr_sun, password=PASSWORD)

    assert caught.value.code == "approved_already"


def test_a_new_draft_takes_the_place_of_an_open_one(ma_qi: User, dr_sun: User) -> None:
    first = draft(ma_qi)
    second = draft(ma_qi, text_en="# Second", base=first.pk)

    assert list(PaperText.objects.all()) == [second]
    with pytest.raises(Conflict) as caught:
        text_approve(text_id=first.pk, user=dr_sun, password=PASSWORD)
    assert caught.value.code == "text_replaced"


def test_who_began_with_an_older_version_is_told(ma_qi: User) -> None:
    draft(ma_qi)

    with pytest.raises(Conflict) as caught:
        draft(ma_qi, text_en="# Mine")

    assert caught.value.code == "text_stale"
    assert PaperText.objects.get().text_en == "# Ours"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"text_en": " \n "}, "language_missing"),
        ({"text_zh": ""}, "language_missing"),
        ({"text_en": "x" * (LONGEST_TEXT + 1)}, "text_too_long"),
        ({"kind": "poem"}, "text_unknown"),
    ],
)
def test_what_is_no_text_is_refused(ma_qi: User, values: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        draft(ma_qi, **values)

    assert caught.value.code == code
    assert not PaperText.objects.exists()
    assert not AuditEntry.objects.filter(action="paper_text.draft").exists()


def test_an_approved_text_is_never_changed_by_the_application(ma_qi: User, dr_sun: User) -> None:
    row = text_approve(text_id=draft(ma_qi).pk, user=dr_sun, password=PASSWORD)

    for change in (
        lambda: PaperText.objects.filter(pk=row.pk).update(text_en="other"),
        lambda: PaperText.objects.filter(pk=row.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change()


def test_the_database_holds_one_text_in_force(ma_qi: User) -> None:
    make.text()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.text()
    make.text(TextKind.CARRIERS)  # of another kind


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_once_leave_one_draft_and_one_is_told() -> None:
    people = [UserFactory(roles=[Role.QA]) for _ in range(4)]

    found = all_at_once([partial(draft, user, text_en=f"# {n}") for n, user in enumerate(people)])

    refused = [one for one in found if isinstance(one, DomainError)]
    assert {one.code for one in refused} == {"text_stale"}
    assert len(refused) == 3
    assert PaperText.objects.count() == 1


# --- lines ----------------------------------------------------------------------------------------


def test_each_sign_makes_its_block() -> None:
    found = BankText(TextKind.THAW, 3, "# Head\n\n- step\n! danger\n  plain  ")

    assert list(texts.blocks(found)) == [
        Heading("Head", 2),
        Text("• step"),
        Notice("danger", "bad"),
        Text("plain"),
        Text("Text of the bank, version 3.", "muted", small=True),
    ]


@given(st.text(st.sampled_from("#-! ab\n脐"), max_size=40))
def test_no_word_of_a_text_is_lost_on_paper(text: str) -> None:
    said = "".join(block.text for block in texts.blocks(BankText(TextKind.THAW, 1, text)))

    for letter in "ab脐":
        assert said.replace("Text of the bank, version 1.", "").count(letter) == text.count(letter)


def test_every_text_has_a_proposal_in_both_languages_but_the_address() -> None:
    assert set(PROPOSALS) == set(TextKind)
    for kind, (english, chinese) in PROPOSALS.items():
        assert bool(english) == bool(chinese) == (kind != TextKind.SENDER)
        shapes = [[line[:2] for line in texts.lines(one)] for one in (english, chinese)]
        assert shapes[0] == shapes[1], kind


# --- pages ----------------------------------------------------------------------------------------


def edit_url(kind: str = "thaw") -> str:
    return reverse("transplants:paper-text-edit", args=[kind])


def test_from_the_proposal_to_the_text_in_force(ma_qi: User, dr_sun: User, signed_in: Any) -> None:
    client = signed_in(ma_qi)
    page = client.get(reverse("transplants:paper-text-list")).content.decode()
    assert "No version is in force" in page
    assert "Begin with the proposal" in page

    form = client.get(edit_url()).context["form"]
    assert "HEMACORD label" in form.initial["text_en"]
    sent = client.post(edit_url(), {"text_en": "# Ours", "text_zh": "# 本库", "base": ""}, follow=True)
    row = PaperText.objects.get()
    assert "another person approves it" in sent.content.decode()
    assert "A draft: it stands on no paper" in sent.content.decode()

    client = signed_in(dr_sun)
    (item,) = work_items(dr_sun)
    assert item.url == reverse("transplants:paper-text-detail", args=[row.pk])
    done = client.post(
        reverse("transplants:paper-text-approve", args=[row.pk]), {"password": PASSWORD}, follow=True
    )
    assert "The text is in force from today" in done.content.decode()
    assert work_items(dr_sun) == []
    assert PaperText.objects.get().is_current


def test_a_refused_signature_is_audited_and_the_page_says_why(
    ma_qi: User, dr_sun: User, signed_in: Any
) -> None:
    row = draft(ma_qi)

    page = signed_in(dr_sun).post(
        reverse("transplants:paper-text-approve", args=[row.pk]), {"password": "guess"}
    )

    assert page.status_code == 403
    assert "This is not your password." in page.content.decode()
    assert AuditEntry.objects.filter(action="paper_text.sign_refused").count() == 1


def test_nobody_is_offered_to_approve_the_own_text(dr_sun: User, ma_qi: User, signed_in: Any) -> None:
    address = reverse("transplants:paper-text-detail", args=[draft(dr_sun).pk])

    own = signed_in(dr_sun).get(address).content.decode()
    assert "Somebody else must approve it." in own
    assert 'name="password"' not in own
    assert 'name="password"' not in signed_in(ma_qi).get(address).content.decode()


def test_what_was_typed_stays_in_a_form_that_was_refused(ma_qi: User, signed_in: Any) -> None:
    draft(ma_qi)

    page = signed_in(ma_qi).post(edit_url(), {"text_en": "# Mine", "text_zh": "# 我的", "base": ""})
    half = signed_in(ma_qi).post(edit_url(), {"text_en": "# Mine", "text_zh": "", "base": ""})

    assert page.status_code == 409
    assert "# Mine" in page.content.decode()
    assert "Another version was written since" in page.content.decode()
    assert half.status_code == 400
    assert "Give the text in both languages." in half.content.decode()
    assert PaperText.objects.get().text_en == "# Ours"


def test_unknown_texts_are_not_found(ma_qi: User, signed_in: Any) -> None:
    assert signed_in(ma_qi).get(edit_url("poem")).status_code == 404


@pytest.mark.parametrize("versions", [1, 20])
def test_the_list_reads_as_much_for_one_version_as_for_twenty(
    versions: int, ma_qi: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    make.text(version=versions)
    for version in range(1, versions):
        make.text(version=version, is_current=False)
    client = signed_in(ma_qi)

    with django_assert_max_num_queries(8):  # session, person, roles, header; the texts are one
        page = client.get(reverse("transplants:paper-text-list"))

    assert page.content.decode().count("replaced") == versions - 1
