"""Interpretations and comparisons as aligned text for a terminal."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from hla.builtin import RELEASE as BUILTIN

Json = dict[str, Any]

WIDTH: Final = 100
LABEL: Final = 15  # columns that a label takes
NAMES_SHOWN: Final = 12
CLASSES: Final = {
    "antigen6": "antigen n/6 (A, B antigen; DRB1 allele)",
    "allele6": "allele  n/6 (A, B, DRB1)",
    "allele8": "allele  n/8 (A, B, C, DRB1)",
    "allele10": "allele n/10 (A, B, C, DRB1, DQB1)",
}
SIZES: Final = {"antigen6": 6, "allele6": 6, "allele8": 8, "allele10": 10}
KINDS: Final = {
    "xx": "family (XX)",
    "mac": "multiple allele code",
    "list": "allele list",
    "g_group": "G group",
    "p_group": "P group",
    "absent": "absent gene",
    "unknown": "not known",
    "serology": "antigen",
}


def release_name(release: str) -> str:
    """How a release is called in a sentence."""
    if release == BUILTIN:
        return "built-in nomenclature: no release is loaded (--release PATH), antigens go by the first field"
    return f"IPD-IMGT/HLA {release}"


def explained(answer: Json) -> str:
    """Text of an interpretation (hla.interpret)."""
    if "error" in answer:
        return "\n".join([answer["input"] or "(nothing)", *errors(answer["errors"])])
    lines = [answer["input"]]
    values = answer.get("values", [])
    if len(values) != 1 and "values" in answer:
        lines += labelled("read as", answer["canonical"] or "not typed at any locus")
    for value in values or [answer]:
        lines += value_lines(value, beside=bool(values))
    lines += [line for note in answer["notes"] for line in labelled("note", note)]
    lines += labelled("release", release_name(answer["release"]))
    return "\n".join(lines)


def value_lines(value: Json, *, beside: bool) -> Iterator[str]:
    """One value; `beside` others it has its name as a heading."""
    if beside:
        yield f"  {value['canonical']}"
    kind = KINDS.get(value["kind"], value["kind"])
    read_as = "" if value["canonical"] in ("", value["input"]) else f", read as {value['canonical']}"
    yield from labelled("what", f"HLA-{value['locus']}, {kind}{read_as}")
    yield from labelled("P groups", names(value["p_groups"]) or "none")
    yield from labelled("antigens", antigens(value["antigens"]) or "none")
    yield from labelled("expressed", expression(value))
    if value["null_possible"]:
        yield from labelled("could be null", names(value["null_possible"]))


def expression(value: Json) -> str:
    if value["expressed"] is None:
        return "not known"
    if not value["expressed"]:
        return "no"
    return "yes; more than one P group is possible" if value["ambiguous"] else "yes"


def antigens(levels: dict[str, list[str]]) -> str:
    return "; ".join(f"{level} {', '.join(found)}" for level, found in levels.items() if found)


def names(found: Sequence[str]) -> str:
    """The first names, and how many there are in all."""
    more = f", … ({len(found)} in all)" if len(found) > NAMES_SHOWN else ""
    return ", ".join(found[:NAMES_SHOWN]) + more


def errors(found: Iterable[Json]) -> Iterator[str]:
    """What could not be read, where, and what to write instead."""
    for error in found:
        side = f"{error['side']}, " if "side" in error else ""
        locus = f"HLA-{error['locus']}" if error["locus"] else "locus not known"
        place = "" if error["position"] is None else f", character {error['position'] + 1}"
        yield from labelled("cannot be read", f"{side}{locus}{place}: {error['message']}")
        yield from labelled("instead", error["hint"])


def labelled(label: str, text: str) -> list[str]:
    """A label and its text, broken into lines that stand below each other."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"    {label:<{LABEL}}",
        subsequent_indent=" " * (LABEL + 4),
        break_on_hyphens=False,
    )


def compared(answer: Json) -> str:
    """Text of a comparison (hla.comparison)."""
    if "error" in answer:
        return "\n".join(["Cannot be compared.", *errors(answer["errors"])])
    lines = [f"{'class':<42}matches  direction"]
    for name, title in CLASSES.items():
        count = f"{span(answer['classes'][name])}/{SIZES[name]}"
        lines.append(f"  {title:<40}{count:<9}{answer['directions'][name]}")
    lines += ["", f"{'locus':<8}{'matches':<9}{'antigen':<9}{'GvH':<6}{'HvG':<6}direction"]
    for locus, counts in answer["loci"].items():
        lines += locus_lines(locus, counts)
    leaders = answer["b_leader"]
    lines += ["", *labelled("DPB1", answer["dpb1"])]
    lines += labelled("B leader", f"patient {leaders['patient']}, unit {leaders['unit']}")
    for conflict in answer["conflicts"]:
        lines += labelled("CONFLICT", f"{conflict['side']}, HLA-{conflict['locus']}: {conflict['text']}")
    for side, notes in answer["notes"].items():
        lines += [line for note in notes for line in labelled(f"note, {side}", note)]
    lines += labelled("antigen rule", answer["antigen_rule"])
    lines += labelled("release", release_name(answer["release"]))
    return "\n".join(lines)


def locus_lines(locus: str, counts: Json) -> Iterator[str]:
    """The counts of a locus, and below them its two positions."""
    matches = span({"min": counts["matches_min"], "max": counts["matches_max"]})
    cells = [span(counts[key]) for key in ("antigen_matches", "gvh", "hvg")]
    yield (f"{locus:<8}{matches:<9}{cells[0]:<9}{cells[1]:<6}{cells[2]:<6}{counts['direction']}")
    for position in counts["positions"]:
        pair = f"{position['patient'] or '(unknown)'} : {position['unit'] or '(unknown)'}"
        judged = f"{position['grade']}, {position['confidence']}"
        reasons = " ".join(why["text"] for why in (position["why"], *position["remarks"]))
        yield from textwrap.wrap(
            f"{pair}  {judged}. {reasons}",
            WIDTH,
            initial_indent="    ",
            subsequent_indent="        ",
            break_on_hyphens=False,
        )


def span(counts: dict[str, int]) -> str:
    """One number, or from–to."""
    low, high = counts["min"], counts["max"]
    return str(high) if low == high else f"{low}–{high}"
