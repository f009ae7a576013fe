"""What the papers of an order say, in both languages, read back out of the files."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from django.utils import timezone

from bank.choices import Eligibility, ReleaseOutcome
from bank.models import EligibilityDecision, MarkerResult, Release, TankAlarm
from core.audit import Actor
from hospitals.models import Patient
from tests.factories import papers as make
from tests.factories.bank import MarkerFactory, UnitFactory
from tests.factories.storage import slot, tank
from tests.matching.report_pages import Reading, pages_of, text_of
from transplants.choices_orders import OrderState
from transplants.choices_papers import PaperKind, TextKind
from transplants.models import Order, OrderPaper
from transplants.services_papers import paper_issue

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")


def issued(row: Order, kind: str, language: str = "en") -> OrderPaper:
    return paper_issue(order_id=row.pk, kind=kind, language=language, actor=ACTOR)


def read(row: Order, kind: str, language: str = "en") -> Reading:
    return text_of(bytes(issued(row, kind, language).pdf))


def codes(pdf: bytes) -> set[str]:
    with pypdfium2.PdfDocument(pdf) as found:
        images = [page.render(scale=4, grayscale=True).to_numpy().squeeze() for page in found]
    return {code.text for image in images for code in zxingcpp.read_barcodes(image)}


@pytest.fixture
def row(patient: Patient) -> Order:
    """Approved, of a unit of which all is known."""
    return make.order(patient, unit=make.full_unit())


# --- summary of records ---------------------------------------------------------------------------


def test_a_summary_says_what_a_centre_must_know_of_the_unit(row: Order, patient: Patient) -> None:
    make.confirmed_typing(row)
    make.signed_release(row)

    said = read(row, PaperKind.SUMMARY)

    for part in (
        "Summary of records",
        f"{row.unit.din_spaced} [{row.unit.din_check}]",
        "S1128000",
        row.unit.unit_no,
        row.number,
        patient.code,
        row.hospital.code,
        "2020-05-17 10:00 CST",  # collected
        "2020-05-17 16:00 CST",  # arrived
        "13.5",  # hours to the freezer
        "Sepax", "Depleted", "DMSO 10 %", "Pall 25 mL", "CPD",
        "6.5 ×10⁷/kg",  # 130 at 20 kg
        "2 ×10⁵/kg",
        "130 ×10⁷ Sysmex",
        "Colony-forming units 12.5 ×10⁵",
        "Segment after thaw",
        "7-AAD",
        "HBsAg Negative CLIA",
        "CMV Positive",
        "Bacterial culture No growth BacT/ALERT",
        "HPLC",
        "A*11:01 + A*24:02",
        "B*40:01 + B*46:01",
        "CT-2026-0001",
        "CT lab",
        "Listing v7",
        "Meets the specification",
        "Ma Qi, Quality assurance",
        "Dr. Sun, Medical director",
        "Donor eligibility",
        "Eligible",
    ):  # fmt: skip
        assert part in said, part


def test_a_summary_is_read_in_chinese(row: Order) -> None:
    said = read(row, PaperKind.SUMMARY, "zh-hans")

    for part in ("脐带血", "有核细胞", "供者", "细菌培养", row.number, "2020-05-17 10:00 CST"):
        assert part in said, part
    assert "Summary of records" not in said


def test_both_languages_are_one_file_with_one_version_and_digest(row: Order) -> None:
    both, english = issued(row, PaperKind.SUMMARY, "both"), issued(row, PaperKind.SUMMARY)

    assert (both.version, both.digest, both.made_at) == (1, english.digest, english.made_at)
    first, *_rest, last = pages_of(bytes(both.pdf))
    assert "Summary of records" in first
    assert "Page 1 of" in first
    assert "第" in last
    assert len(pages_of(bytes(both.pdf))) > len(pages_of(bytes(english.pdf)))


def test_the_mother_stays_unnamed(row: Order) -> None:
    for kind in (PaperKind.SUMMARY, PaperKind.THAW):
        assert "SECRET" not in read(row, kind)


def test_codes_on_papers_can_be_scanned(row: Order) -> None:
    assert f"={make.DIN}00" in codes(bytes(issued(row, PaperKind.SUMMARY).pdf))
    assert f"={make.DIN}00" in codes(bytes(issued(row, PaperKind.THAW).pdf))
    packed = make.shipment(row)
    assert packed.number in codes(bytes(issued(row, PaperKind.CUSTOMS).pdf))
    assert packed.number in codes(bytes(issued(row, PaperKind.LABEL).pdf))


def test_a_unit_that_is_not_released_yet_has_a_preliminary_summary(row: Order) -> None:
    assert "Preliminary" in read(row, PaperKind.SUMMARY)
    assert "Not signed yet." in read(row, PaperKind.SUMMARY)
    Order.objects.update(state=OrderState.RELEASED, released_at=timezone.now())
    assert "Preliminary" not in read(row, PaperKind.SUMMARY)


def test_an_exceptional_release_is_said_first_with_its_reason_and_what_was_not_met(row: Order) -> None:
    finding = {
        "kind": "measurement", "verdict": "failed", "value": 61.0, "time_point": "processing",
        "analyte": "viability", "comparison": "ge", "threshold": 80.0, "measure_unit": "percent",
    }  # fmt: skip
    Release.objects.create(
        unit=row.unit,
        specification=Release.objects.get().specification,
        outcome=ReleaseOutcome.EXCEPTIONAL,
        justification="no other unit for this child",
        findings=[finding, {**finding, "verdict": "passed", "analyte": "tnc"}],
        released_by=Release.objects.get().released_by,
        signed_by="Ma Qi",
    )

    said = read(row, PaperKind.SUMMARY)

    assert "EXCEPTIONAL RELEASE" in said
    assert "no other unit for this child" in said
    assert "Not met: Viability of nucleated cells · After processing (61 %)" in said
    assert said.times("Not met:") == 1
    assert "EXCEPTIONAL RELEASE" in read(row, PaperKind.THAW)


def test_an_order_released_as_an_exception_is_said_first_with_its_reason(row: Order) -> None:
    """The medical director lets it leave; the release to the inventory was none of an exception."""
    make.signed_release(row)
    first = row.signatures.get(meaning="release")
    first.justification = "no other unit fits this child"
    first.save()
    checks = [
        {"code": "cultures", "label": "Cultures", "outcome": "failed", "says": "s", "excepted": "yes"},
        {
            "code": "markers",
            "label": "Infectious disease markers",
            "outcome": "passed",
            "says": "s",
            "excepted": "yes",
        },
    ]
    Order.objects.update(state="released", released_at=timezone.now(), release_checks=checks)

    said = read(row, PaperKind.SUMMARY)

    assert "EXCEPTIONAL RELEASE" in said
    assert "Released as an exception: no other unit fits this child" in said
    assert "Not met: Cultures" in said
    assert said.times("Not met:") == 1
    for kind in (PaperKind.THAW,):
        assert "EXCEPTIONAL RELEASE" in read(row, kind)


def test_a_refused_release_is_not_the_one_it_came_on_offer_by(row: Order) -> None:
    Release.objects.create(
        unit=row.unit,
        specification=Release.objects.get().specification,
        outcome=ReleaseOutcome.REFUSED,
        justification="tank alarm",
        released_by=Release.objects.get().released_by,
        signed_by="Somebody Else",
    )

    said = read(row, PaperKind.SUMMARY)

    assert "Meets the specification" in said
    assert "Somebody Else" not in said


def test_a_donor_who_is_not_eligible_is_said_first_and_why(row: Order) -> None:
    EligibilityDecision.objects.update(decision=Eligibility.INELIGIBLE, reason="travel to a malaria region")

    said = read(row, PaperKind.SUMMARY)

    assert "DONOR ELIGIBILITY: Ineligible" in said
    assert "Reason: travel to a malaria region" in said


def test_the_reason_of_an_eligible_donor_is_nobodys_affair(row: Order) -> None:
    EligibilityDecision.objects.update(reason="asked twice about her sister")

    assert "asked twice" not in read(row, PaperKind.SUMMARY)


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("recalled", "RECALLED. Do not thaw"),
        ("typing_conflict", "This unit is held back."),
        ("consent_withdrawn", "This unit is held back."),
    ],
)
def test_a_unit_that_is_kept_back_is_said_so_and_not_why(row: Order, flag: str, text: str) -> None:
    type(row.unit).objects.filter(pk=row.unit.pk).update(**{flag: True})

    for kind in (PaperKind.SUMMARY, PaperKind.THAW):
        assert text in read(row, kind)
    assert "onsent" not in read(row, PaperKind.THAW)


def test_retracted_results_stand_on_no_paper_and_an_old_positive_one_does(row: Order) -> None:
    MarkerFactory(unit=row.unit, test="anti_hcv", result="positive", tested_on="2019-01-01")
    MarkerFactory(unit=row.unit, test="anti_hcv", result="negative")
    MarkerResult.objects.filter(test="hbs_ag").update(
        retracted_at=timezone.now(), retracted_by=make.UserFactory(), retraction_reason="wrong tube"
    )

    said = read(row, PaperKind.SUMMARY)

    assert "Anti-HCV Positive" in said
    assert "Anti-HCV Negative" in said
    assert "HBsAg" not in said
    assert "wrong tube" not in said


def test_what_nobody_vouched_for_is_marked(row: Order) -> None:
    assert read(row, PaperKind.SUMMARY).times("NOT YET") == 1  # the viability of the factory


def test_a_typing_that_differs_from_the_listed_one_is_said(row: Order) -> None:
    make.confirmed_typing(row, state="discrepant", gl="A*02:01+A*24:02")

    said = read(row, PaperKind.SUMMARY)

    assert "differs from the listed one at A" in said
    assert "A*02:01 + A*24:02" in said


def test_a_typing_that_vouches_for_nothing_any_more_is_not_printed(row: Order) -> None:
    """It was settled, or agreed with another typing than the one that is listed now."""
    settled = make.confirmed_typing(row)
    settled.settled_at = timezone.now()
    settled.save()

    said = read(row, PaperKind.SUMMARY)

    assert "CT-2026-0001" not in said
    assert "No confirmatory typing vouches for the typing as it is listed now." in said
    settled.settled_at, settled.compared_with = None, settled.result
    settled.save()
    assert "CT-2026-0001" not in read(row, PaperKind.SUMMARY)


def test_a_contradiction_is_said_whatever_agreed_after_it(row: Order) -> None:
    make.confirmed_typing(row, state="discrepant", gl="A*02:01+A*24:02")
    later = make.confirmed_typing(row, number="CT-2026-0002")

    assert later.number not in read(row, PaperKind.SUMMARY)


def test_it_is_dated_by_the_day_of_the_bank(row: Order) -> None:
    found = make.confirmed_typing(row)
    found.ended_at = dt.datetime(2026, 1, 5, 17, tzinfo=dt.UTC)  # after midnight in Shanghai
    found.save()

    assert "CT-2026-0001: confirmed on 2026-01-06" in read(row, PaperKind.SUMMARY)


def test_a_unit_of_which_nothing_is_recorded_says_so_everywhere(patient: Patient) -> None:
    row = make.order(patient, unit=UnitFactory(status="ORDERED", tnc_e7=None, cd34_e6=None, volume_ml=None))

    said = read(row, PaperKind.SUMMARY)

    for part in (
        "No finished culture is recorded.",
        "No test for infections is recorded.",
        "No single measurement is recorded",
        "The unit is not typed.",
        "No decision on the eligibility of the donor",
        "by what it was judged is not recorded here",
        "Where the unit lay is not recorded.",
        "not tested",
    ):
        assert part in said, part
    read(row, PaperKind.THAW)


def test_storage_and_alarms_of_the_tank_are_told(row: Order, stored: Any) -> None:
    said = read(row, PaperKind.SUMMARY)
    assert "Stored from" in said
    assert "No readings of its tanks are recorded" in said
    assert stored.place not in said  # where in the house is nobody's affair

    now = timezone.now()
    TankAlarm.objects.create(
        tank=stored.canister.parent.parent,
        what="temperature",
        first_at=now,
        last_at=now,
        value=-139.5,
        limit=-150,
    )

    assert "-139.5 °C" in read(row, PaperKind.SUMMARY)


# --- thaw -----------------------------------------------------------------------------------------


def test_without_a_text_of_the_bank_the_proposal_is_marked_as_unconfirmed(row: Order) -> None:
    english, chinese = read(row, PaperKind.THAW), read(row, PaperKind.THAW, "zh-hans")

    assert "Unconfirmed: a proposal of the program" in english
    assert "infuse within 4 hours (HEMACORD label)" in english
    assert "4 小时内输注" in chinese


def test_the_text_in_force_stands_on_the_paper_with_its_version(row: Order) -> None:
    make.text(TextKind.THAW, text_en="old", is_current=False, valid_until=timezone.localdate())
    make.text(TextKind.THAW)
    make.text(TextKind.THAW, approved=False, text_en="a draft of somebody")

    said = read(row, PaperKind.THAW)

    assert "Thaw at 37 °C." in said
    assert "Text of the bank, version 2." in said
    assert "Unconfirmed" not in said
    assert "a draft of somebody" not in said
    assert "37 °C 复苏" in read(row, PaperKind.THAW, "zh-hans")


def test_a_unit_with_its_red_cells_is_thawed_with_care(row: Order) -> None:
    type(row.unit).objects.update(red_cells="replete")

    assert "Not depleted of red cells" in read(row, PaperKind.THAW)


def test_two_people_sign_that_the_unit_is_the_right_one(row: Order) -> None:
    said = read(row, PaperKind.THAW)

    assert "First person" in said
    assert "Second person" in said


# --- customs and address --------------------------------------------------------------------------


def test_the_declaration_names_shipper_seals_and_way_and_no_patient(row: Order, patient: Patient) -> None:
    packed = make.shipment(row)

    said = read(row, PaperKind.CUSTOMS)

    for part in (
        packed.number, "DS-17 CX-500", "S-1001, S-1002", "LG-9", "CE-778899", "Cryo Express", "17.25 kg", "240 hours",
        "UN 1977", "A152", "Do not X-ray", "none; not for sale", "Ward 7", "Liu Ping", "+86 512 0000",
    ):  # fmt: skip
        assert part in said, part
    assert patient.code not in said
    assert "The bank has not entered its address" in said


def test_abroad_it_names_the_permit_or_that_there_is_none(row: Order) -> None:
    make.shipment(row)
    assert "export permit" not in read(row, PaperKind.CUSTOMS)

    Order.objects.update(country="SG")
    assert "no export permit is recorded" in read(row, PaperKind.CUSTOMS)

    make.permit(row)
    said = read(row, PaperKind.CUSTOMS)
    assert "HGR-2026-77" in said
    assert "no export permit" not in said


def test_the_address_of_the_bank_stands_on_every_paper_once_it_is_approved(row: Order) -> None:
    make.shipment(row)
    make.text(TextKind.SENDER, text_en="9 Bank Street\n+86 21 111", text_zh="银行街 9 号\n+86 21 111")

    for kind in PaperKind:
        said = read(row, kind)
        assert "9 Bank Street" in said, kind
        assert "+86 21 111" in said, kind
        assert "has not entered its address" not in said


def test_the_address_sheet_is_one_page_whatever_the_address(row: Order) -> None:
    make.shipment(row)
    assert "DO NOT X-RAY" in read(row, PaperKind.LABEL)

    lines = [f"{n} {'long road ' * 4}" for n in range(9)]
    Order.objects.update(ship_to="\n".join(lines)[:400])
    make.text(TextKind.SENDER, text_en="\n".join(f"line {n}" for n in range(8)), text_zh="电话")

    for language in ("en", "zh-hans", "both"):
        pages = pages_of(bytes(issued(row, PaperKind.LABEL, language).pdf))
        assert len(pages) == 1
        assert "…" not in pages[0]
        for line in "\n".join(lines)[:400].split("\n"):
            assert line in pages[0]
    assert "DO NOT OPEN" in pages[0]
    assert "不得开启" in pages[0]
    assert "line 7" in pages[0]
    assert "电话" in pages[0]
    _inside(bytes(issued(row, PaperKind.LABEL, "both").pdf))


def _inside(pdf: bytes) -> None:
    """Nothing stands beyond the sheet."""
    with pypdfium2.PdfDocument(pdf) as found:
        page = found[0]
        text = page.get_textpage()
        boxes = [text.get_charbox(n) for n in range(text.count_chars())]
        assert min(box[1] for box in boxes) > 10
        assert max(box[2] for box in boxes) < page.get_width() - 20


def test_synthetic_data_are_marked_on_every_paper(row: Order) -> None:
    make.shipment(row)
    type(row.unit).objects.update(synthetic=True)

    for kind in PaperKind:
        assert "Not for clinical use" in read(row, kind), kind


@pytest.fixture
def stored(row: Order) -> Any:
    """The unit lies in a slot since a move that the trail tells of."""
    tank()
    found = slot()
    found.unit = row.unit
    found.save()
    return found
