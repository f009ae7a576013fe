"""Files of temperature loggers: every layout gives the same readings, what is wrong is named, nothing else raised."""

from __future__ import annotations

import csv
import datetime as dt
import io
import subprocess
import sys
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.transplants import twin_minutes
from transplants.loggers import judging, serials, written
from transplants.loggers.errors import LoggerError
from transplants.loggers.judging import judged, minutes_above, within
from transplants.loggers.reading import MOST_READINGS, Asked, Record, read
from transplants.loggers.table import MOST_BYTES
from transplants.loggers.times import DayOrder, offset_of, parsed

SHANGHAI, UTC = ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC")
ASKED = Asked(SHANGHAI)
TEN = int(dt.datetime(2026, 11, 30, 10, tzinfo=SHANGHAI).timestamp())
TWO = ((TEN, -190.1), (TEN + 600, -189.0))

LAYOUTS = {
    "Elitech": "Elitech RC-5\nModel:,RC-5\n\nNo.,Time,Temperature(℃)\n"
    "1,2026-11-30 10:00:00,-190.1\n2,2026-11-30 10:10:00,-189\n",
    "Testo": "testo 184 T4\r\nDate/Time;Channel 1 [°C]\r\n30.11.2026 10:00:00;-190,1\r\n30.11.2026 10:10:00;-189,0\r\n",
    "LogTag": "LogTag Analyzer\nReading,Date,Time,Temperature (°C)\n"
    "1,30/11/2026,10:00:00,-190.1\n2,30/11/2026,10:10:00,-189\n",
    "HOBO": '"Plot Title: shipper 3"\n"#","Date Time, GMT+08:00","Temp, °C (LGR S/N: 1, SEN S/N: 2)","Host Connected"\n'
    "1,11/30/26 10:00:00 AM,-190.1,\n2,11/30/26 10:10:00 AM,-189.0,Logged\n",
    "Sensitech": "TempTale Ultra\nDate\tTime\tTemp C\n30-Nov-2026\t10:00\t-190.1\n30-Nov-2026\t10:10\t-189\n",
    "Cryoport": "Cryoport\nTimestamp (UTC),Probe Temperature (C),Humidity (%RH)\n"
    "2026-11-30T02:00:00Z,-190.1,20\n2026-11-30T02:10:00Z,-189,20\n",
    "ELPRO": "ELPRO LIBERO\nDatum;Zeit;Temp. °C\n30.11.2026;10:00;−190,1\n30.11.2026;10:10;−189\n",
    "CSV": "序号\t日期\t时间\t温度(℃)\t湿度(%RH)\n"
    "1\t2026年11月30日\t10:00:00\t-190.1\t20\n2\t2026年11月30日\t上午 10:10:00\t-189\t20\n",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("maker", LAYOUTS)
def test_every_layout_gives_the_same_readings(maker: str, encoding: str) -> None:
    text = LAYOUTS[maker].replace("−", "-" if encoding == "gb18030" else "−")  # no sign of everyday Chinese
    data = (
        b"\xfe\xff" + text.encode("utf-16-be")
        if encoding == "utf-16-be"
        else text.encode(encoding, "replace")
    )

    found = read(data, ASKED)

    assert (found.readings, found.maker) == (TWO, maker)


@pytest.mark.parametrize(
    ("head", "serial"),
    [
        ("Elitech RC-5\nSerial Number:,EL-4711", "EL-4711"),
        ("Seriennummer;SN42", "SN42"),
        ("S/N: 00123", "00123"),
        ("Device ID\tTT-9", "TT-9"),
        ("序列号：A7-1", "A7-1"),
        ("Serial No. 88123", "88123"),
        ("Probe serial: P1\nLogger serial: 5", "5"),
        ("SEN S/N: 2, LGR S/N: 1", "1"),
        ("Serial recording of a shipper", ""),
        ("Model: RC-5", ""),
    ],
)
def test_the_serial_number_is_read_where_the_head_says_it(head: str, serial: str) -> None:
    data = f"{head}\nTime,Temperature (°C)\n{A}\n{B}\n".encode()

    assert read(data, ASKED).serial == serial
    assert serials.differ(serial, "LG-1") is bool(serial)
    assert not serials.differ(serial, serial.lower().replace("-", " "))


def test_the_serial_number_stands_in_a_heading_too() -> None:
    assert read(LAYOUTS["HOBO"].encode(), ASKED).serial == "1"


def test_a_western_degree_sign_is_no_chinese_character() -> None:
    found = read("Time;Temp (°C)\n2026-11-30 10:00;-190,1\n2026-11-30 10:10;-189\n".encode("latin-1"), ASKED)

    assert found.readings == TWO


def file_of(*rows: str, head: str = "Time,Temperature (°C)") -> bytes:
    return "\n".join([head, *rows]).encode()


def codes(data: bytes, asked: Asked = ASKED) -> list[tuple[int, str]]:
    with pytest.raises(LoggerError) as found:
        read(data, asked)
    return [(one.line, one.code) for one in found.value.findings]


A, B = "2026-11-30 10:00,-190", "2026-11-30 10:10,-189"


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", [(0, "file_empty")]),
        (b" \r\n\0\0", [(0, "file_empty")]),
        (b"x" * (MOST_BYTES + 1), [(0, "file_large")]),
        (b"PK\x03\x04rest", [(0, "file_binary")]),
        (b"%PDF-1.7", [(0, "file_binary")]),
        (b"\x1f\x8b\x08\x00", [(0, "file_binary")]),
        (file_of(A, B) + b"\0", [(0, "file_binary")]),
        (b"\xff\xfe\x00", [(0, "file_binary")]),
        (b"a,b\n1,2\n", [(0, "table_missing")]),
        (b"Temperature only\n-190\n", [(0, "table_missing")]),
        (file_of(A, "x" * 10_001), [(3, "line_long")]),
        (file_of(A, '"2026-11-30 10:10,-189'), [(3, "csv_broken")]),
        (file_of(A, "2026-11-30 10:10,-189,5"), [(3, "cells_count")]),
        (file_of(A, "2026-11-30 10:10,-189,5", "2026-11-30 10:20,-18,9"), [(3, "cells_count"), (4, "cells_count")]),
        (file_of(A, "soon 1 2,-189", B), [(3, "moment_form")]),
        (file_of(A, "2026-11-30,-189", B), [(3, "moment_form")]),
        (file_of(A, "2026-11-30 25:10,-189", B), [(3, "moment_form")]),
        (file_of(A, "1999-11-30 10:10,-189", B), [(3, "moment_form")]),
        (file_of(A, "2026-02-30 10:10,-189", B), [(3, "day_unknown")]),
        (file_of(A, "2026-11-30 10:05,cold", B), [(3, "temperature_form")]),
        (file_of(A, "2026-11-30 10:05,-274", B), [(3, "temperature_range")]),
        (file_of(A, "2026-11-30 10:05,999999", B), [(3, "temperature_range")]),
        (file_of(B, A, B), [(3, "time_back")]),
        (file_of(A), [(0, "too_few")]),
        (file_of(A, "2026-11-30 10:10,--"), [(0, "too_few")]),
        (file_of("03/04/2026 10:00,-190", "03/04/2026 10:10,-190"), [(2, "day_order_unknown")]),
        (file_of("13/04/2026 10:00,-190", "04/13/2026 10:10,-190"), [(3, "day_order_mixed")]),
        (file_of(A, B, head="Time,Temperature"), [(2, "scale_unknown")]),
        (file_of(A + ",5", B + ",6", head="Time,Temp 1 (C),Temp 2 (C)"), [(1, "temperature_columns")]),
    ],
)  # fmt: skip
def test_what_is_wrong_names_its_line(data: bytes, wanted: list[tuple[int, str]]) -> None:
    assert codes(data) == wanted


