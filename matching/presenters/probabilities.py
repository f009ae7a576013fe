"""Match probabilities as people read them: whole per cents, what an estimate rests on, whose sets were used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hla.loci import SEARCH_LOCI
from matching.choices import SIZES, WEAK_BASES, Basis
from matching.match_list import lead_size, predicted_sizes
from matching.models import SearchResult, SearchRun
from matching.pair_details import PairDetails
from matching.shares import (
    class_shares,
    class_span,
    doubted,
    is_certain,
    is_estimate,
    locus_shares,
    patient_basis,
    shares_of,
    told,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Json = Mapping[str, Any]
SMALL, LARGE = 0.005, 0.995  # what would be rounded to 0 and 100 without being so
FEW_POINTS = 0.1  # gains below are written with two decimals


def percent_text(share: float | None) -> str:
    """62 %; <1 % and >99 % where rounding would claim what is not so; 0 % and 100 % are exact."""
    if share is None:
        return ""
    if 0 < share < SMALL:
        return "<1 %"
    if LARGE <= share < 1:
        return ">99 %"
    return f"{int(share * 100 + 0.5)} %"


def share_text(share: float) -> str:
    """A share with one decimal: 41.3 %; <0.1 % and >99.9 % where rounding would claim what is not so."""
    if 0 < share < SMALL / 10:
        return "<0.1 %"
    if 1 - SMALL / 10 <= share < 1:
        return ">99.9 %"
    return f"{share * 100:.1f} %"


def points_text(share: float) -> str:
    """A gain in points of per cent: 8.2, 0.34."""
    points = share * 100
    return f"{points:.1f}" if points >= FEW_POINTS * 10 else f"{points:.2f}"


# --- what it rests on ---------------------------------------------------------------------------


def set_name(run: SearchRun, prediction: Json) -> str:
    """The set that served a unit, "" for none."""
    sets = run.prediction.get("sets") or []
    place = prediction.get("set", -1)
    return str(sets[place]["version"]) if 0 <= place < len(sets) else ""


def basis_text(basis: str, name: str, relaxed: Sequence[str] = ()) -> str:
    """What genotypes rest on, as a sentence; name: of the set."""
    texts = {
        Basis.TYPING: _("The typing leaves one genotype: no frequencies are needed."),
        Basis.SET: _("Explained by haplotypes of %(set)s."),
        Basis.BLOCKS: _("Not explained by %(set)s: estimated without linkage between class I and class II."),
        Basis.LOCI: _("Not explained by %(set)s: estimated without linkage at %(loci)s."),
        Basis.LISTED: _(
            "Not explained by %(set)s: estimated without linkage at %(loci)s; where the set knows none of the alleles, "
            "those that the typing leaves count alike."
        ),
        Basis.NONE: _("Not explained by %(set)s: no estimate."),
    }
    return texts[Basis(basis)] % {"set": name, "loci": ", ".join(relaxed)}


def _of_unit(text: str) -> str:
    return _("Unit: %(text)s") % {"text": text}


def _of_patient(text: str) -> str:
    return _("Patient: %(text)s") % {"text": text}


def unit_basis_text(run: SearchRun, result: SearchResult) -> str:
    """Why a unit has the probabilities that it has, or none."""
    found = result.prediction
    if not found:
        return _("This search computed no probabilities.")
    if why := no_estimate_text(run, result):
        sure = all(is_certain(run, result, size) for size in asked_sizes(run))
        return _("The typings leave nothing open here.") if sure else why
    return _of_unit(basis_text(found["basis"], set_name(run, found), found.get("relaxed", ())))


def no_estimate_text(run: SearchRun, result: SearchResult) -> str:
    """Why nothing can be said of what the typings leave open; "" where something can."""
    patient = run.prediction.get("patient")
    if patient is None:
        return _("No estimate: no frequency set in use serves the patient.")
    if patient["basis"] == Basis.NONE:
        return _("No estimate: the patient's typing is not explained by %(set)s.") % {
            "set": patient_sets(run)
        }
    name = set_name(run, result.prediction)
    if not name:
        return _("No estimate: no frequency set in use serves this unit.")
    if result.prediction["basis"] == Basis.NONE:
        return _("No estimate: the typing is not explained by %(set)s.") % {"set": name}
    return ""


def estimate_text(run: SearchRun, result: SearchResult) -> str:
    """Of an estimate, whose typing is not explained, and what was given up: of the unit, the patient or both."""
    weak = (
        unit_basis_text(run, result) if result.prediction.get("basis") in WEAK_BASES else "",
        patient_basis_text(run) if patient_basis(run) in WEAK_BASES else "",
    )
    return " ".join(text for text in weak if text)


def why_text(run: SearchRun, result: SearchResult) -> str:
    """What the probabilities rest on, or why there are none: where they are estimates, why they are."""
    if no_estimate_text(run, result) or not is_estimate(run, result):
        return unit_basis_text(run, result)
    return estimate_text(run, result)


def asked_sizes(run: SearchRun) -> list[int]:
    return [size for size in SIZES if size <= 2 * len(run.criteria["loci"])]


def patient_basis_text(run: SearchRun) -> str:
    patient = run.prediction.get("patient")
    if not patient:
        return ""
    return _of_patient(basis_text(patient["basis"], patient_sets(run), patient["relaxed"]))


def patient_sets(run: SearchRun) -> str:
    """Names of the sets that served the patient."""
    count = len(run.prediction["patient"]["sets"])  # they come first
    return ", ".join(dict.fromkeys(one["version"] for one in run.prediction["sets"][:count]))


def patient_unexplained(run: SearchRun) -> bool:
    """Whether there is no estimate at all, since there is none of the patient."""
    patient = run.prediction.get("patient")
    return patient is None or patient["basis"] == Basis.NONE


def mark_of(run: SearchRun, result: SearchResult, size: int) -> dict[str, str] | None:
    """The word beside a probability: certain, estimate, or nothing."""
    if is_certain(run, result, size):
        return {"text": _("certain"), "tone": "", "why": _("The typings leave nothing open here.")}
    if is_estimate(run, result):
        return {"text": _("estimate"), "tone": "maybe", "why": estimate_text(run, result)}
    return None


# --- a row of the list --------------------------------------------------------------------------


def cell(run: SearchRun, result: SearchResult) -> dict[str, Any]:
    """Context of _components/prob_cell.html: a line per class asked, or why there is none."""
    sizes = predicted_sizes(run)
    known = {size: shares for size in sizes if (shares := class_shares(run, result, size))}
    if not known:
        return {"lines": [], "none": _("no estimate"), "why": unit_basis_text(run, result), "mark": None}
    marks = {size: mark_of(run, result, size) for size in known}
    lines = [line(size, known[size]) if size in known else unknown_line(size) for size in sizes]
    whole = len(known) == len(sizes)
    if not whole:  # a word below the lines would be read as said of all of them
        for one in lines:
            if one["size"] in known and is_certain(run, result, one["size"]):
                one["rest"] = [*one["rest"], _("certain")]
                marks[one["size"]] = None
    return {
        "lines": [one | {"lead": one["size"] == lead_size(run)} for one in lines],
        "none": "",
        "why": "" if whole else no_estimate_text(run, result),
        "mark": marks[max(known)],  # of the class with most loci: where it is certain all of them are
    }


def unknown_line(size: int) -> dict[str, Any]:
    """A class of which nothing can be said, beside one that is certain."""
    return {
        "size": size,
        "label": f"{size}/{size}",
        "text": _("no estimate"),
        "percent": None,
        "rest": [],
    }


def line(size: int, shares: Sequence[float]) -> dict[str, Any]:
    """One class: P(0) as number and bar, then P(1) and P(2) in words."""
    rest = [f"{size - at}/{size} {percent_text(share)}" for at, share in enumerate(shares) if at]
    certain = 1.0 in shares
    return {
        "size": size,
        "label": f"{size}/{size}",
        "text": percent_text(shares[0]),
        "percent": round(shares[0] * 100),
        "rest": [] if certain and shares[0] else rest,
    }


def locus_text(run: SearchRun, result: SearchResult, locus: str) -> str:
    """Of one locus in words, where the typings leave it open: DRB1: no mismatch 62 %."""
    shares = locus_shares(run, result, locus)
    if shares is None or shares[0] in (0, 1):
        return ""
    return _("%(locus)s: no mismatch %(p)s") % {"locus": locus, "p": percent_text(shares[0])}


# --- one unit -----------------------------------------------------------------------------------


def tables(run: SearchRun, result: SearchResult) -> dict[str, Any] | None:
    """Context of matching/_prediction.html; None for a search that computed none."""
    if not result.prediction:
        return None
    return {
        "classes": class_lines(run, result),
        "loci": locus_lines(run, result),
        "reasons": [text for text in (unit_basis_text(run, result), patient_basis_text(run)) if text],
        "lost": lost_text(result.prediction.get("lost", 0.0)),
        "estimate": is_estimate(run, result),
    }


def class_lines(run: SearchRun, result: SearchResult) -> list[dict[str, Any]]:
    """A line per class; those asked of which nothing can be said have no cells."""
    found = {size: class_shares(run, result, size) for size in SIZES}
    lines = []
    for size, shares in found.items():
        if shares:
            cells = _cells(shares, size, class_span(run, result, size))
            lines.append({"label": f"{size}/{size}", "cells": cells, "mark": mark_of(run, result, size)})
        elif size in asked_sizes(run) and locus_lines(run, result):
            lines.append({"label": f"{size}/{size}", "cells": [], "mark": None})
    return lines


def locus_lines(run: SearchRun, result: SearchResult) -> list[dict[str, Any]]:
    """A line per locus; empty where nothing is known of any."""
    found = {locus: locus_shares(run, result, locus) for locus in SEARCH_LOCI}
    if not any(found.values()):
        return []
    return [
        {"label": locus, "cells": [percent_text(share) for share in shares or ()]}
        for locus, shares in found.items()
        if shares or locus in run.criteria["loci"]
    ]


def _cells(shares: Sequence[float], size: int, span: tuple[int, int] | None) -> list[str]:
    """P(0), P(1), P(2), and of more mismatches what is left."""
    left = max(0.0, 1.0 - sum(shares))
    if left < 5 * 10**-6:  # the stored ones are rounded
        left = 0.0
    return [percent_text(share) for share in (*shares, told(left, len(shares), size, size, span))]


def lost_text(lost: float) -> str:
    """What was left out of genotypes, as a sentence; "" for nothing."""
    if not lost:
        return ""
    return _("Unlikely genotypes were left out: a probability may be too low by at most %(p)s.") % {
        "p": f"{max(lost * 100, 0.01):.2f} %"
    }


def likely(genotypes: Sequence[Json], count: int, lost: float) -> dict[str, Any]:
    """The likeliest of `count` genotypes with their shares as a table: {share, alleles: {locus: [p1, p2]}}.

    lost: share of those left out. Shares were rounded: only where all are shown are they all there is.
    """
    whole = len(genotypes) == count
    together = 1.0 - lost if whole else doubted(sum(one["share"] for one in genotypes))
    loci = [locus for locus in SEARCH_LOCI if any(locus in one["alleles"] for one in genotypes)]
    return {
        "loci": loci,
        "rows": [
            {
                "share": share_text(doubted(one["share"]) if count > 1 else one["share"]),
                "pairs": [
                    {"locus": locus, "names": sorted(map(_bare, one["alleles"][locus]))} for locus in loci
                ],
            }
            for one in genotypes
        ],
        "together": share_text(together),
    }


def _bare(name: str) -> str:
    """Without its locus; what expresses nothing is a word."""
    return name.partition("*")[2] or _("none expressed")


def patient_genotypes(run: SearchRun) -> dict[str, Any] | None:
    """The likeliest genotypes of the patient; None where there is none, or but one."""
    patient = run.prediction.get("patient")
    if not patient or patient["genotypes"] < 2:
        return None
    return {
        **likely(patient["likely"], patient["genotypes"], patient["lost"]),
        "count": f"{patient['genotypes']:,}",
        "reason": patient_basis_text(run),
        "lost": lost_text(patient["lost"]),
    }


# --- one pair, on demand ------------------------------------------------------------------------


def details(run: SearchRun, found: PairDetails, result: SearchResult) -> dict[str, Any]:
    """Context of matching/_pair_details.html."""
    classes = {
        size: shares_of(shares, size, _span_now(run, found, result, size))
        for size, shares in found.classes.items()
    }
    sizes = list(classes)
    last = max((at for shares in classes.values() for at, share in enumerate(shares) if share), default=-1)
    return {
        "sizes": [f"{size}" for size in sizes],
        "rows": [
            {
                "mismatches": count,
                "cells": [
                    {
                        "label": f"{size - count}/{size}",
                        "text": precise_text(classes[size][count]),
                        "percent": round(classes[size][count] * 100),
                    }
                    if count <= size
                    else None
                    for size in sizes
                ],
            }
            for count in range(last + 1)
        ],
        "lost": lost_text(found.lost),
        "unit": likely(found.unit.likely, found.unit.genotypes, found.unit.lost)
        if found.unit.genotypes > 1
        else None,
        "unit_count": f"{found.unit.genotypes:,}",
        "reasons": [
            _of_unit(basis_text(found.unit.basis, names_of(found.unit.sets), found.unit.relaxed)),
            _of_patient(basis_text(found.patient.basis, names_of(found.patient.sets), found.patient.relaxed)),
        ],
        "changes": [str(CHANGES[code]) for code in found.changed],
    }


def _span_now(run: SearchRun, found: PairDetails, result: SearchResult, size: int) -> tuple[int, int] | None:
    """Certain and possible matches today: those of the search, unless what they rest on was changed."""
    if not {"unit", "reference"} & {*found.changed}:
        return class_span(run, result, size)
    return None if found.unit.basis == found.patient.basis == Basis.TYPING else (0, size)


def names_of(sets: Iterable[Json]) -> str:
    return ", ".join(dict.fromkeys(one["version"] for one in sets))


def precise_text(share: float) -> str:
    """With two decimals: 12.34 %; 0 % only of what cannot be, 100 % of what must."""
    if 0 < share < SMALL / 100:
        return "<0.01 %"
    if 1 - SMALL / 100 <= share < 1:
        return ">99.99 %"
    return f"{share * 100:.2f} %" if 0 < share < 1 else percent_text(share)


CHANGES: Mapping[str, StrPromise] = {
    "sets": gettext_lazy("Other frequency sets are in use than at the search."),
    "reference": gettext_lazy("Another nomenclature or code table is in use than at the search."),
    "unit": gettext_lazy("The typing of the unit was changed since the search."),
}


# --- the head of the list -----------------------------------------------------------------------
