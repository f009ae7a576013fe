"""Forms of follow-up: drafts, handing in, corrections; what is refused, and what follows from a form."""

from __future__ import annotations

from typing import Any

import pytest

from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput, NotAllowed
from core.models import AuditEntry, User
from core.roles import Role
from hospitals.models import Patient
from hospitals.services import patient_deactivate, patient_reactivate
from tests.factories.core import UserFactory
from tests.factories.grafts import TransplantFactory
from tests.factories.outcomes import (
    alive,
    day,
    days_ago,
    dead,
    editor_of,
    outcome_of,
    registered,
    transplanted,
)
from transplants.models import BloodCount, FollowUp, Outcome, OutcomeVersion, Transplant
from transplants.services_follow_up import (
    follow_up_correct,
    follow_up_discard,
    follow_up_hand_in,
    follow_up_save,
    stamp,
)
from transplants.services_outcomes import current_version, outcomes_refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(patient: Patient) -> Transplant:
    return transplanted(1200, patient=patient)


def hand_in(row: Transplant, visit: str, user: User, answers: dict[str, Any], seen: str = "") -> FollowUp:
    return follow_up_hand_in(transplant_id=row.pk, visit=visit, answers=answers, seen=seen, user=user)


def refused(row: Transplant, visit: str, user: User, answers: dict[str, Any]) -> set[tuple[str, str]]:
    """Field and code of everything that speaks against it; nothing is kept of it."""
    before = FollowUp.objects.count(), AuditEntry.objects.count()
    with pytest.raises(InvalidInput) as caught:
        hand_in(row, visit, user, answers)
    assert (FollowUp.objects.count(), AuditEntry.objects.count()) == before
    return {(one["field"], one["code"]) for one in caught.value.details}


# --- the way of a form


def test_a_draft_counts_nothing_and_is_handed_in(row: Transplant, he_lan: User) -> None:
    version = current_version()
    draft = follow_up_save(
        transplant_id=row.pk, visit="d100", answers={"relapse": "yes"}, seen="", user=he_lan
    )
    assert (draft.state, outcome_of(row).days_followed, current_version()) == ("draft", 0, version)

    form = hand_in(row, "d100", he_lan, alive(row, "d100"), stamp(draft))

    assert (form.pk, form.state, form.handed_in_by, form.relapse) == (draft.pk, "final", he_lan, "")
    assert outcome_of(row).days_followed == 85
    assert current_version() == version + 1
    assert list(AuditEntry.objects.order_by("at").values_list("action", flat=True))[-2:] == [
        "follow_up.save",
        "follow_up.hand_in",
    ]


def test_grade_and_severity_are_derived_from_findings(row: Transplant, he_lan: User) -> None:
    form = hand_in(
        row,
        "d100",
        he_lan,
        alive(
            row,
            "d100",
            acute="yes",
            acute_on=day(row, 30),
            acute_severe_on=day(row, 33),
            acute_organs={
                "skin_percent": "30.0",
                "bilirubin": "60",
                "bilirubin_unit": "umol_per_l",
                "stool_ml": "0",
                "upper_gut": "no",
            },
            chronic="yes",
            chronic_on=day(row, 80),
            chronic_sites={
                "skin": 1, "mouth": 1, "eyes": 1, "gut": 0, "liver": 0, "joints": 0, "fev1_percent": "90",
            },
        ),
    )  # fmt: skip

    assert (form.acute_grade, form.chronic_severity) == (3, "moderate")
    assert form.acute_organs["skin_percent"] == "30"  # one finding, one text
    found = outcome_of(row)
    assert (found.days_to_acute_2, found.days_to_acute_3, found.days_to_chronic) == (30, 33, 80)


def test_a_child_is_judged_by_its_weight(row: Transplant, he_lan: User) -> None:
    """200 mL a day are nothing of an adult; of 12.4 kg they are 16 mL/kg, stage 1, grade II."""
    organs = {"skin_percent": 0, "bilirubin": 1, "stool_ml": 200, "upper_gut": "no"}
    answers = alive(row, "d100", acute="yes", acute_on=day(row, 30), acute_organs=organs)
    Transplant.objects.filter(pk=row.pk).update(age_years=3)

    assert hand_in(row, "d100", he_lan, answers).acute_grade == 2


