"""The units of a report: all in one table, then each with its typing beside the patient's and what the rules say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bank.choices import SEARCHABLE, Source, UnitStatus
from bank.models import CordBloodUnit
from core.pdf.document import Block, Cell, Column, Heading, Line, Table, Text, cell
from matching.choices import CLASS_SIZE
from matching.kept import kept_for
from matching.models import SearchResult, SearchRun
from matching.presenters import people, probabilities, why
from matching.presenters.findings import VERDICTS
from matching.presenters.requests import class_word
from matching.presenters.results import bare, origin_text
from matching.presenters.rule_words import OUTCOMES
from matching.presenters.words import LOCUS_DIRECTION, UNIT_DIRECTION, mark, span
from matching.reports.given import Given, RuleVerdict

VERDICT_TONE = {"ok": "good", "no": "bad", "na": "maybe"}


def units(given: Given) -> Iterator[Block]:
    yield Heading(_("The units in order"))
    if not given.results:
        yield Text(_("No unit passes the filters."))
        return
    yield Text(legend_text(), "muted", small=True)
    yield Table(tuple(_columns(given)), tuple(_row(given, result) for result in given.results))
    yield Heading(_("Each unit"))
    for result in given.results:
        yield from one_unit(given, result)


def beside(given: Given) -> Iterator[Block]:
    """The units of pairs that are not among the first of the list."""
    if given.beside:
        yield Heading(_("Units of these pairs that are not described above"))
    for result in given.beside:
        yield from one_unit(given, result)


def legend_text() -> str:
    return _(
        "Marks: ✓ allele match, ? potential match, ▲ antigen match and allele mismatch, △ possible antigen match and "
        "allele mismatch, × mismatch. Rules: ✓ met, × not met, ? cannot tell. A class is certain–possible matches. "
        "No mismatch: probability by the haplotype frequencies. TNC: total nucleated cells, CD34: CD34+ cells, both as "
        "counted before freezing."
    )


def _columns(given: Given) -> Iterator[Column]:
    yield Column(_("Rank"), 0.5, right=True)
    yield Column(_("Unit"), 1.8)
    yield Column(_("Class"), 1.45)
    yield Column(_("No mismatch"), 1.25)
    whole = given.evaluation.weight_kg is None
    yield Column(_("TNC ×10⁷") if whole else _("TNC ×10⁷/kg"), 0.85, right=True)
    yield Column(_("CD34 ×10⁶") if whole else _("CD34 ×10⁵/kg"), 0.85, right=True)
    yield Column(_("Direction"), 0.9)
    yield Column(_("ABO"), 0.9)
    yield Column(_("Collected on"), 1.05)
    yield Column(_("Flags"), 1.2)


def _row(given: Given, result: SearchResult) -> tuple[Cell, ...]:
    run, unit = given.run, result.unit
    return (
        cell(str(result.rank)),
        cell(unit.public_no),
        cell(*class_lines(result)),
        cell(*probability_lines(run, result)),
        cell(dose_text(given, result, "tnc")),
        cell(dose_text(given, result, "cd34")),
        cell(str(UNIT_DIRECTION[result.direction])),
        abo_cell(run, result),
        cell(_collected(unit)),
        tuple(flags(given, result)),
    )


def _collected(unit: CordBloodUnit) -> str:
    if unit.is_adult:
        return "–"
    return unit.collected_on.isoformat() if unit.collected_on else _("not known")


def class_lines(result: SearchResult) -> list[str]:
    """6/6 antigen, 7–8/8 allele, …"""
    return [f"{span(*found)}/{CLASS_SIZE[name]} {class_word(name)}" for name, found in result.classes.items()]


def probability_lines(run: SearchRun, result: SearchResult) -> list[str]:
    """8/8: 62 %, and a word where it is an estimate or none can be given."""
    found = probabilities.cell(run, result)
    lines = [f"{one['label']}: {one['text']}" for one in found["lines"]]
    word = found["mark"]["text"] if found["mark"] else found["none"]
    return [*lines, word] if word else lines


def dose_text(given: Given, result: SearchResult, kind: str) -> str:
    """Per kg by the weight as it is now, or of the whole unit where it is not known; of a donor neither."""
    if result.unit.is_adult:
        return "–"
    if given.evaluation.weight_kg is None:
        value = result.tnc_e7 if kind == "tnc" else result.cd34_e6
    else:
        judged = given.judged[result.pk]
        value = judged.tnc_e7_per_kg if kind == "tnc" else judged.cd34_e5_per_kg
    return _("no count") if value is None else f"{value:.2f}"


def abo_cell(run: SearchRun, result: SearchResult) -> Cell:
    group = result.unit.blood_group if result.unit.abo else _("not known")
    tag = people.abo_tag(run.request.patient.abo, result.unit.abo)
    return cell(group, *([str(tag["text"])] if tag else []))


def flags(given: Given, result: SearchResult) -> Iterator[Line]:
    """What one must know beside the match: what became of the unit, rules not met or open, doubtful counts, and whom
    one asks for what is not the bank's own."""
    if result.unit.source == Source.PARTNER:
        yield Line(origin_text(result.unit), tone="warn" if result.unit.is_adult else "")
    if text := offer_text(result):
        yield Line(text, tone="warn")
    weighing = [one for one in given.verdicts.get(result.unit_id, ()) if one.weighs]
    if failed := [one.short for one in weighing if one.verdict == "no"]:
        yield Line(_("not met: %(rules)s") % {"rules": ", ".join(failed)}, mark="no")
    if count := sum(one.verdict == "na" for one in weighing):
        text = ngettext("%(n)d rule cannot be told", "%(n)d rules cannot be told", count)
        yield Line(text % {"n": count}, mark="na")
    if result.unit.counts_invented:
        yield Line(_("invented counts"), tone="warn")


