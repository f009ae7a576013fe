"""Pages of hospitals and their people."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Membership
from tests.factories.core import UserFactory
from tests.factories.hospitals import HospitalFactory, MembershipFactory, PatientFactory
from tests.hospitals.conftest import last_entry

LIST = reverse("hospitals:hospital-list")
FORM = {
    "code": "h900", "name": "Synthetic Hospital 900", "city": "Wuhan", "country": "cn", "active": "on", "version": "1",
}  # fmt: skip


def page(hospital: Hospital, name: str = "hospital-detail") -> str:
    return reverse(f"hospitals:{name}", args=[hospital.pk])


def text_of(response: Any) -> str:
    return str(response.content.decode())


def rows(response: Any) -> list[str]:
    return [hospital.code for hospital in response.context["page"].object_list]


def test_bank_sees_all_a_member_only_the_own(
    sign_in: Any, hospital: Hospital, coordinator: User, bank_coordinator: User
) -> None:
    HospitalFactory(code="H015")

    assert rows(sign_in(coordinator).get(LIST)) == ["H014"]
    assert rows(sign_in(bank_coordinator).get(LIST)) == ["H014", "H015"]


def test_a_bank_role_without_the_permission_opens_no_other_hospital(sign_in: Any, hospital: Hospital) -> None:
    helper = UserFactory(roles=[Role.HOSPITAL_COORDINATOR, Role.COLLECTION])
    MembershipFactory(user=helper, hospital=hospital)
    HospitalFactory(code="H015")
    PatientFactory()

    client = sign_in(helper)

    assert rows(client.get(LIST)) == ["H014"]
    assert not client.get(reverse("hospitals:patient-list")).context["page"].object_list


def test_activity_is_counted_per_hospital(sign_in: Any, hospital: Hospital, bank_coordinator: User) -> None:
    MembershipFactory.create_batch(2, hospital=hospital)
    PatientFactory.create_batch(3, hospital=hospital)
    PatientFactory(
        hospital=hospital, state="inactive", inactive_reason="moved", deactivated_at=timezone.now()
    )
    HospitalFactory(code="H015")

    first, second = sign_in(bank_coordinator).get(LIST).context["page"].object_list

    assert (first.people_count, first.active_patients, first.all_patients) == (2, 3, 4)
    assert first.last_activity_at is not None
    assert (second.people_count, second.active_patients, second.last_activity_at) == (0, 0, None)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"q": "014 syn"}, ["H014"]),
        ({"q": "合成医院014"}, ["H014"]),
        ({"q": "100%"}, []),
        ({"state": "inactive"}, ["H015"]),
        ({"state": "active"}, ["H014", "H016"]),
        ({"qualification": "valid"}, []),
        ({"qualification": "soon"}, ["H015"]),
        ({"qualification": "due"}, ["H016"]),
        ({"qualification": "expired"}, ["H016"]),
        ({"qualification": "none"}, ["H014"]),
        ({"state": "nonsense", "sort": "nonsense", "page": "x"}, ["H014", "H015", "H016"]),
        ({"sort": "-code"}, ["H016", "H015", "H014"]),
        ({"sort": "qualified"}, ["H016", "H015", "H014"]),
    ],
)
def test_filters_and_order(
    query: dict[str, str], codes: list[str], sign_in: Any, hospital: Hospital, bank_coordinator: User
) -> None:
    day = datetime.timedelta(days=1)
    HospitalFactory(code="H015", active=False, qualified_until=timezone.localdate() + day)
    HospitalFactory(code="H016", qualified_until=timezone.localdate() - day)

    assert rows(sign_in(bank_coordinator).get(LIST, query)) == codes


def test_names_in_the_language_of_the_reader(
    sign_in: Any, hospital: Hospital, bank_coordinator: User
) -> None:
    assert "Synthetic Hospital 014" in text_of(sign_in(bank_coordinator).get(LIST))
    assert "合成医院014" in text_of(sign_in(bank_coordinator, "zh-hans").get(LIST))


def test_empty_lists_say_what_to_do(sign_in: Any, admin: User, bank_coordinator: User) -> None:
    client = sign_in(admin)

    assert "Add the first partner hospital" in text_of(client.get(LIST))
    assert "Show all hospitals" in text_of(client.get(LIST, {"q": "x"}))
    assert "You belong to no hospital" in text_of(sign_in(bank_coordinator).get(LIST))


def test_csv_is_the_selection(sign_in: Any, hospital: Hospital, bank_coordinator: User) -> None:
    PatientFactory(hospital=hospital)
    HospitalFactory(code="H015")

    response = sign_in(bank_coordinator).get(reverse("hospitals:hospital-export"), {"q": "H014"})

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("H014,Synthetic Hospital 014,合成医院014,Shanghai")


@pytest.mark.parametrize("count", [1, 20])
def test_list_costs_the_same_queries_for_any_number_of_rows(
    count: int, sign_in: Any, bank_coordinator: User, django_assert_max_num_queries: Any
) -> None:
    HospitalFactory.create_batch(count)
    client = sign_in(bank_coordinator)

    with django_assert_max_num_queries(9):
        assert len(rows(client.get(LIST))) == count


def test_hospital_is_added_and_edited(sign_in: Any, admin: User) -> None:
    client = sign_in(admin)
    new = reverse("hospitals:hospital-create")
    assert client.get(new).status_code == 200

    client.post(new, FORM)
    hospital = Hospital.objects.get()
    assert (hospital.code, hospital.country) == ("H900", "CN")
    assert 'value="H900"' in text_of(client.get(page(hospital, "hospital-edit")))

    client.post(page(hospital, "hospital-edit"), {**FORM, "city": "Beijing", "qualified_until": "2030-01-01"})
    hospital.refresh_from_db()
    assert (hospital.city, hospital.is_qualified) == ("Beijing", True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "H014"}, "code"),
        ({"code": "H 14"}, "code"),
        ({"name": ""}, "name"),
        ({"country": "CHN"}, "country"),
    ],
)
def test_wrong_hospital_is_refused_beside_the_field(
    changes: dict[str, str], field: str, sign_in: Any, hospital: Hospital, admin: User
) -> None:
    client = sign_in(admin)
    other = HospitalFactory(code="H015")

    for url in (reverse("hospitals:hospital-create"), page(other, "hospital-edit")):
        response = client.post(url, {**FORM, **changes})
        assert f"id_{field}_error" in text_of(response)
    assert Hospital.objects.count() == 2


def test_page_that_is_stale_keeps_what_was_typed_and_overwrites_nothing(
    sign_in: Any, hospital: Hospital, admin: User
) -> None:
    client = sign_in(admin)
    shown = client.get(page(hospital, "hospital-edit")).context["form"]["version"].value()
    Hospital.objects.filter(pk=hospital.pk).update(shipping_phone="+86 21 1", version=2)

    answer = client.post(page(hospital, "hospital-edit"), {**FORM, "city": "Beijing", "version": shown})

    hospital.refresh_from_db()
    assert (answer.status_code, hospital.shipping_phone, hospital.city) == (409, "+86 21 1", "Shanghai")
    assert "in the meantime" in text_of(answer)
    assert 'value="Beijing"' in text_of(answer)


def test_code_taken_in_the_meantime_is_told(
    sign_in: Any, hospital: Hospital, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form saw no other hospital; the database has the last word."""
    monkeypatch.setattr("hospitals.forms.HospitalForm.validate_unique", lambda self: None)
    other = HospitalFactory(code="H015")

    for url in (reverse("hospitals:hospital-create"), page(other, "hospital-edit")):
        assert "Another hospital has the code H014" in text_of(
            sign_in(admin).post(url, {**FORM, "code": "H014"})
        )


