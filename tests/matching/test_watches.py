"""Watched patients: who is told of which unit, once, by a new unit or by a list of the night."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as outbox
from django.urls import reverse

from bank.models import CordBloodUnit
from core import kinds, mails
from core.models import AuditEntry, Notification, User
from hospitals.models import Patient, PatientHlaTyping
from matching import services
from matching.models import NewUnitFinding, PatientWatch, SearchRun
from tests.factories.hospitals import (
    AntibodyBeadFactory,
    AntibodySerumFactory,
)
from tests.factories.match_list import searched_run
from tests.factories.matching import ListedUnitFactory, noted
from tests.matching.batches import follow, night, of_request, repeated
from tests.matching.match_list_pages import FIVE, FOUR

pytestmark = pytest.mark.usefixtures("ledger_at_once")


def watch(run: SearchRun, user: User, counts: str = "class", **more: Any) -> PatientWatch:
    return services.watch_start(request=run.request, user=user, counts=counts, **more)


def told(user: User) -> list[dict[str, Any]]:
    return list(
        Notification.objects.filter(user=user).order_by("created_at").values_list("params", flat=True)
    )


# --- a new unit


def test_a_better_class_is_told_once_and_by_email(waiting: SearchRun, user: User) -> None:
    watch(waiting, user)
    ListedUnitFactory(gl=FIVE)

    follow()
    night()  # the list of the night holds the unit now: nothing new

    (params,) = told(user)
    patient = waiting.request.patient
    assert (params["patient"], params["n"], params["run"]) == (patient.code, 1, "")
    row = Notification.objects.get()
    assert kinds.text_of(row) == f"1 unit beats the best that was on offer for patient {patient.code}."
    assert kinds.url_of(row) == reverse("matching:request-detail", args=[waiting.request_id]) + "#new-units"
    assert mails.mails_send()["sent"] == 1
    body = outbox.outbox[0].body
    assert patient.code in body
    assert not any(
        word in body for word in ("A*", "11:01", "DRB1", waiting.request.number, patient.diagnosis)
    )
    assert AuditEntry.objects.filter(action="units.tell").count() == 1


@pytest.mark.parametrize(
    ("counts", "gl", "tnc_e7", "is_told"),
    [
        ("class", FOUR, 300, False),  # as good in class
        ("band", FOUR, 300, False),
        ("dose", FOUR, 300, True),
        ("dose", FOUR, 150, False),  # equal
        ("dose", FOUR, 149.9, False),
        ("class", FIVE, 60, True),
    ],
)
def test_what_counts_as_better(
    waiting: SearchRun, user: User, counts: str, gl: str, tnc_e7: float, is_told: bool
) -> None:
    watch(waiting, user, counts)
    ListedUnitFactory(gl=gl, tnc_e7=tnc_e7)

    follow()

    assert NewUnitFinding.objects.count() == 1
    assert len(told(user)) == is_told


def test_a_second_unit_has_to_beat_the_first_new_one(waiting: SearchRun, user: User) -> None:
    watch(waiting, user, "dose")
    ListedUnitFactory(gl=FIVE)
    follow()
    ListedUnitFactory(gl=FIVE, tnc_e7=20)
    follow()
    night()
    assert len(told(user)) == 1

    ListedUnitFactory()
    follow()

    assert [params["n"] for params in told(user)] == [1, 1]


def test_an_edit_of_a_new_unit_tells_nothing_again(waiting: SearchRun, user: User) -> None:
    watch(waiting, user)
    unit = ListedUnitFactory(gl=FIVE)
    follow()
    noted(unit)
    follow()

    assert len(told(user)) == 1


def test_reserved_units_neither_are_told_nor_are_the_best(patient: Patient, user: User) -> None:
    best = ListedUnitFactory(gl=FIVE)
    ListedUnitFactory(gl=FOUR)
    run = searched_run(patient, statuses=("LISTED", "RESERVED"))
    follow()
    watch(run, user)

    ListedUnitFactory(status="RESERVED")
    follow()
    assert told(user) == []
    CordBloodUnit.objects.filter(pk=best.pk).update(status="RESERVED")
    ListedUnitFactory(gl=FIVE)
    follow()
    assert len(told(user)) == 1  # better than what is left


def test_where_nothing_was_on_offer_any_unit_is_told(patient: Patient, user: User) -> None:
    run = searched_run(patient)
    follow()
    watch(run, user)
    for _ in range(2):
        ListedUnitFactory(gl=FOUR)

    follow()

    assert [params["n"] for params in told(user)] == [2]


@pytest.mark.parametrize("what", ["typing", "reference data", "no list"])
def test_without_a_measure_nothing_is_told(waiting: SearchRun, user: User, what: str) -> None:
    watch(waiting, user)
    match what:
        case "typing":
            canonical = dict(waiting.patient_typing) | {"DQB1": ["DQB1*03:01", "DQB1*06:01"]}
            PatientHlaTyping.objects.filter(patient=waiting.request.patient).update(canonical=canonical)
        case "reference data":
            SearchRun.objects.filter(pk=waiting.pk).update(mac_checksum="older")
        case _:
            waiting.results.all().delete()
            waiting.delete()
    ListedUnitFactory(gl=FIVE)

    follow()

    assert NewUnitFinding.objects.count() == 1
    assert told(user) == []


# --- a list of the night


def test_a_unit_of_the_list_that_got_a_better_typing(listed: SearchRun, user: User) -> None:
    watch(listed, user)
    unit = listed.results.get(rank=2).unit
    full = ListedUnitFactory.build(bank=unit.bank)
    for name in ("hla_a_1", "hla_a_2", "hla_b_1", "hla_b_2", "hla_c_1", "hla_c_2"):
        setattr(unit, name, getattr(full, name))
    unit.save()
    noted(unit)

    night()

    run = of_request(listed)[-1]
    (params,) = told(user)
    assert (params["n"], params["run"]) == (1, str(run.pk))
    url = kinds.url_of(Notification.objects.get())
    assert url == reverse("matching:run-changes", args=[run.pk]) + "?show=new"
    assert AuditEntry.objects.filter(action="list.tell").count() == 1


def test_a_list_without_anything_better_tells_nothing(listed: SearchRun, user: User) -> None:
    watch(listed, user, "dose")
    ListedUnitFactory(gl=FOUR, tnc_e7=20)
    night()
    night()

    assert len(of_request(listed)) == 2
    assert told(user) == []


def test_a_best_unit_that_went_away_makes_no_news_of_the_second(listed: SearchRun, user: User) -> None:
    watch(listed, user, "dose")
    unit = listed.results.get(rank=1).unit
    CordBloodUnit.objects.filter(pk=unit.pk).update(status="RESERVED")
    noted(unit)

    night()

    assert len(of_request(listed)) == 2
    assert told(user) == []


def test_a_list_made_of_other_data_is_only_the_new_measure(listed: SearchRun, user: User) -> None:
    watch(listed, user)
    SearchRun.objects.filter(pk=listed.pk).update(nomenclature_checksum="older")
    ListedUnitFactory()

    night()

    assert len(of_request(listed)) == 2
    assert told(user) == []


def test_a_search_of_a_person_tells_nothing(listed: SearchRun, user: User) -> None:
    watch(listed, user)
    ListedUnitFactory()
    repeated(listed)

    assert told(user) == []


# --- only what the policy leaves in the list


@pytest.fixture
def too_small_six(patient: Patient) -> SearchRun:
    """The best of the list by class is excluded by its dose (20 kg: 50 ×10⁷ would do), the next is a 4/6."""
    ListedUnitFactory(tnc_e7=20)
    ListedUnitFactory(gl=FOUR)
    run = searched_run(patient)
    follow()
    return run


def test_an_excluded_best_is_no_measure(ledger_at_once: None, too_small_six: SearchRun, user: User) -> None:
    watch(too_small_six, user)
    ListedUnitFactory(gl=FIVE)

    follow()

    assert [params["n"] for params in told(user)] == [1]


def test_an_excluded_best_is_no_measure_of_a_night(
    ledger_at_once: None, too_small_six: SearchRun, user: User
) -> None:
    watch(too_small_six, user)
    ListedUnitFactory(gl=FIVE)

    night()

    assert [params["n"] for params in told(user)] == [1]


@pytest.mark.parametrize("by_night", [False, True])
@pytest.mark.parametrize("why", ["dose", "antibody"])
def test_a_new_unit_that_is_excluded_is_not_told(
    waiting: SearchRun, user: User, why: str, by_night: bool
) -> None:
    watch(waiting, user)
    if why == "antibody":
        serum = AntibodySerumFactory(patient=waiting.request.patient)
        AntibodyBeadFactory(serum=serum, written="B*13:01", mfi=9000)
    ListedUnitFactory(gl=FIVE, tnc_e7=20 if why == "dose" else 200)

    _ = night() if by_night else follow()

    assert told(user) == []


def test_an_excluded_new_unit_is_no_measure_of_the_next(waiting: SearchRun, user: User) -> None:
    watch(waiting, user)
    ListedUnitFactory(tnc_e7=20)
    follow()
    ListedUnitFactory(gl=FIVE)
    follow()

    assert [params["n"] for params in told(user)] == [1]
