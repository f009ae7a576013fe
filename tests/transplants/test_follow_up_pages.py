"""Pages of follow-up and counts: what each person sees, is offered and told; lists, my work, calendar, reminders."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import work
from core.models import AuditEntry, Notification, User
from core.roles import Role
from hospitals.models import Patient
from tests.factories.core import UserFactory
from tests.factories.outcomes import (
    alive,
    day,
    days_ago,
    dead,
    editor_of,
    handed_in,
    registered,
    transplanted,
)
from transplants import calendars
from transplants.models import BloodCount, FollowUp, Outcome, OutcomeRules, Transplant
from transplants.services_follow_up import follow_up_save
from transplants.services_outcome_rules import outcome_rules_update
from transplants.services_reminders import bank_tell, follow_up_sweep, hospital_remind

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(patient: Patient) -> Transplant:
    return transplanted(200, patient=patient)


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


def sent(form: Any, **given: Any) -> dict[str, Any]:
    """What a browser sends of a page as it came."""
    found = {}
    for name, field in form.fields.items():
        value = form.initial.get(name, field.initial)
        if value not in (None, ""):
            found[name] = f"{value}" if not isinstance(value, list) else value
    return {**found, "action": "hand_in", **given}


def test_from_my_work_to_a_form_that_is_handed_in(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)
    [item] = [one for one in work.items_for(he_lan) if one.kind == "follow_up"]
    assert item.overdue
    listed = client.get(item.url).content.decode()
    edit = url("follow-up-edit", row.pk, "m6")
    assert (row.number in listed, edit in listed) == (True, True)

    page = client.get(edit)
    assert str(day(row, 153)) in page.content.decode()
    answer = client.post(
        edit, sent(page.context["form"], contact="alive", contact_on=f"{day(row, 180)}", relapse="no")
    )

    assert answer.url == url("transplant-detail", row.pk)
    form = FollowUp.objects.get()
    assert (form.visit, form.state, form.relapse) == ("m6", "final", "no")
    assert [one for one in work.items_for(he_lan) if one.kind == "follow_up"] == []
    shown = client.get(answer.url).content.decode()
    assert url("follow-up-detail", form.pk) in shown
    assert client.get(edit).url == url("follow-up-detail", form.pk)


def test_a_form_begins_with_what_earlier_forms_and_counts_tell(
    row: Transplant, he_lan: User, signed_in: Any
) -> None:
    handed_in(
        row, "d100", he_lan,
        **alive(row, "d100", karnofsky=80, acute="yes", acute_on=day(row, 30), acute_organs={"skin_percent": 20}),
    )  # fmt: skip
    for days, value in ((10, "0.1"), (21, "0.5"), (22, "0.6"), (23, "0.7")):
        BloodCount.objects.create(
            transplant=row, counted_on=day(row, days), anc_e9_per_l=value, entered_by=he_lan
        )

    form = signed_in(he_lan).get(url("follow-up-edit", row.pk, "m6")).context["form"]

    assert (form["acute"].value(), form["acute_on"].value(), form["skin_percent"].value()) == (
        "yes",
        day(row, 30),
        "20",
    )
    assert (form["neutrophils"].value(), form["neutrophils_on"].value()) == ("yes", day(row, 21))
    assert form["karnofsky"].value() is None  # asked anew
    assert form["contact"].value() is None


def test_errors_stand_beside_their_fields_and_what_was_typed_stays(
    row: Transplant, he_lan: User, signed_in: Any
) -> None:
    client, edit = signed_in(he_lan), url("follow-up-edit", row.pk, "m6")
    given = {
        "contact": "alive",
        "contact_on": f"{day(row, 180)}",
        "relapse": "yes",
        "chronic": "yes",
        "note": "so",
    }

    answer = client.post(edit, {**given, "action": "hand_in"})

    assert answer.status_code == 400
    form = answer.context["form"]
    assert set(form.errors) == {"relapse_on", "chronic_on"}
    assert form["note"].value() == "so"
    assert not FollowUp.objects.exists()


def test_a_draft_is_kept_gone_on_with_and_thrown_away(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client, edit = signed_in(he_lan), url("follow-up-edit", row.pk, "m6")
    page = client.get(edit)
    client.post(edit, sent(page.context["form"], action="draft", relapse="yes"))
    draft = FollowUp.objects.get()
    assert (draft.state, draft.relapse) == ("draft", "yes")
    stale = client.post(edit, sent(page.context["form"], action="draft", relapse="no"))
    assert stale.status_code == 409

    page = client.get(edit)
    assert page.context["form"]["relapse"].value() == "yes"
    client.post(url("follow-up-discard", draft.pk), {"seen": page.context["form"]["seen"].value()})
    assert not FollowUp.objects.exists()


def test_a_correction_shows_what_it_changed_and_the_history(
    row: Transplant, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    form = handed_in(
        row, "m6", he_lan,
        **alive(row, "m6", 180, acute="yes", acute_on=day(row, 30),
                acute_organs={"skin_percent": "60", "bilirubin": "1", "stool_ml": "0", "upper_gut": "no"}),
    )  # fmt: skip
    client, correct = signed_in(he_lan), url("follow-up-correct", form.pk)
    page = client.get(correct)
    assert page.context["form"]["skin_percent"].value() == "60"

    answer = client.post(correct, sent(page.context["form"], skin_percent="20", reason="misread"))

    new = FollowUp.objects.get(state="final")
    assert (answer.url, new.acute_grade) == (url("follow-up-detail", new.pk), 1)
    page = signed_in(shen_jia).get(answer.url)  # the bank reads
    assert [(one["before"], one["after"]) for one in page.context["changes"]] == [("60", "20")]
    shown = page.content.decode()
    for text in ("misread", "He Lan", url("follow-up-detail", form.pk)):
        assert text in shown
    assert correct not in shown
    assert signed_in(shen_jia).get(correct).status_code == 403


def test_the_page_of_a_death_with_a_pending_autopsy_asks_for_completion(
    row: Transplant, he_lan: User, signed_in: Any
) -> None:
    form = handed_in(row, "m6", he_lan, **dead(row, 120, primary_cause="unknown", autopsy="pending"))

    [item] = [one for one in work.items_for(he_lan) if one.kind == "follow_up"]
    assert item.url == url("follow-up-detail", form.pk)
    assert url("follow-up-correct", form.pk) in signed_in(he_lan).get(item.url).content.decode()


# --- lists


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def exported(client: Any, query: str = "") -> list[dict[str, str]]:
    return rows_of(b"".join(client.get(url("follow-up-export") + query).streaming_content))


def test_filters_of_the_list_and_the_file(
    row: Transplant, he_lan: User, shen_jia: User, own: Patient, signed_in: Any
) -> None:
    other = transplanted(100, patient=own)  # due, of another hospital
    soon = transplanted(40, hospital=row.hospital)
    listed = registered(1000, hospital=row.hospital)
    client = signed_in(shen_jia)

    def numbers(query: str = "") -> set[str]:
        page = client.get(url("follow-up-list") + query)
        return {item["row"].transplant.number for item in page.context["rows"]}

    assert numbers() == {row.number, other.number, listed.number}
    assert numbers("?state=overdue") == {row.number, listed.number}
    assert numbers("?state=due") == {other.number}
    assert numbers("?state=soon") == {soon.number}
    assert numbers(f"?hospital={own.hospital_id}") == {other.number}
    [late] = [one for one in exported(client, "?state=overdue") if one["number"] == listed.number]
    assert (late["form"], late["forms_missing"], late["patient"]) == ("y2", "4", listed.registry_code)
    client = signed_in(he_lan)
    assert numbers(f"?hospital={own.hospital_id}") == {row.number, listed.number}
    assert {one["number"] for one in exported(client)} == {row.number, listed.number}


def test_a_list_costs_the_same_for_one_and_for_many(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client = signed_in(he_lan)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(url("follow-up-list"))
        return len(found)

    queries()
    one = queries()
    for _ in range(15):
        registered(500, hospital=row.hospital)
    assert queries() <= one + 1 <= 30  # the frame asks for something once in a while


def test_the_page_of_a_transplant_costs_little(row: Transplant, he_lan: User, signed_in: Any) -> None:
    handed_in(row, "d100", he_lan)
    client = signed_in(he_lan)
    client.get(url("transplant-detail", row.pk))
    with CaptureQueriesContext(connection) as found:
        assert client.get(url("transplant-detail", row.pk)).status_code == 200
    assert len(found) <= 30


def test_a_transplant_without_a_patient_here_has_its_pages(
    row: Transplant, he_lan: User, signed_in: Any
) -> None:
    listed = registered(1000, hospital=row.hospital, registry_code="EBMT-77")
    client = signed_in(he_lan)

    for page in (url("transplant-list"), url("transplant-detail", listed.pk), url("count-list", listed.pk)):
        assert "EBMT-77" in client.get(page).content.decode()
    assert listed.number in client.get(url("transplant-list") + "?q=ebmt").content.decode()


def test_the_calendar_knows_the_days_of_those_who_fill_in(
    row: Transplant, he_lan: User, shen_jia: User, own: Patient
) -> None:
    soon, other = transplanted(90, hospital=row.hospital), transplanted(90, patient=own)
    feed = calendars.calendar_of(he_lan).decode().replace("\r\n ", "")

    assert f"follow-up-{soon.pk}-d100@qidai" in feed
    assert f"{day(soon, 100):%Y%m%d}" in feed
    assert f"follow-up-{other.pk}" not in feed
    assert "follow-up-" not in calendars.calendar_of(shen_jia).decode()


# --- counts


def test_counts_from_a_pasted_table_with_preview(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client, page = signed_in(he_lan), url("count-file", row.pk)
    text = "day;anc;platelets\n10;0,1;10\n20;0,5;20\n21;0,6;25\n22;0,7;30\n"

    preview = client.post(page, {"text": text})
    assert not BloodCount.objects.exists()
    assert str(day(row, 20)) in preview.content.decode()
    answer = client.post(page, {"text": text, "take": "1"})

    assert answer.url == url("count-list", row.pk)
    assert set(BloodCount.objects.values_list("source", flat=True)) == {"file"}
    shown = client.get(url("transplant-detail", row.pk)).content.decode()
    assert "at least 0.5" in shown
    client.post(url("count-remove", row.pk), {"day": [f"{day(row, 10)}", "nonsense"]})
    assert BloodCount.objects.count() == 3


def test_a_file_with_errors_is_not_taken_over(row: Transplant, he_lan: User, signed_in: Any) -> None:
    text = "day;anc\n10;0,1\nsoon;0,1\n12;900\n"
    answer = signed_in(he_lan).post(url("count-file", row.pk), {"text": text, "take": "1"})

    assert answer.status_code == 400
    assert not BloodCount.objects.exists()
    content = answer.content.decode()
    assert "anc_per_ul" in content
    assert "soon" in content


def test_counts_are_typed_in(row: Transplant, he_lan: User, signed_in: Any) -> None:
    base = {"c-TOTAL_FORMS": "2", "c-INITIAL_FORMS": "0"}
    client, page = signed_in(he_lan), url("count-list", row.pk)

    wrong = client.post(page, {**base, "c-0-anc_e9_per_l": "0.4"})
    assert wrong.status_code == 400
    late = client.post(page, {**base, "c-0-counted_on": f"{days_ago(-2)}", "c-0-anc_e9_per_l": "0.4"})
    assert (late.status_code, BloodCount.objects.count()) == (400, 0)
    client.post(page, {**base, "c-0-counted_on": f"{day(row, 9)}", "c-0-transfused": "on"})

    [count] = BloodCount.objects.all()
    assert (count.counted_on, count.anc_e9_per_l, count.transfused) == (day(row, 9), None, True)


def test_platelets_that_never_fell_are_not_applicable(row: Transplant, he_lan: User, signed_in: Any) -> None:
    for days in (10, 11, 12):
        BloodCount.objects.create(
            transplant=row, counted_on=day(row, days), platelets_e9_per_l=90, entered_by=he_lan
        )
    assert "never below" in signed_in(he_lan).get(url("count-list", row.pk)).content.decode()


# --- facts and rules


def test_facts_are_completed_on_their_page(row: Transplant, he_lan: User, signed_in: Any) -> None:
    client, page = signed_in(he_lan), url("transplant-facts", row.pk)
    form = client.get(page).context["form"]

    answer = client.post(
        page, sent(form, diagnosis="aml", stage="", intensity="ric", tbi_gy="2", karnofsky="90")
    )

    assert answer.url == url("transplant-detail", row.pk)
    row.refresh_from_db()
    assert (row.diagnosis, row.intensity, row.karnofsky, row.tbi_gy) == ("aml", "ric", 90, 2)
    assert client.post(page, sent(form, diagnosis="all")).status_code == 409


def test_rules_of_reminders_and_a_new_day_of_graft_failure(
    row: Transplant, he_lan: User, signed_in: Any
) -> None:
    handed_in(row, "d100", he_lan, **alive(row, "d100", neutrophils="no"))
    assert Outcome.objects.get(pk=row.pk).days_to_graft_failure == 42
    qa = UserFactory(roles=[Role.QA])
    given = {
        "remind_every_days": "7",
        "tell_bank_after_days": "30",
        "graft_failure_day": "60",
        "reason": "Eurocord",
    }

    answer = signed_in(qa).post(url("follow-up-rules"), given)

    assert answer.url == url("follow-up-list")
    assert OutcomeRules.objects.get().remind_every_days == 7
    assert Outcome.objects.get(pk=row.pk).days_to_graft_failure == 60
    assert AuditEntry.objects.get(action="outcome_rules.update").reason == "Eurocord"
    assert signed_in(qa).post(url("follow-up-rules"), {**given, "remind_every_days": "0"}).status_code == 400


# --- reminders


def told(user: User) -> list[str]:
    rows = Notification.objects.filter(user=user, code__startswith="follow_up.")
    return list(rows.order_by("created_at").values_list("code", flat=True))


def test_a_hospital_is_reminded_once_for_all_and_again_after_the_days(
    row: Transplant, he_lan: User, tan_xi: User
) -> None:
    registered(500, hospital=row.hospital)
    doctor = editor_of(row, Role.HOSPITAL_PHYSICIAN)

    assert follow_up_sweep()["reminded"] == 1
    assert follow_up_sweep()["reminded"] == 0
    assert (told(he_lan), told(doctor), told(tan_xi)) == (["follow_up.overdue"], ["follow_up.overdue"], [])
    assert Notification.objects.filter(user=he_lan).get().params["count"] == 2

    Outcome.objects.update(reminded_on=days_ago(13))
    assert follow_up_sweep()["reminded"] == 0
    Outcome.objects.update(reminded_on=days_ago(14))
    assert follow_up_sweep()["reminded"] == 1
    assert len(told(he_lan)) == 2


def test_nobody_is_reminded_of_a_patient_who_was_made_up(row: Transplant, he_lan: User) -> None:
    Transplant.objects.filter(pk=row.pk).update(source="synthetic", patient=None, registry_code="D-1")

    assert follow_up_sweep() == {"reminded": 0, "bank_told": 0}
    assert told(he_lan) == []


def test_of_what_is_handed_in_nobody_is_reminded_and_of_the_next_form_again(
    row: Transplant, he_lan: User
) -> None:
    follow_up_sweep()
    handed_in(row, "d100", he_lan)  # m6 is due, not overdue
    assert Outcome.objects.get(pk=row.pk).due_visit == "m6"
    assert hospital_remind(hospital_id=row.hospital_id) == 0

    Outcome.objects.filter(pk=row.pk).update(due_until=days_ago(1))
    assert hospital_remind(hospital_id=row.hospital_id) == 1  # another form: the days begin anew


@pytest.mark.parametrize(("days", "wanted"), [(115 + 60, 0), (115 + 61, 1)])
def test_the_bank_is_told_once_of_what_is_long_overdue(
    patient: Patient, shen_jia: User, days: int, wanted: int
) -> None:
    row = transplanted(days, patient=patient)

    assert bank_tell(hospital_id=row.hospital_id) == wanted
    assert bank_tell(hospital_id=row.hospital_id) == 0
    assert told(shen_jia) == ["follow_up.long_overdue"] * wanted


def test_the_dead_and_the_lost_are_not_asked_for(row: Transplant, he_lan: User) -> None:
    handed_in(row, "m6", he_lan, contact="lost", contact_on=day(row, 140))
    assert follow_up_sweep() == {"reminded": 0, "bank_told": 0}


def test_a_draft_does_not_stop_reminders(row: Transplant, he_lan: User) -> None:
    follow_up_save(transplant_id=row.pk, visit="m6", answers={}, seen="", user=he_lan)
    assert follow_up_sweep()["reminded"] == 1


def test_rules_are_kept_by_their_service(row: Transplant, he_lan: User) -> None:
    from core.audit import Actor

    outcome_rules_update(
        values={"remind_every_days": 1, "tell_bank_after_days": 2, "graft_failure_day": 42},
        actor=Actor.user(he_lan),
        reason="a test",
    )
    follow_up_sweep()
    Outcome.objects.update(reminded_on=days_ago(1))
    assert follow_up_sweep()["reminded"] == 1
