"""Pages of confirmatory typings: what each person sees, what is offered, what is refused and kept."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from core.roles import Role
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, member_of
from tests.factories.typings import (
    OTHER_A,
    ConfirmatoryTypingFactory,
    promised,
    shown,
    typing_row,
)
from transplants import services_typings as services
from transplants.models import ConfirmatoryTyping, Reservation

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(db: None) -> User:
    return UserFactory(roles=[Role.LAB], full_name="Lin Yue")


@pytest.fixture
def qa(db: None) -> User:
    return UserFactory(roles=[Role.QA], full_name="Qian Wei")


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:typing-{name}", args=args)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def verified(gl: str = GL, row: Reservation | None = None) -> ConfirmatoryTyping:
    found = ConfirmatoryTypingFactory(reservation=row or promised(), reported_now=True, gl=gl)
    qa = UserFactory(roles=[Role.QA])
    return services.typing_verify(typing_id=found.pk, user=qa, shown=shown(found))


def test_from_the_reservation_to_the_confirmed_unit(lab: User, qa: User, signed_in: Any) -> None:
    row = promised()
    he_lan = member_of(row.hospital)
    page = text(signed_in(he_lan).get(reverse("transplants:reservation-detail", args=[row.pk])))
    assert url("create", row.pk) in page
    assert "Before it is ordered" in page

    form = signed_in(he_lan).get(url("create", row.pk))
    sent = {"note": "", "typing_id": str(form.context["form"]["typing_id"].value())}
    answers = [signed_in(he_lan).post(url("create", row.pk), sent) for _ in range(2)]
    typing = ConfirmatoryTyping.objects.get()
    assert [answer.url for answer in answers] == [url("detail", typing.pk)] * 2

    page = text(signed_in(lab).get(url("detail", typing.pk)))
    assert "Take one segment" in page
    assert "No result yet" in page
    signed_in(lab).post(url("sample", typing.pk), {"used_on": ""})
    assert url("report", typing.pk) in text(signed_in(lab).get(url("detail", typing.pk)))
    entered = {
        "gl": GL,
        "laboratory": "HLA lab",
        "method": "ngs",
        "typed_on": timezone.localdate().isoformat(),
    }
    assert signed_in(lab).post(url("report", typing.pk), entered).status_code == 302

    own = text(signed_in(lab).get(url("detail", typing.pk)))
    assert "You entered this result yourself" in own
    assert "Verify the result" not in own
    page = signed_in(qa).get(url("detail", typing.pk))
    assert [one["text"] for one in page.context["loci"]] == ["agrees"] * 5
    answer = signed_in(qa).post(
        url("verify", typing.pk), {"shown": page.context["forms"]["verify"].initial["shown"]}, follow=True
    )
    assert "The typing of the unit is confirmed." in text(answer)
    page = text(signed_in(he_lan).get(reverse("transplants:reservation-detail", args=[row.pk])))
    assert f"Confirmed on an attached segment by {typing.number}" in page
    assert url("create", row.pk) not in page


def test_a_contradiction_is_said_loudly_before_and_after_it_is_verified(qa: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(reported_now=True, gl=OTHER_A)

    page = text(signed_in(qa).get(url("detail", row.pk)))
    assert "The result contradicts the listed typing" in page
    assert "HLA-A" in page
    answer = text(signed_in(qa).post(url("verify", row.pk), {"shown": shown(row)}, follow=True))

    assert "an incident is open" in answer
    assert "Do not count on this unit" in answer
    settler = UserFactory(roles=[Role.QA])
    assert reverse("bank:unit-typing-settle", args=[row.unit_id]) in text(
        signed_in(settler).get(url("detail", row.pk))
    )
    hospital = text(signed_in(member_of(row.hospital)).get(url("detail", row.pk)))
    assert "Do not count on this unit" in hospital
    assert reverse("bank:unit-typing-settle", args=[row.unit_id]) not in hospital
    settle = text(signed_in(settler).get(reverse("bank:unit-typing-settle", args=[row.unit_id])))
    assert "Confirmatory typing" in settle  # a candidate


def test_a_result_that_says_more_is_told_and_changes_nothing(signed_in: Any, qa: User) -> None:
    listed = GL.replace("A*11:01+A*24:02", "A*11+A*24:02").replace("^DQB1*03:03+DQB1*06:01", "")
    row = verified(GL, promised(listed))

    page = signed_in(qa).get(url("detail", row.pk))

    words = {one["locus"]: one["text"] for one in page.context["loci"]}
    assert (words["A"], words["DQB1"], words["B"]) == ("agrees, says more", "not listed before", "agrees")
    assert "The result says more than the listed typing" in text(page)


def test_a_settled_one_says_that_it_vouches_for_nothing(signed_in: Any, qa: User) -> None:
    row = verified(OTHER_A)
    ConfirmatoryTyping.objects.update(settled_at=timezone.now())

    page = text(signed_in(qa).get(url("detail", row.pk)))

    assert "Discrepant, overtaken" in page
    assert "vouches for nothing any more" in page


def test_a_stale_page_is_told_so_and_shows_what_is_so_now(qa: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(reported_now=True)
    stale = shown(row)
    row.unit.typings.update(is_current=False)
    typing_row(row.unit, OTHER_A)

    answer = signed_in(qa).post(url("verify", row.pk), {"shown": stale})

    assert answer.status_code == 409
    assert "not what the page showed" in text(answer)
    assert answer.context["forms"]["verify"]["shown"].value() == shown(row)
    row.refresh_from_db()
    assert row.state == "reported"


def test_a_step_that_somebody_has_made_says_where_it_stands(lab: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(cancelled=True)

    answer = signed_in(lab).post(url("sample", row.pk), {})

    assert answer.status_code == 409
    assert f"{row.number} is “Cancelled” now" in text(answer)


def test_what_was_typed_stays_beside_the_error(lab: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(sampled=True)

    answer = signed_in(lab).post(
        url("report", row.pk),
        {"hla_A_1": "11:01", "hla_B_1": "40:99x", "laboratory": "", "method": "", "typed_on": ""},
    )

    assert answer.status_code == 400
    page = text(answer)
    assert 'value="40:99x"' in page
    assert {"Name the laboratory.", "Choose how the segment was typed.", "Give the day of the report."} <= {
        str(error) for errors in answer.context["form"].errors.values() for error in errors
    }
    half = {"gl": "A*11:01^B*40:01+B*46:01^DRB1*09:01+DRB1*15:01", "laboratory": "L", "method": "ngs"}
    answer = signed_in(lab).post(
        url("report", row.pk), {**half, "typed_on": timezone.localdate().isoformat()}
    )
    assert "Both values of HLA-A are needed" in str(answer.context["form"].errors["hla_A_2"])


def test_the_form_for_the_result_shows_no_listed_typing(lab: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(sampled=True)

    page = text(signed_in(lab).get(url("report", row.pk)))

    assert "B*40:01" not in page.replace("For example A*02:01+A*24:02^B*40:01+B*46:01", "")
    assert "No result is awaited now" not in page
    assert "No result is awaited now" in text(signed_in(lab).get(url("report", verified().pk)))


def test_what_was_taken_back_stays_in_sight_of_the_bank(qa: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory(reported_now=True, gl=OTHER_A)
    he_lan = member_of(row.hospital)
    sent = {"shown": shown(row), "reason": "typed from the wrong sheet"}
    assert signed_in(qa).post(url("take-back", row.pk), sent).status_code == 302

    bank, hospital = (text(signed_in(person).get(url("detail", row.pk))) for person in (qa, he_lan))

    assert "A*02:01+A*24:02" in bank
    assert "A*02:01+A*24:02" not in hospital


def test_the_laboratory_reads_a_code_and_no_link_to_the_patient(lab: User, signed_in: Any) -> None:
    row = ConfirmatoryTypingFactory()

    for page in (text(signed_in(lab).get(url("detail", row.pk))), text(signed_in(lab).get(url("list")))):
        assert row.patient.code in page
        assert reverse("hospitals:patient-detail", args=[row.patient_id]) not in page
        assert reverse("transplants:reservation-detail", args=[row.reservation_id]) not in page


def test_a_hospital_sees_its_own_only(signed_in: Any) -> None:
    mine, theirs = ConfirmatoryTypingFactory(), ConfirmatoryTypingFactory()
    client = signed_in(member_of(mine.hospital))

    page = text(client.get(url("list")))

    assert mine.number in page
    assert theirs.number not in page
    assert client.get(url("detail", theirs.pk)).status_code == 404


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"late", "asked", "sampled", "reported"}),
        ("?state=overdue", {"late"}),
        ("?state=asked", {"late", "asked"}),
        ("?state=confirmed", {"confirmed"}),
        ("?state=all", {"late", "asked", "sampled", "reported", "confirmed"}),
        ("?q=CT-LATE", {"late"}),
        ("?state=nonsense", {"late", "asked", "sampled", "reported"}),
    ],
)
def test_filters_of_the_list_and_its_file(query: str, wanted: set[str], qa: User, signed_in: Any) -> None:
    long_ago = timezone.now() - dt.timedelta(days=30)
    rows = {
        "late": ConfirmatoryTypingFactory(number="CT-LATE", asked_at=long_ago),
        "asked": ConfirmatoryTypingFactory(),
        "sampled": ConfirmatoryTypingFactory(sampled=True),
        "reported": ConfirmatoryTypingFactory(reported_now=True),
        "confirmed": verified(),
    }
    numbers = {row.number: name for name, row in rows.items()}

    page = signed_in(qa).get(url("list") + query)
    file = signed_in(qa).get(url("export") + query)

    assert {numbers[item["row"].number] for item in page.context["rows"]} == wanted
    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert {numbers[line["number"]] for line in lines} == wanted


def test_an_empty_list_says_where_one_is_asked_for(qa: User, signed_in: Any) -> None:
    assert "asked for on the page of a reservation" in text(signed_in(qa).get(url("list")))


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_asks_the_database_as_often_for_twenty_rows(
    rows: int, qa: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        ConfirmatoryTypingFactory()
    client = signed_in(qa)

    with django_assert_max_num_queries(14):
        assert len(client.get(url("list")).context["rows"]) == rows


@pytest.mark.parametrize("rows", [1, 20])
def test_the_api_asks_the_database_as_often_for_twenty_rows(
    rows: int, qa: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        ConfirmatoryTypingFactory(reported_now=True)
    client = signed_in(qa)

    with django_assert_max_num_queries(10):
        assert client.get(reverse("api:confirmatory-typing-list")).json()["count"] == rows
