"""CSV and spreadsheets that open well and cannot attack whoever opens them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

from django.http import FileResponse, StreamingHttpResponse

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, value: str) -> str:
        return value


def safe_cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula is made text again by a leading apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA_START):
        return "'" + value
    return "" if value is None else value


def csv_lines(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([safe_cell(str(name)) for name in header])
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def csv_response(
    filename: str, header: Iterable[Any], rows: Iterable[Iterable[Any]]
) -> StreamingHttpResponse:
    """A streamed download: memory does not grow with the list."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def xlsx_response(
    filename: str, header: Iterable[Any], rows: Iterable[Iterable[Any]], *, sheet: str
) -> FileResponse:
    """The same as a spreadsheet: numbers and dates as such, text never as a formula, the header stays in view.

    Written row by row to a file that is deleted when it was sent: memory does not grow with the list.
    """
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    write_xlsx(file, header, rows, sheet=sheet)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=filename, content_type=_XLSX)


def write_xlsx(file: IO[bytes], header: Iterable[Any], rows: Iterable[Iterable[Any]], *, sheet: str) -> None:
    from xlsxwriter import Workbook

    names = [str(name) for name in header]
    # `strings_to_…` off: what is text stays text, whatever it begins with
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with Workbook(file, options) as book:
        page = book.add_worksheet(_sheet_name(sheet))
        page.freeze_panes(1, 0)
        page.write_row(0, 0, names, book.add_format({"bold": True, "bottom": 1}))
        page.set_column(0, max(len(names) - 1, 0), 14)
        number = 0
        for number, row in enumerate(rows, start=1):
            _write_row(page, number, row)
        page.autofilter(0, 0, number, max(len(names) - 1, 0))


def _write_row(page: Any, number: int, row: Iterable[Any]) -> None:
    for column, value in enumerate(row):
        if value is None or value == "":
            continue
        if isinstance(value, str):
            page.write_string(number, column, value)
        elif isinstance(value, bool):
            page.write_boolean(number, column, value)
        elif isinstance(value, int | float | Decimal):
            page.write_number(number, column, value)
        elif isinstance(value, date):
            page.write_datetime(number, column, value)
        else:
            page.write_string(number, column, str(value))


def _sheet_name(text: str) -> str:
    """At most 31 characters and none of those that a spreadsheet forbids."""
    return "".join(character for character in text if character not in "[]:*?/\\'")[:31] or "Sheet1"
