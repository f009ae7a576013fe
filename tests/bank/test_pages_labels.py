"""Pages of labels, product codes and codes of banks; and the search box, into which everything is scanned."""

from __future__ import annotations

from typing import Any

import pypdfium2
import pytest

from bank.choices import DonorType, Source
from bank.models import Bank, CordBloodUnit, ProductCode, Slot
from core.models import AuditEntry, User
from core.roles import Role
from tests.bank.test_labels import canister_with
from tests.factories.bank import BankFactory, UnitFactory
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
DIN = "G123498654321"
GRID = "6939DKM001392612726"
ZH = {"HTTP_ACCEPT_LANGUAGE": "zh-hans"}


def asked(*units: CordBloodUnit, **values: Any) -> dict[str, Any]:
    keys = " ".join(str(unit.pk) for unit in units)
    return {"units": keys, "kind": "unit", "paper": "roll", "count": "1", "language": "en", **values}


def pages_of(response: Any) -> list[str]:
    with pypdfium2.PdfDocument(response.content) as found:
        return [page.get_textpage().get_text_range() for page in found]


# --- choosing --------------------------------------------------------------------------------------


def test_units_are_named_by_key_din_scan_or_number(signed_in: Any, lab: User) -> None:
    first, second, third = UnitFactory(din=DIN), UnitFactory(unit_no="U-2"), UnitFactory(unit_no="U-3")
    words = f"{third.pk}, =G12349865432177\nG1234 98 654321 H;u-2\nnonsense\n{'x' * 36}"

    response = signed_in(lab).get("/units/labels/", {"units": words})

    assert response.context["units"] == [third, first, second]
    assert response.context["unknown"] == ["nonsense", "x" * 36]
    assert "bears this number" in response.content.decode()
    assert response.context["form"].initial["units"] == f"{third.pk} {first.pk} {second.pk}"


def test_the_inventorys_filter_chooses_units_and_none_chooses_none(signed_in: Any, lab: User) -> None:
    UnitFactory(abo="A")
    wanted = UnitFactory(abo="B")
    client = signed_in(lab)

    assert client.get("/units/labels/?abo=B&sort=-tnc").context["units"] == [wanted]
    assert client.get("/units/labels/?sort=-tnc").context["units"] == []
    assert client.get("/units/labels/?abo=Q").context["units"] == []
    assert 'href="/units/labels/?abo=B"' in client.get("/units/?abo=B").content.decode()
    assert f"/units/labels/?units={wanted.pk}" in client.get(f"/units/{wanted.pk}/").content.decode()


