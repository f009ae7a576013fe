"""The proposal with which a bank begins its release specification; every number is a row that it edits.

Sources as in the domain notes (workflow 1.1): the label of a licensed cord blood, 21 CFR 1271, and the NetCord-FACT
standards, whose numbers after processing could not be read in the original and are marked unconfirmed.
"""

from __future__ import annotations

from typing import Any, Final

from bank.choices import (
    Analyte,
    Comparison,
    CriterionKind,
    CultureKind,
    MarkerTest,
    MeasureUnit,
    Subject,
    TimePoint,
)

FDA_LABEL: Final = "HEMACORD label (FDA)"
CFR_MARKERS: Final = "21 CFR 1271.85; FDA, Donor screening for HPC, Cord Blood"
FACT: Final = "NetCord-FACT International Cord Blood Standards"
FACT_SEGMENT: Final = "NetCord-FACT, 6th edition, post-thaw segment"
_K, _T, _A = CriterionKind, TimePoint, Analyte
NEGATIVE: Final = ["negative"]


def _measured(
    point: TimePoint, analyte: Analyte, threshold: float, unit: MeasureUnit, reference: str, **more: Any
) -> dict[str, Any]:
    return {
        "kind": _K.MEASUREMENT,
        "time_point": point,
        "analyte": analyte,
        "comparison": Comparison.AT_LEAST,
        "threshold": threshold,
        "measure_unit": unit,
        "reference": reference,
        "may_be_excepted": True,
        **more,
    }


def _marker(subject: Subject, test: MarkerTest, allowed: list[str]) -> dict[str, Any]:
    return {"kind": _K.MARKER, "subject": subject, "test": test, "allowed": allowed, "reference": CFR_MARKERS}


PROPOSAL: Final[tuple[dict[str, Any], ...]] = (
    {"kind": _K.CONSENT, "reference": "21 CFR 1271; FACT"},
    {"kind": _K.ELIGIBILITY, "reference": "21 CFR 1271.50", "may_be_excepted": True},
    _measured(_T.PROCESSING, _A.TNC, 50, MeasureUnit.E7, FDA_LABEL),
    _measured(_T.PROCESSING, _A.CD34_VIABLE, 1.25, MeasureUnit.E6, FDA_LABEL),
    _measured(_T.PROCESSING, _A.VIABILITY, 80, MeasureUnit.PERCENT, FACT, unconfirmed=True),
    _measured(_T.PROCESSING, _A.CD34_VIABILITY, 85, MeasureUnit.PERCENT, FACT, unconfirmed=True),
    _measured(_T.PROCESSING, _A.CFU, 0.01, MeasureUnit.E5, FACT, unconfirmed=True),
    *(
        _marker(Subject.MOTHER, test, NEGATIVE)
        for test in (
            MarkerTest.ANTI_HIV_12,
            MarkerTest.HIV_1_NAT,
            MarkerTest.HBS_AG,
            MarkerTest.ANTI_HCV,
            MarkerTest.HCV_NAT,
            MarkerTest.ANTI_HTLV,
            MarkerTest.SYPHILIS,
        )
    ),
    # most adults carry CMV antibodies, and anti-HBc is told, not excluded by itself: these have to be known
    _marker(Subject.MOTHER, MarkerTest.ANTI_HBC, []),
    _marker(Subject.MOTHER, MarkerTest.CMV, []),
    {"kind": _K.CULTURE, "test": CultureKind.BACTERIAL, "allowed": ["no_growth"], "reference": FACT},
    {"kind": _K.CULTURE, "test": CultureKind.FUNGAL, "allowed": ["no_growth"], "reference": FACT},
    {
        "kind": _K.HAEMOGLOBINOPATHY,
        "allowed": ["not_found", "trait"],
        "reference": FACT,
        "may_be_excepted": True,
    },
    {"kind": _K.BLOOD_GROUP, "reference": FACT},
    *({"kind": _K.TYPING, "test": locus, "reference": FDA_LABEL} for locus in ("A", "B", "DRB1")),
    {"kind": _K.SEGMENTS, "threshold": 2, "reference": FACT, "unconfirmed": True, "may_be_excepted": True},
    {"kind": _K.STORED, "reference": FACT},
)