def test_at_most_twenty_lines_are_named() -> None:
    assert len(codes(file_of(*["x1 2,-190"] * 90, A, B))) == 20


def test_readings_beyond_the_limit_of_a_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transplants.loggers.reading.MOST_READINGS", 2)
    assert MOST_READINGS == 200_000
    assert codes(file_of(A, B, "2026-11-30 10:20,-189")) == [(0, "too_many")]


def test_a_reading_in_the_future_is_a_clock_or_a_zone() -> None:
    assert codes(file_of(A, B), Asked(SHANGHAI, until=TEN + 60)) == [(3, "moment_future")]
    assert read(file_of(A, B), Asked(SHANGHAI, until=TEN + 600)).readings


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("2026-11-30 10:00,-190.1", -190.1),
        ('2026-11-30 10:00,"-190,1"', -190.1),
        ("2026-11-30 10:00,−190.1 °C", -190.1),
        ("2026-11-30 10:00,-310 F", -190.0),
        ("2026-11-30 10:00,77 K", -196.15),
        ("2026-11-30 10:00,+4", 4.0),
        ("2026-11-30 10:00,1e-05", 0.00001),
    ],
)
def test_temperatures_as_they_are_written(row: str, value: float) -> None:
    assert read(file_of(row, B), ASKED).readings[0][1] == pytest.approx(value)


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        (Asked(SHANGHAI, day_order="dmy"), dt.datetime(2026, 4, 3, 10, tzinfo=SHANGHAI)),
        (Asked(SHANGHAI, day_order="mdy"), dt.datetime(2026, 3, 4, 10, tzinfo=SHANGHAI)),
        (Asked(UTC, day_order="mdy"), dt.datetime(2026, 3, 4, 10, tzinfo=UTC)),
    ],
)
def test_the_order_of_the_day_is_asked_only_where_no_date_shows_it(asked: Asked, first: dt.datetime) -> None:
    found = read(file_of("03/04/2026 10:00,-190", "03/04/2026 10:10,-190"), asked)

    assert found.readings[0][0] == int(first.timestamp())
    assert found.day_order == asked.day_order


