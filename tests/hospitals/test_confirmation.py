"""A patient's typing counts as confirmed only by a second sample that was drawn independently."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.audit import Actor
from core.errors import Conflict, InvalidInput
from core.models import User
from core.typings import TypingInput
from hospitals import services, services_confirmation
from hospitals.confirmation import Standing, guard_typing_confirmed, typing_confirmation
from hospitals.models import Patient, PatientHlaTyping
from hospitals.providers import work_items
from hospitals.services_confirmation import SampleData
from tests.factories.hospitals import GL, PatientFactory, PatientTypingFactory, second_sample
from tests.hospitals.conftest import last_entry
from tests.hospitals.pages import page, text_of

pytestmark = pytest.mark.django_db

FIRST, SECOND = dt.date(2026, 1, 2), dt.date(2026, 2, 2)
LOW = "A11+A24^B60+B46^DR9+DR15"
OTHER = GL.replace("A*11:01", "A*33:03")


def second(patient: Patient, by: Actor, gl: str = GL, **values: Any) -> PatientHlaTyping:
    sample = {"sampled_on": SECOND, "laboratory": "Second laboratory"} | values
    return services_confirmation.patient_typing_confirm(
        patient_id=patient.pk,
        typing=TypingInput(gl=gl, **sample),
        first=SampleData(sampled_on=FIRST, sample="T-1"),
        by=by,
    )


def standing(patient: Patient) -> Standing:
    return typing_confirmation(patient).standing


def test_without_a_typing_or_its_sample_nothing_is_confirmed(patient: Patient) -> None:
    assert standing(patient) == Standing.UNTYPED

    PatientTypingFactory(patient=patient)

    assert standing(patient) == Standing.SAMPLE_MISSING


def test_a_second_sample_confirms(typed_patient: Patient, by: Actor) -> None:
    row = second(typed_patient, by)

    found = typing_confirmation(typed_patient)
    assert (found.standing, found.by) == (Standing.CONFIRMED, (row,))
    assert found.loci == ("A", "B", "C", "DRB1", "DQB1")
    guard_typing_confirmed(typed_patient)
    current = typed_patient.typings.get(is_current=True)
    assert (current.sample, current.sampled_on, row.is_current) == ("T-1", FIRST, False)
    entry = last_entry()
    assert (entry.action, entry.after["discrepancy"]) == ("patient.typing_second", False)


def test_a_report_of_lower_resolution_confirms(typed_patient: Patient, by: Actor) -> None:
    second(typed_patient, by, gl=LOW)

    assert typing_confirmation(typed_patient).loci == ("A", "B", "DRB1")
    assert standing(typed_patient) == Standing.CONFIRMED


def test_a_report_without_a_locus_that_a_search_needs_does_not(typed_patient: Patient, by: Actor) -> None:
    second(typed_patient, by, gl="A11+A24^B60+B46")

    found = typing_confirmation(typed_patient)
    assert (found.standing, found.missing) == (Standing.LOCI_MISSING, ("DRB1",))
    assert "DRB1" in found.why


def test_the_same_report_entered_again_by_the_same_person_does_not(typed_patient: Patient) -> None:
    second_sample(typed_patient, laboratory="")

    assert standing(typed_patient) == Standing.UNCONFIRMED


def test_the_same_report_by_another_person_does(typed_patient: Patient, coordinator: User) -> None:
    second_sample(typed_patient, laboratory="", entered_by=coordinator)

    assert standing(typed_patient) == Standing.CONFIRMED


def test_the_same_sample_is_refused_and_leaves_nothing(typed_patient: Patient, by: Actor) -> None:
    with pytest.raises(InvalidInput, match="drawn independently") as refused:
        second(typed_patient, by, sampled_on=FIRST, sample="t-1")

    assert refused.value.code == "sample_same"
    assert typed_patient.typings.count() == 1
    assert typed_patient.typings.get().sample == ""


def test_one_label_with_two_days_is_one_sample_and_the_doubt_is_said(
    typed_patient: Patient, by: Actor
) -> None:
    """A day that was mistyped does not confirm a tube by itself."""
    with pytest.raises(InvalidInput, match="stated with two days") as refused:
        second(typed_patient, by, sample="t-1")

    assert refused.value.code == "sample_same"
    assert typed_patient.typings.count() == 1


def test_one_label_with_two_days_that_stands_already_confirms_nothing(typed_patient: Patient) -> None:
    second_sample(typed_patient, laboratory="Second laboratory")
    typed_patient.typings.update(sample="T-1")
    assert typed_patient.typings.values("sampled_on").distinct().count() == 2

    found = typing_confirmation(typed_patient)

    assert (found.standing, len(found.doubtful)) == (Standing.UNCONFIRMED, 1)
    assert "The sample “T-1” is stated with two days" in found.why


def test_the_day_decides_only_where_a_label_is_missing(typed_patient: Patient, by: Actor) -> None:
    row = second(typed_patient, by, sample="T-2", sampled_on=FIRST)
    assert standing(typed_patient) == Standing.CONFIRMED

    PatientHlaTyping.objects.filter(pk=row.pk).update(sample="")
    assert standing(typed_patient) == Standing.UNCONFIRMED
    PatientHlaTyping.objects.filter(pk=row.pk).update(sampled_on=SECOND)
    assert standing(typed_patient) == Standing.CONFIRMED
    assert typing_confirmation(typed_patient).doubtful == ()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"sampled_on": None}, "sample_missing"),
        ({"sampled_on": dt.date(2100, 1, 1)}, "sampled_in_future"),
        ({"typed_on": dt.date(2026, 1, 1)}, "typed_before_sample"),
        ({"sample": "x" * 61}, "sample_too_long"),
    ],
)
def test_a_sample_must_be_stated_and_possible(
    typed_patient: Patient, by: Actor, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        second(typed_patient, by, **values)

    assert refused.value.code == code


def test_a_day_and_a_label_cannot_be_compared(typed_patient: Patient, by: Actor) -> None:
    typed_patient.typings.update(sample="T-1")

    with pytest.raises(InvalidInput) as refused:
        second(typed_patient, by)

    assert refused.value.code == "samples_not_comparable"


def test_the_first_sample_must_be_stated_too(typed_patient: Patient, by: Actor) -> None:
    with pytest.raises(InvalidInput) as refused:
        services_confirmation.patient_typing_confirm(
            patient_id=typed_patient.pk, typing=TypingInput(gl=GL, sampled_on=SECOND), by=by
        )

    assert refused.value.code == "first_sample_missing"


def test_a_first_sample_that_cannot_be_is_refused_beside_its_field(typed_patient: Patient, by: Actor) -> None:
    with pytest.raises(InvalidInput) as refused:
        services_confirmation.patient_typing_confirm(
            patient_id=typed_patient.pk,
            typing=TypingInput(gl=GL, sampled_on=SECOND),
            first=SampleData(sampled_on=dt.date(2100, 1, 1)),
            by=by,
        )

    assert refused.value.field == "first_sampled_on"


def test_without_a_first_typing_there_is_nothing_to_confirm(patient: Patient, by: Actor) -> None:
    with pytest.raises(Conflict) as refused:
        second(patient, by)

    assert refused.value.code == "typing_missing"


# --- discrepancies


def test_a_contradiction_is_a_discrepancy_and_blocks(typed_patient: Patient, by: Actor) -> None:
    row = second(typed_patient, by, gl=OTHER)

    found = typing_confirmation(typed_patient)
    assert found.standing == Standing.DISCREPANCY
    assert [(one.row, one.loci) for one in found.contradictions] == [(row, ("A",))]
    typed_patient.refresh_from_db()
    assert typed_patient.typing_discrepancy
    assert last_entry().after["contradicts"] == ["A"]
    with pytest.raises(Conflict) as refused:
        guard_typing_confirmed(typed_patient)
    assert refused.value.code == "typing_discrepancy"


def test_a_discrepancy_is_not_typed_over(typed_patient: Patient, by: Actor) -> None:
    second(typed_patient, by, gl=OTHER)

    with pytest.raises(Conflict) as refused:
        services.patient_typing_record(patient_id=typed_patient.pk, typing=TypingInput(gl=OTHER), by=by)

    assert refused.value.code == "typing_discrepancy"


def test_a_new_typing_of_another_sample_that_contradicts_is_one_too(
    typed_patient: Patient, by: Actor
) -> None:
    typed_patient.typings.update(sampled_on=FIRST)

    services.patient_typing_record(
        patient_id=typed_patient.pk, typing=TypingInput(gl=OTHER, sampled_on=SECOND), by=by
    )

    assert standing(typed_patient) == Standing.DISCREPANCY
    assert last_entry().after["discrepancy"] is True


def test_a_correction_of_the_same_sample_is_none(typed_patient: Patient, by: Actor) -> None:
    typed_patient.typings.update(sampled_on=FIRST)

    services.patient_typing_record(
        patient_id=typed_patient.pk, typing=TypingInput(gl=OTHER, sampled_on=FIRST), by=by
    )

    assert standing(typed_patient) == Standing.UNCONFIRMED


@pytest.mark.parametrize("of_second", [True, False])
def test_settling_puts_one_in_force_and_sets_the_other_aside(
    typed_patient: Patient, by: Actor, of_second: bool
) -> None:
    first = typed_patient.typings.get()
    row = second(typed_patient, by, gl=OTHER)
    chosen, other = (row, first) if of_second else (first, row)

    services_confirmation.patient_typing_settle(
        patient_id=typed_patient.pk, typing_id=chosen.pk, reason="third sample", by=by
    )

    other.refresh_from_db()
    assert typed_patient.typings.get(is_current=True) == chosen
    assert (other.set_aside_reason, other.set_aside_by_id) == ("third sample", by.person_id)
    typed_patient.refresh_from_db()
    assert not typed_patient.typing_discrepancy
    assert standing(typed_patient) == Standing.UNCONFIRMED  # what was set aside confirms nothing
    assert (last_entry().action, last_entry().reason) == ("patient.typing_settled", "third sample")


def test_settling_needs_a_reason_a_discrepancy_and_a_typing_in_question(
    typed_patient: Patient, by: Actor
) -> None:
    first = typed_patient.typings.get()
    elsewhere = PatientTypingFactory(patient=PatientFactory())
    codes = []
    for typing, reason in ((first, "because"), (first, " "), (elsewhere, "because")):
        if typing is elsewhere:
            second(typed_patient, by, gl=OTHER)
        try:
            services_confirmation.patient_typing_settle(
                patient_id=typed_patient.pk, typing_id=typing.pk, reason=reason, by=by
            )
        except (Conflict, InvalidInput) as error:
            codes.append(error.code)

    assert codes == ["no_discrepancy", "reason_missing", "typing_unknown"]


@pytest.mark.usefixtures("no_audit")
def test_no_second_typing_without_the_audit_entry(typed_patient: Patient, by: Actor) -> None:
    with pytest.raises(RuntimeError):
        second(typed_patient, by)

    assert typed_patient.typings.count() == 1


@pytest.mark.usefixtures("no_audit")
def test_nothing_is_settled_without_the_audit_entry(typed_patient: Patient, by: Actor) -> None:
    row = second_sample(typed_patient, gl=OTHER)
    Patient.objects.update(typing_discrepancy=True)

    with pytest.raises(RuntimeError):
        services_confirmation.patient_typing_settle(
            patient_id=typed_patient.pk, typing_id=row.pk, reason="because", by=by
        )

    assert not PatientHlaTyping.objects.filter(set_aside_at__isnull=False).exists()


# --- pages and API


def test_the_page_says_what_is_missing_then_who_confirmed(
    typed_patient: Patient, coordinator: User, sign_in: Any
) -> None:
    client: Client = sign_in(coordinator)
    before = text_of(client.get(page(typed_patient)))
    values = {"gl": GL, "sampled_on": "2026-02-02", "sample": "T-2", "laboratory": "Second laboratory"}
    client.post(page(typed_patient, "typing-second"), {**values, "first_sampled_on": "2026-01-02"})
    after = text_of(client.get(page(typed_patient)))

    assert "It is not stated from which sample" in before
    assert "Confirmed on a second, independently drawn sample." in after
    assert "T-2 · 2026-02-02 · Second laboratory" in after


def test_the_second_page_asks_for_the_first_sample_once(
    typed_patient: Patient, coordinator: User, sign_in: Any
) -> None:
    client: Client = sign_in(coordinator)
    url = page(typed_patient, "typing-second")
    refused = text_of(client.post(url, {"gl": GL, "sampled_on": "2026-02-02"}))
    typed_patient.typings.update(sampled_on=FIRST)

    assert "State the sample of the typing in force too" in refused
    assert "first_sampled_on" not in text_of(client.get(url))


def test_an_untyped_patient_is_sent_to_the_first_typing(
    patient: Patient, coordinator: User, sign_in: Any
) -> None:
    answer = sign_in(coordinator).get(page(patient, "typing-second"))

    assert answer.url == page(patient, "patient-typing")


def test_a_discrepancy_is_loud_and_settled_on_its_page(
    typed_patient: Patient, coordinator: User, sign_in: Any
) -> None:
    client: Client = sign_in(coordinator, "zh-hans")
    values = {"gl": OTHER, "sampled_on": "2026-02-02", "first_sampled_on": "2026-01-02"}
    client.post(page(typed_patient, "typing-second"), values)
    loud = text_of(client.get(page(typed_patient)))
    work = [item.url for item in work_items(coordinator)]
    listed = text_of(client.get(reverse("hospitals:patient-list") + "?typing=discrepancy"))
    url = page(typed_patient, "typing-settle")
    shown = client.get(url)
    row = typed_patient.typings.get(is_current=False)
    client.post(url, {"typing": str(row.pk), "reason": "第三份样本"})

    assert "两份样本，两种分型。" in loud
    assert f"{reverse('hospitals:patient-list')}?typing=discrepancy" in work
    assert typed_patient.code in listed
    assert str(row.pk) in text_of(shown)
    row.refresh_from_db()
    assert row.is_current
    assert "第三份样本" in text_of(client.get(page(typed_patient)))


@pytest.mark.parametrize(("gl", "standing"), [(LOW, "confirmed"), (OTHER, "discrepancy")])
def test_the_api_takes_a_second_sample(
    typed_patient: Patient, coordinator: User, sign_in: Any, gl: str, standing: str
) -> None:
    given = {
        "typing": {"gl": gl, "sampled_on": "2026-02-02", "sample": "T-2", "laboratory": "Second laboratory"},
        "first": {"sampled_on": "2026-01-02"},
    }
    url = reverse("api:patient-second-samples-list", args=[typed_patient.pk])

    answer = sign_in(coordinator).post(url, given, content_type="application/json")

    assert answer.status_code == 201
    assert (answer.json()["standing"], answer.json()["confirmed"]) == (standing, standing == "confirmed")
    assert typed_patient.typings.count() == 2


def test_the_api_says_whether_it_is_confirmed(
    typed_patient: Patient, coordinator: User, sign_in: Any
) -> None:
    second_sample(typed_patient)
    client: Client = sign_in(coordinator)

    found = client.get(reverse("api:patient-detail", args=[typed_patient.pk])).json()

    assert found["confirmation"]["standing"] == "confirmed"
    assert (found["confirmation"]["confirmed"], found["typing_discrepancy"]) == (True, False)
    assert found["typing"]["sampled_on"] == "2026-01-02"
