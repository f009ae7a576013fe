"""Whether a unit that came back may be offered to anybody again: only where nothing speaks against it (ADR 41)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bank.lots import blocked_lots_of
from bank.presenters_release import name_of
from bank.results import changed_since
from bank.services_release import judged
from bank.services_storage import slot_of
from transplants.checks import Check, Outcome, Stage
from transplants.choices_orders import Answer, FailureCause, LoggerVerdict
from transplants.logger_files import way_back
from transplants.models import Incident, LoggerFile, Receipt, UnitReturn

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# Why a unit was not used, or did not arrive, and can never be given to another patient.
SPOILT = (FailureCause.TEMPERATURE, FailureCause.DAMAGED, FailureCause.THAW)

Found = tuple[Outcome, str, str]  # outcome, what is so, where to put it right


def checks_of(row: UnitReturn) -> list[Check]:
    """Every condition of being listed again, each with what is known. row: with its unit and order."""
    return [_check(code, label, partial(look, row)) for code, label, look in _CHECKS]


def open_checks(row: UnitReturn) -> list[Check]:
    return [one for one in checks_of(row) if not one.is_passed]


def _check(code: str, label: StrPromise, look: Callable[[], Found]) -> Check:
    outcome, says, url = look()
    return Check(code=code, label=label, stage=Stage.RELEASE, outcome=outcome, says=says, url=url)


def _so(holds: bool, yes: str, no: str, url: str = "") -> Found:
    return (Outcome.PASSED, yes, "") if holds else (Outcome.FAILED, no, url)


def _never_thawed(row: UnitReturn) -> Found:
    return _so(not row.thawed, _("nobody thawed it"), _("It was thawed: it can never be given to anybody."))


def _cause(row: UnitReturn) -> Found:
    no = _("It came back for this: %(cause)s") % {"cause": row.get_cause_display()}
    return _so(row.cause not in SPOILT, row.get_cause_display(), no)


def _receipt(row: UnitReturn) -> Receipt | None:
    found: Receipt | None = getattr(getattr(row.order, "shipment", None), "receipt", None)
    return found


def _said_yes(name: str, no: StrPromise) -> Callable[[UnitReturn], Found]:
    """That the hospital answered a question of its receipt with yes."""

    def look(row: UnitReturn) -> Found:
        receipt = _receipt(row)
        if receipt is None:
            return Outcome.FAILED, _("No hospital looked at it: there is no receipt."), ""
        return _so(getattr(receipt, name) == Answer.YES, _("by the hospital's receipt"), str(no))

    return look


def _intact_at_bank(row: UnitReturn) -> Found:
    if row.returned_at is None:
        return Outcome.OPEN, _("The unit is not back yet."), ""
    no = _("When it came back, the bag was not intact, or nobody looked.")
    return _so(row.bag_intact == Answer.YES, _("as it came back"), no)


def _logger_within(row: UnitReturn) -> Found:
    files = LoggerFile.objects.in_force().filter(shipment__order=row.order_id)
    if files.filter(verdict=LoggerVerdict.ABOVE).exists():
        return Outcome.FAILED, _("A logger was above the limit on the way."), ""
    within = files.filter(verdict=LoggerVerdict.WITHIN).exists()
    no = _("There is no file of a logger that stayed within the limit on the whole way.")
    return _so(within, _("the whole way there"), no)


def _logger_reaches(row: UnitReturn) -> Found:
    """The way there proves nothing of the days after it: those are judged by what was read of them."""
    receipt = _receipt(row)
    files = LoggerFile.objects.in_force().defer("content").filter(shipment__order=row.order_id)
    if receipt is None or row.returned_at is None or not files:
        return Outcome.OPEN, _("No logger says how cold it was until it came back."), ""
    found = way_back(files, receipt, row.returned_at)
    if found.above_c is not None:
        says = _("A logger was above the limit after the receipt: %(max)s °C.")
        return Outcome.FAILED, says % {"max": f"{found.above_c:.1f}"}, ""
    if found.gaps:
        says = _("Nobody knows how cold it was from %(start)s to %(end)s.")
        gap = found.gaps[0]
        return Outcome.FAILED, says % {"start": _clock(gap.start), "end": _clock(gap.end)}, ""
    return Outcome.PASSED, _("from the receipt until it was back"), ""


def _clock(seconds: int) -> str:
    return f"{timezone.localtime(dt.datetime.fromtimestamp(seconds, dt.UTC)):%Y-%m-%d %H:%M}"


def _no_flag(row: UnitReturn) -> Found:
    return _so(not row.unit.blocks, _("none"), ", ".join(map(str, row.unit.block_labels)))


def _no_incident(row: UnitReturn) -> Found:
    numbers = Incident.objects.open().filter(units__unit=row.unit_id).values_list("number", flat=True)
    text = _("Close them first: %(numbers)s") % {"numbers": ", ".join(numbers)}
    return _so(not numbers, _("none"), text)


def _no_blocked_lot(row: UnitReturn) -> Found:
    lots = blocked_lots_of(row.unit)
    return _so(not lots, _("none"), ", ".join(map(str, lots)))


def _still_released(row: UnitReturn) -> Found:
    """What was recorded while it was away is held against the specification of today."""
    unit, since = row.unit, row.order.released_at
    if since is None or not changed_since(unit, since):
        return Outcome.PASSED, _("nothing was recorded since it was released"), ""
    found = judged([unit])[unit.pk]
    if found.specification is not None and not found.open:
        return Outcome.PASSED, _("by the specification of today"), ""
    no = _("Results were recorded since it was released, and these are not met: %(names)s")
    names = ", ".join(name_of(one) for one in found.open) or _("no release specification is in force")
    return Outcome.FAILED, no % {"names": names}, reverse("bank:unit-release", args=[unit.pk])


def _in_a_slot(row: UnitReturn) -> Found:
    slot = slot_of(row.unit)
    if slot is not None:
        return Outcome.PASSED, str(slot.place), ""
    return Outcome.OPEN, _("Put it into a place first."), reverse("bank:storage-scan")


_CHECKS: tuple[tuple[str, StrPromise, Callable[[UnitReturn], Found]], ...] = (
    ("never_thawed", gettext_lazy("Never thawed"), _never_thawed),
    ("cause", gettext_lazy("Cause of the return"), _cause),
    ("logger_within", gettext_lazy("Temperature on the way"), _logger_within),
    ("logger_reaches", gettext_lazy("Temperature until the return"), _logger_reaches),
    (
        "temperature_at_hospital",
        gettext_lazy("Temperature held, at the hospital"),
        _said_yes("temperature_held", gettext_lazy("The hospital's receipt does not say that it held.")),
    ),
    (
        "seals_at_hospital",
        gettext_lazy("Seals intact at the hospital"),
        _said_yes("seals_intact", gettext_lazy("The hospital's receipt does not say that they were intact.")),
    ),
    (
        "bag_at_hospital",
        gettext_lazy("Bag intact at the hospital"),
        _said_yes("bag_intact", gettext_lazy("The hospital's receipt does not say that the bag was intact.")),
    ),
    ("bag_at_bank", gettext_lazy("Bag intact at the bank"), _intact_at_bank),
    ("flags", gettext_lazy("Flags of the unit"), _no_flag),
    ("incidents", gettext_lazy("Open incidents"), _no_incident),
    ("lots", gettext_lazy("Blocked lots"), _no_blocked_lot),
    ("results", gettext_lazy("Results of the unit"), _still_released),
    ("stored", gettext_lazy("Place in storage"), _in_a_slot),
)
