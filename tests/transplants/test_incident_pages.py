"""Pages and API of incidents: what each side sees and may do, what is kept of a refused form, the paper, the lists."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
from django.urls import reverse
from django.utils import timezone, translation

from core.models import AuditEntry, User
from core.panels import Place, panels
from core.roles import Role
from hospitals.models import Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import PASSWORD, UserFactory
from tests.factories.incidents import IncidentFactory, IncidentNoteFactory, RecallFactory, lot_of, order_in
from tests.factories.reservations import ReservationFactory, in_days
from tests.transplants.test_recall_pages import queries
from transplants.models import Incident, IncidentNote, IncidentRules
from transplants.providers_incidents import work_items
from transplants.writing_incidents import stamp

pytestmark = pytest.mark.django_db


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:incident-{name}", args=args)


@pytest.fixture
def qa(db: None) -> User:
    found: User = UserFactory(roles=[Role.QA], full_name="Wu Qiang")
    return found


def sent(**values: Any) -> dict[str, Any]:
    known = {
        "kind": "event",
        "seriousness": "not_serious",
        "happened_on": "2026-01-02",
        "title": "bag leaks",
        "what": "It leaked at thaw.",
        "incident_id": str(uuid4()),
    }
    return {**known, **values}


# --- reported -------------------------------------------------------------------------------------


def test_from_an_order_to_the_closed_incident(
    he_lan: User, patient: Patient, qa: User, signed_in: Any
) -> None:
    order = order_in("delivered", patient=patient)
    form, once = f"{url('create')}?order={order.pk}", sent(kind="reaction", seriousness="hospital")
    hospital = signed_in(he_lan)
    page = hospital.get(form).content.decode()
    assert order.number in page
    assert 'name="patient"' not in page

    answers = [hospital.post(form, once) for _ in range(2)]
    row = Incident.objects.get()
    assert [answer.url for answer in answers] == [url("detail", row.pk)] * 2
    assert (row.order, row.patient, row.units.get().unit) == (order, patient, order.unit)
    assert hospital.post(url("note", row.pk), {"text": "seal number 7"}).status_code == 302

    bank = signed_in(qa)
    assess = {
        "seen": stamp(Incident.objects.get()),
        "kind": "reaction",
        "seriousness": "hospital",
        "imputability": "1",
        "owner": str(qa.pk),
    }
    assert bank.post(url("assess", row.pk), assess).status_code == 302
    out = {"seen": stamp(Incident.objects.get()), "reported_to": "NMPA 7", "at": "2026-01-03T10:00"}
    assert bank.post(url("reported-out", row.pk), out).status_code == 302
    close = {"seen": stamp(Incident.objects.get()), "cause": "old seal", "measures": "new ones"}
    assert bank.post(url("close", row.pk), {**close, "password": PASSWORD}).status_code == 302
    shown = signed_in(he_lan).get(url("detail", row.pk)).content.decode()
    assert "old seal" in shown
    assert "seal number 7" in shown
    assert "Save the assessment" not in shown


def test_a_hospital_is_asked_what_it_is_about(he_lan: User, signed_in: Any) -> None:
    """What was typed stays, the error says what to do."""
    answer = signed_in(he_lan).post(url("create"), sent(what="a long text"))

    page = answer.content.decode()
    assert (answer.status_code, "a long text" in page) == (400, True)
    assert "Say what it is about: one of your patients" in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"units": "U-NOBODY"}, "No unit is sure to be meant by: U-NOBODY"),
        ({"patient": "P-XXX"}, "no patient with this code"),
        ({"title": ""}, "Say in a few words what it is about."),
        ({"happened_on": "2200-01-01"}, "This day is still to come."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    he_lan: User, patient: Patient, signed_in: Any, values: dict[str, str], said: str
) -> None:
    answer = signed_in(he_lan).post(url("create"), sent(**{"patient": patient.code, **values}))

    assert (answer.status_code, said in answer.content.decode()) == (400, True)


def test_a_patient_is_named_by_his_code(he_lan: User, patient: Patient, own: Patient, signed_in: Any) -> None:
    client = signed_in(he_lan)

    assert client.post(url("create"), sent(patient=own.code)).status_code == 400  # of another hospital
    assert client.post(url("create"), sent(patient=patient.code.lower())).status_code == 302
    assert Incident.objects.get().patient == patient


def test_what_the_page_is_opened_for_must_be_visible(he_lan: User, own: Patient, signed_in: Any) -> None:
    client = signed_in(he_lan)

    for query in (
        f"order={order_in('delivered').pk}",
        f"patient={own.pk}",
        f"unit={UnitFactory(status='QUARANTINE').pk}",
    ):
        assert client.get(f"{url('create')}?{query}").status_code == 404
    assert client.get(f"{url('create')}?lot={lot_of(UnitFactory()).pk}").status_code == 404
    assert client.get(f"{url('create')}?order=nonsense").status_code == 200


def test_the_bank_reports_from_a_unit_and_a_lot(qa: User, signed_in: Any) -> None:
    unit = UnitFactory()
    lot = lot_of(unit)
    client = signed_in(qa)
    assert unit.unit_no in client.get(f"{url('create')}?unit={unit.pk}").content.decode()

    client.post(f"{url('create')}?lot={lot.pk}", sent(kind="deviation"))

    assert Incident.objects.get().lot == lot


# --- one incident ---------------------------------------------------------------------------------


def test_inner_notes_are_for_the_bank(he_lan: User, patient: Patient, qa: User, signed_in: Any) -> None:
    row = IncidentFactory(patient=patient)
    IncidentNoteFactory(incident=row, text="ours, probably")
    client = signed_in(he_lan)

    page = client.get(url("detail", row.pk)).content.decode()
    assert "ours, probably" not in page
    assert 'name="inner"' not in page
    client.post(url("note", row.pk), {"text": "tell us", "inner": "on"})
    assert IncidentNote.objects.get(text="tell us").inner is False
    bank = signed_in(qa).get(url("detail", row.pk)).content.decode()
    assert "ours, probably" in bank
    assert 'name="inner"' in bank


def test_of_the_bank_only_every_note_is_inner(qa: User, signed_in: Any) -> None:
    row = IncidentFactory()

    signed_in(qa).post(url("note", row.pk), {"text": "t"})

    assert row.notes.get().inner is True


def test_buttons_are_offered_only_where_they_do_something(
    he_lan: User, patient: Patient, qa: User, signed_in: Any
) -> None:
    row, closed = IncidentFactory(patient=patient), IncidentFactory(patient=patient, closed=True)
    work = ("assess", "reported-out", "close")

    def offered(user: User, one: Incident) -> set[str]:
        page = signed_in(user).get(url("detail", one.pk)).content.decode()
        return {name for name in (*work, "note", "reopen") if f'action="{url(name, one.pk)}"' in page}

    assert offered(he_lan, row) == {"note"}
    assert offered(he_lan, closed) == set()
    assert offered(qa, row) == {"note", *work}
    assert offered(qa, closed) == {"reopen"}


def test_a_stale_page_is_shown_as_it_is_now(qa: User, signed_in: Any) -> None:
    row = IncidentFactory()
    seen = stamp(row)
    Incident.objects.filter(pk=row.pk).update(title="two bags leak", updated_at=timezone.now())
    client = signed_in(qa)
    close = {"seen": seen, "cause": "old seal", "measures": "new", "password": PASSWORD}

    answer = client.post(url("close", row.pk), close)

    page = answer.content.decode()
    assert (answer.status_code, "two bags leak" in page, "old seal" in page) == (409, True, True)
    row.refresh_from_db()
    assert f'value="{stamp(row)}"' in page  # the next try is of what is shown
    assert client.post(url("close", row.pk), {**close, "seen": stamp(row)}).status_code == 302
    again = client.post(url("close", row.pk), {**close, "seen": stamp(row)})
    assert (again.status_code, "is closed" in again.content.decode()) == (409, True)


def test_a_refused_signature_is_on_record(qa: User, signed_in: Any) -> None:
    row = IncidentFactory()

    answer = signed_in(qa).post(
        url("close", row.pk), {"seen": stamp(row), "cause": "c", "measures": "m", "password": "wrong"}
    )

    assert (answer.status_code, "This is not your password." in answer.content.decode()) == (403, True)
    assert AuditEntry.objects.get(action="incident.sign_refused").target_label == row.number


def test_who_would_type_in_vain_is_told_first(qa: User, signed_in: Any) -> None:
    client = signed_in(qa)

    for row, said in (
        (IncidentFactory(serious=True), "Say first how far the unit is the cause"),
        (IncidentFactory(kind="reaction"), "Say first how far the unit is the cause"),
        (IncidentFactory(serious=True, imputability="2"), "Note first to whom it was reported outside"),
        (RecallFactory(units=[UnitFactory()]).incident, "Lift it first"),
        (IncidentFactory(serious=True, imputability="0", opened_by_user=qa), "Somebody else must close it"),
    ):
        assert said in client.get(url("detail", row.pk)).content.decode()
        close = {"seen": stamp(row), "cause": "c", "measures": "m", "password": PASSWORD}
        refused = client.post(url("close", row.pk), close)
        assert refused.status_code in (403, 409)
        assert said in str(refused.context["forms"]["close"].errors)


@pytest.mark.parametrize("where", ["page", "list", "pdf", "work"])
@pytest.mark.parametrize(("seriousness", "serious"), [("not_serious", False), ("hospital", True)])
@pytest.mark.parametrize("kind", ["reaction", "event"])
def test_it_is_called_serious_where_it_is_assessed_so(
    qa: User, signed_in: Any, where: str, seriousness: str, serious: bool, kind: str
) -> None:
    """A moderate reaction is an adverse reaction: the abbreviation of the authorities is of serious ones."""
    row = IncidentFactory(kind=kind, seriousness=seriousness)
    client = signed_in(qa)

    text = {
        "page": lambda: client.get(url("detail", row.pk)).content.decode().split("Save the assessment")[0],
        "list": lambda: client.get(url("list")).content.decode(),
        "pdf": lambda: text_of(client.get(url("form", row.pk)).content),
        "work": lambda: work_items(qa)[0].detail,
    }[where]()

    assert (f"Serious adverse {kind}" in text) == serious
    assert serious or f"Adverse {kind}" in text


def test_another_hospital_sees_nothing(tan_xi: User, patient: Patient, signed_in: Any) -> None:
    row = IncidentFactory(patient=patient, title="of theirs")
    client = signed_in(tan_xi)

    for name in ("detail", "form"):
        assert client.get(url(name, row.pk)).status_code == 404
    for path in (f"{url('list')}?state=all", f"{reverse('config:find')}?q={row.number}"):
        assert "of theirs" not in client.get(path).content.decode()


# --- the paper ------------------------------------------------------------------------------------


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


@pytest.mark.parametrize(
    ("language", "head", "kind"),
    [
        ("en", "Report of an incident", "Serious adverse reaction"),
        ("zh-hans", "不良事件报告", "严重不良反应"),
    ],
)
def test_the_form_on_paper(
    qa: User, patient: Patient, signed_in: Any, language: str, head: str, kind: str
) -> None:
    units = [UnitFactory() for _ in range(60)]
    row = IncidentFactory(
        patient=patient,
        kind="reaction",
        seriousness="hospital",
        title="输注后发热",
        units=units,
        rapid_alert=True,
    )
    IncidentNoteFactory(incident=row, text="ours, probably")
    RecallFactory(incident=row, units=units[:1], reason="bags leak")

    answer = signed_in(qa).get(f"{url('form', row.pk)}?lang={language}")

    text = text_of(answer.content)
    flat = text.replace("\r", "").replace("\n", "")
    assert answer["Content-Type"] == "application/pdf"
    for said in (head, kind, row.number, "输注后发热", patient.code, units[-1].public_no, "bags leak"):
        assert said in flat, said
    assert "ours, probably" not in flat
    with translation.override(language):
        assert (translation.gettext("Page {page} of {pages}").format(page=3, pages=3)) in flat
    entry = AuditEntry.objects.get(action="incident.form")
    assert entry.after == {"language": language}


def test_a_hospital_reads_of_no_recall_on_its_paper(he_lan: User, patient: Patient, signed_in: Any) -> None:
    row = IncidentFactory(patient=patient)
    RecallFactory(incident=row, units=[UnitFactory()], reason="of all hospitals")

    text = text_of(signed_in(he_lan).get(url("form", row.pk)).content)

    assert row.number in text
    assert "of all hospitals" not in text


# --- lists and panels -----------------------------------------------------------------------------


def test_filters_of_the_list(qa: User, patient: Patient, signed_in: Any) -> None:
    unit = UnitFactory()
    late = IncidentFactory(serious=True, due_on=in_days(-1), title="late")
    plain = IncidentFactory(kind="deviation", title="plain", units=[unit])
    closed = IncidentFactory(closed=True, title="closed")
    of_patient = IncidentFactory(patient=patient, title="of him")
    client = signed_in(qa)

    def found(query: str) -> set[str]:
        page = client.get(f"{url('list')}?{query}")
        return {item["row"].number for item in page.context["rows"]}

    assert found("") == {late.number, plain.number, of_patient.number}
    assert found("state=overdue") == found("serious=yes") == {late.number}
    assert found("state=closed") == {closed.number}
    assert len(found("state=all")) == 4
    assert found("kind=deviation") == found(f"q={unit.unit_no}") == {plain.number}
    assert found(f"q={patient.code}") == {of_patient.number}
    assert client.get(url("list")).context["rows"][0]["row"] == late  # what is due first


def test_the_list_as_csv(he_lan: User, patient: Patient, signed_in: Any) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    row = IncidentFactory(patient=patient, title="=1+1", units=[kept.unit])
    IncidentFactory(title="of the bank")

    answer = signed_in(he_lan).get(url("export"))

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    [line] = csv.DictReader(io.StringIO(text))
    assert (line["number"], line["title"], line["units"], line["patient"]) == (
        row.number, "'=1+1", "1", patient.code,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["list", "detail"])
def test_a_list_takes_as_many_queries_for_many_rows(
    name: str, qa: User, patient: Patient, signed_in: Any
) -> None:
    client = signed_in(qa)

    def count() -> int:
        return queries(client, url("list") if name == "list" else url("detail", row.pk))

    row = IncidentFactory(patient=patient, units=[UnitFactory()])
    IncidentNoteFactory(incident=row)
    few = count()
    for _ in range(20):
        IncidentFactory(patient=patient, units=[UnitFactory()])
        IncidentNoteFactory(incident=row)
        row.units.create(unit=UnitFactory())

    assert count() == few


def test_an_empty_list_says_where_incidents_come_from(qa: User, signed_in: Any) -> None:
    assert "No incident here" in signed_in(qa).get(url("list")).content.decode()


def test_panels_offer_to_report(he_lan: User, patient: Patient, qa: User) -> None:
    order = order_in("delivered", patient=patient)
    row = IncidentFactory(patient=patient, order=order, units=[order.unit])

    for place, subject in ((Place.PATIENT, patient), (Place.ORDER, order), (Place.UNIT, order.unit)):
        shown = [
            one.values
            for one in panels(place, he_lan, subject)
            if one.template.endswith("_incident_panel.html")
        ]
        assert [item["row"] for item in shown[0]["rows"]] == [row]
        assert str(subject.pk) in shown[0]["report_url"]
        assert shown[0]["recall_url"] == ""
    listed = [one for one in panels(Place.UNIT, he_lan, UnitFactory()) if "incident" in one.template]
    assert listed == []  # neither kept for this hospital nor sent to it
    director = UserFactory(roles=[Role.DIRECTOR])
    assert [one for one in panels(Place.ORDER, director, order) if "incident" in one.template] == []
    [unit_panel] = [one for one in panels(Place.UNIT, qa, order.unit) if "incident" in one.template]
    assert f"unit={order.unit_id}" in unit_panel.values["recall_url"]


def test_my_work(qa: User) -> None:
    """What nobody looks after and what is one's own; of another's only what is overdue."""
    other = UserFactory(roles=[Role.MEDICAL_DIRECTOR])
    mine = IncidentFactory(owner=qa, title="mine")
    nobodys = IncidentFactory(title="nobodys")
    late = IncidentFactory(owner=other, title="late", serious=True, due_on=in_days(-1))
    IncidentFactory(owner=other, title="others")
    IncidentFactory(closed=True)

    items = work_items(qa)

    assert {item.url for item in items} == {url("detail", row.pk) for row in (mine, nobodys, late)}
    [overdue] = [item for item in items if item.overdue]
    assert overdue.title == f"Report {late.number} outside: late"
    assert work_items(UserFactory(roles=[Role.LAB])) == []


def test_a_number_opens_its_incident(qa: User, signed_in: Any) -> None:
    row = IncidentFactory()

    answer = signed_in(qa).get(f"{reverse('config:find')}?q={row.number.lower()}")

    assert answer.url == url("detail", row.pk)


def test_rules_are_changed_with_a_reason(qa: User, signed_in: Any) -> None:
    client, values = signed_in(qa), {"serious_days": 5, "rapid_days": 1, "hotline": "+86 21 1"}

    assert client.post(url("rules"), {**values, "reason": ""}).status_code == 400
    assert client.post(url("rules"), {**values, "rapid_days": 6, "reason": "r"}).status_code == 400
    assert client.post(url("rules"), {**values, "reason": "our authority"}).status_code == 302
    assert IncidentRules.load().serious_days == 5


# --- API ------------------------------------------------------------------------------------------


def test_the_api_reports_reads_and_notes(
    he_lan: User, patient: Patient, tan_xi: User, signed_in: Any
) -> None:
    kept = ReservationFactory(active=True, patient=patient)
    client, key = signed_in(he_lan), str(uuid4())
    given = {
        "kind": "typing", "title": "DRB1 differs", "what": "Typed again.", "happened_on": "2026-01-02",
        "patient": str(patient.pk), "units": [str(kept.unit_id)], "incident_id": key,
    }  # fmt: skip

    for _ in range(2):
        made = client.post("/api/v1/incidents/", given, content_type="application/json")
        assert (made.status_code, made.json()["id"]) == (201, key)
    assert made.json()["units"] == [kept.unit.public_no]
    note = {"text": "see the report"}
    assert (
        client.post(f"/api/v1/incidents/{key}/notes/", note, content_type="application/json").status_code
        == 201
    )
    inner = {"text": "x", "inner": True}
    refused = client.post(f"/api/v1/incidents/{key}/notes/", inner, content_type="application/json")
    assert refused.status_code == 403
    assert [one["text"] for one in client.get(f"/api/v1/incidents/{key}/notes/").json()] == ["see the report"]
    assert client.get("/api/v1/incidents/?kind=event").json()["count"] == 0
    assert client.get(f"/api/v1/incidents/?patient={patient.pk}").json()["count"] == 1
    assert client.get("/api/v1/incidents/?state=nonsense").status_code == 400

    other = signed_in(tan_xi)
    assert other.get(f"/api/v1/incidents/{key}/").status_code == 404
    assert other.post("/api/v1/incidents/", given, content_type="application/json").status_code == 404
    strange = {
        **given,
        "patient": None,
        "units": [str(UnitFactory(status="QUARANTINE").pk)],
        "incident_id": str(uuid4()),
    }
    assert other.post("/api/v1/incidents/", strange, content_type="application/json").status_code == 404
