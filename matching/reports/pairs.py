"""The best pairs of two units on paper: both together, each of them, and what the rules say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from core.pdf.document import Block, Cell, Column, Heading, Line, Notice, Table, Text, cell
from matching.choices import CLASS_SIZE
from matching.engine import abo
from matching.engine.pairs import CANNOT_TELL, FAILED
from matching.models import SearchResult, SearchRun
from matching.presenters import pair_words, pairs
from matching.presenters.requests import class_word
from matching.presenters.words import span
from matching.reports.given import Given, PairLine, PairsGiven, PairUnit
from matching.reports.units import offer_text
from matching.selection.pairs import RunPairs, places_of

_CLASSES = ("antigen6", "allele8")


def pairs_given(run: SearchRun, found: RunPairs, most: int) -> PairsGiven:
    """The first `most` pairs in words of the active language, for whom a report may go to."""
    weight_known = found.evaluation.weight_kg is not None
    places = places_of(found, only_passed=False)[:most] if weight_known else []
    listed = pairs.listed_results(run, found, places)
    counts = found.found.counts
    told = pairs.open_everywhere(counts)
    return PairsGiven(
        lines=[_line(found, at, pairs.sides(found, at, listed), told) for at in places],
        asked=[f"{one['label']} {one['value']}" for one in pair_words.asked(found.rules)],
        notices=[str(one["text"]) for one in pairs.notices(run, found)],
        units=counts.units,
        looked_at=counts.pairs,
        passed=counts.passed,
        cannot_tell=counts.cannot_tell,
        weight_known=weight_known,
    )


def _line(found: RunPairs, at: int, both: Sequence[pairs.Side], told: Sequence[str]) -> PairLine:
    verdict = pair_words.verdict(int(found.found.verdicts[at]))
    open_ = [code for code in pairs.codes_with(found, at, CANNOT_TELL) if code not in told]
    each_other = pairs.unit_unit(found, at)
    return PairLine(
        verdict=str(verdict["text"]),
        mark=str(verdict["mark"]),
        reasons=[pair_words.label(code) for code in (*pairs.codes_with(found, at, FAILED), *open_)],
        tnc=_both([side.tnc_e7_per_kg for side in both]),
        cd34=_both([side.cd34_e5_per_kg for side in both]),
        each_other=[
            f"{span(one['min'], one['max'])}/{one['of']} {class_word(name)}"
            for name, one in each_other.items()
        ],
        between=str(pair_words.BETWEEN[abo.BETWEEN[found.found.abo[at]]]),
        units=(_unit(both[0]), _unit(both[1])),
    )


def _unit(side: pairs.Side) -> PairUnit:
    result = side.result
    classes = {name: found for name, found in result.classes.items() if name in _CLASSES}
    return PairUnit(
        id=result.unit_id,
        unit_no=result.unit.public_no,
        rank=result.rank,
        classes=" · ".join(
            f"{span(*found)}/{CLASS_SIZE[name]} {class_word(name)}" for name, found in classes.items()
        ),
        tnc=_dose(side.tnc_e7_per_kg),
        cd34=_dose(side.cd34_e5_per_kg),
        blood_group=result.unit.blood_group if result.unit.abo else _("not known"),
        flags=list(_flags(result)),
    )


def _flags(result: SearchResult) -> Iterator[str]:
    if text := offer_text(result):
        yield text
    if result.unit.counts_invented:
        yield _("invented counts")


def _dose(per_kg: float | None) -> str:
    return _("no count") if per_kg is None else f"{per_kg:.2f}"


def _both(doses: Sequence[float | None]) -> str:
    """Of one unknown dose the other is a lower bound."""
    known = [dose for dose in doses if dose is not None]
    if not known:
        return _("no count")
    return f"{'' if len(known) == len(doses) else '≥ '}{sum(known):.2f}"


# --- on paper ------------------------------------------------------------------------------------


def pair_blocks(given: Given) -> Iterator[Block]:
    found = given.pairs
    if found is None:
        return
    yield Heading(_("Best pairs of two units"))
    if not found.weight_known:
        yield Notice(_("The patient's weight is not known: two units are chosen by their doses per kg."))
        return
    for text in found.notices:
        yield Notice(text)
    yield Text(" · ".join(found.asked), "muted", small=True)
    yield Text(_counts_text(found))
    yield Text(_("Pairs are of the whole list, whatever the filters. TNC in ×10⁷/kg, CD34 in ×10⁵/kg."))
    if found.lines:
        yield Table(
            tuple(_columns()), tuple(_row(place, one) for place, one in enumerate(found.lines, start=1))
        )


def _counts_text(found: PairsGiven) -> str:
    return _(
        "%(pairs)s pairs of the best %(units)s units: %(passed)s pass, of %(open)s it cannot be told."
    ) % {
        "pairs": f"{found.looked_at:,}",
        "units": f"{found.units:,}",
        "passed": f"{found.passed:,}",
        "open": f"{found.cannot_tell:,}",
    }


def _columns() -> Iterator[Column]:
    yield Column("#", 0.35, right=True)
    yield Column(_("Verdict"), 1.5)
    yield Column(_("TNC of both ×10⁷/kg"), 0.9, right=True)
    yield Column(_("CD34 of both ×10⁵/kg"), 0.9, right=True)
    yield Column(_("With each other"), 1.4)
    yield Column(_("One unit"), 2.2)
    yield Column(_("Other unit"), 2.2)


def _row(place: int, one: PairLine) -> tuple[Cell, ...]:
    return (
        cell(str(place)),
        (Line(one.verdict, mark=one.mark), *(Line(text, small=True) for text in one.reasons)),
        cell(one.tnc),
        cell(one.cd34),
        cell(*one.each_other, one.between),
        *(_unit_cell(unit) for unit in one.units),
    )


def _unit_cell(unit: PairUnit) -> Cell:
    rank = _("rank %(n)s") % {"n": unit.rank}
    doses = f"TNC {unit.tnc} · CD34 {unit.cd34} · {unit.blood_group}"
    flags = (Line(flag, tone="warn") for flag in unit.flags)
    return (Line(unit.unit_no, strong=True), Line(f"{rank} · {unit.classes}"), Line(doses), *flags)
