from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from bank.models import CordBloodUnit
from core import audit
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Hospital, Patient
from matching import services
from matching.choices import choice_text
from matching.models import GraftNote, SearchRun, ShortlistEntry
from matching.services import shortlist as service_module
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, member_of
from tests.factories.match_list import stored_run
from tests.factories.matching import ACTOR, ListedUnitFactory, typed_patient
from tests.factories.shortlist import GraftNoteFactory, ShortlistEntryFactory
from tests.matching.conftest import BACKEND
from tests.matching.match_list_pages import HTMX, detail_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> list[CordBloodUnit]:
    return [ListedUnitFactory(tnc_e7=100), ListedUnitFactory(tnc_e7=90)]


@pytest.fixture
def found(patient: Patient, pair: list[CordBloodUnit]) -> SearchRun:
    return stored_run(pair, request__patient=patient)


def added(run: SearchRun, unit: CordBloodUnit) -> ShortlistEntry:
    return services.shortlist_add(run=run, unit_id=unit.pk, actor=ACTOR)


def places(patient: Patient) -> list[int | None]:
    rows = ShortlistEntry.objects.filter(patient=patient).active().order_by("added_at", "pk")
    return list(rows.values_list("place", flat=True))


def test_a_unit_is_picked_once_with_who_when_and_from_which_list(
    found: SearchRun, pair: list[CordBloodUnit]
) -> None:
    entry = added(found, pair[0])

    assert added(found, pair[0]) == entry
    assert (entry.patient, entry.run, entry.added_by) == (found.request.patient, found, "system: test")
    noted = AuditEntry.objects.get(action="shortlist.add")
    assert (noted.hospital_id, noted.after["unit"]) == (found.request.hospital_id, pair[0].unit_no)


