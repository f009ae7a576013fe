"""What is said of a text with beads: what is wrong in it, and what was done with it. Worded when it is shown."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.findings import Finding

MESSAGES: dict[str, str | Promise] = {
    # what is wrong
    "empty": _("There is nothing to read."),
    "too_long": _("The text is longer than %(limit)s characters: keep the rows of this serum only."),
    "too_many_lines": _("There are more than %(limit)s lines: keep the rows of this serum only."),
    "too_many_beads": _("A serum may have at most %(limit)s specificities."),
    "too_many_columns": _(
        "There are %(count)s columns, and at most %(limit)s are read. In a table keep the columns of the "
        "specificity and the MFI; of a list put each specificity with its MFI on a line of its own."
    ),
    "mfi_column_unknown": _("There is no column “%(name)s”. The header has: %(known)s."),
    "several_samples": _("The file holds %(count)s samples: keep the rows of this serum only."),
    "header_unknown": _(
        "No header names both a specificity (such as %(names)s) and an MFI (such as %(values)s): "
        "give the columns such names, or paste two columns only."
    ),
    "csv_broken": _("The quotation marks of this line do not match, or it cannot be read as CSV."),
    "cells_count": _("The row has more cells than the header: put a name with commas into quotation marks."),
    "mfi_missing": _("The MFI is missing. Where the report gives none, write “positive”."),
    "mfi_form": _("“%(text)s” is no MFI: write a number, or “positive” where the report gives none."),
    "mfi_negative": _("“%(text)s” lies below zero, which an MFI cannot."),
    "mfi_too_high": _("“%(text)s” is no MFI: it must lie between 0 and %(limit)s."),
    "mfi_ambiguous": _("“%(text)s” may be a thousand times as much: write it without separators."),
    # what was done
    "column_used": _("The MFI is that of the column “%(name)s”."),
    "column_used_of": _("The MFI is that of the column “%(name)s”; there are also: %(others)s."),
    "controls": _("Left out, since they name no specificity, as control beads do (line: %(lines)s)."),
    "negatives": _("Kept as negative without a number (line: %(lines)s)."),
    "below_zero": _("Read as 0, since the background was larger than the signal (line: %(lines)s)."),
    "several": _("One bead names several, and each gets its MFI: %(names)s."),
    "twice": _("%(name)s stands there several times (line: %(lines)s): the highest MFI is kept."),
}


class Remark(Finding):
    """One thing wrong in a text with beads, or one thing done with it."""

    messages = (MESSAGES,)