def test_of_a_no_the_grade_is_0_and_of_nothing_there_is_none(row: Transplant, he_lan: User) -> None:
    assert hand_in(row, "d100", he_lan, alive(row, "d100", acute="no")).acute_grade == 0
    assert hand_in(row, "m6", he_lan, alive(row, "m6")).acute_grade is None


def test_a_form_is_handed_in_once_and_a_double_click_is_one(row: Transplant, he_lan: User) -> None:
    first = hand_in(row, "d100", he_lan, alive(row, "d100"))

    assert hand_in(row, "d100", he_lan, alive(row, "d100")) == first
    with pytest.raises(Conflict) as caught:
        hand_in(row, "d100", he_lan, alive(row, "d100", 90))
    assert caught.value.code == "follow_up_handed_in"
    assert FollowUp.objects.count() == 1


def test_a_stale_page_overwrites_nothing(row: Transplant, he_lan: User) -> None:
    colleague = editor_of(row, Role.HOSPITAL_PHYSICIAN)
    draft = follow_up_save(transplant_id=row.pk, visit="m6", answers={"note": "a"}, seen="", user=he_lan)
    for service in (follow_up_save, follow_up_hand_in):
        with pytest.raises(Conflict) as caught:
            service(transplant_id=row.pk, visit="m6", answers=alive(row, "m6"), seen="", user=colleague)
        assert caught.value.code == "follow_up_stale"
    assert FollowUp.objects.get().note == "a"

    again = follow_up_save(transplant_id=row.pk, visit="m6", answers={"note": "a"}, seen="", user=he_lan)
    assert again == draft  # a double click of the same person


def test_a_draft_is_thrown_away_but_not_what_was_handed_in(row: Transplant, he_lan: User) -> None:
    draft = follow_up_save(transplant_id=row.pk, visit="m6", answers={}, seen="", user=he_lan)
    follow_up_discard(follow_up_id=draft.pk, seen=stamp(draft), user=he_lan)
    form = hand_in(row, "m6", he_lan, alive(row, "m6"))

    with pytest.raises(Conflict):
        follow_up_discard(follow_up_id=form.pk, seen=stamp(form), user=he_lan)
    assert list(FollowUp.objects.all()) == [form]


# --- who may


@pytest.mark.parametrize("role", [Role.SEARCH_COORDINATOR, Role.MEDICAL_DIRECTOR, Role.QA, Role.ADMIN])
def test_the_bank_reads_and_does_not_write(row: Transplant, role: Role) -> None:
    person: User = UserFactory(roles=[role])
    for service in (follow_up_save, follow_up_hand_in):
        with pytest.raises(NotAllowed):
            service(transplant_id=row.pk, visit="d100", answers=alive(row, "d100"), seen="", user=person)


def test_another_hospital_writes_nothing(row: Transplant, tan_xi: User, he_lan: User) -> None:
    form = hand_in(row, "d100", he_lan, alive(row, "d100"))

    with pytest.raises(NotAllowed):
        hand_in(row, "m6", tan_xi, alive(row, "m6"))
    with pytest.raises(NotAllowed):
        follow_up_correct(
            follow_up_id=form.pk, answers=alive(row, "d100", 90), reason="r", seen=stamp(form), user=tan_xi
        )


# --- what cannot be so

