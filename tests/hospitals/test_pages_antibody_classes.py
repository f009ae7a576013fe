"""Which HLA classes were tested is seen where one looks for antibodies: a class that was not tested clears no unit."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from hospitals.models import Patient
from tests.factories.hospitals import AntibodySerumFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("classes", "untested"), [("I", "Class II (DR, DQ, DP)"), ("II", "Class I (A, B, C)"), ("both", "")]
)
def test_the_untested_class_is_named_on_patient_and_preview(
    sign_in: Any, patient: Patient, coordinator: User, classes: str, untested: str
) -> None:
    client = sign_in(coordinator)
    given = {"sampled_on": "2026-05-01", "method": "single_antigen", "classes": classes, "none_found": "on"}
    AntibodySerumFactory(patient=patient, classes=classes)

    preview = client.post(reverse("hospitals:serum-create", args=[patient.pk]), given)
    page = client.get(reverse("hospitals:patient-detail", args=[patient.pk]))

    for response in (preview, page):
        text = " ".join(response.content.decode().split())
        assert (f"Not tested: {untested}" in text) is bool(untested)
        assert ("Of this class no unit is cleared" in text) is bool(untested)


def test_a_new_serum_of_one_class_does_not_hide_the_age_of_the_other(
    sign_in: Any, patient: Patient, coordinator: User
) -> None:
    today = timezone.localdate()
    AntibodySerumFactory(patient=patient, classes="I", sampled_on=today)
    AntibodySerumFactory(patient=patient, classes="II", sampled_on=today - datetime.timedelta(days=400))

    page = sign_in(coordinator).get(reverse("hospitals:patient-detail", args=[patient.pk]))

    assert "last serum 400 days old" in page.content.decode()


@pytest.mark.parametrize(("classes", "told"), [("", True), ("both", False)])
def test_the_preview_says_where_it_knows_the_classes_from(
    sign_in: Any, patient: Patient, coordinator: User, classes: str, told: bool
) -> None:
    given = {"sampled_on": "2026-05-01", "method": "single_antigen", "classes": classes, "text": "A24 12000"}

    preview = sign_in(coordinator).post(reverse("hospitals:serum-create", args=[patient.pk]), given)

    page = preview.content.decode()
    assert ("read from the specificities" in page) is told
    assert ("Not tested: Class II" in page) is told
