"""The passport of a unit, as each kind of reader sees it, and what can be done from it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from bank.choices import MarkerResultValue, MarkerTest, NodeKind, Subject
from bank.models import CordBloodUnit, Donation, MarkerResult, Slot, StorageNode
from core.models import User
from core.roles import Role
from tests.factories.bank import (
    BankFactory,
    HlaTypingFactory,
    ImportBatchFactory,
    MeasurementFactory,
    UnitFactory,
)
from tests.factories.core import UserFactory
from tests.factories.stocks import ProposalFactory

pytestmark = pytest.mark.django_db

LIST = "/units/"


def test_a_passport_shows_a_typing_conflict_at_once(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(typing_conflict=True)
    params = {"text": "A1+A24", "dna": "A*11:01+A*24:02"}
    HlaTypingFactory(unit=unit, notes=[["A", "typing_conflict", params], ["B", "homozygous", {}]])

    shown = signed_in(qa).get(f"/units/{unit.pk}/").content.decode()

    conflict, note = (
        shown.index("HLA-A: The antigens A1+A24 contradict"),
        shown.index("HLA-B: Blank second value"),
    )
    assert conflict < shown.index("How it was read") < note
    assert '<li class="conflict"><span class="tag bad">conflict</span>' in shown


SUPERSEDED = "7777.7"  # not to be found in a random id: those know no dot


def full_unit() -> CordBloodUnit:
    """A unit with everything a passport can show."""
    bank = BankFactory()
    donation = Donation.objects.create(bank=bank, mother_code="M-SECRET", bag_id="B1")
    unit = UnitFactory(
        bank=bank, donation=donation, import_batch=ImportBatchFactory(), import_line=7, din="G123498654321",
        synthetic=True, counts_invented=True,
    )  # fmt: skip
    HlaTypingFactory(
        unit=unit,
        canonical_gl="A*11:01+A*24:02^DRB3*01:01^B*40:01+B*46:01",
        notes=[["A", "normalised", {"text": "A*1101", "name": "A*11:01"}]],
    )
    HlaTypingFactory(unit=unit, is_current=False, canonical_gl="A*11:XX+A*24:XX")
    MeasurementFactory(unit=unit, value=130, invented=True)
    MeasurementFactory(unit=unit, time_point="collection", analyte="volume", measure_unit="ml", value=101)
    MeasurementFactory(unit=unit, value=SUPERSEDED, superseded=True)
    MarkerResult.objects.create(
        unit=unit, subject=Subject.MOTHER, test=MarkerTest.HBS_AG, result=MarkerResultValue.NEGATIVE,
        tested_on="2020-05-20",
    )  # fmt: skip
    parent = None
    for kind, code in (
        (NodeKind.SITE, "S9"),
        (NodeKind.TANK, "T8"),
        (NodeKind.RACK, "R7"),
        (NodeKind.CANISTER, "C6"),
    ):
        parent = StorageNode.objects.create(bank=bank, kind=kind, code=code, parent=parent)
    Slot.objects.create(canister=parent, position=5, unit=unit)
    return unit


def passport(client: Any, unit: CordBloodUnit) -> Any:
    return client.get(reverse("bank:unit-detail", args=[unit.pk]))


def test_the_passport_of_staff_shows_everything(signed_in: Any, qa: User) -> None:
    unit = full_unit()

    text = passport(signed_in(qa), unit).content.decode()

    for shown in (
        "G1234 98 654321 H", "Site S9 · Tank T8 · Rack R7 · Canister C6 · 5", "M-SECRET", "units.csv", "line 7",
        "HLA-DRB3", "A*1101 read as A*11:01.", "A*11:XX+A*24:XX", "HBsAg", "Negative", "invented", "Put on hold",
    ):  # fmt: skip
        assert shown in text
    assert SUPERSEDED not in text


def test_the_passport_of_a_hospital_hides_the_bank_s_own_affairs(signed_in: Any, coordinator: User) -> None:
    unit = full_unit()

    text = passport(signed_in(coordinator), unit).content.decode()

    for hidden in ("M-SECRET", "Tank T8", "units.csv", "Put on hold", "A*11:XX+A*24:XX", "What happened"):
        assert hidden not in text
    for shown in ("A*24:02", "HBsAg", "130", "counts invented"):
        assert shown in text


def test_a_hospital_gets_404_for_a_unit_that_is_not_listed(signed_in: Any, coordinator: User) -> None:
    client = signed_in(coordinator)

    assert passport(client, UnitFactory(on_hold=True)).status_code == 404
    assert client.get(f"/units/{uuid4()}/").status_code == 404


def test_queries_of_the_passport(signed_in: Any, qa: User, django_assert_max_num_queries: Any) -> None:
    unit = full_unit()
    client = signed_in(qa)

    with django_assert_max_num_queries(37):
        passport(client, unit)


def test_a_bare_unit_has_a_passport(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(
        tnc_e7=None, cd34_e6=None, volume_ml=None, collected_on=None, abo="", rh="", sex="", segments=None
    )

    text = passport(signed_in(qa), unit).content.decode()

    for shown in (
        "Not typed.",
        "No measurement is recorded.",
        "No result is recorded.",
        "No slot is recorded.",
    ):
        assert shown in text


def act(client: Any, unit: CordBloodUnit, name: str, reason: str = "tank alarm") -> Any:
    return client.post(reverse(f"bank:unit-{name}", args=[unit.pk]), {"reason": reason})


def test_hold_and_unhold_from_the_page_are_told_in_the_timeline(signed_in: Any, qa: User) -> None:
    unit, client = UnitFactory(), signed_in(qa)

    assert act(client, unit, "hold").status_code == 302
    text = passport(client, unit).content.decode()
    assert "Put on hold → On hold" in text
    assert "tank alarm" in text
    assert act(client, unit, "unhold", "sensor changed").status_code == 302
    unit.refresh_from_db()
    assert unit.status == "LISTED"


def confirmed(client: Any, page: Any, unit: CordBloodUnit, reason: str = "seen the report") -> Any:
    """The form of the page as it was shown."""
    [action] = [one for one in page.context["actions"] if one["name"] == "confirm"]
    given = {"reason": reason, "shown": action["form"]["shown"].value()}
    return client.post(f"/units/{unit.pk}/confirm/", given)


def test_confirm_from_the_page(signed_in: Any, qa: User) -> None:
    declared = ImportBatchFactory(declaration="released before", user=UserFactory())
    unit = UnitFactory(waiting=True, import_batch=declared, status_when_confirmed="LISTED")
    client = signed_in(qa)

    page = passport(client, unit)
    assert "outside 20–500" in page.content.decode()
    assert confirmed(client, page, unit).status_code == 302
    unit.refresh_from_db()
    assert unit.status == "LISTED"


def test_a_move_without_reason_keeps_the_page_and_says_why(signed_in: Any, qa: User) -> None:
    unit = UnitFactory()

    response = act(signed_in(qa), unit, "hold", " ")

    assert response.status_code == 400
    assert "This field is required." in response.content.decode()


def offered(client: Any, unit: CordBloodUnit) -> set[str]:
    return {one["name"] for one in passport(client, unit).context["actions"]}


STEPS = {"COLLECTED": "receive", "RECEIVED": "process", "PROCESSING": "freeze", "ON_HOLD": "unhold"}


@pytest.mark.parametrize(("status", "step"), STEPS.items())
@pytest.mark.parametrize("why", ["", "proposal", "consent_withdrawn", "recalled"])
def test_only_steps_that_would_be_taken_are_offered(signed_in: Any, status: str, step: str, why: str) -> None:
    held = {"status_before_hold": "LISTED", "hold_reason": "r"} if status == "ON_HOLD" else {}
    flag = {why: True} if why not in ("", "proposal") else {}
    unit = UnitFactory(status=status, **held, **flag)
    if why == "proposal":
        ProposalFactory(unit=unit)
    client = signed_in(UserFactory(roles=[Role.LAB, Role.QA]))

    assert (step in offered(client, unit)) == (not why)


def test_a_hold_is_lifted_into_quarantine_whatever_is_proposed(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(status="ON_HOLD", status_before_hold="QUARANTINE", hold_reason="r")
    ProposalFactory(unit=unit, proposed_by=qa)

    assert "unhold" in offered(signed_in(qa), unit)


@pytest.mark.parametrize(
    ("more", "has_link"),
    [
        ({}, True),
        ({"recalled": True}, False),
        ({"consent_withdrawn": True}, False),
        ({"discarded": True}, False),
    ],
)
def test_labels_are_offered_where_they_are_printed(
    signed_in: Any, lab: User, more: dict[str, Any], has_link: bool
) -> None:
    shown = passport(signed_in(lab), UnitFactory(**more))

    assert bool(shown.context["label_url"]) == has_link


def change_population(client: Any, unit: CordBloodUnit, populations: str, reason: str = "asked") -> Any:
    address = reverse("bank:unit-population", args=[unit.pk])
    return client.post(address, {"populations": populations, "reason": reason})


def test_the_population_stands_on_the_passport_and_can_be_changed(signed_in: Any, lab: User) -> None:
    unit, client = UnitFactory(), signed_in(lab)

    assert "<dt>Population</dt>" not in passport(client, unit).content.decode()
    assert change_population(client, unit, "uig:1+han:3").status_code == 302

    text = passport(client, unit).content.decode()
    assert "<dt>Population</dt><dd>HAN 75 % + UIG 25 %</dd>" in text
    assert 'value="HAN:0.75+UIG:0.25"' in text
    assert "Population changed" in text


def test_a_wrong_population_keeps_what_was_typed(signed_in: Any, lab: User) -> None:
    unit = UnitFactory(populations="HAN")

    response = change_population(signed_in(lab), unit, "HAN+UIG")

    text = response.content.decode()
    assert response.status_code == 400
    assert "Population 1, “HAN”, has no share." in text
    assert 'value="HAN+UIG"' in text
    assert CordBloodUnit.objects.get().populations == "HAN"


def test_a_hospital_sees_the_population_and_cannot_change_it(signed_in: Any, coordinator: User) -> None:
    unit, client = UnitFactory(populations="HAN"), signed_in(coordinator)

    text = passport(client, unit).content.decode()

    assert "<dt>Population</dt><dd>HAN</dd>" in text
    assert "Change the population" not in text
    assert change_population(client, unit, "UIG").status_code == 403


def test_a_partners_unit_is_the_partners_to_change(signed_in: Any, lab: User) -> None:
    unit, client = UnitFactory(source="partner"), signed_in(lab)

    assert "Change the population" not in passport(client, unit).content.decode()
    assert change_population(client, unit, "HAN").status_code == 409


def test_a_refused_move_keeps_what_was_typed(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(waiting=True, import_batch=ImportBatchFactory(user=qa))

    client = signed_in(qa)
    response = confirmed(client, passport(client, unit), unit, "I am sure")

    assert response.status_code == 403
    assert "Somebody else must confirm" in response.content.decode()
    assert "I am sure" in response.content.decode()


def test_a_move_that_came_too_late_is_a_conflict(signed_in: Any, qa: User) -> None:
    response = act(signed_in(qa), UnitFactory(on_hold=True), "hold")

    assert response.status_code == 409


def test_the_lab_may_look_but_not_hold(signed_in: Any, lab: User) -> None:
    unit, client = UnitFactory(), signed_in(lab)

    assert "Put on hold" not in passport(client, unit).content.decode()
    assert act(client, unit, "hold").status_code == 403


def test_the_passport_says_why_no_search_offers_a_unit(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(hla_b_1="", hla_b_2="", hla_drb1_1="", hla_drb1_2="")

    assert (
        "Not typed at B, DRB1: no search can offer this unit."
        in passport(signed_in(qa), unit).content.decode()
    )
    assert unit not in CordBloodUnit.objects.searchable()