def test_a_date_that_proves_the_order_is_not_overruled() -> None:
    data = file_of("11/30/2026 10:00,-190", "12/01/2026 10:10,-190")

    assert read(data, ASKED).day_order == "mdy"
    assert codes(data, Asked(SHANGHAI, day_order="dmy")) == [(2, "day_order_other")]


def test_the_same_number_twice_is_the_same_day_in_both_orders() -> None:
    assert read(file_of("05/05/2026 10:00,-190", "05/05/2026 10:10,-190"), ASKED).day_order == ""


def test_the_scale_is_asked_only_where_the_file_does_not_say_it() -> None:
    bare = file_of(A, B, head="Time,Temperature")

    assert read(bare, Asked(SHANGHAI, scale="C")).readings[0][1] == -190
    fahrenheit = file_of("2026-11-30 10:00,-310", "2026-11-30 10:10,-309", head="Time,Temperature")
    assert read(b"Unit: Fahrenheit\n" + fahrenheit, Asked(SHANGHAI, scale="C")).readings[0][1] == -190


def test_of_several_columns_the_named_one_is_taken() -> None:
    data = file_of(A + ",20", B + ",21", head="Time,Probe temp (C),Ambient temp (C)")

    assert read(data, Asked(SHANGHAI, column="probe TEMP (c)")).readings[0][1] == -190
    assert read(data, Asked(SHANGHAI, column="Ambient temp (C)")).readings[0][1] == 20
    assert codes(data, Asked(SHANGHAI, column="third")) == [(1, "column_unknown")]


def test_the_zone_of_the_file_goes_before_that_of_the_form() -> None:
    in_head = file_of(A, B, head="Time (UTC),Temperature (°C)")
    in_cell = file_of("2026-11-30T10:00:00+01:00,-190", "2026-11-30T10:10:00+01:00,-190")

    assert read(in_head, ASKED).readings[0][0] == TEN + 8 * 3600
    assert read(in_cell, ASKED).readings[0][0] == TEN + 7 * 3600


def test_newest_first_is_turned_round() -> None:
    assert read(file_of(B, A), ASKED).readings == read(file_of(A, B), ASKED).readings


def test_the_hour_that_comes_twice_goes_on() -> None:
    rows = [f"2026-10-25 {hour}:{minute},-190" for hour in ("02", "02") for minute in ("00", "30")]

    found = read(
        file_of("2026-10-25 01:30,-190", *rows, "2026-10-25 03:00,-190"), Asked(ZoneInfo("Europe/Berlin"))
    )

    steps = [later - here for (here, _v), (later, _w) in pairwise(found.readings)]
    assert steps == [1800] * 5


def test_a_moment_without_a_temperature_is_missing_and_a_foot_is_no_reading() -> None:
    found = read(file_of(A, "2026-11-30 10:05,", B, "End of data", "Lowest,-190"), ASKED)

    assert (len(found.readings), found.missing) == (2, 1)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("12:00:00 AM", 0), ("12:00 pm", 12), ("3:05 p.m.", 15), ("下午 3:05", 15), ("13:00 PM", None)],
)
def test_half_days(text: str, hour: int | None) -> None:
    found = parsed(f"2026-11-30 {text}")

    assert (found.clock.hour if found else None) == hour