REFUSALS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (
        "d100",
        {"contact": "", "days": None},
        {("contact", "contact_missing"), ("contact_on", "contact_day_missing")},
    ),
    ("d100", {"days": -1}, {("contact_on", "before_day_0")}),
    ("y4", {"days": 1500}, {("contact_on", "in_the_future")}),
    ("d100", {"days": 84}, {("contact_on", "before_the_period")}),
    ("d100", {"days": 153}, {("contact_on", "after_the_period")}),
    ("y1", {"days": 365}, {("contact_on", "before_the_period")}),
    ("d100", {"primary_cause": "viral"}, {("primary_cause", "cause_of_the_living")}),
    ("d100", {"contact": "dead"}, {("primary_cause", "cause_missing"), ("autopsy", "autopsy_missing")}),
    (
        "d100",
        {"contact": "dead", "primary_cause": "viral", "autopsy": "no", "contributing": ["viral", "unknown"]},
        {("contributing", "cause_twice"), ("contributing", "cause_unknown")},
    ),
    ("d100", {"relapse": "yes"}, {("relapse_on", "day_missing")}),
    ("d100", {"relapse": "no", "relapse_on": 50}, {("relapse_on", "day_without_yes")}),
    ("d100", {"relapse": "yes", "relapse_on": 101}, {("relapse_on", "event_after_contact")}),
    ("d100", {"relapse": "yes", "relapse_on": -1}, {("relapse_on", "before_day_0")}),
    (
        "d100",
        {"second_transplant": "yes", "second_transplant_on": 0},
        {("second_transplant_on", "second_on_day_0")},
    ),
    ("d100", {"donor_chimerism_percent": 90}, {("chimerism_on", "day_missing")}),
    ("d100", {"chimerism_on": 90}, {("donor_chimerism_percent", "value_missing")}),
    (
        "d100",
        {"neutrophils": "yes", "neutrophils_on": 20, "graft_failure": "primary", "graft_failure_on": 42},
        {("graft_failure", "primary_after_recovery")},
    ),
    (
        "d100",
        {"neutrophils": "yes", "neutrophils_on": 30, "graft_failure": "secondary", "graft_failure_on": 20},
        {("graft_failure_on", "lost_before_recovery")},
    ),
    (
        "d100",
        {"neutrophils": "no", "graft_failure": "secondary", "graft_failure_on": 60},
        {("graft_failure", "secondary_without_recovery")},
    ),
    ("d100", {"acute_organs": {"skin_percent": 10}}, {("acute", "findings_without_yes")}),
    (
        "d100",
        {
            "acute": "yes",
            "acute_on": 30,
            "acute_organs": {"bullae": "yes", "skin_percent": 50},
            "acute_severe_on": 31,
        },
        {("skin_percent", "erythroderma_small")},
    ),
    (
        "d100",
        {"acute": "yes", "acute_on": 30, "acute_organs": {"gut_severe": "yes"}},
        {("acute_severe_on", "day_missing")},
    ),
    ("d100", {"acute": "yes", "acute_on": 30, "acute_severe_on": 40}, {("acute_severe_on", "not_severe")}),
    (
        "d100",
        {"acute": "yes", "acute_on": 30, "acute_organs": {"gut_severe": "yes"}, "acute_severe_on": 29},
        {("acute_severe_on", "severe_before_onset")},
    ),
    ("d100", {"chronic_sites": {"mouth": 1}}, {("chronic", "findings_without_yes")}),
    (
        "d100",
        {"chronic_systemic": "yes", "chronic_systemic_on": 60},
        {("chronic_systemic", "treated_without_disease")},
    ),
    (
        "d100",
        {"chronic": "yes", "chronic_on": 70, "chronic_systemic": "yes", "chronic_systemic_on": 60},
        {("chronic_systemic_on", "treated_before_onset")},
    ),
]


@pytest.mark.parametrize(("visit", "given", "wanted"), REFUSALS)
def test_what_cannot_be_so_is_refused_beside_its_field(
    row: Transplant, he_lan: User, visit: str, given: dict[str, Any], wanted: set[tuple[str, str]]
) -> None:
    more = dict(given)
    days = more.pop("days", 100)
    dated = {
        name: day(row, value) if name.endswith("_on") and value is not None else value
        for name, value in more.items()
    }
    answers = {"contact": "alive", "contact_on": None if days is None else day(row, days), **dated}

    assert refused(row, visit, he_lan, answers) == wanted


def test_several_findings_are_named_at_once(row: Transplant, he_lan: User) -> None:
    answers = alive(row, "d100", relapse="yes", chronic="yes", autopsy="no")

    assert refused(row, "d100", he_lan, answers) == {
        ("relapse_on", "day_missing"),
        ("chronic_on", "day_missing"),
        ("autopsy", "cause_of_the_living"),
    }


def test_the_reason_says_the_days(row: Transplant, he_lan: User) -> None:
    with pytest.raises(InvalidInput) as caught:
        hand_in(row, "y1", he_lan, alive(row, "y1", 365))

    assert str(day(row, 366)) in caught.value.message
    assert "day 365" in caught.value.message


