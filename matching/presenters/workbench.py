"""The typing workbench in words: what a typing denotes, how two of them match, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from core.hla_messages import error_text, hint_text, remarks
from hla.errors import TypingError
from hla.interpret import doubts
from hla.leader import LOCUS as LEADER_LOCUS
from hla.loci import SEARCH_LOCI
from hla.scoring import ALLELE_IS_ANTIGEN
from hla.tce import LOCUS as TCE_LOCUS
from hla.tce import PREDICTED, Dpb1Match, TceValue
from hla.typing import LocusTyping, Reading
from matching.choices import CLASS_SIZE, MatchClass
from matching.presenters.requests import release_text
from matching.presenters.summary import antigen_rule_text, mac_text
from matching.presenters.why import arithmetic, is_matched, locus_rules, rule
from matching.presenters.words import LOCUS_DIRECTION, UNIT_DIRECTION, grade_text, mark, reason_text, span
from matching.workbench import Answer, Pair, Workbench

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Context = dict[str, Any]

NAMES_SHOWN = 6
NAMES_UNFOLDED = 200
GENOTYPES_SHOWN = 12
ERRORS_SHOWN = 20
WHOLE_TEXT = 300  # a longer text is shown only around what is wrong
AROUND = 40

KIND: Mapping[str, StrPromise | str] = {
    "allele": pgettext_lazy("typing", "allele"),
    "g_group": pgettext_lazy("typing", "G group"),
    "p_group": pgettext_lazy("typing", "P group"),
    "xx": gettext_lazy("allele family"),
    "mac": gettext_lazy("multiple allele code"),
    "serology": pgettext_lazy("typing", "antigen"),
    "list": gettext_lazy("allele list"),
    "absent": gettext_lazy("absent gene"),
    "unknown": gettext_lazy("not known"),
}
LEVEL: Mapping[str, StrPromise | str] = {
    "split": pgettext_lazy("antigen", "split"),
    "broad": pgettext_lazy("antigen", "broad"),
    "associated": pgettext_lazy("antigen", "associated"),
}
DPB1: Mapping[str, StrPromise | str] = {
    "matched": gettext_lazy("matched"),
    "permissive": gettext_lazy("permissive mismatch"),
    "non-permissive-gvh": gettext_lazy("non-permissive mismatch (GvH)"),
    "non-permissive-hvg": gettext_lazy("non-permissive mismatch (HvG)"),
    "unknown": gettext_lazy("cannot tell"),
}
DPB1_TONE = {"matched": "good", "permissive": "good", "unknown": ""}
SIDE: Mapping[str, StrPromise] = {"patient": gettext_lazy("Patient"), "unit": gettext_lazy("Unit")}


def basis(bench: Workbench, *, antigen_rule: str = "") -> str:
    """IPD-IMGT/HLA 3.58.0 · MAC 2026-10 · CIWD 3.0"""
    resolver = bench.resolver
    parts = [release_text(resolver.nomenclature.release), mac_text(resolver.mac.version)]
    parts += [f"CIWD {resolver.ciwd.version}"] if resolver.ciwd else []
    parts += [antigen_rule_text(antigen_rule)] if antigen_rule else []
    return " · ".join(parts)


# --- what could not be read ------------------------------------------------------------------------


def unreadable(text: str, errors: Iterable[TypingError]) -> Context:
    """The text with its wrong parts marked, and each error with what to write instead."""
    found = list(errors)
    return {
        "parts": marked(text, found),
        "errors": [
            {"locus": error.locus, "message": error_text(error), "hint": hint_text(error)}
            for error in found[:ERRORS_SHOWN]
        ],
        "more": max(0, len(found) - ERRORS_SHOWN),
    }


def marked(text: str, errors: Iterable[TypingError]) -> list[Context]:
    """Parts of the text, {text, bad}; of a long text only what stands around the wrong parts."""
    places = sorted({place for error in errors if (place := wrong_part(text, error))})
    shown = [(0, len(text))] if len(text) <= WHOLE_TEXT else windows(text, places)
    parts: list[Context] = []
    at = 0
    for start, end in shown:
        if start > at:
            parts.append({"text": "…", "bad": False})
        at = start
        for low, high in places:
            low, high = max(low, at), min(high, end)
            if low < high:
                parts += [{"text": text[at:low], "bad": False}, {"text": text[low:high], "bad": True}]
                at = high
        parts.append({"text": text[at:end], "bad": False})
        at = end
    if at < len(text):
        parts.append({"text": "…", "bad": False})
    return [part for part in parts if part["text"]]


def wrong_part(text: str, error: TypingError) -> tuple[int, int] | None:
    """Start and end of the offending part. The error quotes it without its blanks, so it may end further on."""
    if error.position is None or not text:
        return None
    start = min(error.position, len(text) - 1)
    while start < len(text) - 1 and text[start].isspace():
        start += 1
    end, left = start, max(1, len("".join(error.text.split())))
    while end < len(text) and left:
        left -= not text[end].isspace()
        end += 1
    return start, end


def windows(text: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Start and end of what is shown around each of the first places, joined where they touch."""
    found: list[tuple[int, int]] = []
    for low, high in places[:ERRORS_SHOWN] or [(0, AROUND)]:
        low, high = max(0, low - AROUND), min(len(text), high + AROUND)
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


