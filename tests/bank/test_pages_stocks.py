"""Pages of samples and of units that leave."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bank import stock_pages
from bank.models import CordBloodUnit, DiscardProposal, SampleUse, Slot
from core.models import AuditEntry, User
from core.roles import Role
from tests.bank.test_pages_quality import passport, post
from tests.factories.bank import BankFactory, SpecificationFactory, UnitFactory
from tests.factories.consent import consented_unit
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.stocks import ProposalFactory, SampleFactory
from tests.factories.storage import slot, tank

pytestmark = pytest.mark.django_db
FEW = 3  # queries of a page that a cache answers now and then; twenty rows cost none of their own
WAY = {"to": "DISCARDED", "code": "clots", "reason": "a clot"}
USE = {"sample": "unit-segment", "count": "1", "purpose": "confirmatory", "for_what": "REQ-7"}


def act(client: Any, unit: CordBloodUnit, name: str, **data: str) -> Any:
    return client.post(reverse("bank:unit-samples-act", args=[unit.pk, name]), data)


def page(client: Any, name: str, *args: Any) -> str:
    return str(client.get(reverse(f"bank:{name}", args=args)).content.decode())


# --- samples --------------------------------------------------------------------------------------


def test_a_sample_is_used_and_the_passport_says_so(signed_in: Any, lab: User) -> None:
    unit, client = SampleFactory().unit, signed_in(lab)

    assert act(client, unit, "use", **USE).status_code == 302

    shown = page(client, "unit-samples", unit.pk)
    for text in ("Segment", "Confirmatory typing · REQ-7", str(lab.full_name), "It is recorded; 2 are left."):
        assert text in shown, text
    history = passport(client, unit)
    assert "Sample used" in history
    assert "Segment · −1 · Confirmatory typing · REQ-7 · 2 left" in history
    assert "2/3" in history


def test_what_cannot_be_stays_in_the_form_with_the_reason(signed_in: Any, lab: User) -> None:
    unit, client = SampleFactory().unit, signed_in(lab)

    many = act(client, unit, "use", **{**USE, "count": "4"})
    lost = act(client, unit, "use", **{**USE, "purpose": "lost"})

    assert (many.status_code, lost.status_code) == (409, 400)
    assert "Only 3 of these samples are left." in many.content.decode()
    assert 'value="REQ-7"' in many.content.decode()
    assert "Write why" in lost.content.decode()
    assert not SampleUse.objects.exists()


def test_a_sample_is_laid_aside_and_its_count_corrected_with_the_password(
    signed_in: Any, lab: User, qa: User
) -> None:
    unit, client = SampleFactory(unit=consented_unit()).unit, signed_in(lab)
    opened = act(client, unit, "open", sample="mother-serum", opening="3", place="F1 box 2")
    own = {"sample": "mother-serum", "counted": "2", "reason": "counted anew", "password": PASSWORD}

    assert opened.status_code == 302
    assert "Serum of the mother" in page(client, "unit-samples", unit.pk)
    assert act(client, unit, "correct", **own).status_code == 403  # who laid it aside
    client = signed_in(qa)
    assert act(client, unit, "correct", **{**own, "counted": "4"}).status_code == 409
    assert act(client, unit, "correct", **own).status_code == 302
    assert "Count corrected" in page(client, "unit-samples", unit.pk)
    assert AuditEntry.objects.filter(action="unit.sample_sign_refused").count() == 1


def test_each_reader_gets_the_forms_that_he_may_send(signed_in: Any, lab: User, director: User) -> None:
    unit = SampleFactory().unit
    shipper = UserFactory(roles=[Role.SHIPPING])

    for user, texts in (
        (lab, {"Use a sample", "Lay a sample aside", "Sign the count"}),
        (director, {"Sign the count"}),
        (shipper, set()),
    ):
        shown = page(signed_in(user), "unit-samples", unit.pk)
        for text in ("Use a sample", "Lay a sample aside", "Sign the count"):
            assert (text in shown) == (text in texts), (user, text)
    assert signed_in(shipper).post(f"/units/{unit.pk}/samples/use/", USE).status_code == 403
    assert signed_in(lab).post(f"/units/{unit.pk}/samples/fun/").status_code == 404


def test_without_a_segment_registries_are_told_so(signed_in: Any, qa: User, coordinator: User) -> None:
    unit = UnitFactory(segments=0, bank=BankFactory(emdis_hub="CN"))
    left = UnitFactory(segments=1)
    blocked = UnitFactory(segments=0, recalled=True)

    for user in (qa, coordinator):
        assert "AV/NS" in passport(signed_in(user), unit)
        assert "AV/NS" not in passport(signed_in(user), left)
    client = signed_in(qa)
    assert "AV/NS" not in passport(client, blocked)
    assert "No segment is left" in page(client, "unit-samples", unit.pk)
    assert "/samples/" not in passport(signed_in(coordinator), unit)


# --- leaving --------------------------------------------------------------------------------------


def test_a_unit_leaves_by_two_people_in_the_browser(signed_in: Any, qa: User, director: User) -> None:
    unit = UnitFactory()
    tank(bank=unit.bank)
    Slot.objects.filter(pk=slot(1).pk).update(unit=unit)
    client = signed_in(qa)
    assert "Discard or give away" in passport(client, unit)

    assert post(client, "unit-disposal", unit.pk, **WAY).status_code == 302
    own = page(client, "unit-disposal", unit.pk)
    assert "Your own proposal" in own
    assert "Your password" not in own
    row = DiscardProposal.objects.get()
    decide = {"proposal": str(row.pk), "password": PASSWORD}
    assert post(client, "disposal-decide", unit.pk, **decide).status_code == 403
    client = signed_in(director)
    assert "a clot" in page(client, "discard-list")
    assert "Decide on the proposal" in passport(client, unit)
    done = client.post(reverse("bank:disposal-decide", args=[unit.pk]), decide, follow=True)

    assert "Take its bag out of T1-R1-C1-01." in done.content.decode()
    assert "Carried out" in done.content.decode()
    unit.refresh_from_db()
    assert unit.status == "DISCARDED"
    assert not Slot.objects.filter(unit=unit).exists()
    assert "Nothing is to decide." in page(client, "discard-list")
    told = passport(client, unit)
    for text in ("Proposed that it leave", "Discarded → Discarded", "Taken out of its place"):
        assert text in told, text


def test_a_proposal_is_refused_or_withdrawn_with_a_reason(signed_in: Any, qa: User, director: User) -> None:
    row = ProposalFactory(proposed_by=qa)
    unit, key = row.unit, {"proposal": str(row.pk)}
    client = signed_in(director)

    refuse = {**key, "password": PASSWORD, "refuse": ""}
    assert post(client, "disposal-decide", unit.pk, **refuse).status_code == 400
    assert post(client, "disposal-withdraw", unit.pk, **key, reason="r").status_code == 403
    assert post(client, "disposal-decide", unit.pk, **refuse, reason="no clot").status_code == 302
    assert "no clot" in page(client, "unit-disposal", unit.pk)
    second = ProposalFactory(unit=unit, proposed_by=qa)
    client = signed_in(qa)
    late = post(client, "disposal-withdraw", unit.pk, **key, reason="r")
    assert (late.status_code, "Somebody was quicker" in late.content.decode()) == (409, True)
    assert str(second.pk) in late.content.decode()  # the one that waits, to be withdrawn instead
    now = {"proposal": str(second.pk), "reason": "a slip"}
    assert post(client, "disposal-withdraw", unit.pk, **now).status_code == 302
    assert DiscardProposal.objects.filter(state="open").count() == 0


def test_what_is_missing_in_a_proposal_stands_beside_it(signed_in: Any, qa: User, lab: User) -> None:
    unit = UnitFactory()

    missing = post(signed_in(qa), "unit-disposal", unit.pk, to="DISCARDED", code="", reason="")
    assert missing.status_code == 400
    assert missing.content.decode().count("This field is required.") >= 2
    assert "Research" not in missing.content.decode().split("<form")[-1]  # a listed unit goes there by no way
    assert post(signed_in(lab), "unit-disposal", unit.pk, **WAY).status_code == 403
    assert "you cannot propose anything" in page(signed_in(lab), "unit-disposal", unit.pk)


def test_work_and_release_desk_count_what_is_to_decide(
    signed_in: Any, qa: User, lab: User, director: User
) -> None:
    SpecificationFactory(bank=BankFactory(), approved=True)
    ProposalFactory(proposed_by=qa)
    ProposalFactory(proposed_by=lab, unit__status="COLLECTED")

    assert [item.count for item in stock_pages.disposal_work(qa)] == [1]  # of another one
    assert [item.count for item in stock_pages.disposal_work(director)] == [2]
    assert stock_pages.disposal_work(lab) == []
    desk = signed_in(qa).get(reverse("bank:release-desk"))
    assert desk.context["proposed"] == 2
    assert [row["state"]["text"] for row in desk.context["rows"]] == ["proposed to leave"]


@pytest.mark.parametrize("name", ["discard-list", "release-desk"])
def test_lists_read_the_same_for_one_and_for_twenty(signed_in: Any, qa: User, name: str) -> None:
    client, counts = signed_in(qa), []
    for more in (1, 19):
        for _ in range(more):
            ProposalFactory()
        page(client, name)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client, name)
        counts.append(len(queries))

    assert counts[1] - counts[0] < FEW


def test_the_history_of_samples_reads_the_same_for_one_and_for_twenty(signed_in: Any, lab: User) -> None:
    unit, client, counts = SampleFactory(unit__segments=30).unit, signed_in(lab), []
    for more in (1, 19):
        for _ in range(more):
            act(client, unit, "use", **USE)
        page(client, "unit-samples", unit.pk)
        with CaptureQueriesContext(connection) as queries:
            page(client, "unit-samples", unit.pk)
        counts.append(len(queries))

    assert counts[1] - counts[0] < FEW


@pytest.mark.django_db(transaction=True)  # no test around it lends its transaction to a page
@pytest.mark.parametrize("which", ["disposal", "samples", "release", "specification"])
def test_a_refused_signature_is_told_and_recorded(
    signed_in: Any, qa: User, director: User, which: str
) -> None:
    cache.clear()
    unit = UnitFactory(status="QUARANTINE")
    specification = SpecificationFactory(bank=unit.bank, approved=which == "release")
    row = ProposalFactory(unit=unit) if which == "disposal" else None
    SampleFactory(unit=unit)
    client = signed_in(director)
    name, key, data = {
        "disposal": ("disposal-decide", [unit.pk], {"proposal": str(row and row.pk)}),
        "samples": (
            "unit-samples-act", [unit.pk, "correct"], {"sample": "unit-segment", "counted": "1", "reason": "r"},
        ),
        "release": ("unit-release", [unit.pk], {"refuse": "", "justification": "r"}),
        "specification": ("specification-approve", [specification.pk], {}),
    }[which]  # fmt: skip
    if which == "release":
        shown = client.get(reverse("bank:unit-release", args=[unit.pk]))
        data["seen"] = shown.context["form"].initial["seen"]

    answer = client.post(reverse(f"bank:{name}", args=key), {**data, "password": "not it"})

    assert answer.status_code == 403
    assert "This is not your password." in answer.content.decode()
    assert AuditEntry.objects.get(action__contains="sign_refused").after == {"reason": "wrong_password"}
