"""Pages and files of fees: what each person sees, what is offered, what is refused and kept."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import User
from core.roles import Role
from hospitals.models import Hospital, Patient
from tests.factories.bank import UnitFactory
from tests.factories.core import UserFactory
from tests.factories.fees import ChargeFactory, PriceFactory
from tests.factories.hospitals import PatientFactory, member_of
from tests.factories.reservations import ReservationFactory, in_days
from transplants.models import Charge, Price

pytestmark = pytest.mark.django_db
MAY = dt.date(2026, 5, 7)


def url(name: str, *args: Any) -> str:
    return reverse(f"transplants:{name}", args=args)


def month(hospital: Hospital, name: str = "statement-detail", day: dt.date = MAY) -> str:
    return url(name, hospital.pk, day.year, day.month)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def table(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


# --- statements -----------------------------------------------------------------------------------


def test_statement_shows_each_line_and_sums_by_currency(
    patient: Patient, he_lan: User, signed_in: Any
) -> None:
    ChargeFactory(patient=patient, on=MAY, reference="RS-2026-0001")
    ChargeFactory(patient=patient, on=MAY, amount=Decimal("1200.50"), kind="unit", reference="SH-2026-0001")
    ChargeFactory(patient=patient, on=MAY, amount=Decimal(90), currency="USD", reference="CT-2026-0001")
    ChargeFactory(patient=patient, on=MAY, amount=Decimal(80), reference="RS-2026-0009", void=True)
    ChargeFactory(patient=patient, on=dt.date(2026, 6, 1), reference="RS-2026-0777")
    ChargeFactory(on=MAY, reference="RS-2026-0888")  # another hospital's

    page = text_of(signed_in(he_lan).get(month(patient.hospital)))

    assert "CNY 1,700.50" in page
    assert "USD 90.00" in page
    assert "<s>CNY 80.00</s>" in page
    assert "charged by mistake" in page
    assert "RS-2026-0001" in page
    assert "RS-2026-0777" not in page
    assert "RS-2026-0888" not in page
    assert "As of" in page
    assert "The month is not over yet" not in page
    assert "Void RS" not in page  # the bank's direction only
    assert "Dong Hua" not in page


def test_statement_of_another_hospital_is_not_there(he_lan: User, signed_in: Any) -> None:
    other = ChargeFactory(on=MAY).hospital
    client = signed_in(he_lan)

    for name in ("statement-detail", "statement-csv"):
        assert client.get(month(other, name)).status_code == 404


@pytest.mark.parametrize("month_of_year", [0, 13, 99])
def test_month_that_no_calendar_has(
    month_of_year: int, hospital: Hospital, he_lan: User, signed_in: Any
) -> None:
    address = url("statement-detail", hospital.pk, 2026, month_of_year)

    assert signed_in(he_lan).get(address).status_code == 404


def test_empty_and_running_month(hospital: Hospital, he_lan: User, signed_in: Any) -> None:
    page = text_of(signed_in(he_lan).get(month(hospital, day=timezone.localdate())))

    assert "Nothing was charged in this month" in page
    assert "The month is not over yet" in page
    assert 'rel="next"' not in page
    assert 'rel="prev"' in page


def test_statement_as_a_file(patient: Patient, he_lan: User, signed_in: Any) -> None:
    ChargeFactory(patient=patient, on=MAY, reference="RS-2026-0001")
    row = ChargeFactory(patient=patient, on=MAY, reference="RS-2026-0002", void=True)
    Charge.objects.filter(pk=row.pk).update(void_reason="=HYPERLINK(1)")

    answer = signed_in(he_lan).get(month(patient.hospital, "statement-csv"))

    assert f"qidai-statement-{patient.hospital.code}-2026-05.csv" in answer["Content-Disposition"]
    head, first, second, total = (dict(enumerate(line)) for line in table(answer))
    names = {name: at for at, name in head.items()}
    assert [first[names[n]] for n in ("line", "month", "day", "fee", "reference", "patient", "amount")] == [
        "charge",
        "2026-05",
        "2026-05-07",
        "reservation",
        "RS-2026-0001",
        patient.code,
        "500.00",
    ]
    assert (second[0], second[names["void_reason"]]) == ("void", "'=HYPERLINK(1)")
    assert [total[names[n]] for n in ("line", "amount", "currency")] == ["total", "500.00", "CNY"]
    assert first[names["as_of"]] == total[names["as_of"]]


def test_bank_sees_all_hospitals_by_month_and_a_hospital_its_own(
    patient: Patient, he_lan: User, shen_jia: User, signed_in: Any
) -> None:
    other = PatientFactory()
    for whose, day in ((patient, MAY), (other, MAY), (patient, dt.date(2026, 4, 30))):
        ChargeFactory(patient=whose, on=day)

    page = signed_in(shen_jia).get(url("statement-list"))
    assert [(f"{row.month:%Y-%m}", row.hospital.code) for row, _url in page.context["rows"]] == [
        *(("2026-05", code) for code in sorted((patient.hospital.code, other.hospital.code))),
        ("2026-04", patient.hospital.code),
    ]
    assert [(one.currency, one.amount) for one in page.context["totals"]] == [("CNY", 1500)]

    page = signed_in(he_lan).get(url("statement-list"))
    assert [f"{row.month:%Y-%m}" for row, _url in page.context["rows"]] == ["2026-05", "2026-04"]
    assert other.hospital.code not in text_of(page)
    assert [one.amount for one in page.context["totals"]] == [1000]


@pytest.mark.parametrize(
    ("query", "months"),
    [
        ({"month": "2026-05"}, ["2026-05"]),
        ({"month": "2026-07"}, []),
        ({"sort": "month"}, ["2026-04", "2026-05"]),
        ({"sort": "nonsense", "page": "x"}, ["2026-05", "2026-04"]),
        ({"sort": "-charges"}, ["2026-04", "2026-05"]),
    ],
)
def test_filters_and_order(
    query: dict[str, str], months: list[str], patient: Patient, shen_jia: User, signed_in: Any
) -> None:
    ChargeFactory(patient=patient, on=MAY)
    ChargeFactory.create_batch(2, patient=patient, on=dt.date(2026, 4, 3))

    page = signed_in(shen_jia).get(url("statement-list"), query)

    assert [f"{row.month:%Y-%m}" for row, _url in page.context["rows"]] == months
    assert ("No charge fits" in text_of(page)) is (not months)


def test_month_that_cannot_be_read_is_told_beside_the_field(
    patient: Patient, shen_jia: User, signed_in: Any
) -> None:
    ChargeFactory(patient=patient, on=MAY)

    page = signed_in(shen_jia).get(url("statement-list"), {"month": "May 2026"})

    assert "Write the month as 2026-11" in text_of(page)
    assert len(page.context["rows"]) == 1


def test_list_as_a_file_is_the_selection(patient: Patient, shen_jia: User, signed_in: Any) -> None:
    ChargeFactory(patient=patient, on=MAY)
    ChargeFactory(patient=patient, on=MAY, currency="USD", amount=Decimal(7))
    ChargeFactory(patient=patient, on=dt.date(2026, 4, 3))

    lines = table(signed_in(shen_jia).get(url("statement-export"), {"month": "2026-05"}))

    code = patient.hospital.code
    assert lines[1:] == [["2026-05", code, "CNY", "500.00", "1"], ["2026-05", code, "USD", "7.00", "1"]]


@pytest.mark.parametrize("count", [1, 20])
def test_list_and_statement_cost_the_same_queries_for_any_number_of_rows(
    count: int, shen_jia: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    rows = ChargeFactory.create_batch(count, on=MAY)
    ChargeFactory.create_batch(count, on=MAY, patient=rows[0].patient, currency="USD")
    client = signed_in(shen_jia)
    client.get(url("statement-list"))  # what is read once for all pages

    with django_assert_max_num_queries(12):
        assert len(client.get(url("statement-list")).context["rows"]) == count
    with django_assert_max_num_queries(8):
        assert len(client.get(month(rows[0].hospital)).context["lines"]) == count + 1


def test_empty_list_says_what_to_do(hospital: Hospital, dong_hua: User, he_lan: User, signed_in: Any) -> None:
    assert "Set the first price" in text_of(signed_in(dong_hua).get(url("statement-list")))
    assert "Nothing was charged yet" in text_of(signed_in(he_lan).get(url("statement-list")))


# --- void -----------------------------------------------------------------------------------------


def test_direction_voids_a_line_and_comes_back_to_the_statement(
    patient: Patient, dong_hua: User, signed_in: Any
) -> None:
    row, client = ChargeFactory(patient=patient, on=MAY), signed_in(dong_hua)
    assert f"Void {row.reference}" in text_of(client.get(month(patient.hospital)))

    answer = client.post(url("charge-void", row.pk), {"reason": "entered twice"})
    assert answer.url == month(patient.hospital)

    page = text_of(client.get(month(patient.hospital)))
    assert "is voided: the hospital does not owe it" in page
    assert "Dong Hua · entered twice" in page
    assert f"Void {row.reference}" not in page
    assert "All charges of this month are voided" in page


def test_void_without_a_reason_is_told_beside_the_line(
    patient: Patient, dong_hua: User, signed_in: Any
) -> None:
    row = ChargeFactory(patient=patient, on=MAY)

    answer = signed_in(dong_hua).post(url("charge-void", row.pk), {"reason": " "})

    assert answer.status_code == 400
    assert f'id="reason-error-{row.pk}"><li>Write why.' in text_of(answer)
    assert Charge.objects.valid().get() == row


def test_second_click_says_that_it_is_void(patient: Patient, dong_hua: User, signed_in: Any) -> None:
    row = ChargeFactory(patient=patient, on=MAY, void=True)

    answer = signed_in(dong_hua).post(url("charge-void", row.pk), {"reason": "again"})

    assert answer.status_code == 409
    assert "was voided already" in text_of(answer)
    row.refresh_from_db()
    assert row.void_reason == "charged by mistake"


# --- prices ---------------------------------------------------------------------------------------


def sent(**values: str) -> dict[str, str]:
    given = {"kind": "reservation", "amount": "650.00", "currency": "CNY"}
    return {**given, "valid_from": f"{in_days(1):%Y-%m-%d}", **values}


def test_price_list_tells_what_holds_what_comes_and_what_was(dong_hua: User, signed_in: Any) -> None:
    PriceFactory(valid_from=dt.date(2020, 1, 1), amount=Decimal(400))
    PriceFactory(valid_from=dt.date(2026, 1, 1), amount=Decimal(500))
    PriceFactory(valid_from=in_days(30), amount=Decimal(0))

    page = signed_in(dong_hua).get(url("price-list"))

    first = page.context["kinds"][0]
    assert (first["now"]["text"], first["to_come"][0]["text"], first["before"][0]["text"]) == (
        "CNY 500.00",
        "no fee",
        "CNY 400.00",
    )
    assert page.context["kinds"][1]["now"] is None
    assert "Withdraw this price" in text_of(page)


def test_hospital_reads_the_price_list_and_is_offered_no_form(he_lan: User, signed_in: Any) -> None:
    PriceFactory(valid_from=in_days(3))

    page = text_of(signed_in(he_lan).get(url("price-list")))

    assert "Set a price" not in page
    assert "Withdraw this price" not in page


def test_price_is_set_and_withdrawn_on_the_page(dong_hua: User, signed_in: Any) -> None:
    client = signed_in(dong_hua)

    answers = [client.post(url("price-set"), sent()) for _ in range(2)]
    assert [answer.url for answer in answers] == [url("price-list")] * 2
    row = Price.objects.get()
    assert "CNY 650.00" in text_of(client.get(url("price-list")))

    for _ in range(2):
        client.post(url("price-withdraw", row.pk), {"reason": "wrong"})
    page = text_of(client.get(url("price-list")))
    assert "The price was withdrawn before it began" in page
    assert "withdrawn already" in page
    assert not Price.objects.exists()


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"amount": "-1"}, "amount", "greater than or equal to 0"),
        ({"amount": "1.234"}, "amount", "2 decimal places"),
        ({"amount": "100.50", "currency": "JPY"}, "amount", "smallest amount of JPY is 1"),
        ({"valid_from": "2020-01-01"}, "valid_from", "or later"),
        ({"valid_from": "soon"}, "valid_from", "valid date"),
        ({"kind": "gift"}, "kind", "valid choice"),
    ],
)
def test_wrong_price_is_told_beside_its_field(
    values: dict[str, str], field: str, text: str, dong_hua: User, signed_in: Any
) -> None:
    answer = signed_in(dong_hua).post(url("price-set"), sent(**values))

    assert answer.status_code == 400
    page = text_of(answer)
    assert text in page.split(f'id="id_{field}_error"')[1].split("</ul>")[0]
    assert not Price.objects.exists()


def test_price_list_costs_the_same_queries_for_any_number_of_prices(
    dong_hua: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    for days in range(1, 21):
        PriceFactory(valid_from=in_days(days))
    client = signed_in(dong_hua)

    with django_assert_max_num_queries(7):
        client.get(url("price-list"))


# --- elsewhere ------------------------------------------------------------------------------------


def test_page_of_the_hospital_leads_to_its_statements(
    patient: Patient, he_lan: User, dong_hua: User, signed_in: Any
) -> None:
    ChargeFactory(patient=patient)
    address = reverse("hospitals:hospital-detail", args=[patient.hospital_id])

    for user in (he_lan, dong_hua):
        page = text_of(signed_in(user).get(address))
        assert "CNY 500.00" in page
        assert month(patient.hospital, day=timezone.localdate()) in page
    for role in (Role.HOSPITAL_PHYSICIAN, Role.ADMIN):
        page = text_of(signed_in(member_of(patient.hospital, role)).get(address))
        assert "CNY 500.00" not in page


def test_who_is_about_to_owe_a_fee_is_told_of_it(own: Patient, tan_xi: User, signed_in: Any) -> None:
    PriceFactory(amount=Decimal(500))
    PriceFactory(kind="extension", amount=Decimal(300))
    client = signed_in(tan_xi)
    create = url("reservation-create", own.pk, UnitFactory().pk)
    row = ReservationFactory(active=True, patient=own)

    assert "CNY 500.00" in text_of(client.get(create))
    assert "CNY 300.00" in text_of(client.get(url("reservation-detail", row.pk)))


def test_fees_stand_in_the_navigation_of_who_may_see_them(
    hospital: Hospital, he_lan: User, signed_in: Any
) -> None:
    link = f'href="{url("statement-list")}"'

    assert link in text_of(signed_in(he_lan).get("/"))
    assert link not in text_of(signed_in(UserFactory(roles=[Role.LAB])).get("/"))