def offer_text(result: SearchResult) -> str:
    """How the unit stands today, as a hospital may know; "" for on offer as the search found it."""
    unit = result.unit
    if unit.blocks or unit.status not in SEARCHABLE:
        return _("no longer on offer")
    if unit.status == UnitStatus.RESERVED and unit.pk in kept_for(result.run.request.patient_id):
        return _("reserved for this patient")
    if unit.status == result.status:
        return _("reserved") if unit.status == UnitStatus.RESERVED else ""
    return _("free again") if unit.status == UnitStatus.LISTED else _("reserved since this search")


# --- one unit ------------------------------------------------------------------------------------


def one_unit(given: Given, result: SearchResult) -> Iterator[Block]:
    run = given.run
    evidence = {locus: result.evidence[locus] for locus in run.criteria["loci"] if locus in result.evidence}
    title = _("Rank %(rank)d: %(unit)s") % {"rank": result.rank, "unit": result.unit.public_no}
    yield Heading(title, 2, " · ".join(class_lines(result)))
    if lines := [line.text for line in flags(given, result) if line.tone == "warn"]:
        yield Text(", ".join(lines), "warn", small=True)
    yield evidence_table(run, result, evidence)
    yield from verdict_blocks(given.verdicts[result.unit_id])
    if text := probabilities.why_text(run, result):
        yield Text(text, "muted", small=True)


def evidence_table(run: SearchRun, result: SearchResult, evidence: Mapping[str, Any]) -> Table:
    """Patient and unit side by side, position by position; the head, which goes over pages, names the unit."""
    columns = (
        Column(_("Locus"), 0.6),
        Column(_("Patient"), 1.4),
        Column(_("Unit %(unit)s") % {"unit": result.unit.public_no}, 1.8),
        Column(_("Matches"), 0.7, right=True),
        Column(_("No mismatch"), 0.9, right=True),
        Column(_("Remarks"), 3.2),
    )
    shares = {one["label"]: one["cells"] for one in probabilities.locus_lines(run, result)}
    rows = tuple(
        _locus_row(locus, found, (shares.get(locus) or ["–"])[0]) for locus, found in evidence.items()
    )
    return Table(columns, rows)


def _locus_row(locus: str, found: Mapping[str, Any], share: str) -> tuple[Cell, ...]:
    direction = str(LOCUS_DIRECTION[found["direction"]])
    asked = [_("Direction: %(direction)s.") % {"direction": direction}] if direction else []
    remarks = [*asked, *why.notes(found)]
    return (
        cell(locus),
        cell(*(typed(position["patient"], locus) for position in found["positions"])),
        tuple(Line(typed(position["unit"], locus), mark=mark(position)) for position in found["positions"]),
        cell(f"{span(*found['match'])}/2"),
        cell(share),
        tuple(Line(text, small=True) for text in remarks),
    )


def typed(text: str, locus: str) -> str:
    """A value beside its locus: 40:01/40:02."""
    return bare(text, locus) or _("not typed")


def verdict_blocks(verdicts: Sequence[RuleVerdict]) -> Iterator[Block]:
    """Rules that are not met or cannot be told one by one; those that are met in one sentence with their values, and
    those that do not apply in another."""
    if others := [one for one in verdicts if one.verdict in ("no", "na")]:
        yield verdict_table(others)
    if met := [one for one in verdicts if one.verdict == "ok"]:
        yield Text(_("Met: %(rules)s.") % {"rules": "; ".join(map(_met, met))}, small=True)
    if idle := [one.rule for one in verdicts if one.verdict == "none"]:
        text = _("Do not apply to an adult donor: %(rules)s.") % {"rules": "; ".join(idle)}
        yield Text(text, "muted", small=True)


def _met(one: RuleVerdict) -> str:
    """TNC per kg, before freezing: 5.00 ×10⁷/kg (at least 2.5 ×10⁷/kg)"""
    text = f"{one.rule}: {one.value}" if one.value else one.rule
    return f"{text} ({one.threshold})" if one.threshold else text


def verdict_table(verdicts: Sequence[RuleVerdict]) -> Table:
    """What each rule of the policy says, with value, threshold and reference."""
    words = {VERDICTS[outcome]: str(word) for outcome, word in OUTCOMES.items()}
    columns = (
        Column(_("Rule"), 2.2),
        Column(_("Verdict"), 1),
        Column(_("Value"), 1.8),
        Column(_("Threshold"), 1.3),
        Column(_("Reference"), 1.7),
    )
    rows = tuple(
        (
            cell(one.rule),
            (Line(words[one.verdict], mark=one.verdict),),
            cell(one.value),
            cell(one.threshold),
            (Line(one.reference, small=True),) if one.reference else (),
        )
        for one in verdicts
    )
    return Table(columns, rows)
