"""Columns of a stranger's file to ours: proposals by the likeness of names, English and Chinese, and the renaming."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from bank.imports.columns import HLA_COLUMNS, MOTHER_COLUMNS, NAMES, SEROLOGY_COLUMNS, SEROLOGY_LOCI
from bank.imports.counts import SCALED
from bank.imports.errors import Finding
from bank.imports.raw import RawFile
from hla.loci import LOCI

LEFT_OUT = ""
TARGETS: tuple[str, ...] = (*NAMES, *SCALED)
MAX_HEADING = 120
LIKE_ENOUGH = 0.84

# What others call our columns, besides their own names; compared without case, spaces and signs.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "unit_no": (
        "unit", "unit number", "unit id", "cbu id", "cbu number", "cord id", "cord blood unit", "id", "local id",
        "sample id", "编号", "脐带血编号", "脐血编号", "样本编号", "库存编号", "单位编号", "样品编号",
    ),
    "bank": ("bank code", "cord blood bank", "cbb", "血库", "脐血库", "库代码"),
    "din": ("isbt din", "donation identification number", "isbt 128", "献血编号", "捐献编号", "捐献识别号"),
    "collected_on": (
        "collection date", "date of collection", "coll date", "collected", "birth date", "采集日期", "采集时间",
        "出生日期",
    ),
    "sex": ("gender", "infant sex", "baby sex", "性别", "婴儿性别"),
    "grid": ("global registration identifier", "donor grid", "全球供者编号"),
    "abo": ("blood group", "abo group", "blood type", "血型", "abo血型"),
    "rh": ("rhesus", "rhd", "rh d", "rh factor", "rh血型", "rh因子"),
    "population": ("ethnicity", "ethn", "race", "民族", "人群", "种族"),
    "volume_ml": ("volume", "vol", "volume frozen", "vol frzn", "frozen volume ml", "体积", "冻存体积", "冻存体积ml"),
    "cd34_e6": (
        "cd34", "cd34+", "cd34 e6", "cd34 x10^6", "cd34 count", "cd34pc", "cd34pc frzn", "cd34细胞", "cd34+细胞数",
        "cd34阳性细胞数",
    ),
    "segments": ("attached segments", "att seg", "number of segments", "血辫", "血辫数", "血辫数量", "留样管"),
    "status": ("availability", "state", "状态", "库存状态"),
    "red_cells": ("rbc", "rbc depletion", "red cell depletion", "红细胞", "去红细胞"),
    "processing_method": ("processing", "proc meth", "method of processing", "制备方法", "分离方法", "处理方法"),
    "cfu_e5": ("cfu", "cfu e5", "cfu x10^5", "集落", "集落形成单位"),
    "viability_percent": ("viability", "viability %", "cell viability", "活率", "细胞活率", "有核细胞活率"),
    "cd34_viability_percent": ("cd34 viability", "cd34活率"),
    "haematocrit_percent": ("haematocrit", "hematocrit", "hct", "红细胞压积"),
    "haemoglobinopathy": ("hemoglobinopathy", "hemo status", "血红蛋白病", "地中海贫血", "地贫"),
    "haemoglobinopathy_method": ("hemoglobinopathy method", "血红蛋白病方法"),
    "haemoglobinopathy_on": ("hemoglobinopathy date", "血红蛋白病检测日期"),
}  # fmt: skip
_TYPED = frozenset({*HLA_COLUMNS, *SEROLOGY_COLUMNS, *MOTHER_COLUMNS})  # never by mere likeness
_TNC = (
    "tnc",
    "totalnucleatedcells",
    "nucleatedcells",
    "wbc",
    "有核细胞总数",
    "有核细胞数",
    "有核细胞",
    "总有核细胞",
)
_POWERS = (
    ("tnc_e8", re.compile(r"(?:e|10\^?|10\*\*)8(?!\d)")),
    ("tnc_e7", re.compile(r"(?:e|10\^?|10\*\*)7(?!\d)")),
)
_LOCUS = re.compile(
    r"(?:hla)?(drb1|drb3|drb4|drb5|dqa1|dqb1|dpa1|dpb1|a|b|c|dr|dq)(ser|serology|血清)?(?:allele|typ|type|field|等位基因)?(1|2|i|ii)"
)
_SHORT_LOCI = {"dr": "DRB1", "dq": "DQB1"}
_SUPERSCRIPTS = str.maketrans("⁵⁶⁷⁸", "5678")


def plain_heading(text: str) -> str:
    """Without case, spaces and signs: "HLA-A (1)" -> "hlaa1"."""
    folded = unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS)).lower()
    return "".join(character for character in folded if character.isalnum())


_KNOWN: Mapping[str, str] = {
    **{plain_heading(alias): column for column, aliases in ALIASES.items() for alias in aliases},
    **{plain_heading(name): name for name in TARGETS},
}


def propose(headings: Sequence[str]) -> list[str]:
    """A column of ours for each heading, LEFT_OUT where none is like it; the likest first, none twice."""
    found = [_likest(heading) for heading in headings]
    ranked = sorted(range(len(found)), key=lambda place: -found[place][1])
    chosen = [LEFT_OUT] * len(found)
    for place in ranked:
        column = found[place][0]
        if column not in chosen:
            chosen[place] = column
    return chosen


def _likest(heading: str) -> tuple[str, float]:
    """A column and how sure it is, up to 1."""
    plain = plain_heading(heading[:MAX_HEADING])
    if plain in _KNOWN:
        return _KNOWN[plain], 1.0
    if typed := _typing(plain):
        return typed, 0.99
    if plain.startswith(_TNC):
        return _tnc(heading), 0.98
    digits = _digits(plain)
    scored = (
        (SequenceMatcher(None, plain, known).ratio(), column)
        for known, column in _KNOWN.items()
        if _digits(known) == digits and column not in _TYPED
    )
    score, column = max(scored, default=(0.0, LEFT_OUT))
    return (column, score) if score >= LIKE_ENOUGH and len(plain) > 3 else (LEFT_OUT, 0.0)


def _digits(text: str) -> str:
    """What differs in a digit is another locus, position or power, however like it looks."""
    return "".join(character for character in text if character.isdigit())


def _typing(plain: str) -> str:
    found = _LOCUS.fullmatch(plain)
    if found is None:
        return LEFT_OUT
    locus = _SHORT_LOCI.get(found[1], found[1].upper())
    serological = bool(found[2]) or found[1] in _SHORT_LOCI
    position = {"i": "1", "ii": "2"}.get(found[3], found[3])
    if locus not in LOCI or (serological and locus not in SEROLOGY_LOCI):
        return LEFT_OUT
    return f"{locus}_ser_{position}" if serological else f"{locus}_{position}"


def _tnc(heading: str) -> str:
    """Only where the heading says in which power of ten: a guess would be a factor of ten."""
    plain = unicodedata.normalize("NFKC", heading.translate(_SUPERSCRIPTS)).lower().replace(" ", "")
    return next((column for column, power in _POWERS if power.search(plain)), LEFT_OUT)


def fits(mapping: Mapping[str, str], headings: Sequence[str]) -> bool:
    """Whether a kept mapping knows every heading."""
    return all(heading in mapping for heading in headings)


def renamed(raw: RawFile, mapping: Mapping[str, str]) -> RawFile:
    """The file under our names; headings that the mapping does not know stay, those that it leaves out go."""
    kept = [place for place, heading in enumerate(raw.header) if mapping.get(heading, heading) != LEFT_OUT]
    left = [heading for place, heading in enumerate(raw.header) if place not in set(kept)]
    raw.names = {
        mapping[heading].lower(): heading
        for heading in raw.header
        if mapping.get(heading, heading) not in (LEFT_OUT, heading)
    } | raw.names
    width = len(raw.header)
    raw.header = [mapping.get(raw.header[place], raw.header[place]) for place in kept]
    raw.found |= {
        line: [Finding(line, "", "cells_count", {"given": len(cells), "expected": width})]
        for line, cells in raw.rows
        if len(cells) != width
    }
    raw.rows = [
        (line, [cells[place] if place < len(cells) else "" for place in kept]) for line, cells in raw.rows
    ]
    raw.ignored = (*raw.ignored, *(heading[:60] for heading in left))
    return raw