def test_an_event_on_day_0_and_on_the_day_of_contact_are_taken(row: Transplant, he_lan: User) -> None:
    form = hand_in(
        row,
        "d100",
        he_lan,
        alive(row, "d100", relapse="yes", relapse_on=day(row, 0), acute="yes", acute_on=day(row, 85)),
    )

    assert form.state == "final"
    assert outcome_of(row).days_to_relapse == 0


def test_forms_among_each_other(row: Transplant, he_lan: User) -> None:
    hand_in(row, "m6", he_lan, alive(row, "m6", 200, relapse="yes", relapse_on=day(row, 150)))

    assert refused(row, "y1", he_lan, dead(row, 190)) == {("contact_on", "death_before_contact")}
    lost = {"contact": "lost", "contact_on": day(row, 199)}
    assert refused(row, "y1", he_lan, lost) == {("contact_on", "before_earlier_form")}
    assert refused(row, "y1", he_lan, alive(row, "y1", relapse="no")) == {("relapse", "undone")}
    hand_in(row, "y2", he_lan, dead(row, 800))
    assert refused(row, "y3", he_lan, alive(row, "y3")) == {("contact_on", "contact_after_death")} | {
        ("contact_on", "contact_after_record")
    }
    assert refused(row, "y1", he_lan, dead(row, 700)) == {("contact_on", "two_deaths")}
    hand_in(row, "y1", he_lan, alive(row, "y1"))  # an earlier form, handed in late


