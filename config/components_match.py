"""Made-up match list of the gallery: one patient, five units, every mark and every kind of range."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from matching.presenters.probabilities import line

LOCI = [
    {"locus": "A", "patient": "11:01 24:02"},
    {"locus": "B", "patient": "40:01 46:01"},
    {"locus": "C", "patient": "01:02 07:02"},
    {"locus": "DRB1", "patient": "09:01 15:01"},
    {"locus": "DQB1", "patient": "03:03 06:01"},
]
_MARKS = {"=": "allele", "?": "potential", "~": "antigen", "^": "antigen-possible", "x": "mismatch"}


def _cells(text: str) -> list[dict[str, Any]]:
    """`"=11:01 =24:02 | …"`: a mark and a typing per position, loci apart by `|`."""
    cells = []
    for locus, pair in zip(LOCI, text.split("|"), strict=True):
        first, second = ({"mark": _MARKS[word[0]], "text": word[1:]} for word in pair.split())
        cells.append({"locus": locus["locus"], "first": first, "second": second})
    return cells


def _class(low: int, high: int, of: int) -> dict[str, int]:
    return {"min": low, "max": high, "of": of}


def _dose(value: float | None, needed: float, scale: float) -> dict[str, Any]:
    return {
        "value": value,
        "text": None if value is None else f"{value:.1f}",
        "needed": needed,
        "scale": scale,
    }


def _line(size: int, *shares: float, lead: bool = False) -> dict[str, Any]:
    return {**line(size, shares), "lead": lead}


def _probability(*lines: dict[str, Any], mark: dict[str, str] | None = None) -> dict[str, Any]:
    return {"lines": list(lines), "none": "", "why": "", "mark": mark}


def _no_estimate() -> dict[str, Any]:
    why = _("No estimate: the typing is not explained by %(set)s.") % {"set": "HAN v2"}
    return {"lines": [], "none": _("no estimate"), "why": why, "mark": None}


def _row(rank: int, unit: str, classes: tuple, doses: tuple, cells: str, **more: Any) -> dict[str, Any]:
    antigen6, allele8, allele10 = (_class(*value) for value in classes)
    return {
        "rank": rank,
        "url": "#why",
        "unit": unit,
        "antigen6": antigen6,
        "allele8": allele8,
        "allele10": allele10,
        "tnc": _dose(doses[0], 2.5, 10),
        "cd34": _dose(doses[1], 1.5, 5),
        "cells": _cells(cells),
        **more,
    }


def made_up_rows() -> list[dict[str, Any]]:
    return [
        _row(
            1,
            "A9999 24 031877 B",
            ((6, 6, 6), (8, 8, 8), (10, 10, 10)),
            (6.8, 3.1),
            "=11:01 =24:02|=40:01 =46:01|=01:02 =07:02|=09:01 =15:01|=03:03 =06:01",
            meta=_("2024 · 22 mL · 3 segments"),
            abo="O+",
            probability=_probability(
                _line(6, 1, 0, 0),
                _line(8, 1, 0, 0, lead=True),
                _line(10, 1, 0, 0),
                mark={"text": _("certain"), "tone": "", "why": _("The typings leave nothing open here.")},
            ),
            tags=[{"text": _("identical ABO"), "tone": "good"}],
        ),
        _row(
            2,
            "A9999 22 018240 Y",
            ((4, 6, 6), (5, 7, 8), (7, 9, 10)),
            (8.4, 2.6),
            "=11:01 =24:02|=40:01 ?46:XX|=01:02 x01:02|=09:01 =15:01|=03:03 =06:01",
            meta=_("2022 · 23 mL · 3 segments"),
            abo="O+",
            probability=_probability(
                _line(6, 0.62, 0.31, 0.07), _line(8, 0, 0.62, 0.31, lead=True), _line(10, 0, 0.618, 0.3)
            ),
            direction=_("GvH only"),
            tags=[],
        ),
        _row(
            3,
            "A9999 19 004412 0",
            ((5, 5, 6), (7, 7, 8), (9, 9, 10)),
            (9.9, 4.0),
            "=11:01 =24:02|=40:01 =46:01|=01:02 =07:02|=09:01 ~15:02|=03:03 =06:01",
            meta=_("2019 · 24 mL · 2 segments"),
            abo="A+",
            probability=_probability(
                _line(6, 0, 1, 0), _line(8, 0, 0.997, 0.003, lead=True), _line(10, 0, 0.9, 0.098)
            ),
            direction=_("both"),
            tags=[{"text": _("minor ABO"), "tone": "warn"}],
        ),
        _row(
            4,
            "A9999 23 027001 V",
            ((4, 5, 6), (4, 7, 8), (4, 9, 10)),
            (1.9, 1.1),
            "=11:01 x02:07|=40:01 ?46:01/46:13/46:15|? ?|=09:01 =15:01|? ?",
            meta=_("2023 · 25 mL · 3 segments"),
            abo="B+",
            probability=_probability(
                _line(6, 0.12, 0.5, 0.3),
                _line(8, 0.0871, 0.41, 0.3, lead=True),
                _line(10, 0.0004, 0.22, 0.4),
                mark={
                    "text": _("estimate"),
                    "tone": "maybe",
                    "why": _(
                        "Not explained by %(set)s: estimated without linkage between class I and class II."
                    )
                    % {"set": "HAN v2"},
                },
            ),
            direction=_("unknown"),
            excluded=True,
            tags=[{"text": _("TNC too low"), "tone": "bad"}, {"text": _("RBC replete"), "tone": "warn"}],
        ),
        _row(
            5,
            "A9999 08 000381 3",
            ((3, 4, 6), (4, 5, 8), (5, 6, 10)),
            (3.4, None),
            "~11:02 =24:02|^15:XX ?46:AUJT|x08:01 =01:02|=09:01 ~15:02|=03:03 x05:02",
            meta=_("2008 · 31 mL · no segment"),
            abo="",
            probability=_no_estimate(),
            direction=_("both"),
            tags=[{"text": _("CD34 missing"), "tone": "warn"}],
        ),
    ]


def _why() -> dict[str, Any]:
    rules = [
        ("ok", _("TNC 8.4×10⁷/kg, needed 2.5"), "R3"),
        ("ok", _("CD34 2.6×10⁵/kg, needed 1.5"), "R4"),
        ("na", _("4–6/6 by antigen, floor 5/6: cannot tell before B is typed in two fields"), "R6"),
        (
            "no",
            _("C differs: the patient has C*07:02, the unit C*01:02 twice. Only the graft can see it (GvH)"),
            "R7",
        ),
        ("ok", _("Antibodies: serum of 2026-09-02, none against this unit"), "R9"),
        ("na", _("B*46:XX is potential: it may be 46:01 or another of 98 alleles"), ""),
    ]
    return {
        "title": _("Why rank 2"),
        "basis": _("policy “Non-malignant, single unit” v3 · IPD-IMGT/HLA 3.58.0"),
        "rules": [
            {"verdict": v, "text": t, "refs": [{"label": r, "url": "#why"}] if r else []} for v, t, r in rules
        ],
    }


def _evidence() -> list[dict[str, Any]]:
    def position(patient: str, unit: str, mark: str) -> dict[str, str]:
        return {"patient": patient, "unit": unit, "mark": mark}

    return [
        {
            "locus": "B",
            "matches": _class(1, 2, 2),
            "positions": [
                position("B*40:01", "B*40:01", "allele"),
                position("B*46:01", "B*46:XX", "potential"),
            ],
            "notes": [_("46:XX holds 46:01, the patient's allele, and 97 others.")],
        },
        {
            "locus": "C",
            "matches": _class(1, 1, 2),
            "direction": _("GvH only"),
            "positions": [
                position("C*01:02", "C*01:02", "allele"),
                position("C*07:02", "C*01:02", "mismatch"),
            ],
            "notes": [],
        },
        {
            "locus": "DRB1",
            "matches": _class(1, 1, 2),
            "direction": _("both"),
            "positions": [
                position("DRB1*09:01", "DRB1*09:01", "allele"),
                position("DRB1*15:01", "DRB1*15:02", "antigen"),
            ],
            "notes": [_("15:01 and 15:02 share the antigen DR15.")],
        },
    ]


def parts() -> dict[str, Any]:
    return {
        "loci": LOCI,
        "rows": made_up_rows(),
        "bars": [98, 50, 0, None],
        "why": _why(),
        "evidence": _evidence(),
        "typed": [
            {"locus": "A", "first": "A*11:01", "second": "A*24:02"},
            {"locus": "B", "first": "B*40:01:01G", "second": "B*46:01/B*46:13"},
            {"locus": "C", "first": "", "second": ""},
            {"locus": "DRB1", "first": "DRB1*09:01", "second": ""},
        ],
        "kpis": [
            {"value": "3", "label": _("6/6 antigen"), "note": _("1 certain")},
            {"value": "214", "label": _("5/6 antigen"), "note": _("87 certain")},
            {"value": "6,903", "label": _("4/6 antigen"), "note": _("2,911 certain")},
            {"value": "1 · 9", "label": _("8/8 · 7/8 allele"), "url": "#match"},
            {"value": "41", "label": _("typed at A, B and DRB1 only"), "tone": "warn"},
            {"value": "38 ms", "label": _("20,117 units searched"), "note": "14:02:11"},
        ],
    }
