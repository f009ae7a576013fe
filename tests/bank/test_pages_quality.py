"""Pages of quality: the passport's actions, the mother's typing, banks, recovery."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from bank import recovery
from bank.models import Accreditation, CordBloodUnit, HaemoglobinopathyResult, Measurement
from core.models import User
from tests.factories.bank import (
    AccreditationFactory,
    BankFactory,
    HaemoglobinopathyFactory,
    HlaTypingFactory,
    MeasurementFactory,
    UnitFactory,
)

pytestmark = pytest.mark.django_db


def passport(client: Any, unit: CordBloodUnit) -> str:
    return str(client.get(reverse("bank:unit-detail", args=[unit.pk])).content.decode())


def post(client: Any, name: str, pk: Any, **data: str) -> Any:
    return client.post(reverse(f"bank:{name}", args=[pk]), data)


def test_the_passport_tells_quality_to_everybody_who_sees_the_unit(signed_in: Any, coordinator: User) -> None:
    unit = UnitFactory(red_cells="replete", processing_method="Macopress")
    HaemoglobinopathyFactory(unit=unit, result="trait")
    AccreditationFactory(bank=unit.bank, scheme="other", name="Lian")

    page = passport(signed_in(coordinator), unit)

    for text in ("Replete", "Macopress", "Trait found", "not verified", "Lian"):
        assert text in page, text


def test_the_mothers_typing_is_for_the_banks_staff(signed_in: Any, coordinator: User, qa: User) -> None:
    unit = UnitFactory()
    HlaTypingFactory(unit=unit, subject="mother", canonical_gl="A*11:01+A*33:03", laboratory="Her laboratory")

    seen, whole = (passport(signed_in(one), unit) for one in (coordinator, qa))

    for text in ("Mother's HLA", "A*33:03", "Her laboratory", "/mother/"):
        assert text not in seen, text
    assert "A*33:03" in whole


def test_what_is_entered_stands_on_the_passport(signed_in: Any, lab: User) -> None:
    unit = UnitFactory()
    client = signed_in(lab)

    done = [
        post(
            client, "unit-processing", unit.pk, red_cells="depleted", processing_method="axp", reason="record"
        ),
        post(client, "unit-measurement", unit.pk, time_point="processing", analyte="cfu", value="12.5"),
        post(client, "unit-haemoglobinopathy", unit.pk, result="not_found", tested_on="2020-06-01"),
    ]

    assert {response.status_code for response in done} == {302}
    page = passport(client, unit)
    for text in ("AXP", "12.5", "Not found", "Processing recorded", "Measurement recorded"):
        assert text in page, text
    assert Measurement.objects.get(analyte="cfu").entered_by == lab


@pytest.mark.parametrize(
    ("name", "data", "status", "text"),
    [
        (
            "measurement",
            {"time_point": "processing", "analyte": "tnc", "value": "1"},
            409,
            "not changed here",
        ),
        (
            "measurement",
            {"time_point": "processing", "analyte": "cfu", "value": "9999"},
            400,
            "between 0 and",
        ),
        ("measurement", {"time_point": "processing", "analyte": "cfu", "value": "x"}, 400, "Enter a number"),
        ("haemoglobinopathy", {"result": "trait"}, 400, "Give the day of the test"),
        ("processing", {"red_cells": "some", "reason": "r"}, 400, "valid choice"),
        ("processing", {"red_cells": "depleted"}, 400, "required"),
    ],
)
def test_what_was_typed_stays_beside_its_error(
    signed_in: Any, lab: User, name: str, data: dict[str, str], status: int, text: str
) -> None:
    unit = UnitFactory()

    response = post(signed_in(lab), f"unit-{name}", unit.pk, **data)

    assert response.status_code == status
    assert text in response.content.decode()
    assert not Measurement.objects.exists()
    assert not HaemoglobinopathyResult.objects.exists()


def test_only_a_second_person_is_asked_to_verify(signed_in: Any, lab: User, qa: User) -> None:
    row = MeasurementFactory(entered_by=lab)

    assert "Verify results" not in passport(signed_in(lab), row.unit)
    assert "Verify results" in passport(signed_in(qa), row.unit)
    done = post(signed_in(qa), "unit-verify", row.unit_id, reason="seen", results=str(row.pk))
    assert done.status_code == 302
    assert "Verify results" not in passport(signed_in(qa), row.unit)


def test_who_verifies_what_changed_meanwhile_reads_it_first(signed_in: Any, lab: User, qa: User) -> None:
    seen = MeasurementFactory(entered_by=lab)
    late = HaemoglobinopathyFactory(unit=seen.unit, entered_by=lab)
    client = signed_in(qa)

    refused = post(client, "unit-verify", seen.unit_id, reason="seen", results=str(seen.pk))

    assert refused.status_code == 409
    page = refused.content.decode()
    both = " ".join(sorted([str(seen.pk), str(late.pk)]))
    assert "have changed since you read them" in page
    assert both in page  # the page shows them now, and vouches for these
    assert post(client, "unit-verify", seen.unit_id, reason="seen", results=both).status_code == 302
    again = post(client, "unit-verify", seen.unit_id, reason="seen", results=both)
    assert again.status_code == 409
    assert "waits for verification" in again.content.decode()
    broken = post(client, "unit-verify", seen.unit_id, reason="seen", results="x")
    assert broken.status_code == 400


def test_the_mothers_typing_is_recorded(signed_in: Any, lab: User) -> None:
    unit = UnitFactory()
    HlaTypingFactory(unit=unit)

    response = post(signed_in(lab), "unit-mother", unit.pk, hla_A_1="11:01", hla_A_2="33:03", laboratory="L")

    assert response.status_code == 302
    assert "A*33:03" in passport(signed_in(lab), unit)


def test_a_swapped_sample_comes_back_with_the_question(signed_in: Any, lab: User) -> None:
    unit = UnitFactory()
    HlaTypingFactory(unit=unit)
    client = signed_in(lab)
    typed = {"hla_A_1": "02:01", "hla_A_2": "33:03"}

    response = post(client, "unit-mother", unit.pk, **typed)

    page = response.content.decode()
    assert response.status_code == 200
    assert "share no type" in page
    assert 'value="33:03"' in page
    assert not unit.typings.filter(subject="mother").exists()
    unseen = post(client, "unit-mother", unit.pk, **typed, reason="egg donation")
    assert "share no type" in unseen.content.decode()
    codes = re.search(r'name="confirmed" value="([^"]+)"', page)
    assert codes
    done = post(client, "unit-mother", unit.pk, **typed, reason="egg donation", confirmed=codes[1])
    assert done.status_code == 302
    assert "share no type" in passport(client, unit)


def test_a_typing_that_cannot_be_read_is_told_at_its_field(signed_in: Any, lab: User) -> None:
    response = post(
        signed_in(lab), "unit-mother", UnitFactory().pk, hla_A_1="x:y", hla_B_1="40:01", gl="B*46:01"
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "is not a typing of HLA-A" in page
    assert "something else about HLA-B" in page


def test_an_empty_form_says_so(signed_in: Any, lab: User) -> None:
    assert "type at least one locus" in post(signed_in(lab), "unit-mother", UnitFactory().pk).content.decode()


def test_banks_show_what_is_valid(signed_in: Any, qa: User, lab: User) -> None:
    bank = BankFactory()
    AccreditationFactory(bank=bank, scheme="aabb", number="A-7", valid_until="2021-01-01")
    AccreditationFactory(bank=bank, number="F-9")

    page = signed_in(qa).get("/units/banks/").content.decode()

    for text in ("A-7", "F-9", "ended", "valid", "Record an accreditation"):
        assert text in page, text
    assert "Record an accreditation" not in signed_in(lab).get("/units/banks/").content.decode()


def test_banks_are_few_queries_whatever_their_number(
    signed_in: Any, qa: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        AccreditationFactory(bank=BankFactory(code=f"B{number}"))
    client = signed_in(qa)

    with django_assert_max_num_queries(12):
        client.get("/units/banks/")


def test_an_accreditation_is_recorded_and_ended(signed_in: Any, qa: User) -> None:
    bank, client = BankFactory(), signed_in(qa)

    assert (
        post(client, "accreditation-record", bank.pk, scheme="other", valid_from="2020-01-01").status_code
        == 400
    )
    assert post(client, "accreditation-record", bank.pk, scheme="aabb").status_code == 400
    given = {"scheme": "aabb", "number": "A-1", "valid_from": "2020-01-01"}
    assert post(client, "accreditation-record", bank.pk, **given).status_code == 302
    row = Accreditation.objects.get()
    assert post(client, "accreditation-end", row.pk, valid_until="2019-01-01", reason="r").status_code == 400
    assert post(client, "accreditation-end", row.pk, valid_until="2021-01-01").status_code == 400
    assert post(client, "accreditation-end", row.pk, valid_until="2021-01-01", reason="r").status_code == 302
    row.refresh_from_db()
    assert str(row.valid_until) == "2021-01-01"


def test_recovery_is_honest_about_few_data(
    signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    recovery._computed.cache_clear()
    client = signed_in(lab)
    assert "Nothing measured after thaw yet" in client.get("/units/recovery/").content.decode()
    for share in (80, 90, 100):
        unit = UnitFactory(processing_method="Sepax")
        MeasurementFactory(unit=unit, value=100)
        MeasurementFactory(unit=unit, value=share, time_point="post_thaw")

    few = client.get("/units/recovery/").content.decode()
    monkeypatch.setattr(recovery, "AT_LEAST", 3)
    enough = client.get("/units/recovery/").content.decode()
    export = b"".join(client.get("/units/recovery/export.csv").streaming_content).decode()

    assert "too few" in few
    assert ">90<" not in few
    assert "too few" not in enough
    assert ">90<" in enough
    assert "tnc,bank_method,TB,Sepax,3,81.0,85.0,90.0,95.0,99.0,yes" in export
