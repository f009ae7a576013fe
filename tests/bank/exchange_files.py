"""Files of other forms, made in the tests: no binary file is kept anywhere."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
DNA = {"A": ("11:01", "24:02"), "B": ("40:01", "46:01"), "DRB1": ("09:01", "15:01")}


def typed(
    dna: dict[str, tuple[str, str]] | None = None, ser: dict[str, tuple[str, str]] | None = None
) -> str:
    """The content of an element HLA."""
    dna, ser = DNA if dna is None else dna, ser or {}
    loci = dict.fromkeys([*dna, *ser])
    return "".join(
        f"<{locus}>{_fields('SER', ser.get(locus))}{_fields('DNA', dna.get(locus))}</{locus}>"
        for locus in loci
    )


def _fields(name: str, pair: tuple[str, str] | None) -> str:
    return f"<{name}><FIELD1>{pair[0]}</FIELD1><FIELD2>{pair[1]}</FIELD2></{name}>" if pair else ""


def cbu(number: str = "U1", hla: str | None = None, status: str = "AV", **elements: object) -> str:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f"<CBU><ID>{number}</ID><HLA>{typed() if hla is None else hla}</HLA><STATUS>{status}</STATUS>{inside}</CBU>"


def inventory(*units: str, mode: str = "FULL", head: str = HEAD) -> bytes:
    told = f'POOL="6939" CONTENT_TYPE="C" UPDATE_MODE="{mode}" SCHEMA_VERSION="2.3"'
    inside = f"<INVENTORY {told}>{''.join(units)}</INVENTORY>"
    return f'{head}<INVENTORIES CREATION_TIME="2026-01-01T00:00:00Z">{inside}</INVENTORIES>'.encode()


def donor(number: Any = "U1", kind: str = "C", change: str = "N", **loci: Any) -> dict[str, Any]:
    hla = loci or {
        locus.lower(): {"dna": {"field1": f"*{first}", "field2": f"*{second}"}}
        for locus, (first, second) in DNA.items()
    }
    return {"recordId": number, "changeType": change, "donorType": kind, "donPool": "1234", "hla": hla}


def donors(*items: Any, mode: str = "full") -> bytes:
    return json.dumps({"updateMode": mode, "donors": list(items)}).encode()


def xlsx(*rows: list[Any], **options: Any) -> bytes:
    """A spreadsheet as people's programs write it; a text that begins with = is a formula."""
    from xlsxwriter import Workbook

    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd", **options}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()
