"""What keeps a shortlist and its notes right: states that a hospital may see, inactive patients, double clicks."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from bank.choices import BLOCKS, SEARCHABLE, UnitStatus
from bank.models import CordBloodUnit
from core.errors import Conflict
from core.models import AuditEntry
from core.roles import Role
from hospitals.models import Patient
from matching import services
from matching.models import GraftNote, SearchRun, ShortlistEntry
from tests.factories.core import UserFactory
from tests.factories.match_list import stored_run
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient
from tests.factories.shortlist import GraftNoteFactory, ShortlistEntryFactory
from tests.matching.conftest import BACKEND

pytestmark = pytest.mark.django_db
JSON: Any = {"content_type": "application/json"}
REASONS: dict[str, dict[str, str]] = {
    "ON_HOLD": {"status_before_hold": "LISTED", "hold_reason": "leak"},
    "DISCARDED": {"discard_reason": "bacteria"},
}
STATES: list[dict[str, Any]] = [{"status": status, **REASONS.get(status, {})} for status in UnitStatus.values]
FLAGS: list[dict[str, Any]] = [
    {flag: True, "status": "QUARANTINE" if flag == "held_for_confirmation" else "LISTED"} for flag in BLOCKS
]


@pytest.fixture
def found(patient: Patient) -> SearchRun:
    return stored_run([ListedUnitFactory()], request__patient=patient)


def entry_of(run: SearchRun) -> ShortlistEntry:
    return ShortlistEntryFactory(run=run, unit=run.results.get().unit)  # type: ignore[no-any-return]


def inactive(run: SearchRun) -> None:
    Patient.objects.update(state="inactive", inactive_reason="moved", deactivated_at=run.completed_at)


@pytest.mark.parametrize("state", [*STATES, *FLAGS], ids=str)
def test_a_hospital_learns_of_a_unit_only_what_concerns_it(
    client: Client, found: SearchRun, state: dict[str, Any]
) -> None:
    """List, and the answers to adding, placing and removing."""
    entry = entry_of(found)
    CordBloodUnit.objects.update(**state)
    staff = Client()
    staff.force_login(UserFactory(roles=[Role.SEARCH_COORDINATOR]), backend=BACKEND)
    url = reverse("api:shortlist-list")
    own = CordBloodUnit.objects.get().plain_status
    blocked = any(state.get(flag) for flag in BLOCKS)
    seen = state["status"] if state["status"] in SEARCHABLE and not blocked else "NOT_OFFERED"

    answers = [
        client.get(url).json()["results"][0],
        client.post(url, {"run": str(found.pk), "unit": str(entry.unit_id)}, **JSON).json(),
        client.post(reverse("api:shortlist-place", args=[entry.pk]), {"place": 1}, **JSON).json(),
        client.post(reverse("api:shortlist-remove", args=[entry.pk]), {"reason": "r"}, **JSON).json(),
    ]

    assert [answer["unit"]["status"] for answer in answers] == [seen] * 4
    entry_of(found)
    assert staff.get(url).json()["results"][0]["unit"]["status"] == own


def test_of_an_inactive_patient_nothing_is_changed(found: SearchRun) -> None:
    entry, note = entry_of(found), GraftNoteFactory(patient=found.request.patient)
    inactive(found)
    calls: list[Any] = [
        lambda: services.shortlist_add(run=found, unit_id=entry.unit_id, actor=ACTOR),
        lambda: services.shortlist_place(entry_id=entry.pk, place=1, actor=ACTOR),
        lambda: services.shortlist_remove(entry_id=entry.pk, reason="r", actor=ACTOR),
        lambda: services.note_add(patient=found.request.patient, text="x", actor=ACTOR),
        lambda: services.note_strike(note_id=note.pk, reason="r", actor=ACTOR),
    ]

    for call in calls:
        with pytest.raises(Conflict) as refused:
            call()
        assert refused.value.code == "patient_inactive"

    assert not AuditEntry.objects.filter(action__startswith="graft_note.").exists()
    assert ShortlistEntry.objects.get().place is None


def test_a_double_click_writes_one_note(client: Client, found: SearchRun) -> None:
    url = reverse("matching:note-add", args=[found.request.patient_id])
    page = client.get(reverse("matching:shortlist", args=[found.request.patient_id]))
    sent = {"text": " ask for CFU ", "note_id": str(page.context["note_form"]["note_id"].value())}

    first, second = (client.post(url, sent) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert [note.text for note in GraftNote.objects.all()] == ["ask for CFU"]
    assert AuditEntry.objects.filter(action="graft_note.add").count() == 1


def test_a_form_sent_again_with_another_text_is_asked_about(client: Client, found: SearchRun) -> None:
    """The page of before, kept by the browser: its text is not lost, and saved at the second try."""
    url, note_id = reverse("matching:note-add", args=[found.request.patient_id]), str(uuid4())
    client.post(url, {"text": "first", "note_id": note_id})

    answer = client.post(url, {"text": "second", "note_id": note_id})

    assert "another note already" in answer.content.decode()
    again = answer.context["note_form"]
    client.post(url, {"text": again["text"].value(), "note_id": again["note_id"].value()})
    assert sorted(GraftNote.objects.values_list("text", flat=True)) == ["first", "second"]


def test_each_unit_has_a_form_of_its_own(client: Client, found: SearchRun) -> None:
    entry_of(found)
    page = client.get(reverse("matching:shortlist", args=[found.request.patient_id]))

    ids = {str(row["note_id"]) for row in page.context["rows"]}
    assert ids
    assert all(f'name="note_id" value="{one}"' in page.content.decode() for one in ids)


def test_the_id_of_another_patients_note_is_no_answer(found: SearchRun) -> None:
    other = GraftNoteFactory(patient=typed_patient(), text="secret")

    with pytest.raises(Conflict) as refused:
        services.note_add(patient=found.request.patient, text="secret", note_id=other.pk, actor=ACTOR)

    assert refused.value.code == "note_exists"


def test_a_program_may_send_a_note_twice(client: Client, found: SearchRun) -> None:
    sent = {"patient": str(found.request.patient_id), "text": "once", "id": str(uuid4())}

    answers = [client.post(reverse("api:graft-note-list"), sent, **JSON) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert GraftNote.objects.count() == 1
