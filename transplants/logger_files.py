"""A logger's file as a row: read and encrypted, judged for a way, and the way's gaps for whoever looks at it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.crypto import encrypt_bytes
from core.errors import InvalidInput
from transplants.logger_messages import MESSAGES, refusal
from transplants.loggers.errors import LoggerError
from transplants.loggers.judging import Judged, Together, judged, judged_together
from transplants.loggers.reading import Asked, read
from transplants.loggers.serials import differ
from transplants.loggers.table import MOST_BYTES
from transplants.loggers.times import offset_of
from transplants.models import LoggerFile, Receipt, Shipment, ShippingRules

# A logger's clock runs ahead of ours by so much at most.
_AHEAD: Final = dt.timedelta(minutes=10)


def zones() -> list[str]:
    """Zones that a logger may be set to, for a form: the bank's own first, then what loggers offer, whole hours."""
    return [settings.TIME_ZONE, "UTC", *(f"UTC{hours:+03d}:00" for hours in range(-11, 15) if hours)]


def zone_of(name: str) -> dt.tzinfo:
    """Any name of the time zone database, or `UTC+05:30`. Raises InvalidInput `zone_unknown`."""
    if name in available_timezones():
        return ZoneInfo(name)
    away = offset_of(name.lower()) if len(name) < 16 else None
    if away is None:
        raise InvalidInput("zone_unknown", _("Choose the time zone of the logger."), field="zone")
    return dt.timezone(away)


def guard_size(size: int) -> None:
    """Before a large file is read into memory. Raises InvalidInput `file_large`."""
    if size > MOST_BYTES:
        params = {"most": MOST_BYTES // 1024 // 1024}
        raise InvalidInput("file_large", MESSAGES["file_large"], params=params, field="file")


def given_file(name: str, data: bytes, asked: Asked) -> LoggerFile:
    """The file read and encrypted, not saved and not judged. Raises InvalidInput that names line and cure."""
    try:
        record = read(data, replace(asked, until=int((timezone.now() + _AHEAD).timestamp())))
    except LoggerError as error:
        raise refusal(error) from error
    plain = re.sub(r"[\x00-\x1f\x7f/\\]", "", name).strip()[-120:] or "logger.csv"
    return LoggerFile(
        name=plain,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        content=encrypt_bytes(data),
        form=record.maker,
        serial=record.serial,
        read_as={
            "zone": record.zone,
            "day_order": record.day_order,
            "scale": record.scale,
            "column": record.column[:120],
            "missing": record.missing,
        },
        readings=[list(reading) for reading in record.readings],
        first_at=_at(record.readings[0][0]),
        last_at=_at(record.readings[-1][0]),
    )


def names_other_logger(file: LoggerFile, row: Shipment) -> bool:
    """Whether the file says that it is of another logger than the one that was packed."""
    return differ(file.serial, row.logger_serial)


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def way_of(row: Shipment, receipt: Receipt | None) -> tuple[int, int | None]:
    """From the loading of the shipper to the receipt, seconds since 1970; None while it has not arrived.

    The hours in which a packed shipper waits for its courier are of the way: the unit lies in no tank any more.
    """
    end = receipt.received_at if receipt else None
    return int(row.loaded_at.timestamp()), int(end.timestamp()) if end else None


def way_back(files: Iterable[LoggerFile], receipt: Receipt, returned_at: dt.datetime) -> Together:
    """What all records in force say of the time from the receipt by the hospital until the unit was back."""
    return judged_together(
        [([(int(at), float(value)) for at, value in file.readings], file.limit_c) for file in files],
        start=int(receipt.received_at.timestamp()),
        end=int(returned_at.timestamp()),
        most_gap_seconds=ShippingRules.load().cover_minutes * 60,
    )


def judgement(file: LoggerFile, row: Shipment, receipt: Receipt | None, rules: ShippingRules) -> Judged:
    """By the limit that the file has, or that of the rules where it has none yet."""
    start, end = way_of(row, receipt)
    return judged(
        [(int(at), float(value)) for at, value in file.readings],
        limit_c=rules.limit_c if file.limit_c is None else file.limit_c,
        start=start,
        end=end,
        most_gap_seconds=rules.cover_minutes * 60,
    )


def judge(file: LoggerFile, row: Shipment, receipt: Receipt | None, rules: ShippingRules) -> None:
    """Writes the judgement into the row, which is not saved here."""
    found = judgement(file, row, receipt, rules)
    if file.limit_c is None:
        file.limit_c = rules.limit_c
    file.min_c, file.max_c = found.min_c, found.max_c
    file.minutes_above, file.verdict = found.minutes_above, found.verdict
