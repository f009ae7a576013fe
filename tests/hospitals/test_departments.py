"""Departments of a hospital and where its people work: services, pages, and the upgrade from free texts."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from core.audit import Actor
from core.errors import Conflict, DomainError, InvalidInput
from core.models import AuditEntry, User
from core.ownership import as_owner
from core.roles import Role
from hospitals import services_people
from hospitals.data import DepartmentData
from hospitals.models import Department, Hospital, Membership
from tests.factories.core import UserFactory
from tests.factories.hospitals import DepartmentFactory, HospitalFactory, MembershipFactory, member_of
from tests.hospitals.conftest import last_entry
from tests.parallel import all_at_once

pytestmark = pytest.mark.django_db
BY = Actor.system("test")


def data(name: str = "Haematology", **values: Any) -> DepartmentData:
    return DepartmentData(name=name, **values)


def page(name: str, pk: Any) -> str:
    return reverse(f"hospitals:{name}", args=[pk])


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


# --- departments ----------------------------------------------------------------------------------


def test_department_is_added(hospital: Hospital) -> None:
    row = services_people.department_add(hospital_id=hospital.pk, data=data("  Haema \0 tology "), by=BY)

    assert (row.name, row.hospital, row.active) == ("Haema tology", hospital, True)
    entry = last_entry()
    assert (entry.action, entry.hospital_id) == ("department.added", hospital.pk)


@pytest.mark.parametrize(
    ("name", "code"), [("haematology", "department_exists"), (" ", "name_missing"), ("\0", "name_missing")]
)
def test_names_that_are_refused(name: str, code: str, hospital: Hospital) -> None:
    DepartmentFactory(hospital=hospital, name="Haematology")
    other = DepartmentFactory(hospital=hospital, name="Paediatrics")
    works = [
        partial(services_people.department_add, hospital_id=hospital.pk),
        partial(services_people.department_update, department_id=other.pk, version=1),
    ]

    for work in works:
        with pytest.raises(InvalidInput) as refused:
            work(data=data(name), by=BY)
        assert (refused.value.code, refused.value.field) == (code, "name")

    assert sorted(Department.objects.values_list("name", flat=True)) == ["Haematology", "Paediatrics"]


def test_two_hospitals_may_have_departments_of_one_name(hospital: Hospital) -> None:
    DepartmentFactory(name="Haematology")

    assert services_people.department_add(hospital_id=hospital.pk, data=data(), by=BY).pk


def test_update_records_only_what_changed(hospital: Hospital) -> None:
    row = DepartmentFactory(hospital=hospital, name="Haematology")

    services_people.department_update(
        department_id=row.pk, data=data(shipping_contact="Ward 3"), version=1, by=BY
    )
    entry = last_entry()
    assert (entry.before, entry.after) == ({"shipping_contact": ""}, {"shipping_contact": "Ward 3"})

    services_people.department_update(
        department_id=row.pk, data=data(shipping_contact="Ward 3"), version=2, by=BY
    )
    row.refresh_from_db()
    assert (row.version, AuditEntry.objects.filter(action="department.updated").count()) == (2, 1)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_ten_changes_of_one_page_one_is_saved() -> None:
    row = DepartmentFactory()
    works = [
        partial(services_people.department_update, department_id=row.pk, data=data(f"D{n}"), version=1, by=BY)
        for n in range(10)
    ]

    found = all_at_once(works)

    assert [one.code for one in found if isinstance(one, DomainError)] == ["department_changed"] * 9
    assert AuditEntry.objects.filter(action="department.updated").count() == 1


# --- where people work ----------------------------------------------------------------------------


def test_person_is_put_into_a_department(hospital: Hospital, coordinator: User) -> None:
    place, row = DepartmentFactory(hospital=hospital, name="Haematology"), Membership.objects.get()

    services_people.membership_update(
        membership_id=row.pk, title="Physician", department_id=place.pk, shown=row.as_shown, by=BY
    )

    row.refresh_from_db()
    assert (row.title, row.department) == ("Physician", place)
    assert last_entry().after == {"title": "Physician", "department": "Haematology"}


def test_department_of_another_hospital_or_an_inactive_one_is_refused(
    hospital: Hospital, coordinator: User
) -> None:
    row = Membership.objects.get()
    closed = DepartmentFactory(hospital=hospital, active=False)

    for place in (DepartmentFactory(), closed):
        with pytest.raises(InvalidInput, match="active department of this hospital"):
            services_people.membership_update(
                membership_id=row.pk, title="", department_id=place.pk, shown=row.as_shown, by=BY
            )
        with pytest.raises(InvalidInput, match="active department of this hospital"):
            services_people.membership_add(
                hospital_id=hospital.pk,
                user_id=UserFactory(roles=[Role.HOSPITAL_PHYSICIAN]).pk,
                department_id=place.pk,
                by=BY,
            )

    assert Membership.objects.get().department is None


def test_person_may_stay_in_a_department_that_was_closed(hospital: Hospital) -> None:
    closed = DepartmentFactory(hospital=hospital, active=False)
    row = MembershipFactory(hospital=hospital, department=closed)

    services_people.membership_update(
        membership_id=row.pk, title="Dr", department_id=closed.pk, shown=row.as_shown, by=BY
    )

    row.refresh_from_db()
    assert (row.title, row.department) == ("Dr", closed)


def test_change_of_what_another_changed_is_refused(hospital: Hospital, coordinator: User) -> None:
    row = Membership.objects.get()
    shown = row.as_shown
    change = partial(services_people.membership_update, membership_id=row.pk, department_id=None, by=BY)

    change(title="Physician", shown=shown)
    with pytest.raises(Conflict, match="in the meantime"):
        change(title="Nurse", shown=shown)

    assert Membership.objects.get().title == "Physician"


def test_database_keeps_people_in_departments_of_their_own_hospital(hospital: Hospital) -> None:
    """Past every service: the pair of department and hospital must be one that exists."""
    row, elsewhere = MembershipFactory(hospital=hospital), DepartmentFactory()
    move = "UPDATE hospitals_membership SET department_id = %s WHERE id = %s; SET CONSTRAINTS ALL IMMEDIATE"

    with (
        pytest.raises(IntegrityError, match="hospitals_membership_own_department"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(move, [elsewhere.pk, row.pk])  # at once, what commit would do


def test_application_deletes_no_department() -> None:
    DepartmentFactory()

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Department.objects.all().delete()


# --- pages ----------------------------------------------------------------------------------------


def test_departments_are_added_and_edited_on_their_pages(
    sign_in: Any, hospital: Hospital, admin: User
) -> None:
    client = sign_in(admin)

    client.post(
        page("department-create", hospital.pk), {"name": "Haematology", "name_zh": "血液科", "active": "on"}
    )
    row = Department.objects.get()
    client.post(
        page("department-edit", row.pk),
        {"name": "Haematology", "name_zh": "血液科", "shipping_contact": "Ward 3", "version": 1},
    )

    shown = text_of(client.get(page("hospital-detail", hospital.pk)))
    assert "Ward 3" in shown
    assert "inactive" in shown
    assert "血液科" in text_of(sign_in(admin, "zh-hans").get(page("hospital-detail", hospital.pk)))


def test_name_that_is_taken_is_told_beside_the_field(sign_in: Any, hospital: Hospital, admin: User) -> None:
    DepartmentFactory(hospital=hospital, name="Haematology")

    answer = sign_in(admin).post(page("department-create", hospital.pk), {"name": "HAEMATOLOGY"})

    assert answer.status_code == 400
    assert "id_name_error" in text_of(answer)
    assert Department.objects.count() == 1


def test_page_that_is_stale_keeps_what_was_typed_and_says_so(
    sign_in: Any, hospital: Hospital, admin: User
) -> None:
    row = DepartmentFactory(hospital=hospital, version=2)

    answer = sign_in(admin).post(page("department-edit", row.pk), {"name": "Mine", "version": 1})

    assert answer.status_code == 409
    assert "in the meantime" in text_of(answer)
    assert 'value="Mine"' in text_of(answer)


def test_person_is_edited_on_the_page(
    sign_in: Any, hospital: Hospital, admin: User, coordinator: User
) -> None:
    row, place = Membership.objects.get(), DepartmentFactory(hospital=hospital, name="Haematology")
    elsewhere = DepartmentFactory(name="Elsewhere")
    client, address = sign_in(admin), page("membership-edit", row.pk)
    form = text_of(client.get(address))
    assert "Haematology" in form
    assert "Elsewhere" not in form

    given = {"title": "Physician", "department": str(place.pk), "shown": row.as_shown}
    assert client.post(address, given).status_code == 302
    assert client.post(address, given).status_code == 409  # the second click tells that it is done
    assert client.post(address, {**given, "department": str(elsewhere.pk)}).status_code == 400

    row.refresh_from_db()
    assert (row.title, row.department) == ("Physician", place)
    assert "Haematology" in text_of(client.get(page("hospital-detail", hospital.pk)))


def test_people_are_shown_with_roles_and_closed_accounts(
    sign_in: Any, hospital: Hospital, bank_coordinator: User
) -> None:
    member_of(hospital, Role.HOSPITAL_PHYSICIAN, full_name="Zhou Ping", is_active=False)
    MembershipFactory(hospital=hospital, user=UserFactory(full_name="Nobody Yet"))

    shown = text_of(sign_in(bank_coordinator).get(page("hospital-detail", hospital.pk)))

    assert "Hospital physician" in shown
    assert "account closed" in shown
    assert "no role" in shown
    for offered in ("membership-edit", "membership-remove"):
        assert page(offered, Membership.objects.first().pk) not in shown
    assert page("department-create", hospital.pk) not in shown


@pytest.mark.parametrize("count", [1, 20])
def test_page_costs_the_same_queries_for_any_number_of_people(
    count: int, sign_in: Any, hospital: Hospital, admin: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(count):
        place = DepartmentFactory(hospital=hospital)
        MembershipFactory(
            hospital=hospital, department=place, user=UserFactory(roles=[Role.HOSPITAL_PHYSICIAN])
        )
    client = sign_in(admin)

    with django_assert_max_num_queries(19):
        assert len(client.get(page("hospital-detail", hospital.pk)).context["people"]) == count


def test_api_names_departments(sign_in: Any, hospital: Hospital, coordinator: User) -> None:
    DepartmentFactory(hospital=hospital, name="Haematology")

    found = sign_in(coordinator).get(reverse("api:hospital-detail", args=[hospital.pk])).json()

    assert [one["name"] for one in found["departments"]] == ["Haematology"]


# --- the upgrade ----------------------------------------------------------------------------------


def _migrated(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("hospitals", name)])
    return executor.loader.project_state([("hospitals", name)]).apps


def _migrated_to_the_end() -> None:
    """Of all applications: what stood on the older tables went back with them."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_texts_of_people_become_departments_and_back() -> None:
    texts = ["Haematology", "haematology ", "Haematology", "", "Paedi  atrics"]
    one, other = HospitalFactory(), HospitalFactory()
    people = [UserFactory() for _ in range(6)]
    with as_owner():
        try:
            old = _migrated("0004_samples_duplicates_disease").get_model("hospitals", "Membership")
            rows = [
                old.objects.create(user_id=user.pk, hospital_id=one.pk, department=text)
                for user, text in zip(people, texts, strict=False)
            ]
            old.objects.create(user_id=people[5].pk, hospital_id=other.pk, department="haematology")
        finally:
            _migrated("0005_departments")

    names = {row.pk: row.department.name if row.department else "" for row in Membership.objects.all()}
    assert [names[row.pk] for row in rows] == [
        "Haematology",
        "Haematology",
        "Haematology",
        "",
        "Paedi atrics",
    ]
    assert sorted(Department.objects.values_list("hospital__code", "name")) == sorted(
        [(one.code, "Haematology"), (one.code, "Paedi atrics"), (other.code, "haematology")]
    )
    assert AuditEntry.objects.get(action="department.loaded").batch_rows == 5

    with as_owner():
        try:
            back = _migrated("0004_samples_duplicates_disease").get_model("hospitals", "Membership")
            kept = sorted(back.objects.values_list("department", flat=True))
        finally:
            _migrated_to_the_end()
    assert kept == ["", "Haematology", "Haematology", "Haematology", "Paedi atrics", "haematology"]