def test_more_than_the_most_are_cut_and_said(
    signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = UnitFactory.create_batch(3)
    monkeypatch.setattr("bank.labels.selection.MOST", 2)
    client = signed_in(lab)

    for query in ({"status": "LISTED"}, {"units": ",".join(str(unit.pk) for unit in units)}):
        response = client.get("/units/labels/", query)
        assert len(response.context["units"]) == 2
        assert "Only the first 500 units" in response.content.decode()


def test_refused_units_are_told_and_left_out(signed_in: Any, lab: User) -> None:
    good, bad = UnitFactory(abo="B"), UnitFactory(abo="B", consent_withdrawn=True, unit_no="U-BAD")
    partner = UnitFactory(abo="B", source=Source.PARTNER)
    client = signed_in(lab)

    response = client.get("/units/labels/?abo=B")

    assert response.context["units"] == [good]
    assert "The consent for U-BAD is withdrawn" in response.content.decode()
    assert "/units/labels/" not in client.get(f"/units/{partner.pk}/").content.decode()
    assert client.get(f"/units/labels/?units={bad.pk}").context["form"].initial["units"] == ""


def test_choosing_many_asks_few_questions(
    signed_in: Any, lab: User, django_assert_max_num_queries: Any
) -> None:
    dins = ["G123498654321", "A999914123458", *(f"G12349865{n:04d}" for n in range(18))]
    units = [UnitFactory(din=din) for din in dins]
    client = signed_in(lab)

    for some in (units[:1], units):
        with django_assert_max_num_queries(12):
            client.get("/units/labels/", {"units": "\n".join(unit.public_no for unit in some)})


# --- printing --------------------------------------------------------------------------------------


def test_the_file_holds_a_label_for_each_and_the_passport_tells_it(signed_in: Any, qa: User) -> None:
    units = [UnitFactory(din=DIN), UnitFactory(unit_no="U-2")]
    client = signed_in(qa)

    response = client.post("/units/labels/print/", asked(*units, count="2"))

    assert response["Content-Type"] == "application/pdf"
    assert ["G1234 98 654321" in text for text in pages_of(response)] == [True, True, False, False]
    assert AuditEntry.objects.filter(action="unit.label").count() == 2
    html = client.get(f"/units/{units[0].pk}/").content.decode()
    assert "Labels printed" in html
    assert "Unit label × 2" in html


def test_a_label_in_chinese(signed_in: Any, qa: User) -> None:
    response = signed_in(qa).post("/units/labels/print/", asked(UnitFactory(rh="-"), language="zh-hans"))

    (text,) = pages_of(response)
    assert "Rh 阴性" in text
    assert "保存温度" in text


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"units": ""}, 400, "Name at least one unit."),
        ({"units": "x"}, 400, "Choose the units again."),
        ({"paper": "small"}, 400, "does not go onto this paper"),
        ({"count": "0"}, 400, "greater than or equal to 1"),
        ({"kind": "cat"}, 400, "cat"),
    ],
)
def test_what_is_wrong_with_the_form_stays_on_the_page(
    signed_in: Any, qa: User, values: dict[str, str], status: int, words: str
) -> None:
    response = signed_in(qa).post("/units/labels/print/", asked(UnitFactory()) | values)

    assert response.status_code == status
    assert words in response.content.decode()
    assert not AuditEntry.objects.exists()


def test_what_has_left_the_inventory_is_not_labelled(signed_in: Any, qa: User) -> None:
    UnitFactory(unit_no="U-GONE", discarded=True)

    page = signed_in(qa).get("/units/labels/?units=U-GONE").content.decode()

    assert "U-GONE has left the inventory" in page


def test_too_many_labels_are_refused(signed_in: Any, qa: User) -> None:
    response = signed_in(qa).post("/units/labels/print/", asked(*UnitFactory.create_batch(11), count="50"))

    assert response.status_code == 400
    assert "At most 500 labels at once." in response.content.decode()


def test_a_unit_recalled_since_the_page_was_opened_stops_the_print(signed_in: Any, qa: User) -> None:
    unit = UnitFactory(unit_no="U-BAD", recalled=True)

    response = signed_in(qa).post("/units/labels/print/", asked(unit, UnitFactory()))

    assert response.status_code == 409
    assert "U-BAD is recalled" in response.content.decode()


# --- places ----------------------------------------------------------------------------------------


def test_labels_of_a_canister_and_of_a_rack(signed_in: Any, lab: User) -> None:
    canister_with(2)
    client = signed_in(lab)

    for place, count in (("t1-r3-c2", 3), ("T1-R3", 1), ("T1", 1)):
        response = client.post(
            "/units/labels/places/", {"place": place, "paper": "small", "language": "zh-hans"}
        )
        assert len(pages_of(response)) == count
    assert AuditEntry.objects.filter(action="place.label").count() == 3
    assert b'value="T1-R3-C2"' in client.get("/units/labels/places/?place=T1-R3-C2").content


@pytest.mark.parametrize("place", ["T9", "T1--C2", "S1-T1-R3-C2-07", "S1", "-"])
def test_a_place_that_is_none(signed_in: Any, lab: User, place: str) -> None:
    canister_with(1)

    response = signed_in(lab).post(
        "/units/labels/places/", {"place": place, "paper": "small", "language": "en"}
    )

    assert response.status_code == 400
    assert "There is no tank, rack or canister" in response.content.decode()


