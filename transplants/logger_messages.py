"""What is wrong with a file of a temperature logger, in words: where it is, and what to do."""

from __future__ import annotations

from typing import ClassVar, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core import findings
from core.errors import InvalidInput
from core.findings import Messages
from transplants.loggers.errors import LoggerError

SHOWN: Final = 5
# The field of the form in which the cure is given; the rest belongs to the file.
_FIELDS: Final = {
    "day_order_unknown": "day_order",
    "day_order_other": "day_order",
    "scale_unknown": "scale",
    "temperature_columns": "column",
    "column_unknown": "column",
}

MESSAGES: Messages = {
    "file_empty": _("The file is empty."),
    "file_large": _("The file is larger than %(most)d MB. Export the readings of this way only."),
    "file_binary": _("This is not a text file. Export the readings from the logger's program as CSV."),
    "line_long": _("The line has more than %(most)d characters: this is no table of readings."),
    "csv_broken": _("The quotation marks of this line do not match. Export the file anew."),
    "table_missing": _(
        "No line names a column of times and a column of temperatures. Export the file with its headings, such as "
        "“Time” and “Temperature (°C)”."
    ),
    "temperature_columns": _(
        "The file has several columns of temperatures: %(names)s. Name the one to take."
    ),
    "column_unknown": _("The file has no column “%(name)s”. Its columns of temperatures: %(names)s."),
    "cells_count": _(
        "The line has %(given)d cells, the headings are %(expected)d. If the numbers have decimal commas, export the "
        "file with semicolons between the cells."
    ),
    "moment_form": _("“%(text)s” is no moment. Date and time are needed, such as 2026-11-30 14:05."),
    "day_unknown": _("There is no such day in the calendar. Look at the order of day and month."),
    "moment_future": _(
        "%(text)s lies in the future. Look at the clock of the logger, the time zone, and the order of day and month."
    ),
    "time_back": _(
        "The readings go back in time at %(text)s. Put them in order, or export each recording by itself."
    ),
    "day_order_unknown": _(
        "No date of the file shows whether the day or the month comes first. Choose it, and choose the file again."
    ),
    "day_order_mixed": _(
        "Some dates of the file have the day first, others the month. Export it anew with one order."
    ),
    "day_order_other": _(
        "This date contradicts the order of day and month that was chosen. Choose the other."
    ),
    "scale_unknown": _(
        "The file does not say in what its temperatures are given. Choose it, and choose the file again."
    ),
    "temperature_form": _("“%(text)s” is no temperature. Write a number, or leave the cell empty."),
    "temperature_range": _(
        "%(text)s is no temperature of a shipment: it must lie between %(low)s and %(high)s °C."
    ),
    "too_many": _("The file has more than %(most)s readings. Export the readings of this way only."),
    "too_few": _("The file holds fewer than two readings. Export the whole recording."),
}


class LoggerFinding(findings.Finding):
    messages: ClassVar[tuple[Messages, ...]] = (MESSAGES,)


def refusal(error: LoggerError) -> InvalidInput:
    """What the person who chose the file is told: the first lines that are wrong, each with its number."""
    found = [LoggerFinding(one.line, "", one.code, one.params) for one in error.findings]
    said = [
        str(_("Line %(line)d: %(text)s") % {"line": one.line, "text": one.text}) if one.line else one.text
        for one in found[:SHOWN]
    ]
    if (more := len(found) - SHOWN) > 0:
        said.append(ngettext("And %(n)d line more.", "And %(n)d lines more.", more) % {"n": more})
    return InvalidInput(
        found[0].code,
        "%(said)s",
        params={"said": " ".join(said)},
        field=_FIELDS.get(found[0].code, "file"),
        details=[{"line": one.line, "code": one.code, "text": one.text} for one in found],
    )
