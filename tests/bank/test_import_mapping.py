"""Columns of strangers: proposed by their names, English and Chinese, said by people, kept for a bank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bank import services_exchange
from bank.imports import files, headings
from bank.imports.mapping import fits, propose, renamed
from bank.models import CordBloodUnit, ImportMapping
from core.audit import Actor
from core.errors import InvalidInput
from core.models import AuditEntry, User
from tests.bank import exchange_files
from tests.factories.bank import BankFactory

ADDRESS = "/units/import/"
CHINESE = (
    "脐带血编号,血型,有核细胞数(×10^8),CD34+细胞数,HLA-A 1,HLA-A2,备注\nU1,O,13.05,4,A*11:01,A*24:02,x\n"
)
SYSTEM = Actor.system("test")


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Unit No", "unit_no"), ("CBU ID", "unit_no"), ("脐带血编号", "unit_no"), ("Blood Group", "abo"),
        ("血型", "abo"),
        ("Rhesus", "rh"), ("Collection_Date", "collected_on"), ("采集日期", "collected_on"), ("HLA-A*1", "A_1"),
        ("HLA_DRB1_2", "DRB1_2"), ("a i", "A_1"), ("DQB1 II", "DQB1_2"), ("DR1", "DRB1_ser_1"), ("A ser 2", "A_ser_2"),
        ("DPB1 ser 1", ""), ("TNC x10^8", "tnc_e8"), ("TNC (×10⁷)", "tnc_e7"), ("TNC 10e7", "tnc_e7"), ("TNC", ""),
        ("有核细胞总数（10^8）", "tnc_e8"), ("有核细胞总数", ""), ("CD34+ count", "cd34_e6"), ("Volum", "volume_ml"),
        ("processing methd", "processing_method"), ("remarks", ""), ("备注", ""), ("", ""), ("x", ""),
        ("mother_A_1", "mother_A_1"), ("tnc_cells", "tnc_cells"),
    ],
)  # fmt: skip
def test_headings_are_known_by_their_likeness(heading: str, column: str) -> None:
    assert propose([heading]) == [column]


def test_a_column_is_proposed_once_for_the_likest_heading() -> None:
    assert propose(["unit numbr", "unit_no", "sex"]) == ["", "unit_no", "sex"]


def test_columns_are_renamed_and_left_out() -> None:
    raw = files.read(b"nr;abo;note\nU1;A;x\nU2;A\n", mapping={"nr": "unit_no", "note": ""})

    assert (raw.header, raw.rows) == (["unit_no", "abo"], [(2, ["U1", "A"]), (3, ["U2", "A"])])
    assert (raw.names["unit_no"], raw.ignored) == ("nr", ("note",))
    assert raw.found[3][0].code == "cells_count"
    assert fits({"nr": "", "abo": ""}, ["abo"])
    assert not fits({"nr": ""}, ["abo"])


def test_counts_of_other_powers_are_read_digit_for_digit() -> None:
    raw = files.read(b"unit_no,tnc_e8,cd34_cells\nU1,13.05,4.2E6\nU2,many,\nU3,1\n")

    assert raw.header == ["unit_no", "tnc_e7", "cd34_e6"]
    assert [cells[1:] for _line, cells in raw.rows] == [["130.5", "4.2"], ["many", ""], ["10"]]
    assert raw.names == {"tnc_e7": "tnc_e8", "cd34_e6": "cd34_cells"}
    assert renamed(raw, {}).header == raw.header


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"",
        b"U1%A*11:01\n",
        exchange_files.inventory(exchange_files.cbu()),
        (",".join(f"c{n}" for n in range(200)) + "\n" + "," * 199 + "x\n").encode(),
        (f"unit_no,{'x' * 200}\nU1,2\n").encode(),
    ],
)
def test_what_is_no_table_has_no_columns_to_map(data: bytes) -> None:
    assert headings.table_of(data, max_rows=10) is None


def test_a_table_shows_its_first_values() -> None:
    table = headings.table_of(b"nr,nr,note\nU1,x,\nU2,y,hello\n", max_rows=10)

    assert table == headings.Table(["nr", "note"], [["U1", "U2"], ["hello"]])


# --- the pages ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def kept_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def upload(client: Any, data: bytes, name: str = "units.csv", **fields: str) -> Any:
    """The page of the file, which is so small that it is checked at once."""
    return client.post(ADDRESS, {"file": SimpleUploadedFile(name, data), **fields}, follow=True)


def at(page: Any, step: str) -> str:
    """The address of a step of the file that a page is about."""
    return f"{ADDRESS}{page.context['file'].pk}/{step}"


def proposed(response: Any) -> dict[str, str]:
    """What the form about the columns holds, as a browser would send it."""
    form = response.context["columns_form"]
    return {f"column_{place}": row["field"].value() or "" for place, row in enumerate(form.rows)}


@pytest.mark.django_db
def test_unknown_columns_are_asked_for_and_then_come_in(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    BankFactory(code="AA")
    first = upload(client, CHINESE.encode())

    assert "What the columns mean" in first.content.decode()
    assert list(proposed(first).values()) == ["unit_no", "abo", "tnc_e8", "cd34_e6", "A_1", "A_2", ""]
    second = client.post(at(first, "columns/"), {**proposed(first), "keep_as": "our  list"}, follow=True)
    assert (second.status_code, second.context["report"]["imported"]) == (200, 1)
    assert "备注" in second.content.decode()  # what is left out is said
    client.post(at(second, "confirm/"))

    unit = CordBloodUnit.objects.get()
    assert (unit.tnc_e7, unit.abo, unit.hla_a_2) == (130.5, "O", "A*24:02")
    kept = ImportMapping.objects.get()
    assert (kept.name, kept.bank.code, kept.columns["血型"]) == ("our list", "AA", "abo")
    assert AuditEntry.objects.filter(action="import_mapping.keep").count() == 1


@pytest.mark.django_db
def test_a_kept_mapping_is_chosen_at_once_or_proposed_for_a_file_that_it_fits(
    signed_in: Any, lab: User
) -> None:
    client = signed_in(lab)
    columns = {"nr": "unit_no", "group": "", "TNC": "tnc_e7"}
    bank = BankFactory(code="AA")
    kept = services_exchange.mapping_keep(bank_code="AA", name="list", columns=columns, actor=SYSTEM)
    data = b"nr,group,TNC\nU1,O,130\n"

    assert "list (AA)" in client.get(ADDRESS).content.decode()
    assert upload(client, data, columns=str(kept.pk)).context["report"]["imported"] == 1
    assert proposed(upload(client, data)) == {"column_0": "unit_no", "column_1": "", "column_2": "tnc_e7"}
    again = services_exchange.mapping_keep(
        bank_code="AA", name="list", columns={"nr": "unit_no"}, actor=SYSTEM
    )
    assert (again.pk, again.columns, bank.import_mappings.count()) == (kept.pk, {"nr": "unit_no"}, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"column_0": ""}, "Say which column is unit_no"),
        ({"column_1": "unit_no"}, "Two columns of the file mean"),
        ({"column_1": "nonsense"}, "Select a valid choice"),
    ],
)
def test_columns_that_cannot_be_are_explained(
    signed_in: Any, lab: User, change: dict[str, str], words: str
) -> None:
    client = signed_in(lab)
    first = upload(client, b"nr,group\nU1,O\n")

    response = client.post(
        at(first, "columns/"), {"column_0": "unit_no", "column_1": "abo", **change}, follow=True
    )

    assert response.status_code == 400
    assert words in response.content.decode()


@pytest.mark.django_db
def test_a_mapping_is_kept_only_for_a_bank(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    BankFactory(code="AA")
    BankFactory(code="BB")
    first = upload(client, b"nr,group\nU1,O\n")
    answers = {"column_0": "unit_no", "column_1": "", "keep_as": "list"}

    assert client.post(at(first, "columns/"), {**answers}, follow=True).status_code == 400
    second = upload(client, b"nr,group\nU1,O\n", bank="BB")
    assert client.post(at(second, "columns/"), {**answers}, follow=True).status_code == 200
    assert ImportMapping.objects.get().bank.code == "BB"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "columns", "code"),
    [(" ", {"nr": "unit_no"}, "name_needed"), ("x", {"nr": "password"}, "mapping_impossible")],
)
def test_what_cannot_be_kept_is_refused(name: str, columns: dict[str, str], code: str) -> None:
    BankFactory(code="AA")

    with pytest.raises(InvalidInput) as caught:
        services_exchange.mapping_keep(bank_code="AA", name=name, columns=columns, actor=SYSTEM)
    assert caught.value.code == code


@pytest.mark.django_db
def test_counts_are_asked_for_and_the_answer_is_kept_to_the_end(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    data = exchange_files.inventory(exchange_files.cbu(TNC_FRZN="13.05"))
    first = upload(client, data, name="a.xml")

    assert "does not say in what its cell counts are given" in first.content.decode()
    assert client.post(at(first, "columns/"), {"counts": ""}, follow=True).status_code == 400
    second = client.post(at(first, "columns/"), {"counts": "e8"}, follow=True)
    assert second.context["report"]["imported"] == 1
    client.post(at(second, "confirm/"))
    assert CordBloodUnit.objects.get().tnc_e7 == 130.5
    assert upload(client, data, name="a.xml", counts="e8").context["report"]["unchanged"] == 1


@pytest.mark.django_db
def test_all_findings_come_as_one_file_that_a_spreadsheet_does_not_run(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)
    rows = "".join(f"=U{number},-1\n" for number in range(300))
    first = upload(client, f"unit_no,tnc_e7,A_1,A_2,A_ser_1\n{rows}".encode().replace(b",-1\n", b",-1,,,\n"))

    assert "and 400 more" in first.content.decode()
    response = client.get(at(first, "findings.csv"))
    lines = b"".join(response).decode("utf-8-sig").splitlines()
    assert lines[0] == "place,column,code,finding,kind"
    assert len(lines) == 601
    assert lines[1].startswith("2,unit_no,unit_no_form,")
    assert lines[1].endswith(",error")


@pytest.mark.django_db
def test_the_place_of_a_finding_is_called_what_it_is(signed_in: Any, lab: User) -> None:
    client = signed_in(lab)

    sheet = upload(
        client, exchange_files.xlsx(["unit_no", "abo"], ["U1", "Z"]), name="a.xlsx"
    ).content.decode()
    xml = upload(client, exchange_files.inventory(exchange_files.cbu(ABO="Z")), name="a.xml").content.decode()

    assert ">Row</th>" in sheet
    assert ">Unit in the file</th>" in xml


@pytest.mark.django_db
def test_fifty_megabytes_and_one_byte_are_refused_before_they_are_read(
    signed_in: Any, lab: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank.forms.MAX_FILE_BYTES", 20)
    monkeypatch.setattr("bank.uploads.put", None)

    response = upload(signed_in(lab), b"x" * 21)

    assert response.status_code == 400
    assert "The file is larger than" in response.content.decode()