def test_only_units_of_the_list_and_active_patients(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    with pytest.raises(InvalidInput, match="not in that match list"):
        added(found, ListedUnitFactory())
    Patient.objects.update(state="inactive", inactive_reason="moved", deactivated_at=found.completed_at)
    with pytest.raises(Conflict):
        added(found, pair[0])

    assert not ShortlistEntry.objects.exists()


def test_a_full_shortlist_says_so(
    found: SearchRun, pair: list[CordBloodUnit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "MOST_SHORTLISTED", 1)
    first = added(found, pair[0])

    with pytest.raises(Conflict) as refused:
        added(found, pair[1])

    assert refused.value.code == "shortlist_full"
    services.shortlist_remove(entry_id=first.pk, reason="too small", actor=ACTOR)
    added(found, pair[1])


def test_removed_with_a_reason_and_picked_again(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    entry = added(found, pair[0])
    services.shortlist_place(entry_id=entry.pk, place=1, actor=ACTOR)
    with pytest.raises(InvalidInput):
        services.shortlist_remove(entry_id=entry.pk, reason="  ", actor=ACTOR)

    gone = services.shortlist_remove(entry_id=entry.pk, reason="too small", actor=ACTOR)

    assert (gone.state, gone.place, gone.remove_reason, gone.removed_by) == (
        "removed", None, "too small", "system: test",
    )  # fmt: skip
    for act in (services.shortlist_remove, services.shortlist_place):
        more: Any = {"reason": "r"} if act is services.shortlist_remove else {"place": 1}
        with pytest.raises(Conflict):
            act(entry_id=entry.pk, actor=ACTOR, **more)
    assert added(found, pair[0]).pk != entry.pk


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [(1, None, [1, None]), (2, 1, [2, 1]), (1, 1, [None, 1]), (3, 3, [None, 3])],
)
def test_a_place_is_held_by_one(
    found: SearchRun,
    pair: list[CordBloodUnit],
    first: int | None,
    second: int | None,
    wanted: list[int | None],
) -> None:
    one, two = (added(found, unit) for unit in pair)

    services.shortlist_place(entry_id=one.pk, place=first, actor=ACTOR)
    services.shortlist_place(entry_id=two.pk, place=second, actor=ACTOR)

    assert places(found.request.patient) == wanted


def test_two_units_change_places(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    one, two = (added(found, unit) for unit in pair)
    for entry, place in ((one, 1), (two, 2), (two, 1)):
        services.shortlist_place(entry_id=entry.pk, place=place, actor=ACTOR)

    assert places(found.request.patient) == [2, 1]
    assert AuditEntry.objects.filter(after__changed_with=pair[0].unit_no).count() == 1


@pytest.mark.parametrize("place", [0, -1, 21])
def test_a_place_out_of_range(found: SearchRun, pair: list[CordBloodUnit], place: int) -> None:
    with pytest.raises(InvalidInput):
        services.shortlist_place(entry_id=added(found, pair[0]).pk, place=place, actor=ACTOR)


def test_the_database_holds_what_the_services_promise(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    ShortlistEntryFactory(run=found, unit=pair[0], place=1)
    wrong: list[Any] = [
        {"unit": pair[0]},
        {"unit": pair[1], "place": 1},
        {"unit": pair[1], "state": "removed"},
        {"unit": pair[1], "state": "no such"},
    ]
    for values in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            ShortlistEntryFactory(run=found, **values)
    ShortlistEntryFactory(
        run=found,
        unit=pair[0],
        state="removed",
        removed_at=found.completed_at,
        removed_by="x",
        remove_reason="r",
    )


def test_names_of_places() -> None:
    assert [choice_text(place) for place in (None, 1, 2, 3)] == [
        "undecided", "first choice", "second choice", "backup 1",
    ]  # fmt: skip


def test_notes_are_kept_and_struck_with_a_reason(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    patient = found.request.patient
    added(found, pair[0])
    note = services.note_add(patient=patient, text=" ask for CFU ", unit_id=pair[0].pk, actor=ACTOR)

    struck = services.note_strike(note_id=note.pk, reason="wrong unit", actor=ACTOR)

    assert (struck.text, struck.unit, struck.strike_reason) == ("ask for CFU", pair[0], "wrong unit")
    with pytest.raises(Conflict):
        services.note_strike(note_id=note.pk, reason="again", actor=ACTOR)
    assert [entry.action for entry in AuditEntry.objects.filter(target_key=str(note.pk)).order_by("at")] == [
        "graft_note.add", "graft_note.strike",
    ]  # fmt: skip
    assert "CFU" not in str(AuditEntry.objects.get(action="graft_note.add").after)


@pytest.mark.parametrize(("text", "code"), [(" ", "note_empty"), ("x" * 2001, "note_too_long")])
def test_a_note_has_a_length(patient: Patient, text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.note_add(patient=patient, text=text, actor=ACTOR)

    assert refused.value.code == code


def test_a_note_is_about_a_unit_that_was_picked(patient: Patient, pair: list[CordBloodUnit]) -> None:
    with pytest.raises(InvalidInput, match="not on the shortlist"):
        services.note_add(patient=patient, text="x", unit_id=pair[0].pk, actor=ACTOR)


def test_nothing_is_written_when_the_audit_fails(
    found: SearchRun, pair: list[CordBloodUnit], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ShortlistEntryFactory(run=found, unit=pair[0])
    note = GraftNoteFactory(patient=found.request.patient)

    def fail(**kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", fail)
    calls: list[Any] = [
        lambda: added(found, pair[1]),
        lambda: services.shortlist_place(entry_id=entry.pk, place=1, actor=ACTOR),
        lambda: services.shortlist_remove(entry_id=entry.pk, reason="r", actor=ACTOR),
        lambda: services.note_add(patient=found.request.patient, text="x", actor=ACTOR),
        lambda: services.note_strike(note_id=note.pk, reason="r", actor=ACTOR),
    ]
    for call in calls:
        with pytest.raises(RuntimeError):
            call()

    assert places(found.request.patient) == [None]
    assert not GraftNote.objects.get().is_struck


# --- pages


def shortlist_url(patient: Patient) -> str:
    return reverse("matching:shortlist", args=[patient.pk])


def test_the_button_becomes_a_tag(client: Client, found: SearchRun, pair: list[CordBloodUnit]) -> None:
    url = reverse("matching:shortlist-add", args=[found.pk, pair[0].pk])
    assert url in client.get(detail_url(found)).content.decode()

    answer = client.post(url, **HTMX)

    assert "shortlisted" in answer.content.decode()
    page = client.get(detail_url(found)).content.decode()
    assert url not in page
    assert reverse("matching:shortlist-add", args=[found.pk, pair[1].pk]) in page
    assert client.post(url)["Location"] == shortlist_url(found.request.patient)  # without script


def test_a_refusal_stands_on_the_row(client: Client, found: SearchRun, pair: list[CordBloodUnit]) -> None:
    Patient.objects.update(state="inactive", inactive_reason="moved", deactivated_at=found.completed_at)
    url = reverse("matching:shortlist-add", args=[found.pk, pair[0].pk])

    assert "is not active" in client.post(url, **HTMX).content.decode()
    assert "is not active" in client.post(url, follow=True).content.decode()
    assert url not in client.get(detail_url(found)).content.decode()


def test_the_page_tells_what_changed_since_a_unit_was_picked(
    client: Client, found: SearchRun, pair: list[CordBloodUnit]
) -> None:
    kept, reserved = (added(found, unit) for unit in pair)
    newer = stored_run([pair[0]], request=found.request, run_no=2)
    newer.results.update(tnc_e7_per_kg=3.25, antigen6_max=5, antigen6_min=5)
    CordBloodUnit.objects.filter(pk=pair[1].pk).update(status="RESERVED")

    context = client.get(shortlist_url(found.request.patient)).context

    rows = {row["entry"].pk: row for row in context["rows"]}
    assert [(line["label"], line["before"], line["after"]) for line in rows[kept.pk]["changes"]] == [
        ("antigen", "6/6", "5/6"), ("TNC", "5.00 ×10⁷/kg", "3.25 ×10⁷/kg"),
    ]  # fmt: skip
    assert rows[kept.pk]["listed"]
    assert (rows[reserved.pk]["listed"], rows[reserved.pk]["gone"]["code"]) == (False, "reserved")
    assert rows[reserved.pk]["run"] == found


def test_a_journey_on_the_page(client: Client, found: SearchRun, pair: list[CordBloodUnit]) -> None:
    patient, entry = found.request.patient, added(found, pair[0])
    url = shortlist_url(patient)
    client.post(reverse("matching:shortlist-place", args=[entry.pk]), {"place": "1"})
    client.post(reverse("matching:note-add", args=[patient.pk]), {"text": "the best one", "unit": pair[0].pk})
    client.post(reverse("matching:note-add", args=[patient.pk]), {"text": "<b>general</b>"})

    page = client.get(url).content.decode()
    assert "first choice" in page
    assert "the best one" in page
    assert "&lt;b&gt;general&lt;/b&gt;" in page

    note = GraftNote.objects.get(text="the best one")
    client.post(reverse("matching:note-strike", args=[note.pk]), {"reason": "it is not"})
    client.post(reverse("matching:shortlist-remove", args=[entry.pk]), {"reason": "reserved meanwhile"})
    page = client.get(url).content.decode()
    assert "it is not" in page
    assert "reserved meanwhile" in page
    assert "No unit is shortlisted" in page


def test_what_is_refused_is_said(client: Client, found: SearchRun, pair: list[CordBloodUnit]) -> None:
    patient, entry = found.request.patient, added(found, pair[0])
    posts: list[tuple[str, dict[str, str], str]] = [
        (reverse("matching:shortlist-remove", args=[entry.pk]), {}, "Give the reason."),
        (reverse("matching:shortlist-place", args=[entry.pk]), {"place": "99"}, "less than or equal to 20"),
        (reverse("matching:note-add", args=[patient.pk]), {"text": "x" * 2001}, "at most 2000"),
        (reverse("matching:note-add", args=[patient.pk]), {"text": "kept", "unit": str(uuid4())}, "kept"),
        (
            reverse("matching:note-strike", args=[GraftNoteFactory(patient=patient).pk]),
            {},
            "Give the reason.",
        ),
    ]
    for url, data, words in posts:
        assert words in client.post(url, data, follow=True).content.decode(), url
    services.shortlist_remove(entry_id=entry.pk, reason="r", actor=ACTOR)
    answer = client.post(reverse("matching:shortlist-remove", args=[entry.pk]), {"reason": "r"}, follow=True)
    assert "removed from the shortlist already" in answer.content.decode()


@pytest.mark.parametrize("count", [1, 12])
def test_queries_do_not_grow_with_the_shortlist(
    client: Client, patient: Patient, count: int, django_assert_max_num_queries: Any
) -> None:
    units = [ListedUnitFactory() for _ in range(count)]
    run = stored_run(units, request__patient=patient)
    for unit in units:
        ShortlistEntryFactory(run=run, unit=unit)
        GraftNoteFactory(patient=patient, unit=unit)
    client.get(shortlist_url(patient))

    with django_assert_max_num_queries(33):  # the patient's panels among them
        assert len(client.get(shortlist_url(patient)).context["rows"]) == count


def test_another_hospital_finds_no_shortlist(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    other: User = member_of(HospitalFactory(), Role.HOSPITAL_COORDINATOR)
    client = Client()
    client.force_login(other, backend=BACKEND)
    added(found, pair[0])

    assert client.get(shortlist_url(found.request.patient)).status_code == 404


def test_who_may_not_choose_gets_no_buttons(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    """A director of medicine sees every list; as one who only reads he has nothing to press."""
    entry = added(found, pair[0])
    Patient.objects.update(state="inactive", inactive_reason="moved", deactivated_at=found.completed_at)
    client = Client()
    client.force_login(UserFactory(roles=[Role.MEDICAL_DIRECTOR]), backend=BACKEND)

    page = client.get(shortlist_url(found.request.patient)).content.decode()

    assert entry.unit.public_no in page
    assert reverse("matching:shortlist-remove", args=[entry.pk]) not in page


def test_a_list_of_another_patient_shows_no_tag(
    client: Client, hospital: Hospital, found: SearchRun, pair: Any
) -> None:
    added(found, pair[0])
    other = stored_run(pair, request__patient=typed_patient(hospital=hospital, weight_kg=Decimal(20)))

    assert "shortlisted" not in client.get(detail_url(other)).content.decode()


# --- API


def test_the_api_does_the_same(client: Client, found: SearchRun, pair: list[CordBloodUnit]) -> None:
    patient = found.request.patient
    json: Any = {"content_type": "application/json"}
    made = client.post(
        reverse("api:shortlist-list"), {"run": str(found.pk), "unit": str(pair[0].pk)}, **json
    ).json()
    client.post(reverse("api:shortlist-place", args=[made["id"]]), {"place": 2}, **json)
    noted = client.post(
        reverse("api:graft-note-list"),
        {"patient": str(patient.pk), "unit": str(pair[0].pk), "text": "second"},
        **json,
    ).json()
    client.post(reverse("api:graft-note-strike", args=[noted["id"]]), {"reason": "no"}, **json)

    listed = client.get(reverse("api:shortlist-list"), {"patient": str(patient.pk)}).json()["results"]
    notes = client.get(reverse("api:graft-note-list"), {"patient": str(patient.pk)}).json()["results"]

    assert [(row["unit"]["unit_no"], row["place"]) for row in listed] == [(pair[0].unit_no, 2)]
    assert [(row["text"], row["strike_reason"]) for row in notes] == [("second", "no")]
    client.post(reverse("api:shortlist-remove", args=[made["id"]]), {"reason": "gone"}, **json)
    assert client.get(reverse("api:shortlist-list")).json()["results"] == []
    assert (
        client.post(
            reverse("api:graft-note-list"), {"patient": str(uuid4()), "text": "x"}, **json
        ).status_code
        == 404
    )


def test_bank_staff_see_all(found: SearchRun, pair: list[CordBloodUnit]) -> None:
    added(found, pair[0])
    staff = UserFactory(roles=[Role.SEARCH_COORDINATOR])

    assert ShortlistEntry.objects.visible_to(staff).count() == 1
    assert ShortlistEntry.objects.visible_to(UserFactory(roles=[Role.LAB])).count() == 0
