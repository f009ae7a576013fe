"""The bank's own sections of a dossier, in the order of a unit's life."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bank.codes import din
from bank.dossier import exports, trail
from bank.dossier.records import Field, Record, made, record_of, records_of
from bank.dossier.registry import LAST, Section, Subject, register_all
from bank.models import Donation, EligibilityDecision, ImportBatch, Slot
from bank.places import chain

Rows = Callable[[Subject], models.QuerySet[Any]]


def _of_unit(accessor: str, *order: str) -> Callable[[Subject], list[Record]]:
    """Rows that refer to the unit."""

    def read(subject: Subject) -> list[Record]:
        rows = getattr(subject.unit, accessor).order_by(*order, "pk")
        return records_of(rows, skip=("unit",))

    return read


def _one(name: str) -> Callable[[Subject], list[Record]]:
    """The one row that refers to the unit, where there is one."""

    def read(subject: Subject) -> list[Record]:
        model = getattr(type(subject.unit), name).related.related_model
        return records_of(model._default_manager.filter(unit=subject.unit), skip=("unit",))

    return read


def identity(subject: Subject) -> list[Record]:
    """All columns of the unit, and the codes that are made of them."""
    unit = subject.unit
    european = unit.sec
    codes = (
        made("public_no", unit.public_no),
        made("din_check", din.check_character(unit.din) if unit.din else ""),
        made("cbu_id", unit.cbu_id),
        made("single_european_code", f"{european.first_part} {european.second_part}" if european else ""),
    )
    return [record_of(unit, skip=("hla_tags", "donation", "import_batch"), more=codes)]


def donation(subject: Subject) -> list[Record]:
    return records_of(Donation.objects.filter(unit=subject.unit))


def siblings(subject: Subject) -> list[Record]:
    """Other units of the same mother, by their numbers only: each has a dossier of its own."""
    return [
        Record(
            "sibling",
            str(one.pk),
            (made("unit_no", one.unit_no), made("din", one.din), *_infant(one.donation)),
        )
        for one in subject.siblings
    ]


def _infant(one: Donation | None) -> Iterable[Field]:
    return () if one is None else (made("infant_no", one.infant_no), made("born_at", one.born_at))


def eligibility(subject: Subject) -> list[Record]:
    rows = EligibilityDecision.objects.filter(donation=subject.unit.donation_id)
    return records_of(rows.order_by("entered_at", "pk"), skip=("donation",))


def lots(subject: Subject) -> list[Record]:
    """Each use, with what is known of the lot."""
    rows = subject.unit.lot_uses.order_by("used_on", "entered_at", "pk")

    def of_lot(use: Any) -> Iterable[Field]:
        lot = use.lot
        yield Field("kind", lot.kind, str(lot.get_kind_display()))
        yield made("expires_on", lot.expires_on)
        yield Field("state", lot.state, str(lot.get_state_display()))
        yield made("blocked_reason", lot.blocked_reason)

    return records_of(rows, skip=("unit",), more=of_lot)


def place(subject: Subject) -> list[Record]:
    slots = Slot.objects.with_place().filter(unit=subject.unit)
    return [
        Record(
            slot._meta.label,
            str(slot.pk),
            (
                made("place", slot.place),
                made("site", chain(slot.canister)[0].code),
            ),
        )
        for slot in slots
    ]


def storage(subject: Subject) -> list[Record]:
    """Where it lay, from when to when."""
    return [
        Record(
            "stay",
            str(number),
            (
                made("place", stay.place),
                made("since", stay.since),
                made("until", stay.until),
                made("put_by", stay.put_by),
                made("taken_by", stay.taken_by),
            ),
        )
        for number, stay in enumerate(subject.stays, start=1)
    ]


def alarms(subject: Subject) -> list[Record]:
    return [record_of(alarm) for alarm in subject.alarms]


def batch(subject: Subject) -> list[Record]:
    def line(row: ImportBatch) -> Iterable[Field]:
        yield made("import_line", subject.unit.import_line)

    return records_of(ImportBatch.objects.filter(units=subject.unit), more=line)


RESULT = ("entered_by", "entered_at", "verified_by", "verified_at")


def register() -> None:
    register_all(
        (
            Section("identity", _("Identity and codes"), identity, 10, ("bank.CordBloodUnit",)),
            Section("donation", _("Donation"), donation, 20, ("bank.Donation",)),
            Section("siblings", _("Other units of the same mother"), siblings, 25, (), ("unit_no", "din")),
            Section(
                "eligibility", _("Donor eligibility"), eligibility, 40, ("bank.EligibilityDecision",),
                ("decision", "questionnaire", "interviewed_on", *RESULT),
            ),
            Section("reception", _("Transport and arrival"), _one("reception"), 50, ("bank.Reception",)),
            Section(
                "processing", pgettext_lazy("step", "Processing"), _one("processing"), 60, ("bank.ProcessingRecord",),
            ),
            Section(
                "measurements", _("Measurements"), _of_unit("measurements", "entered_at"), 70, ("bank.Measurement",),
                ("time_point", "analyte", "value", "measure_unit", *RESULT),
            ),
            Section(
                "markers", _("Infectious disease markers"), _of_unit("markers", "entered_at"), 80,
                ("bank.MarkerResult",), ("subject", "test", "result", "tested_on", "kit_lot", *RESULT),
            ),
            Section(
                "cultures", _("Cultures"), _of_unit("cultures", "entered_at"), 90, ("bank.CultureResult",),
                ("kind", "result", "read_on", *RESULT),
            ),
            Section(
                "blood_groups", _("Blood groups"), _of_unit("blood_groups", "entered_at"), 100,
                ("bank.BloodGroupResult",), ("abo", "rh", "tested_on", *RESULT),
            ),
            Section(
                "haemoglobinopathy", _("Haemoglobinopathy"), _of_unit("haemoglobinopathy_results", "entered_at"), 110,
                ("bank.HaemoglobinopathyResult",), ("result", "method", "tested_on", *RESULT),
            ),
            Section(
                "typings", _("HLA typings"), _of_unit("typings", "created_at"), 120, ("bank.HlaTyping",),
                ("subject", "is_current", "canonical_gl", "created_at", "entered_by", "verified_by"),
            ),
            Section("lots", _("Lots and instruments"), lots, 130, ("bank.LotUse", "bank.Lot"),
                ("step", "kind", "lot", "used_on", "entered_by"),
            ),
            Section(
                "releases", _("Release decisions"), _of_unit("releases", "released_at"), 140, ("bank.Release",),
                ("outcome", "specification", "signed_by", "released_at", "justification"),
            ),
            Section("place", _("Place"), place, 150, ("bank.Slot",), ("place", "site"), trail=False),
            Section("storage", _("Where it lay"), storage, 155, (),
                ("place", "since", "until", "put_by", "taken_by"),
            ),
            Section(
                "alarms", _("Alarms of its tanks during its stay"), alarms, 160, ("bank.TankAlarm",),
                ("tank", "what", "value", "limit", "first_at", "last_at", "remark"),
            ),
            Section("labels", _("Labels printed"), trail.labels, 170, (), ("at", "kind", "count", "actor")),
            Section("holds", _("Holds"), trail.holds, 180, (), ("at", "action", "actor", "reason")),
            Section("import", _("Import"), batch, 190, ("bank.ImportBatch",)),
            Section("exports", _("Files of the inventory that tell of it"), exports.exports, 200,
                ("bank.InventoryExport",), ("file", "told", "snapshot_time", "made_by"), trail=False,
            ),
            Section("trail", _("Audit trail"), trail.nothing, LAST, (), ("at", "actor", "action", "reason")),
        )
    )  # fmt: skip
