"""Watched patients: who is told of which unit, once, by a new unit or by a list of the night."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as outbox
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from core import mails, notifications
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Hospital, Membership, Patient, PatientHlaTyping
from matching import services
from matching.models import MatchRequest, NewUnitFinding, PatientWatch, SearchRun
from matching.services import watches
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    AntibodyBeadFactory,
    AntibodySerumFactory,
    HospitalFactory,
    member_of,
)
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory, MatchRequestFactory, noted, typed_patient
from tests.matching.batches import follow, night, of_request, repeated
from tests.matching.conftest import BACKEND
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
    assert (
        notifications.text_of(row) == f"1 unit beats the best that was on offer for patient {patient.code}."
    )
    assert (
        notifications.url_of(row)
        == reverse("matching:request-detail", args=[waiting.request_id]) + "#new-units"
    )
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
    url = notifications.url_of(Notification.objects.get())
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


# --- who is told


def test_everybody_of_the_hospital_who_may_see_the_request(
    waiting: SearchRun, hospital: Hospital, user: User
) -> None:
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)
    no_role = member_of(hospital, Role.LAB)
    elsewhere, closed = member_of(HospitalFactory()), member_of(hospital, is_active=False)
    watch(waiting, user, "class", whole_hospital=True)
    watch(waiting, user, "dose")  # and once more, by his own
    ListedUnitFactory(gl=FIVE)

    follow()

    assert [len(told(one)) for one in (user, physician, no_role, elsewhere, closed)] == [1, 1, 0, 0, 0]


def test_who_lost_the_right_is_told_nothing(waiting: SearchRun, user: User) -> None:
    watch(waiting, user)
    Membership.objects.all().delete()
    ListedUnitFactory(gl=FIVE)

    follow()

    assert told(user) == []


def test_staff_of_the_bank_watch_for_themselves(waiting: SearchRun) -> None:
    staff = UserFactory(roles=[Role.SEARCH_COORDINATOR])
    watch(waiting, staff)
    ListedUnitFactory(gl=FIVE)

    follow()

    assert len(told(staff)) == 1
    assert Notification.objects.visible_to(staff).count() == 1


def test_one_that_ended_tells_nothing(waiting: SearchRun, user: User) -> None:
    ended = services.watch_end(watch_id=watch(waiting, user).pk, actor=ACTOR)
    ListedUnitFactory(gl=FIVE)

    follow()

    assert told(user) == []
    assert services.watch_end(watch_id=ended.pk, actor=ACTOR).ended_at == ended.ended_at
    assert AuditEntry.objects.filter(action="watch.end").count() == 1
    assert watch(waiting, user).pk != ended.pk


def test_what_was_found_is_kept_when_telling_fails(
    waiting: SearchRun, user: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watch(waiting, user)

    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(notifications, "notifications_create", fail)
    ListedUnitFactory(gl=FIVE)

    job = follow()

    assert job is not None
    assert (job.state, NewUnitFinding.objects.count()) == ("done", 1)
    assert "could not be told" in caplog.text
    assert AuditEntry.objects.get(action="watch.untold").reason == "RuntimeError"


def test_what_fails_once_is_told_at_the_second_try(
    waiting: SearchRun, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(waiting, user)
    honest, failures = notifications.notifications_create, [RuntimeError()]

    def fail_once(**kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return honest(**kwargs)

    monkeypatch.setattr(notifications, "notifications_create", fail_once)
    ListedUnitFactory(gl=FIVE)

    follow()

    assert len(told(user)) == 1


def test_a_deadlock_ends_the_job_which_is_done_again() -> None:
    def deadlock() -> None:
        raise OperationalError("deadlock detected")

    with pytest.raises(OperationalError):
        watches.tell(deadlock)


def test_a_worker_that_lost_its_job_tells_nobody() -> None:
    from core.jobs import JobLost

    def lost() -> None:
        raise JobLost

    with pytest.raises(JobLost):
        watches.tell(lost)


# --- services and pages


def test_asked_again_what_counts_changes(waiting: SearchRun, user: User) -> None:
    first = watch(waiting, user, "class")

    assert watch(waiting, user, "class") == first
    assert (watch(waiting, user, "dose").pk, PatientWatch.objects.get().counts) == (first.pk, "dose")
    assert sorted(AuditEntry.objects.filter(action__startswith="watch.").values_list("action", flat=True)) == [
        "watch.change", "watch.start",
    ]  # fmt: skip
    with pytest.raises(InvalidInput):
        watch(waiting, user, "luck")


@pytest.mark.parametrize("why", ["draft", "cancelled", "inactive"])
def test_only_a_patient_who_waits_is_watched(
    client: Client, waiting: SearchRun, user: User, why: str
) -> None:
    request = waiting.request
    match why:
        case "draft":
            request = MatchRequestFactory(patient=request.patient)
        case "cancelled":
            services.request_cancel(request_id=request.pk, reason="transplanted", actor=ACTOR)
        case _:
            Patient.objects.update(
                state="inactive", inactive_reason="moved", deactivated_at=waiting.completed_at
            )
    url = reverse("matching:watch-start", args=[request.pk])

    with pytest.raises(Conflict):
        services.watch_start(request=request, user=user, counts="class")
    answer = client.post(url, {"counts": "class", "whose": "mine"}, follow=True).content.decode()

    assert "cannot be watched" in answer
    assert url not in answer
    assert not PatientWatch.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="watch.").exists()


def test_the_database_holds_one_watch_each(waiting: SearchRun, user: User) -> None:
    watch(waiting, user)
    watch(waiting, user, whole_hospital=True)
    for whose in (user, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            PatientWatch.objects.create(request=waiting.request, user=whose, started_by="x")


def request_url(run: SearchRun) -> str:
    return reverse("matching:request-detail", args=[run.request_id])


def test_watched_and_no_more_on_the_page(client: Client, waiting: SearchRun, user: User) -> None:
    start = reverse("matching:watch-start", args=[waiting.request_id])
    client.post(start, {"counts": "dose", "whose": "hospital"})
    client.post(start, {"counts": "class"})
    assert "Choose what counts" in client.post(start, {"counts": "luck"}, follow=True).content.decode()

    page = client.get(request_url(waiting)).content.decode()
    assert "everybody of the hospital" in page
    assert "class of 6/6 (antigen)" in page
    listed = client.get(reverse("matching:watch-list"))
    assert [row["who"] for row in listed.context["rows"]] == ["you", "everybody of the hospital"]
    for row in PatientWatch.objects.all():
        client.post(reverse("matching:watch-end", args=[row.pk]))
    assert "No patient is watched" in client.get(reverse("matching:watch-list")).content.decode()


def test_a_physician_watches_for_himself_only(hospital: Hospital, waiting: SearchRun, user: User) -> None:
    physician = member_of(hospital, Role.HOSPITAL_PHYSICIAN)
    mine, hospitals = watch(waiting, user), watch(waiting, user, whole_hospital=True)
    client = Client()
    client.force_login(physician, backend=BACKEND)

    client.post(
        reverse("matching:watch-start", args=[waiting.request_id]), {"counts": "class", "whose": "hospital"}
    )

    assert PatientWatch.objects.get(user=physician).counts == "class"
    assert client.post(reverse("matching:watch-end", args=[mine.pk])).status_code == 404
    assert client.post(reverse("matching:watch-end", args=[hospitals.pk])).status_code == 403
    assert MatchRequest.objects.count() == 1
    assert typed_patient().pk  # another hospital's request cannot be watched
    other = searched_run(typed_patient())
    assert (
        client.post(reverse("matching:watch-start", args=[other.request_id]), {"counts": "class"}).status_code
        == 404
    )
