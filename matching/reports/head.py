"""The first page of a report: whom it is about, what was asked, by what it was found, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import Ledger
from core.pdf.document import Block, Column, Fact, Facts, Heading, Notice, Table, Text, Together, cell
from core.populations import shown_populations
from hla.errors import TypingError
from hla.loci import SEROLOGY_PREFIX
from matching import reference
from matching.choices import CLASS_SIZE, MatchClass
from matching.models import SearchRun
from matching.presenters import people, prediction_summary, summary
from matching.presenters.requests import SHOWN_LOCI, class_summary, release_text
from matching.reports.given import Given
from matching.selection.policies import shown_name

SHORT_CHECKSUM = 16  # characters of a checksum that is printed to be compared by eye
MOST_ANTIGENS = 6


def head(given: Given) -> Iterator[Block]:
    run, patient = given.run, given.run.request.patient
    yield Heading(_("Match report"), 0, _("Search %(n)d of %(number)s") % _names(run))
    yield Facts(
        (
            Fact(_("Hospital"), run.request.hospital.display_name),
            Fact(_("Patient"), patient.code),
            Fact(_("Request"), _("%(number)s, search %(n)d") % _names(run)),
            Fact(_("Patient's data"), people.patient_line(patient, given.evaluation.weight_kg, _day(given))),
            Fact(_("Blood group"), patient.get_abo_display() if patient.abo else _("not known")),
            Fact(_("Population"), shown_populations(run.patient_populations) or _("not known")),
            Fact(_("Made by"), given.made_by),
            Fact(_("Made at"), moment(given.made_at)),
            Fact(_("Units in this report"), _of_all(given)),
        ),
        columns=3,
    )
    for notice in summary.notices(run, given.evaluation):
        yield Notice(str(notice["text"]), notice["tone"] or "info")
    yield from typing_table(run)
    yield from basis(given)
    yield from counts(run)


def _names(run: SearchRun) -> dict[str, object]:
    return {"n": run.run_no, "number": run.request.number}


def _day(given: Given) -> date:
    return timezone.localtime(given.made_at).date()


def moment(at: datetime | None) -> str:
    """2026-11-28 12:30 CST, in the bank's time zone."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M %Z") if at else "–"


def _of_all(given: Given) -> str:
    return _("%(n)s of %(all)s") % {"n": len(given.results), "all": f"{given.passing:,}"}


# --- the patient's typing ------------------------------------------------------------------------


def typing_table(run: SearchRun) -> Iterator[Block]:
    """The typing as the search had it, and its antigens where the nomenclature of the search is still in use."""
    same = reference.in_use().nomenclature == run.nomenclature_checksum
    loci = [*SHOWN_LOCI, *(locus for locus in run.patient_typing if locus not in SHOWN_LOCI)]
    rows = []
    for locus in loci:
        pair = run.patient_typing.get(locus) or ("", "")
        if any(pair) or locus in run.criteria["loci"]:
            first, second = (text or _("not typed") for text in pair)
            antigens = " · ".join(antigens_text(locus, text) for text in pair if text) if same else "–"
            asked = _("searched") if locus in run.criteria["loci"] else _("shown only")
            rows.append((cell(locus), cell(first), cell(second), cell(antigens or "–"), cell(asked)))
    columns = (
        Column(_("Locus"), 0.6),
        Column(_("First value"), 1.6),
        Column(_("Second value"), 1.6),
        Column(_("Antigens"), 1.5),
        Column(_("Use"), 0.8),
    )
    table = Table(columns, tuple(rows))
    yield Together((Heading(_("Patient's typing")), table))
    if not same:
        yield Text(
            _("Antigens are not shown: the nomenclature of this search is no longer in use."),
            "muted",
            small=True,
        )


def antigens_text(locus: str, text: str) -> str:
    """A24, or B60/61 where the typing leaves several; – where none is assigned or the text cannot be read."""
    try:
        found = reference.resolver().position(locus, text).antigens
    except TypingError:
        return "–"
    numbers = sorted({antigen for antigens in found for antigen in antigens}, key=int)
    shown = SEROLOGY_PREFIX[locus] + "/".join(numbers[:MOST_ANTIGENS]) if numbers else ""
    return (f"{shown}/…" if len(numbers) > MOST_ANTIGENS else shown) or "–"


