"""What infusions, transplants and returns show elsewhere: panels, search, notices, the dossier, my work."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from bank.dossier import registry
from bank.dossier.registry import Subject
from core import find, kinds, panels, work
from core.models import User
from core.notifications import Notice, notifications_create
from core.panels import Place
from core.roles import Role
from hospitals import merging
from hospitals.models import Patient
from tests.factories.core import UserFactory
from tests.factories.grafts import (
    decider,
    delivered,
    infused,
    not_used,
)
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.reservations import in_days
from transplants import notices_grafts, providers_grafts
from transplants.models import GraftMeasurement, Infusion, Order, Transplant, UnitReturn

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(patient: Patient) -> Order:
    return delivered(patient=patient)


@pytest.fixture
def qa(db: None) -> User:
    return decider(Role.QA)


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


def shown(place: Place, user: User, subject: Any) -> str:
    found = [
        one
        for one in panels.panels(place, user, subject)
        if "graft" in one.template or "transplant_p" in one.template
    ]
    return "".join(render_to_string(one.template, {"panel": one.values, "csrf_token": "x"}) for one in found)


def test_the_order_page_offers_the_report_to_its_hospital_and_shows_it_to_all(
    order: Order, he_lan: User, shen_jia: User
) -> None:
    create = url("infusion-create", order.pk)
    assert create in shown(Place.ORDER, he_lan, order)
    assert shown(Place.ORDER, shen_jia, order) == ""

    row = infused(patient=order.patient)
    for user in (he_lan, shen_jia):
        text = shown(Place.ORDER, user, row.order)
        assert (row.transplant.number in text, "Report" in text) == (True, False)


def test_a_hospital_learns_what_became_of_its_unit_and_not_why(
    he_lan: User, patient: Patient, qa: User
) -> None:
    row = not_used(
        patient=patient,
        back=True,
        decision="discarded",
        decision_reason="inner words",
        decided_by=qa,
        decided_at=timezone.now(),
        seconded_by=UserFactory(),
        seconded_at=timezone.now(),
    )

    text = shown(Place.ORDER, he_lan, row.order)

    assert "Discarded" in text
    assert "inner words" not in text
    assert url("return-decide", row.pk) not in text
    assert url("return-decide", row.pk) in shown(Place.ORDER, qa, row.order)


def test_the_patient_page_shows_transplants_and_what_waits(
    order: Order, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    row = infused(patient=order.patient).transplant
    page = reverse("hospitals:patient-detail", args=[order.patient_id])

    mine = signed_in(he_lan).get(page).content.decode()
    theirs = signed_in(shen_jia).get(page).content.decode()

    assert (row.number in mine, url("infusion-create", order.pk) in mine) == (True, True)
    assert (row.number in theirs, url("infusion-create", order.pk) in theirs) == (True, False)


def test_the_passport_shows_the_counts_after_thaw(qa: User, signed_in: Any) -> None:
    row = infused()
    GraftMeasurement.objects.create(infusion=row, point="arrival", analyte="tnc", value=98.5, unit="e7")
    client = signed_in(qa)

    page = client.get(reverse("bank:unit-detail", args=[row.unit_id])).content.decode()

    for text in (row.transplant.number, "98.5", "At arrival"):
        assert text in page
    back = not_used()
    page = client.get(reverse("bank:unit-detail", args=[back.unit_id])).content.decode()
    assert url("return-decide", back.pk) in page


def test_a_transplant_is_found_by_its_number(he_lan: User, patient: Patient) -> None:
    mine, theirs = infused(patient=patient).transplant, infused().transplant

    [hit] = find.find(he_lan, mine.number.lower())

    assert (hit.url, hit.exact) == (url("transplant-detail", mine.pk), True)
    assert find.find(he_lan, theirs.number) == []


def test_a_record_with_a_transplant_is_not_merged_away(patient: Patient) -> None:
    row = infused(patient=patient).transplant

    assert row.number in merging.open_work(patient)


@pytest.mark.parametrize("kind", notices_grafts.KINDS, ids=lambda kind: kind.code)
def test_notices_lead_to_pages_and_say_codes_only(kind: Any, qa: User) -> None:
    given = infused()
    key = given.transplant_id if "infused" in kind.code or "reaction" in kind.code else not_used().pk
    params = {"id": str(key), "order": "OR-1", "unit": "U-1", "patient": "P-1", "hospital": "H-1"}

    [row] = notifications_create(notices=[Notice(qa.pk, kind.code, "patient:1", params)])

    assert kinds.url_of(row).endswith(f"{key}/")
    text = kinds.text_of(row) + kinds.subject_of(row)
    assert "%(" not in text
    assert not re.search(r"\d{4}-\d{2}", text)


def test_the_dossier_holds_the_infusion_and_of_the_patient_the_code_only(qa: User) -> None:
    row = infused()
    GraftMeasurement.objects.create(infusion=row, point="arrival", analyte="tnc", value=98.5, unit="e7")
    back = not_used()
    sections = {one.key: one for one in registry.sections()}

    found = {
        key: sections[key].records(Subject(row.unit))
        for key in ("infusions", "graft_measurements", "transplants")
    }
    returned = sections["returns"].records(Subject(back.unit))

    assert [len(records) for records in found.values()] == [1, 1, 1]
    names = {field.name for field in found["transplants"][0].fields}
    assert names.isdisjoint({"diagnosis", "stage", "weight_kg", "conditioning"})
    assert returned[0].get("what_happened").text == "fever"  # type: ignore[union-attr]
    covered = registry.covered()
    for model in (Infusion, GraftMeasurement, Transplant, UnitReturn):
        assert model._meta.label in covered


def test_my_work_is_overdue_once_the_planned_day_has_passed(patient: Patient, he_lan: User) -> None:
    delivered(patient=patient, infusion_on=in_days(-1))
    delivered(patient=patient, infusion_on=in_days(3))

    items = [one for one in work.items_for(he_lan) if one.kind == "infusion"]

    assert [one.overdue for one in items] == [True, False]
    assert providers_grafts.work_items(member_of(PatientFactory().hospital)) == []