def test_a_place_without_canisters_has_no_labels(signed_in: Any, lab: User) -> None:
    from bank.models import StorageNode

    canister_with(1)
    site = StorageNode.objects.create(bank=Bank.objects.get(), kind="site", code="S2")
    StorageNode.objects.create(bank=site.bank, kind="tank", parent=site, code="T2")
    client = signed_in(lab)

    response = client.post("/units/labels/places/", {"place": "T2", "paper": "small", "language": "en"})

    assert "Nothing below this place" in response.content.decode()


def test_more_slots_than_labels_at_once(signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.services_labels.MOST", 2)
    canister_with(3)

    response = signed_in(lab).post(
        "/units/labels/places/", {"place": "T1-R3-C2", "paper": "small", "language": "en"}
    )

    assert response.status_code == 400
    assert "At most 2 labels at once." in response.content.decode()


# --- product codes ---------------------------------------------------------------------------------


def test_the_loaded_table_is_listed_and_searched(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    assert b"No table is loaded" in client.get("/units/product-codes/").content
    for code, words in (("S9991", "Made-up cord"), ("S9992", "Made-up marrow")):
        ProductCode.objects.create(code=code, description=words, product_class="HPC", version="7.50")

    assert b"2 codes of the loaded table" in client.get("/units/product-codes/").content
    for query in ("s9992", "marrow"):
        html = client.get("/units/product-codes/", {"q": query}).content
        assert b"Made-up marrow" in html
        assert b"Made-up cord" not in html
    assert b"No product code matches" in client.get("/units/product-codes/?q=xyz").content
    assert b"/units/product-codes/" in client.get("/reference/").content


def test_the_product_of_a_unit_is_recorded_on_its_page(signed_in: Any, lab: User) -> None:
    ProductCode.objects.create(code="S9991", description="Made-up cord", version="7.50")
    unit = UnitFactory()
    client = signed_in(lab)
    url = f"/units/{unit.pk}/product/"

    refused = client.post(url, {"product_code": "S9993000", "reason": "bag"})
    assert refused.status_code == 400
    assert b"does not hold S9993" in refused.content
    client.post(url, {"product_code": "=<S9991000", "reason": "bag"})

    html = client.get(f"/units/{unit.pk}/").content.decode()
    assert "S9991000" in html
    assert "Made-up cord" in html
    assert "Product code recorded" in html


# --- codes of a bank, passport ---------------------------------------------------------------------


def test_the_codes_of_a_bank_are_changed_on_its_page(signed_in: Any, qa: User) -> None:
    bank = BankFactory(code="TB")
    client = signed_in(qa)
    url = f"/units/banks/{bank.pk}/codes/"
    values = {"country": "de", "issuing_organisation": "6939", "emdis_hub": "DE", "reason": "registered"}

    for bad, words in (({"reason": ""}, "required"), ({"emdis_hub": "D"}, "not the code of an EMDIS hub")):
        refused = client.post(url, values | bad)
        assert refused.status_code == 400
        assert words in refused.content.decode()
    response = client.post(url, values | {"tissue_establishment_code": "00a234"}, follow=True)

    html = response.content.decode()
    assert "The codes of the bank are recorded." in html
    assert "00A234" in html


def test_the_passport_shows_what_others_call_the_unit(signed_in: Any, qa: User) -> None:
    bank = BankFactory(code="TB", country="DE", emdis_hub="DE", tissue_establishment_code="001234")
    unit = UnitFactory(bank=bank, din=DIN, unit_no="U1")
    client = signed_in(qa)

    before = client.get(f"/units/{unit.pk}/").content.decode()
    assert "DEU1" in before
    assert "DE001234G123498654321" in before
    assert "the second part needs the product code" in before
    CordBloodUnit.objects.update(product_code="S9999000", unit_no="U" * 17)
    after = client.get(f"/units/{unit.pk}/").content.decode()
    assert "DE001234G123498654321 A00S999900000000000" in after
    assert "has 19 characters; a CBU id has at most 17" in after


def test_an_adult_donors_passport_shows_its_grid(signed_in: Any, qa: User) -> None:
    donor = UnitFactory(donor_type=DonorType.ADULT, grid=GRID, bank=BankFactory(emdis_hub="DE"))

    html = signed_in(qa).get(f"/units/{donor.pk}/").content.decode()

    assert "6939 DKM0 0139 2612 726" in html
    assert "CBU id" not in html


# --- the search box --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "]C0=G12349865432100",
        "=+02000=G12349865432100=<S9999000",
        "SEC: DE001234G123498654321 A00S999900000000000",
        "&,4DE001234G123498654321A00S999900000000000",
        "DEU1",
        "T1-R3-C2-01",
        "t1-r3-c2-1",
    ],
)
def test_each_scan_opens_the_unit(signed_in: Any, qa: User, text: str) -> None:
    unit = UnitFactory(bank=BankFactory(code="TB", emdis_hub="DE"), din=DIN, unit_no="U1")
    _canister, slots = canister_with(1)
    Slot.objects.filter(pk=slots[0].pk).update(unit=unit)

    assert signed_in(qa).get("/find/", {"q": text})["Location"] == f"/units/{unit.pk}/"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("G123498654321J", "The check character of G123498654321 is H, not J."),
        ("=G12349865432178", "right is 77 (check character H)"),
        ("G1234 98 654321", "is missing; it is H"),
        ("6939DKM001392612727", "are 26, not 27"),
        (GRID, "A GRID names an adult donor, not a cord blood unit"),
        ("=<S9993000", "the loaded table does not hold it"),
        ("=G1234", "is cut off"),
    ],
)
def test_the_box_says_what_is_wrong_instead_of_nothing_found(
    signed_in: Any, qa: User, text: str, words: str
) -> None:
    canister_with(1)

    html = signed_in(qa).get("/find/", {"q": text}).content.decode()

    assert words in html
    assert "Nothing found" not in html