@pytest.mark.parametrize(
    ("text", "hours"),
    [("z", 0), ("utc+8", 8), ("gmt-03:30", -3.5), ("+0800", 8), ("15", None), ("utc+99", None)],
)
def test_offsets(text: str, hours: float | None) -> None:
    found = offset_of(text)

    assert (found / dt.timedelta(hours=1) if found is not None else None) == hours


def test_the_readers_load_no_framework() -> None:
    code = "import sys; from transplants.loggers import judging, reading, written; print('django' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"


# --- laws -----------------------------------------------------------------------------------------

temperatures = st.floats(-273.0, 150.0, allow_nan=False).map(lambda value: round(value, 6))
records = st.lists(st.tuples(st.integers(TEN, TEN + 10**7), temperatures), min_size=2, max_size=40).map(
    lambda rows: sorted(rows, key=lambda row: row[0])
)


@settings(max_examples=300)
@given(st.binary(max_size=400))
@example(b"Time,Temp(C)\n\xff\n")
def test_whatever_the_bytes_are_only_one_error_is_raised(data: bytes) -> None:
    _read_or_refused(data)


@settings(max_examples=300)
@given(st.data())
def test_nor_for_a_file_that_was_damaged(data: Any) -> None:
    whole = LAYOUTS[data.draw(st.sampled_from(sorted(LAYOUTS)))].encode()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 12)))
    noise = data.draw(
        st.one_of(st.binary(max_size=8), st.text(max_size=8).map(lambda text: text.encode(errors="replace")))
    )

    _read_or_refused(whole[:start] + noise + whole[end:])


@settings(max_examples=200)
@given(st.text(alphabet="0123456789-/.: ,;TZ+℃CFKam pm年月日上下午", max_size=40), st.text(max_size=12))
def test_nor_for_any_cell(moment: str, value: str) -> None:
    _read_or_refused(file_of(f"{moment},{value}", f"{moment},{value}"))


def _read_or_refused(data: bytes) -> Record | None:
    try:
        return read(data, ASKED)
    except LoggerError as error:
        found = error.findings
    assert found
    return None


@given(records, st.sampled_from([SHANGHAI, UTC, dt.timezone(dt.timedelta(hours=-3, minutes=-30))]))
def test_what_is_written_is_read_back(readings: list[tuple[int, float]], zone: dt.tzinfo) -> None:
    assert read(_written(readings, zone), ASKED).readings == tuple(readings)


def _written(readings: list[tuple[int, float]], zone: dt.tzinfo) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(written.HEADER)
    writer.writerows(written.rows(readings, zone))
    return file.getvalue().encode()


@given(
    records,
    st.permutations(["Time", "Temperature (°C)", "No.", "Humidity (%RH)", "Alarm"]),
    st.sampled_from(",;\t"),
)
def test_the_order_of_the_columns_does_not_matter(
    readings: list[tuple[int, float]], heads: list[str], delimiter: str
) -> None:
    lines = [delimiter.join(heads)]
    for number, (at, value) in enumerate(readings):
        moment = dt.datetime.fromtimestamp(at, SHANGHAI).isoformat()
        cells = {"Time": moment, "Temperature (°C)": repr(value), "No.": str(number), "Humidity (%RH)": "20"}
        lines.append(delimiter.join(cells.get(head, "no") for head in heads))

    assert read("\n".join(lines).encode(), ASKED).readings == tuple(readings)


@settings(max_examples=40, deadline=None)
@given(records, temperatures)
def test_minutes_above_are_those_of_the_slow_twin(readings: list[tuple[int, float]], limit: float) -> None:
    few = readings[:6]
    length = (few[-1][0] - few[0][0]) / 60

    assert minutes_above(few, limit) == pytest.approx(
        twin_minutes.minutes_above(few, limit), abs=length / twin_minutes.STEPS + 1e-9
    )


