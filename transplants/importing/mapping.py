"""Columns of a stranger's list to ours: proposals by the likeness of names, English and Chinese, and the renaming."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final

from bank.imports.errors import FileError
from bank.imports.mapping import LEFT_OUT, LIKE_ENOUGH, MAX_HEADING, plain_heading, renamed
from bank.imports.raw import RawFile
from transplants.importing.columns import NAMES, NEEDED

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "hospital": ("hospital code", "centre", "center", "transplant center", "医院", "医院代码", "移植中心"),
    "patient": ("patient code", "patient id", "crid", "pseudonym", "患者编号", "病人编号", "患者代码"),
    "sequence": ("transplant number", "hct number", "nth transplant", "移植次数", "第几次移植"),
    "infused_on": (
        "day 0", "day0", "transplant date", "date of transplant", "hct date", "infusion date", "移植日期", "输注日期",
        "回输日期",
    ),
    "graft_type": ("graft", "graft source", "移植物", "移植类型"),
    "diagnosis": ("disease", "primary disease", "诊断", "疾病"),
    "icd10": ("icd", "icd-10", "icd 10 code", "icd10编码"),
    "stage": ("disease stage", "disease status", "疾病状态", "疾病分期"),
    "age_years": ("age", "age at transplant", "年龄", "移植年龄"),
    "birth_date": ("date of birth", "dob", "birth day", "出生日期"),
    "sex": ("gender", "性别"),
    "weight_kg": ("weight", "body weight", "体重", "体重kg"),
    "unit_1": ("unit", "unit no", "cord blood unit", "脐带血编号", "脐血编号"),
    "tnc_e7_per_kg_1": ("tnc_e7_per_kg",),
    "cd34_e5_per_kg_1": ("cd34_e5_per_kg",),
    "antigen6_1": ("antigen6",),
    "allele8_1": ("allele8",),
    "own_1": ("own", "is own"),
    "intensity": ("conditioning intensity", "预处理强度"),
    "conditioning": ("conditioning regimen", "预处理", "预处理方案"),
    "prophylaxis": ("gvhd prophylaxis", "gvhd预防"),
    "risk_index": ("dri", "disease risk index"),
    "karnofsky": ("kps", "lansky", "karnofsky score"),
    "hct_ci": ("hctci", "comorbidity index"),
    "tbi_gy": ("tbi", "tbi dose"),
    "status": ("vital status", "survival status", "生存状态", "结局"),
    "last_contact_on": (
        "last contact", "date of last contact", "last follow up", "death date", "date of death", "末次随访日期",
        "死亡日期",
    ),
    "followed_months": ("months followed", "follow up months", "随访月数"),
    "cause": ("cause of death", "primary cause of death", "死因", "死亡原因"),
    "neutrophils_on": ("anc engraftment date", "neutrophil engraftment date", "粒细胞植入日期"),
    "neutrophils_days": ("days to neutrophils", "anc days", "粒细胞植入天数"),
    "platelets_on": ("platelet engraftment date", "血小板植入日期"),
    "platelets_days": ("days to platelets", "血小板植入天数"),
    "acute_grade": ("agvhd grade", "acute gvhd grade", "急性gvhd分级"),
    "acute_on": ("agvhd date", "acute gvhd date", "急性gvhd日期"),
    "chronic": ("cgvhd", "chronic gvhd", "慢性gvhd"),
    "chronic_on": ("cgvhd date", "chronic gvhd date", "慢性gvhd日期"),
    "relapse": ("relapsed", "relapse or progression", "复发"),
    "relapse_on": ("relapse date", "date of relapse", "复发日期"),
    "graft_failure_on": ("graft failure date", "植入失败日期"),
}  # fmt: skip
_KNOWN: Mapping[str, str] = {
    **{plain_heading(alias): column for column, aliases in ALIASES.items() for alias in aliases},
    **{plain_heading(name): name for name in NAMES},
}


def propose(headings: Sequence[str]) -> list[str]:
    """A column of ours for each heading, LEFT_OUT where none is like it; the likest first, none twice."""
    found = [_likest(heading) for heading in headings]
    chosen = [LEFT_OUT] * len(found)
    for place in sorted(range(len(found)), key=lambda place: -found[place][1]):
        column = found[place][0]
        if column not in chosen:
            chosen[place] = column
    return chosen


def _likest(heading: str) -> tuple[str, float]:
    plain = plain_heading(heading[:MAX_HEADING])
    if plain in _KNOWN:
        return _KNOWN[plain], 1.0
    digits = [character for character in plain if character.isdigit()]
    scored = (
        (SequenceMatcher(None, plain, known).ratio(), column)
        for known, column in _KNOWN.items()
        if [character for character in known if character.isdigit()] == digits
    )
    score, column = max(scored, default=(0.0, LEFT_OUT))
    return (column, score) if score >= LIKE_ENOUGH and len(plain) > 3 else (LEFT_OUT, 0.0)


def named(raw: RawFile, mapping: Mapping[str, str]) -> RawFile:
    """The rows under our names. Raises FileError: column_unknown, column_twice, columns_needed."""
    raw = renamed(raw, mapping) if mapping else raw
    header = [name.strip().lower() for name in raw.header]
    for place, name in enumerate(header):
        if name not in NAMES:
            heading = raw.header[place][:40]
            raise FileError("column_unknown", line=1, column=heading, name=heading, known=", ".join(NAMES))
        if name in header[:place]:
            raise FileError("column_twice", line=1, column=name, name=name)
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise FileError("columns_needed", line=1, needed=", ".join(missing))
    raw.header = header
    return raw