# --- interpretation --------------------------------------------------------------------------------


def interpreted(bench: Workbench, answers: list[Answer]) -> Context:
    """Context of matching/_workbench_typings.html."""
    found = [typing_context(bench, number, answer) for number, answer in enumerate(answers, 1)]
    return {"typings": found, "several": len(found) > 1, "summary": summary(found)}


def summary(found: list[Context]) -> str:
    """What came of it, for those who do not see the page change."""
    errors = sum(len(one["unreadable"]["errors"]) for one in found if one["unreadable"])
    values = sum(len(locus["values"]) for one in found for locus in one["loci"])
    read = ngettext("%(n)d value is read", "%(n)d values are read", values) % {"n": values}
    wrong = ngettext("%(n)d error", "%(n)d errors", errors) % {"n": errors}
    return f"{read}, {wrong}" if errors else read


def typing_context(bench: Workbench, number: int, answer: Answer) -> Context:
    """One line of the input."""
    loci = [locus_context(bench, typing) for typing in answer.typings]
    every = [remark for locus in loci for remark in locus["remarks"]]
    for locus in loci:  # conflicts stand above all loci
        locus["remarks"] = [remark for remark in locus["remarks"] if not remark.is_conflict]
    general = remarks(answer.reading.notes)
    add_person_facts(bench, answer.reading, loci)
    return {
        "number": number,
        "text": answer.text,
        "canonical": answer.reading.typing.gl(),
        "unreadable": unreadable(answer.text, answer.errors) if answer.errors else None,
        "conflicts": [remark for remark in every if remark.is_conflict],
        "warnings": sum(remark.is_warning for remark in [*general, *every]),
        "remarks": general,
        "loci": loci,
    }


def locus_context(bench: Workbench, typing: LocusTyping) -> Context:
    """The values of a locus, and what the reading remarks."""
    pairs = typing.alternatives
    found = [
        (number, bench.interpreter.of_text(typing.locus, text))
        for number, pair in enumerate(pairs[:GENOTYPES_SHOWN], 1)
        for text in pair
        if text
    ]
    return {
        "locus": typing.locus,
        "values": [value_context(json) | {"genotype": number} for number, json in found],
        "genotypes": len(pairs),
        "genotypes_cut": max(0, len(pairs) - GENOTYPES_SHOWN),
        "half": typing.kind == "single",
        "remarks": remarks([*typing.notes, *doubts(json for _number, json in found)]),
        "facts": [],
    }


