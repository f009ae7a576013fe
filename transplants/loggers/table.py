"""Bytes of a logger's file to its table: text, delimiter, head line, the columns of time and temperature."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transplants.loggers.errors import LoggerError, refused
from transplants.loggers.serials import serial_in
from transplants.loggers.times import folded, offset_of, parsed

MOST_BYTES = 5 * 1024 * 1024
MOST_LINE = 10_000  # characters
MOST_PREAMBLE = 400  # lines before the head of the table
_DELIMITERS = ",;\t"
# what people upload by mistake, by its first bytes
_OTHERS = (b"PK\x03\x04", b"%PDF", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"Rar!")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MAKERS = {
    "elitech": "Elitech", "精创": "Elitech", "testo": "Testo", "logtag": "LogTag", "temptale": "Sensitech",
    "sensitech": "Sensitech", "cryoport": "Cryoport", "savsu": "SAVSU", "elpro": "ELPRO", "berlinger": "Berlinger",
    "hobo": "HOBO", "lgr s/n": "HOBO", "madgetech": "MadgeTech", "dickson": "Dickson", "zeda": "ZeDa", "泽大": "ZeDa",
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """Places of the columns in the head line. clock: of the time of day, where it stands apart.

    scale: C, F, K, or "" where the head line does not say. offset: its zone, "UTC" or "GMT+08:00".
    """

    moment: int
    clock: int | None
    temperature: int
    scale: str
    heading: str
    offset: str = ""


@dataclass(frozen=True)
class Table:
    """rows: (line, cells) below the head line, empty ones left out. preamble: all text down to the head, folded.

    serial: of the logger, where the head of the file says it.
    """

    maker: str
    columns: Columns
    width: int
    rows: list[tuple[int, list[str]]]
    preamble: str
    serial: str = ""


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, GB18030, or Western. Raises LoggerError: file_empty, file_large, file_binary."""
    if len(data) > MOST_BYTES:
        raise refused("file_large", most=MOST_BYTES // 1024 // 1024)
    if not data.strip(b"\0 \t\r\n"):
        raise refused("file_empty")
    if data.startswith(_OTHERS):
        raise refused("file_binary")
    text = _text_of(data)
    if _CONTROL.search(text):
        raise refused("file_binary")
    return text


def _text_of(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise refused("file_binary") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    # A Western degree sign before C is a rare ideograph in GB18030: only everyday characters make it Chinese.
    try:
        text = data.decode("gb18030")
        text.encode("gb2312")
        return text
    except UnicodeError:
        return data.decode("latin-1")


def lines_of(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line. Raises LoggerError: line_long, csv_broken."""
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if len(line) > MOST_LINE:
            raise refused("line_long", number, most=MOST_LINE)
        yield number, cells_of(line, delimiter, number)


def cells_of(line: str, delimiter: str, number: int) -> list[str]:
    if '"' not in line:
        return _trimmed(line.split(delimiter))
    try:
        found = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise refused("csv_broken", number) from None
    return _trimmed(found)


def _trimmed(cells: list[str]) -> list[str]:
    """Without empty ones at the end: some loggers end each line with a delimiter."""
    while cells and not cells[-1].strip():
        cells.pop()
    return [cell.strip() for cell in cells]


def table_of(text: str, wanted: str = "") -> Table:
    """wanted: heading of the column of temperatures, where there are several.

    Raises LoggerError: table_missing, temperature_columns, column_unknown, and those of `lines_of`.
    """
    lines = re.split(r"\r\n|\n|\r", text)
    found = _head_of(lines)
    if found is None:
        raise refused("table_missing")
    place, delimiter = found
    below = "\n" * (place + 1) + "\n".join(lines[place + 1 :])
    rows = [(number, cells) for number, cells in lines_of(below, delimiter) if any(cells)]
    heads = cells_of(lines[place], delimiter, place + 1)
    preamble = folded(" ".join(lines[: place + 1]))
    maker = next((name for word, name in _MAKERS.items() if word in preamble), "CSV")
    serial = serial_in(lines[: place + 1])
    return Table(maker, columns_of(heads, place + 1, wanted), len(heads), rows, preamble, serial)


def _head_of(lines: Sequence[str]) -> tuple[int, str] | None:
    """The line that names time and temperature, before one that holds them; else the first that only names them."""
    first: tuple[int, str] | None = None
    for place, line in enumerate(lines[:MOST_PREAMBLE]):
        if len(line) > MOST_LINE or not line.strip():
            continue
        for delimiter in _DELIMITERS:
            if delimiter not in line:
                continue
            try:
                heads = cells_of(line, delimiter, place + 1)
            except LoggerError:  # a line before the table may be anything
                continue
            kinds = [kind_of(head) for head in heads]
            if "temperature" not in kinds or not {"moment", "date", "time"} & set(kinds):
                continue
            first = first or (place, delimiter)
            if _holds(lines[place + 1 :], delimiter):
                return place, delimiter
    return first


def _holds(below: Sequence[str], delimiter: str) -> bool:
    """Whether the next line that is not empty looks like a reading."""
    line = next((one for one in below if one.strip(" ,;\t")), "")
    cells = line.replace('"', "").split(delimiter)
    joined = [*cells, *(" ".join(pair) for pair in itertools.pairwise(cells))]
    return any(parsed(cell) for cell in joined)


_NOT = re.compile(
    r"\b(elapsed|duration|limits?|alarms?|max|min|maximum|minimum|avg|average|mean|mkt|humidity|rh|dew|status)\b"
    r"|上限|下限|最高|最低|平均|报警|湿度|露点|状态|时长|耗时"
)
_SCALE = re.compile(r"(?:°|deg\s?|^|[(\[ ])([cfk])(?:elsius|ahrenheit|elvin)?(?:$|[)\] ,(])")
_TEMPERATURE = re.compile(r"temp|温度|°\s?[cf]|celsius|fahrenheit")
_DATE = re.compile(r"\b(date|datum)|日期")
_TIME = re.compile(r"time|zeit|时间|时刻")
_STAMP = re.compile(r"time ?stamp|date ?time|日期时间|时间戳")


def kind_of(heading: str) -> str:
    """What a column holds, by its heading: moment, date, time, temperature, or "" for what is not needed."""
    head = folded(heading.replace("_", " "))
    if not head or _NOT.search(head):
        return ""
    if _TEMPERATURE.search(head) or re.fullmatch(r"\W*[cfk]\W*", head):
        return "temperature"
    if _STAMP.search(head) or (_DATE.search(head) and _TIME.search(head)):
        return "moment"
    if _DATE.search(head):
        return "date"
    return "time" if _TIME.search(head) else ""


def columns_of(heads: Sequence[str], line: int, wanted: str) -> Columns:
    kinds = [kind_of(head) for head in heads]
    temperature = _temperature_column(heads, kinds, line, wanted)
    places = {kind: [place for place, one in enumerate(kinds) if one == kind] for kind in set(kinds)}
    clock: int | None = None
    if moments := places.get("moment"):
        moment = _of_utc(heads, moments)
    elif dates := places.get("date"):
        moment, times = dates[0], places.get("time", [])
        clock = _of_utc(heads, times) if times else None
    else:
        moment = _of_utc(heads, places["time"])
    said = [_offset_in(heads[place]) for place in (moment, clock) if place is not None]
    offset = next(filter(None, said), "")
    return Columns(moment, clock, temperature, scale_in(heads[temperature]), heads[temperature], offset)


def _of_utc(heads: Sequence[str], places: Sequence[int]) -> int:
    """Of several columns of time that which says its zone; else the first."""
    return next((place for place in places if _offset_in(heads[place])), places[0])


def _offset_in(heading: str) -> str:
    """What a heading says of its zone: "time (utc+8)" is "utc+8"."""
    found = re.search(r"\b(?:utc|gmt)(?:\s?[+-]\d{1,2}(?::?\d{2})?)?", folded(heading))
    return found[0] if found and offset_of(found[0]) is not None else ""


def scale_in(text: str) -> str:
    """C, F or K, where the text says exactly one of them; else ""."""
    plain = folded(text)
    found = {letter.upper() for letter in _SCALE.findall(plain)}
    found |= {letter for word, letter in (("摄氏", "C"), ("华氏", "F"), ("开尔文", "K")) if word in plain}
    return found.pop() if len(found) == 1 else ""


def scale_stated(preamble: str) -> str:
    """The same of free text, in which a letter alone says nothing."""
    found = {"c": "C", "f": "F", "celsius": "C", "fahrenheit": "F", "摄氏": "C", "华氏": "F"}
    said = {
        found[degree or word]
        for degree, word in re.findall(r"°\s?([cf])\b|(celsius|fahrenheit|摄氏|华氏)", preamble)
    }
    return said.pop() if len(said) == 1 else ""


def _temperature_column(heads: Sequence[str], kinds: Sequence[str], line: int, wanted: str) -> int:
    places = [place for place, kind in enumerate(kinds) if kind == "temperature"]
    if wanted.strip():
        chosen = [place for place, head in enumerate(heads) if folded(head) == folded(wanted)]
        if len(chosen) != 1:
            raise refused("column_unknown", line, name=wanted.strip()[:60], names=_names(heads, places))
        return chosen[0]
    if len(places) > 1:
        raise refused("temperature_columns", line, names=_names(heads, places))
    return places[0]


def _names(heads: Sequence[str], places: Sequence[int]) -> str:
    return ", ".join(f"“{heads[place][:40]}”" for place in places[:6])
