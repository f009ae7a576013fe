"""Summary of records: what a transplant centre must know of a unit before it is infused.

Of the mother only what the cells need: her tests and whether she was eligible, never her code, name or address.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import Eligibility, ReleaseOutcome
from bank.models import Release, TankAlarm
from bank.presenters_release import name_of, value_of
from bank.release.judge import Finding, open_findings
from core.pdf.document import Block, Column, Fact, Facts, Heading, Notice, Table, Text, cell
from transplants.choices_orders import Meaning
from transplants.papers import summary_tests, words
from transplants.papers.given import Given
from transplants.papers.words import NOTHING, day, figure, moment


def blocks(given: Given) -> Iterator[Block]:
    yield from words.identity(given)
    yield from words.warnings(given)
    yield from _recipient(given)
    yield from _origin(given)
    yield from summary_tests.blocks(given)
    yield from _eligibility(given)
    yield from _release(given)
    yield from _leaving(given)
    yield from _storage(given)
    yield from words.sender(given, _("Records and questions"))


def _recipient(given: Given) -> Iterator[Block]:
    """By code only; with the dose that the cells make at the weight of the order."""
    order, unit = given.order, given.unit
    kg = float(order.weight_kg)
    tnc = f"{figure(unit.tnc_e7 / kg)} ×10⁷/kg" if unit.tnc_e7 else ""
    cd34 = f"{figure(unit.cd34_e6 * 10 / kg)} ×10⁵/kg" if unit.cd34_e6 else ""
    yield Heading(_("Intended recipient"))
    yield Facts(
        (
            Fact(_("Patient"), order.patient.code),
            Fact(_("Weight on the order"), f"{figure(kg)} kg"),
            Fact(_("TNC per kg"), tnc),
            Fact(_("CD34 per kg"), cd34),
        ),
        columns=4,
    )


def _origin(given: Given) -> Iterator[Block]:
    unit, donation = given.unit, given.unit.donation
    arrived, processed = given.reception, given.processing
    collected = (
        moment(donation.collected_at) if donation and donation.collected_at else day(unit.collected_on)
    )
    hours = ""
    if donation and donation.collected_at and processed and processed.frozen_at:
        hours = figure((processed.frozen_at - donation.collected_at).total_seconds() / 3600, 1)
    yield Heading(_("Collection, processing and freezing"))
    yield Facts(
        (
            Fact(_("Collected at"), collected),
            Fact(_("Arrived at the bank"), moment(arrived.received_at) if arrived else ""),
            Fact(_("Processing began"), moment(processed.started_at) if processed else ""),
            Fact(_("Frozen at"), moment(processed.frozen_at) if processed else ""),
            Fact(_("Hours from collection to freezing"), hours),
            Fact(_("Processing method"), unit.processing_method),
            Fact(_("Red cells"), str(unit.get_red_cells_display())),
            Fact(_("Anticoagulant"), donation.anticoagulant if donation else ""),
            Fact(_("Cryoprotectant"), processed.cryoprotectant if processed else ""),
            Fact(_("Freezing method"), processed.freeze_method if processed else ""),
            Fact(_("Freezing bag"), processed.bag_type if processed else ""),
            Fact(_("Sex of the donor"), str(unit.get_sex_display())),
        ),
        columns=3,
    )
    if arrived and arrived.deviation:
        yield Text(_("Deviation at arrival: %(text)s") % {"text": arrived.deviation}, "warn")


def _eligibility(given: Given) -> Iterator[Block]:
    """The statement that goes with every unit; of one that is not eligible with the reason."""
    yield Heading(_("Donor eligibility"))
    row = given.eligibility
    if row is None:
        yield Notice(_("No decision on the eligibility of the donor is recorded in this system."), "bad")
        return
    yield Facts(
        (
            Fact(_("Decision"), str(row.get_decision_display())),
            Fact(_("Health history taken on"), day(row.interviewed_on)),
            Fact(_("Checked by a second person"), summary_tests.seen(row.verified_by_id)),
        ),
        columns=3,
    )
    if row.decision != Eligibility.ELIGIBLE:
        yield Text(_("Reason: %(text)s") % {"text": row.reason}, "bad")
    yield Text(
        _(
            "Decided by the mother's health history and the tests listed above; the records stay with the bank."
        ),
        "muted",
        small=True,
    )


def _release(given: Given) -> Iterator[Block]:
    yield Heading(_("Release to the inventory"))
    row = given.release
    if row is None:
        yield Text(
            _("The unit came into this system as released; by what it was judged is not recorded here.")
        )
        return
    yield Facts(
        (
            Fact(_("Outcome"), str(row.get_outcome_display())),
            Fact(_("Specification"), str(row.specification)),
            Fact(_("In force from"), day(row.specification.effective_from)),
            Fact(_("Released by"), row.signed_by),
            Fact(_("Released at"), moment(row.released_at)),
        ),
        columns=3,
    )
    if row.outcome == ReleaseOutcome.EXCEPTIONAL:
        yield from _exception(row)


def _exception(row: Release) -> Iterator[Block]:
    yield Notice(_("Released as an exception: %(why)s") % {"why": row.justification}, "bad")
    found = open_findings(map(Finding.of_json, row.findings))
    for one in found:
        value = value_of(one) or _("not known")
        yield Text(_("• Not met: %(what)s (%(value)s)") % {"what": name_of(one), "value": value}, "bad")


def _leaving(given: Given) -> Iterator[Block]:
    """The two people who released it to leave the bank for this patient."""
    yield Heading(_("Release to leave the bank"))
    signed = [one for one in given.signatures if one.meaning in (Meaning.RELEASE, Meaning.RELEASE_SECOND)]
    if not signed:
        yield Text(_("Not signed yet."), "warn")
        return
    columns = (Column(_("What it says"), 1.4), Column(_("Signed by"), 1.4), Column(_("Signed at")))
    rows = tuple(
        (cell(str(one.get_meaning_display())), cell(one.signer), cell(moment(one.signed_at)))
        for one in signed
    )
    yield Table(columns, rows)
    if why := given.excepted_because:
        yield Notice(_("Released as an exception: %(why)s") % {"why": why}, "bad")
    for label in given.gone_over:
        yield Text(_("• Not met: %(what)s") % {"what": _(label)}, "bad")
    points = len(given.order.release_checks)
    if points:
        text = ngettext(
            "Signed with a checklist of %(n)d point.", "Signed with a checklist of %(n)d points.", points
        )
        yield Text(text % {"n": points}, "muted", small=True)


def _storage(given: Given) -> Iterator[Block]:
    yield Heading(_("Where it lay"))
    if not given.stays:
        yield Text(_("Where the unit lay is not recorded."))
        return
    columns = (Column(_("Stored from")), Column(_("Until")))
    rows = tuple(
        (
            cell(moment(stay.since) or _("before the records begin")),
            cell(moment(stay.until) or _("now")),
        )
        for stay in given.stays
    )
    yield Table(columns, rows)
    if given.alarms:
        yield Heading(_("Alarms of its tanks while it lay there"), 2)
        yield _alarms(given.alarms)
    elif given.is_watched:
        yield Text(_("No reading of its tanks went beyond a limit while the unit lay there."))
    else:
        yield Text(_("No readings of its tanks are recorded in this system."), "warn")


def _alarms(rows: list[TankAlarm]) -> Table:
    columns = (
        Column(_("What")),
        Column(_("Worst value"), right=True),
        Column(_("Limit"), right=True),
        Column(_("First reading beyond the limit"), 1.6),
        Column(_("Last reading beyond the limit"), 1.6),
    )
    return Table(
        columns,
        tuple(
            (
                cell(str(row.get_what_display())),
                cell(f"{row.value:g} {row.unit_sign}"),
                cell(f"{row.limit:g} {row.unit_sign}"),
                cell(moment(row.first_at) or NOTHING),
                cell(moment(row.last_at) or NOTHING),
            )
            for row in rows
        ),
    )