def value_context(json: Mapping[str, Any]) -> Context:
    """One value."""
    return {
        "canonical": json["canonical"],
        "kind": KIND.get(json["kind"], json["kind"]),
        "p_groups": names(json["p_groups"]),
        "antigens": [
            {"level": LEVEL[level], "names": names(found)}
            for level, found in json["antigens"].items()
            if found
        ],
        "expressed": expressed(json),
        "ambiguous": json["ambiguous"],
        "null_possible": names(json["null_possible"]),
    }


def names(found: list[str]) -> Context:
    """The first names; the others to unfold."""
    more = found[NAMES_SHOWN:]
    return {
        "text": ", ".join(found[:NAMES_SHOWN]),
        "more": len(more),
        "rest": ", ".join(more[:NAMES_UNFOLDED]),
        "cut": max(0, len(more) - NAMES_UNFOLDED),
    }


def expressed(json: Mapping[str, Any]) -> dict[str, str]:
    """A word and its tone."""
    if json["expressed"] is None:
        return {"text": _("not known"), "tone": ""}
    if not json["expressed"]:
        return {"text": _("not expressed"), "tone": "warn"}
    if json["ambiguous"]:
        return {"text": _("several proteins possible"), "tone": "maybe"}
    return {"text": _("one protein"), "tone": "good"}


def add_person_facts(bench: Workbench, reading: Reading, loci: list[Context]) -> None:
    """What only both values of a locus together tell: T-cell-epitope group of DPB1, leader of B."""
    for locus in loci:
        if locus["locus"] == TCE_LOCUS:
            found = bench.dpb1(reading, reading)
            if groups := tce_groups(found.patient_groups):
                person = {"label": _("T-cell-epitope group"), "value": tce_person(found.patient_group)}
                locus["facts"] = [{**person, "note": groups}]
        elif locus["locus"] == LEADER_LOCUS:
            leader = leader_text(bench.leader(reading))
            locus["facts"] = [{"label": _("HLA-B leader"), "value": leader, "note": ""}]


def tce_person(group: int | None) -> str:
    return _("cannot tell") if group is None else str(group)


def tce_groups(values: Iterable[TceValue]) -> str:
    """DPB1*04:01: 3 · DPB1*02:01: 3"""
    parts = [f"{value.text}: {' / '.join(filter(None, value.v2))}" for value in values if any(value.v2)]
    return " · ".join(parts).replace(PREDICTED, f" ({_('predicted')})")


def leader_text(leader: str) -> str:
    return _("cannot tell") if leader == "unknown" else leader


# --- comparison ------------------------------------------------------------------------------------


def compared(bench: Workbench, pair: Pair, texts: Mapping[str, str]) -> Context:
    """Context of matching/_workbench_pair.html. texts: patient and unit as given."""
    readings = {"patient": pair.patient, "unit": pair.unit}
    sides = [side_context(side, texts[side], reading) for side, reading in readings.items()]
    context: Context = {"sides": sides, "failed": any(side["unreadable"] for side in sides)}
    if context["failed"]:
        return context | {"summary": _("The typings cannot be compared yet.")}
    evidence = {locus: stored(counts) for locus, counts in in_order(pair.json["loci"])}
    classes = pair.json["classes"]
    return context | {
        "summary": _("Compared: %(counts)s.") % {"counts": f"{span(*classes['antigen6'].values())}/6"},
        "title": _("Why"),
        "basis": basis(bench, antigen_rule=pair.json["antigen_rule"]),
        "figures": [figure(name, pair.json) for name in classes],
        "rules": list(rules(evidence)),
        "loci": [locus_evidence(locus, found) for locus, found in evidence.items()],
        "arithmetic": [
            arithmetic(name, tuple(counts.values()), evidence) for name, counts in classes.items()
        ],
        "facts": list(facts(bench, pair)),
    }


def side_context(side: str, text: str, reading: Reading) -> Context:
    """What the reading of one side left to say."""
    found = remarks(reading.remarks)
    return {
        "side": side,
        "label": SIDE[side],
        "unreadable": unreadable(text, reading.errors) if reading.errors else None,
        "conflicts": [remark for remark in found if remark.is_conflict],
        "warnings": [remark for remark in found if remark.is_warning],
        "remarks": [remark for remark in found if remark.severity == "note"],
    }