def test_a_wrong_check_character_still_lists_the_unit_and_speaks_chinese(signed_in: Any, qa: User) -> None:
    UnitFactory(din=DIN)
    client = signed_in(qa)
    client.post("/language/", {"language": "zh-hans"})

    html = client.get("/find/", {"q": "G123498654321J"}).content.decode()

    assert "G1234 98 654321 H" in html
    assert "应为 H" in html or "是 H" in html


def test_a_product_code_opens_the_table(signed_in: Any, qa: User) -> None:
    ProductCode.objects.create(code="S9991", description="Made-up cord", version="7.50")
    client = signed_in(qa)

    for text in ("=<S9991000", "S9991000"):
        assert client.get("/find/", {"q": text})["Location"] == "/units/product-codes/?q=S9991"


def test_a_hospital_learns_nothing_of_places_or_tables(signed_in: Any, coordinator: User) -> None:
    _canister, slots = canister_with(2)
    Slot.objects.filter(pk=slots[0].pk).update(unit=UnitFactory())
    ProductCode.objects.create(code="S9991", description="Made-up cord", version="7.50")
    client = signed_in(coordinator)

    for text in ("T1-R3-C2-01", "T1-R3-C2-02"):
        assert "Nothing found" in client.get("/find/", {"q": text}).content.decode()
    assert "the loaded table does not hold it" in client.get("/find/", {"q": "=<S9991000"}).content.decode()


def test_an_empty_place_opens_its_canister(signed_in: Any) -> None:
    canister, _slots = canister_with(1)

    response = signed_in(UserFactory(roles=[Role.LAB])).get("/find/", {"q": "T1-R3-C2-01"})

    assert response["Location"] == f"/storage/canisters/{canister.pk}/"
