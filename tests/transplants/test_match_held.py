"""A typing of the segment that agrees with the listed one may still say that the unit matches the patient less."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.errors import Conflict, NotAllowed
from core.models import Notification, User
from core.roles import Role
from hospitals.models import Patient
from matching.confirmed_match import is_allele_level, match_change
from matching.selection.policies import bank_default
from tests.factories.core import UserFactory
from tests.factories.hospitals import GL, HospitalFactory, PatientTypingFactory, member_of
from tests.factories.typings import ConfirmatoryTypingFactory, promised, shown
from transplants import match_held
from transplants import services_typings as services
from transplants.checks import Check, Outcome
from transplants.checks_typing import checks_for
from transplants.models import ConfirmatoryTyping, MatchAcknowledgement, Reservation
from transplants.presenters_typings import notice
from transplants.services_match import match_acknowledge

pytestmark = pytest.mark.django_db


def b(name: str) -> str:
    return GL.replace("B*46:01", name)


def dr(name: str) -> str:
    return GL.replace("DRB1*09:01", name)


CASES = [
    (b("B*15:XX"), b("B*15:01"), b("B*15:02"), "B"),
    (dr("DRB1*04:XX"), dr("DRB1*04:01"), dr("DRB1*04:05"), "DRB1"),
]


def kept_for(patient: Patient, listed: str, mine: str) -> Reservation:
    PatientTypingFactory(patient=patient, gl=mine)
    return promised(listed, patient=patient)


def verified(row: Reservation, gl: str) -> ConfirmatoryTyping:
    found = ConfirmatoryTypingFactory(reservation=row, reported_now=True, gl=gl)
    return services.typing_verify(typing_id=found.pk, user=UserFactory(roles=[Role.QA]), shown=shown(found))


def line(row: Reservation) -> Check:
    fresh = Reservation.objects.with_names().get(pk=row.pk)
    return next(one for one in checks_for(fresh) if one.code == "unit_typing")


def digest(row: Reservation) -> str:
    found = match_held.now_fallen(Reservation.objects.with_names().get(pk=row.pk))
    assert found is not None
    return found.digest


@pytest.mark.parametrize(("listed", "mine", "found", "locus"), CASES)
def test_a_new_mismatch_is_no_confirmation_before_the_hospital_knows(
    patient: Patient, he_lan: User, listed: str, mine: str, found: str, locus: str
) -> None:
    row = kept_for(patient, listed, mine)
    coordinator = UserFactory(roles=[Role.SEARCH_COORDINATOR])

    typing = verified(row, found)

    assert typing.state == "confirmed"  # of the unit it is right: it agrees, and says more
    open_line = line(row)
    assert open_line.outcome == Outcome.OPEN
    assert f"HLA-{locus}" in open_line.says
    assert open_line.url == reverse("transplants:reservation-match", args=[row.pk])
    assert notice(typing, [])["tone"] == "bad"
    for user in (he_lan, coordinator):
        assert "typing.fallen" in Notification.objects.filter(user=user).values_list("code", flat=True)

    match_acknowledge(reservation_id=row.pk, user=he_lan, shown=digest(row), reason="no other unit")

    known = line(row)
    assert (known.outcome, "acknowledged" in known.says) == (Outcome.PASSED, True)


@pytest.mark.parametrize(
    ("listed", "mine", "found"),
    [
        (GL, GL, GL),
        (b("B*15:XX"), b("B*15:01"), b("B*15:01")),
        (b("B*15:02"), b("B*15:01"), b("B*15:02")),  # a mismatch that was known
    ],
)
def test_a_match_that_holds_asks_nothing(patient: Patient, listed: str, mine: str, found: str) -> None:
    row = kept_for(patient, listed, mine)

    verified(row, found)

    assert line(row).is_passed
    assert not Notification.objects.filter(code="typing.fallen").exists()


def test_an_acknowledgement_is_of_what_was_known(patient: Patient, he_lan: User) -> None:
    listed, mine, found, _locus = CASES[0]
    row = kept_for(patient, listed, mine)
    verified(row, found)
    match_acknowledge(reservation_id=row.pk, user=he_lan, shown=digest(row), reason="no other unit")
    assert line(row).is_passed

    patient.typings.update(is_current=False)
    PatientTypingFactory(patient=patient, gl=mine.replace("A*11:01", "A*11:02"))

    assert line(row).outcome == Outcome.OPEN
    stale = MatchAcknowledgement.objects.get().digest
    with pytest.raises(Conflict) as refused:
        match_acknowledge(reservation_id=row.pk, user=he_lan, shown=stale, reason="r")
    assert refused.value.code == "match_changed"


def test_the_bank_and_another_hospital_say_nothing_for_it(patient: Patient) -> None:
    listed, mine, found, _locus = CASES[0]
    row = kept_for(patient, listed, mine)
    verified(row, found)
    people = [
        UserFactory(roles=[Role.SEARCH_COORDINATOR]),
        UserFactory(roles=[Role.QA]),
        member_of(HospitalFactory()),
    ]

    for user in people:
        with pytest.raises(NotAllowed):
            match_acknowledge(reservation_id=row.pk, user=user, shown=digest(row), reason="r")

    assert not MatchAcknowledgement.objects.exists()


def test_where_nothing_fell_there_is_nothing_to_acknowledge(patient: Patient, he_lan: User) -> None:
    row = kept_for(patient, GL, GL)
    verified(row, GL)

    with pytest.raises(Conflict) as refused:
        match_acknowledge(reservation_id=row.pk, user=he_lan, shown="", reason="r")

    assert refused.value.code == "match_holds"


def test_the_page_shows_the_three_typings_and_takes_the_word(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    listed, mine, found, _locus = CASES[0]
    row = kept_for(patient, listed, mine)
    verified(row, found)
    url = reverse("transplants:reservation-match", args=[row.pk])
    client: Client = signed_in(he_lan)

    page = client.get(url).content.decode()
    for text in ("B*15:01", "B*15:02", "at most 1 of 2, listed 2"):
        assert text in page
    missing = client.post(url, {"shown": digest(row), "reason": ""})
    assert missing.status_code == 400
    client.post(url, {"shown": digest(row), "reason": "no other unit"})

    assert MatchAcknowledgement.objects.get().acknowledged_by == he_lan
    after = client.get(url).content.decode()
    assert "no other unit" in after
    assert "<textarea" not in after


# --- what says too little -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "loci"),
    [
        (dr("DRB1*09:XX"), "HLA-DRB1"),
        (GL.replace("DRB1*09:01", "DR9").replace("DRB1*15:01", "DR15"), "HLA-DRB1"),
        (dr("DRB1*09:01/DRB1*09:02"), "HLA-DRB1"),
    ],
)
def test_a_result_without_alleles_confirms_no_drb1(patient: Patient, found: str, loci: str) -> None:
    row = kept_for(patient, GL, GL)

    verified(row, found)

    little = line(row)
    assert little.outcome == Outcome.OPEN
    assert loci in little.says
    assert little.url == reverse("transplants:typing-create", args=[row.pk])


def test_what_the_policy_counts_by_alleles_is_typed_as_far_as_listed(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    less = GL.replace("A*11:01", "A*11:XX")
    row = kept_for(patient, GL, GL)
    verified(row, less)
    assert line(row).is_passed  # antigens are counted at A

    policy = bank_default()
    policy.rules = {**policy.rules, "primary": "allele8"}
    monkeypatch.setattr("transplants.match_held.bank_default", lambda: policy)

    assert (line(row).outcome, "HLA-A" in line(row).says) == (Outcome.OPEN, True)


def test_it_is_typed_again_where_the_first_result_said_too_little(patient: Patient, he_lan: User) -> None:
    row = kept_for(patient, GL, GL)
    verified(row, dr("DRB1*09:XX"))

    asked = services.typing_ask(reservation_id=row.pk, user=he_lan)
    asked.delete()
    verified(row, GL)

    assert line(row).is_passed
    with pytest.raises(Conflict) as refused:
        services.typing_ask(reservation_id=row.pk, user=he_lan)
    assert refused.value.code == "confirmed_already"


@pytest.mark.parametrize(
    ("gl", "is_so"),
    [
        ("DRB1*15:01+DRB1*09:01", True),
        ("DRB1*15:01:01G+DRB1*09:01P", True),
        ("DRB1*15:01+DRB1*15:01", True),
        ("DRB1*15:01+DRB1*09:XX", False),
        ("DR15+DR9", False),
        ("DRB1*15:01+DRB1*04:01|DRB1*15:02+DRB1*04:05", False),
    ],
)
def test_what_is_one_protein_each(gl: str, is_so: bool) -> None:
    from bank.typing_compared import loci_of

    assert is_allele_level(loci_of(gl)["DRB1"]) is is_so


def test_a_locus_that_was_not_typed_anew_falls_by_nothing() -> None:
    without_c = GL.replace("^C*01:02+C*07:02", "")

    assert not match_change(GL, GL, without_c, "split")
