"""Why a unit stands where it stands: rules with value and threshold, evidence per position, class arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hla.matching import CLASSES
from matching.choices import CLASS_SIZE, MatchClass
from matching.engine.numbers import plain_number
from matching.models import SearchResult, SearchRun
from matching.presenters import probabilities
from matching.presenters.requests import class_word
from matching.presenters.summary import basis
from matching.presenters.words import LOCUS_DIRECTION, UNIT_DIRECTION, WHO_SEES, mark, reason_text, span

Rule = dict[str, Any]


def why(run: SearchRun, result: SearchResult) -> dict[str, Any]:
    """Context of matching/_why.html."""
    evidence: Mapping[str, Any] = {
        locus: result.evidence[locus] for locus in run.criteria["loci"] if locus in result.evidence
    }
    return {
        "title": _("Why rank %(n)d") % {"n": result.rank},
        "basis": basis(run),
        "rules": list(rules(run, result, evidence)),
        "loci": [locus_evidence(locus, found) for locus, found in evidence.items()],
        "arithmetic": [arithmetic(name, counts, evidence) for name, counts in result.classes.items()],
        "prediction": probabilities.tables(run, result),
        "direction": UNIT_DIRECTION[result.direction],
        "direction_known": result.direction not in ("matched", "unknown"),
    }


def rules(run: SearchRun, result: SearchResult, evidence: Mapping[str, Any]) -> Iterator[Rule]:
    """The verdict in sentences: the request's rules, the loci that match, then every position that may not."""
    for name in result.classes:
        if name in run.criteria["floors"]:
            yield floor_rule(result, name, run.criteria["floors"][name])
    yield dose_rule(run, result)
    matched = [locus for locus, found in evidence.items() if is_matched(found)]
    if matched:
        yield rule("ok", _("%(loci)s: both positions match") % {"loci": ", ".join(matched)})
    for locus, found in evidence.items():
        yield from locus_rules(locus, found)


def is_matched(found: Mapping[str, Any]) -> bool:
    return all(position["verdict"] == "allele" for position in found["positions"])


def floor_rule(result: SearchResult, name: str, floor: int) -> Rule:
    low, high = result.classes[name]
    size = CLASS_SIZE[name]
    params = {
        "value": f"{span(low, high)}/{size}",
        "kind": class_word(name),
        "floor": f"{floor}/{size}",
    }
    if low >= floor:
        return rule("ok", _("%(value)s by %(kind)s, floor %(floor)s") % params)
    if high < floor:
        return rule("no", _("%(value)s by %(kind)s, floor %(floor)s") % params)
    return rule("na", _("%(value)s by %(kind)s, floor %(floor)s: only a better typing would decide") % params)


def dose_rule(run: SearchRun, result: SearchResult) -> Rule:
    if result.unit.is_adult:
        return rule("none", _("A dose per kg is not asked of an adult donor"))
    asked = run.criteria["min_tnc_e7_per_kg"]
    value = result.tnc_e7_per_kg
    if value is None:
        missing = _("no weight") if run.patient_weight_kg is None else _("no count")
        return rule("na", _("TNC per kg cannot be told: %(missing)s") % {"missing": missing})
    shown = f"{value:.2f}"
    if asked is None:
        return rule("ok", _("TNC %(value)s ×10⁷/kg, no minimum asked") % {"value": shown})
    needed = Decimal(asked)
    text = _("TNC %(value)s ×10⁷/kg, asked ≥ %(needed)s") % {"value": shown, "needed": plain_number(needed)}
    return rule("ok" if value >= float(needed) else "no", text)


def locus_rules(locus: str, found: Mapping[str, Any]) -> Iterator[Rule]:
    """A sentence for every position that is not certainly matched; one for a locus that is not typed at all."""
    positions = found["positions"]
    if not any(position["unit"] for position in positions):
        yield rule(
            "na", _("%(locus)s is not typed in the unit: 0 to 2 matches are possible") % {"locus": locus}
        )
    elif not any(position["patient"] for position in positions):
        yield rule(
            "na", _("%(locus)s is not typed in the patient: 0 to 2 matches are possible") % {"locus": locus}
        )
    else:
        for position in positions:
            if position["verdict"] != "allele":
                yield position_rule(locus, position, found["direction"])


def position_rule(locus: str, position: Mapping[str, Any], direction: str) -> Rule:
    params = {
        "locus": locus,
        "patient": position["patient"] or _("not typed"),
        "unit": position["unit"] or _("not typed"),
        "reason": reason_text(position["why"]),
    }
    if position["verdict"] == "potential":
        return rule("na", _("%(locus)s may match: patient %(patient)s, unit %(unit)s. %(reason)s") % params)
    params["seen"] = str(WHO_SEES[direction])
    if position["verdict"] == "antigen":
        text = (
            _("%(locus)s differs by allele: patient %(patient)s, unit %(unit)s. %(reason)s %(seen)s") % params
        )
    else:
        text = _("%(locus)s differs: patient %(patient)s, unit %(unit)s. %(reason)s %(seen)s") % params
    return rule("no", text.strip())


def rule(verdict: str, text: str) -> Rule:
    """verdict: ok, no, na (cannot tell), none (does not apply)."""
    return {"verdict": verdict, "text": text, "refs": []}


def locus_evidence(locus: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Context of _components/evidence.html for one locus."""
    low, high = found["match"]
    return {
        "locus": locus,
        "matches": {"min": low, "max": high, "of": 2},
        "positions": [
            {"patient": position["patient"], "unit": position["unit"], "mark": mark(position)}
            for position in found["positions"]
        ],
        "direction": LOCUS_DIRECTION[found["direction"]],
        "notes": notes(found),
    }


def notes(found: Mapping[str, Any]) -> list[str]:
    """The reason of each position that is not certainly matched, what one must know beside it, direction counts."""
    texts = [
        reason_text(reason)
        for position in found["positions"]
        for reason in (*([position["why"]] if position["verdict"] != "allele" else []), *position["remarks"])
    ]
    if found["gvh"][1] or found["hvg"][1]:
        counts = {"gvh": span(*found["gvh"]), "hvg": span(*found["hvg"])}
        texts.append(
            _("Types absent on the other side: patient's %(gvh)s (GvH), unit's %(hvg)s (HvG).") % counts
        )
    return list(dict.fromkeys(texts))


def arithmetic(name: str, counts: Sequence[int], evidence: Mapping[str, Any]) -> dict[str, str]:
    """How a class adds up: A 2 + B 1–2 + DRB1 1 = 4–5/6."""
    low, high = counts
    parts = [f"{locus} {counted(level, evidence[locus])}" for locus, level in CLASSES[name]]
    return {
        "label": str(MatchClass(name).label),
        "parts": " + ".join(parts),
        "sum": f"{span(low, high)}/{CLASS_SIZE[name]}",
        "note": open_note(high - low),
    }


def counted(level: str, found: Mapping[str, Any]) -> str:
    """Matches of a locus at the level that a class counts."""
    return span(*found["antigen" if level == "antigen" else "match"])


def open_note(open_positions: int) -> str:
    if not open_positions:
        return _("certain")
    return ngettext("%(n)d position is open", "%(n)d positions are open", open_positions) % {
        "n": open_positions
    }