def in_order(loci: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The loci that are searched by first."""
    yield from ((locus, loci[locus]) for locus in SEARCH_LOCI if locus in loci)
    yield from ((locus, counts) for locus, counts in loci.items() if locus not in SEARCH_LOCI)


def stored(counts: Mapping[str, Any]) -> Context:
    """A locus of hla_compare as a search stores it (matching.engine.evidence.plain)."""
    return {
        "match": [counts["matches_min"], counts["matches_max"]],
        "antigen": list(counts["antigen_matches"].values()),
        "gvh": list(counts["gvh"].values()),
        "hvg": list(counts["hvg"].values()),
        "direction": counts["direction"],
        "positions": counts["positions"],
    }


def figure(name: str, json: Mapping[str, Any]) -> Context:
    """One class: the certain and the possible matches, and who can see the mismatches."""
    counts = span(*json["classes"][name].values())
    direction = json["directions"][name]
    word = {"direction": UNIT_DIRECTION[direction]}
    note = _("no mismatch") if direction == "matched" else _("Direction: %(direction)s") % word
    return {"value": f"{counts}/{CLASS_SIZE[name]}", "label": MatchClass(name).label, "note": note}


def rules(evidence: Mapping[str, Context]) -> Iterator[dict[str, Any]]:
    """The loci that match in one sentence, then a sentence for every position that may not."""
    matched = [locus for locus, found in evidence.items() if is_matched(found)]
    if matched:
        yield rule("ok", _("%(loci)s: both positions match") % {"loci": ", ".join(matched)})
    for locus, found in evidence.items():
        yield from locus_rules(locus, found)


def locus_evidence(locus: str, found: Mapping[str, Any]) -> Context:
    """Context of _components/evidence.html, with grade and reason of each position."""
    low, high = found["match"]
    return {
        "locus": locus,
        "matches": {"min": low, "max": high, "of": 2},
        "direction": LOCUS_DIRECTION[found["direction"]],
        "positions": [
            {
                "patient": position["patient"],
                "unit": position["unit"],
                "mark": mark(position),
                "grade": grade_text(position) if position["why"]["code"] != "untyped" else "",
                "reasons": [reason_text(one) for one in (position["why"], *position["remarks"])],
            }
            for position in found["positions"]
        ],
        "notes": list(locus_notes(locus, found)),
    }


def locus_notes(locus: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Matches at antigen level, and which types the other side lacks."""
    counts = {name: span(*found[name]) for name in ("antigen", "gvh", "hvg")}
    if locus not in ALLELE_IS_ANTIGEN:
        yield _("Antigen level: %(antigen)s of 2.") % counts
    if found["gvh"][1] or found["hvg"][1]:
        yield _("Types absent on the other side: patient's %(gvh)s (GvH), unit's %(hvg)s (HvG).") % counts


def facts(bench: Workbench, pair: Pair) -> Iterator[Context]:
    """Context of _components/facts.html: what stands beside the classes."""
    dpb1 = bench.dpb1(pair.patient, pair.unit)
    yield {
        "label": "DPB1",
        "value": DPB1[dpb1.verdict],
        "tone": DPB1_TONE.get(dpb1.verdict, "warn"),
        "note": dpb1_note(dpb1),
    }
    for side, reading in (("patient", pair.patient), ("unit", pair.unit)):
        label = _("HLA-B leader, patient") if side == "patient" else _("HLA-B leader, unit")
        yield {"label": label, "value": leader_text(bench.leader(reading))}


def dpb1_note(found: Dpb1Match) -> str:
    """The groups of both, where the release knows them."""
    groups = [tce_groups(found.patient_groups), tce_groups(found.unit_groups)]
    if not any(groups):
        return ""
    params = {"patient": tce_person(found.patient_group), "unit": tce_person(found.unit_group)}
    text = _("T-cell-epitope group: patient %(patient)s, unit %(unit)s") % params
    return f"{text} ({_('predicted')})" if found.in_silico else text
