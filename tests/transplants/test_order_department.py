"""The department that takes an ordered unit: chosen, proposed, shown, and never of another hospital."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.urls import reverse

from core.errors import InvalidInput
from core.models import AuditEntry, User
from hospitals.models import Department, Hospital, Membership, Patient
from tests.factories.hospitals import HospitalFactory
from tests.factories.orders import OrderFactory, prescribed, sign
from tests.factories.reservations import ReservationFactory
from tests.factories.shipments import ShipmentFactory
from tests.transplants.test_order_pages import typed
from transplants import prescription
from transplants import services_orders as services
from transplants.models import Order
from transplants.order_signatures import prescription_signature
from transplants.papers import customs, label
from transplants.papers.given import Given
from transplants.services_orders import OrderWish

pytestmark = pytest.mark.django_db


def department(hospital: Hospital, name: str = "Paediatrics", **values: Any) -> Department:
    found: Department = Department.objects.create(hospital=hospital, name=name, **values)
    return found


def ask(patient: Patient, user: User, key: Any) -> Order:
    kept = ReservationFactory(active=True, patient=patient)
    wish = OrderWish(reservation_id=kept.pk, prescribed=prescribed(department_id=key))
    return services.order_ask(wish=wish, user=user)


def test_the_form_begins_with_the_contact_of_the_department(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    hospital = patient.hospital
    Hospital.objects.filter(pk=hospital.pk).update(shipping_contact="Gate", shipping_phone="1")
    ward = department(hospital, shipping_contact="Ward 7", shipping_phone="77")
    quiet = department(hospital, "Haematology")
    department(hospital, "Closed", active=False), department(HospitalFactory(), "Elsewhere")
    Membership.objects.filter(user=he_lan, hospital=hospital).update(department=ward)
    kept = ReservationFactory(active=True, patient=patient)
    page = reverse("transplants:order-create", args=[kept.pk])
    client = signed_in(he_lan)

    pages = [
        client.get(page),
        client.get(page, {"department": quiet.pk}),
        client.get(page, {"department": ""}),
    ]

    forms = [answer.context["form"] for answer in pages]
    assert [form["contact"].value() for form in forms] == ["Ward 7", "Gate", "Gate"]
    assert [form["contact_phone"].value() for form in forms] == ["77", "1", "1"]
    assert [form["department"].value() for form in forms] == [ward.pk, quiet.pk, None]
    offered = {str(one) for one in forms[0].fields["department"].queryset}
    assert offered == {"Haematology", "Paediatrics"}
    assert b"Elsewhere" not in pages[0].content


def test_a_chosen_department_is_ordered_for_and_shown(patient: Patient, he_lan: User, signed_in: Any) -> None:
    ward = department(patient.hospital, "Ward of children")
    kept = ReservationFactory(active=True, patient=patient)
    client = signed_in(he_lan)

    sent = client.post(reverse("transplants:order-create", args=[kept.pk]), typed(department=str(ward.pk)))

    order = Order.objects.get()
    assert order.department == ward
    assert b"Ward of children" in client.get(sent.url).content
    assert AuditEntry.objects.get(action="order.ask").after["department"] == "Ward of children"


def test_papers_of_the_way_name_it(patient: Patient) -> None:
    order = OrderFactory(
        state="released", for_patient=patient, department=department(patient.hospital, "Ward of children")
    )
    ShipmentFactory(order=order)
    given = Given(order)

    assert "Ward of children" in label.face(given).to
    assert "Ward of children" in {getattr(block, "text", "") for block in customs._recipient(given)}


@pytest.mark.parametrize("whose", ["another", "closed"])
def test_no_other_department_can_be_named(patient: Patient, he_lan: User, whose: str) -> None:
    wrong = (
        department(HospitalFactory()) if whose == "another" else department(patient.hospital, active=False)
    )

    with pytest.raises(InvalidInput) as refused:
        ask(patient, he_lan, wrong.pk)

    assert (refused.value.code, refused.value.field) == ("department_unknown", "department")


def test_the_database_keeps_it_to_the_hospital(patient: Patient) -> None:
    order = OrderFactory(for_patient=patient)

    Order.objects.filter(pk=order.pk).update(department=department(HospitalFactory()))

    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS transplants_order_own_department IMMEDIATE")


def test_another_department_is_signed_anew_and_one_that_was_closed_may_stay(
    patient: Patient, he_lan: User
) -> None:
    first, second = department(patient.hospital), department(patient.hospital, "Haematology")
    order = ask(patient, he_lan, first.pk)
    sign(order)
    Department.objects.filter(pk=first.pk).update(active=False)
    same = prescribed(department_id=first.pk, note="door 4")

    row = services.order_amend(order_id=order.pk, prescribed=same, user=he_lan)
    sign(row)
    row = services.order_amend(order_id=order.pk, prescribed=prescribed(department_id=second.pk), user=he_lan)

    assert row.department == second
    assert prescription_signature(row) is None
    last = AuditEntry.objects.filter(action="order.amend").order_by("-at").first()
    assert last is not None
    assert (last.before["department"], last.after["department"]) == ("Paediatrics", "Haematology")
    row = services.order_amend(order_id=order.pk, prescribed=prescribed(), user=he_lan)
    assert row.department is None


def test_what_was_signed_before_there_were_departments_stays_signed(patient: Patient) -> None:
    """The digest of an order that names none is that of before."""
    order = OrderFactory(for_patient=patient)
    plain = prescription.digest(order)

    order.department_id = department(patient.hospital).pk

    assert prescription.digest(order) != plain
    order.department_id = None
    assert prescription.digest(order) == plain
