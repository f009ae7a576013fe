"""Who is told of a watched patient, what happens when telling fails, and the pages of watching."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client
from django.urls import reverse

from core import notifications
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Hospital, Membership, Patient
from hospitals.services import patient_deactivate
from matching import services
from matching.models import MatchRequest, NewUnitFinding, PatientWatch, SearchRun
from matching.services import watches
from tests.factories.core import UserFactory
from tests.factories.hospitals import (
    HospitalFactory,
    member_of,
)
from tests.factories.match_list import searched_run
from tests.factories.matching import ACTOR, ListedUnitFactory, MatchRequestFactory, typed_patient
from tests.matching.batches import follow
from tests.matching.conftest import BACKEND
from tests.matching.match_list_pages import FIVE
from tests.matching.test_watches import told, watch

pytestmark = pytest.mark.usefixtures("ledger_at_once")


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


def test_watches_end_with_their_patient(waiting: SearchRun, user: User) -> None:
    mine = watch(waiting, user)
    ended = services.watches_sweep()
    patient_deactivate(patient_id=waiting.request.patient_id, reason="died", by=ACTOR)

    assert (ended, services.watches_sweep(), services.watches_sweep()) == (0, 1, 0)

    mine.refresh_from_db()
    assert (mine.ended_at is not None, "patient inactive" in mine.ended_by) == (True, True)
    assert AuditEntry.objects.filter(action="watch.end", target_key=str(mine.pk)).exists()


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
