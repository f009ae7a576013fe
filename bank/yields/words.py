"""Names of what the yield measures, and spans of time, in the reader's language."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from bank.choices import ANALYTE_UNIT, Analyte, MeasureUnit, TimePoint
from bank.yields.spread import Quantity


def quantity_name(quantity: Quantity) -> str:
    if not quantity.analyte:
        return _("TNC recovery by processing")
    return f"{Analyte(quantity.analyte).label} · {TimePoint(quantity.point).label}"


def quantity_unit(quantity: Quantity) -> str:
    return "%" if not quantity.analyte else str(MeasureUnit(ANALYTE_UNIT[quantity.analyte]).label)


def span(time: dt.timedelta | None) -> str:
    """Hours up to three days, days beyond: as people say it."""
    if time is None:
        return "–"
    hours = time.total_seconds() / 3600
    if abs(hours) < 72:
        return _("%(n)s h") % {"n": f"{hours:.1f}"}
    return _("%(n)s d") % {"n": f"{hours / 24:.1f}"}
