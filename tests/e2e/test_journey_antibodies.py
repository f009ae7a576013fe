"""A serum of a sensitised patient: pasted wrong, corrected, seen first, saved, withdrawn; by role and label."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.models import User
from hospitals.models import Patient
from tests.factories.hospitals import HospitalFactory, PatientFactory, PatientTypingFactory, member_of

EXPORT = "Bead;Allele Specificity;Raw;Normal\n1;A*24:3;90;80\n2;DQA1*05:01,DQB1*02:01;8100;8000\n"


@pytest.fixture
def patient(transactional_db: None) -> Patient:
    patient: Patient = PatientFactory(hospital=HospitalFactory())
    PatientTypingFactory(patient=patient)
    return patient


@pytest.fixture
def coordinator(patient: Patient) -> User:
    return member_of(patient.hospital, full_name="Li Na")


def test_a_serum_is_pasted_corrected_saved_and_withdrawn(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    patient: Patient,
    coordinator: User,
) -> None:
    page = page_in(user=coordinator, width=390)
    page.get_by_role("link", name="Patients").first.click()
    page.get_by_role("link", name=patient.code).first.click()
    expect(page.get_by_text("No serum was tested.")).to_be_visible()

    page.get_by_role("link", name="New serum").click()
    page.get_by_label("Sampled on").fill("2026-05-01")
    page.get_by_label("Paste the export, or a list").fill(EXPORT)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 2: A*24:3")
    assert_accessible(page)

    page.get_by_label("Paste the export, or a list").fill(EXPORT.replace("A*24:3", "A*24:03"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="2 specificities")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Save serum").click()
    expect(page.get_by_role("heading", name="Serum of 2026-05-01")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("link", name="All antibodies").click()
    expect(page.locator("#antibodies").get_by_role("cell", name="8,000").first).to_be_visible()
    page.get_by_role("link", name="2026-05-01").click()
    page.get_by_text("Withdraw this serum").click()
    page.get_by_label("Why").fill("Tube of another patient")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("No serum was tested.")).to_be_visible()
    expect(page.get_by_text("withdrawn", exact=True)).to_be_visible()


def test_a_serum_is_typed_by_hand(
    page_in: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
    patient: Patient,
    coordinator: User,
) -> None:
    page = page_in(user=coordinator)
    page.goto(f"/patients/{patient.pk}/sera/new/")
    page.get_by_label("Sampled on").fill("2026-05-01")
    page.get_by_text("Or type it by hand").click()
    page.get_by_label("Specificity 1", exact=True).fill("A24")
    page.get_by_label("MFI 1", exact=True).fill("12000")
    page.get_by_role("button", name="More rows").click()
    page.get_by_label("Specificity 9", exact=True).fill("DR53")
    page.get_by_label("MFI 9", exact=True).fill("positive")
    page.get_by_role("button", name="Check").click()

    # the patient has A24 himself: whose serum is it?
    expect(page.get_by_text("Is this the serum of this patient?")).to_be_visible()
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_label("MFI 1", exact=True)).to_have_value("12000")
    assert_accessible(page)
    page.get_by_label("Specificity 1", exact=True).fill("A2")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Save serum").click()

    expect(page.get_by_role("heading", name="Serum of 2026-05-01")).to_be_visible()
    expect(page.get_by_role("cell", name="positive")).to_be_visible()