def test_people_are_added_and_removed(sign_in: Any, hospital: Hospital, admin: User) -> None:
    person = UserFactory(roles=[Role.HOSPITAL_PHYSICIAN], email="dr@example.org", full_name="Dr Invented")
    client = sign_in(admin)

    client.post(page(hospital, "membership-add"), {"email": "DR@example.org", "title": "Physician"})
    assert "Dr Invented" in text_of(client.get(page(hospital)))

    membership = Membership.objects.get(user=person)
    client.post(reverse("hospitals:membership-remove", args=[membership.pk]), {"reason": "left"})
    assert "Dr Invented" not in text_of(client.get(page(hospital))).replace("was added", "")
    assert not Membership.objects.exists()


def test_reason_of_a_removal_may_hold_any_character(sign_in: Any, hospital: Hospital, admin: User) -> None:
    gone = MembershipFactory(hospital=hospital)

    response = sign_in(admin).post(
        reverse("hospitals:membership-remove", args=[gone.pk]), {"reason": "le\0ft" + "x" * 500}
    )

    assert response.status_code == 302
    assert last_entry().reason == "left" + "x" * 396


@pytest.mark.parametrize("email", ["nobody@example.org", "not an address", "lab@example.org"])
def test_people_that_cannot_be_added(email: str, sign_in: Any, hospital: Hospital, admin: User) -> None:
    UserFactory(roles=[Role.LAB], email="lab@example.org")

    response = sign_in(admin).post(page(hospital, "membership-add"), {"email": email})

    assert "id_email_error" in text_of(response)
    assert email in text_of(response)
    assert not Membership.objects.exists()


def test_hospital_without_people_says_so(sign_in: Any, hospital: Hospital, admin: User) -> None:
    assert "Nobody belongs to this hospital yet" in text_of(sign_in(admin).get(page(hospital)))


def test_director_sees_counts_but_no_way_to_patients(sign_in: Any, hospital: Hospital) -> None:
    PatientFactory(hospital=hospital)

    text = text_of(sign_in(UserFactory(roles=[Role.DIRECTOR])).get(page(hospital)))

    assert "<b>1</b>" in text
    assert reverse("hospitals:patient-list") not in text