# --- by what it was found ------------------------------------------------------------------------


def basis(given: Given) -> Iterator[Block]:
    run = given.run
    sets = run.prediction.get("sets") or []
    asked = [Fact(str(item["label"]), str(item["value"])) for item in summary.criteria_line(run)]
    facts = (
        Fact(_("Nomenclature"), release_text(run.release)),
        Fact(_("Multiple allele codes"), summary.mac_text(run.mac_version)),
        Fact(_("Antigen rule"), summary.antigen_rule_text(run.policy.rules.get("antigen_rule", "split"))),
        Fact(
            _("Haplotype frequencies"),
            ", ".join(dict.fromkeys(map(prediction_summary.set_text, sets))) or _("none"),
        ),
        Fact(_("Policy of the search"), shown_name(run.policy)),
        Fact(_("Judged by the policy"), shown_name(given.evaluation.policy)),
        Fact(_("Judged at"), moment(given.evaluation.created_at)),
        Fact(_("Engine"), run.engine_version),
        Fact(_("Inventory"), inventory_text(run)),
        Fact(_("Checksum of the inventory"), run.snapshot_checksum[:SHORT_CHECKSUM]),
        Fact(_("Searched at"), moment(run.completed_at)),
        *asked,
        Fact(_("Order of the units"), given.order),
        Fact(_("Filters"), ", ".join(given.filters) or _("none")),
    )
    yield Heading(_("What this list rests on"))
    yield Facts(facts, columns=3)


def inventory_text(run: SearchRun) -> str:
    """As of change 1,234 of the ledger, 2026-11-28 12:30 CST"""
    written = Ledger.objects.filter(number=run.ledger_number or 0).values_list("at", flat=True).first()
    text = _("as of change %(n)s of the ledger") % {"n": f"{run.ledger_number or 0:,}"}
    return f"{text}, {moment(written)}" if written else text


# --- how many ------------------------------------------------------------------------------------


def counts(run: SearchRun) -> Iterator[Block]:
    yield Heading(_("Candidates by class"))
    rows = tuple(
        (cell(str(MatchClass(name).label)), cell(class_summary(run, name)))
        for name in CLASS_SIZE
        if run.counts.get(name)
    )
    yield Table((Column(_("Class"), 1), Column(_("Units at each value"), 2.4)), rows)
    yield Text(" ".join(funnel_sentences(run)))


def funnel_sentences(run: SearchRun) -> Iterator[str]:
    """Where every unit of the inventory went."""
    funnel = run.funnel
    units = funnel.get("units", 0)
    yield ngettext("%(n)s unit was searched.", "%(n)s units were searched.", units) % {"n": f"{units:,}"}
    for (
        key,
        text,
    ) in (  # the first four are taken away in this order, each unit once (matching.engine.search.Funnel)
        ("other_status", _("%(n)s are in no state that was asked for.")),
        ("not_searchable", _("%(n)s could not be compared: %(why)s.")),
        ("below_dose", _("%(n)s are below the dose asked.")),
        ("below_floor", _("%(n)s are below the floor.")),
        (
            "unreadable",
            _(
                "%(n)s have a typing that the nomenclature of the search cannot read, which counts as untyped."
            ),
        ),
        ("dose_unknown", _("%(n)s candidates have no count of cells.")),
    ):
        if funnel.get(key):
            yield text % {"n": f"{funnel[key]:,}", "why": summary.not_searchable_label(funnel)}
    numbers = {"candidates": f"{run.candidates:,}", "kept": f"{run.kept:,}", "cut": f"{run.cut:,}"}
    if run.cut:
        yield (
            _("%(candidates)s are candidates; the best %(kept)s are listed, %(cut)s are counted only.")
            % numbers
        )
    else:
        yield _("%(candidates)s are candidates, and all of them are listed.") % numbers


def untyped_loci(run: SearchRun) -> list[str]:
    """Loci of the search at which the patient is not typed."""
    return [locus for locus in run.criteria["loci"] if not any(run.patient_typing.get(locus) or ())]