def test_counts_and_record_among_the_forms(row: Transplant, he_lan: User) -> None:
    BloodCount.objects.create(transplant=row, counted_on=day(row, 60), anc_e9_per_l="0.4", entered_by=he_lan)
    assert refused(row, "d100", he_lan, dead(row, 59)) == {("contact_on", "death_before_count")}

    assert row.patient is not None
    Patient.objects.filter(pk=row.patient.pk).update(
        state="inactive", inactive_reason="died", ended_on=day(row, 90), deactivated_at=row.created_at
    )
    assert refused(row, "d100", he_lan, alive(row, "d100", 91)) == {("contact_on", "contact_after_record")}
    hand_in(row, "d100", he_lan, alive(row, "d100", 90))


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"acute_organs": {"toes": 1}}, "acute_organs"),
        ({"acute_organs": {"skin_percent": 101}}, "skin_percent"),
        ({"acute_organs": {"stool_episodes": "2.5"}}, "stool_episodes"),
        ({"acute_organs": {"bilirubin": 340}}, "bilirubin_unit"),
        ({"acute_organs": {"upper_gut": "perhaps"}}, "upper_gut"),
        ({"chronic_sites": {"mouth": 4}}, "mouth"),
        ({"chronic_sites": {"fev1_percent": "NaN"}}, "fev1_percent"),
        ({"contributing": ["grief"]}, "contributing"),
        ({"relapse": "perhaps"}, "relapse"),
        ({"karnofsky": 101}, "karnofsky"),
        ({"infections": "x" * 401}, "infections"),
        ({"acute_grade": 2}, "acute_grade"),  # derived, never given
        ({"state": "final"}, "state"),
    ],
)
def test_not_even_a_draft_takes_what_is_no_answer(
    row: Transplant, he_lan: User, answers: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        follow_up_save(transplant_id=row.pk, visit="d100", answers=answers, seen="", user=he_lan)

    assert caught.value.field == field
    assert not FollowUp.objects.exists()


def test_a_form_that_does_not_exist(row: Transplant, he_lan: User) -> None:
    with pytest.raises(InvalidInput) as caught:
        hand_in(row, "y7", he_lan, alive(row, "y6"))
    assert caught.value.code == "visit_unknown"


# --- death


def test_a_death_closes_the_record_and_ends_what_is_asked(row: Transplant, he_lan: User) -> None:
    hand_in(row, "m6", he_lan, dead(row, 120, contributing=["cardiac", "acute_gvhd"]))

    patient = Patient.objects.get(pk=row.patient_id)
    assert (patient.is_active, patient.inactive_reason, patient.ended_on) == (False, "died", day(row, 120))
    found = outcome_of(row)
    assert (found.is_dead, found.days_followed, found.cause, found.due_visit) == (True, 120, "viral", "")
    assert FollowUp.objects.get().contributing == ["acute_gvhd", "cardiac"]


def test_of_a_patient_who_was_transplanted_the_record_says_so_and_then_that_he_died(
    row: Transplant, he_lan: User
) -> None:
    assert row.patient is not None
    patient_deactivate(
        patient_id=row.patient.pk, reason="transplanted", on=row.infused_on, by=Actor.user(he_lan)
    )
    hand_in(row, "m6", he_lan, dead(row, 120))

    patient = Patient.objects.get(pk=row.patient_id)
    assert (patient.inactive_reason, patient.ended_on) == ("died", day(row, 120))
    assert AuditEntry.objects.filter(action="patient.died").count() == 1


def test_a_death_by_mistake_is_taken_back(row: Transplant, he_lan: User) -> None:
    form = hand_in(row, "m6", he_lan, dead(row, 160))

    follow_up_correct(
        follow_up_id=form.pk,
        answers=alive(row, "m6", 160),
        reason="another patient",
        seen=stamp(form),
        user=he_lan,
    )

    patient = Patient.objects.get(pk=row.patient_id)
    assert (patient.inactive_reason, patient.ended_on) == ("transplanted", row.infused_on)
    found = outcome_of(row)
    assert (found.is_dead, found.days_followed, found.due_visit) == (False, 160, "y1")


def test_a_wrong_day_of_death_is_corrected_in_the_record_too(row: Transplant, he_lan: User) -> None:
    form = hand_in(row, "m6", he_lan, dead(row, 160))

    follow_up_correct(
        follow_up_id=form.pk, answers=dead(row, 170), reason="typing error", seen=stamp(form), user=he_lan
    )

    assert Patient.objects.get(pk=row.patient_id).ended_on == day(row, 170)
    assert outcome_of(row).days_followed == 170


def test_a_record_that_is_closed_as_died_changes_the_outcome_and_asks_for_a_form(
    row: Transplant, he_lan: User
) -> None:
    hand_in(row, "d100", he_lan, alive(row, "d100"))
    version = current_version()
    assert row.patient is not None
    patient_deactivate(patient_id=row.patient.pk, reason="died", on=day(row, 300), by=Actor.user(he_lan))

    found = outcome_of(row)
    assert (found.is_dead, found.days_followed, found.due_visit) == (True, 300, "m6")
    assert found.due_from == day(row, 300)
    assert current_version() == version + 1

    patient_reactivate(patient_id=row.patient.pk, by=Actor.user(he_lan))
    assert (outcome_of(row).is_dead, outcome_of(row).days_followed) == (False, 85)


def test_an_autopsy_that_is_pending_keeps_the_form_open(row: Transplant, he_lan: User) -> None:
    form = hand_in(row, "m6", he_lan, dead(row, 120, primary_cause="unknown", autopsy="pending"))
    assert list(FollowUp.objects.to_complete()) == [form]

    follow_up_correct(
        follow_up_id=form.pk,
        answers=dead(row, 120, primary_cause="fungal", autopsy="yes"),
        reason="autopsy",
        seen=stamp(form),
        user=he_lan,
    )

    assert not FollowUp.objects.to_complete().exists()
    assert outcome_of(row).cause == "fungal"


# --- corrections


def test_a_correction_is_a_new_version_and_the_old_one_stays(row: Transplant, he_lan: User) -> None:
    colleague = editor_of(row, Role.HOSPITAL_PHYSICIAN)
    form = hand_in(row, "d100", he_lan, alive(row, "d100", relapse="no"))

    new = follow_up_correct(
        follow_up_id=form.pk,
        answers=alive(row, "d100", relapse="yes", relapse_on=day(row, 70)),
        reason="the marrow of day 70",
        seen=stamp(form),
        user=colleague,
    )

    form.refresh_from_db()
    assert (form.state, form.relapse, form.handed_in_by) == ("corrected", "no", he_lan)
    assert (new.state, new.version, new.correction_reason) == ("final", 2, "the marrow of day 70")
    assert outcome_of(row).days_to_relapse == 70
    entry = AuditEntry.objects.get(action="follow_up.correct")
    assert (entry.before["relapse"], entry.after["relapse"], entry.reason) == (
        "no",
        "yes",
        new.correction_reason,
    )


@pytest.mark.parametrize(
    "code", ["follow_up_replaced", "follow_up_stale", "follow_up_unchanged", "reason_needed"]
)
def test_corrections_that_are_refused(row: Transplant, he_lan: User, code: str) -> None:
    form = hand_in(row, "d100", he_lan, alive(row, "d100"))
    given: dict[str, Any] = {
        "follow_up_id": form.pk,
        "answers": alive(row, "d100", 90),
        "reason": "because",
        "seen": stamp(form),
        "user": he_lan,
    }
    if code == "follow_up_replaced":
        follow_up_correct(**given)
    changed: dict[str, Any] = {
        "follow_up_stale": {"seen": "1:then"},
        "follow_up_unchanged": {"answers": alive(row, "d100")},
        "reason_needed": {"reason": " "},
    }.get(code, {})

    with pytest.raises(DomainError) as caught:
        follow_up_correct(**{**given, **changed})

    assert caught.value.code == code
    assert FollowUp.objects.filter(state="final").count() == 1


# --- lost, found, a second transplant, no patient here


def test_lost_and_found_again(row: Transplant, he_lan: User) -> None:
    hand_in(row, "m6", he_lan, {"contact": "lost", "contact_on": day(row, 140)})
    found = outcome_of(row)
    assert (found.is_lost, found.days_followed, found.due_visit) == (True, 140, "")

    hand_in(row, "y2", he_lan, alive(row, "y2"))

    found = outcome_of(row)
    assert (found.is_lost, found.days_followed, found.due_visit) == (False, 731, "y3")


def test_a_second_transplant_is_followed_and_tells_how_long_the_patient_lived(
    row: Transplant, he_lan: User
) -> None:
    hand_in(row, "d100", he_lan, alive(row, "d100"))
    second = TransplantFactory(patient=row.patient, infused_on=day(row, 300), sequence=2)
    outcomes_refresh(transplant_ids=[second.pk])
    first = outcome_of(row)
    assert (first.days_to_second, first.days_followed, first.due_visit) == (300, 300, "m6")

    hand_in(second, "y1", he_lan, alive(second, "y1"))

    first = outcome_of(row)
    assert (first.days_followed, first.is_dead) == (300 + 366, False)
    hand_in(second, "y2", he_lan, dead(second, 700))
    first = outcome_of(row)
    assert (first.days_followed, first.is_dead, first.cause, first.due_visit) == (1000, True, "viral", "")


def test_of_a_transplant_of_a_list_forms_are_handed_in_like_any_other(row: Transplant, he_lan: User) -> None:
    listed = registered(900, hospital=row.hospital)

    hand_in(listed, "y1", he_lan, dead(listed, 380))

    assert (outcome_of(listed).is_dead, outcome_of(listed).days_followed) == (True, 380)


def test_a_death_that_a_later_transplant_of_a_list_tells_holds_for_the_earlier_one(
    row: Transplant, he_lan: User
) -> None:
    first = registered(2000, hospital=row.hospital, registry_code="R-9")
    second = registered(1000, hospital=row.hospital, registry_code="R-9", sequence=2)
    hand_in(second, "m6", he_lan, dead(second, 120))

    assert outcome_of(first).days_followed == 1120
    assert refused(first, "y4", he_lan, alive(first, "y4")) == {("contact_on", "contact_after_record")}


def test_reminders_outlive_what_is_derived_anew(row: Transplant, he_lan: User) -> None:
    Outcome.objects.filter(pk=row.pk).update(
        reminded_for="d100", reminded_on=days_ago(3), bank_told_for="d100"
    )

    hand_in(row, "d100", he_lan, alive(row, "d100"))

    found = outcome_of(row)
    assert (found.reminded_for, found.reminded_on, found.bank_told_for) == ("d100", days_ago(3), "d100")
    assert found.due_visit == "m6"


def test_nothing_is_kept_where_the_audit_entry_fails(
    row: Transplant, he_lan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**given: Any) -> None:
        raise RuntimeError

    version = OutcomeVersion.objects.values_list("version", flat=True).first()
    monkeypatch.setattr("core.audit.record", fail)
    with pytest.raises(RuntimeError):
        hand_in(row, "d100", he_lan, dead(row, 90))

    assert not FollowUp.objects.exists()
    assert Patient.objects.get(pk=row.patient_id).is_active
    assert OutcomeVersion.objects.values_list("version", flat=True).first() == version