@given(records, st.data())
def test_a_colder_reading_between_two_cold_ones_never_adds(
    readings: list[tuple[int, float]], data: Any
) -> None:
    limit = -150.0
    place = data.draw(st.integers(0, len(readings) - 2))
    first, second = readings[place], readings[place + 1]
    cold = [
        *readings[:place],
        (first[0], min(first[1], limit)),
        (second[0], min(second[1], limit)),
        *readings[place + 2 :],
    ]
    between = (data.draw(st.integers(first[0], second[0])), data.draw(st.floats(-200, limit)))
    more = [*cold[: place + 1], between, *cold[place + 1 :]]

    assert minutes_above(more, limit) <= minutes_above(cold, limit) + 1e-9


@given(records, st.integers(1, 9))
def test_a_way_that_takes_longer_is_warm_as_much_longer(
    readings: list[tuple[int, float]], times: int
) -> None:
    slow = [(TEN + (at - TEN) * times, value) for at, value in readings]

    assert minutes_above(slow, -150) == pytest.approx(minutes_above(readings, -150) * times)


@given(records, temperatures, st.data())
def test_a_way_in_two_parts_is_warm_as_long_as_in_one(
    readings: list[tuple[int, float]], limit: float, data: Any
) -> None:
    start, end = readings[0][0], readings[-1][0]
    cut = data.draw(st.integers(start, end))
    parts = [within(readings, start, cut), within(readings, cut, end)]
    # where several readings were made at the very moment of the cut, both parts hold them, and they last no time
    assert sum(minutes_above(part, limit) for part in parts) == pytest.approx(
        minutes_above(readings, limit), abs=1e-6
    )


@given(records, temperatures, st.data())
def test_a_part_of_a_way_is_never_warmer(readings: list[tuple[int, float]], limit: float, data: Any) -> None:
    start = data.draw(st.integers(readings[0][0], readings[-1][0]))
    end = data.draw(st.integers(start, readings[-1][0]))
    part = within(readings, start, end)

    assert minutes_above(part, limit) <= minutes_above(readings, limit) + 1e-6
    assert all(start <= at <= end for at, _value in part)
    assert part
    assert max(value for _at, value in part) <= max(value for _at, value in readings) + 1e-6


# --- judgement ------------------------------------------------------------------------------------

STEADY = [(TEN + 600 * number, -190.0) for number in range(13)]  # two hours


def judge(readings: list[tuple[int, float]], start: int = 0, end: int | None = 7200, gap: int = 1800) -> Any:
    at = None if end is None else TEN + end
    return judged(readings, limit_c=-150.0, start=TEN + start, end=at, most_gap_seconds=gap)


@pytest.mark.parametrize(
    ("start", "end", "verdict"),
    [
        (0, 7200, "within"),
        (-1800, 9000, "within"),  # as much is missing as may be
        (-1801, 7200, "incomplete"),
        (0, 9001, "incomplete"),
        (0, None, "within"),
        (-7200, None, "incomplete"),
        (8000, 9000, "incomplete"),
    ],
)
def test_a_record_covers_the_way_but_for_what_may_be_missing(
    start: int, end: int | None, verdict: str
) -> None:
    assert judge(STEADY, start, end).verdict == verdict


def test_a_hole_in_the_middle_is_named() -> None:
    found = judge([*STEADY[:4], *STEADY[9:]])

    assert found.verdict == "incomplete"
    assert [(gap.start - TEN, gap.end - TEN) for gap in found.gaps] == [(1800, 5400)]


def test_warm_is_worse_than_incomplete_and_the_limit_itself_is_not_above() -> None:
    warm = [*STEADY[:4], (TEN + 2000, -149.9)]

    assert judge(warm).verdict == "above"
    assert judge([(at, -150.0) for at, _value in STEADY]).verdict == "within"


def test_what_was_before_and_after_the_way_is_not_judged() -> None:
    handled = [(TEN - 600, 20.0), (TEN - 1, 20.0), *STEADY, (TEN + 7201, 20.0)]

    found = judge(handled)

    assert (found.verdict, found.max_c, found.minutes_above) == ("within", -190.0, 0.0)


def test_a_record_of_another_way_shows_its_own_range() -> None:
    found = judge(STEADY, 10_000, 20_000)

    assert (found.min_c, found.max_c, found.verdict) == (-190.0, -190.0, judging.INCOMPLETE)
    assert within(STEADY, TEN + 10_000, TEN + 20_000) == within([], 0, 1) == []


def test_names_of_orders_are_kept_with_files() -> None:
    assert [order.value for order in DayOrder] == ["dmy", "mdy"]
