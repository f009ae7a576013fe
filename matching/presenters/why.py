"""Why a unit stands where it stands: rules with value and threshold, evidence per position, class arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hla.matching import CLASSES
from matching.choices import CLASS_SIZE
from matching.models import SearchResult, SearchRun
from matching.presenters.requests import class_word
from matching.presenters.summary import basis
from matching.presenters.words import LOCUS_DIRECTION, UNIT_DIRECTION, WHO_SEES, reason_text, span

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
        "loci_names": list(evidence),
        "arithmetic": [arithmetic(result, name, evidence) for name in result.classes],
        "direction": UNIT_DIRECTION[result.direction],
        "direction_known": result.direction not in ("matched", "unknown"),
    }


def rules(run: SearchRun, result: SearchResult, evidence: Mapping[str, Any]) -> Iterator[Rule]:
    """The verdict in sentences: the request's rules first, then every locus that is not certainly matched."""
    for name in result.classes:
        if name in run.criteria["floors"]:
            yield floor_rule(result, name, run.criteria["floors"][name])
    yield dose_rule(run, result)
    for locus, found in evidence.items():
        yield from locus_rules(locus, found)


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
    asked = run.criteria["min_tnc_e7_per_kg"]
    value = result.tnc_e7_per_kg
    if value is None:
        missing = _("no weight") if run.patient_weight_kg is None else _("no count")
        return rule("na", _("TNC per kg cannot be told: %(missing)s") % {"missing": missing})
    shown = f"{value:.2f}"
    if asked is None:
        return rule("ok", _("TNC %(value)s ×10⁷/kg, no minimum asked") % {"value": shown})
    needed = Decimal(asked).normalize()
    text = _("TNC %(value)s ×10⁷/kg, asked ≥ %(needed)s") % {"value": shown, "needed": f"{needed:f}"}
    return rule("ok" if value >= float(needed) else "no", text)


def locus_rules(locus: str, found: Mapping[str, Any]) -> Iterator[Rule]:
    """A sentence for every position that is not certainly matched."""
    if all(position["verdict"] == "allele" for position in found["positions"]):
        yield rule("ok", _("%(locus)s: both positions match") % {"locus": locus})
        return
    for position in found["positions"]:
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
    """verdict: ok, no, na (cannot tell)."""
    return {"verdict": verdict, "text": text, "refs": []}


def locus_evidence(locus: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Context of _components/evidence.html for one locus."""
    low, high = found["match"]
    return {
        "locus": locus,
        "matches": {"min": low, "max": high, "of": 2},
        "positions": [
            {"patient": position["patient"], "unit": position["unit"], "mark": position["verdict"]}
            for position in found["positions"]
        ],
        "direction": LOCUS_DIRECTION[found["direction"]],
        "notes": [*reasons(found["positions"]), counts_note(found)],
    }


def reasons(positions: list[Mapping[str, Any]]) -> list[str]:
    """The reason of each position and what one must know beside it, each once."""
    texts = [
        reason_text(reason) for position in positions for reason in (position["why"], *position["remarks"])
    ]
    return list(dict.fromkeys(texts))


def counts_note(found: Mapping[str, Any]) -> str:
    """Direction counts: distinct types absent on the other side."""
    return _(
        "Types of the patient absent in the unit (GvH): %(gvh)s; of the unit absent in the patient (HvG): %(hvg)s."
    ) % {
        "gvh": span(*found["gvh"]),
        "hvg": span(*found["hvg"]),
    }


def arithmetic(result: SearchResult, name: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """How a class adds up: per locus the matches that count for it."""
    parts = dict(CLASSES[name])
    low, high = result.classes[name]
    return {
        "label": f"{class_word(name)} {_('of')} {CLASS_SIZE[name]}",
        "cells": [
            {
                "locus": locus,
                "text": span(*found["antigen" if parts[locus] == "antigen" else "match"])
                if locus in parts
                else "",
                "level": class_level(parts[locus]) if locus in parts else "",
            }
            for locus, found in evidence.items()
        ],
        "sum": f"{span(low, high)}/{CLASS_SIZE[name]}",
        "open": high - low,
        "note": open_note(high - low),
    }


def class_level(level: str) -> str:
    return _("antigen") if level == "antigen" else _("allele")


def open_note(open_positions: int) -> str:
    if not open_positions:
        return _("certain")
    return ngettext("%(n)d position is open", "%(n)d positions are open", open_positions) % {
        "n": open_positions
    }
